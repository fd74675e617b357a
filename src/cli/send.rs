//! `sluicegate send`: sign a sample and post it.

use super::{Failure, Global};

/// Sign a sample as the provider would and post it to a running gateway.
#[derive(Debug, clap::Args)]
pub(super) struct Send {}

impl Send {
    pub(super) async fn run(self, _global: &Global) -> Result<(), Failure> {
        Ok(())
    }
}
