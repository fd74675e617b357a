//! The journal: what is durable. The only way into the second half of the data path.
//!
//! [`Journal`] takes arrivals in, hands deliveries out, and records what became of them.
//! [`Queues`] holds the queues of the embedded broker. [`History`] answers questions about the
//! past. No row id and no SQL appears in any of them.

mod delivery;
mod history;
mod lane;
mod redo;
mod ticket;
mod sqlite;

pub use delivery::{Called, Lease, Opened, Record, Run, Settlement, Verdict};
pub use history::{
    Attempt, Conversation, DeliveryState, History, MAX_PAGE, Query, Rejected, Retention, Story,
    Told,
};
pub use redo::{Collects, Deed, Found, Listed, Moment, Place, Redo, STATES, Step, Tally, Which};
pub use sqlite::{Options, Sqlite};
pub use ticket::{Acceptor, Ticket};

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::destination::{Arrived, BoxFuture, Order, Placement, Standing};
use crate::event::standing::{About, Change};
use crate::event::{Candidate, Event, Facts, Kind};
use crate::provider::Cursor;
use crate::router::Collect;

/// Why the journal could not do what was asked. Ingress answers 503 to every one of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// More is on its way to the disk than the journal lets wait.
    #[error("the journal is busy")]
    Busy,
    /// The disk is full, broken or gone. Nothing of the batch was written.
    #[error("the journal cannot write: {0}")]
    Write(String),
    /// A record could not be read.
    #[error("the journal cannot read: {0}")]
    Read(String),
    /// The journal is shut down.
    #[error("the journal is closed")]
    Closed,
}

/// One request (or reply) with the events it holds, on its way into the journal.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The source, or the destination that replied.
    pub source: Arc<str>,
    /// When it arrived.
    pub received: Timestamp,
    /// The headers that are kept, as a JSON object.
    pub headers: String,
    /// The body, exactly as it arrived.
    pub body: Bytes,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// The delivery whose reply this is.
    pub cause: Option<Cause>,
    /// The events, in the order they happened.
    pub events: Vec<Incoming>,
    /// Where a polled source goes on: written in the same step as the events, and also when none
    /// of them is new.
    pub cursors: Vec<Cursor>,
    /// It is kept, and not routed: an answer that nobody waits for any more.
    pub unrouted: bool,
}

/// What a reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The event that was delivered.
    pub event: Uuid,
    /// Its conversation, which a reply belongs to as well.
    pub conversation: Option<Uuid>,
    /// The first event of the chain.
    pub correlation: Uuid,
    /// How deep the reply lies.
    pub hops: u8,
}

/// One event on its way into the journal, with the deliveries that routing asks for.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The event's id; also what makes a redelivery a duplicate.
    pub id: Uuid,
    /// What happened.
    pub kind: Kind,
    /// When it happened, or else when it arrived.
    pub time: Timestamp,
    /// See [`Event::historical`].
    pub historical: bool,
    /// By which the conversation is found, strongest first.
    pub aliases: Vec<Alias>,
    /// [`Facts`] as JSON.
    pub facts: Vec<u8>,
    /// The provider's fragment, as a range of the body.
    pub raw: std::ops::Range<usize>,
    /// What it changes about how its conversation stands.
    pub changes: Vec<Change>,
    /// Which message of ours it speaks of.
    pub about: Option<About>,
    /// The deliveries, in order.
    pub deliveries: Vec<Assigned>,
}

/// One identifier of a conversation, keyed for the alias table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The key: a digest over source, account, scheme and value.
    pub key: Uuid,
    /// The identifier in clear.
    pub candidate: Candidate,
}

/// A delivery that routing asks for, and where it is put.
#[derive(Clone, Debug, PartialEq)]
pub struct Assigned {
    /// The route.
    pub route: Arc<str>,
    /// The destination.
    pub destination: Arc<str>,
    /// Which of the route's `to` it is.
    pub index: u16,
    /// Where it is put.
    pub placement: Placement,
    /// How a burst is gathered into one call.
    pub collect: Option<Collect>,
    /// It is delivered once for all events of its request.
    pub per_request: bool,
}

/// What acceptance answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Events written.
    pub new: usize,
    /// Events that were known already, and changed nothing.
    pub duplicate: usize,
}

/// Accepts, leases and settles.
pub trait Journal: Send + Sync + 'static {
    /// Takes an arrival in. The ticket is answered once everything is durable, or with an error
    /// when nothing of it is.
    ///
    /// # Errors
    /// [`Error::Busy`] at once when too much is waiting for the disk; [`Error::Closed`] after
    /// shutdown. The ticket is dropped then.
    fn submit(&self, arrival: Arrival, ticket: Ticket) -> Result<(), Error>;

    /// Where a polled source stood when its last arrival was accepted, by key.
    fn cursors(&self, source: &str) -> BoxFuture<'_, Result<Vec<Cursor>, Error>>;

    /// What was kept under a key, see [`keep`](Self::keep).
    fn kept(&self, key: &str) -> BoxFuture<'_, Result<Option<Vec<u8>>, Error>>;

    /// Keeps a value under a key, durably, or forgets it.
    fn keep(&self, key: &str, value: Option<Vec<u8>>) -> BoxFuture<'_, Result<(), Error>>;

    /// Opens a lane, so that its deliveries are handed out in that order.
    fn open_lane(&self, lane: &str, order: Order) -> BoxFuture<'_, Result<(), Error>>;

    /// Hands out at most `budget` deliveries of a lane that are due, at most the head of each
    /// conversation in an ordered lane. They stay leased until settled or released.
    fn lease(
        &self,
        lane: &str,
        budget: usize,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Run>, Error>>;

    /// Waits until a lane may have something to lease: new work, or a due moment reached.
    fn work<'a>(&'a self, lane: &'a str) -> BoxFuture<'a, ()>;

    /// Gives leases back unattempted, as on shutdown.
    fn release(&self, lane: &str, positions: &[i64]);

    /// Puts leases off without an attempt: they keep their place, and are due again later. In
    /// memory alone; after a restart they are due at once.
    fn defer(&self, lane: &str, positions: &[i64], due: Timestamp);

    /// Makes everything due that waits for its moment, as when a pause ends.
    fn hasten(&self, lane: &str, now: Timestamp);

    /// How a conversation stands; `peer` is whose thread is asked for.
    fn standing(
        &self,
        conversation: Uuid,
        peer: Option<&str>,
    ) -> BoxFuture<'_, Result<Standing, Error>>;

    /// Changes how a conversation stands.
    fn change(&self, conversation: Uuid, changes: Vec<Change>) -> BoxFuture<'_, Result<(), Error>>;

    /// The request that brought an event, as it arrived.
    fn arrived(&self, sequence: u64) -> BoxFuture<'_, Result<Arrived, Error>>;

    /// Writes a call before it is sent. `false`: it was answered already, and its deliveries are
    /// settled.
    fn open_call(&self, lane: &str, opened: Opened) -> BoxFuture<'_, Result<bool, Error>>;

    /// Keeps an answer that came another way than its call, until the engine judges it. `false`:
    /// nobody waits for it.
    fn answer(&self, call: Uuid, body: Bytes) -> BoxFuture<'_, Result<bool, Error>>;

    /// A call that was written before it was sent.
    fn call(&self, id: Uuid) -> BoxFuture<'_, Result<Option<Called>, Error>>;

    /// Records outcomes; all of them in one durable step.
    fn settle(&self, lane: &str, settlements: Vec<Settlement>) -> BoxFuture<'_, Result<(), Error>>;

    /// What is waiting, by lane.
    fn lanes(&self) -> Vec<LaneState>;

    /// Writes what is on its way, checkpoints and closes. Later calls answer [`Error::Closed`].
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// How a lane stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneState {
    /// The destination.
    pub lane: String,
    /// Deliveries that wait, are leased or are due later.
    pub pending: u64,
    /// Of these, handed out right now.
    pub leased: u64,
    /// Deliveries settled since start.
    pub settled: u64,
    /// When the oldest that is due became due, in microseconds since 1970.
    pub oldest_due: Option<i64>,
}

/// A message of an embedded queue, received and not yet acknowledged.
#[derive(Clone, Debug)]
pub struct Received {
    /// What [`Queues::ack`] and [`Queues::nack`] refer to; valid until the visibility time-out.
    pub receipt: String,
    /// The delivery's id, stable across receptions.
    pub delivery: Uuid,
    /// How often it was received before.
    pub redelivered: u32,
    /// The event.
    pub event: Arc<Event>,
}

/// A queue of the embedded broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueState {
    /// Its name.
    pub name: String,
    /// Messages in it, received or not.
    pub messages: u64,
}

/// The queues of the embedded broker.
pub trait Queues: Send + Sync + 'static {
    /// Makes sure that queues exist. `delivery_limit` receptions without an acknowledgement move
    /// a message to `<name>.dead`.
    fn declare(&self, queues: &[(String, u32)]) -> BoxFuture<'_, Result<(), Error>>;

    /// Receives at most `max` messages, oldest first, waiting up to `wait` for the first. Each
    /// is invisible to others for `visibility`. `None`: no such queue.
    fn receive<'a>(
        &'a self,
        queue: &'a str,
        max: usize,
        wait: Duration,
        visibility: Duration,
    ) -> BoxFuture<'a, Result<Option<Vec<Received>>, Error>>;

    /// Removes messages for good. Answers how many receipts were still valid.
    fn ack<'a>(
        &'a self,
        queue: &'a str,
        receipts: &'a [String],
    ) -> BoxFuture<'a, Result<usize, Error>>;

    /// Gives messages back, visible again at once. Answers how many receipts were still valid.
    fn nack<'a>(
        &'a self,
        queue: &'a str,
        receipts: &'a [String],
    ) -> BoxFuture<'a, Result<usize, Error>>;

    /// Every queue.
    fn queues(&self) -> BoxFuture<'_, Result<Vec<QueueState>, Error>>;
}

/// How long an event's id is remembered at least: Meta repeats for 7 days.
pub const SEEN_FOR: Duration = Duration::from_hours(8 * 24);

/// Reads facts back; unknown fields of a newer version are dropped.
pub(crate) fn read_facts(json: &[u8]) -> Result<Box<Facts>, Error> {
    serde_json::from_slice(json).map_err(|it| Error::Read(it.to_string()))
}
