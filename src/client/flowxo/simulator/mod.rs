//! A Flow XO that is not there, written from its support pages.

mod bot;
mod deeds;
mod store;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use self::store::{Conversation, Message, Store};
use super::TYPES;
use crate::client::{Answered, Asked, Simulator};
use crate::config::Secret;

pub(super) fn new() -> Box<dyn Simulator> {
    Box::new(FlowXo::default())
}

#[derive(Default)]
pub(super) struct FlowXo {
    store: Store,
    /// Answers that stand in for the next ones: see the deed `refuse`.
    refusals: VecDeque<Answered>,
    /// Where custom bots answer, and what with: see the deed `bot`.
    callback: Option<(String, Secret)>,
}

impl Simulator for FlowXo {
    fn answer(&mut self, asked: &Asked, now: Timestamp) -> Answered {
        if let Some(refusal) = self.refusals.pop_front() {
            return refusal;
        }
        self.dispatch(asked, now).unwrap_or_else(|refusal| refusal)
    }

    fn deed(&mut self, deed: &str, arguments: &Value, now: Timestamp) -> Option<Value> {
        self.perform(deed, arguments, now)
    }
}

/// No document shows an error: this is the least one could be.
fn refused(status: u16, error: &str) -> Answered {
    Answered::json(status, &json!({ "error": error }))
}

fn invalid(error: &str) -> Answered {
    refused(400, error)
}

impl FlowXo {
    fn dispatch(&mut self, asked: &Asked, now: Timestamp) -> Result<Answered, Answered> {
        if let Some(header) = asked.strange_header(&["authorization"]) {
            return Err(invalid(&format!("there is no header `{header}`")));
        }
        match asked.bearer() {
            None => return Err(refused(401, "the header `authorization` is `Bearer <API key>`")),
            Some("invalid") => return Err(refused(401, "the API key is not valid")),
            Some(_) => {}
        }
        let segments = asked.segments().ok_or_else(|| invalid("the path is not well encoded"))?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let method = &*asked.method;
        if method == "GET" && !asked.body.is_empty() {
            return Err(invalid("GET takes no body"));
        }
        let listed: &[&str] = match &*segments {
            ["conversations"] => &["skip", "limit", "start", "end"],
            ["conversations", _, "messages"] => &["skip", "limit"],
            _ => &[],
        };
        match (method, &*segments) {
            (
                "GET",
                ["conversations"]
                | ["conversations", _]
                | ["conversations", _, "messages"]
                | ["workflows", "simple"],
            )
            | ("POST", ["end_users", "messages"] | ["integration_http", _]) => {}
            ("GET", ["conversations", _, "c", _, ..]) => {
                return Err(refused(404, "not found: in a URL it is `id_url_encoded`, with `%2F`"));
            }
            (
                _,
                ["conversations", ..]
                | ["workflows", "simple"]
                | ["end_users", "messages"]
                | ["integration_http", _],
            ) => {
                return Err(refused(405, &format!("{method} is not allowed")));
            }
            _ => return Err(refused(404, &format!("there is nothing at {}", asked.path))),
        }
        if let Some(wrong) = asked.unlisted_parameter(listed) {
            return Err(invalid(&wrong));
        }
        match &*segments {
            ["conversations"] => self.conversations(asked),
            ["conversations", id] => Ok(Answered::json(200, &self.find(id)?.json())),
            ["conversations", id, _] => self.messages(asked, id),
            ["workflows", _] => Ok(workflows()),
            ["integration_http", bot] => self.told(bot, asked, now),
            _ => self.send(asked, now),
        }
    }

    fn find(&self, id: &str) -> Result<&Conversation, Answered> {
        let index = self.store.by_id(id);
        let index = index.ok_or_else(|| refused(404, &format!("no conversation `{id}`")))?;
        Ok(&self.store.conversations[index])
    }

    fn conversations(&self, asked: &Asked) -> Result<Answered, Answered> {
        let (skip, limit) = (whole(asked, "skip", 0, 0)?, whole(asked, "limit", 1, 25)?);
        let all = self.store.within(day_or_moment(asked, "start")?, day_or_moment(asked, "end")?);
        let total = all.len();
        let list: Vec<Value> = all.skip(skip).take(limit).map(Conversation::json).collect();
        let body = json!({ "total": total, "skip": skip, "limit": limit, "conversations": list });
        Ok(Answered::json(200, &body))
    }

    fn messages(&self, asked: &Asked, id: &str) -> Result<Answered, Answered> {
        let (skip, limit) = (whole(asked, "skip", 0, 0)?, whole(asked, "limit", 1, 25)?);
        let conversation = self.find(id)?;
        let page = conversation.messages.iter().rev().skip(skip).take(limit);
        let list: Vec<Value> = page.map(|it| conversation.message(it)).collect();
        Ok(Answered::json(200, &json!(list)))
    }

    /// By article 295. It does not show the answer.
    fn send(&mut self, asked: &Asked, now: Timestamp) -> Result<Answered, Answered> {
        let body: Map<String, Value> = serde_json::from_slice(&asked.body)
            .map_err(|_| invalid("the body is not a JSON object"))?;
        let known = |it: &&String| ["response_path", "type", "message"].contains(&&***it);
        if let Some(field) = body.keys().find(|it| !known(it)) {
            return Err(invalid(&format!("there is no field `{field}`")));
        }
        let text = |name: &str| {
            let text = body.get(name).and_then(Value::as_str).filter(|it| !it.is_empty());
            text.ok_or_else(|| invalid(&format!("`{name}` is missing")))
        };
        let path = text("response_path")?;
        let kind = text("type")?;
        let kind = TYPES.iter().find(|it| **it == kind);
        let kind = kind.ok_or_else(|| invalid(&format!("`type` is {}", TYPES.join(" or "))))?;
        let message = body.get("message").filter(|it| !it.is_null());
        let message = message.ok_or_else(|| invalid("`message` is missing"))?;
        let index = self
            .store
            .by_id(path)
            .ok_or_else(|| refused(404, &format!("no conversation `{path}`")))?;
        let shown = match *kind {
            "text" => match message.get("body").and_then(Value::as_str) {
                Some(body) => body.into(),
                None => return Err(invalid("`message` is {\"body\": …} for text")),
            },
            "media" => {
                let kind = message.get("type").and_then(Value::as_str).unwrap_or_default();
                let url = message.get("url").and_then(Value::as_str);
                if !["image", "video", "file"].contains(&kind) || url.is_none() {
                    return Err(invalid("`message` is {\"type\": …, \"url\": …} for media"));
                }
                message.clone()
            }
            "custom" => message.to_string().into(),
            _ => message.clone(),
        };
        self.store.append(index, Message::new("bot", kind, shown, deeds::to_the_millisecond(now)));
        Ok(Answered::json(200, &json!({})))
    }
}

/// By article 279, which does not show the answer.
fn workflows() -> Answered {
    let flow = |id, name, active| json!({ "id": id, "name": name, "active": active });
    let flows = [
        flow("5f0c1d2e3a4b5c6d7e8f9a01", "Welcome", true),
        flow("5f0c1d2e3a4b5c6d7e8f9a02", "Out of office", false),
    ];
    Answered::json(200, &json!(flows))
}

/// A whole number.
fn whole(asked: &Asked, name: &str, least: usize, default: usize) -> Result<usize, Answered> {
    let Some(value) = asked.parameter(name) else { return Ok(default) };
    let number = value.parse().ok().filter(|it| *it >= least);
    number.ok_or_else(|| invalid(&format!("`{name}` is a whole number, at least {least}")))
}

/// A day, from its beginning or to its end, or a moment.
fn day_or_moment(asked: &Asked, name: &str) -> Result<Option<Timestamp>, Answered> {
    let Some(value) = asked.parameter(name) else { return Ok(None) };
    let unfit = || invalid(&format!("`{name}` is a date or date/time in ISO 8601"));
    if let Ok(moment) = value.parse() {
        return Ok(Some(moment));
    }
    let day: Date = value.parse().map_err(|_| unfit())?;
    let first = day.to_zoned(TimeZone::UTC).map_err(|_| unfit())?.timestamp();
    let length = SignedDuration::from_millis(if name == "end" { 86_399_999 } else { 0 });
    Ok(Some(first.saturating_add(length).unwrap_or(first)))
}
