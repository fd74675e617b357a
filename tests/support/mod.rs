//! What several tests need: fixtures of providers, golden files, and paths through JSON.

pub(crate) mod bench;
pub(crate) mod golden;
pub(crate) mod json;
