//! `sluicegate check`: everything that is wrong with the configuration, at once.

use super::{Failure, Global, print, setup};
use crate::config::Secrets;

/// Read the configuration and say everything that is wrong with it, with line and column.
///
/// Nothing is started, and nothing outside the file is touched but the variables and secret files
/// it names.
///
///   sluicegate check
///   sluicegate check --config staging.yaml --json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Check {}

impl Check {
    #[allow(clippy::unused_self)]
    pub(super) fn run(self, global: &Global) -> Result<(), Failure> {
        let config = setup::read(global)?;
        // Any secret will do: nothing is verified here.
        let setup = setup::build(global, config, &Secrets::placeholder())?;
        if !global.json {
            print(&format!(
                "{}: {} sources, {} destinations, {} routes; no mistakes",
                global.config.display(),
                setup.sources.len(),
                setup.plan.destinations.len(),
                setup.plan.table.routes().len(),
            ))?;
        }
        Ok(())
    }
}
