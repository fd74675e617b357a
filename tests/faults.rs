//! A RabbitMQ of which one thing after another is taken away under load: what was answered 200
//! comes out of it, or was in the queue that somebody deleted, and is named.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use futures_util::StreamExt;
use jiff::Timestamp;
use lapin::options::{ExchangeDeleteOptions, QueueBindOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};
use serde_json::Value;
use tokio::time::sleep;
use uuid::Uuid;

use crate::crash::{Ledger, pairs};
use crate::outage::{consume, settled};
use crate::support::gateway::{Gateway, client, envelope, post, text_message};
use crate::support_rabbitmq::{PrivateNode, private, running};

/// Every contact has a routing key of its own; those of the ledger's senders have a queue.
const ROUTES: &str = r#"
broker: "${TEST_BROKER}"
sources:
  whatsapp: { provider: whatsapp, app_secrets: ["an app secret of a test"], verify_token: token }
destinations:
  events:
    kind: queue
    exchange: NAME
    routing_key: "from.{{ event.contact.id }}"
    queues: { NAME.events: [from.16505550000, from.16505550001, from.16505550002] }
routes:
  - { name: everything to the bus, to: events }
"#;

/// A contact whose routing key no queue takes.
const STRANGER: &str = "16505559999";

/// After a queue is gone the gateway takes a second to make it anew: what was recorded as delivered
/// sooner than this was confirmed before.
const ON_ITS_WAY: Duration = Duration::from_millis(900);

/// What one test has in a broker.
struct Broker {
    url: String,
    name: String,
    /// Absent where the broker is everybody's, and may not be stopped.
    node: Option<PrivateNode>,
}

/// Deliveries that were confirmed and did not come out: by their id, the event's.
type Missing = BTreeMap<Uuid, Uuid>;

impl Broker {
    fn new(url: String, node: Option<PrivateNode>, name: &str) -> Self {
        Self { url, name: format!("sluicegate-test-{}-{name}", std::process::id()), node }
    }

    fn queue(&self) -> String {
        format!("{}.events", self.name)
    }

    async fn channel(&self) -> Channel {
        let connection = Connection::connect(&self.url, ConnectionProperties::default());
        connection.await.unwrap().create_channel().await.unwrap()
    }

    async fn delete_queue(&self, queue: String) {
        let channel = self.channel().await;
        channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.unwrap();
    }

    async fn delete_exchange(&self, exchange: String) {
        let channel = self.channel().await;
        channel.exchange_delete(exchange.into(), ExchangeDeleteOptions::default()).await.unwrap();
    }

    async fn bind(&self, key: &str) {
        let (queue, exchange) = (self.queue().into(), self.name.as_str().into());
        let (options, arguments) = (QueueBindOptions::default(), FieldTable::default());
        let channel = self.channel().await;
        channel.queue_bind(queue, exchange, key.into(), options, arguments).await.unwrap();
    }

    /// What only the owner of a node can do to it. It blocks; the senders go on meanwhile.
    async fn with_node(&mut self, act: impl FnOnce(&mut PrivateNode) + Send + 'static) {
        let Some(mut node) = self.node.take() else { return };
        let acting = tokio::task::spawn_blocking(move || {
            act(&mut node);
            node
        });
        self.node = Some(acting.await.unwrap());
    }

    async fn clean(self) {
        for queue in [self.queue(), format!("{}.dead", self.name)] {
            self.delete_queue(queue).await;
        }
        for exchange in [self.name.clone(), format!("{}.dead", self.name)] {
            self.delete_exchange(exchange).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_and_an_exchange_deleted_under_load_lose_nothing_that_is_not_named() {
    const NAME: &str = "a_queue_and_an_exchange_deleted_under_load_lose_nothing_that_is_not_named";
    let Some(url) = running(NAME) else { return };
    ordeal(Broker::new(url, None, "deleted")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_faults_of_a_broker_under_load_lose_nothing_that_is_not_named() {
    const NAME: &str = "five_faults_of_a_broker_under_load_lose_nothing_that_is_not_named";
    let Some(node) = private(NAME) else { return };
    ordeal(Broker::new(node.url(), Some(node), "faults")).await;
}

async fn ordeal(mut broker: Broker) {
    let directory = tempfile::tempdir().unwrap();
    let routes = ROUTES.replace("NAME", &broker.name);
    std::fs::write(directory.path().join("routes.yaml"), routes).unwrap();
    let gateway = Gateway::start(directory.path(), &[("TEST_BROKER", &broker.url)]);
    let ledger = Ledger::new(&gateway.url);
    let senders = ledger.spawn(3);

    sleep(Duration::from_secs(1)).await;

    // What is in it is confirmed, and gone.
    broker.delete_queue(broker.queue()).await;
    let deleted = sluicegate::clock::now();
    sleep(Duration::from_millis(1_500)).await;

    broker.delete_exchange(broker.name.clone()).await;
    sleep(Duration::from_millis(500)).await;

    for number in 0..20 {
        let id = format!("wamid.stranger.{number}");
        let message = text_message(&id, STRANGER, "hi");
        assert_eq!(post(&client(), &gateway.url, envelope(&[message])).await, Some(200));
        ledger.add(&id);
    }
    sleep(Duration::from_secs(1)).await;

    let alarm_and_restart = |node: &mut PrivateNode| {
        assert!(node.control(&["set_vm_memory_high_watermark", "0.0001"]));
        std::thread::sleep(Duration::from_secs(2));
        assert!(node.control(&["set_vm_memory_high_watermark", "0.9"]));
        std::thread::sleep(Duration::from_secs(1));
        node.stop();
        std::thread::sleep(Duration::from_secs(1));
        node.start_again();
        std::thread::sleep(Duration::from_secs(2));
    };
    broker.with_node(alarm_and_restart).await;
    ledger.stop(senders).await;

    let known = events(&gateway).await;
    let waiting = delivery(&gateway, known["wamid.stranger.7"]).await;
    assert_eq!(waiting["state"], "pending", "{waiting}");
    let words = format!("no queue takes routing key `from.{STRANGER}`");
    assert!(waiting.to_string().contains(&words), "{waiting}");
    broker.bind(&format!("from.{STRANGER}")).await;
    settled(&gateway).await;

    let consumed = consume(&broker.url, &broker.queue()).await;
    let consumed: Vec<Value> = consumed.into_iter().map(|it| it.1).collect();
    let mut accounted = pairs(&consumed);
    let out: HashSet<String> = accounted.iter().map(|it| it.0.clone()).collect();
    let lost: Vec<String> = ledger.answered.lock().unwrap().difference(&out).cloned().collect();
    let asking = lost.into_iter().map(async |message| {
        let event = known[&*message];
        let state = delivery(&gateway, event).await;
        (message, event, state)
    });
    let stories: Vec<_> = futures_util::stream::iter(asking).buffer_unordered(8).collect().await;
    let mut missing = Missing::new();
    for (message, event, state) in stories {
        assert_eq!(state["state"], "delivered", "{message} was lost: {state}");
        let recorded: Timestamp = state["settled"].as_str().unwrap().parse().unwrap();
        assert!(recorded < deleted + ON_ITS_WAY, "{message} was lost: {state}, not {deleted}");
        missing.insert(state["id"].as_str().unwrap().parse().unwrap(), event);
        accounted.push((message, event.to_string()));
    }
    ledger.judge(&accounted);
    assert!(!missing.is_empty(), "the queue was deleted before anything was in it");
    assert!(!consumed.is_empty());
    // `missing` is what a replay of the lane since then brings back.
    for (delivery, event) in missing.iter().take(3) {
        let shown = gateway.run(&["events", "show", &event.to_string(), "--json"]);
        let shown = String::from_utf8(shown.stdout).unwrap();
        assert!(shown.contains(&delivery.to_string()), "{shown}");
    }
    let since = ["--destination", "events", "--since", "1h", "--rate", "5000"];
    let replayed = gateway.run(&[&["replay"], &since[..]].concat());
    let said = String::from_utf8_lossy(&replayed.stderr).into_owned();
    assert!(replayed.status.success(), "{said}");
    settled(&gateway).await;
    let refilled = consume(&broker.url, &broker.queue()).await;
    let refilled: HashSet<String> = refilled.iter().map(|it| it.1["id"].to_string()).collect();
    for event in missing.values() {
        assert!(
            refilled.contains(&format!("\"{event}\"")),
            "{event} was not delivered again: {said}"
        );
    }
    drop(gateway);
    broker.clean().await;
}

/// Every event that the gateway keeps: by the message's id, its own.
async fn events(gateway: &Gateway) -> HashMap<String, Uuid> {
    let mut known = HashMap::new();
    let mut path = "/api/events?limit=1000".to_owned();
    loop {
        let page = gateway.admin("GET", &path, None).await;
        let page_events = page["events"].as_array().unwrap();
        for (message, event) in pairs(page_events) {
            known.insert(message, event.parse().unwrap());
        }
        let Some(next) = page["next"].as_u64() else { return known };
        path = format!("/api/events?limit=1000&before={next}");
    }
}

/// What the gateway says about an event's delivery to the bus.
async fn delivery(gateway: &Gateway, event: Uuid) -> Value {
    let story = gateway.admin("GET", &format!("/api/events/{event}"), None).await;
    story["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["destination"] == "events")
        .unwrap()
        .clone()
}
