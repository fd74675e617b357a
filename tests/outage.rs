//! A RabbitMQ that stops and dies under load, and a gateway that is killed meanwhile: what was
//! answered 200 comes out of the broker.

use std::time::Duration;

use futures_util::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, ExchangeDeleteOptions, QueueDeleteOptions,
};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use serde_json::Value;

use crate::crash::{Ledger, pairs};
use crate::support::gateway::{Gateway, client, envelope, post, text_message};
use crate::support_rabbitmq::{PrivateNode, private, running};

/// Consumes a queue until nothing comes for a while, acknowledging everything.
pub(crate) async fn consume(url: &str, queue: &str) -> Vec<(lapin::message::Delivery, Value)> {
    let connection =
        Connection::connect(url, ConnectionProperties::default()).await.expect("it is running");
    let channel = connection.create_channel().await.unwrap();
    let mut consumer = channel
        .basic_consume(
            queue.into(),
            "test".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        )
        .await
        .unwrap();
    let mut messages = Vec::new();
    while let Ok(Some(delivery)) =
        tokio::time::timeout(Duration::from_secs(3), consumer.next()).await
    {
        let delivery = delivery.unwrap();
        delivery.ack(BasicAckOptions::default()).await.unwrap();
        let event = serde_json::from_slice(&delivery.data).unwrap();
        messages.push((delivery, event));
    }
    connection.close(200, "done".into()).await.unwrap();
    messages
}

/// Waits until every lane is empty and nothing holds it.
pub(crate) async fn settled(gateway: &Gateway) {
    for _ in 0..1_200 {
        let lanes = gateway.admin("GET", "/api/lanes", None).await;
        let lanes = lanes.as_array().unwrap();
        if lanes.iter().all(|it| it["pending"] == 0 && it["held"].is_null()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the lanes did not empty: {}", gateway.admin("GET", "/api/lanes", None).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_rabbitmq_url_the_same_routes_publish_there() {
    let Some(url) = running("with_rabbitmq_url_the_same_routes_publish_there") else { return };
    let directory = tempfile::tempdir().unwrap();
    // The repository's own file, with names of the test's own.
    let name = format!("sluicegate-test-{}", std::process::id());
    let routes = include_str!("../routes.yaml")
        .replace("exchange: sluicegate", &format!("exchange: {name}"))
        .replace("sluicegate.events", &format!("{name}.events"))
        .replace("sluicegate.messages", &format!("{name}.messages"));
    std::fs::write(directory.path().join("routes.yaml"), routes).unwrap();
    let gateway = Gateway::start(directory.path(), &[("RABBITMQ_URL", &url)]);
    let sent = gateway.run(&["send", "whatsapp", "text", "Where is my order?", "--json"]);
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    let sent: Value = serde_json::from_slice(&sent.stdout).unwrap();
    settled(&gateway).await;
    for queue in [format!("{name}.events"), format!("{name}.messages")] {
        let messages = consume(&url, &queue).await;
        assert_eq!(messages.len(), 1, "{queue}");
        let (delivery, event) = &messages[0];
        assert_eq!(event["id"], sent["id"]);
        assert_eq!(event["specversion"], "1.0");
        assert_eq!(event["data"]["message"]["text"], "Where is my order?");
        let properties = &delivery.properties;
        assert_eq!(properties.delivery_mode(), &Some(2), "persistent");
        let id = properties.message_id().as_ref().unwrap().as_str();
        assert_eq!(event["id"], id);
        let kind = properties.content_type().as_ref().unwrap().as_str();
        assert_eq!(kind, "application/cloudevents+json; charset=utf-8");
    }
    let story = gateway.run(&["events", "show", sent["id"].as_str().unwrap()]);
    let story = String::from_utf8(story.stdout).unwrap();
    assert!(story.contains("everything to the bus → events: delivered"), "{story}");
    // Nothing is left behind in the broker that everybody shares.
    drop(gateway);
    let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    for suffix in ["events", "messages", "dead"] {
        let queue = format!("{name}.{suffix}");
        drop(channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await);
    }
    for exchange in [name.clone(), format!("{name}.dead")] {
        drop(channel.exchange_delete(exchange.into(), ExchangeDeleteOptions::default()).await);
    }
    connection.close(200, "done".into()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_stops_under_load_and_a_killed_gateway_lose_nothing() {
    const NAME: &str = "a_broker_that_stops_under_load_and_a_killed_gateway_lose_nothing";
    let Some(node) = private(NAME) else { return };
    let url = node.url();
    let directory = tempfile::tempdir().unwrap();
    let mut gateway =
        Gateway::start(directory.path(), &[("RABBITMQ_URL", &url), ("TEST_BROKER", &url)]);
    let ledger = Ledger::new(&gateway.url);
    let senders = ledger.spawn(4);
    // `Child` and its signals block; the senders go on meanwhile.
    let blocking = async |node: PrivateNode, act: fn(&mut PrivateNode)| {
        tokio::task::spawn_blocking(move || {
            let mut node = node;
            act(&mut node);
            node
        })
        .await
        .unwrap()
    };
    tokio::time::sleep(Duration::from_secs(2)).await;
    let node = blocking(node, PrivateNode::stop).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    gateway = tokio::task::spawn_blocking(move || {
        gateway.kill_and_restart();
        gateway
    })
    .await
    .unwrap();
    ledger.point_at(&gateway.url);
    // Webhooks are taken while the broker is away.
    let message = text_message("wamid.while-away", "1", "hi");
    let answer = post(&client(), &gateway.url, envelope(&[message])).await;
    assert_eq!(answer, Some(200));
    let ready = client().get(format!("{}/readyz", gateway.admin)).send().await.unwrap();
    assert_eq!(ready.status(), 200, "senders must not be turned away");
    assert!(ready.text().await.unwrap().contains("\"held\":\""), "but the reason is shown");
    let node = blocking(node, PrivateNode::start_again).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let node = blocking(node, PrivateNode::kill).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let node = blocking(node, PrivateNode::start_again).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    ledger.stop(senders).await;
    ledger.add("wamid.while-away");
    settled(&gateway).await;
    let consumed = consume(&url, "sluicegate.events").await;
    let events: Vec<Value> = consumed.into_iter().map(|it| it.1).collect();
    ledger.judge(&pairs(&events));
    drop(gateway);
    drop(node);
}
