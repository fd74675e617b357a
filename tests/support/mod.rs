//! What several tests need: fixtures of providers, golden files, a running gateway, a server it calls.

pub(crate) mod bench;
pub(crate) mod gateway;
pub(crate) mod golden;
pub(crate) mod json;
pub(crate) mod server;
pub(crate) mod simulation;
pub(crate) mod receiver;
pub(crate) mod store;

/// Says that a test could not run; `.ci/run` counts the lines.
pub(crate) fn skipped(test: &str, why: &str) {
    use std::io::Write;
    // Not by a print macro, which the test runner captures; in one write, which stays whole.
    std::io::stderr().write_all(format!("skipped: {test}: {why}\n").as_bytes()).unwrap();
}
