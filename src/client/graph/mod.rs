//! Meta's Graph API: messages of WhatsApp, Messenger and Instagram, media, leads.
//!
//! Source: Meta's documentation of the WhatsApp Cloud API, the Messenger Platform and the Graph
//! API, named at each endpoint; the examples are those of Meta's own collection of requests.

pub mod payload;
mod rules;
mod simulator;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use jiff::civil::Date;
use serde_json::{Map, Value};

use self::payload::{Failure, Media};
use super::{
    Account, Api, Arguments, Auth, Body, Credential, Endpoint, Kind, Outgoing, Parameter, Place,
    Problem, Response, unchecked,
};

/// The API.
pub const API: Api = Api {
    name: "graph",
    summary: "Meta's Graph API: messages of WhatsApp, Messenger and Instagram, media, leads.",
    base_url: Some("https://graph.facebook.com/v25.0"),
    credentials: &[
        Credential { name: "token", summary: "An access token: a system user's, or a page's." },
        Credential { name: "phone_number_id", summary: "The WhatsApp number to send from." },
        Credential { name: "page_id", summary: "The page, or Instagram account, to send from." },
    ],
    endpoints: ENDPOINTS,
    problem,
    simulator: simulator::fresh,
};

const TOKEN: Auth = Auth::Bearer("token");

const NUMBER: Parameter = Parameter::path("phone_number_id", "The WhatsApp number's identifier.");
const MEDIA: Parameter = Parameter::path("media_id", "The identifier of the file.");
const WHATSAPP: Parameter =
    Parameter::field("messaging_product", Kind::Choice(&["whatsapp"]), "Always whatsapp.")
        .required();

const fn part(name: &'static str, summary: &'static str) -> Parameter {
    Parameter::field(name, Kind::Structure, summary)
}

const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        call: "messages",
        summary: "Sends a WhatsApp message.",
        methods: &["POST"],
        path: "/{phone_number_id}/messages",
        auth: TOKEN,
        parameters: &[
            NUMBER,
            WHATSAPP,
            Parameter::field(
                "recipient_type",
                Kind::Choice(&["individual", "group"]),
                "To one, or to a group.",
            ),
            Parameter::field("to", Kind::ANY, "To whom: a number with its country code."),
            Parameter::field("recipient", Kind::ANY, "To whom: a business-scoped user ID."),
            Parameter::field("type", Kind::Choice(rules::TYPES), "What it is; text if unsaid."),
            part("text", "The text: {\"body\": …, \"preview_url\": …}."),
            part("image", "The image: {\"id\" or \"link\": …, \"caption\": …}."),
            part("audio", "The audio: {\"id\" or \"link\": …}."),
            part("video", "The video: {\"id\" or \"link\": …, \"caption\": …}."),
            part("document", "The document: {\"id\" or \"link\": …, \"filename\": …}."),
            part("sticker", "The sticker: {\"id\" or \"link\": …}."),
            part("location", "The place: {\"latitude\": …, \"longitude\": …}."),
            part("contacts", "The contacts: [{\"name\": {\"formatted_name\": …}, …}]."),
            part("template", "The template: {\"name\": …, \"language\": {\"code\": …}, …}."),
            part("interactive", "Buttons, a list, a flow, products: {\"type\": …, …}."),
            part("reaction", "The reaction: {\"message_id\": …, \"emoji\": …}; empty removes it."),
            part("context", "What it answers to: {\"message_id\": …}."),
            Parameter::field(
                "biz_opaque_callback_data",
                Kind::Text(512),
                "Comes back with every status.",
            ),
        ],
        body: Body::Json,
        paging: None,
        check: message,
        source: "Meta, WhatsApp Cloud API: Messages \
                 <https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages>",
    },
    Endpoint {
        call: "read",
        summary: "Marks a WhatsApp message as read, and shows that an answer is being typed.",
        methods: &["POST"],
        path: "/{phone_number_id}/messages",
        auth: TOKEN,
        parameters: &[
            NUMBER,
            WHATSAPP,
            Parameter::field("status", Kind::Choice(&["read"]), "Always read.").required(),
            Parameter::field("message_id", Kind::ANY, "Which message.").required(),
            part(
                "typing_indicator",
                "Shown for 25 seconds, or until an answer: {\"type\":\"text\"}.",
            ),
        ],
        body: Body::Json,
        paging: None,
        check: message,
        source: "Meta, WhatsApp Cloud API: Mark messages as read, Typing indicators \
                 <https://developers.facebook.com/docs/whatsapp/cloud-api/typing-indicators>",
    },
    Endpoint {
        call: "media",
        summary: "Shows where a file can be fetched for the next five minutes, or deletes it.",
        methods: &["GET", "DELETE"],
        path: "/{media_id}",
        auth: TOKEN,
        parameters: &[
            MEDIA,
            Parameter::query(
                "phone_number_id",
                Kind::ANY,
                "Only if the file belongs to this number.",
            ),
        ],
        body: Body::None,
        paging: None,
        check: unchecked,
        source: "Meta, WhatsApp Cloud API: Media \
                 <https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media>",
    },
    Endpoint {
        call: "media upload",
        summary: "Uploads a file to send.",
        methods: &["POST"],
        path: "/{phone_number_id}/media",
        auth: TOKEN,
        parameters: &[
            NUMBER,
            Parameter { place: Place::Part, ..WHATSAPP },
            Parameter {
                place: Place::Part,
                ..Parameter::field("file", Kind::ANY, "`@` and the name of the file.").required()
            },
            Parameter {
                place: Place::Part,
                ..Parameter::field("type", Kind::ANY, "What it is: image/jpeg.").required()
            },
        ],
        body: Body::Multipart,
        paging: None,
        check: unchecked,
        source: "Meta, WhatsApp Cloud API: Media \
                 <https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media>",
    },
    Endpoint {
        call: "lead",
        summary: "Shows what somebody filled into a lead ad.",
        methods: &["GET"],
        path: "/{leadgen_id}",
        auth: TOKEN,
        parameters: &[
            Parameter::path("leadgen_id", "The lead, as the webhook named it."),
            Parameter::query("fields", Kind::ANY, "Which fields, separated by commas."),
        ],
        body: Body::None,
        paging: None,
        check: unchecked,
        source: "Meta, Marketing API: Retrieving leads \
                 <https://developers.facebook.com/docs/marketing-api/guides/lead-ads/retrieving>",
    },
    Endpoint {
        call: "page-messages",
        summary: "Sends a message of Messenger or Instagram.",
        methods: &["POST"],
        path: "/{page_id}/messages",
        auth: TOKEN,
        parameters: &[
            Parameter::path("page_id", "The page, or the Instagram account."),
            part("recipient", "To whom: {\"id\": …}.").required(),
            part("message", "What: {\"text\": …} or {\"attachment\": …}."),
            Parameter::field(
                "messaging_type",
                Kind::Choice(rules::MESSAGING_TYPES),
                "Why: a day after the user's last message only MESSAGE_TAG is sent.",
            ),
            Parameter::field("tag", Kind::ANY, "Which tag: HUMAN_AGENT."),
            Parameter::field(
                "sender_action",
                Kind::Choice(rules::SENDER_ACTIONS),
                "Instead of a message: shown to the user.",
            ),
            Parameter::field(
                "notification_type",
                Kind::Choice(&["REGULAR", "SILENT_PUSH", "NO_PUSH"]),
                "How the user is notified.",
            ),
        ],
        body: Body::Json,
        paging: None,
        check: page_message,
        source: "Meta, Messenger Platform: Send API \
                 <https://developers.facebook.com/docs/messenger-platform/reference/send-api>",
    },
];

/// Fetches a file. Its address is no path under the base URL; it asks for the same token and is
/// good for five minutes.
///
/// # Errors
/// That the token is missing.
pub fn download(account: &Account, media: &Media) -> Result<Outgoing, String> {
    let token = TOKEN.header(account, &[])?;
    let headers = token.into_iter().map(|(name, it)| (name.into(), it)).collect();
    Ok(Outgoing { method: "GET", url: media.url.clone(), headers, body: Bytes::new() })
}

/// The fields as they will be sent.
fn sent(arguments: &Arguments) -> Map<String, Value> {
    let mut fields = Map::new();
    if let Some(Value::Object(own)) = &arguments.body {
        fields.clone_from(own);
    }
    let text = |name: &str, value: &str| match name {
        "to" | "recipient" | "message_id" | "biz_opaque_callback_data"
            if !value.starts_with('{') =>
        {
            value.into()
        }
        _ => serde_json::from_str(value).unwrap_or_else(|_| value.into()),
    };
    let said = arguments.values.iter().filter(|it| !it.0.ends_with("_id") || *it.0 == "message_id");
    fields.extend(said.map(|(name, value)| ((*name).to_owned(), text(name, value))));
    fields
}

/// What Meta answers with 100 or 131009 is refused before it costs a call.
fn message(arguments: &Arguments, _: Date) -> Result<(), String> {
    let mut fields = sent(arguments);
    fields.entry("messaging_product").or_insert_with(|| "whatsapp".into());
    if fields.contains_key("message_id") {
        fields.entry("status").or_insert_with(|| "read".into());
    }
    rules::whatsapp(&fields).map_err(|it| refusal(&it))
}

fn page_message(arguments: &Arguments, _: Date) -> Result<(), String> {
    rules::page(&sent(arguments)).map_err(|it| refusal(&it))
}

fn refusal(fault: &rules::Fault) -> String {
    format!("Meta would refuse this: {}", fault.details.trim_end_matches('.'))
}

/// The error in its envelope, told by its code and details: titles change.
fn problem(response: &Response) -> Option<Problem> {
    let failure = serde_json::from_slice::<Failure>(&response.body).ok();
    if failure.is_none() && (200..300).contains(&response.status) {
        return None;
    }
    let message = match &failure {
        Some(Failure { error }) => {
            match error.error_data.as_ref().and_then(|it| it.details.clone()) {
                Some(details) if details != error.message => {
                    format!("{}: {details}", error.message)
                }
                _ => error.message.clone(),
            }
        }
        None => "it did not say why".to_owned(),
    };
    let wait = response.header("retry-after").and_then(|it| it.parse().ok());
    let retry_after = wait.map(std::time::Duration::from_secs);
    Some(Problem { status: response.status, message, retry_after })
}
