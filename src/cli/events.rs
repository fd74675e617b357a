//! `sluicegate events`: look at what was written down.

use super::{Failure, Global};

/// Look at the events that were written down.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Events {
    /// List events, newest first.
    List,
}

impl Events {
    pub(super) async fn run(self, _global: &Global) -> Result<(), Failure> {
        Ok(())
    }
}
