//! Questions about the past, and how long it is kept.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Error;
use crate::destination::BoxFuture;
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
    /// `pending`, `delivered`, `refused` or `dead`.
    pub state: String,
    /// Attempts so far.
    pub attempts: u32,
    /// Why it stands so.
    pub reason: Option<String>,
    /// What the other side calls it, or the queues it was put into.
    pub receipt: Option<String>,
    /// When it is tried next.
    pub due: Option<Timestamp>,
    /// When it was settled.
    pub settled: Option<Timestamp>,
    /// Attempts that did not work, oldest first.
    pub failures: Vec<Failure>,
}

/// An attempt that did not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Why it did not work.
    pub reason: String,
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
