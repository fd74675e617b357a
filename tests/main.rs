//! One test binary: it links once, and helpers that nobody uses are warned about.

#![allow(missing_docs, clippy::unwrap_used)]

mod rabbitmq;
mod rabbitmq_outages;
mod support_rabbitmq;
