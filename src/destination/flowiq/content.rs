//! What is sent, as `send-whatsapp` takes it; FlowIQ hands it on to WhatsApp, whose limits apply.

use serde_json::{Map, Value, json};

use crate::destination::Call;
use crate::lenient::text;

/// Every name of a payload.
pub(super) const NAMES: &[&str] = &[
    "to",
    "text",
    "image",
    "video",
    "audio",
    "document",
    "caption",
    "interactive",
    "location",
    "contacts",
    "reaction",
    "reply_to",
];

/// What stands for a message. There is one of them, or the event's text is sent.
const CONTENTS: &[&str] = &[
    "text",
    "image",
    "video",
    "audio",
    "document",
    "interactive",
    "location",
    "contacts",
    "reaction",
];

/// The most characters of a text and of a caption at WhatsApp.
const TEXT: usize = 4096;
const CAPTION: usize = 1024;

/// The body of a request, without its recipient.
///
/// # Errors
/// What is wrong with the payload, and where.
pub(super) fn body(
    payload: &Map<String, Value>,
    call: &Call,
) -> Result<Map<String, Value>, String> {
    let mut given = CONTENTS.iter().copied().filter(|it| payload.contains_key(*it));
    let name = given.next();
    if let (Some(name), Some(other)) = (name, given.next()) {
        return Err(format!(
            "`{other}`: there is a `{name}` already, and a message is one of them"
        ));
    }
    let kind = name.unwrap_or("text");
    let value = payload.get(kind).unwrap_or(&Value::Null);
    let mut body = Map::new();
    let mut say = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    say("message_type", kind.into());
    let caption = payload.get("caption").filter(|it| !it.is_null());
    match kind {
        "text" => {
            let said = if name.is_some() { text(value) } else { Some(call.text()) };
            let said = said.filter(|it| !it.trim().is_empty());
            let missing = match name {
                Some(_) => "`text`: it is a text that is not empty",
                None => "`text`: the event has none, so it has to be said",
            };
            say("text", at_most(said.ok_or(missing)?, "text", TEXT)?.into());
        }
        "image" | "video" | "audio" | "document" => {
            let (url, own) = medium(value, kind)?;
            say("media_url", url.into());
            let caption = match caption {
                Some(it) => Some(text(it).ok_or("`caption`: it is a text")?),
                None => own,
            };
            if let Some(caption) = caption {
                if kind == "audio" {
                    return Err("`caption`: WhatsApp shows none under sound".to_owned());
                }
                say("caption", at_most(caption, "caption", CAPTION)?.into());
            }
        }
        "contacts" if value.as_array().is_some_and(|it| !it.is_empty()) => {
            say(kind, value.clone());
        }
        "contacts" => return Err("`contacts`: it is a list of contacts".to_owned()),
        "interactive" if value["type"].is_string() => say(kind, value.clone()),
        "interactive" => return Err("`interactive`: it is a map with `type`".to_owned()),
        "location" if value["latitude"].is_null() || value["longitude"].is_null() => {
            return Err("`location`: it is a map with `latitude` and `longitude`".to_owned());
        }
        "reaction" if value["message_id"].is_null() || !value["emoji"].is_string() => {
            return Err("`reaction`: it is a map with `message_id` and `emoji`".to_owned());
        }
        _ => say(kind, value.clone()),
    }
    if caption.is_some() && !body.contains_key("media_url") {
        return Err(format!("`caption`: it belongs to a file, not to a `{kind}`"));
    }
    if let Some(answered) = payload.get("reply_to").filter(|it| !it.is_null()) {
        let id = text(answered).ok_or("`reply_to`: it is the id of a message")?;
        body.insert("context_message_id".to_owned(), json!(id));
    }
    Ok(body)
}

/// Where a file is, and what stands under it.
fn medium(value: &Value, kind: &str) -> Result<(String, Option<String>), String> {
    let url = value.as_str().or_else(|| value["url"].as_str()).unwrap_or_default();
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(format!("`{kind}`: it is a URL, or a map with `url` and `caption`"));
    }
    if let Some(name) =
        value.as_object().and_then(|it| it.keys().find(|it| !["url", "caption"].contains(&&***it)))
    {
        return Err(format!("`{kind}.{name}`: it is not known"));
    }
    Ok((url.to_owned(), text(&value["caption"])))
}

fn at_most(value: String, place: &str, most: usize) -> Result<String, String> {
    let length = value.chars().count();
    if length <= most {
        return Ok(value);
    }
    Err(format!("`{place}`: it has {length} characters, WhatsApp takes {most}"))
}
