//! What several tests need: fixtures of providers, golden files, a running gateway.

pub(crate) mod bench;
pub(crate) mod gateway;
pub(crate) mod golden;
pub(crate) mod json;

/// Says that a test could not run; `.ci/run` counts the lines.
#[expect(clippy::explicit_write, reason = "the test runner captures what the print macros write")]
pub(crate) fn skipped(test: &str, why: &str) {
    use std::io::Write;
    writeln!(std::io::stderr(), "skipped: {test}: {why}").unwrap();
}
