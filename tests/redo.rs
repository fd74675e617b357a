//! Deliveries that are tried again, given up or repeated: which order they go in, and as what.

use std::sync::Arc;
use std::time::Duration;

use sluicegate::destination::{Order, Placement};
use sluicegate::event::event_id;
use sluicegate::journal::{
    Attempt, Deed, Error, History, Journal, Lease, Place, Record, Redo, Settlement, Sqlite, Step,
    Verdict, Which,
};
use uuid::Uuid;

use crate::support::store::{accept, alias, arrival, at, incoming, open};

/// Events of one conversation, each with a delivery.
async fn events(store: &Sqlite, keys: &[&str]) {
    for key in keys {
        accept(store, arrival(vec![incoming(key, Placement::Lane)])).await;
    }
}

async fn lease(store: &Sqlite, now: i64) -> Vec<Lease> {
    let runs = store.lease("out", 10, at(now)).await.unwrap();
    runs.into_iter().flat_map(|it| it.leases).collect()
}

async fn settle(store: &Sqlite, position: i64, verdict: Verdict) {
    let record = Some(Record { sent: Some("POST".into()), ..Record::default() });
    let took = Duration::from_millis(7);
    let settlement = Settlement {
        position,
        others: Vec::new(),
        started: at(1),
        took,
        verdict,
        record,
        judged: false,
    };
    store.settle("out", vec![settlement]).await.unwrap();
}

fn dead(hold: bool) -> Verdict {
    Verdict::Dead { reason: "gone".into(), hold, replies: Vec::new() }
}

fn delivered() -> Verdict {
    Verdict::Delivered { receipt: None, thread: None, replies: Vec::new() }
}

/// Settles the heads one after the other, and answers which events they were of.
async fn go(store: &Sqlite, now: i64, verdict: impl Fn() -> Verdict) -> Vec<Lease> {
    let mut went = Vec::new();
    loop {
        let leases = lease(store, now).await;
        if leases.is_empty() {
            return went;
        }
        for it in leases {
            settle(store, it.position, verdict()).await;
            went.push(it);
        }
    }
}

fn ids(leases: &[Lease]) -> Vec<Uuid> {
    leases.iter().map(|it| it.event.id).collect()
}

fn named(keys: &[&str]) -> Vec<Uuid> {
    keys.iter().map(|it| event_id("test", it)).collect()
}

fn retry() -> Deed {
    Deed::Retry(Arc::new(|_| None))
}

fn replay() -> Deed {
    Deed::Replay(Arc::new(|_| None))
}

fn to_out() -> Which {
    Which { destination: Some("out".into()), ..Which::default() }
}

/// Does it to all, and answers how many that were.
async fn all(store: &Sqlite, deed: &Deed, which: Which) -> u64 {
    let tally = store.tally(deed, which.clone()).await.unwrap();
    let (mut after, mut done) = (Place::default(), 0);
    loop {
        let places = (after, tally.through);
        let step = store.step(deed, which.clone(), places, 2, at(100)).await.unwrap();
        done += step.done;
        let Some(next) = step.next else { break };
        after = next;
    }
    assert_eq!(tally.count, done);
    done
}

async fn states(store: &Sqlite, keys: &[&str]) -> Vec<String> {
    let mut states = Vec::new();
    for id in named(keys) {
        let story = store.story(id).await.unwrap().unwrap();
        states.extend(story.deliveries.into_iter().map(|it| it.state));
    }
    states
}

#[tokio::test]
async fn what_is_tried_again_keeps_its_id_and_order_and_goes_ahead_with_a_full_budget() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.open_lane("out", Order::Conversation).await.unwrap();
    events(&store, &["a", "b", "c"]).await;
    let died = go(&store, 1, || dead(false)).await;
    assert_eq!(ids(&died), named(&["a", "b", "c"]));
    events(&store, &["d", "e"]).await;
    assert_eq!(all(&store, &retry(), to_out()).await, 3);
    assert_eq!(states(&store, &["a", "c", "d"]).await, ["pending"; 3]);
    assert_eq!(store.lanes()[0].pending, 5);

    // Also over a restart, and none of it twice.
    store.close().await;
    drop(store);
    let store = open(directory.path());
    store.open_lane("out", Order::Conversation).await.unwrap();
    let went = go(&store, 101, delivered).await;
    assert_eq!(ids(&went), named(&["a", "b", "c", "d", "e"]));
    assert_eq!((went[0].attempts, went[0].since), (0, at(100)));
    let same = |these: &[Lease]| these.iter().map(|it| it.delivery).collect::<Vec<_>>();
    assert_eq!(same(&went[..3]), same(&died));
    assert_eq!(all(&store, &retry(), to_out()).await, 0);
    // What was tried before stands beside what was tried since.
    let story = store.story(event_id("test", "a")).await.unwrap().unwrap();
    let outcomes = |it: &Attempt| (it.outcome.clone(), it.sent.clone());
    let attempted: Vec<_> = story.deliveries[0].attempted.iter().map(outcomes).collect();
    let post = Some("POST".to_owned());
    assert_eq!(attempted, [("dead".to_owned(), post.clone()), ("delivered".to_owned(), post)]);
    assert_eq!(story.deliveries[0].attempts, 1);
}

#[tokio::test]
async fn a_running_lane_goes_back_to_what_is_tried_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.open_lane("out", Order::Conversation).await.unwrap();
    events(&store, &["a"]).await;
    go(&store, 1, || dead(false)).await;
    events(&store, &["b", "c"]).await;
    let flying = lease(&store, 1).await;
    assert_eq!(ids(&flying), named(&["b"]));
    assert_eq!(states(&store, &["b"]).await, ["sending"]);
    assert_eq!(all(&store, &retry(), to_out()).await, 1);
    assert!(lease(&store, 101).await.is_empty(), "one of the conversation is being sent");
    settle(&store, flying[0].position, delivered()).await;
    assert_eq!(ids(&go(&store, 101, delivered).await), named(&["a", "c"]));
    assert_eq!((store.lanes()[0].pending, store.lanes()[0].settled), (0, 4));
}

#[tokio::test]
async fn a_held_head_is_tried_again_or_given_up_and_its_conversation_goes_on() {
    for drop_it in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path());
        store.open_lane("out", Order::Conversation).await.unwrap();
        events(&store, &["a", "b"]).await;
        let held = lease(&store, 1).await.remove(0);
        settle(&store, held.position, dead(true)).await;
        assert!(lease(&store, 1_000).await.is_empty());
        assert_eq!(states(&store, &["a", "b"]).await, ["held", "pending"]);
        let which = Which { state: Some("held".into()), ..to_out() };
        if drop_it {
            let deed = Deed::Drop("the order is gone".into());
            assert_eq!(all(&store, &deed, which).await, 1);
            let story = store.story(held.event.id).await.unwrap().unwrap();
            assert_eq!(story.deliveries[0].state, "dropped");
            assert_eq!(story.deliveries[0].reason.as_deref(), Some("the order is gone"));
            assert_eq!(store.lanes()[0].pending, 1);
            assert_eq!(ids(&go(&store, 101, delivered).await), named(&["b"]));
            // Somebody changes their mind.
            let which = Which { ids: vec![held.delivery], ..Which::default() };
            assert_eq!(all(&store, &retry(), which).await, 1);
            assert_eq!(ids(&go(&store, 101, delivered).await), named(&["a"]));
        } else {
            assert_eq!(all(&store, &retry(), which).await, 1);
            let again = lease(&store, 101).await.remove(0);
            assert_eq!((again.delivery, again.attempts), (held.delivery, 0));
            settle(&store, again.position, delivered()).await;
            assert_eq!(ids(&go(&store, 101, delivered).await), named(&["b"]));
        }
        assert_eq!(store.lanes()[0].pending, 0);
    }
}

#[tokio::test]
async fn what_is_being_sent_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.open_lane("out", Order::None).await.unwrap();
    events(&store, &["a"]).await;
    let flying = lease(&store, 1).await.remove(0);
    let (deed, which) = (Deed::Drop("enough".into()), to_out());
    let through = store.tally(&deed, which.clone()).await.unwrap().through;
    let places = (Place::default(), through);
    let step = store.step(&deed, which, places, 10, at(5)).await.unwrap();
    assert!(matches!(step, Step { found: 1, done: 0, next: Some(_) }), "{step:?}");
    settle(&store, flying.position, delivered()).await;
    assert_eq!(states(&store, &["a"]).await, ["delivered"]);
}

#[tokio::test]
async fn a_replay_is_new_keeps_the_order_and_goes_ahead_of_what_is_pending() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.open_lane("out", Order::Conversation).await.unwrap();
    events(&store, &["a", "b", "c"]).await;
    let first = go(&store, 1, delivered).await;
    events(&store, &["d"]).await;
    assert_eq!(all(&store, &replay(), to_out()).await, 3);
    let again = go(&store, 101, delivered).await;
    assert_eq!(ids(&again), named(&["a", "b", "c", "d"]));
    assert!(again.iter().zip(&first).all(|(a, b)| a.delivery != b.delivery));
    // A third time, over a restart in between: what repeats is not repeated itself.
    let which = Which { ids: vec![again[1].delivery], ..Which::default() };
    assert_eq!(all(&store, &replay(), which).await, 1);
    store.close().await;
    drop(store);
    let store = open(directory.path());
    store.open_lane("out", Order::Conversation).await.unwrap();
    let third = go(&store, 101, delivered).await;
    assert_eq!(ids(&third), named(&["b"]));
    let story = store.story(event_id("test", "b")).await.unwrap().unwrap();
    let told: Vec<_> = story.deliveries.iter().map(|it| (it.id, it.replay_of)).collect();
    let original = first[1].delivery;
    let expected = [
        (original, None),
        (again[1].delivery, Some(original)),
        (third[0].delivery, Some(original)),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn deliveries_are_found_by_what_they_are_and_how_they_stand() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.open_lane("out", Order::None).await.unwrap();
    for (second, key) in [(0, "a"), (600, "b"), (1_200, "c"), (1_800, "d")] {
        let mut event = incoming(key, Placement::Lane);
        event.aliases = vec![alias("wa_id", key)];
        let arrival = sluicegate::journal::Arrival { received: at(second), ..arrival(vec![event]) };
        accept(&store, arrival).await;
    }
    let leases = lease(&store, 2_000).await;
    settle(&store, leases[0].position, delivered()).await;
    let refused = Verdict::Refused { reason: "no".into(), replies: Vec::new() };
    settle(&store, leases[1].position, refused).await;
    settle(&store, leases[2].position, dead(false)).await;
    store.release("out", &[leases[3].position]);
    let find = async |which: Which| {
        let found = store.find(which).await.unwrap();
        let events = found.deliveries.iter().map(|it| it.event).collect::<Vec<_>>();
        (events, found.next)
    };
    let any = Which::default();
    let state = |it: &str| Which { state: Some(it.into()), ..any.clone() };
    assert_eq!(find(any.clone()).await, (named(&["d", "c", "b", "a"]), None));
    assert_eq!(find(state("dead, refused")).await.0, named(&["c", "b"]));
    assert_eq!(find(state("pending")).await.0, named(&["d"]));
    let since = Which { since: Some(at(600)), until: Some(at(1_800)), ..any.clone() };
    assert_eq!(find(since).await.0, named(&["c", "b"]));
    let conversation = leases[2].event.conversation;
    assert_eq!(find(Which { conversation, ..any.clone() }).await.0, named(&["c"]));
    let event = Some(event_id("test", "a"));
    assert_eq!(find(Which { event, ..any.clone() }).await.0, named(&["a"]));
    let other = Which { destination: Some("other".into()), ..any.clone() };
    assert_eq!(find(other).await.0, named(&[]));
    let route =
        Which { route: Some("route".into()), kind: Some("call.ended".into()), ..any.clone() };
    assert_eq!(find(route).await.0, named(&[]));
    let page = Which { limit: Some(3), ..any.clone() };
    let (events, before) = find(page.clone()).await;
    assert_eq!(events, named(&["d", "c", "b"]));
    assert_eq!(find(Which { before, ..page }).await, (named(&["a"]), None));
    let Err(Error::Read(sentence)) = store.find(state("broken")).await else { panic!("found") };
    assert!(sentence.contains("there is no state `broken`"), "{sentence}");
}
