//! Retention: what is old goes, what is still to be delivered stays.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sluicegate::destination::{Order, Placement};
use sluicegate::journal::{Arrival, History, Journal, Receipt, Retention, Verdict};

use crate::support::store::{accept, arrival, at, incoming, open, settle, stored};

#[tokio::test]
async fn retention_removes_what_is_old_but_nothing_that_is_still_to_be_delivered() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.open_lane("out", Order::None).await.unwrap();
    let placed = |key: &str| incoming(key, Placement::Lane);
    let dead = |key: &str| incoming(key, Placement::Dead("why".into()));
    for event in [dead("1"), dead("2"), placed("3"), dead("4")] {
        accept(&store, arrival(vec![event])).await;
    }
    let day = Duration::from_hours(24);
    let retention = Retention { age: day, size: None };
    assert_eq!(store.prune(retention, at(10)).await.unwrap(), 0, "nothing is old yet");
    let later = at(2 * 86_400);
    assert_eq!(store.prune(retention, later).await.unwrap(), 2, "up to the pending one");
    let lease = store.lease("out", 1, later).await.unwrap().remove(0).leases.remove(0);
    settle(
        &store,
        lease.position,
        Verdict::Dead { reason: "given up".into(), hold: false, replies: vec![] },
    )
    .await;
    assert_eq!(store.prune(retention, later).await.unwrap(), 2);
    assert_eq!(store.count().await.unwrap(), 0);
    // Its events are gone, but not the memory of them.
    let again = arrival(vec![dead("1"), dead("5")]);
    assert_eq!(accept(&store, again).await, Receipt { new: 1, duplicate: 1 });
    assert_eq!(stored(&store).await[0].sequence, 5, "a sequence is never given twice");
    let much_later = at(30 * 86_400);
    store.prune(retention, much_later).await.unwrap();
    assert_eq!(accept(&store, arrival(vec![dead("1")])).await.new, 1, "after a month it is new");
}

#[tokio::test]
async fn retention_by_size_removes_the_oldest() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    for page in 0..20 {
        let events = (0..100)
            .map(|it| incoming(&format!("{page}/{it}"), Placement::Dead("why".into())))
            .collect();
        let body = Bytes::from(vec![b'x'; 100_000]);
        accept(&store, Arrival { body, ..arrival(events) }).await;
    }
    let forever = Duration::from_hours(24 * 3_650);
    let retention = Retention { age: forever, size: Some(1_000_000) };
    assert!(store.prune(retention, at(1)).await.unwrap() >= 500);
    let left = store.count().await.unwrap();
    assert!(left < 1_500, "{left}");
}

#[tokio::test]
async fn retention_takes_requests_of_any_size_while_others_arrive() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let dead = |key: String| incoming(&key, Placement::Dead("why".into()));
    // A history webhook holds more events than one step of retention takes.
    accept(&store, arrival((0..1_300).map(|it| dead(it.to_string())).collect())).await;
    let later = at(2 * 86_400);
    let traffic = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            for number in 0.. {
                let event = incoming(&format!("new {number}"), Placement::Dead("why".into()));
                accept(&store, Arrival { received: later, ..arrival(vec![event]) }).await;
            }
        }
    });
    let retention = Retention { age: Duration::from_hours(24), size: None };
    let pruned = tokio::time::timeout(Duration::from_secs(30), store.prune(retention, later));
    assert_eq!(pruned.await.expect("it ends under traffic").unwrap(), 1_300);
    traffic.abort();
    assert_eq!(accept(&store, arrival(vec![dead("7".into())])).await.duplicate, 1);
}
