//! The `queue` destination on a `RabbitMQ` of its own, which stops, dies and blocks. Slow.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use sluicegate::destination::{Outcome, Transport};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::support_rabbitmq::bench::{Bench, LONG, deliver_all, parcels, reason, until};
use crate::support_rabbitmq::private;

/// Delivers batches until told to stop; what was reported delivered.
async fn load(
    destination: Arc<dyn Transport>,
    mut stop: tokio::sync::watch::Receiver<bool>,
) -> (HashSet<Uuid>, usize) {
    let (mut delivered, mut retries) = (HashSet::new(), 0);
    for round in 0_u64.. {
        let mut batch = parcels("good.one", round * 64..round * 64 + 64);
        while !batch.is_empty() {
            let outcomes = timeout(LONG * 2, destination.deliver(&batch)).await.expect("an answer");
            let mut outcomes = outcomes.iter();
            batch.retain(|it| {
                let arrived = *outcomes.next().unwrap() == Outcome::delivered();
                if arrived {
                    delivered.insert(it.delivery);
                } else {
                    retries += 1;
                }
                !arrived
            });
            if !batch.is_empty() {
                sleep(Duration::from_millis(50)).await;
            }
        }
        if *stop.borrow_and_update() {
            break;
        }
    }
    (delivered, retries)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_stops_or_dies_loses_nothing() {
    let Some(mut node) = private("a_broker_that_stops_or_dies_loses_nothing") else { return };
    let mut bench = Bench::new(node.url()).await;
    let destination = bench.destination(&json!({}));
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let loading = tokio::spawn(load(Arc::clone(&destination), stopped));
    until(&*destination, Result::is_ok).await;
    let mut node = tokio::task::spawn_blocking(move || {
        for kill in [false, true] {
            std::thread::sleep(Duration::from_secs(1));
            if kill {
                node.kill();
            } else {
                node.stop();
            }
            std::thread::sleep(Duration::from_secs(1));
            node.start_again();
            std::thread::sleep(Duration::from_secs(1));
        }
        node
    })
    .await
    .unwrap();
    until(&*destination, Result::is_ok).await;
    stop.send_replace(true);
    let (delivered, retries) = loading.await.unwrap();
    assert!(retries > 0, "the broker was never missed");
    bench.look_again().await;
    let found: HashSet<Uuid> = bench.drain().await.into_keys().collect();
    let lost = delivered.difference(&found).count();
    assert_eq!(lost, 0, "of {} reported delivered", delivered.len());

    node.stop();
    until(&*destination, Result::is_err).await;
    let batch = parcels("good.one", 0..1);
    let outcomes = timeout(Duration::from_secs(1), destination.deliver(&batch)).await;
    let outcomes = outcomes.expect("an answer at once");
    assert!(reason(&outcomes[0]).starts_with("no connection to RabbitMQ"), "{outcomes:?}");
    timeout(Duration::from_secs(2), destination.close()).await.expect("closed at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_broker_is_a_quick_retry_and_not_ready() {
    let Some(node) = private("a_blocked_broker_is_a_quick_retry_and_not_ready") else { return };
    let bench = Bench::new(node.url()).await;
    let destination = bench.destination(&json!({}));
    assert_eq!(deliver_all(&*destination, parcels("good.one", 0..10)).await, 1);

    assert!(node.control(&["set_vm_memory_high_watermark", "0.0001"]));
    let began = Instant::now();
    let outcomes = timeout(LONG, destination.deliver(&parcels("good.one", 10..20))).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert!(reason(&outcomes[0]).starts_with("RabbitMQ takes no messages: low on"), "{outcomes:?}");
    assert!(destination.ready().unwrap_err().starts_with("RabbitMQ takes no messages"));
    let began = Instant::now();
    for _ in 0..100 {
        let outcomes = destination.deliver(&parcels("good.one", 20..30)).await;
        assert!(reason(&outcomes[0]).starts_with("RabbitMQ takes no messages"));
    }
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    // Longer than a confirm may take: a blocked connection is not a broken one.
    sleep(Duration::from_secs(12)).await;
    assert!(destination.ready().unwrap_err().starts_with("RabbitMQ takes no messages"));

    assert!(node.control(&["set_vm_memory_high_watermark", "0.9"]));
    until(&*destination, Result::is_ok).await;
    deliver_all(&*destination, parcels("good.one", 10..30)).await;
    assert_eq!(bench.drain().await.len(), 30);
    assert!(node.control(&["set_vm_memory_high_watermark", "0.0001"]));
    let _ = destination.deliver(&parcels("good.one", 40..50)).await;
    timeout(Duration::from_secs(1), destination.close()).await.expect("closes although blocked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_broker_is_a_retry_in_time_and_is_found_again() {
    let Some(node) = private("a_silent_broker_is_a_retry_in_time_and_is_found_again") else {
        return;
    };
    let bench = Bench::new(node.url()).await;
    let destination = bench.destination(&json!({}));
    assert_eq!(deliver_all(&*destination, parcels("good.one", 0..10)).await, 1);
    node.freeze();
    let outcomes = timeout(LONG, destination.deliver(&parcels("good.one", 10..20))).await.unwrap();
    assert!(reason(&outcomes[0]).contains("no confirm within 10 s"), "{outcomes:?}");
    // Connecting is answered by nobody either.
    let words = "no connection to RabbitMQ: no answer within 10 s";
    until(&*destination, |it| it.as_ref().is_err_and(|it| it == words)).await;
    node.thaw();
    until(&*destination, Result::is_ok).await;
    deliver_all(&*destination, parcels("good.one", 10..20)).await;
    assert_eq!(bench.drain().await.len(), 20);
    destination.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_needs_a_certificate_that_is_trusted() {
    let Some(node) = private("tls_needs_a_certificate_that_is_trusted") else { return };
    let bench = Bench::new(node.url()).await;
    let (url, certificate) = node.tls();
    let exchange = bench.exchange();
    let config = json!({ "exchange": exchange, "queues": { "q": ["#"] } });
    let stranger = bench.build(config.clone(), &url).unwrap();
    let outcomes = timeout(LONG, stranger.deliver(&parcels("a", 0..1))).await.unwrap();
    assert!(reason(&outcomes[0]).contains("certificate"), "{outcomes:?}");
    stranger.close().await;

    let mut config = config;
    config["ca_file"] = certificate.to_str().unwrap().into();
    let trusting = bench.build(config, &url).unwrap();
    assert_eq!(deliver_all(&*trusting, parcels("a", 0..300)).await, 1);
    trusting.close().await;
}
