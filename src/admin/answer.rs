//! What the admin API takes and answers; the command line reads the same types.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::delivery::LaneHealth;
use crate::journal::DeliveryState;

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
