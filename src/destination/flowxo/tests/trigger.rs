//! What a flow is triggered with: the same fields, whatever happened.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{BOT, USER};
use crate::client::Response;
use crate::destination::example::{
    body, call, destination, event, facts, means, refused, withstands,
};
use crate::destination::{Adapter, Outcome};
use crate::event::facts::{Contact, Flow, Location, Message, Order, OrderItem, Status};
use crate::event::{Facts, Kind};

const URL: &str = "https://flowxo.com/hooks/a/xb7w2kqp";

fn trigger() -> Arc<dyn Adapter> {
    destination("flowxo.trigger", json!({ "trigger_url": URL })).unwrap()
}

fn fields(facts: Facts, payload: Value) -> serde_json::Map<String, Value> {
    let outgoing = trigger().request(&call(facts, payload)).unwrap();
    assert_eq!((outgoing.method, &*outgoing.url), ("POST", URL));
    let Value::Object(fields) = body(&outgoing) else { panic!("no map") };
    fields
}

/// As full as a message can be, as far as fields differ.
fn rich() -> Facts {
    let message = Message {
        text: Some("Is it \"open\"?".to_owned()),
        location: Some(Location { latitude: 52.5, longitude: -13.0, ..Location::default() }),
        order: Some(Order {
            catalog: "c".to_owned(),
            items: vec![OrderItem { product: "p".to_owned(), ..OrderItem::default() }],
        }),
        ..Message::default()
    };
    let name = Some("Ana".to_owned());
    let contact = Contact { id: "4917".to_owned(), name, ..Contact::default() };
    let flow =
        Flow { fields: json!({ "a": { "b": 1 } }).as_object().unwrap().clone(), ..Flow::default() };
    Facts {
        contact: Some(contact),
        message: Some(message),
        flow: Some(flow),
        ..facts("whatsapp", "1065", "4917", "")
    }
}

#[test]
fn every_event_has_the_same_fields_and_all_are_text() {
    let empty = fields(Facts::default(), Value::Null);
    let statuses = Facts { status: Some(Status::default()), ..Facts::default() };
    for facts in [rich(), statuses, facts("flowxo", BOT, USER, "hi")] {
        let names: Vec<String> = fields(facts, Value::Null).keys().cloned().collect();
        assert_eq!(names, empty.keys().cloned().collect::<Vec<_>>());
    }
    for (name, value) in fields(rich(), Value::Null) {
        assert!(value.is_string(), "{name}: {value}");
        assert!(!name.contains(['.', '[']), "{name}");
    }
    // What the event does not know is there, and empty.
    for name in ["contact_name", "message_media_url", "lead_email", "status_status", "cause"] {
        assert_eq!(empty[name], "", "{name}");
    }
}

/// Flow XO keeps the fields of its first test: one that goes away leaves a flow without it.
#[test]
fn a_field_that_there_was_stays() {
    let fields = fields(Facts::default(), Value::Null);
    let kept: Vec<&str> = include_str!("../fixtures/fields.txt").lines().collect();
    let gone: Vec<&&str> = kept.iter().filter(|it| !fields.contains_key(**it)).collect();
    assert!(gone.is_empty(), "{gone:?} are gone");
    let new: Vec<&str> = fields.keys().map(|it| &**it).filter(|it| !kept.contains(it)).collect();
    assert!(new.is_empty(), "add to fixtures/fields.txt, so that they stay:\n{}", new.join("\n"));
}

#[test]
fn facts_stand_under_flat_names() {
    let fields = fields(rich(), Value::Null);
    for (name, expected) in [
        ("kind", "message.received"),
        ("source", "source"),
        ("provider", "whatsapp"),
        ("account", "1065"),
        ("channel_account", "1065"),
        ("time", "2026-11-24T12:00:00Z"),
        ("historical", "false"),
        ("hops", "0"),
        ("text", "Is it \"open\"?"),
        ("message_text", "Is it \"open\"?"),
        ("contact_id", "4917"),
        ("contact_name", "Ana"),
        ("message_location_latitude", "52.5"),
        ("message_location_longitude", "-13"),
        ("message_order_catalog", "c"),
        ("flow_fields", "{\"a\":{\"b\":1}}"),
        ("raw", "{\"verbatim\":true}"),
        ("conversation_id", "00000000-0000-0000-0000-000000000002"),
        ("delivery_id", "00000000-0000-0000-0000-000000000003"),
    ] {
        assert_eq!(fields[name], expected, "{name}");
    }
    let items: Value =
        serde_json::from_str(fields["message_order_items"].as_str().unwrap()).unwrap();
    assert_eq!(items[0]["product"], "p");
}

#[test]
fn what_was_collected_comes_as_one_text() {
    let mut call = call(facts("flowxo", BOT, USER, "one"), Value::Null);
    call.events.push(event(facts("flowxo", BOT, USER, "two")).into());
    let sent = body(&trigger().request(&call).unwrap());
    assert_eq!((&sent["text"], &sent["message_text"]), (&json!("one\ntwo"), &json!("two")));
}

#[test]
fn fields_of_the_route_stand_beside_them() {
    let own = json!({ "plan": "gold", "count": 3, "vip": true, "tags": ["a"], "none": null, "text": "x" });
    let plain = fields(rich(), Value::Null);
    let fields = fields(rich(), own);
    for (name, expected) in [
        ("plan", "gold"),
        ("count", "3"),
        ("vip", "true"),
        ("tags", "[\"a\"]"),
        ("none", ""),
        ("text", "x"),
    ] {
        assert_eq!(fields[name], expected, "{name}");
    }
    assert_eq!(fields.len(), plain.len() + 5);
    let list = call(rich(), json!(["x"]));
    assert_eq!(refused(&*trigger(), &list), "the payload is a map of fields");
}

#[test]
fn no_payload_panics() {
    withstands(&*trigger(), &rich(), &["text", "raw", "kind"]);
}

#[test]
fn kinds_of_a_sources_own_are_told_too() {
    let mut own = event(Facts::default());
    own.kind = Kind::parse("shop.opened");
    own.facts.fields = json!({ "city": "Rome" }).as_object().unwrap().clone();
    let mut call = call(Facts::default(), Value::Null);
    call.events = vec![own.into()];
    let sent = body(&trigger().request(&call).unwrap());
    assert_eq!(
        (&sent["kind"], &sent["fields"]),
        (&json!("shop.opened"), &json!("{\"city\":\"Rome\"}"))
    );
}

#[test]
fn every_answer_means_what_the_table_says() {
    let call = call(rich(), Value::Null);
    let scopes = trigger().scopes(&call);
    let [scope] = &scopes[..] else { panic!("{scopes:?}") };
    let hour = Some(Duration::from_hours(1));
    let paused = |reason: &str, duration| Outcome::pause(scope.clone(), reason, duration);
    let retry = |reason: &str, seconds: Option<u64>| Outcome::Retry {
        reason: reason.to_owned(),
        after: seconds.map(Duration::from_secs),
    };
    let expected = [
        ("taken", Outcome::delivered()),
        ("taken, with an id", Outcome::delivered()),
        ("taken, with an id within", Outcome::delivered()),
        ("taken, told strangely", Outcome::delivered()),
        ("request not valid", Outcome::refused("400: `message` is missing")),
        ("key not valid", paused("401: the API key eyJ.hunter2 is not valid", hour)),
        ("not permitted", paused("403: forbidden", hour)),
        ("no such conversation", paused("404: Not Found", hour)),
        ("took too long", retry("408: the answer is empty", None)),
        ("conflict", Outcome::refused("409: conflict")),
        ("gone", paused("410: gone", None)),
        ("too early", retry("425: the answer is empty", None)),
        ("too many", retry("429: slow down", Some(11))),
        ("broken", retry("500: oops", None)),
        ("down", retry("503: <html>", Some(5))),
        ("moved", Outcome::refused("it answered 302")),
    ];
    means(&*trigger(), &call, include_str!("../fixtures/answers.json"), &expected);
}

#[test]
fn the_address_is_seen_nowhere() {
    let call = call(rich(), Value::Null);
    let scopes = format!("{:?}", trigger().scopes(&call));
    assert!(!scopes.contains("xb7w2kqp"), "{scopes}");
    let outgoing = trigger().request(&call).unwrap();
    assert!(!outgoing.headers.iter().any(|it| it.1.expose().contains("xb7w2kqp")));
    let secrets: Vec<String> =
        trigger().secrets().iter().map(|it| it.expose().to_owned()).collect();
    assert_eq!(secrets, [URL, "xb7w2kqp"]);
    // Servers repeat the path that they do not know.
    let body = "Cannot POST /hooks/a/xb7w2kqp".into();
    let outcome = trigger().outcome(&call, &Response { status: 404, body, ..Response::default() });
    let Outcome::Pause { reason, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(reason, "404: Cannot POST /hooks/a/***");
}
