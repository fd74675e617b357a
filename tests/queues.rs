//! The promises of the embedded broker's queues.

use std::sync::Arc;
use std::time::Duration;

use sluicegate::destination::Placement;
use sluicegate::event::event_id;
use sluicegate::journal::Queues;

use crate::support::store::{accept, arrival, incoming, open};

#[tokio::test]
async fn a_queue_gives_each_message_until_it_is_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.declare(&[("q".into(), 2)]).await.unwrap();
    let queue = || Placement::Queues(vec!["q".into()]);
    accept(&store, arrival(vec![incoming("a", queue()), incoming("b", queue())])).await;
    let long = Duration::from_mins(1);
    let receive = async |visibility| {
        store.receive("q", 10, Duration::ZERO, visibility).await.unwrap().unwrap()
    };
    let first = receive(long).await;
    assert_eq!(first.len(), 2);
    assert_eq!(first[0].event.id, event_id("test", "a"));
    assert!(receive(long).await.is_empty(), "both are with somebody");
    let receipts: Vec<String> = first.iter().map(|it| it.receipt.clone()).collect();
    assert_eq!(store.ack("q", &receipts[..1]).await.unwrap(), 1);
    assert_eq!(store.ack("q", &receipts[..1]).await.unwrap(), 0, "it is gone");
    assert_eq!(store.nack("q", &receipts[1..]).await.unwrap(), 1);
    let second = receive(Duration::from_millis(1)).await;
    assert_eq!((second.len(), second[0].redelivered), (1, 1));
    assert_eq!(second[0].delivery, first[1].delivery);
    tokio::time::sleep(Duration::from_millis(5)).await;
    // Its time ran out twice; a third reception is one too many.
    assert!(receive(long).await.is_empty());
    let stale = [second[0].receipt.clone()];
    assert_eq!(store.ack("q", &stale).await.unwrap(), 0);
    let odd = ["18446744073709551615.1", "-1.1", "1", "x.y", ""].map(str::to_owned);
    assert_eq!(store.ack("q", &odd).await.unwrap(), 0, "never handed out, and no harm done");
    let dead = store.receive("q.dead", 10, Duration::ZERO, long).await.unwrap().unwrap();
    assert_eq!(dead[0].delivery, first[1].delivery);
    assert!(store.receive("nobody", 1, Duration::ZERO, long).await.unwrap().is_none());
}

#[tokio::test]
async fn a_queue_holds_what_was_placed_into_it_and_hands_out_no_half_event() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.declare(&[("q".into(), 20), ("other".into(), 20)]).await.unwrap();
    let minute = Duration::from_mins(1);
    let queue = |name: &str| Placement::Queues(vec![name.into()]);
    for number in 0..30 {
        // Every third event goes to `q`, twice: two routes took it.
        let mut event = incoming(&number.to_string(), queue("other"));
        if number % 3 == 0 {
            event.deliveries[0].placement = queue("q");
            event.deliveries.push(event.deliveries[0].clone());
            event.deliveries[1].index = 1;
        }
        accept(&store, arrival(vec![event])).await;
    }
    let messages = async |name: &str| {
        let queues = store.queues().await.unwrap();
        queues.into_iter().find(|it| it.name == name).unwrap().messages
    };
    assert_eq!((messages("q").await, messages("other").await), (20, 20));
    let mut deliveries = Vec::new();
    loop {
        let page = store.receive("q", 3, Duration::ZERO, minute).await.unwrap().unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 3);
        deliveries.extend(page.iter().map(|it| it.delivery));
        let receipts: Vec<String> = page.into_iter().map(|it| it.receipt).collect();
        assert_eq!(store.ack("q", &receipts).await.unwrap(), receipts.len());
    }
    assert_eq!(deliveries.len(), 20);
    deliveries.sort_unstable();
    deliveries.dedup();
    assert_eq!(deliveries.len(), 20, "each once");
    assert_eq!((messages("q").await, messages("other").await), (0, 20));
    let one = store.receive("other", 1, Duration::ZERO, minute).await.unwrap().unwrap();
    assert_eq!(one.len(), 1);
    assert_eq!(one[0].event.id, event_id("test", "1"));
}

#[tokio::test]
async fn a_waiting_receiver_is_woken_by_the_next_message() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.declare(&[("q".into(), 20)]).await.unwrap();
    let waiting = tokio::spawn({
        let store = Arc::clone(&store);
        let minute = Duration::from_mins(1);
        async move { store.receive("q", 10, minute, minute).await.unwrap().unwrap().len() }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let queue = Placement::Queues(vec!["q".into()]);
    accept(&store, arrival(vec![incoming("a", queue)])).await;
    let count = tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap();
    assert_eq!(count, 1);
}
