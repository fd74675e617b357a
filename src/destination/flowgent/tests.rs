//! The destinations against the simulator, against the document's answers, and against payloads
//! that nobody should send.

mod answers;
mod chat;
mod knowledge;
mod template;

use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::chat::Chat;
use crate::client::flowgent::API;
use crate::client::{Asked, Outgoing, Response, Simulator};
use crate::config::Secret;
use crate::destination::{
    self, Adapter, Broker, Call, Define, Means, Outcome, Reply, Scope, Setup, Standing,
};
use crate::event::facts::{Channel, Contact, Message};
use crate::event::{Event, Facts, Kind};

const BASE: &str = "http://simulator.example";
const PUBLIC: &str = "https://gateway.example";
const KEY: &str = "key-of-tests";

fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

fn setup() -> Setup {
    Setup { name: "concierge".into(), public_url: PUBLIC.into(), broker: Broker::Embedded }
}

/// The settings, with those that every destination here needs.
fn settings(kind: &str, more: &Value) -> Value {
    let mut all = json!({ "api_key": KEY, "base_url": BASE });
    if kind != "flowgent.knowledge" {
        all["agent_id"] = "agent".into();
    }
    for (name, it) in more.as_object().unwrap() {
        all[name] = it.clone();
    }
    all
}

fn adapter(kind: &str, more: &Value) -> Result<Arc<dyn Adapter>, String> {
    let entry = destination::find(kind).unwrap();
    match entry.destination(settings(kind, more), &setup())?.means {
        Means::Adapter(it) => Ok(it),
        Means::Transport(_) => panic!("{kind} calls nobody"),
    }
}

fn agent(more: &Value) -> Chat {
    let config = serde_json::from_value(settings("flowgent.chat", more)).unwrap();
    Chat::new(config, &setup()).unwrap()
}

/// What somebody wrote on WhatsApp.
fn wrote(message: Message) -> Event {
    let contact = Contact {
        id: "31612345678".into(),
        wa_id: Some("31612345678".into()),
        phone: Some("+31612345678".into()),
        name: Some("Jane".into()),
        ..Contact::default()
    };
    let channel = Channel {
        provider: "whatsapp".into(),
        account: "106540352242922".into(),
        ..Channel::default()
    };
    let facts =
        Facts { contact: Some(contact), channel, message: Some(message), ..Facts::default() };
    Event {
        id: Uuid::from_u128(1),
        sequence: 1,
        source: "whatsapp".into(),
        kind: Kind::MESSAGE_RECEIVED,
        conversation: Some(Uuid::from_u128(2)),
        time: now(),
        received: now(),
        historical: false,
        cause: None,
        correlation: Uuid::from_u128(1),
        hops: 0,
        traceparent: None,
        facts: facts.into(),
        raw: bytes::Bytes::from_static(b"{}"),
    }
}

fn text(text: &str) -> Message {
    Message { kind: "text".into(), text: Some(text.into()), ..Message::default() }
}

fn call_of(events: Vec<Event>, payload: Value) -> Call {
    Call {
        id: Uuid::from_u128(7),
        attempt: 1,
        deliveries: vec![Uuid::from_u128(8); events.len()],
        events: events.into_iter().map(Arc::new).collect(),
        payload,
        request: None,
        standing: Standing::default(),
        token: None,
        callback: None,
        replay: false,
        last: None,
        now: now(),
    }
}

/// A call about one message.
fn call(said: &str, payload: Value) -> Call {
    call_of(vec![wrote(text(said))], payload)
}

/// The other side, and what it wants to send of itself.
struct Other {
    simulator: Box<dyn Simulator>,
    later: Vec<Outgoing>,
}

impl Other {
    fn new() -> Self {
        Self { simulator: (API.simulator)(), later: Vec::new() }
    }

    fn deed(&mut self, deed: &str, arguments: &Value) {
        self.simulator.deed(deed, arguments, now()).unwrap();
    }

    /// Makes a call as the engine does.
    fn make(&mut self, adapter: &dyn Adapter, call: &Call) -> Outcome {
        match adapter.request(call) {
            Ok(outgoing) => adapter.outcome(call, &self.send(&outgoing)),
            Err(outcome) => outcome,
        }
    }

    fn send(&mut self, outgoing: &Outgoing) -> Response {
        let answered = self.simulator.answer(&Asked::of(outgoing, BASE), now());
        self.later.extend(answered.later.iter().map(|it| it.1.clone()));
        answered.into()
    }
}

/// The body of a request as JSON.
fn body(outgoing: &Outgoing) -> Value {
    serde_json::from_slice(&outgoing.body).unwrap()
}

/// The sentence of a refusal.
fn refused(outcome: Outcome) -> String {
    match outcome {
        Outcome::Refused { reason } => reason,
        other => panic!("{other:?}"),
    }
}

fn delivered(outcome: Outcome) -> (Option<String>, Option<String>, Vec<Reply>) {
    match outcome {
        Outcome::Delivered { receipt, thread, replies } => (receipt, thread, replies),
        other => panic!("{other:?}"),
    }
}

/// Kind and text of each reply.
fn heard(replies: &[Reply]) -> Vec<(&str, Option<&str>)> {
    replies
        .iter()
        .map(|it| {
            let message = it.draft.facts.message.as_ref();
            (it.draft.kind.as_str(), message.and_then(|it| it.text.as_deref()))
        })
        .collect()
}

/// Whether a pause is one that the adapter names beforehand.
fn is_named(adapter: &dyn Adapter, call: &Call, outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Pause { scope, .. } => {
            *scope == Scope::Destination || adapter.scopes(call).contains(scope)
        }
        _ => true,
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "message",
        "role",
        "content",
        "user",
        "action",
        "add",
        "update",
        "delete",
        "id",
        "name",
        "agent_ids",
        "recipient_phone_number",
        "template_name",
        "language",
        "parameters",
        "type",
        "..",
        "",
        " ",
        "+31 6 12345678",
        "ü\u{0}\n",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(|it| json!(it)),
        words.clone().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        let named = prop::collection::vec((words.clone(), inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            named.prop_map(|it| {
                let fields = it.into_iter().map(|(name, it)| (name.to_owned(), it));
                Value::Object(fields.collect::<Map<_, _>>())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_payload_and_no_answer_makes_a_destination_panic(
        payload in any_json(), answer in any_json(), status in 100u16..600, attempt in 1u32..5,
    ) {
        for kind in ["flowgent.chat", "flowgent.template", "flowgent.knowledge"] {
            let adapter = adapter(kind, &json!({})).unwrap();
            let call = Call { attempt, ..call("hi", payload.clone()) };
            match adapter.request(&call) {
                // What is sent is what the document lists: the simulator takes nothing else.
                Ok(outgoing) => {
                    let answer = Other::new().send(&outgoing);
                    let said = String::from_utf8_lossy(&answer.body);
                    prop_assert!(!said.contains("Unknown "), "{said}");
                    prop_assert!(!said.contains("Not found"), "{} {said}", outgoing.url);
                }
                Err(outcome) => {
                    let is_refusal = matches!(outcome, Outcome::Refused { .. });
                    prop_assert!(is_refusal, "{outcome:?}");
                }
            }
            let response = Response { status, headers: vec![], body: answer.to_string().into() };
            let outcome = adapter.outcome(&call, &response);
            prop_assert!(is_named(&*adapter, &call, &outcome), "{outcome:?}");
        }
    }
}

#[test]
fn settings_that_could_never_work_are_refused_with_a_sentence() {
    for (kind, more, expected) in [
        ("flowgent.chat", json!({ "agent_id": " " }), "`agent_id` is missing"),
        ("flowgent.chat", json!({ "api_key": "" }), "`api_key` is missing"),
        ("flowgent.chat", json!({ "api_key": "Bearer x" }), "`api_key` has spaces"),
        ("flowgent.chat", json!({ "base_url": "flowgent.ai" }), "`base_url` begins with"),
        ("flowgent.chat", json!({ "reply": "callback", "deadline": "0s" }), "`deadline` is no"),
        ("flowgent.chat", json!({ "reply": "later" }), "later"),
        ("flowgent.chat", json!({ "agent": "a" }), "unknown field `agent`"),
        ("flowgent.template", json!({ "agent_id": "" }), "`agent_id` is missing"),
        ("flowgent.template", json!({ "api_key": "" }), "`api_key` is missing"),
        ("flowgent.knowledge", json!({ "api_key": "" }), "`api_key` is missing"),
        ("flowgent.knowledge", json!({ "agent_ids": ["a", ""] }), "`agent_ids` has an empty"),
    ] {
        let error = adapter(kind, &more).err().unwrap_or_else(|| panic!("{kind} {more}"));
        assert!(error.starts_with(expected) || error.contains(expected), "{more}: {error}");
    }
}

#[test]
fn a_callback_needs_a_gateway_that_can_be_reached() {
    let entry = destination::find("flowgent.chat").unwrap();
    let at_home = Setup { public_url: "http://127.0.0.1:8080".into(), ..setup() };
    let build = |more: Value| {
        let settings = settings("flowgent.chat", &more);
        entry.destination(settings, &at_home).map(|it| it.kind)
    };
    let error = build(json!({ "reply": "callback" })).unwrap_err();
    assert!(error.contains("`public_url`"), "{error}");
    assert!(build(json!({ "reply": "sync" })).is_ok());
    let simulated = json!({ "reply": "callback", "base_url": "http://127.0.0.1:8090/flowgent" });
    assert!(build(simulated).is_ok());
}

#[test]
fn keys_are_told_apart_and_never_told() {
    for kind in ["flowgent.chat", "flowgent.template", "flowgent.knowledge"] {
        let scopes = |key: &str| {
            let adapter = adapter(kind, &json!({ "api_key": key })).unwrap();
            assert_eq!(adapter.secrets(), [Secret::new(key)]);
            adapter.scopes(&call("hi", Value::Null))
        };
        assert_eq!(scopes("one")[0], scopes("one")[0]);
        assert_ne!(scopes("one")[0], scopes("two")[0]);
        assert!(!scopes("hunter2")[0].label("x").contains("hunter2"));
        assert!(scopes("one")[0].label("x").starts_with("credential flowgent "));
    }
}
