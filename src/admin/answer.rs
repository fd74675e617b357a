//! What the admin API takes and answers; the command line reads the same types.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::delivery::LaneHealth;
use crate::journal::DeliveryState;
use crate::poll::State;

/// Something was wrong.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// One sentence.
    pub error: String,
}

impl Problem {
    /// A problem, in one sentence.
    pub fn new(error: impl Into<String>) -> Self {
        Self { error: error.into() }
    }
}

/// `GET /readyz`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ready {
    /// Whether senders should be let in.
    pub ready: bool,
    /// Why the journal cannot write.
    pub journal: Option<String>,
    /// How every lane does.
    pub lanes: Vec<LaneHealth>,
}

/// One of `GET /api/sources`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its name in the configuration.
    pub name: String,
    /// Its provider.
    pub provider: String,
    /// What a passed check proves, in a sentence.
    pub proof: String,
    /// Whether it runs on the development secret.
    pub development: bool,
    /// How it does, where the gateway asks for what is new.
    pub polled: Option<Polled>,
}

/// How a polled source does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Polled {
    /// Conversations that are known.
    pub known: usize,
    /// Of these, read to their end at least once.
    pub read: usize,
    /// Of these, live: asked at the shortest period.
    pub live: usize,
    /// How long ago the conversation was asked that has waited longest, in seconds.
    pub stalest_seconds: Option<u64>,
    /// What went wrong last, until it goes well again.
    pub error: Option<String>,
    /// When it asks next; absent while it asks.
    pub next: Option<Timestamp>,
}

impl Polled {
    pub(super) fn of(state: &State) -> Self {
        let progress = state.progress;
        Self {
            known: progress.known,
            read: progress.read,
            live: progress.live,
            stalest_seconds: progress.stalest.map(|it| it.as_secs()),
            error: state.error.clone(),
            next: state.next,
        }
    }
}

/// `GET /api/events`, newest first; each is the event as it goes over the wire.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Events {
    /// The page.
    pub events: Vec<Box<RawValue>>,
    /// `before` of the next page; absent on the last.
    pub next: Option<u64>,
}

/// `GET /api/events/{id}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Story {
    /// The event as it goes over the wire.
    pub event: Box<RawValue>,
    /// Its deliveries.
    pub deliveries: Vec<DeliveryState>,
    /// The events its deliveries brought.
    pub replies: Vec<Uuid>,
}

/// `POST /api/queues/{queue}/receive`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Receive {
    /// The most messages; 1 to 1,000.
    pub max: usize,
    /// How long to wait for the first, in seconds; at most 60.
    pub wait_seconds: u64,
    /// How long the messages are invisible to others, in seconds; at most 12 hours.
    pub visibility_seconds: u64,
}

impl Default for Receive {
    fn default() -> Self {
        Self { max: 10, wait_seconds: 0, visibility_seconds: 30 }
    }
}

/// Messages received.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Messages {
    /// Oldest first.
    pub messages: Vec<Message>,
}

/// A message of an embedded queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    /// For `ack` and `nack`, until the visibility time-out.
    pub receipt: String,
    /// The delivery's id, the same at every reception.
    pub delivery: Uuid,
    /// How often it was received before.
    pub redelivered: u32,
    /// The event as it goes over the wire.
    pub event: Box<RawValue>,
}

/// `POST /api/queues/{queue}/ack` and `/nack`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipts {
    /// The receipts.
    pub receipts: Vec<String>,
}

/// How many receipts were still valid.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Settled {
    /// The number.
    pub settled: usize,
}
