//! What an agent is told: the payload's `message`, or else what the events say.

use serde_json::{Map, Value};

use super::{describe, named};
use crate::destination::{Call, Outcome};
use crate::event::Event;
use crate::event::facts::{Location, Media, Message};

/// The names of a payload.
pub(super) const NAMES: &[&str] = &["message"];

/// The `messages` of a call: a text, a message or a list of them.
///
/// # Errors
/// [`Outcome::Refused`], naming the place.
pub(super) fn messages(call: &Call) -> Result<Value, Outcome> {
    let said = match &call.payload {
        Value::String(_) => Some(&call.payload),
        payload => named(payload, NAMES)?.and_then(|it| it.get("message")),
    };
    match said {
        None => default(call),
        Some(Value::Array(all)) if all.is_empty() => refuse("message", "the list is empty"),
        Some(Value::Array(all)) => {
            for (at, it) in all.iter().enumerate() {
                let place = format!("message.{at}");
                let Value::Object(fields) = it else {
                    let found = describe(it);
                    return refuse(&place, &format!("expected `{{role, content}}`, found {found}"));
                };
                check(fields, &place)?;
            }
            Ok(Value::Array(all.clone()))
        }
        Some(Value::Object(fields)) => {
            check(fields, "message")?;
            Ok(Value::Object(fields.clone()))
        }
        Some(Value::String(text)) if text.trim().is_empty() => refuse("message", "it is empty"),
        Some(Value::String(text)) => Ok(text.as_str().into()),
        // A template that is one expression keeps the type of what it finds.
        Some(found @ (Value::Number(_) | Value::Bool(_))) => Ok(found.to_string().into()),
        Some(Value::Null) => refuse("message", "there is nothing in it"),
    }
}

fn refuse<T>(place: &str, why: &str) -> Result<T, Outcome> {
    Err(Outcome::refused(format!("`{place}`: {why}")))
}

/// Whether a message is as the API takes it.
fn check(fields: &Map<String, Value>, place: &str) -> Result<(), Outcome> {
    if let Some(name) = fields.keys().find(|it| !["role", "content"].contains(&&***it)) {
        return refuse(
            &format!("{place}.{name}"),
            "a message has `role` and `content`, nothing else",
        );
    }
    if fields.get("role").and_then(Value::as_str).is_none_or(|it| it.trim().is_empty()) {
        return refuse(&format!("{place}.role"), "say who speaks: `user`, `assistant` or `tool`");
    }
    match fields.get("content") {
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(()),
        Some(Value::Array(parts)) if !parts.is_empty() => Ok(()),
        Some(Value::String(_) | Value::Array(_)) => {
            refuse(&format!("{place}.content"), "it is empty")
        }
        other => {
            let found = describe(other.unwrap_or(&Value::Null));
            let why = format!("expected a text or a list of parts, found {found}");
            refuse(&format!("{place}.content"), &why)
        }
    }
}

/// What the events say, a line for each.
fn default(call: &Call) -> Result<Value, Outcome> {
    let said: Vec<String> = call.events.iter().filter_map(|it| told(it)).collect();
    if said.is_empty() {
        return Err(Outcome::refused(
            "the event has nothing to tell an agent; say it in the route: `message: …`",
        ));
    }
    Ok(said.join("\n").into())
}

/// What an event says to somebody who reads. The API takes text alone: what is none has a word in
/// its place, without its URL, which may be a key to it.
fn told(event: &Event) -> Option<String> {
    let Some(message) = &event.facts.message else {
        return event.facts.comment.as_ref()?.text.clone().filter(|it| !it.trim().is_empty());
    };
    let heard = message.transcription.as_ref().filter(|_| message.text.is_none());
    let files = message.media.iter().chain(&message.more).filter(|_| heard.is_none());
    let files = files.map(|it| file(it, message));
    let text = message.text.as_ref().or(heard).filter(|it| !it.trim().is_empty());
    let lines = files.chain(message.location.as_ref().map(place)).chain(text.cloned());
    let lines: Vec<String> = lines.collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// `[image]`, `[voice]`, `[document: invoice.pdf]`.
fn file(media: &Media, message: &Message) -> String {
    let of_type = media.mime_type.as_deref().and_then(|it| it.split('/').next());
    let of_type = of_type.filter(|it| ["image", "audio", "video"].contains(it));
    let known = ["image", "audio", "video", "document", "sticker"];
    let word = match known.into_iter().find(|it| *it == message.kind) {
        _ if media.voice => "voice",
        Some(word) => word,
        None => of_type.unwrap_or("file"),
    };
    match &media.filename {
        Some(name) => format!("[{word}: {name}]"),
        None => format!("[{word}]"),
    }
}

/// `[location: Museum, 1 Main Street (52.36, 4.88)]`.
fn place(location: &Location) -> String {
    let Location { latitude, longitude, name, address, .. } = location;
    let words: Vec<&str> = name.iter().chain(address).map(String::as_str).collect();
    let space = if words.is_empty() { "" } else { " " };
    format!("[location: {}{space}({latitude}, {longitude})]", words.join(", "))
}
