//! What a confirmed message costs the process that publishes it: four clients, in turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lapin::options::BasicGetOptions;
use lapin::{BasicProperties, Connection, ConnectionProperties};
use serde_json::json;
use sluicegate::config::Secret;
use sluicegate::destination::{self, Means, Outcome, Parcel, Setup, Transport};
use tokio::task::JoinSet;

use crate::broker::Broker;
use crate::cpu::Cpu;
use crate::lapin_alone::{self, Message, Way};
use crate::parcels::parcels;
use crate::raw::{self, Raw};
use crate::report::Round;

/// Messages of one batch: what the gateway makes.
pub(crate) const BATCH: usize = 256;

/// Batches under way at once: what the gateway has.
pub(crate) const FLYING: usize = 4;

/// How long a broker may take to be ready.
const PATIENCE: Duration = Duration::from_secs(20);

/// All the rounds, of so many batches for each client.
pub(crate) async fn measure(broker: &Broker, rounds: usize, batches: usize) -> Result<Vec<Round>> {
    let config = json!({
        "exchange": broker.exchange(),
        "queues": { broker.queue(): ["#"] },
        "queue_type": broker.queue_type,
    });
    let setup = Setup {
        name: broker.exchange(),
        public_url: "https://gate.example".into(),
        broker: destination::Broker::RabbitMq(Secret::new(&broker.url)),
    };
    let entry = destination::find("queue").context("there is no `queue`")?;
    let built = (entry.build)(config, &setup).map_err(anyhow::Error::msg)?;
    let Means::Transport(destination) = built else { anyhow::bail!("a queue is a transport") };
    let first = parcels(0, 1)?;
    let began = Instant::now();
    while destination.deliver(&first).await != [Outcome::delivered()] {
        ensure!(began.elapsed() < PATIENCE, "RabbitMQ takes nothing: {:?}", destination.ready());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let result = Clients::new(broker, destination).await?.rounds(rounds, batches).await;
    broker.purge().await?;
    result
}

/// The clients, and what they publish.
struct Clients<'a> {
    broker: &'a Broker,
    destination: Arc<dyn Transport>,
    connection: Connection,
    raw: Raw,
    /// The gateway's own message, encoded.
    frames: Vec<u8>,
    message: Message,
    /// Parcels made so far.
    made: usize,
}

impl<'a> Clients<'a> {
    /// `destination` has just delivered one message.
    async fn new(broker: &'a Broker, destination: Arc<dyn Transport>) -> Result<Self> {
        let options = BasicGetOptions { no_ack: true };
        let got = broker.channel.basic_get(broker.queue().into(), options).await?;
        let got = got.context("the message that was confirmed is not there")?.delivery;
        let message = Message {
            exchange: broker.exchange(),
            key: got.routing_key.to_string(),
            properties: got.properties,
            body: got.data,
        };
        let Message { exchange, key, properties, body } = &message;
        let frames = raw::message(exchange, key, properties, body)?;
        let connection = Connection::connect(&broker.url, ConnectionProperties::default()).await?;
        let uri = broker.url.parse().map_err(anyhow::Error::msg)?;
        let raw = Raw::connect(&uri)?;
        Ok(Self { broker, destination, connection, raw, frames, message, made: 1 })
    }

    async fn rounds(mut self, rounds: usize, batches: usize) -> Result<Vec<Round>> {
        let mut measured = Vec::new();
        for number in 1..=rounds {
            for client in ["limit", "lapin, awaited", "lapin, polled", "gateway"] {
                let work = if client == "gateway" { self.work(batches)? } else { Arc::default() };
                let cpu = Cpu::of("self")?;
                let began = Instant::now();
                self.publish(client, batches, &work).await.with_context(|| client.to_owned())?;
                let took = began.elapsed();
                let used = Cpu::of("self")?.since(cpu);
                let messages = batches * BATCH;
                measured.push(Round::new(client, number, messages, took, used));
                self.broker.purge().await?;
            }
        }
        self.destination.close().await;
        self.connection.close(200, "done".into()).await?;
        Ok(measured)
    }

    async fn publish(
        &mut self,
        client: &str,
        batches: usize,
        work: &Arc<Vec<Vec<Parcel>>>,
    ) -> Result<()> {
        let Self { connection, message, .. } = self;
        match client {
            "limit" => self.raw.publish(&self.frames, BATCH, batches, FLYING * BATCH),
            "lapin, awaited" => {
                lapin_alone::publish(connection, message, batches, Way::Awaited).await
            }
            "lapin, polled" => {
                // Without the headers and most properties: what is lapin's, whatever is sent.
                let properties = BasicProperties::default().with_delivery_mode(2);
                let message = Message { properties, ..message.clone() };
                lapin_alone::publish(connection, &message, batches, Way::Polled).await
            }
            _ => deliver(&self.destination, work).await,
        }
    }

    fn work(&mut self, batches: usize) -> Result<Arc<Vec<Vec<Parcel>>>> {
        let work = (0..batches).map(|it| parcels(self.made + it * BATCH, BATCH));
        let work = work.collect::<Result<_>>()?;
        self.made += batches * BATCH;
        Ok(Arc::new(work))
    }
}

/// Delivers as the engine does: as many batches at once, each anew when one is settled. The parcels
/// stay: what it costs to make them and to throw them away is not the publisher's.
async fn deliver(destination: &Arc<dyn Transport>, work: &Arc<Vec<Vec<Parcel>>>) -> Result<()> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..FLYING {
        let (destination, work, next) =
            (Arc::clone(destination), Arc::clone(work), Arc::clone(&next));
        tasks.spawn(async move {
            while let Some(batch) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                let outcomes = destination.deliver(batch).await;
                let wrong = outcomes.iter().find(|it| **it != Outcome::delivered());
                ensure!(wrong.is_none(), "not delivered: {wrong:?}");
            }
            Ok(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}
