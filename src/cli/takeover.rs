//! `sluicegate takeover`: a person answers in place of the bot.

use super::client::Client;
use super::deliveries::period;
use super::{Failure, Global, print, setup};
use crate::admin::answer::TakeOver;
use crate::config::Period;
use crate::journal::Conversation;

/// Let a person answer in place of the bot, or the bot again.
///
/// Routes with `unless: takeover` are silent meanwhile. A conversation is named by its id, or by
/// which the provider knows it: a phone number.
///
///   sluicegate takeover set 27821234567 --for 30min
///   sluicegate takeover clear 27821234567
#[derive(Debug, clap::Subcommand)]
#[command(verbatim_doc_comment)]
pub(super) enum Takeover {
    /// Let a person answer.
    Set {
        /// The conversation.
        conversation: String,
        /// For how long.
        #[arg(long = "for", value_name = "TIME", default_value = "30min", value_parser = period)]
        long: std::time::Duration,
        /// Who takes over.
        #[arg(long, default_value = "cli", value_name = "NAME")]
        by: String,
    },
    /// Let the bot answer again.
    Clear {
        /// The conversation.
        conversation: String,
    },
    /// Show how a conversation stands.
    Show {
        /// The conversation.
        conversation: String,
    },
}

impl Takeover {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = Client::new(&setup::load(global)?)?;
        let path = |name: &str| {
            let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
            format!("/conversations/{}", name.replace('+', "%20"))
        };
        let stands: Conversation = match self {
            Self::Set { conversation, long, by } => {
                let ask = TakeOver { r#for: Period(long), by: Some(by) };
                client.post(&format!("{}/takeover", path(&conversation)), &ask).await?
            }
            Self::Clear { conversation } => {
                client.delete(&format!("{}/takeover", path(&conversation))).await?
            }
            Self::Show { conversation } => client.get(&path(&conversation), &[]).await?,
        };
        if global.json {
            print(&serde_json::to_string(&stands)?)?;
        } else {
            lines(&stands).iter().try_for_each(|it| print(it))?;
        }
        Ok(())
    }
}

/// How a conversation stands, line by line.
fn lines(it: &Conversation) -> Vec<String> {
    let plain = |text: &str| text.chars().filter(|it| !it.is_control()).collect::<String>();
    let mut lines = vec![format!("conversation {}", it.id)];
    lines.extend(it.aliases.iter().map(|it| format!("known as {}", plain(it))));
    lines.push(match &it.takeover {
        Some(it) => format!("a person answers ({}) until {:.0}", plain(&it.by), it.until),
        None => "the bot answers".to_owned(),
    });
    lines.push(match it.window_closes {
        Some(at) if at > crate::clock::now() => format!("the window is open until {at:.0}"),
        Some(at) => format!("the window closed at {at:.0}"),
        None => "the window was never open".to_owned(),
    });
    lines.extend(it.suppressed.iter().map(|it| format!("no marketing: {}", plain(it))));
    let threads = it.threads.iter();
    lines.extend(threads.map(|(peer, it)| format!("thread of {}: {}", plain(peer), plain(it))));
    lines
}
