//! The poller against a `FlowIQ` that grows, changes, shifts its pages, fails, and a gateway that
//! dies in between.

mod world;

use std::collections::{BTreeMap, HashSet};

use serde_json::json;

use super::*;
use crate::event::{Draft, Kind};
use crate::provider::flowiq::payload;
use world::{World, at, ok};

const TENANT: &str = "acme";

fn account() -> Account {
    Account {
        tenant: TENANT.into(),
        token: Secret::new("fiq_a_token_of_a_test"),
        base_url: "https://flowiq.example".into(),
        every: Duration::from_secs(15),
        idle: Duration::from_mins(10),
        watch: Duration::from_hours(48),
        budget: Rate { count: 60, per: Duration::from_mins(1) },
    }
}

/// What was written down: events by their keys, in order, and cursors.
#[derive(Default)]
struct Store {
    keys: HashSet<String>,
    drafts: Vec<Draft>,
    cursors: BTreeMap<String, Vec<u8>>,
}

impl Store {
    fn accept(&mut self, batch: Batch) {
        for draft in batch.body.iter().flat_map(|it| payload::drafts(it, TENANT)) {
            if self.keys.insert(draft.dedup_key.clone()) {
                self.drafts.push(draft);
            }
        }
        for Cursor { key, value } in batch.cursors {
            self.cursors.insert(key, value.unwrap());
        }
    }

    fn asker(&self) -> Asker {
        let cursors = self.cursors.iter();
        let cursor = |(key, value): (&String, &Vec<u8>)| Cursor {
            key: key.clone(),
            value: Some(value.clone()),
        };
        Asker::new(account(), cursors.map(cursor).collect())
    }

    /// One question, if one is due.
    fn ask(&mut self, asker: &mut Asker, world: &mut World) {
        match asker.next(world.now) {
            Turn::Wait(rest) => {
                let rest = i64::try_from(rest.as_secs()).unwrap() + 1;
                world.pass(rest);
            }
            Turn::Ask(outgoing) => {
                let batch = asker.read(&world.answer(&outgoing), world.now).unwrap();
                self.accept(batch);
            }
        }
    }

    /// Asks until everything was asked again.
    fn settle(&mut self, asker: &mut Asker, world: &mut World) {
        for _ in 0..150 {
            self.ask(asker, world);
            world.pass(20);
        }
    }

    fn count(&self, kind: &Kind) -> usize {
        self.drafts.iter().filter(|it| it.kind == *kind).count()
    }
}

type Counts = BTreeMap<String, usize>;

fn add(counts: &mut Counts, what: String) {
    *counts.entry(what).or_default() += 1;
}

/// What the messages of the world say, and how they stand.
fn truth(world: &World) -> (Counts, Counts) {
    let (mut contents, mut ends) = (Counts::new(), Counts::new());
    for contact in &world.contacts {
        for it in &contact.messages {
            let content =
                format!("{} {} {}", contact.record["id"], it["created_at"], it["message"]);
            add(&mut contents, content.clone());
            let status = if it["sender_type"] == "user-whatsapp" {
                "-"
            } else {
                it["message_status"].as_str().unwrap()
            };
            let reacted = it["reactions"] != json!([]);
            add(&mut ends, format!("{content} {status} {reacted} {}", it["assignee"]));
        }
    }
    (contents, ends)
}

/// The same, from what was told.
fn told(store: &Store) -> (Counts, Counts) {
    let (mut contents, mut ends) = (Counts::new(), Counts::new());
    let mut state: BTreeMap<String, (String, &str, bool, Option<String>)> = BTreeMap::new();
    for draft in &store.drafts {
        let facts = &draft.facts;
        let message = facts.message.as_ref();
        match draft.kind.as_str() {
            "message.received" | "message.sent" => {
                let message = message.unwrap();
                let text = message.text.as_deref().unwrap();
                let id = &facts.contact.as_ref().unwrap().id;
                let content = format!("{id:?} {:?} {text:?}", draft.time.unwrap().to_string());
                add(&mut contents, content.clone());
                let status = if draft.kind == Kind::MESSAGE_SENT { "sent" } else { "-" };
                let of = (content, status, false, message.assignee.clone());
                assert!(state.insert(message.id.clone(), of).is_none());
            }
            "message.status" => {
                let status = facts.status.as_ref().unwrap();
                state.get_mut(&status.message_id).unwrap().1 = &status.status;
            }
            "message.reaction" => {
                let reaction = message.unwrap().reaction.as_ref().unwrap();
                state.get_mut(&reaction.message_id).unwrap().2 = !reaction.removed;
            }
            "message.edited" => {
                let message = message.unwrap();
                state.get_mut(message.original.as_ref().unwrap()).unwrap().3 =
                    message.assignee.clone();
            }
            _ => {}
        }
    }
    for (content, status, reacted, assignee) in state.into_values() {
        let assignee = assignee.map_or("null".into(), |it| format!("{it:?}"));
        add(&mut ends, format!("{content} {status} {reacted} {assignee}"));
    }
    (contents, ends)
}

#[track_caller]
fn compare(store: &Store, world: &World, seed: u64) {
    let ((contents, states), (told_contents, told_states)) = (truth(world), told(store));
    assert_eq!(told_contents, contents, "seed {seed}");
    assert_eq!(told_states, states, "seed {seed}");
    assert_eq!(store.count(&Kind::named("flowiq.unmapped")), 0);
}

#[test]
fn whatever_happens_in_between_every_message_is_told_once_and_ends_as_it_is() {
    // Each takes a while: a page is read, digested and compared for every question.
    let slow = std::env::var_os("SLUICEGATE_SLOW_TESTS").is_some();
    for seed in 0..if slow { 40 } else { 6 } {
        let mut world = World::new(seed);
        let mut store = Store::default();
        let mut asker = store.asker();
        for _ in 0..400 {
            for _ in 0..world.random.usize(..4) {
                world.step();
            }
            match world.random.u8(..20) {
                // Killed after an answer was read and before it was written down.
                0 => {
                    if let Turn::Ask(outgoing) = asker.next(world.now) {
                        drop(asker.read(&world.answer(&outgoing), world.now));
                    }
                    asker = store.asker();
                }
                // No answer, or one that is none.
                1 => drop(asker.next(world.now)),
                2 | 3 => {
                    if let Turn::Ask(_) = asker.next(world.now) {
                        let half =
                            Response { body: "{\"success\": true, \"mess".into(), ..ok(&json!(1)) };
                        asker.read(&half, world.now).unwrap_err();
                    }
                }
                _ => store.ask(&mut asker, &mut world),
            }
        }
        store.settle(&mut asker, &mut world);
        compare(&store, &world, seed);
        let progress = asker.progress(world.now);
        assert_eq!((progress.known, progress.read), (world.contacts.len(), world.contacts.len()));
    }
}

#[test]
fn twins_are_counted_across_the_border_of_two_pages() {
    for (before, twins) in [(97, 6), (99, 2), (100, 3), (50, 120), (99, 250), (0, 100), (0, 101)] {
        let mut world = World::empty();
        world.contact();
        for number in 0..before {
            world.pass(1);
            let mut message = world.message(world.now);
            message["message"] = json!(format!("number {number}"));
            world.contacts[0].messages.push(message);
        }
        world.pass(1);
        let twin = world.message(world.now);
        world.contacts[0].messages.extend(std::iter::repeat_n(twin.clone(), twins));
        let mut store = Store::default();
        let mut asker = store.asker();
        store.settle(&mut asker, &mut world);
        compare(&store, &world, before);
        // And one more in the same second, after a restart.
        world.contacts[0].messages.push(twin);
        let mut asker = store.asker();
        store.settle(&mut asker, &mut world);
        compare(&store, &world, before);
    }
}

#[test]
fn a_page_that_shifts_while_it_is_read_brings_no_twin_that_is_none() {
    let mut world = World::empty();
    world.contact();
    for number in 0..250 {
        world.pass(1);
        let mut message = world.message(world.now);
        message["message"] = json!(format!("number {number}"));
        world.contacts[0].messages.push(message);
    }
    let mut store = Store::default();
    let mut asker = store.asker();
    // The contacts, and the first page.
    store.ask(&mut asker, &mut world);
    store.ask(&mut asker, &mut world);
    let mut late = world.message(at(0));
    late["message"] = json!("late");
    world.contacts[0].messages.insert(10, late);
    store.settle(&mut asker, &mut world);
    compare(&store, &world, 0);
}

#[test]
fn what_was_there_before_the_first_run_is_history_and_what_came_since_is_news() {
    let mut world = World::new(3);
    world.pass(1);
    let mut store = Store::default();
    let mut asker = store.asker();
    let began = world.now;
    store.ask(&mut asker, &mut world);
    world.pass(60);
    for contact in 0..3 {
        world.writes(contact);
    }
    // Killed in the middle of the first run: what is older stays history.
    store.ask(&mut asker, &mut world);
    let mut asker = store.asker();
    store.settle(&mut asker, &mut world);
    compare(&store, &world, 3);
    let messages = |it: &&Draft| matches!(it.kind.as_str(), "message.sent" | "message.received");
    for draft in store.drafts.iter().filter(messages) {
        assert_eq!(draft.historical, draft.time.unwrap() < began, "{draft:?}");
    }
    assert_eq!(store.drafts.iter().filter(messages).filter(|it| !it.historical).count(), 3);
}

#[test]
fn a_contact_that_changed_is_told_once_and_a_new_one_not() {
    let mut world = World::new(5);
    let mut store = Store::default();
    let mut asker = store.asker();
    store.settle(&mut asker, &mut world);
    world.contact();
    assert_eq!(store.count(&Kind::CONTACT_UPDATED), 0);
    for (field, value) in [("full_name", "B"), ("bot_status", "paused"), ("last_seen", "now")] {
        world.contacts[0].record[field] = json!(value);
        store.settle(&mut asker, &mut world);
        asker = store.asker();
        store.settle(&mut asker, &mut world);
    }
    let kinds = (store.count(&Kind::CONTACT_UPDATED), store.count(&Kind::HANDOVER_CHANGED));
    assert_eq!(kinds, (1, 1));
    for (name, told) in [("A", 2), ("B", 3)] {
        world.contacts[0].record["full_name"] = json!(name);
        store.settle(&mut asker, &mut world);
        assert_eq!(store.count(&Kind::CONTACT_UPDATED), told, "there and back is two changes");
    }
}

#[test]
fn one_that_cannot_be_read_does_not_hold_up_the_others() {
    let mut world = World::new(9);
    let mut store = Store::default();
    let mut asker = store.asker();
    let broken = world.contacts[0].record["id"].as_str().unwrap().to_owned();
    for _ in 0..400 {
        match asker.next(world.now) {
            Turn::Ask(outgoing) if outgoing.url.contains(&broken) => {
                let body = json!({ "success": false, "error": "Internal error" });
                let failed = Response { status: 500, ..ok(&body) };
                let problem = asker.read(&failed, world.now).unwrap_err();
                assert_eq!(problem.to_string(), "500: Internal error");
            }
            Turn::Ask(outgoing) => {
                let batch = asker.read(&world.answer(&outgoing), world.now).unwrap();
                store.accept(batch);
            }
            Turn::Wait(_) => {}
        }
        world.pass(2);
    }
    assert_eq!(asker.progress(world.now).read, 2);
    store.settle(&mut asker, &mut world);
    compare(&store, &world, 9);
}

#[test]
fn what_is_wrong_is_said_in_their_words_whatever_the_status() {
    for (status, body, expected) in [
        (200, r#"{"success":false,"error":"Unauthorized","status":401}"#, "401: Unauthorized"),
        (
            401,
            r#"{"success":false,"error":"Unauthorized","message":"Bearer token does not match the provided tenantId"}"#,
            "401: Unauthorized: Bearer token does not match the provided tenantId",
        ),
        (500, r#"{"message":"oops"}"#, "500: oops"),
        (502, "<html>Bad Gateway</html>", "502: no reason was given"),
        (503, "try later\n", "503: try later"),
        (200, "", "200: the answer is not what the document shows"),
        (200, r#"{"success":true}"#, "200: the answer has no `contacts`"),
    ] {
        let mut asker = Store::default().asker();
        assert!(matches!(asker.next(at(0)), Turn::Ask(_)));
        let response = Response { status, headers: Vec::new(), body: body.into() };
        assert_eq!(asker.read(&response, at(0)).unwrap_err().to_string(), expected);
        let Turn::Ask(again) = asker.next(at(1)) else { panic!("the same is asked again") };
        assert!(again.url.contains("action=contacts"), "{}", again.url);
        assert!(!format!("{again:?}").contains("fiq_"), "the token is not printed");
    }
}

#[test]
fn what_becomes_of_a_contacts_message_is_told_when_it_changes() {
    let message = |status: &str| json!({ "message": "hi", "sender_type": "user-whatsapp", "message_status": status });
    let (told, news) = message::compare(None, &message("delivered"));
    assert_eq!(news, [], "it comes with the message");
    let (told, news) = message::compare(Some(&told), &message("read"));
    assert_eq!(news, [message::News::Status("read".into())]);
    assert_eq!(message::compare(Some(&told), &message("read")).1, []);
}
