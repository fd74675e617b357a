//! What the document says of single rows: their parameters and bodies.

use jiff::civil::Date;
use serde_json::Value;

use super::table::Typed;
use crate::client::{Arguments, Body, Kind, Parameter, Place, unchecked};

pub(super) type Check = fn(&Arguments, Date) -> Result<(), String>;

pub(super) const ID_PLACE: Parameter = Parameter::path("id", "Its identifier.");
pub(super) const PHONE_PLACE: Parameter =
    Parameter::path("phone", "A phone number: +972501234567.");
pub(super) const FLOW_PLACE: Parameter = Parameter::path("flowId", "The flow's identifier.");
pub(super) const CONFIG_PLACE: Parameter =
    Parameter::path("configId", "The identifier of the bot's configuration.");

const fn text(name: &'static str, summary: &'static str) -> Parameter {
    Parameter::field(name, Kind::ANY, summary)
}

const fn part(name: &'static str, summary: &'static str) -> Parameter {
    Parameter { place: Place::Part, ..text(name, summary) }
}

pub(super) const LOGIN: Typed = Typed {
    parameters: &[text("username", "Who.").required(), text("password", "With what.").required()],
    body: Body::Json,
    check: unchecked,
    section: "FlowBot AI, REST API: POST /api/auth/login",
};

pub(super) const TOKEN: Typed = Typed {
    parameters: &[
        text("clientId", "The client ID, from Settings, API Access.").required(),
        text("apiKey", "The API key beside it.").required(),
        Parameter::field("ttlSec", Kind::Integer(1, i64::MAX), "How many seconds it shall live."),
    ],
    body: Body::Json,
    check: unchecked,
    section: "FlowBot AI, REST API: POST /api/auth/api-token",
};

pub(super) const FLOWS: Typed = Typed {
    parameters: &[Parameter::query("userId", Kind::ANY, "Whose; for admins.")],
    body: Body::Open,
    check: unchecked,
    section: "FlowBot AI, REST API: GET /api/flows",
};

pub(super) const GENERATE: Typed = Typed {
    parameters: &[
        part("prompt", "What the flow shall do.").required(),
        part("file", "`@` and the name of a PDF or an image that it is made from."),
    ],
    body: Body::Multipart,
    check: unchecked,
    section: "FlowBot AI, REST API: POST /api/flows/generate",
};

pub(super) const CONVERSATIONS: Typed = Typed {
    parameters: &[Parameter::query("limit", Kind::Integer(1, i64::MAX), "At most so many.")],
    body: Body::None,
    check: unchecked,
    section: "FlowBot AI, REST API: GET /api/conversations",
};

/// What an agent may send within a conversation.
pub(super) const MESSAGE_TYPES: &[&str] = &["text", "image", "video", "document", "template"];

pub(super) const REPLY: Typed = Typed {
    parameters: &[
        ID_PLACE,
        Parameter::field(
            "messageType",
            Kind::Choice(MESSAGE_TYPES),
            "What it is; a day after the customer's last message only a template is sent.",
        )
        .required(),
        text("text", "The text of a text."),
        text("mediaUrl", "Where an image, a video or a document is."),
        text("caption", "What stands below it."),
        text("templateName", "The template's name."),
        text("templateLanguage", "Its language: en."),
        Parameter::field("templateParams", Kind::Structure, "Its values, as a JSON list."),
    ],
    body: Body::Json,
    check: reply,
    section: "FlowBot AI, REST API: POST /api/conversations/{id}/reply",
};

pub(super) const OUTBOUND: Typed = Typed {
    parameters: &[
        text("phone", "To whom: +972501234567.").required(),
        text("flowId", "The flow, which has a node Outbound Trigger.").required(),
        text("templateGroupId", "Send this group of templates first."),
        text("templateName", "Send the template of this name first."),
        text("templateId", "Send this template first."),
        Parameter::field("queue", Kind::Flag, "Whether it goes through the queue."),
        Parameter::field("data", Kind::Structure, "The flow's variables, as a JSON object."),
    ],
    body: Body::Json,
    check: outbound,
    section: "FlowBot AI, REST API: POST /api/webhook/outbound",
};

pub(super) const LEAD: Typed = Typed {
    parameters: &[
        FLOW_PLACE,
        text("phone", "The lead's number: +972501234567."),
        text("name", "The lead's name."),
        text("email", "The lead's mail address."),
        text("source", "Where the lead comes from."),
        text("product", "What the lead wants."),
    ],
    body: Body::Open,
    check: lead,
    section: "FlowBot AI, REST API: POST /api/webhook/flow/{flowId}/lead",
};

/// The handshake of a callback URL of Meta's comes as a GET with these.
/// <https://developers.facebook.com/docs/graph-api/webhooks/getting-started>
pub(super) const META: Typed = Typed {
    parameters: &[
        Parameter::query("hub.mode", Kind::Choice(&["subscribe"]), "The handshake: subscribe."),
        Parameter::query("hub.verify_token", Kind::ANY, "The handshake: the verify token."),
        Parameter::query("hub.challenge", Kind::ANY, "The handshake: what to answer."),
    ],
    body: Body::Open,
    check: unchecked,
    section: "FlowBot AI, REST API: Full REST Map; Meta, Graph API: Webhooks",
};

/// E.164 with its plus, as every example has it.
pub(super) fn is_phone(phone: &str) -> bool {
    phone.strip_prefix('+').is_some_and(|it| {
        (7..=15).contains(&it.len()) && it.bytes().all(|digit| digit.is_ascii_digit())
    })
}

fn phone(arguments: &Arguments) -> Result<(), String> {
    let own = arguments.body.as_ref().and_then(|it| it["phone"].as_str());
    match arguments.get("phone").or(own) {
        Some(phone) if !is_phone(phone) => {
            Err(format!("`--phone` is a number with plus and country code, not `{phone}`"))
        }
        _ => Ok(()),
    }
}

fn outbound(arguments: &Arguments, _: Date) -> Result<(), String> {
    phone(arguments)?;
    let first = ["templateGroupId", "templateName", "templateId"];
    if first.iter().filter(|it| arguments.field(it).is_some()).count() > 1 {
        return Err("only one of a template group, a template's name and its ID goes first".into());
    }
    match arguments.field("data") {
        None | Some(Value::Object(_)) => Ok(()),
        Some(_) => Err("`--data` is a JSON object, the flow's variables".to_owned()),
    }
}

fn lead(arguments: &Arguments, _: Date) -> Result<(), String> {
    phone(arguments)?;
    let own = arguments.body.as_ref().and_then(Value::as_object).is_some_and(|it| !it.is_empty());
    let said = arguments.values.keys().any(|it| *it != "flowId");
    if own || said { Ok(()) } else { Err("a lead says something: give `--phone`".to_owned()) }
}

fn reply(arguments: &Arguments, _: Date) -> Result<(), String> {
    let kind = arguments.field("messageType");
    let kind = kind.as_ref().and_then(Value::as_str).unwrap_or_default();
    let (needed, flag) = match kind {
        "text" => ("text", "--text"),
        "template" => ("templateName", "--template-name"),
        _ => ("mediaUrl", "--media-url"),
    };
    if arguments.field(needed).is_none() {
        return Err(format!("a message of the type `{kind}` needs `{flag}`"));
    }
    match arguments.field("templateParams") {
        None | Some(Value::Array(_)) => Ok(()),
        Some(_) => Err("`--template-params` is a JSON list".to_owned()),
    }
}
