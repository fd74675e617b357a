//! Calls that are written before they are sent, what answers them, and what is recognised as ours.

use std::time::Duration;

use bytes::Bytes;
use sluicegate::destination::{Order, Placement};
use sluicegate::event::standing::{About, Change};
use sluicegate::journal::{Incoming, Journal, Opened, Run, Sqlite, Verdict};
use sluicegate::router::Collect;
use uuid::Uuid;

use crate::support::store::{accept, arrival, at, incoming, open, settle, stored};

async fn run(store: &Sqlite, now: i64) -> Option<Run> {
    store.lease("out", 10, at(now)).await.unwrap().into_iter().next()
}

async fn opened(store: &Sqlite, run: &Run) -> Uuid {
    let call = run.leases[0].delivery;
    let members = run.leases.iter().map(|it| it.position).collect();
    let opened = Opened { call, members, attempt: 1, supersedes: run.supersedes };
    assert!(store.open_call("out", opened).await.unwrap());
    call
}

fn delivered(receipt: Option<&str>) -> Verdict {
    let receipt = receipt.map(str::to_owned);
    Verdict::Delivered { receipt, thread: None, replies: vec![] }
}

async fn state_of(store: &Sqlite, key: &str) -> (String, Option<String>) {
    use sluicegate::journal::History;
    let story = store.story(sluicegate::event::event_id("test", key)).await.unwrap().unwrap();
    let delivery = &story.deliveries[0];
    (delivery.state.clone(), delivery.receipt.clone())
}

#[tokio::test]
async fn an_answer_that_comes_another_way_is_judged_once_and_survives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.open_lane("out", Order::Conversation).await.unwrap();
    accept(&store, arrival(vec![incoming("a", Placement::Lane)])).await;
    let first = run(&store, 1).await.unwrap();
    let call = opened(&store, &first).await;
    settle(&store, first.leases[0].position, Verdict::Await { call, until: at(60) }).await;
    assert!(run(&store, 30).await.is_none(), "it is waited for");

    let answer = Bytes::from_static(b"the answer");
    assert!(store.answer(call, answer.clone()).await.unwrap());
    assert!(!store.answer(call, answer.clone()).await.unwrap(), "it came already");
    store.close().await;
    drop(store);
    let store = open(directory.path());
    store.open_lane("out", Order::Conversation).await.unwrap();
    let judged = run(&store, 0).await.unwrap_or_else(|| panic!("the answer waits to be judged"));
    assert_eq!(
        (judged.answer, judged.overdue, judged.call),
        (Some(answer.clone()), false, Some(call))
    );
    settle(&store, judged.leases[0].position, delivered(None)).await;
    assert_eq!(state_of(&store, "a").await.0, "delivered");
    assert!(!store.answer(call, answer).await.unwrap(), "nobody waits for it");
}

#[tokio::test]
async fn without_an_answer_the_wait_ends_at_its_moment() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.open_lane("out", Order::Conversation).await.unwrap();
    accept(&store, arrival(vec![incoming("a", Placement::Lane)])).await;
    let first = run(&store, 1).await.unwrap();
    let call = opened(&store, &first).await;
    settle(&store, first.leases[0].position, Verdict::Await { call, until: at(60) }).await;
    assert!(run(&store, 59).await.is_none());
    let overdue = run(&store, 60).await.unwrap();
    assert!(overdue.overdue && overdue.answer.is_none());
}

fn about(key: &str, about: About) -> Incoming {
    Incoming { about: Some(about), ..incoming(key, Placement::Lane) }
}

fn status(message: &str, reference: Option<Uuid>) -> About {
    let reference = reference.map(|it| it.to_string());
    About::Status { message: message.into(), reference }
}

#[tokio::test]
async fn a_status_settles_a_send_whose_answer_was_lost_whenever_it_comes() {
    for early in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path());
        store.open_lane("out", Order::None).await.unwrap();
        accept(&store, arrival(vec![incoming("a", Placement::Lane)])).await;
        let sent = run(&store, 1).await.unwrap();
        let call = sent.leases[0].delivery;
        let told = arrival(vec![about("status", status("wamid.1", Some(call)))]);
        let wait = Verdict::Await { call, until: at(60) };
        if early {
            accept(&store, told).await;
            settle(&store, sent.leases[0].position, wait).await;
        } else {
            settle(&store, sent.leases[0].position, wait).await;
            accept(&store, told).await;
        }
        let expected = ("delivered".to_owned(), Some("wamid.1".to_owned()));
        assert_eq!(state_of(&store, "a").await, expected, "early: {early}");
    }
}

#[tokio::test]
async fn what_we_sent_ourselves_is_no_news_when_it_is_seen_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.open_lane("out", Order::None).await.unwrap();
    accept(&store, arrival(vec![incoming("a", Placement::Lane)])).await;
    let sent = run(&store, 1).await.unwrap();
    settle(&store, sent.leases[0].position, delivered(Some("wamid.1"))).await;
    let taken = Change::TakenOver { by: "agent".into(), since: at(0), until: at(1_000_000) };
    for (key, message) in [("ours", "wamid.1"), ("theirs", "wamid.2")] {
        let mut echo = about(key, About::Echo { message: message.into() });
        echo.changes = vec![taken.clone()];
        accept(&store, arrival(vec![echo])).await;
        let conversation = stored(&store).await[0].conversation.unwrap();
        let standing = store.standing(conversation, None).await.unwrap();
        assert_eq!(standing.takeover.is_some(), key == "theirs", "{key}");
        assert_eq!(run(&store, 1).await.is_some(), key == "theirs", "{key}: routed");
    }
}

#[tokio::test]
async fn a_request_goes_once_to_who_takes_whole_requests() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.open_lane("out", Order::None).await.unwrap();
    let whole = |key: &str| {
        let mut it = incoming(key, Placement::Lane);
        it.deliveries[0].per_request = true;
        it
    };
    accept(&store, arrival(vec![whole("a"), whole("b")])).await;
    accept(&store, arrival(vec![whole("b")])).await;
    accept(&store, arrival(vec![whole("a"), whole("c")])).await;
    let runs = store.lease("out", 10, at(1)).await.unwrap();
    assert_eq!(runs.len(), 2, "the second brought nothing new");
    let arrived = store.arrived(runs[0].leases[0].event.sequence).await.unwrap();
    assert_eq!(&arrived.body[..], b"{} the body");
}

#[tokio::test]
async fn an_answer_is_superseded_by_what_came_while_it_was_made() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.open_lane("out", Order::Conversation).await.unwrap();
    let collect = Collect { supersede: true, ..Collect::after(Duration::from_secs(3)) };
    let asks = |key: &str, second: i64| {
        let mut it = incoming(key, Placement::Lane);
        it.deliveries[0].collect = Some(collect);
        let mut arrival = arrival(vec![it]);
        arrival.received = at(second);
        arrival
    };
    accept(&store, asks("a", 0)).await;
    let first = run(&store, 3).await.unwrap();
    let call = opened(&store, &first).await;
    accept(&store, asks("b", 4)).await;
    settle(&store, first.leases[0].position, delivered(None)).await;
    assert_eq!(state_of(&store, "a").await.0, "awaiting", "its answer is stale");
    let both = run(&store, 100).await.unwrap();
    let keys: Vec<_> = both.leases.iter().map(|it| it.event.id).collect();
    assert_eq!(keys, ["a", "b"].map(|it| sluicegate::event::event_id("test", it)));
    assert_ne!(both.supersedes.map_or(both.call, |_| None), Some(call), "a call of its own");
}
