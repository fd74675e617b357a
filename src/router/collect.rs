//! `collect:` a burst of a conversation becomes one call.

use std::time::Duration;

/// How a burst of one conversation is gathered into one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collect {
    /// The call is made once nothing has come for so long.
    pub quiet: Duration,
    /// And at the latest so long after the first.
    pub max: Duration,
    /// And at the latest once so many have come.
    pub messages: u16,
    /// What comes while the other side thinks makes its answer stale: the call is made again with
    /// everything, and the first answer is not routed.
    pub supersede: bool,
}

impl Collect {
    /// The most deliveries of one call, and how many there are when nothing else is said.
    pub const MESSAGES: u16 = 50;

    /// Gathers for so long, at most four times as long in all.
    pub const fn after(quiet: Duration) -> Self {
        Self { quiet, max: quiet.saturating_mul(4), messages: Self::MESSAGES, supersede: false }
    }
}
