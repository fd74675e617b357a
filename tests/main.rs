//! One test binary: it links once, and helpers that nobody uses are warned about.

#![allow(missing_docs, clippy::unwrap_used, clippy::similar_names)]
#![allow(clippy::print_stderr, reason = "the test runner shows it when a test fails")]

mod support;
mod support_rabbitmq;

mod config;
mod conformance;
mod identity;
mod journal;
mod journal_calls;
mod journal_retention;
mod redo;
mod mending;
mod queues;
mod pipeline;
mod crash;
mod conversation;
mod takeover;
mod cut;
mod outage;
mod faults;
mod answers;
mod order;
mod calls;
mod polling;
mod lookups;
mod media;
mod docs;
mod deploy;
mod rabbitmq;
mod rabbitmq_outages;
mod redis;
mod recursion;
mod tidy;
mod webhooks;
mod forwarded;
mod flowbot_limit;
mod wire;
