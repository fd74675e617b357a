//! The `queue` destination against a real `RabbitMQ`.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, ExchangeDeleteOptions, QueueDeclareOptions,
    QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use serde_json::json;
use sluicegate::destination::{Outcome, Parcel};
use tokio::time::timeout;
use uuid::Uuid;

use crate::support_rabbitmq::bench::{
    Bench, LONG, build, deliver_all, parcel, parcels, reason, text, until,
};
use crate::support_rabbitmq::running;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_arrives_as_promised() {
    let Some(url) = running("a_message_arrives_as_promised") else { return };
    let bench = Bench::new(url).await;
    let destination = bench.destination(&json!({}));
    let parcel = parcel("good.one", 1);
    let outcomes = destination.deliver(std::slice::from_ref(&parcel)).await;
    assert_eq!(outcomes, [Outcome::delivered()]);
    assert_eq!(destination.ready(), Ok(()));

    let channel = bench.channel().await;
    let options = BasicConsumeOptions::default();
    let queue = bench.queue().as_str().into();
    let mut consumer =
        channel.basic_consume(queue, "".into(), options, FieldTable::default()).await.unwrap();
    let message = timeout(LONG, consumer.next()).await.unwrap().unwrap().unwrap();
    let it = &message.properties;
    let id = parcel.event.id.to_string();
    assert_eq!(message.routing_key.as_str(), "good.one");
    assert_eq!(message.data, parcel.event.to_wire("https://gate.example"));
    assert_eq!(it.delivery_mode(), &Some(2));
    assert_eq!(it.message_id().as_ref().unwrap().as_str(), id);
    let content_type = it.content_type().as_ref().unwrap().as_str();
    assert_eq!(content_type, "application/cloudevents+json; charset=utf-8");
    assert_eq!(text(it, "delivery-id"), parcel.delivery.to_string());
    assert_eq!(it.kind().as_ref().unwrap().as_str(), "message.received");
    assert_eq!(text(it, "cloudEvents:subject"), Uuid::from_u128(7).to_string());
    message.ack(BasicAckOptions::default()).await.unwrap();
    bench.clean(destination).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_the_unroutable_messages_are_retried() {
    let Some(url) = running("exactly_the_unroutable_messages_are_retried") else { return };
    // The two confirm in different patterns.
    for queue_type in ["quorum", "classic"] {
        let bench = Bench::new(url.clone()).await;
        let destination = bench.destination(&json!({ "queue_type": queue_type }));
        let mut expected = HashSet::new();
        for round in 0..20 {
            let batch = mixed_batch(round);
            let outcomes = timeout(LONG, destination.deliver(&batch)).await.unwrap();
            for (parcel, outcome) in batch.iter().zip(&outcomes) {
                if parcel.event.source == "bad.one" {
                    assert_eq!(reason(outcome), "no queue takes routing key `bad.one`");
                } else {
                    assert_eq!(*outcome, Outcome::delivered());
                    assert!(expected.insert(parcel.delivery));
                }
            }
        }
        let found = bench.drain().await;
        assert!(found.values().all(|it| *it == 1));
        assert_eq!(found.into_keys().collect::<HashSet<_>>(), expected);
        bench.clean(destination).await;
    }
}

/// A batch of which one in twenty is unroutable, and one event is there for two routes.
fn mixed_batch(round: u64) -> Vec<Parcel> {
    let unroutable = |it: u64| (it * 31 + round * 7).is_multiple_of(20);
    let source = |it: u64| if unroutable(it) { "bad.one" } else { "good.one" };
    let mut batch: Vec<Parcel> = (0..256).map(|it| parcel(source(it), round * 256 + it)).collect();
    let event = Arc::clone(&batch[8].event);
    batch[9] = Parcel { event, ..parcel("good.twice", round) };
    batch
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_may_run_at_the_same_time() {
    let Some(url) = running("deliveries_may_run_at_the_same_time") else { return };
    let bench = Bench::new(url).await;
    let destination = bench.destination(&json!({}));
    let batches: Vec<Vec<Parcel>> = (0..8)
        .map(|it| {
            let mut batch = parcels("good.one", it * 256..it * 256 + 255);
            batch.push(parcel("bad.one", it));
            batch
        })
        .collect();
    let all = batches.iter().map(|it| destination.deliver(it));
    for outcomes in timeout(LONG, futures_util::future::join_all(all)).await.unwrap() {
        let (last, others) = outcomes.split_last().unwrap();
        assert_eq!(reason(last), "no queue takes routing key `bad.one`");
        assert!(others.iter().all(|it| *it == Outcome::delivered()));
    }
    assert_eq!(bench.drain().await.len(), 8 * 255);
    bench.clean(destination).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_refuses_and_loses_nothing() {
    let Some(url) = running("a_full_queue_refuses_and_loses_nothing") else { return };
    let bench = Bench::new(url).await;
    let destination = bench.destination(&json!({ "max_length": 10, "queue_type": "classic" }));
    let batch = parcels("good.one", 0..100);
    let outcomes = destination.deliver(&batch).await;
    let delivered = outcomes.iter().filter(|it| **it == Outcome::delivered()).count();
    assert!((10..100).contains(&delivered), "{delivered}");
    let refused = outcomes.iter().find(|it| **it != Outcome::delivered()).unwrap();
    assert!(reason(refused).contains("a queue is full"), "{refused:?}");
    assert_eq!(bench.drain().await.len(), delivered);
    bench.clean(destination).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queues_are_declared_with_their_settings() {
    let Some(url) = running("queues_are_declared_with_their_settings") else { return };
    let bench = Bench::new(url).await;
    let settings = json!({ "delivery_limit": 7, "max_length": 500 });
    let destination = bench.destination(&settings);
    assert_eq!(deliver_all(&*destination, parcels("good.one", 0..1)).await, 1);

    // The broker compares every argument with what the queue has, and says what differs.
    let same = |kind: &str, limit: i64, length: i64| {
        let mut it = FieldTable::default();
        it.insert("x-queue-type".into(), AMQPValue::LongString(kind.into()));
        it.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(limit));
        it.insert("x-max-length".into(), AMQPValue::LongLongInt(length));
        it.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
        let dead = format!("{}.dead", bench.exchange());
        it.insert("x-dead-letter-exchange".into(), AMQPValue::LongString(dead.as_str().into()));
        it
    };
    let declare = async |arguments| {
        let options = QueueDeclareOptions { durable: true, ..Default::default() };
        let channel = bench.channel().await;
        let declared = channel.queue_declare(bench.queue().as_str().into(), options, arguments);
        declared.await.map(drop).map_err(|it| it.to_string())
    };
    assert_eq!(declare(same("quorum", 7, 500)).await, Ok(()));
    let other = declare(same("quorum", 8, 500)).await.unwrap_err();
    assert!(other.contains("inequivalent arg 'x-delivery-limit'"), "{other}");

    let other = bench.destination(&json!({ "delivery_limit": 8, "max_length": 500 }));
    let outcomes = other.deliver(&parcels("good.one", 1..2)).await;
    for words in [
        &*format!("queue `{}` exists with other settings", bench.queue()),
        "PRECONDITION_FAILED - inequivalent arg 'x-delivery-limit'",
        "delete it in RabbitMQ or set `declare: false`",
    ] {
        assert!(reason(&outcomes[0]).contains(words), "{outcomes:?}");
        assert!(other.ready().unwrap_err().contains(words), "{:?}", other.ready());
    }
    other.close().await;

    let unchecked = bench.destination(&json!({ "declare": false, "delivery_limit": 8 }));
    assert_eq!(deliver_all(&*unchecked, parcels("good.one", 2..3)).await, 1);
    unchecked.close().await;
    bench.clean(destination).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_queue_is_named_and_found_when_it_is_made() {
    let Some(url) = running("a_missing_queue_is_named_and_found_when_it_is_made") else { return };
    let bench = Bench::new(url).await;
    let passive = bench.destination(&json!({ "declare": false }));
    let outcomes = passive.deliver(&parcels("good.one", 0..2)).await;
    let words = format!("exchange `{}` is missing: NOT_FOUND - no exchange", bench.exchange());
    assert!(reason(&outcomes[1]).starts_with(&words), "{outcomes:?}");
    assert!(passive.ready().unwrap_err().ends_with("create it or set `declare: true`"));

    let destination = bench.destination(&json!({}));
    deliver_all(&*destination, parcels("good.one", 0..1)).await;
    until(&*passive, Result::is_ok).await;
    assert_eq!(deliver_all(&*passive, parcels("good.one", 1..2)).await, 1);

    let queue = bench.queue();
    let delete = QueueDeleteOptions::default();
    passive.close().await;
    destination.close().await;
    bench.channel().await.queue_delete(queue.as_str().into(), delete).await.unwrap();
    let passive = bench.destination(&json!({ "declare": false }));
    let outcomes = passive.deliver(&parcels("good.one", 2..3)).await;
    let words = format!("queue `{queue}` is missing: NOT_FOUND - no queue '{queue}'");
    assert!(reason(&outcomes[0]).starts_with(&words), "{outcomes:?}");
    passive.close().await;
    let destination = bench.destination(&json!({}));
    deliver_all(&*destination, parcels("good.one", 2..3)).await;
    bench.clean(destination).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_queue_and_exchange_come_back() {
    let Some(url) = running("a_deleted_queue_and_exchange_come_back") else { return };
    let bench = Bench::new(url).await;
    let destination = bench.destination(&json!({}));
    assert_eq!(deliver_all(&*destination, parcels("good.one", 0..10)).await, 1);

    let delete = QueueDeleteOptions::default();
    bench.channel().await.queue_delete(bench.queue().as_str().into(), delete).await.unwrap();
    let batch = parcels("good.one", 10..20);
    let outcomes = destination.deliver(&batch).await;
    assert_eq!(reason(&outcomes[0]), "no queue takes routing key `good.one`");
    deliver_all(&*destination, batch).await;
    assert_eq!(bench.drain().await.len(), 10);

    let delete = ExchangeDeleteOptions::default();
    bench.channel().await.exchange_delete(bench.exchange().as_str().into(), delete).await.unwrap();
    let batch = parcels("good.one", 20..30);
    let outcomes = destination.deliver(&batch).await;
    assert!(reason(&outcomes[9]).starts_with("NOT_FOUND - no exchange"), "{outcomes:?}");
    deliver_all(&*destination, batch).await;
    assert_eq!(bench.drain().await.len(), 10);
    bench.clean(destination).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_message_cannot_hold_up_its_batch() {
    let Some(url) = running("one_message_cannot_hold_up_its_batch") else { return };
    let bench = Bench::new(url).await;
    let destination = bench.destination(&json!({}));
    let mut batch = parcels("good.one", 0..5);
    batch[1] = parcel(&"k".repeat(256), 1);
    // Larger than RabbitMQ takes: it closes the channel, and whatever else was on it.
    let event = Arc::make_mut(&mut batch[3].event);
    event.raw = format!("\"{}\"", "x".repeat(135_000_000)).into();
    let outcomes = timeout(LONG * 3, destination.deliver(&batch)).await.unwrap();
    for index in [0, 2, 4] {
        assert_eq!(outcomes[index], Outcome::delivered());
    }
    let Outcome::Refused { reason } = &outcomes[1] else { panic!("{outcomes:?}") };
    assert_eq!(reason, "`routing_key`: a routing key may have 255 bytes, this one has 256");
    let Outcome::Refused { reason } = &outcomes[3] else { panic!("{outcomes:?}") };
    assert!(reason.starts_with("PRECONDITION_FAILED - message size"), "{reason}");
    bench.clean(destination).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_password_is_not_repeated() {
    let Some(url) = running("a_refused_password_is_not_repeated") else { return };
    let bench = Bench::new(url.clone()).await;
    let host = url.rsplit_once('@').map_or("127.0.0.1:5672", |(_, it)| it);
    for (url, words) in [
        (format!("amqp://nobody:hunter2@{host}"), "ACCESS_REFUSED"),
        ("amqp://nobody:hunter2@127.0.0.1:1".to_owned(), "refused"),
        (format!("amqps://nobody:hunter2@{host}"), "no connection to RabbitMQ"),
    ] {
        let destination = bench.build(json!({ "exchange": bench.exchange() }), &url).unwrap();
        let outcomes =
            timeout(LONG, destination.deliver(&parcels("good.one", 0..1))).await.unwrap();
        let ready = destination.ready().unwrap_err();
        for text in [reason(&outcomes[0]), &*ready] {
            assert!(text.contains(words), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
        destination.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_finishes_what_is_under_way() {
    let Some(url) = running("closing_finishes_what_is_under_way") else { return };
    let bench = Bench::new(url).await;
    let destination = bench.destination(&json!({}));
    deliver_all(&*destination, parcels("good.one", 0..1)).await;
    let batch = parcels("good.one", 1..257);
    let (outcomes, ()) = tokio::join!(destination.deliver(&batch), destination.close());
    assert!(outcomes.iter().all(|it| *it == Outcome::delivered()));
    let outcomes = destination.deliver(&batch).await;
    assert_eq!(reason(&outcomes[0]), "the gateway is stopping");
    assert_eq!(destination.ready(), Err("the gateway is stopping".into()));
    bench.clean(destination).await;
}

#[test]
fn a_ca_file_is_read_before_anything_is_connected() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    let build = |url: &str| {
        let config = json!({ "ca_file": file });
        build(config, "events", url).err().expect("an error")
    };
    assert!(build("amqps://h").starts_with("`ca_file`: cannot read"), "{}", build("amqps://h"));
    std::fs::write(&file, "certainly").unwrap();
    assert!(build("amqps://h").starts_with("`ca_file`: there is no PEM certificate in"));
    std::fs::write(&file, "-----BEGIN CERTIFICATE-----").unwrap();
    assert!(build("amqp://h").starts_with("`ca_file` has no meaning without TLS"));
}
