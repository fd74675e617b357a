//! Destinations: where events go, and what their answers mean.
//!
//! A destination is one folder here and one line in [`REGISTRY`]. It says what to send and what
//! became of it; retrying, ordering, limits and records are the delivery engine's.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::event::{Draft, Event};
use crate::expression::Subject;

pub mod queue;
mod log;

/// Every destination, in the order of `docs/destinations.md`. Add yours here.
pub const REGISTRY: &[Entry] = &[Entry::of::<log::Log>(), Entry::of::<queue::Queue>()];

/// A boxed future, for traits whose type is forgotten.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Somewhere events can be sent. Makes one attempt; trying again is the engine's job.
pub trait Destination: Send + Sync + 'static {
    /// Whether order matters, and along what.
    fn order(&self) -> Order;

    /// The most deliveries of one attempt. A batch succeeds or fails one by one.
    fn batch(&self) -> usize {
        1
    }

    /// Where a new delivery is put when its event is accepted.
    ///
    /// A queue of the embedded broker lives in the journal, so publishing to it is part of the
    /// acceptance itself: one transaction, no second hop, nothing to repeat after a crash.
    fn place(&self, subject: &Subject) -> Placement {
        let _ = subject;
        Placement::Lane
    }

    /// Attempts a batch of at most [`batch`](Self::batch) deliveries; one outcome each, in order.
    fn deliver<'a>(&'a self, batch: &'a [Parcel]) -> BoxFuture<'a, Vec<Outcome>>;

    /// Whether it could take a delivery right now, for `/readyz`.
    ///
    /// # Errors
    /// Why it cannot.
    fn ready(&self) -> Result<(), String> {
        Ok(())
    }

    /// Ends connections, after the last attempt.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// The order in which a lane's deliveries are attempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// In the journal's order as far as batches allow; a retry does not hold up the others.
    None,
    /// In the journal's order within a conversation; its head holds the rest of it.
    Conversation,
}

/// Where a new delivery is put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placement {
    /// In the destination's lane, to be attempted.
    Lane,
    /// Straight into these queues of the embedded broker.
    Queues(Vec<Arc<str>>),
    /// Nowhere: it is dead from the start, visibly, for this reason.
    Dead(String),
}

/// One delivery, ready to be attempted.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// The delivery's id: stable across retries.
    pub delivery: Uuid,
    /// What is delivered.
    pub event: Arc<Event>,
    /// What the route adds under `to: { name: … }`; `Null` without it.
    pub payload: Value,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

/// What became of one attempt. Not a `Result`: a refusal is an answer, not a failure of ours.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It arrived.
    Delivered {
        /// What the other side calls it, e.g. a message id.
        receipt: Option<String>,
        /// What it answered, as events.
        replies: Vec<Reply>,
    },
    /// It was taken; the answer comes later, until this moment.
    Await {
        /// When waiting ends.
        until: Timestamp,
    },
    /// It may work later.
    Retry {
        /// Why it did not work.
        reason: String,
        /// Not before this long, if the other side said so.
        after: Option<Duration>,
    },
    /// It will never work.
    Refused {
        /// Why.
        reason: String,
    },
    /// Nothing of this scope will work for a while; the queue is kept.
    Pause {
        /// Why.
        reason: String,
        /// What stands still.
        scope: Scope,
        /// For how long.
        duration: Duration,
    },
}

impl Outcome {
    /// It arrived, and nothing was answered.
    pub const fn delivered() -> Self {
        Self::Delivered { receipt: None, replies: Vec::new() }
    }

    /// It may work later.
    pub fn retry(reason: impl Into<String>) -> Self {
        Self::Retry { reason: reason.into(), after: None }
    }

    /// It will never work.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into() }
    }
}

/// What stands still in an [`Outcome::Pause`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everything that uses this credential.
    Credential(String),
    /// One of our numbers.
    Number(String),
    /// The account.
    Account(String),
    /// One agent.
    Agent(String),
}

/// What a destination answered: an event in the making, and the bytes it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The event; its raw range points into `body`.
    pub draft: Draft,
    /// The answer, verbatim.
    pub body: bytes::Bytes,
}

/// A destination's own half of its definition: the other half is [`Destination`].
pub trait Define: Destination + Sized {
    /// The word after `kind:`. Lower-case, with dots.
    const KIND: &'static str;
    /// One sentence for `docs/destinations.md`.
    const SUMMARY: &'static str;
    /// Whether it uses what a route adds under `to: { name: … }`, or sends the event itself.
    const TAKES_PAYLOAD: bool = false;
    /// What the operator writes under `destinations:`.
    type Config: DeserializeOwned + JsonSchema;

    /// Builds the destination, refusing configuration that could never work.
    ///
    /// # Errors
    /// A sentence for the operator, without the destination's name.
    fn new(config: Self::Config, setup: &Setup) -> Result<Self, String>;
}

/// What a destination is built with beside its own settings.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The name under `destinations:`.
    pub name: String,
    /// Where the gateway is reached, for schema URLs and callbacks.
    pub public_url: String,
    /// Where queues live.
    pub broker: Broker,
}

/// Where queues live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broker {
    /// In the journal.
    Embedded,
    /// In RabbitMQ, at this AMQP URL (which may hold a password).
    RabbitMq(crate::config::Secret),
}

/// Builds a destination from its settings, or says in a sentence why not.
pub type Build = fn(Value, &Setup) -> Result<Arc<dyn Destination>, String>;

/// One line of the [`REGISTRY`].
pub struct Entry {
    /// See [`Define::KIND`].
    pub kind: &'static str,
    /// See [`Define::SUMMARY`].
    pub summary: &'static str,
    /// See [`Define::TAKES_PAYLOAD`].
    pub takes_payload: bool,
    /// The schema of [`Define::Config`].
    pub schema: fn() -> Schema,
    /// Builds the destination from what stands under `destinations:`, without `kind`.
    pub build: Build,
}

impl Entry {
    const fn of<D: Define>() -> Self {
        Self {
            kind: D::KIND,
            summary: D::SUMMARY,
            takes_payload: D::TAKES_PAYLOAD,
            schema: || schemars::schema_for!(D::Config),
            build: |config, setup| {
                let config = serde_json::from_value(config).map_err(|it| it.to_string())?;
                Ok(Arc::new(D::new(config, setup)?))
            },
        }
    }
}

/// The destination of that kind.
pub fn find(kind: &str) -> Option<&'static Entry> {
    REGISTRY.iter().find(|it| it.kind == kind)
}
