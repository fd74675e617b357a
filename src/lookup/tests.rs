//! What lookups ask, and what they make of the simulators' answers.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::client::{Asked, Simulator, flowiq, flowxo};
use crate::event::facts::{Channel, Contact, Message};
use crate::event::{Event, Facts, Kind};

fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

fn subject(phone: &str, text: &str) -> Subject {
    let facts = Facts {
        contact: Some(Contact {
            id: "1".into(),
            phone: Some(phone.into()).filter(|it: &String| !it.is_empty()),
            ..Contact::default()
        }),
        channel: Channel { provider: "whatsapp".into(), ..Channel::default() },
        message: Some(Message { text: Some(text.into()), ..Message::default() }),
        ..Facts::default()
    };
    Subject::event(Arc::new(Event {
        id: Uuid::from_u128(1),
        sequence: 1,
        source: "shop".into(),
        kind: Kind::MESSAGE_RECEIVED,
        conversation: None,
        time: now(),
        received: now(),
        historical: false,
        cause: None,
        correlation: Uuid::from_u128(1),
        hops: 0,
        traceparent: None,
        facts: facts.into(),
        raw: bytes::Bytes::new(),
    }))
}

fn lookup(kind: &str, settings: Value) -> Result<Lookup, String> {
    find(kind).unwrap().lookup("it", settings, false)
}

/// What a lookup finds at a simulator.
fn found(
    lookup: &Lookup,
    subject: &Subject,
    simulator: &mut dyn Simulator,
    url: &str,
) -> Result<Option<Value>, Failure> {
    let outgoing = lookup.ask.request(subject, now()).unwrap();
    let answer = simulator.answer(&Asked::of(&outgoing, url), now());
    lookup.ask.read(&answer.into())
}

#[test]
fn flowiq_tells_who_writes_and_what_was_said() {
    let url = "https://api.flowiq.live";
    let mut simulator = (flowiq::API.simulator)();
    let said = json!({ "from": "27821234567", "text": "Hello" });
    simulator.deed("message", &said, now()).unwrap();
    let settings = json!({ "tenant_id": "t-1", "token": "a token" });
    let contact = lookup("flowiq.contact", settings.clone()).unwrap();
    let messages = lookup("flowiq.messages", settings).unwrap();
    let known = subject("+27 82 123 4567", "");
    let it = found(&contact, &known, &mut *simulator, url).unwrap().unwrap();
    assert_eq!(it["contact"]["whatsapp_id"], "27821234567", "{it}");
    let it = found(&messages, &known, &mut *simulator, url).unwrap().unwrap();
    assert_eq!(it["messages"].as_array().map(Vec::len), Some(1), "{it}");
    // Nobody knows them: that is an answer.
    assert_eq!(found(&contact, &subject("+49 1", ""), &mut *simulator, url), Ok(None));
    simulator.deed("refuse", &json!({ "retry_after": 7 }), now()).unwrap();
    let failure = found(&contact, &known, &mut *simulator, url).unwrap_err();
    assert_eq!(failure.after, Some(Duration::from_secs(7)));
    assert!(failure.reason.starts_with("flowiq answered 429"), "{}", failure.reason);
    let error = contact.ask.request(&subject("", ""), now()).unwrap_err();
    assert_eq!(error, "`event.contact.phone` is missing");
}

#[test]
fn flow_xo_tells_its_conversations() {
    let url = "https://flowxo.com/api";
    let mut simulator = (flowxo::API.simulator)();
    simulator.deed("populate", &json!({ "conversations": 1, "messages": 3 }), now()).unwrap();
    let truth = simulator.deed("truth", &Value::Null, now()).unwrap();
    let id = truth.pointer("/conversations/0/conversation/id");
    let id = id.or_else(|| truth.pointer("/conversations/0/id"));
    let id = id.and_then(Value::as_str).unwrap_or_else(|| panic!("{truth}")).to_owned();
    let settings = json!({ "token": "a key", "id": "{{ event.text }}" });
    let conversation = lookup("flowxo.conversation", settings.clone()).unwrap();
    let mut limited = settings;
    limited["limit"] = 2.into();
    let messages = lookup("flowxo.messages", limited).unwrap();
    let known = subject("", &id);
    let it = found(&conversation, &known, &mut *simulator, url).unwrap().unwrap();
    assert_eq!(it["id"], *id, "{it}");
    let it = found(&messages, &known, &mut *simulator, url).unwrap().unwrap();
    assert_eq!(it.as_array().map(Vec::len), Some(2), "{it}");
    assert_eq!(found(&conversation, &subject("", "x/c/y"), &mut *simulator, url), Ok(None));
    // The path without an id is that of everybody's conversations.
    for nobody in ["", " ", ".", ".."] {
        assert!(conversation.ask.request(&subject("", nobody), now()).is_err(), "{nobody:?}");
    }
}

#[test]
fn a_url_takes_what_an_event_says_behind_its_host_only() {
    for (url, taken) in [
        ("https://shop.example/stock?sku={{ event.text | urlencode }}", true),
        ("https://shop.example/{% if event.text %}a{% else %}b{% endif %}", true),
        ("https://shop.example?{{ event.text }}", true),
        ("http://[::1]:8080/x", true),
        ("https://shop.example", true),
        ("https://shop.example{{ event.text }}", false),
        ("https://shop.example:{{ event.text }}/", false),
        ("https://{{ event.text }}/stock", false),
        ("{{ event.text }}", false),
        ("{{ event.text }}://shop.example/", false),
        ("https://{# a/b #}shop.example/", false),
        ("https://user:password@shop.example/", false),
        ("https://user@{{ event.text }}/", false),
        ("ftp://shop.example/", false),
        ("shop.example/stock", false),
        ("", false),
    ] {
        assert_eq!(lookup("http", json!({ "url": url })).is_ok(), taken, "{url}");
    }
    let url = "https://shop.example/stock?sku={{ event.text | urlencode }}";
    let stock = lookup("http", json!({ "url": url, "headers": { "X-Key": "k" } })).unwrap();
    let outgoing = stock.ask.request(&subject("", "a&b=c#d"), now()).unwrap();
    assert_eq!(outgoing.url, "https://shop.example/stock?sku=a%26b%3Dc%23d");
    let key = outgoing.headers.iter().find(|it| it.0 == "x-key").unwrap();
    assert_eq!(key.1, Secret::new("k"));
    for wrong in ["Host", "content-length", "a b"] {
        let settings = json!({ "url": url, "headers": { wrong: "x" } });
        assert!(lookup("http", settings).is_err(), "{wrong}");
    }
}

#[test]
fn an_answer_is_json_or_nothing_or_a_failure() {
    let http = lookup("http", json!({ "url": "https://shop.example/" })).unwrap();
    let read = |status: u16, body: &str| {
        let headers = vec![("retry-after".to_owned(), "3".to_owned())];
        http.ask.read(&Response { status, headers, body: body.to_owned().into() })
    };
    assert_eq!(read(200, r#"{"count":3}"#), Ok(Some(json!({ "count": 3 }))));
    assert_eq!(read(200, "[1]"), Ok(Some(json!([1]))));
    for (status, body) in [(204, ""), (200, ""), (404, "<html>"), (410, "{}")] {
        assert_eq!(read(status, body), Ok(None), "{status}");
    }
    assert_eq!(read(200, "<html>"), Err(Failure::new("the answer is no JSON")));
    assert!(read(302, "").unwrap_err().reason.contains("redirects are not followed"));
    let failure = read(503, "{}").unwrap_err();
    assert_eq!(
        (&*failure.reason, failure.after),
        ("it answered 503", Some(Duration::from_secs(3)))
    );
    assert!(read(401, "{}").is_err());
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let own = json!({ "tenant_id": "t", "token": "x" });
    let with = |name: &str, value: Value| {
        let mut settings = own.clone();
        settings[name] = value;
        lookup("flowiq.contact", settings).map(drop)
    };
    assert!(with("timeout", "3s".into()).is_ok());
    assert_eq!(with("token", "".into()), Err("`token` is empty".to_owned()));
    assert_eq!(with("tenant_id", "".into()), Err("`tenant_id` is empty".to_owned()));
    assert!(with("base_url", "flowiq".into()).is_err());
    assert!(with("phone", "{{ event.contact.phone".into()).is_err());
    assert!(with("on_error", "panic".into()).is_err());
}
