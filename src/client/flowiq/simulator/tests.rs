//! What the simulated FlowIQ does with its data: order, pages, filters, and deeds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::tests::{ask, asked, json_of, now, with_messages};
use super::super::{API, Contacts, Messages};
use crate::client::Simulator;

const NUMBER: (&str, &str) = ("whatsappNumber", "27123456789");

fn texts(simulator: &mut dyn Simulator, values: &[(&str, &str)]) -> Vec<String> {
    let mut all = vec![NUMBER];
    all.extend(values);
    let answered = ask(simulator, "messages", &all);
    let messages = Messages::read(&answered.body).unwrap().messages;
    messages.into_iter().map(|it| it.text.unwrap()).collect()
}

fn populated(conversations: u64, seed: u64) -> Box<dyn Simulator> {
    let mut simulator = (API.simulator)();
    let arguments = json!({ "conversations": conversations, "messages": 20, "seed": seed });
    simulator.deed("populate", &arguments, now()).unwrap();
    simulator
}

fn truth(simulator: &mut dyn Simulator) -> Value {
    simulator.deed("truth", &json!({}), now()).unwrap()
}

/// Every page of a call, with this parameter for whose.
fn pages(simulator: &mut dyn Simulator, call: &str, values: &[(&str, &str)]) -> Vec<Value> {
    let mut list = Vec::new();
    for page in 1.. {
        let page = page.to_string();
        let mut values = values.to_vec();
        values.push(("page", &page));
        let answer = json_of(&ask(simulator, call, &values));
        let key = if call == "contacts" { "contacts" } else { "messages" };
        list.extend(answer[key].as_array().unwrap().iter().cloned());
        if answer["pagination"]["hasNextPage"] == false {
            break;
        }
    }
    list
}

#[test]
fn messages_come_newest_first_unless_asked_otherwise() {
    let mut simulator = with_messages(25);
    let newest = texts(&mut *simulator, &[]);
    assert_eq!((newest.len(), &*newest[0], &*newest[9]), (10, "message 24", "message 15"));
    let last = texts(&mut *simulator, &[("page", "3")]);
    assert_eq!((last.len(), &*last[4]), (5, "message 0"));
    let oldest = texts(&mut *simulator, &[("ascending", "true"), ("limit", "2"), ("page", "2")]);
    assert_eq!(oldest, ["message 2", "message 3"]);
    assert!(texts(&mut *simulator, &[("page", "4")]).is_empty());
    assert!(texts(&mut *simulator, &[("page", "9223372036854775807")]).is_empty());
    // A new message moves everything by one.
    let written = json!({ "from": "27123456789", "text": "new" });
    simulator.deed("message", &written, now()).unwrap();
    assert_eq!(texts(&mut *simulator, &[("page", "2")])[0], "message 15");
}

#[test]
fn a_search_finds_any_of_its_words_in_any_case() {
    let mut simulator = with_messages(25);
    for text in ["It is URGENT", "please help", "order #4275 is late"] {
        simulator.deed("message", &json!({ "from": NUMBER.1, "text": text }), now());
    }
    let found = texts(&mut *simulator, &[("query", "urgent, help")]);
    assert_eq!(found, ["please help", "It is URGENT"]);
    let values = [NUMBER, ("query", "message 1"), ("limit", "4"), ("page", "2")];
    let answer = json_of(&ask(&mut *simulator, "messages", &values));
    assert_eq!(answer["pagination"]["totalMessages"], 11);
    assert_eq!(answer["pagination"]["totalPages"], 3);
    assert_eq!((&answer["count"], &answer["filtered"]), (&json!(4), &json!(true)));
    let values = [NUMBER, ("query", "urgent"), ("orderId", "1234567890")];
    let answer = json_of(&ask(&mut *simulator, "messages", &values));
    assert_eq!(answer["searchTerms"], json!(["#4275", "urgent"]), "as the reference shows");
    assert_eq!(answer["count"], 2);
}

#[test]
fn contacts_are_found_by_a_part_of_the_name_or_the_number() {
    let mut simulator = with_messages(1);
    let other = json!({ "from": "+31 6 1234 5678", "text": "hoi", "name": "Zoë" });
    simulator.deed("message", &other, now());
    for (search, expected) in [("john", 1), ("ZOË", 1), ("23 45", 2), ("+31", 1), ("nobody", 0)] {
        let answer = json_of(&ask(&mut *simulator, "contacts", &[("search", search)]));
        assert_eq!(answer["contacts"].as_array().unwrap().len(), expected, "{search}");
        assert_eq!(answer["pagination"]["totalContacts"], expected, "{search}");
    }
}

#[test]
fn whoever_was_active_last_is_the_first_contact() {
    let mut simulator = populated(120, 3);
    let last = pages(&mut *simulator, "contacts", &[]).pop().unwrap();
    let written = json!({ "from": last["whatsapp_id"], "text": "hello again" });
    simulator.deed("message", &written, now()).unwrap();
    let answer = ask(&mut *simulator, "contacts", &[]);
    let contacts = Contacts::read(&answer.body).unwrap();
    assert_eq!(contacts.contacts.len(), 50, "the default of the reference");
    assert_eq!(contacts.contacts[0].id.as_deref(), last["id"].as_str());
    assert!(contacts.contacts[0].unread);
    let pagination = contacts.pagination.unwrap();
    assert_eq!((pagination.pages, pagination.total, pagination.limit), (3, 120, 50));
}

#[test]
fn a_stranger_who_writes_is_a_contact_once() {
    let mut simulator = with_messages(1);
    for from in ["+49 170 1234567", "491701234567"] {
        simulator.deed("message", &json!({ "from": from, "text": "hallo" }), now()).unwrap();
    }
    let contact = json_of(&ask(&mut *simulator, "contact", &[("whatsappNumber", "491701234567")]));
    assert_eq!(contact["contact"]["phone_number"], "+49 170 1234567");
    let id = contact["contact"]["id"].as_str().unwrap();
    let messages = json_of(&ask(&mut *simulator, "messages", &[("contactId", id)]));
    assert_eq!(messages["count"], 2);
    for strange in [json!({}), json!({ "from": "x" }), json!({ "from": "1", "sender_type": "me" })]
    {
        assert!(simulator.deed("message", &strange, now()).unwrap()["error"].is_string());
    }
    assert!(simulator.deed("dance", &json!({}), now()).is_none());
}

#[test]
fn the_truth_is_what_the_pages_say() {
    let mut simulator = populated(60, 5);
    simulator.deed("advance", &json!({ "count": 300, "seed": 2 }), now()).unwrap();
    let truth = truth(&mut *simulator);
    let mut contacts = BTreeMap::new();
    for contact in pages(&mut *simulator, "contacts", &[("limit", "7")]) {
        contacts.insert(contact["id"].to_string(), contact);
    }
    assert_eq!(contacts.len(), 60, "no contact is on two pages, none is left out");
    for entry in truth["conversations"].as_array().unwrap() {
        assert_eq!(contacts[&entry["contact"]["id"].to_string()], entry["contact"]);
        let id = entry["contact"]["id"].as_str().unwrap();
        let values = [("contactId", id), ("limit", "9")];
        let mut newest = pages(&mut *simulator, "messages", &values);
        newest.reverse();
        assert_eq!(json!(newest), entry["messages"]);
    }
}

#[test]
fn the_data_is_the_same_for_the_same_seed_and_full_of_twins() {
    let data = truth(&mut *populated(100, 7));
    assert_eq!(data, truth(&mut *populated(100, 7)));
    assert_ne!(data, truth(&mut *populated(100, 8)));
    let (mut twins, mut recent, mut kinds, mut latest) = (0, 0, BTreeSet::new(), Timestamp::MIN);
    for entry in data["conversations"].as_array().unwrap() {
        let messages = entry["messages"].as_array().unwrap();
        assert_eq!(messages.len(), 20);
        let identity =
            |it: &Value| ["message", "sender_type", "created_at"].map(|key| it[key].to_string());
        twins += messages.windows(2).filter(|it| identity(&it[0]) == identity(&it[1])).count();
        let times: Vec<Timestamp> =
            messages.iter().map(|it| it["created_at"].as_str().unwrap().parse().unwrap()).collect();
        assert!(times.is_sorted());
        latest = latest.max(times[19]);
        recent += usize::from(now().duration_since(times[19]).as_hours() < 7 * 24);
        for message in messages {
            kinds.insert(message["sender_type"].as_str().unwrap().to_owned());
            kinds.insert(message["message_status"].as_str().unwrap().to_owned());
            kinds.extend(message["media_type"].as_str().map(str::to_owned));
        }
    }
    assert!(twins > 100, "{twins} of 2,000");
    assert!(recent > 50, "{recent} of 100 conversations");
    assert_eq!(latest, "2026-11-24T10:00:00Z".parse().unwrap(), "it ends now");
    for kind in ["user-whatsapp", "system", "sent", "read", "image", "audio", "interactive"] {
        assert!(kinds.contains(kind), "no {kind} in {kinds:?}");
    }
}

#[test]
fn time_brings_changes_of_every_kind() {
    let mut simulator = populated(50, 1);
    let before = truth(&mut *simulator);
    let arguments = json!({ "count": 2_000, "seed": 9 });
    let answer = simulator.deed("advance", &arguments, now()).unwrap();
    let changes = answer["changes"].as_object().unwrap();
    for kind in ["message", "status", "reaction", "transcription", "assignee", "bot_status", "name"]
    {
        assert!(changes[kind].as_u64().unwrap() > 10, "{kind}: {answer}");
    }
    assert_eq!(changes.values().map(|it| it.as_u64().unwrap()).sum::<u64>(), 2_000);
    // Whatever is there stays, in its order: only what may change of a message does.
    let after = truth(&mut *simulator);
    let pairs = before["conversations"].as_array().unwrap().iter();
    for (one, other) in pairs.zip(after["conversations"].as_array().unwrap()) {
        assert_eq!(one["contact"]["id"], other["contact"]["id"]);
        for (nth, message) in one["messages"].as_array().unwrap().iter().enumerate() {
            for key in ["message", "sender_type", "created_at", "media_type", "media_url"] {
                assert_eq!(message[key], other["messages"][nth][key], "{key}");
            }
            let rank = |it: &Value| match it["message_status"].as_str().unwrap() {
                "sent" => 0,
                "delivered" => 1,
                _ => 2,
            };
            assert!(rank(message) <= rank(&other["messages"][nth]), "a status never goes back");
        }
    }
    let empty = (API.simulator)().deed("advance", &json!({ "count": 5 }), now());
    assert_eq!(empty.unwrap()["changes"], json!({}));
}

#[test]
fn a_deed_makes_it_refuse_so_many_requests() {
    let mut simulator = with_messages(1);
    let arguments = json!({ "status": 503, "times": 2, "retry_after": 30 });
    simulator.deed("refuse", &arguments, now()).unwrap();
    for _ in 0..2 {
        let answered = ask(&mut *simulator, "messages", &[NUMBER]);
        let problem = (API.problem)(&answered.into()).unwrap();
        assert_eq!((problem.status, problem.retry_after), (503, Some(Duration::from_secs(30))));
    }
    assert_eq!(ask(&mut *simulator, "messages", &[NUMBER]).status, 200);
}

#[test]
fn what_is_sent_is_among_the_messages() {
    let mut simulator = with_messages(1);
    let values =
        [("phone_number", "+27123456789"), ("message_type", "text"), ("text", "On its way")];
    let sent = json_of(&ask(&mut *simulator, "send", &values));
    assert!(sent["data"]["message_id"].as_str().unwrap().starts_with("wamid."), "{sent}");
    assert_eq!(texts(&mut *simulator, &[("limit", "1")]), ["On its way"]);
    let contact = json_of(&ask(&mut *simulator, "contact", &[NUMBER]));
    assert_eq!(contact["contact"]["has_unread_messages"], false);
}

#[test]
fn a_thousand_conversations_are_there_at_once_and_a_page_costs_a_page() {
    // The best of three: other tests run beside this one.
    let took = (0..3).map(|_| {
        let begun = Instant::now();
        let mut simulator = populated(1_000, 1);
        let question = asked("action=contacts&tenantId=t&limit=10&page=90");
        for _ in 0..100 {
            assert_eq!(simulator.answer(&question, now()).status, 200);
        }
        begun.elapsed()
    });
    let took = took.min().unwrap();
    assert!(took < Duration::from_secs(1), "{took:?}");
}
