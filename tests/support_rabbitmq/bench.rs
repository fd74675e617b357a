//! A look at `RabbitMQ` from outside, and parcels to send there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use lapin::options::{BasicConsumeOptions, ExchangeDeleteOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ConnectionProperties};
use serde_json::{Value, json};
use sluicegate::config::Secret;
use sluicegate::destination::{self, Broker, Means, Outcome, Parcel, Setup, Transport};
use sluicegate::event::{Event, Kind, event_id};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

pub(crate) const LONG: Duration = Duration::from_secs(20);

/// Names of one test's own, and a look at the broker from outside.
pub(crate) struct Bench {
    pub(crate) url: String,
    pub(crate) name: String,
    connection: Connection,
}

impl Bench {
    pub(crate) async fn new(url: String) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sluicegate-test-{}-{number}", std::process::id());
        let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
        Self { url, name, connection }
    }

    /// After the broker was gone.
    pub(crate) async fn look_again(&mut self) {
        self.connection =
            Connection::connect(&self.url, ConnectionProperties::default()).await.unwrap();
    }

    pub(crate) async fn channel(&self) -> Channel {
        self.connection.create_channel().await.unwrap()
    }

    pub(crate) fn exchange(&self) -> String {
        format!("{}.x", self.name)
    }

    pub(crate) fn queue(&self) -> String {
        format!("{}.q", self.name)
    }

    /// A destination with a queue that takes `good.*`; the sources of events are routing keys.
    pub(crate) fn destination(&self, settings: &Value) -> Arc<dyn Transport> {
        let mut config = json!({
            "exchange": self.exchange(),
            "routing_key": "{{ event.source }}",
            "queues": { self.queue(): ["good.*"] },
        });
        for (name, value) in settings.as_object().unwrap() {
            config[name] = value.clone();
        }
        self.build(config, &self.url).unwrap()
    }

    pub(crate) fn build(&self, config: Value, url: &str) -> Result<Arc<dyn Transport>, String> {
        build(config, &self.name, url)
    }

    /// Takes everything out of the queue: how often each delivery id was there.
    pub(crate) async fn drain(&self) -> BTreeMap<Uuid, usize> {
        let channel = self.channel().await;
        let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
        let mut consumer = channel
            .basic_consume(self.queue().as_str().into(), "".into(), options, FieldTable::default())
            .await
            .unwrap();
        let mut found = BTreeMap::new();
        while let Ok(Some(delivery)) = timeout(Duration::from_secs(2), consumer.next()).await {
            let delivery = delivery.unwrap();
            let id = text(&delivery.properties, "delivery-id").parse().unwrap();
            *found.entry(id).or_default() += 1;
        }
        found
    }

    pub(crate) async fn clean(self, destination: Arc<dyn Transport>) {
        destination.close().await;
        let channel = self.channel().await;
        for queue in [self.queue(), format!("{}.dead", self.exchange())] {
            let queue = queue.as_str().into();
            channel.queue_delete(queue, QueueDeleteOptions::default()).await.unwrap();
        }
        for exchange in [self.exchange(), format!("{}.dead", self.exchange())] {
            let exchange = exchange.as_str().into();
            channel.exchange_delete(exchange, ExchangeDeleteOptions::default()).await.unwrap();
        }
    }
}

/// A `queue` destination of that name.
pub(crate) fn build(config: Value, name: &str, url: &str) -> Result<Arc<dyn Transport>, String> {
    let setup = Setup {
        name: name.into(),
        public_url: "https://gate.example".into(),
        broker: Broker::RabbitMq(Secret::new(url)),
    };
    match destination::find("queue").unwrap().destination(config, &setup)?.means {
        Means::Transport(it) => Ok(it),
        Means::Adapter(_) => unreachable!("a queue is no HTTP exchange"),
    }
}

pub(crate) fn text(properties: &lapin::BasicProperties, header: &str) -> String {
    match properties.headers().as_ref().unwrap().inner().get(header) {
        Some(AMQPValue::LongString(text)) => String::from_utf8_lossy(text.as_bytes()).into(),
        other => panic!("header {header}: {other:?}"),
    }
}

/// A delivery whose routing key is `source`.
pub(crate) fn parcel(source: &str, number: u64) -> Parcel {
    let at = "2026-11-20T10:00:00Z".parse().unwrap();
    let id = event_id(source, &number.to_string());
    let event = Event {
        id,
        sequence: number,
        source: source.into(),
        kind: Kind::MESSAGE_RECEIVED,
        conversation: Some(Uuid::from_u128(7)),
        time: at,
        received: at,
        historical: false,
        cause: None,
        correlation: id,
        hops: 0,
        traceparent: None,
        facts: Box::default(),
        raw: format!(r#"{{"text":"{}"}}"#, "x".repeat(400)).into(),
    };
    let delivery = event_id("delivery", &format!("{source} {number}"));
    Parcel { delivery, event: Arc::new(event), payload: Value::Null, attempt: 1 }
}

pub(crate) fn parcels(source: &str, numbers: std::ops::Range<u64>) -> Vec<Parcel> {
    numbers.map(|it| parcel(source, it)).collect()
}

/// Why an outcome is a retry.
pub(crate) fn reason(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Retry { reason, .. } => reason,
        other => panic!("not a retry: {other:?}"),
    }
}

/// Waits until the destination's readiness is as wanted.
pub(crate) async fn until(
    destination: &dyn Transport,
    wanted: impl Fn(&Result<(), String>) -> bool,
) {
    let patience = Instant::now() + Duration::from_mins(1);
    loop {
        let ready = destination.ready();
        if wanted(&ready) {
            return;
        }
        assert!(Instant::now() < patience, "still {ready:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Delivers until everything arrived, as the engine would; how many attempts it took.
pub(crate) async fn deliver_all(destination: &dyn Transport, mut batch: Vec<Parcel>) -> u32 {
    let patience = Instant::now() + Duration::from_secs(90);
    for attempt in 1.. {
        let outcomes = timeout(LONG * 2, destination.deliver(&batch)).await.expect("an answer");
        let mut outcomes = outcomes.iter();
        batch.retain(|_| *outcomes.next().unwrap() != Outcome::delivered());
        if batch.is_empty() {
            return attempt;
        }
        assert!(Instant::now() < patience, "never delivered");
        sleep(Duration::from_millis(100)).await;
    }
    unreachable!()
}
