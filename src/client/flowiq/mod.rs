//! FlowIQ, the conversations API of Flowapt: the history of a WhatsApp number, and its contacts.
//!
//! Two pages describe it and contradict each other: the overview calls parameters and fields
//! otherwise than the reference. We send the reference's names and read both.

mod payload;
mod simulator;
#[cfg(test)]
mod tests;

use jiff::civil::Date;

pub use payload::{Contact, Contacts, Found, Message, Messages, Pagination};

use super::{
    Api, Arguments, Auth, Body, Credential, Endpoint, Kind, Paging, Parameter, Problem, Response,
    unchecked,
};
use crate::lenient;

/// FlowIQ.
pub const API: Api = Api {
    name: "flowiq",
    summary: "Conversations and contacts of a WhatsApp number at FlowIQ.",
    base_url: Some("https://api.flowiq.live"),
    credentials: &[
        Credential { name: "token", summary: "The bearer token, from Settings, API Keys." },
        Credential { name: "tenantId", summary: "The tenant's id, from Settings." },
    ],
    endpoints: ENDPOINTS,
    problem,
    simulator: simulator::new,
};

/// As long as a text in a URL may be; the document names no limit.
const TEXT: Kind = Kind::Text(4_096);

const AUTH: Auth = Auth::Bearer("token");

const TENANT: Parameter = Parameter::query("tenantId", TEXT, "The tenant's id.").required();

const NUMBER: Parameter = Parameter::query(
    "whatsappNumber",
    Kind::Text(64),
    "The customer's number, in any form: `+27 12 345 6789` is `27123456789`.",
);

const PAGE: Parameter =
    Parameter::query("page", Kind::Integer(1, i64::MAX), "Which page; the first is 1.");

const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        call: "messages",
        summary: "The messages of a conversation, newest first.",
        methods: &["GET"],
        path: "/conversations?action=conversation-messages",
        auth: AUTH,
        parameters: &[
            TENANT,
            NUMBER,
            Parameter::query("contactId", Kind::Uuid, "The contact's id, in place of the number."),
            Parameter::query(
                "limit",
                Kind::Integer(1, 100),
                "How many messages a page has; 10 if not given.",
            ),
            PAGE,
            Parameter::query("query", TEXT, "Words to look for, separated by commas."),
            Parameter::query("orderId", TEXT, "The id of a Shopify order to look for."),
            Parameter::query("ascending", Kind::Flag, "Oldest first."),
        ],
        body: Body::None,
        paging: Some(Paging::Number("page", "/pagination/hasNextPage")),
        check: one_contact,
        source: "FlowIQ reference, GET /conversations, action conversation-messages",
    },
    Endpoint {
        call: "contacts",
        summary: "The contacts of the tenant.",
        methods: &["GET"],
        path: "/conversations?action=contacts",
        auth: AUTH,
        parameters: &[
            TENANT,
            Parameter::query(
                "limit",
                Kind::Integer(1, 100),
                "How many contacts a page has; 50 if not given.",
            ),
            PAGE,
            Parameter::query("search", TEXT, "A part of the name or the number."),
        ],
        body: Body::None,
        paging: Some(Paging::Number("page", "/pagination/hasNextPage")),
        check: unchecked,
        source: "FlowIQ reference, GET /conversations, action contacts",
    },
    Endpoint {
        call: "contact",
        summary: "The contact with a number.",
        methods: &["GET"],
        path: "/conversations?action=find-by-phone",
        auth: AUTH,
        parameters: &[TENANT, NUMBER.required()],
        body: Body::None,
        paging: None,
        check: unchecked,
        source: "FlowIQ reference, GET /conversations, action find-by-phone",
    },
    Endpoint {
        call: "send",
        summary: "Sends a message to a contact that exists already.",
        methods: &["POST"],
        path: "/send-whatsapp",
        auth: AUTH,
        parameters: &[
            Parameter { required: false, ..TENANT },
            Parameter::field("phone_number", Kind::Text(64), "The number, as in `+27123456789`.")
                .required(),
            Parameter::field("message_type", Kind::Choice(MESSAGE_TYPES), "What is sent.")
                .required(),
            Parameter::field("text", TEXT, "The text."),
            Parameter::field("media_url", TEXT, "Where the image, video, audio or document is."),
            Parameter::field("caption", TEXT, "What stands under it."),
            Parameter::field("interactive", Kind::Json, "Buttons or a list, as Meta writes them."),
            Parameter::field("context_message_id", TEXT, "The message that this answers."),
        ],
        // The page shows no body for a location, contacts or a reaction.
        body: Body::Open,
        paging: None,
        check: unchecked,
        source: "docs.flowapt.com/flowiq-api-reference/endpoint/send-whatsapp (not in the reference)",
    },
];

const MESSAGE_TYPES: &[&str] = &[
    "text",
    "image",
    "video",
    "audio",
    "document",
    "location",
    "contacts",
    "interactive",
    "reaction",
];

fn one_contact(arguments: &Arguments, _: Date) -> Result<(), String> {
    let given = |name| arguments.get(name).is_some_and(|it| !it.trim().is_empty());
    if given("whatsappNumber") || given("contactId") {
        return Ok(());
    }
    Err("`--whatsapp-number` or `--contact-id` says whose messages".to_owned())
}

/// `{success, error, message?, details?}`; `success` counts whatever the status says.
fn problem(response: &Response) -> Option<Problem> {
    let body = response.json();
    let refused = body
        .as_ref()
        .is_some_and(|it| it.get("success").is_some_and(|it| !it.is_null() && !lenient::flag(it)));
    if response.status < 400 && !refused && body.is_some() {
        return None;
    }
    Some(response.problem(body.as_ref(), &["error", "message", "details"]))
}
