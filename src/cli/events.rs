//! `sluicegate events`: look at what was written down.

use serde_json::Value;
use uuid::Uuid;

use super::client::Client;
use super::{Failure, Global, print, setup, story};
use crate::admin::answer;

/// The longest text shown on a line.
const TEXT: usize = 60;

/// Look at the events that were written down.
///
///   sluicegate events list --kind message.received --limit 5
///   sluicegate events list --json
#[derive(Debug, clap::Subcommand)]
#[command(verbatim_doc_comment)]
pub(super) enum Events {
    /// List events, newest first.
    List {
        /// Only this kind, e.g. message.received.
        #[arg(long)]
        kind: Option<String>,
        /// Only this source.
        #[arg(long)]
        source: Option<String>,
        /// Only this conversation.
        #[arg(long, value_name = "ID")]
        conversation: Option<Uuid>,
        /// At most this many.
        #[arg(long, default_value_t = 20, value_name = "NUMBER")]
        limit: usize,
    },
    /// Show one event and all that grew from it: which routes took it, its deliveries, what was
    /// sent and answered, the receipts that came later, and its replies with theirs.
    Show {
        /// The event.
        id: Uuid,
    },
}

impl Events {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = Client::new(&setup::load(global)?)?;
        match self {
            Self::List { kind, source, conversation, limit } => {
                let mut query = vec![("limit", limit.to_string())];
                query.extend(kind.map(|it| ("kind", it)));
                query.extend(source.map(|it| ("source", it)));
                query.extend(conversation.map(|it| ("conversation", it.to_string())));
                let page: answer::Events = client.get("/events", &query).await?;
                for event in &page.events {
                    if global.json {
                        print(&one_line(event.get()))?;
                    } else {
                        print(&line(&serde_json::from_str(event.get())?))?;
                    }
                }
                Ok(())
            }
            Self::Show { id } => {
                let story: answer::Story = client.get(&format!("/events/{id}"), &[]).await?;
                if global.json {
                    print(&serde_json::to_string(&story)?)?;
                } else {
                    for line in story::lines(&story)? {
                        print(&line)?;
                    }
                    print(&one_line(story.event.get()))?;
                }
                Ok(())
            }
        }
    }
}

/// JSON on one line. Line breaks stand only between its tokens, so a blank is as good; the sender's
/// fragment keeps everything else.
pub(super) fn one_line(json: &str) -> String {
    json.replace(['\n', '\r'], " ")
}

/// An event on one line: when, what, from whom, the text, the id.
pub(super) fn line(event: &Value) -> String {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let who = ["/data/contact/name", "/data/contact/phone", "/data/contact/id"]
        .iter()
        .map(|it| text(it))
        .find(|it| !it.is_empty())
        .unwrap_or("-");
    let what = ["/data/message/text", "/data/status/status", "/data/message/type"]
        .iter()
        .map(|it| text(it))
        .find(|it| !it.is_empty())
        .unwrap_or_default();
    // A message may hold control characters; a terminal must not obey them.
    let plain: String =
        what.chars().map(|it| if it.is_control() { ' ' } else { it }).take(TEXT).collect();
    let who: String = who.chars().filter(|it| !it.is_control()).collect();
    let (time, kind) = (text("/time"), text("/type"));
    format!("{time:<28}{kind:<22}{who:<20} {plain}  {}", text("/id"))
}
