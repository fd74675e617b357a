//! `sluicegate pauses`: what stands still, and how it goes on.

use super::client::Client;
use super::deliveries::period;
use super::{Failure, Global, print, setup};
use crate::admin::answer::{Pause, Resume};
use crate::config::Period;
use crate::delivery::pauses::Held;

/// Look at what stands still, let a destination stand still, or let it go on.
///
/// A refused credential, a blocked number or an empty account pauses what needs it: nothing is
/// sent, and nothing lost or aged, until its time comes or somebody resumes it.
///
///   sluicegate pauses list
///   sluicegate pauses set crm --for 30min --reason "maintenance"
///   sluicegate pauses resume "number 106540352242922"
#[derive(Debug, clap::Subcommand)]
#[command(verbatim_doc_comment)]
pub(super) enum Pauses {
    /// List what stands still, why, and until when.
    List,
    /// Let a destination stand still.
    Set {
        /// The destination.
        destination: String,
        /// For how long, as in 30min; until somebody resumes it by default.
        #[arg(long = "for", value_name = "TIME", value_parser = period)]
        long: Option<std::time::Duration>,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// End a pause.
    Resume {
        /// The scope, as `pauses list` has it.
        scope: String,
    },
}

impl Pauses {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = Client::new(&setup::load(global)?)?;
        let held: Vec<Held> = match self {
            Self::List => client.get("/pauses", &[]).await?,
            Self::Set { destination, long, reason } => {
                let ask = Pause { reason, r#for: long.map(Period) };
                client.post(&format!("/destinations/{destination}/pause"), &ask).await?
            }
            Self::Resume { scope } => client.post("/pauses/resume", &Resume { scope }).await?,
        };
        if global.json {
            print(&serde_json::to_string(&held)?)?;
            return Ok(());
        }
        if held.is_empty() {
            print("nothing stands still")?;
        }
        for it in &held {
            let until = match it.until {
                Some(until) => format!("until {until:.0}"),
                None => "until it is resumed".to_owned(),
            };
            let reason: String = it.reason.chars().filter(|it| !it.is_control()).collect();
            print(&format!("{:<36} since {:.0}, {until}  {reason}", it.scope, it.since))?;
        }
        Ok(())
    }
}
