//! The journal's promises, kept by every store. A second store adds a line to `stores`.

use std::sync::Arc;

use sluicegate::destination::{Order, Placement};
use sluicegate::event::event_id;
use sluicegate::journal::{
    Acceptor, Alias, Arrival, Cause, Error, History, Incoming, Journal, Options, Query, Receipt,
    Rejected, Sqlite, Ticket, Verdict,
};
use sluicegate::provider::Cursor;

use crate::support::store::{accept, alias, arrival, at, incoming, leased, open, settle, stored};

#[tokio::test]
async fn an_event_is_written_once_whatever_stands_beside_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let lane = || Placement::Lane;
    let first = arrival(vec![incoming("a", lane()), incoming("b", lane())]);
    assert_eq!(accept(&store, first).await, Receipt { new: 2, duplicate: 0 });
    // Batched anew, with another neighbour, and twice in one request.
    let again = arrival(vec![incoming("b", lane()), incoming("c", lane()), incoming("c", lane())]);
    assert_eq!(accept(&store, again).await, Receipt { new: 1, duplicate: 2 });
    store.close().await;
    drop(store);
    let store = open(directory.path());
    let after_restart = arrival(vec![incoming("a", lane()), incoming("c", lane())]);
    assert_eq!(accept(&store, after_restart).await, Receipt { new: 0, duplicate: 2 });
    let events = stored(&store).await;
    assert_eq!(events.iter().map(|it| it.sequence).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!(events[0].raw, "{}");
}

#[tokio::test]
async fn a_duplicate_brings_no_delivery_and_a_new_event_all_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.open_lane("out", Order::None).await.unwrap();
    for _ in 0..3 {
        accept(&store, arrival(vec![incoming("a", Placement::Lane)])).await;
    }
    let leases = leased(&store, 10, 1).await;
    assert_eq!(leases.len(), 1);
    assert_eq!(leases[0].event.id, event_id("test", "a"));
    assert_eq!(leases[0].attempts, 0);
    assert!(leased(&store, 10, 1).await.is_empty(), "it is leased already");
}

#[tokio::test]
async fn outcomes_are_remembered_and_a_retry_keeps_its_id() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.open_lane("out", Order::Conversation).await.unwrap();
    for key in ["a", "b", "c"] {
        accept(&store, arrival(vec![incoming(key, Placement::Lane)])).await;
    }
    let lease = leased(&store, 10, 1).await;
    assert_eq!(lease.len(), 1, "one conversation: only its head");
    let first = lease[0].clone();
    settle(
        &store,
        first.position,
        Verdict::Again { due: at(60), reason: "busy".into(), counted: true },
    )
    .await;
    assert!(leased(&store, 10, 2).await.is_empty(), "the head holds its place");

    // Across a restart nothing is forgotten: neither the attempt nor the moment it is due.
    store.close().await;
    drop(store);
    let store = open(directory.path());
    store.open_lane("out", Order::Conversation).await.unwrap();
    assert!(leased(&store, 10, 59).await.is_empty());
    let again = leased(&store, 10, 60).await;
    assert_eq!(again.len(), 1);
    assert_eq!((again[0].delivery, again[0].attempts), (first.delivery, 1));
    let delivered =
        Verdict::Delivered { receipt: Some("42".into()), thread: None, replies: vec![] };
    settle(&store, again[0].position, delivered).await;
    let second = leased(&store, 10, 61).await;
    assert_eq!(second[0].event.id, event_id("test", "b"));
    settle(&store, second[0].position, Verdict::Refused { reason: "no".into(), replies: vec![] })
        .await;

    let story = store.story(first.event.id).await.unwrap().unwrap();
    let delivery = &story.deliveries[0];
    assert_eq!((&*delivery.state, delivery.attempts), ("delivered", 2));
    assert_eq!(delivery.receipt.as_deref(), Some("42"));
    assert_eq!(delivery.id, first.delivery);
    assert_eq!(delivery.attempted[0].reason.as_deref(), Some("busy"));
    let story = store.story(event_id("test", "b")).await.unwrap().unwrap();
    assert_eq!(story.deliveries[0].state, "refused");
    let story = store.story(event_id("test", "c")).await.unwrap().unwrap();
    assert_eq!(story.deliveries[0].state, "pending");
    assert_eq!(store.lanes()[0].pending, 1);
}

#[tokio::test]
async fn a_reply_is_written_with_the_outcome_that_brought_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.open_lane("out", Order::None).await.unwrap();
    accept(&store, arrival(vec![incoming("question", Placement::Lane)])).await;
    let lease = leased(&store, 1, 1).await.remove(0);
    let mut reply = arrival(vec![incoming("answer", Placement::Lane)]);
    let event = lease.event.id;
    reply.cause = Some(Cause { event, conversation: None, correlation: event, hops: 1 });
    let verdict = Verdict::Delivered { receipt: None, thread: None, replies: vec![reply] };
    settle(&store, lease.position, verdict).await;
    let story = store.story(event).await.unwrap().unwrap();
    assert_eq!(story.replies, [event_id("test", "answer")]);
    let answer = leased(&store, 1, 2).await.remove(0).event;
    assert_eq!((answer.cause, answer.correlation, answer.hops), (Some(event), event, 1));
}

#[tokio::test]
async fn aliases_lead_to_one_conversation_and_merge_when_they_turn_out_to_be_one() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let conversation = async |key: &str, aliases: Vec<Alias>| {
        let event = Incoming { aliases, ..incoming(key, Placement::Lane) };
        accept(&store, arrival(vec![event])).await;
        stored(&store).await[0].conversation
    };
    let by_phone = conversation("1", vec![alias("wa_id", "49")]).await;
    let by_id = conversation("2", vec![alias("bsuid", "DE.1")]).await;
    assert_ne!(by_phone, by_id);
    // Both at once: they are one, that of the strongest.
    let both = conversation("3", vec![alias("bsuid", "DE.1"), alias("wa_id", "49")]).await;
    assert_eq!(both, by_id);
    assert_eq!(conversation("4", vec![alias("wa_id", "49")]).await, by_id);
    assert_eq!(conversation("5", vec![]).await, None);
}

#[tokio::test]
async fn ids_are_known_whether_in_memory_or_merged_and_across_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path());
    // More than one run of ids, so that some are merged, some are not.
    let total = 150_000_u32;
    let page = |from: u32| {
        let dead = || Placement::Dead("why".into());
        arrival((from..from + 1_000).map(|it| incoming(&it.to_string(), dead())).collect())
    };
    for from in (0..total).step_by(1_000) {
        assert_eq!(accept(&store, page(from)).await, Receipt { new: 1_000, duplicate: 0 });
    }
    for _ in 0..2 {
        for from in [0, 60_000, 70_000, 149_000] {
            assert_eq!(accept(&store, page(from)).await, Receipt { new: 0, duplicate: 1_000 });
        }
        let story = store.story(event_id("test", "149999")).await.unwrap();
        assert_eq!(story.unwrap().event.sequence, u64::from(total));
        store.close().await;
        drop(store);
        store = open(directory.path());
    }
}

fn cursor(key: &str, value: Option<&str>) -> Cursor {
    Cursor { key: key.into(), value: value.map(|it| it.as_bytes().to_vec()) }
}

/// An arrival of the source `name` that moves its cursors.
fn polled(name: &str, events: Vec<Incoming>, cursors: Vec<Cursor>) -> Arrival {
    Arrival { source: name.into(), cursors, ..arrival(events) }
}

#[tokio::test]
async fn cursors_move_with_their_events_and_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let event = || vec![incoming("a", Placement::Lane)];
    let both = vec![cursor("list", Some("1")), cursor("49", Some("1"))];
    assert_eq!(accept(&store, polled("one", event(), both)).await.new, 1);
    // Nothing new is no reason to stand still, and neither is nothing at all.
    let moved = vec![cursor("49", Some("2"))];
    assert_eq!(accept(&store, polled("one", event(), moved)).await.duplicate, 1);
    accept(&store, polled("two", vec![], vec![cursor("49", Some("other"))])).await;
    store.close().await;
    drop(store);

    let store = open(directory.path());
    let mut of_one = store.cursors("one").await.unwrap();
    of_one.sort_by(|a, b| a.key.cmp(&b.key));
    assert_eq!(of_one, [cursor("49", Some("2")), cursor("list", Some("1"))]);
    assert_eq!(store.cursors("two").await.unwrap(), [cursor("49", Some("other"))]);
    let forgotten = vec![cursor("49", None), cursor("never was", None)];
    accept(&store, polled("one", vec![], forgotten)).await;
    assert_eq!(store.cursors("one").await.unwrap(), [cursor("list", Some("1"))]);
    assert_eq!(store.cursors("two").await.unwrap().len(), 1, "each source has its own");
}

#[tokio::test]
async fn a_cursor_stays_where_it_was_when_its_events_cannot_be_written() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    accept(&store, polled("one", vec![], vec![cursor("49", Some("1"))])).await;
    // The table of deliveries is gone: an event that has one cannot be written.
    let other = rusqlite::Connection::open(directory.path().join("journal.db")).unwrap();
    other.execute_batch("ALTER TABLE pending RENAME TO gone").unwrap();
    let events = vec![incoming("a", Placement::Lane)];
    let (ticket, answer) = Ticket::single();
    let moved = vec![cursor("49", Some("2"))];
    store.submit(polled("one", events.clone(), moved.clone()), ticket).unwrap();
    assert!(matches!(answer.await.unwrap(), Err(Error::Write(_))));
    assert_eq!(store.cursors("one").await.unwrap(), [cursor("49", Some("1"))]);
    other.execute_batch("ALTER TABLE gone RENAME TO pending").unwrap();
    assert_eq!(accept(&store, polled("one", events, moved)).await.new, 1);
    assert_eq!(store.cursors("one").await.unwrap(), [cursor("49", Some("2"))]);
}

#[tokio::test]
async fn a_journal_of_the_first_release_is_brought_up_to_date() {
    let directory = tempfile::tempdir().unwrap();
    let older = rusqlite::Connection::open(directory.path().join("journal.db")).unwrap();
    older.execute_batch(include_str!("../src/journal/sqlite/schema_1.sql")).unwrap();
    older.execute_batch("PRAGMA application_id = 0x536c7569; PRAGMA user_version = 1").unwrap();
    drop(older);
    let store = open(directory.path());
    assert!(store.cursors("one").await.unwrap().is_empty());
    let events = vec![incoming("a", Placement::Lane)];
    accept(&store, polled("one", events, vec![cursor("49", Some("1"))])).await;
    assert_eq!(store.cursors("one").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_second_gateway_on_the_same_directory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let _first = open(directory.path());
    let second = Sqlite::open(&Options { directory: directory.path().to_owned() });
    let error = second.err().expect("the first holds it").to_string();
    assert!(error.contains("in use by another gateway"), "{error}");
}

#[tokio::test]
async fn a_foreign_or_newer_file_is_refused_and_left_alone() {
    for (sql, expected) in [
        ("CREATE TABLE theirs (a)", "not a Sluicegate journal"),
        (
            "PRAGMA application_id = 0x536c7569; PRAGMA user_version = 99; CREATE TABLE t (a)",
            "version 99",
        ),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("journal.db");
        rusqlite::Connection::open(&file).unwrap().execute_batch(sql).unwrap();
        let opened = Sqlite::open(&Options { directory: directory.path().to_owned() });
        let error = opened.err().expect("it must be refused").to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_closed_journal_answers_that_it_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.close().await;
    let (ticket, _answer) = Ticket::single();
    assert_eq!(store.submit(arrival(vec![]), ticket), Err(Error::Closed));
    assert!(store.search(Query::default()).await.is_ok(), "what was written can still be read");
    let (dropped, answer) = Ticket::single();
    drop(dropped);
    assert_eq!(answer.await.unwrap(), Err(Error::Closed), "nobody waits for ever");
}

#[tokio::test]
async fn rejections_are_kept_in_a_bounded_ring() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    for number in 0..1_000 {
        store.reject(Rejected {
            at: at(number),
            source: "whatsapp".into(),
            address: "127.0.0.1".into(),
            label: "bad_signature".into(),
            reason: "signature does not match".into(),
        });
    }
    let kept = store.rejections();
    assert_eq!(kept.len(), 256);
    assert_eq!(kept[0].at, at(999), "newest first");
}

#[test]
fn an_acceptor_answers_every_one_of_its_requests() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let (acceptor, pump) = Acceptor::new(Arc::clone(&store) as Arc<dyn Journal>);
        tokio::task::spawn_local(pump);
        let tasks: Vec<_> = (0..500)
            .map(|number| {
                let acceptor = acceptor.clone();
                tokio::task::spawn_local(async move {
                    let event = incoming(&number.to_string(), Placement::Lane);
                    acceptor.accept(arrival(vec![event])).await
                })
            })
            .collect();
        for (number, task) in tasks.into_iter().enumerate() {
            if number % 7 == 0 {
                // A client that disconnects; its event is kept all the same.
                task.abort();
            } else {
                assert_eq!(task.await.unwrap(), Ok(Receipt { new: 1, duplicate: 0 }));
            }
        }
    });
    let stored = runtime.block_on(store.count()).unwrap();
    assert!(stored >= 428, "{stored}");
}
