//! Flow XO: the transcripts of its conversations, and writing to whoever is in one.

mod bot;
mod payload;
mod simulator;
#[cfg(test)]
mod tests;

pub use bot::{BOT, BOTS};
pub use payload::{Conversation, Conversations, Message, messages};

use super::{
    Api, Auth, Body, Credential, Endpoint, Kind, Paging, Parameter, Problem, Response, unchecked,
};

/// Flow XO.
pub const API: Api = Api {
    name: "flowxo",
    summary: "Conversations of the bots at Flow XO.",
    base_url: Some("https://flowxo.com/api"),
    credentials: &[Credential {
        name: "token",
        summary: "The API key, which the owner of the account finds in their profile.",
    }],
    endpoints: ENDPOINTS,
    problem,
    simulator: simulator::new,
};

/// The key goes after `Bearer`: support.flowxo.com/article/289-api-authorization.
const AUTH: Auth = Auth::Bearer("token");

/// The `/` in it has no meaning of its own, so it travels as `%2F`: `id` and `id_url_encoded` are
/// both taken, and both become the same URL.
const ID: Parameter = Parameter {
    kind: Kind::Slashed,
    ..Parameter::path("id", "The conversation's `id`, or its `id_url_encoded`.")
};

const SKIP: Parameter =
    Parameter::query("skip", Kind::Integer(0, i64::MAX), "How many to leave out.");

/// No document names a maximum; 100 is taken in the wild.
const LIMIT: Parameter =
    Parameter::query("limit", Kind::Integer(1, i64::MAX), "How many at most; 25 if not given.");

const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        call: "conversations",
        summary: "The conversations of the account.",
        methods: &["GET"],
        path: "/conversations",
        auth: AUTH,
        parameters: &[
            SKIP,
            LIMIT,
            Parameter::query("start", Kind::Moment, "From this day or moment on."),
            Parameter::query("end", Kind::Moment, "Up to this day or moment."),
        ],
        body: Body::None,
        paging: Some(Paging::Skip("skip", "limit")),
        check: unchecked,
        source: "Accessing End User Conversations via API, Listing Conversations",
    },
    Endpoint {
        call: "conversation",
        summary: "One conversation.",
        methods: &["GET"],
        path: "/conversations/{id}",
        auth: AUTH,
        parameters: &[ID],
        body: Body::None,
        paging: None,
        check: unchecked,
        source: "Accessing End User Conversations via API, Listing a single conversation",
    },
    Endpoint {
        call: "messages",
        summary: "The messages of a conversation, newest first.",
        methods: &["GET"],
        path: "/conversations/{id}/messages",
        auth: AUTH,
        parameters: &[ID, SKIP, LIMIT],
        body: Body::None,
        paging: Some(Paging::Skip("skip", "limit")),
        check: unchecked,
        source: "Accessing End User Conversations via API, Listing messages of a conversation",
    },
    Endpoint {
        call: "send",
        summary: "Sends a message into a conversation.",
        methods: &["POST"],
        path: "/end_users/messages",
        auth: AUTH,
        parameters: &[
            Parameter::field("response_path", Kind::Text(1 << 20), "The conversation's `id`.")
                .required(),
            Parameter::field("type", Kind::Choice(TYPES), "What is sent.").required(),
            Parameter::field(
                "message",
                Kind::Json,
                "What that type needs: `{\"body\": \"Hi\"}` for text, \
                 `{\"type\": \"image\", \"url\": \"https://…\"}` for media.",
            )
            .required(),
        ],
        body: Body::Json,
        paging: None,
        check: unchecked,
        source: "support.flowxo.com/article/295-sending-messages-via-api",
    },
    Endpoint {
        call: "workflows",
        summary: "The flows of the account.",
        methods: &["GET"],
        path: "/workflows/simple",
        auth: AUTH,
        parameters: &[],
        body: Body::None,
        paging: None,
        check: unchecked,
        source: "support.flowxo.com/article/279",
    },
];

/// What can be sent, by article 295.
const TYPES: &[&str] = &["text", "media", "card", "card_set", "custom"];

/// No document shows an error, so that the status alone says whether there is one.
fn problem(response: &Response) -> Option<Problem> {
    if response.status < 400 {
        return None;
    }
    let body = response.json();
    Some(response.problem(body.as_ref(), &["error", "message", "errors", "details"]))
}
