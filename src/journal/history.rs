//! Questions about the past, and how long it is kept.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Error;
use crate::destination::{BoxFuture, Takeover};
use crate::event::Event;

/// The most events of one page.
pub const MAX_PAGE: usize = 1_000;

/// What to look for in the past. Empty fields do not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    /// Only this kind.
    pub kind: Option<String>,
    /// Only this source.
    pub source: Option<String>,
    /// Only this conversation.
    pub conversation: Option<Uuid>,
    /// Only events before this sequence: the cursor of the previous page.
    pub before: Option<u64>,
    /// At most this many; 50 by default, 1,000 at most.
    pub limit: Option<usize>,
}

/// An event with what became of it.
#[derive(Clone, Debug)]
pub struct Story {
    /// The event.
    pub event: Event,
    /// Its deliveries, in the order routing asked for them.
    pub deliveries: Vec<DeliveryState>,
    /// The events that its deliveries brought.
    pub replies: Vec<Uuid>,
}

/// How a delivery stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryState {
    /// Its id.
    pub id: Uuid,
    /// The route that asked for it.
    pub route: String,
    /// Where it goes.
    pub destination: String,
    /// `pending`, `sending`, `awaiting` its answer, `held` (dead, and the rest of its
    /// conversation waits for somebody), `delivered`, `skipped`, `refused`, `dead`, `dropped` or
    /// `orphaned`.
    pub state: String,
    /// Attempts so far; after a retry, those since.
    pub attempts: u32,
    /// Why it stands so.
    pub reason: Option<String>,
    /// What the other side calls it, or the queues it was put into.
    pub receipt: Option<String>,
    /// When it is tried next.
    pub due: Option<Timestamp>,
    /// When it was settled.
    pub settled: Option<Timestamp>,
    /// The call it was made part of, where that was written before it was sent.
    pub call: Option<Uuid>,
    /// The delivery that it repeats.
    pub replay_of: Option<Uuid>,
    /// Attempts that did not work, and every one that was an HTTP exchange; oldest first. Those of
    /// its call, where one served several. Left out of lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempted: Vec<Attempt>,
    /// What was told of its message later, oldest first. Left out of lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<Told>,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// `delivered`, `await`, `retry`, `refused` or `dead`.
    pub outcome: String,
    /// Why it did not work.
    pub reason: Option<String>,
    /// What was sent: bounded, and without secrets.
    pub sent: Option<String>,
    /// What was answered, likewise.
    pub answered: Option<String>,
    /// The fingerprint of the configuration it was made under.
    pub config: Option<String>,
}

/// An event that tells what became of a delivery's message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The event.
    pub event: Uuid,
    /// Its kind: `message.status`, or `message.sent` for a copy of the message.
    pub kind: String,
    /// `sent`, `delivered`, `read`, `failed`, …
    pub status: Option<String>,
    /// When that was.
    pub time: Timestamp,
}

/// A conversation, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// Its id.
    pub id: Uuid,
    /// By which it is known, as `wa_id:106540352242922:27821234567`.
    pub aliases: Vec<String>,
    /// When the contact wrote last.
    pub inbound: Option<Timestamp>,
    /// Until when others than templates may be sent; `None`: it never was open.
    pub window_closes: Option<Timestamp>,
    /// The person who answers in place of the bot.
    pub takeover: Option<Takeover>,
    /// Why the contact must not be sent marketing.
    pub suppressed: Option<String>,
    /// What the other sides call it, by whose thread it is.
    pub threads: BTreeMap<String, String>,
}

/// A request that was turned away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// When.
    pub at: Timestamp,
    /// The source it was meant for.
    pub source: String,
    /// Where it came from.
    pub address: String,
    /// [`Rejection::label`](crate::provider::Rejection::label).
    pub label: String,
    /// The sentence.
    pub reason: String,
}

/// Answers questions about the past.
pub trait History: Send + Sync + 'static {
    /// Events, newest first.
    fn search(&self, query: Query) -> BoxFuture<'_, Result<Vec<Event>, Error>>;

    /// One event with what became of it.
    fn story(&self, id: Uuid) -> BoxFuture<'_, Result<Option<Story>, Error>>;

    /// A conversation, and how it stands; `None`: nothing is known of it.
    fn conversation(&self, id: Uuid) -> BoxFuture<'_, Result<Option<Conversation>, Error>>;

    /// The conversations that something is an alias of: an id or a phone number, as the provider
    /// writes it.
    fn named(&self, name: &str) -> BoxFuture<'_, Result<Vec<Uuid>, Error>>;

    /// How many events are stored.
    fn count(&self) -> BoxFuture<'_, Result<u64, Error>>;

    /// Deletes what is older than its retention, in small steps, never what is still to be
    /// delivered. Answers how many events went.
    fn prune(&self, retention: Retention, now: Timestamp) -> BoxFuture<'_, Result<u64, Error>>;

    /// Keeps a rejection in a bounded ring.
    fn reject(&self, rejected: Rejected);

    /// The last rejections, newest first.
    fn rejections(&self) -> Vec<Rejected>;
}

/// How long and how much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Events and requests go when older than this.
    pub age: Duration,
    /// The oldest go while the store is larger than this, in bytes.
    pub size: Option<u64>,
}
