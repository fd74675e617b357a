//! What the admin API takes and answers; the command line reads the same types.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::config::Period;
use crate::delivery::LaneHealth;
use crate::journal::{DeliveryState, Listed, Which};
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

/// `GET /api/events/{id}`: the tree that grew from an event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Story {
    /// The event as it goes over the wire.
    pub event: Box<RawValue>,
    /// Its deliveries, those that repeat one last.
    pub deliveries: Vec<DeliveryState>,
    /// The events its deliveries brought, each with its own.
    pub replies: Vec<Self>,
    /// There are more replies than are shown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
}

/// `GET /api/deliveries`, those of the newest events first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Deliveries {
    /// The page.
    pub deliveries: Vec<Listed>,
    /// `before` of the next page; absent on the last.
    pub next: Option<u64>,
}

/// `POST /api/deliveries/retry`, `/drop` and `/replay`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mend {
    /// Which deliveries.
    pub filter: Which,
    /// Only these.
    pub ids: Vec<Uuid>,
    /// Say only what would be done.
    pub dry_run: bool,
    /// At most so many a second; for a replay 50 when nothing is said.
    pub rate: Option<u32>,
    /// Why they are given up.
    pub reason: Option<String>,
}

/// How far that is; `GET /api/deeds/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What to ask for; absent when nothing is under way.
    pub id: Option<u64>,
    /// `retry`, `drop` or `replay`.
    pub deed: String,
    /// `dry_run`, `running`, `done`, `stopped` or `failed`.
    pub state: String,
    /// Deliveries that were meant when it began.
    pub matched: u64,
    /// Of these, looked at so far.
    pub looked: u64,
    /// Of these, done; what was being sent right then, or was settled meanwhile, is left alone.
    pub done: u64,
    /// Why it failed.
    pub error: Option<String>,
    /// The first few of those that were meant.
    pub first: Vec<Listed>,
}

/// `POST /api/pauses/resume`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resume {
    /// The label of the scope, as `GET /api/pauses` has it.
    pub scope: String,
}

/// `POST /api/destinations/{name}/pause`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pause {
    /// Why.
    pub reason: Option<String>,
    /// For how long; until somebody resumes it, when nothing is said.
    pub r#for: Option<Period>,
}

/// `POST /api/conversations/{id}/takeover`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakeOver {
    /// For how long the bot falls silent.
    pub r#for: Period,
    /// Who takes over; `api` when nothing is said.
    #[serde(default)]
    pub by: Option<String>,
}

/// `POST /api/conversations/{id}/suppress`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Suppress {
    /// Why the contact must not be sent marketing.
    pub reason: Option<String>,
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
