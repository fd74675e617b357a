//! For tests of destinations: a destination as an operator sets it up, calls of it, and the other
//! side without a socket between them.

use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::{Config, TestRunner};
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Adapter, Broker, Call, Means, Outcome, Setup, Standing, find};
use crate::client::{Asked, Outgoing, Response, Simulator};
use crate::event::facts::{Channel, Contact, Message};
use crate::event::{Event, Facts, Kind};

pub(super) fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

/// A destination of this kind, or why there is none.
pub(super) fn destination(kind: &str, settings: Value) -> Result<Arc<dyn Adapter>, String> {
    let setup = Setup {
        name: "out".to_owned(),
        public_url: "https://gateway.example".to_owned(),
        broker: Broker::Embedded,
    };
    match (find(kind).unwrap().build)(settings, &setup)? {
        Means::Adapter(adapter) => Ok(adapter),
        Means::Transport(_) => panic!("{kind} is no adapter"),
    }
}

/// What a contact wrote, to an account at a provider.
pub(super) fn facts(provider: &str, account: &str, contact: &str, text: &str) -> Facts {
    Facts {
        contact: Some(Contact { id: contact.into(), ..Contact::default() }),
        channel: Channel {
            provider: provider.into(),
            account: account.into(),
            ..Channel::default()
        },
        message: Some(Message {
            id: "m_1".into(),
            kind: "text".into(),
            text: Some(text.to_owned()).filter(|it| !it.is_empty()),
            ..Message::default()
        }),
        ..Facts::default()
    }
}

pub(super) fn event(facts: Facts) -> Event {
    Event {
        id: Uuid::from_u128(1),
        sequence: 7,
        source: "source".into(),
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
        raw: bytes::Bytes::from_static(b"{\"verbatim\":true}"),
    }
}

/// The first attempt of a call with one event.
pub(super) fn call(facts: Facts, payload: Value) -> Call {
    Call {
        id: Uuid::from_u128(3),
        attempt: 1,
        deliveries: vec![Uuid::from_u128(4)],
        events: vec![Arc::new(event(facts))],
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

/// The body of a request, as JSON.
pub(super) fn body(outgoing: &Outgoing) -> Value {
    serde_json::from_slice(&outgoing.body).unwrap()
}

/// Why a call is not made.
pub(super) fn refused(adapter: &dyn Adapter, call: &Call) -> String {
    match adapter.request(call) {
        Err(Outcome::Refused { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

/// What becomes of a call when the simulator at this base URL takes it.
pub(super) fn made(
    adapter: &dyn Adapter,
    call: &Call,
    simulator: &mut dyn Simulator,
    base_url: &str,
) -> Outcome {
    let outgoing = adapter.request(call).unwrap();
    let answer = simulator.answer(&Asked::of(&outgoing, base_url), call.now);
    adapter.outcome(call, &answer.into())
}

/// Answers of a fixture: each with its name.
pub(super) fn answers(fixture: &str) -> Vec<(String, Response)> {
    #[derive(Deserialize)]
    struct Example {
        name: String,
        status: u16,
        #[serde(default)]
        headers: std::collections::BTreeMap<String, String>,
        #[serde(default)]
        body: Value,
    }
    let examples: Vec<Example> = serde_json::from_str(fixture).unwrap();
    let answer = |it: Example| {
        // Text that is no JSON stands for itself.
        let body = it.body.as_str().map_or_else(|| it.body.to_string(), str::to_owned);
        let headers = it.headers.into_iter().collect();
        (it.name, Response { status: it.status, headers, body: body.into() })
    };
    examples.into_iter().map(answer).collect()
}

/// Holds a fixture of answers against what each is expected to mean; both list all of them.
pub(super) fn means(
    adapter: &dyn Adapter,
    call: &Call,
    fixture: &str,
    expected: &[(&str, Outcome)],
) {
    let answers = answers(fixture);
    let names: Vec<&str> = answers.iter().map(|it| &*it.0).collect();
    assert_eq!(names, expected.iter().map(|it| it.0).collect::<Vec<_>>());
    for ((name, answer), (_, expected)) in answers.iter().zip(expected) {
        assert_eq!(adapter.outcome(call, answer), *expected, "{name}");
    }
}

/// Whatever stands under these names, there is a request or a sentence, and no panic; and what is
/// asked of a call beside its request can be asked of it.
pub(super) fn withstands(adapter: &dyn Adapter, facts: &Facts, names: &'static [&'static str]) {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "https://[a-z]{1,5}".prop_map(Value::from),
        Just("x".repeat(5000).into()),
    ];
    let keys = || {
        let inner = [
            "type",
            "url",
            "payload",
            "template_type",
            "elements",
            "buttons",
            "title",
            "id",
            "text",
            "name",
            "message_id",
            "emoji",
            "latitude",
            "content_type",
        ];
        proptest::sample::select(names.iter().copied().chain(inner).collect::<Vec<_>>())
    };
    let tree = leaf.prop_recursive(3, 24, 6, move |inner| {
        let map = proptest::collection::vec((keys(), inner.clone()), 0..5);
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(Value::from),
            map.prop_map(|it| {
                let it = it.into_iter().map(|(name, value)| (name.to_owned(), value));
                Value::Object(it.collect::<Map<_, _>>())
            }),
        ]
    });
    let mut runner =
        TestRunner::new(Config { cases: 512, failure_persistence: None, ..Config::default() });
    let checked = runner.run(&tree, |payload| {
        let call = call(facts.clone(), payload);
        if let Err(outcome) = adapter.request(&call) {
            let is_sentence = matches!(&outcome, Outcome::Refused { reason } if !reason.is_empty());
            assert!(is_sentence, "{outcome:?}");
        }
        adapter.limits(&call);
        adapter.scopes(&call);
        adapter.outcome(&call, &Response::default());
        Ok(())
    });
    checked.unwrap();
}
