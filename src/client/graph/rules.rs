//! What a message must be: the parts that each type needs, and the limits of each.
//!
//! Source: <https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages> and
//! <https://developers.facebook.com/docs/messenger-platform/reference/send-api>.

mod interactive;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

/// A parameter is missing or strange.
const PARAMETER: i64 = 100;
/// A value is not valid.
const VALUE: i64 = 131_009;

/// Why a message is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: i64,
    pub(super) details: String,
}

type Checked = Result<(), Fault>;

/// What a WhatsApp message may be. Each is also the name of its part.
pub(super) const TYPES: &[&str] = &[
    "text",
    "image",
    "audio",
    "video",
    "document",
    "sticker",
    "location",
    "contacts",
    "template",
    "interactive",
    "reaction",
];

pub(super) const MESSAGING_TYPES: &[&str] = &["RESPONSE", "UPDATE", "MESSAGE_TAG"];
pub(super) const SENDER_ACTIONS: &[&str] = &["typing_on", "typing_off", "mark_seen"];

/// Where no document names a length.
const ANY: usize = usize::MAX;

/// Fields of every message.
const SHARED: &[&str] = &[
    "messaging_product",
    "recipient_type",
    "to",
    "recipient",
    "type",
    "context",
    "biz_opaque_callback_data",
];

fn missing(name: &str) -> Fault {
    Fault { code: PARAMETER, details: format!("The parameter {name} is required.") }
}

fn invalid(details: impl Into<String>) -> Fault {
    Fault { code: VALUE, details: details.into() }
}

/// Whether each key is one of these.
fn keys(fields: &Map<String, Value>, known: &[&str], of: &str) -> Checked {
    match fields.keys().find(|it| !known.contains(&&***it)) {
        None => Ok(()),
        Some(name) => {
            let details = format!("Unexpected key \"{name}\" on param \"{of}\".");
            Err(Fault { code: PARAMETER, details })
        }
    }
}

/// An object that must be there.
fn object<'a>(value: &'a Value, name: &str) -> Result<&'a Map<String, Value>, Fault> {
    match value {
        Value::Object(fields) => Ok(fields),
        Value::Null => Err(missing(name)),
        _ => Err(invalid(format!("{name} must be an object."))),
    }
}

/// A list that must be there, of so many.
fn list<'a>(value: &'a Value, name: &str, most: usize) -> Result<&'a [Value], Fault> {
    match value {
        Value::Array(all) if all.is_empty() => Err(missing(name)),
        Value::Array(all) if all.len() > most => {
            Err(invalid(format!("{name} has {} elements, at most {most} are allowed.", all.len())))
        }
        Value::Array(all) => Ok(all),
        Value::Null => Err(missing(name)),
        _ => Err(invalid(format!("{name} must be a list."))),
    }
}

/// A text that must be there, of so many characters.
fn text<'a>(value: &'a Value, name: &str, most: usize) -> Result<&'a str, Fault> {
    match value {
        Value::String(text) if text.is_empty() => Err(missing(name)),
        Value::String(text) if text.chars().count() > most => {
            Err(invalid(format!("{name} must be at most {most} characters long.")))
        }
        Value::String(text) => Ok(text),
        Value::Null => Err(missing(name)),
        _ => Err(invalid(format!("{name} must be a text."))),
    }
}

/// The same, if it is there.
fn short(value: &Value, name: &str, most: usize) -> Checked {
    if value.is_null() { Ok(()) } else { text(value, name, most).map(drop) }
}

/// A message of WhatsApp's, or a mark that one was read.
pub(super) fn whatsapp(fields: &Map<String, Value>) -> Checked {
    let at = |name: &str| fields.get(name).unwrap_or(&Value::Null);
    if at("messaging_product") != "whatsapp" {
        return Err(missing("messaging_product"));
    }
    if fields.contains_key("status") {
        keys(
            fields,
            &["messaging_product", "status", "message_id", "typing_indicator"],
            "messages",
        )?;
        if at("status") != "read" {
            return Err(invalid("status must be read."));
        }
        text(at("message_id"), "message_id", ANY)?;
        let typing = at("typing_indicator");
        if typing.is_null() || typing["type"] == "text" {
            return Ok(());
        }
        return Err(invalid("typing_indicator.type must be text."));
    }
    match (at("to"), at("recipient")) {
        (Value::Null, Value::Null) => return Err(missing("to")),
        (Value::Null, user) => drop(text(user, "recipient", ANY)?),
        (to, _) => number(text(to, "to", ANY)?, at("recipient_type") == "group")?,
    }
    let kind = match at("type") {
        // Meta's own examples leave it away where there is one part.
        Value::Null => TYPES.iter().copied().find(|it| fields.contains_key(*it)).unwrap_or("text"),
        Value::String(kind) if TYPES.contains(&&**kind) => kind,
        _ => {
            let details = format!("Param type must be one of {{{}}}.", TYPES.join(", "));
            return Err(Fault { code: PARAMETER, details });
        }
    };
    let known: Vec<&str> = SHARED.iter().copied().chain([kind]).collect();
    keys(fields, &known, "messages")?;
    short(at("biz_opaque_callback_data"), "biz_opaque_callback_data", 512)?;
    if !at("context").is_null() {
        text(&at("context")["message_id"], "context.message_id", ANY)?;
    }
    let part = at(kind);
    match kind {
        "text" => {
            keys(object(part, "text")?, &["body", "preview_url"], "text")?;
            text(&part["body"], "text.body", 4096).map(drop)
        }
        "template" => template(part),
        "interactive" => interactive::check(part),
        "reaction" => {
            keys(object(part, "reaction")?, &["message_id", "emoji"], "reaction")?;
            text(&part["message_id"], "reaction.message_id", ANY)?;
            // An empty one removes it.
            if part["emoji"].is_string() { Ok(()) } else { Err(missing("reaction.emoji")) }
        }
        "location" => location(part),
        "contacts" => list(part, "contacts", 257)?.iter().try_for_each(|contact| {
            let name = &contact["name"]["formatted_name"];
            text(name, "contacts.name.formatted_name", ANY).map(drop)
        }),
        kind => media(part, kind),
    }
}

/// Digits; plus, spaces, dashes and brackets are taken and ignored.
fn number(to: &str, is_group: bool) -> Checked {
    let digits = to.bytes().filter(u8::is_ascii_digit).count();
    let rest = to.bytes().all(|it| it.is_ascii_digit() || b"+ -().".contains(&it));
    if is_group || rest && (5..=20).contains(&digits) {
        Ok(())
    } else {
        Err(invalid("Recipient phone number is not valid."))
    }
}

fn location(part: &Value) -> Checked {
    object(part, "location")?;
    for (name, most) in [("latitude", 90.0), ("longitude", 180.0)] {
        let number = match &part[name] {
            Value::String(text) => text.trim().parse().ok(),
            value => value.as_f64(),
        };
        if !number.is_some_and(|it: f64| it.abs() <= most) {
            return Err(invalid(format!("location.{name} must be a number up to {most}.")));
        }
    }
    Ok(())
}

fn media(part: &Value, kind: &str) -> Checked {
    let known: &[&str] = match kind {
        "audio" => &["id", "link", "voice"],
        "sticker" => &["id", "link"],
        "document" => &["id", "link", "caption", "filename"],
        _ => &["id", "link", "caption"],
    };
    keys(object(part, kind)?, known, kind)?;
    match (&part["id"], &part["link"]) {
        (Value::Null, Value::Null) => return Err(missing(&format!("{kind}.id or {kind}.link"))),
        (id, Value::Null) => drop(text(id, &format!("{kind}.id"), ANY)?),
        (Value::Null, link) => {
            let link = text(link, &format!("{kind}.link"), ANY)?;
            if !link.starts_with("https://") && !link.starts_with("http://") {
                return Err(invalid(format!("{kind}.link must be a URL.")));
            }
        }
        _ => return Err(invalid(format!("{kind} has either an id or a link."))),
    }
    short(&part["caption"], &format!("{kind}.caption"), 1024)
}

fn template(part: &Value) -> Checked {
    let fields = object(part, "template")?;
    keys(fields, &["name", "namespace", "language", "components"], "template")?;
    text(&part["name"], "template.name", 512)?;
    text(&part["language"]["code"], "template.language.code", ANY)?;
    let components = match &part["components"] {
        Value::Null => &[][..],
        Value::Array(all) => all,
        _ => return Err(invalid("template.components must be a list.")),
    };
    for component in components {
        let kind = text(&component["type"], "template.components.type", ANY)?.to_ascii_lowercase();
        if kind == "button" {
            text(&component["sub_type"], "template.components.sub_type", ANY)?;
            if component["index"].is_null() {
                return Err(missing("template.components.index"));
            }
        }
        let known = [
            "header",
            "body",
            "footer",
            "button",
            "carousel",
            "limited_time_offer",
            "order_status",
        ];
        if !known.contains(&&*kind) {
            return Err(invalid(format!("template.components.type may not be {kind}.")));
        }
    }
    Ok(())
}

/// A message of Messenger's or Instagram's.
pub(super) fn page(fields: &Map<String, Value>) -> Checked {
    let at = |name: &str| fields.get(name).unwrap_or(&Value::Null);
    let known =
        ["recipient", "message", "messaging_type", "tag", "sender_action", "notification_type"];
    keys(fields, &known, "messages")?;
    let recipient = object(at("recipient"), "recipient")?;
    let whom = ["id", "user_ref", "comment_id", "post_id", "phone_number"];
    keys(recipient, &whom, "recipient")?;
    if recipient.len() != 1 {
        return Err(missing("recipient.id"));
    }
    match (at("message"), at("sender_action")) {
        (Value::Null, Value::Null) => return Err(missing("message")),
        (Value::Null, Value::String(action)) if SENDER_ACTIONS.contains(&&**action) => {
            return Ok(());
        }
        (Value::Null, _) => return Err(invalid("sender_action is not known.")),
        (_, Value::Null) => {}
        _ => return Err(invalid("A message and a sender_action are two requests.")),
    }
    let message = object(at("message"), "message")?;
    let parts = ["text", "attachment", "attachments", "quick_replies", "metadata", "reply_to"];
    keys(message, &parts, "message")?;
    if !["text", "attachment", "attachments"].iter().any(|it| message.contains_key(*it)) {
        return Err(missing("message.text"));
    }
    short(message.get("text").unwrap_or(&Value::Null), "message.text", 2000)?;
    if let Some(replies) = message.get("quick_replies") {
        list(replies, "message.quick_replies", 13)?;
    }
    match at("messaging_type") {
        Value::Null => Ok(()),
        Value::String(kind) if kind == "MESSAGE_TAG" && at("tag").is_null() => Err(missing("tag")),
        Value::String(kind) if MESSAGING_TYPES.contains(&&**kind) => Ok(()),
        _ => Err(invalid("messaging_type is not known.")),
    }
}
