//! What several tests need: fixtures of providers, golden files, a running gateway.

pub(crate) mod bench;
pub(crate) mod gateway;
pub(crate) mod golden;
pub(crate) mod json;
pub(crate) mod store;

/// Says that a test could not run, on the real standard error: nothing captures it, and `.ci/run`
/// counts the lines.
pub(crate) fn skipped(test: &str, why: &str) {
    use std::io::Write;
    writeln!(std::io::stderr(), "skipped: {test}: {why}").unwrap();
}
