//! What an agent answers: the envelope or its body alone, in every shape the documentation shows.
//!
//! A synchronous call is answered the same, so this takes no request. Source of the shapes:
//! flowgent.ai/api-documentation, two versions of it.

use std::ops::Range;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::event::facts::{Agent, Message, Unmapped};
use crate::event::{Draft, Kind};
use crate::lenient::{each, first, integer, list, number, object, text, time};
use crate::provider::fragment;

/// What a FlowGent source can say.
pub(super) const KINDS: &[Kind] = &[Kind::AGENT_REPLIED, Kind::AGENT_FAILED, UNMAPPED];

const UNMAPPED: Kind = Kind::named("flowgent.unmapped");

const PROVIDER: &str = "flowgent";

/// Every answer in a body; never empty.
///
/// `call` tells answers without an id apart: equal for the same call, and for no other. `agent`
/// stands in where an answer names none.
pub(crate) fn drafts(body: &[u8], call: &str, agent: &str) -> Vec<Draft> {
    let reason = match fragment::json(body) {
        Ok(raw) => {
            let answers = each(Some(raw)).into_iter();
            let drafts: Vec<_> = answers.map(|it| answer(body, it, call, agent)).collect();
            if !drafts.is_empty() {
                return drafts;
            }
            "nothing in it"
        }
        Err(reason) => reason,
    };
    vec![unmapped(body, 0..body.len(), call, reason)]
}

/// A draft of what nobody knows.
fn unmapped(body: &[u8], raw: Range<usize>, call: &str, reason: &str) -> Draft {
    let key = key("unmapped", call, &body[raw.clone()]);
    let mut draft = fragment::draft(PROVIDER, UNMAPPED, key, raw);
    draft.facts.unmapped = Some(Unmapped { field: None, reason: reason.to_owned() });
    draft
}

/// The key of what has no id: what was said to which call.
fn key(prefix: &str, call: &str, said: &[u8]) -> String {
    let said = fragment::digest(said);
    if call.is_empty() {
        return format!("{prefix}:{said}");
    }
    format!("{prefix}:{}:{said}", fragment::digest(call.as_bytes()))
}

fn answer(body: &[u8], raw: &RawValue, call: &str, account: &str) -> Draft {
    let range = fragment::range(body, raw);
    let unmapped = |reason: &str| unmapped(body, range.clone(), call, reason);
    let outer = match object(raw) {
        Ok(value) => value,
        Err(reason) => return unmapped(reason),
    };
    let inner = inside(&outer);
    let inner = inner.as_ref().unwrap_or(&outer);
    let metadata = &inner["metadata"];
    let turn = turn(&inner["conversation_history"]);

    let status = ["statusCode", "status_code", "status"]
        .iter()
        .find_map(|it| integer(&outer[*it]).or_else(|| integer(&inner[*it])))
        .and_then(|it| u16::try_from(it).ok());
    let stated = failure(inner).or_else(|| failure(&outer));
    let has_failed = stated.is_some() || status.is_some_and(|it| it >= 400);
    if !has_failed && turn.is_none() && !metadata.is_object() {
        return unmapped(if text(&inner["status"]).as_deref() == Some("processing") {
            "the call was accepted; its answer is still to come"
        } else {
            "neither an answer nor an error"
        });
    }

    let turn = turn.unwrap_or_default();
    let id = text(&metadata["id"]);
    let key = match &id {
        Some(id) => format!("answer:{id}"),
        None => key("answer", call, raw.get().as_bytes()),
    };
    let kind = if has_failed { Kind::AGENT_FAILED } else { Kind::AGENT_REPLIED };
    let mut draft = fragment::draft(PROVIDER, kind, key, range);
    let agent = first(inner, &["agent_id", "agentId"])
        .or_else(|| Some(account.to_owned()).filter(|it| !it.is_empty()));
    draft.time = time(&metadata["timestamp"]);
    draft.facts.channel.account = agent.clone().unwrap_or_default();
    if !has_failed {
        draft.facts.message = Some(Message {
            id: id.unwrap_or_default(),
            kind: "text".into(),
            text: reply(turn),
            ..Message::default()
        });
    }
    draft.facts.agent = Some(Agent {
        id: agent,
        thread: text(&metadata["thread_id"]).or_else(|| text(&inner["thread_id"])),
        model: text(&metadata["model"]),
        credits: number(&metadata["used_credits"]),
        took: took(&metadata["execution_time"]),
        tools: tools(&metadata["tool_calls"], turn),
        status,
        error: if has_failed { words(inner, stated) } else { None },
    });
    draft
}

/// The body within an envelope: an object, or the JSON of one as a string.
fn inside(outer: &Value) -> Option<Value> {
    let inner = match &outer["body"] {
        Value::String(json) => serde_json::from_str(json).ok()?,
        other => other.clone(),
    };
    inner.is_object().then_some(inner)
}

/// What a body says went wrong.
fn failure(value: &Value) -> Option<String> {
    let error = &value["error"];
    let nested = || first(error, &["message", "error", "code"]);
    text(error).or_else(nested).or_else(|| (*error == Value::Bool(true)).then(String::new))
}

/// Why there is no answer: the error, and what the message says beyond it.
fn words(inner: &Value, error: Option<String>) -> Option<String> {
    let error = error.filter(|it| !it.is_empty());
    match (text(&inner["message"]), error) {
        (Some(message), Some(error)) if message != error => Some(format!("{error} ({message})")),
        (message, error) => error.or(message),
    }
}

/// What was said after the last word of the contact: an older answer is none to this call. `None`
/// when there is no history.
fn turn(history: &Value) -> Option<&[Value]> {
    if !history.is_array() && !history.is_object() {
        return None;
    }
    let history = list(history);
    let asked = history.iter().rposition(|it| it["role"] == "user");
    Some(&history[asked.map_or(0, |it| it + 1)..])
}

/// The text of the last entry of the agent that has one; the last entry may be a tool's.
fn reply(turn: &[Value]) -> Option<String> {
    let entries = turn.iter().rev().filter(|it| it["role"] == "assistant");
    entries.map(|it| said(&it["content"])).find(|it| !it.is_empty())
}

/// The text of a content: a string, or parts of which some are text.
fn said(content: &Value) -> String {
    let part = |it: &Value| match it {
        Value::String(it) => Some(it.clone()),
        _ if it["type"] == "text" || it["type"].is_null() => text(&it["text"]),
        _ => None,
    };
    let parts = match content {
        Value::String(_) => std::slice::from_ref(content),
        other => list(other),
    };
    parts.iter().filter_map(part).filter(|it| !it.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The tools of this turn: what the metadata lists, or else the calls among the parts.
fn tools(listed: &Value, turn: &[Value]) -> Vec<Value> {
    let listed = match listed {
        Value::Object(it) if it.is_empty() => &[],
        other => list(other),
    };
    if !listed.is_empty() {
        return listed.to_vec();
    }
    let parts = turn.iter().flat_map(|it| list(&it["content"]));
    parts.filter(|it| it["type"] == "tool-call").cloned().collect()
}

/// `execution_time` in milliseconds: written as such, or as a string of seconds such as `"2.62"`.
fn took(value: &Value) -> Option<u64> {
    let in_seconds = value.as_str().is_some_and(|it| it.contains('.'));
    let took = number(value)? * if in_seconds { 1000.0 } else { 1.0 };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
    (0.0..1e15).contains(&took).then(|| took.round() as u64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_milliseconds_however_they_are_written() {
        for (written, expected) in [
            (json!(2500), Some(2500)),
            (json!("2.62"), Some(2620)),
            (json!("2500"), Some(2500)),
            (json!(2500.4), Some(2500)),
            (json!(-1), None),
            (json!("soon"), None),
            (json!(null), None),
        ] {
            assert_eq!(took(&written), expected, "{written}");
        }
    }

    #[test]
    fn an_older_answer_is_not_given_again() {
        let history = json!([
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Good morning"},
            {"role": "user", "content": "Where is my order?"},
            {"role": "assistant", "content": [{"type": "tool-call", "toolName": "orders"}]},
            {"role": "tool", "content": [{"type": "tool-result", "result": "none"}]},
        ]);
        assert_eq!(reply(turn(&history).unwrap()), None);
        assert_eq!(tools(&json!({}), turn(&history).unwrap()).len(), 1);
    }

    #[test]
    fn the_same_words_to_another_call_are_another_answer() {
        let body = br#"{"statusCode":500,"body":{"error":"An unexpected error occurred"}}"#;
        let key = |call: &str| drafts(body, call, "")[0].dedup_key.clone();
        assert_eq!(key("one"), key("one"));
        assert_ne!(key("one"), key("two"));
    }
}
