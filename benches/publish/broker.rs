//! What the bench has in the broker: names of its own, gone at the end.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use lapin::options::{
    ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};

/// How long the gateway may take to make the queue.
const PATIENCE: Duration = Duration::from_secs(20);

/// Names of one run, and a look at the broker from outside.
pub(crate) struct Broker {
    pub(crate) url: String,
    pub(crate) queue_type: String,
    pub(crate) connection: Connection,
    name: String,
    pub(crate) channel: Channel,
}

impl Broker {
    /// Connects to the broker of `RABBITMQ_URL`, or to the one of this machine.
    #[allow(clippy::disallowed_methods, reason = "a bench has no configuration")]
    pub(crate) async fn new(queue_type: &str) -> Result<Self> {
        let url = std::env::var("RABBITMQ_URL")
            .unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672".to_owned());
        let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        let name = format!("sluicegate-bench-{}", std::process::id());
        Ok(Self { url, queue_type: queue_type.to_owned(), connection, name, channel })
    }

    pub(crate) fn exchange(&self) -> String {
        self.name.clone()
    }

    pub(crate) fn queue(&self) -> String {
        format!("{}.events", self.name)
    }

    /// Waits until somebody has made the queue.
    pub(crate) async fn queue_appears(&self) -> Result<()> {
        let began = Instant::now();
        let options = QueueDeclareOptions { passive: true, ..Default::default() };
        loop {
            // Asking for what is not there closes the channel.
            let channel = self.connection.create_channel().await?;
            let looking =
                channel.queue_declare(self.queue().into(), options, FieldTable::default());
            match looking.await {
                Ok(_) => return Ok(channel.close(200, "done".into()).await?),
                Err(error) => ensure!(began.elapsed() < PATIENCE, "there is no queue: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Throws away what is in the queue: nobody consumes it.
    pub(crate) async fn purge(&self) -> Result<()> {
        self.channel.queue_purge(self.queue().into(), QueuePurgeOptions::default()).await?;
        Ok(())
    }

    /// Removes everything that the gateway made.
    pub(crate) async fn clean(self) -> Result<()> {
        // A channel of its own: whatever went wrong may have closed the other.
        let channel = self.connection.create_channel().await?;
        for queue in [self.queue(), format!("{}.dead", self.name)] {
            channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await?;
        }
        for exchange in [self.exchange(), format!("{}.dead", self.name)] {
            let options = ExchangeDeleteOptions::default();
            channel.exchange_delete(exchange.into(), options).await?;
        }
        self.connection.close(200, "done".into()).await?;
        Ok(())
    }
}
