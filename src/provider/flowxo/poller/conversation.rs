//! One conversation: what was told of it, what the list says, and how far reading is.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Pages;
use super::pace::{after, penalty, period, since};
use super::reading::{Reading, Step, Told, name};
use crate::lenient::text;
use crate::provider::Cursor;
use crate::provider::flowxo::message;
use crate::provider::flowxo::transcript::Polled;

/// A last message that is listed but not among the messages is asked for so often.
const MISSES: u32 = 5;

/// What was told of a conversation: its cursor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Place {
    /// The newest messages that were told, newest first.
    pub(super) recent: Vec<String>,
    /// When the newest of all was written.
    pub(super) newest: Option<Timestamp>,
    /// Whether a human held it then.
    pub(super) agent_mode: Option<bool>,
    /// It was read to its end at least once.
    pub(super) read: bool,
    /// A last message that the list names, and the messages never held.
    settled: Option<String>,
}

/// What is known of a conversation.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub(super) cursor: Place,
    /// Its record, as the list last showed it; let go of once the conversation is quiet.
    pub(super) record: Option<Box<RawValue>>,
    /// When its last message was written.
    pub(super) moved: Option<Timestamp>,
    /// When it was last known to hold nothing new.
    pub(super) seen: Option<Timestamp>,
    /// It has something that was not told.
    pub(super) wanted: bool,
    /// It is left alone until then.
    pub(super) not_before: Option<Timestamp>,
    pub(super) reading: Option<Reading>,
    encoded: Option<String>,
    last: Option<String>,
    /// Whether the listed last message was among those read.
    hit: bool,
    misses: u32,
    failures: u32,
    agent_mode: Option<bool>,
}

impl Conversation {
    /// What a cursor says.
    pub(super) fn resumed(value: &[u8]) -> Self {
        let cursor = serde_json::from_slice(value).unwrap_or_default();
        Self { cursor, ..Self::default() }
    }

    /// Its cursor.
    pub(super) fn place(&self, id: &str) -> Cursor {
        let value = serde_json::to_vec(&self.cursor).expect("a place has nothing JSON has not");
        Cursor { key: format!("conversation:{id}"), value: Some(value) }
    }

    /// Its id as part of a path, as Flow XO gives it.
    pub(super) fn encoded(&self, id: &str) -> String {
        let own = || form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>();
        self.encoded.clone().unwrap_or_else(|| own().replace('+', "%20"))
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.wanted && self.not_before.is_none_or(|it| it <= now)
    }

    /// Whether what it has is surely new.
    pub(super) fn is_pressing(&self) -> bool {
        self.cursor.read && self.last.is_some()
    }

    /// When it is to be asked by itself, because the list has not shown it lately.
    pub(super) fn live_due(&self, every: Duration, now: Timestamp) -> Option<Timestamp> {
        let quiet = since(self.moved?, now);
        if self.wanted || !self.cursor.read {
            return None;
        }
        let due = after(self.seen?, period(every, quiet)?);
        Some(self.not_before.map_or(due, |it| it.max(due)))
    }

    pub(super) fn is_live(&self, every: Duration, now: Timestamp) -> bool {
        self.moved.is_some_and(|it| period(every, since(it, now)) == Some(every))
    }

    /// Takes up what the list says. Whether that is news.
    pub(super) fn show(
        &mut self,
        raw: &RawValue,
        record: &Value,
        sweep: bool,
        now: Timestamp,
    ) -> bool {
        let last = text(&record["last_message"]["id"]);
        let is_other = self.last != last;
        if is_other {
            self.misses = 0;
            self.not_before = self.not_before.filter(|_| self.failures > 0);
        }
        self.moved = self.moved.max(message::time(&record["last_message"]));
        // Encoded by Flow XO already: what could lead elsewhere is not taken from it.
        let fits = |it: u8| it.is_ascii_alphanumeric() || b"-._~%".contains(&it);
        self.encoded = text(&record["id_url_encoded"]).filter(|it| it.bytes().all(fits));
        self.agent_mode = record["agent_mode"].as_bool();
        let is_told = match &last {
            Some(id) => self.cursor.recent.contains(id) || self.cursor.settled.as_ref() == Some(id),
            // Without a last message, only reading tells.
            None => !sweep,
        };
        let is_news = !self.cursor.read || !is_told || self.has_flipped();
        let is_new = is_news && (!self.wanted || is_other);
        if is_news {
            self.wanted = true;
        } else if last.is_some() {
            self.seen = Some(now);
        }
        self.last = last;
        let quiet = self.moved.map(|it| since(it, now));
        let is_quiet = quiet.is_none_or(|it| period(Duration::ZERO, it).is_none());
        self.record = (self.wanted || !is_quiet).then(|| raw.to_owned());
        is_new
    }

    /// Whether it changed hands since it was told of.
    fn has_flipped(&self) -> bool {
        let (before, now) = (self.cursor.agent_mode, self.agent_mode);
        before.is_some() && now.is_some() && before != now
    }

    /// Takes it as read, because all of it is older than what is wanted. Whether it could.
    pub(super) fn pass_over(&mut self) -> bool {
        let Some(last) = self.last.clone() else { return false };
        self.cursor = Place {
            recent: vec![last],
            newest: self.moved,
            agent_mode: self.agent_mode,
            read: true,
            settled: None,
        };
        self.wanted = false;
        self.reading = None;
        true
    }

    /// Reads a page of its messages.
    pub(super) fn read(
        &mut self,
        page: &[&RawValue],
        oldest: Option<Timestamp>,
        pages: Pages,
    ) -> Step {
        if self.reading.is_none() {
            self.hit = false;
        }
        self.failures = 0;
        self.hit |= self.last.is_none() || page.iter().any(|it| Some(name(it)) == self.last);
        let (reading, step) =
            self.reading.take().unwrap_or_default().step(page, &self.cursor, oldest, pages);
        self.reading = reading;
        step
    }

    /// What `normalise` is given: the record and the messages as they came. `None`: no news.
    pub(super) fn body(&self, told: &Told, began: Timestamp) -> Option<Bytes> {
        if told.messages.is_empty() && !self.has_flipped() {
            return None;
        }
        let polled = Polled { began, first: !self.cursor.read, agent_mode: self.cursor.agent_mode };
        let polled = serde_json::to_string(&polled).expect("a moment and two flags are JSON");
        let record = self.record.as_ref().map_or("null", |it| it.get());
        let messages: Vec<&str> = told.messages.iter().map(|it| it.get()).collect();
        let messages = messages.join(",");
        let body =
            format!(r#"{{"polled":{polled},"conversation":{record},"messages":[{messages}]}}"#);
        Some(body.into())
    }

    /// Moves on, past what is in the same batch.
    pub(super) fn advance(&mut self, told: Told, every: Duration, now: Timestamp) {
        if !told.top.is_empty() {
            self.cursor.recent = told.top;
        }
        self.cursor.newest = self.cursor.newest.max(told.newest);
        self.moved = self.moved.max(told.newest);
        self.cursor.agent_mode = self.agent_mode.or(self.cursor.agent_mode);
        if !told.is_done {
            return;
        }
        self.cursor.read = true;
        self.wanted = false;
        self.not_before = None;
        self.seen = Some(now);
        if !self.hit {
            // The list is ahead of the messages: they will be there in a moment, or never.
            self.misses += 1;
            if self.misses < MISSES {
                self.wanted = true;
                self.not_before = Some(after(now, penalty(every, self.misses)));
            } else {
                self.cursor.settled.clone_from(&self.last);
            }
        }
    }

    /// Leaves it alone for a while.
    pub(super) fn fail(&mut self, every: Duration, now: Timestamp) {
        self.failures += 1;
        self.not_before = Some(after(now, penalty(every, self.failures)));
    }

    /// It is not there any more, unless the list shows it again.
    pub(super) fn gone(&mut self, every: Duration, now: Timestamp) {
        self.fail(every, now);
        self.wanted = false;
        self.reading = None;
    }
}
