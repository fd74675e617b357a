//! Flow XO: flows that are triggered, conversations that are written to, bots that are spoken to.

mod answer;
mod fields;
mod message;
mod send;
#[cfg(test)]
mod tests;
mod trigger;

pub(super) use message::FlowXoMessage;
pub(super) use send::FlowXoSend;
pub(super) use trigger::FlowXoTrigger;

use serde_json::{Map, Value};

use super::Call;
use crate::client::{Endpoint, flowxo};
use crate::lenient::text;

fn endpoint(call: &str) -> &'static Endpoint {
    let found = flowxo::API.endpoints.iter().find(|it| it.call == call);
    found.expect("the table has what destinations call")
}

/// Where an API is, without a trailing slash.
fn base_url(base_url: &str) -> Result<String, String> {
    let base_url = base_url.trim_end_matches('/');
    if base_url.starts_with("https://") || base_url.starts_with("http://") {
        return Ok(base_url.to_owned());
    }
    Err(format!("`base_url` is `{base_url}`, no https:// URL"))
}

/// What the payload says under these names; a text alone is what is written.
fn named(payload: &Value, names: &[&str]) -> Result<Map<String, Value>, String> {
    match payload {
        Value::Null => Ok(Map::new()),
        Value::String(_) | Value::Number(_) => {
            Ok(Map::from_iter([("text".to_owned(), payload.clone())]))
        }
        Value::Object(payload) => match payload.keys().find(|it| !names.contains(&&***it)) {
            Some(name) => Err(format!("`{name}`: it is not known; there are {}", names.join(", "))),
            None => Ok(payload.clone()),
        },
        _ => Err("the payload is a text, or a map".to_owned()),
    }
}

/// A text that is not empty, if it is there; absent and null are the same.
fn filled(payload: &Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    let Some(value) = payload.get(name).filter(|it| !it.is_null()) else { return Ok(None) };
    let text = text(value).filter(|it| !it.trim().is_empty());
    text.map(Some).ok_or_else(|| format!("`{name}`: it is a text that is not empty"))
}

/// What is written: as the payload says, or else what the event says.
fn written(payload: &Map<String, Value>, call: &Call) -> Result<String, String> {
    if payload.contains_key("text") {
        let empty = || "`text`: it is a text that is not empty".to_owned();
        return filled(payload, "text")?.ok_or_else(empty);
    }
    let text = Some(call.text()).filter(|it| !it.trim().is_empty());
    text.ok_or_else(|| "`text`: the event has none, so it has to be said".to_owned())
}
