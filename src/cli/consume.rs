//! `sluicegate consume`: read a queue of the embedded broker.

use super::client::Client;
use super::{Failure, Global, print, say, setup};
use crate::admin::answer::{Message, Messages, Receipts, Receive, Settled};
use crate::cli::events;
use crate::journal::QueueState;

/// Messages of one reception.
const PAGE: usize = 100;

/// Read a queue of the embedded broker: print each event, then acknowledge it.
///
/// Without --follow it ends when the queue is empty. What was acknowledged does not come again;
/// what was not (--keep, or a crash) does, after 30 seconds.
///
///   sluicegate consume
///   sluicegate consume sluicegate.messages --follow --json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Consume {
    /// The queue; the first of the configuration by default.
    queue: Option<String>,
    /// End after this many events.
    #[arg(long, value_name = "NUMBER")]
    max: Option<usize>,
    /// Wait for more.
    #[arg(long)]
    follow: bool,
    /// Look without acknowledging: the events stay in the queue.
    #[arg(long)]
    keep: bool,
    /// List the queues.
    #[arg(long)]
    list: bool,
}

impl Consume {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let setup = setup::load(global)?;
        let client = Client::new(&setup)?;
        if self.list {
            let queues: Vec<QueueState> = client.get("/queues", &[]).await?;
            for queue in queues {
                if global.json {
                    print(&serde_json::to_string(&queue)?)?;
                } else {
                    print(&format!("{:>10}  {}", queue.messages, queue.name))?;
                }
            }
            return Ok(());
        }
        let Some(queue) = self.queue.or_else(|| setup.queues.first().map(|it| it.0.clone())) else {
            return Err(anyhow::anyhow!(
                "the configuration has no embedded queue; read RabbitMQ's with your AMQP client"
            )
            .into());
        };
        let mut left = self.max.unwrap_or(usize::MAX);
        let mut printed = 0_usize;
        while left > 0 {
            let ask = Receive {
                max: left.min(PAGE),
                wait_seconds: if self.follow { 20 } else { 0 },
                ..Receive::default()
            };
            let path = format!("/queues/{queue}");
            let Messages { messages } = client.post(&format!("{path}/receive"), &ask).await?;
            if messages.is_empty() && !self.follow {
                break;
            }
            for message in &messages {
                show(message, global.json)?;
            }
            printed += messages.len();
            left -= messages.len();
            if !self.keep && !messages.is_empty() {
                let receipts = messages.into_iter().map(|it| it.receipt).collect();
                let _: Settled =
                    client.post(&format!("{path}/ack"), &Receipts { receipts }).await?;
            }
        }
        if printed == 0 && !global.json {
            say(&format!("queue `{queue}` is empty"));
        }
        Ok(())
    }
}

fn show(message: &Message, json: bool) -> Result<(), Failure> {
    if json {
        print(&events::one_line(message.event.get()))?;
    } else {
        print(&events::line(&serde_json::from_str(message.event.get())?))?;
    }
    Ok(())
}
