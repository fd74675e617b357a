//! What is sent: one message, or something that is only shown.
//!
//! Limits: <https://developers.facebook.com/docs/messenger-platform/reference/send-api> and
//! <https://developers.facebook.com/docs/messenger-platform/instagram/features/send-message>.

use serde_json::{Map, Value, json};

use super::recipient::{filled, optional};
use crate::destination::Call;
use crate::lenient::text;

/// Files by the type of their attachment: a URL, or `{url or attachment_id, is_reusable}`.
const MEDIA: &[&str] = &["image", "audio", "video", "file"];

/// What stands for a message. There is one of them, or the event's text is sent.
const CONTENTS: &[&str] = &[
    "text",
    "image",
    "audio",
    "video",
    "file",
    "attachment",
    "attachments",
    "template",
    "sender_action",
];

const SENDER_ACTIONS: &[&str] = &["typing_on", "typing_off", "mark_seen"];

/// The most of a text: characters at Messenger, bytes at Instagram.
const TEXT: (usize, usize) = (2000, 1000);

/// What is sent.
#[derive(Debug, PartialEq)]
pub(super) enum Content {
    /// A message, without its recipient.
    Message(Map<String, Value>),
    /// Something that is only shown.
    Action(String),
}

impl Content {
    /// Whether it holds sound or moving pictures: those are limited more narrowly.
    pub(super) fn is_heavy(&self) -> bool {
        let Self::Message(message) = self else { return false };
        let one = message.get("attachment");
        let many = message.get("attachments").and_then(Value::as_array).into_iter().flatten();
        one.into_iter().chain(many).any(|it| it["type"] == "audio" || it["type"] == "video")
    }
}

/// What a payload says.
///
/// # Errors
/// What is wrong with it, and where.
pub(super) fn content(
    payload: &Map<String, Value>,
    call: &Call,
    is_instagram: bool,
) -> Result<Content, String> {
    let mut given = CONTENTS.iter().copied().filter(|it| payload.contains_key(*it));
    let name = given.next();
    if let (Some(name), Some(other)) = (name, given.next()) {
        return Err(format!(
            "`{other}`: there is a `{name}` already, and a message is one of them"
        ));
    }
    let value = name.map_or(&Value::Null, |it| &payload[it]);
    let mut message = Map::new();
    match name {
        Some("sender_action") => return action(payload, value),
        Some("text") => {
            let said = text(value).ok_or("`text`: it is a text that is not empty")?;
            message.insert("text".into(), written(said, is_instagram)?.into());
        }
        Some("attachment") => drop(message.insert("attachment".into(), attachment(value, "")?)),
        Some("attachments") => {
            let all = list(value, "attachments", 1, 10)?.iter().enumerate();
            let all: Result<Vec<_>, _> =
                all.map(|(at, it)| attachment(it, &format!("s[{at}]"))).collect();
            message.insert("attachments".into(), all?.into());
        }
        Some("template") => {
            template(value)?;
            let attachment = json!({ "type": "template", "payload": value });
            message.insert("attachment".into(), attachment);
        }
        Some(kind) => {
            debug_assert!(MEDIA.contains(&kind), "{kind}");
            message.insert("attachment".into(), medium(value, kind)?);
        }
        None => {
            let said = call.text();
            if said.trim().is_empty() {
                return Err("`text`: the event has none, so it has to be said".to_owned());
            }
            message.insert("text".into(), written(said, is_instagram)?.into());
        }
    }
    if let Some(replies) = optional(payload, "quick_replies") {
        message.insert("quick_replies".into(), quick_replies(replies)?);
    }
    if let Some(answered) = optional(payload, "reply_to") {
        let mid = text(answered).or_else(|| text(&answered["mid"]));
        let mid = mid.ok_or("`reply_to`: it is the id of a message")?;
        message.insert("reply_to".into(), json!({ "mid": mid }));
    }
    if let Some(metadata) = filled(payload, "metadata")? {
        at_most(&metadata, "metadata", 1000)?;
        message.insert("metadata".into(), metadata.into());
    }
    Ok(Content::Message(message))
}

fn action(payload: &Map<String, Value>, value: &Value) -> Result<Content, String> {
    let action = value.as_str().filter(|it| SENDER_ACTIONS.contains(it));
    let unfit = || format!("`sender_action`: it is one of {}", SENDER_ACTIONS.join(", "));
    let action = action.ok_or_else(unfit)?;
    let beside = ["quick_replies", "reply_to", "metadata"];
    match beside.iter().find(|it| optional(payload, it).is_some()) {
        Some(name) => Err(format!("`{name}`: it belongs to a message, not to a `sender_action`")),
        None => Ok(Content::Action(action.to_owned())),
    }
}

/// A text within the product's limit.
fn written(said: String, is_instagram: bool) -> Result<String, String> {
    let (characters, bytes) = TEXT;
    if is_instagram && said.len() > bytes {
        return Err(format!("`text`: it has {} bytes, Instagram takes {bytes}", said.len()));
    }
    at_most(&said, "text", characters)?;
    Ok(said)
}

fn at_most(value: &str, place: &str, most: usize) -> Result<(), String> {
    let length = value.chars().count();
    if length <= most {
        return Ok(());
    }
    Err(format!("`{place}`: it has {length} characters, Meta takes {most}"))
}

fn list<'a>(
    value: &'a Value,
    place: &str,
    least: usize,
    most: usize,
) -> Result<&'a [Value], String> {
    let all = value.as_array().filter(|it| (least..=most).contains(&it.len()));
    let many = if least == most { most.to_string() } else { format!("{least} to {most}") };
    all.map(Vec::as_slice).ok_or_else(|| format!("`{place}`: it is a list of {many}"))
}

/// A file: a URL, or what was uploaded before.
fn medium(value: &Value, kind: &str) -> Result<Value, String> {
    let is_url = |it: &str| it.starts_with("https://") || it.starts_with("http://");
    let payload = match value {
        Value::String(url) if is_url(url) => json!({ "url": url }),
        Value::Object(fields) => {
            if let Some(name) =
                fields.keys().find(|it| !["url", "attachment_id", "is_reusable"].contains(&&***it))
            {
                return Err(format!("`{kind}.{name}`: it is not known"));
            }
            let url = fields.get("url").and_then(Value::as_str).is_some_and(is_url);
            let id = fields.get("attachment_id").and_then(text).is_some();
            if url == id {
                return Err(format!("`{kind}`: it has either a `url` or an `attachment_id`"));
            }
            value.clone()
        }
        _ => return Err(format!("`{kind}`: it is a URL, or a map with `url` or `attachment_id`")),
    };
    Ok(json!({ "type": kind, "payload": payload }))
}

/// An attachment as Meta writes it.
fn attachment(value: &Value, place: &str) -> Result<Value, String> {
    let kind = value["type"].as_str().filter(|it| !it.is_empty());
    let payload = &value["payload"];
    if kind.is_none() || !(payload.is_null() || payload.is_object()) {
        return Err(format!("`attachment{place}`: it is a map with `type` and `payload`"));
    }
    if kind == Some("template") {
        template(payload)?;
    }
    Ok(value.clone())
}

/// A template. Of a type that is not known here only the type is looked at.
fn template(value: &Value) -> Result<(), String> {
    let kind = value["template_type"].as_str().filter(|it| !it.is_empty());
    let kind = kind.ok_or("`template`: it is a map with `template_type`")?;
    match kind {
        "generic" => {
            let elements = list(&value["elements"], "template.elements", 1, 10)?.iter();
            for (at, element) in elements.enumerate() {
                if text(&element["title"]).is_none() {
                    return Err(format!("`template.elements[{at}].title`: it is missing"));
                }
                buttons(element, &format!("template.elements[{at}].buttons"), 0)?;
            }
            Ok(())
        }
        "button" => {
            let said = text(&value["text"]).ok_or("`template.text`: it is missing")?;
            at_most(&said, "template.text", 640)?;
            buttons(value, "template.buttons", 1)
        }
        "media" => list(&value["elements"], "template.elements", 1, 1).map(drop),
        _ => Ok(()),
    }
}

fn buttons(value: &Value, place: &str, least: usize) -> Result<(), String> {
    let buttons = &value["buttons"];
    if buttons.is_null() && least == 0 {
        return Ok(());
    }
    list(buttons, place, least, 3).map(drop)
}

/// Up to 13 of them; a text stands for a button of that title that sends it back.
fn quick_replies(value: &Value) -> Result<Value, String> {
    let replies = list(value, "quick_replies", 1, 13)?.iter().enumerate().map(|(at, it)| {
        let place = |name: &str| format!("quick_replies[{at}]{name}");
        if let Some(title) = text(it) {
            at_most(&title, &place(""), 1000)?;
            return Ok(json!({ "content_type": "text", "title": title, "payload": title }));
        }
        let Value::Object(fields) = it else {
            return Err(format!("`{}`: it is a text, or a map with `title`", place("")));
        };
        let mut reply = fields.clone();
        let kind = reply.entry("content_type").or_insert_with(|| "text".into());
        if kind == "text" {
            let title = text(&it["title"]);
            let title = title.ok_or_else(|| format!("`{}`: it is missing", place(".title")))?;
            reply.entry("payload").or_insert_with(|| title.into());
        }
        let payload = reply.get("payload").and_then(text).unwrap_or_default();
        at_most(&payload, &place(".payload"), 1000)?;
        Ok(Value::Object(reply))
    });
    Ok(Value::Array(replies.collect::<Result<_, String>>()?))
}
