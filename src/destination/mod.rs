//! Destinations: where events go, and what their answers mean.
//!
//! A destination is one folder here and one line in [`REGISTRY`]. It says what to send and what
//! became of it; retrying, ordering, limits and records are the delivery engine's.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::event::{Event, Kind};
use crate::expression::Subject;

mod adapter;
mod certificates;
mod credential;
#[cfg(test)]
mod example;
mod fingerprint;
mod outcome;
mod policy;
mod status;

mod flowbot;
pub mod flowgent;
mod flowiq;
mod flowxo;
mod log;
mod messenger;
pub mod queue;
pub mod redis;
mod telegram;
pub mod webhook;
mod whatsapp;

pub use adapter::{Adapter, Arrived, Call, Connection, Grant, Limit, Session, Standing, Takeover};
pub use outcome::{Outcome, Reply, Scope};
pub use policy::{Common, OnDead, Order, Policy, Retry};

/// Every destination, in the order of `docs/destinations.md`. Add yours here.
pub const REGISTRY: &[Entry] = &[
    Entry::of::<flowbot::Call>(),
    Entry::of::<flowbot::Lead>(),
    Entry::of::<flowbot::Outbound>(),
    Entry::of::<flowbot::Reply>(),
    Entry::of::<flowgent::Chat>(),
    Entry::of::<flowgent::Knowledge>(),
    Entry::of::<flowgent::Template>(),
    Entry::of::<flowiq::FlowIqSend>(),
    Entry::of::<flowxo::FlowXoMessage>(),
    Entry::of::<flowxo::FlowXoSend>(),
    Entry::of::<flowxo::FlowXoTrigger>(),
    Entry::of::<log::Log>(),
    Entry::of::<messenger::MessengerSend>(),
    Entry::of::<queue::Queue>(),
    Entry::of::<redis::Redis>(),
    Entry::of::<telegram::Send>(),
    Entry::of::<webhook::Forward>(),
    Entry::of::<webhook::Webhook>(),
    Entry::of::<whatsapp::Send>(),
];

/// A boxed future, for traits whose type is forgotten.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A configured destination.
#[derive(Clone)]
pub struct Destination {
    /// Its name under `destinations:`.
    pub name: Arc<str>,
    /// The word after `kind:`.
    pub kind: &'static str,
    /// How deliveries are made.
    pub policy: Policy,
    /// What makes them.
    pub means: Means,
}

/// What makes a destination's deliveries.
#[derive(Clone)]
pub enum Means {
    /// A connection of its own that takes batches: a broker, a log.
    Transport(Arc<dyn Transport>),
    /// One HTTP exchange a call.
    Adapter(Arc<dyn Adapter>),
}

/// A destination with a connection of its own. Makes one attempt; trying again is the engine's job.
pub trait Transport: Send + Sync + 'static {
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

    /// Whether its messages lie in the embedded broker: nothing is attempted, and nothing repeated.
    fn is_embedded(&self) -> bool {
        false
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

impl Destination {
    /// See [`Transport::place`].
    pub fn place(&self, subject: &Subject) -> Placement {
        match &self.means {
            Means::Transport(it) => it.place(subject),
            Means::Adapter(_) => Placement::Lane,
        }
    }

    /// See [`Adapter::per_request`].
    pub fn is_per_request(&self) -> bool {
        matches!(&self.means, Means::Adapter(it) if it.per_request())
    }

    /// See [`Transport::ready`].
    ///
    /// # Errors
    /// Why it could not take a delivery right now.
    pub fn ready(&self) -> Result<(), String> {
        match &self.means {
            Means::Transport(it) => it.ready(),
            Means::Adapter(_) => Ok(()),
        }
    }

    /// See [`Transport::close`].
    pub async fn close(&self) {
        if let Means::Transport(it) = &self.means {
            it.close().await;
        }
    }
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

/// One delivery of a batch, ready to be attempted.
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

/// How a destination is defined, beside [`Transport`] or [`Adapter`].
pub trait Define: Sized {
    /// The word after `kind:`. Lower-case, with dots.
    const KIND: &'static str;
    /// One sentence for `docs/destinations.md`.
    const SUMMARY: &'static str;
    /// What a route may say under `to: { name: … }`.
    const PAYLOAD: Takes = Takes::Nothing;
    /// Every kind of event its answers become.
    const REPLIES: &'static [Kind] = &[];
    /// How deliveries are made where the settings say nothing.
    const POLICY: Policy;
    /// What the operator writes under `destinations:`.
    type Config: DeserializeOwned + JsonSchema;

    /// Builds the destination, refusing configuration that could never work.
    ///
    /// # Errors
    /// A sentence for the operator, without the destination's name.
    fn new(config: Self::Config, setup: &Setup) -> Result<Self, String>;

    /// What makes its deliveries: itself.
    fn means(self) -> Means;
}

/// What a route may say under `to: { name: … }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing: the destination sends the event itself.
    Nothing,
    /// Whatever the other side understands.
    Anything,
    /// A map of these names.
    Names(&'static [&'static str]),
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

/// Builds what makes a destination's deliveries from its settings, or says in a sentence why not.
pub type Build = fn(Value, &Setup) -> Result<Means, String>;

/// One line of the [`REGISTRY`].
pub struct Entry {
    /// See [`Define::KIND`].
    pub kind: &'static str,
    /// See [`Define::SUMMARY`].
    pub summary: &'static str,
    /// See [`Define::PAYLOAD`].
    pub payload: Takes,
    /// See [`Define::REPLIES`].
    pub replies: &'static [Kind],
    /// See [`Define::POLICY`].
    pub policy: Policy,
    /// The schema of [`Define::Config`].
    pub own_schema: fn() -> Schema,
    /// Builds it from what stands under `destinations:`, without `kind` and [`Common`].
    pub build: Build,
}

impl Entry {
    const fn of<D: Define>() -> Self {
        Self {
            kind: D::KIND,
            summary: D::SUMMARY,
            payload: D::PAYLOAD,
            replies: D::REPLIES,
            policy: D::POLICY,
            own_schema: || schemars::schema_for!(D::Config),
            build: |config, setup| {
                let config = serde_json::from_value(config).map_err(|it| it.to_string())?;
                Ok(D::new(config, setup)?.means())
            },
        }
    }

    /// The schema of everything that may stand under such a destination but `kind`.
    pub fn schema(&self) -> Value {
        let mut schema = (self.own_schema)().to_value();
        let common = common_schema();
        for section in ["properties", "$defs"] {
            let Some(common) = common[section].as_object() else { continue };
            if !schema[section].is_object() {
                schema[section] = Value::Object(serde_json::Map::new());
            }
            let Some(own) = schema[section].as_object_mut() else { continue };
            for (name, it) in common {
                own.entry(name).or_insert_with(|| it.clone());
            }
        }
        schema
    }

    /// The destination of a name, from everything that stands under it but `kind`.
    ///
    /// # Errors
    /// A sentence for the operator, without the destination's name.
    pub fn destination(&self, mut settings: Value, setup: &Setup) -> Result<Destination, String> {
        let mut common = serde_json::Map::new();
        if let Some(settings) = settings.as_object_mut() {
            let names = Common::NAMES.iter();
            common.extend(names.filter_map(|it| settings.remove_entry(*it)));
        }
        let common: Common = serde_json::from_value(common.into()).map_err(|it| it.to_string())?;
        let at_home = crate::config::is_loopback(&setup.public_url);
        Ok(Destination {
            name: setup.name.as_str().into(),
            kind: self.kind,
            policy: common.over(&self.policy, at_home),
            means: (self.build)(settings, setup)?,
        })
    }
}

/// The schema of what may stand under any destination.
pub fn common_schema() -> Value {
    schemars::schema_for!(Common).to_value()
}

/// The destination of that kind.
pub fn find(kind: &str) -> Option<&'static Entry> {
    REGISTRY.iter().find(|it| it.kind == kind)
}
