//! Sluicegate stands between chat platforms and everything behind them.
//!
//! # The data path
//!
//! Read the modules in this order; an event crosses them in this order.
//!
//! 1. [`ingress`] takes an HTTP request and runs steps 2 to 5 before it answers 200.
//!    [`poll`] asks the providers that do not push, and runs steps 3 to 5 on what they answer.
//! 2. [`provider`] verifies the signature over the exact bytes, then normalises the payload into
//!    [`event::Draft`]s.
//! 3. [`plan`] asks the [`router`] which routes want each draft, and puts their deliveries in
//!    place. Pure: no I/O, no clock, no state.
//! 4. [`journal`] accepts request, events and deliveries in one durable step, and answers what is
//!    new. Identity and dedup are its answer.
//! 5. [`delivery`] works the lanes: it leases deliveries, attempts them and settles the outcome.
//!    What a route has to ask elsewhere first, [`lookup`] says.
//! 6. [`destination`] says what to send and what the answer means. A reply is an event again:
//!    routed, and settled with the outcome that brought it.
//!
//! # Invariants
//!
//! - Nothing is answered 200 before it is durable.
//! - Nothing is parsed before it is verified (see [`provider::Request`]).
//! - `provider`, `router`, `expression`, `lookup` and `event` do no I/O and read no clock.
//! - The journal is the only way into the second half.

pub mod ingress;
pub mod poll;
pub mod provider;
pub mod client;
pub mod event;
pub mod plan;
pub mod router;
pub mod expression;
pub mod journal;
pub mod delivery;
pub mod lookup;
pub mod destination;
pub mod config;
pub mod admin;
pub mod gateway;
pub mod simulate;
pub mod cli;
pub mod telemetry;
pub mod http;
pub mod lenient;
pub mod keys;
pub mod media;
pub mod clock;
