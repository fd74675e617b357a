//! What is known right before an attempt beside the event: how its conversation stands, and what
//! was looked up.

use std::sync::Arc;

use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;

use crate::event::Event;

/// The names that only `unless:` and payloads see.
pub(super) const STATE: [&str; 6] =
    ["window", "takeover", "thread", "suppressed", "lookup", "events"];

/// The one of them below which the route's own names stand.
pub(super) const LOOKUP: &str = "lookup";

/// How a conversation stands right before an attempt. What is missing is false.
#[derive(Clone, Debug, Default, Serialize)]
pub struct State {
    /// The time after the contact's last message in which anything may be sent.
    pub window: Window,
    /// A person who answers in place of the bot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub takeover: Option<TakenOver>,
    /// The thread that the destination keeps of the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// Why the contact must not be sent marketing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<String>,
    /// What the route's lookups found, by name; one that found nothing is missing.
    pub lookup: serde_json::Map<String, serde_json::Value>,
    /// With `collect`, every event of the burst; `event` is the newest.
    #[serde(skip)]
    pub events: Vec<Arc<Event>>,
}

/// The customer service window.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Window {
    /// Whether it is open.
    pub open: bool,
    /// When it closes or closed, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closes: Option<String>,
}

/// A person who answers in place of the bot.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TakenOver {
    /// What told us: `business_app`, `api`, `standby`, …
    pub by: String,
    /// Since when, in RFC 3339.
    pub since: String,
    /// Until when, in RFC 3339.
    pub until: String,
}

impl State {
    /// The value of a name, without the events.
    pub(super) fn value(&self) -> Value {
        Value::from(Serde(self))
    }
}
