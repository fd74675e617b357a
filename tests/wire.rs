//! What receivers rely on: the bytes of an event, the schema of its data, and its id.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use sluicegate::event::identity::{delivery_id, mint};
use sluicegate::event::{Candidate, Draft, Event, Kind, event_id, kind, schema};
use sluicegate::plan::Plan;
use sluicegate::router::Table;
use uuid::Uuid;

use crate::support::bench;

/// Where schemas are served unless the configuration says otherwise.
pub(crate) const PUBLIC_URL: &str = "http://127.0.0.1:8080";

/// A reply's event, not from a fixture: its envelope is full, its raw fragment no JSON.
const EVERY_ATTRIBUTE: &str = "every_attribute";

/// Fixtures whose events are kept, byte for byte, in `tests/wire/`. Add; never take away.
const GOLDEN: &[&str] = &[
    "account_update",
    "button_reply",
    "call_ended",
    "call_permission",
    "contacts",
    "echo",
    "edit",
    "flow",
    "flow_health",
    "group_joined",
    "group_text",
    "handover",
    "history_media",
    "image",
    "location",
    "number_changed",
    "number_quality",
    "order",
    "preference",
    "reaction",
    "revoke",
    "security",
    "standby",
    "status_failed",
    "status_read",
    "template_status",
    "text",
    "text_reply",
    "unmapped_profile",
    "user_id_alone",
];

/// The moment at which every event here is received.
fn received() -> Timestamp {
    "2025-06-08T20:59:45.123456Z".parse().unwrap()
}

/// Drafts of the source `whatsapp` as events: routed, with the sequence 1, 2, … and the
/// conversation that the journal gives to somebody it never met.
pub(crate) fn complete(drafts: Vec<Draft>, body: &Bytes) -> Vec<Event> {
    let plan = Plan {
        takeover: std::time::Duration::from_hours(1),
        sources: HashMap::new(),
        destinations: BTreeMap::new(),
        table: Table::default(),
        lookups: HashMap::new(),
        stale_after: Duration::from_hours(1),
        public_url: PUBLIC_URL.to_owned(),
        fingerprint: String::new(),
    };
    let source: Arc<str> = "whatsapp".into();
    let incoming = plan.prepare(&source, drafts, body, received());
    let event = |(sequence, it): (u64, sluicegate::journal::Incoming)| Event {
        id: it.id,
        sequence,
        source: source.to_string(),
        kind: it.kind,
        conversation: it.aliases.first().map(|it| mint(it.key)),
        time: it.time,
        received: received(),
        historical: it.historical,
        cause: None,
        correlation: it.id,
        hops: 0,
        traceparent: None,
        facts: serde_json::from_slice(&it.facts).unwrap(),
        raw: body.slice(it.raw),
    };
    (1..).zip(incoming).map(event).collect()
}

/// The event as the reply to another.
pub(crate) fn with_every_attribute(event: Event) -> Event {
    Event {
        historical: true,
        cause: Some(Uuid::from_u128(1)),
        correlation: Uuid::from_u128(2),
        hops: 3,
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        raw: Bytes::from_static(b"not \"JSON\""),
        ..event
    }
}

/// The events of `tests/wire/`, each with its file's name.
fn golden() -> Vec<(&'static str, Event)> {
    let bench = bench::all().iter().find(|it| it.entry.name == "whatsapp").unwrap();
    let event = |name: &str| {
        let fixture = bench.fixtures.iter().find(|it| it.name == name).unwrap();
        let body = Bytes::from(fixture.body.clone());
        let mut events = complete(bench.drafts_as(fixture, &fixture.body), &body);
        assert_eq!(events.len(), 1, "{name}: take a fixture that is one event");
        events.remove(0)
    };
    let mut golden: Vec<_> = GOLDEN.iter().map(|it| (*it, event(it))).collect();
    golden.push((EVERY_ATTRIBUTE, with_every_attribute(event("text"))));
    golden
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/wire")
}

/// Where something of `expected` is missing or different; what was added does not count.
fn lacks(actual: &Value, expected: &Value, place: &str) -> Option<String> {
    match (actual, expected) {
        // The provider's own fragment is verbatim: nothing may be added to it either.
        _ if place.ends_with("/raw") => (actual != expected).then(|| place.to_owned()),
        (Value::Object(actual), Value::Object(expected)) => {
            expected.iter().find_map(|(key, expected)| {
                let place = format!("{place}/{key}");
                match actual.get(key) {
                    Some(actual) => lacks(actual, expected, &place),
                    None => Some(place),
                }
            })
        }
        (Value::Array(actual), Value::Array(expected)) if actual.len() == expected.len() => {
            actual.iter().zip(expected).enumerate().find_map(|(index, (actual, expected))| {
                lacks(actual, expected, &format!("{place}/{index}"))
            })
        }
        _ => (actual != expected).then(|| place.to_owned()),
    }
}

#[test]
fn events_look_as_receivers_know_them() {
    for (name, event) in golden() {
        let actual = [&event.to_wire(PUBLIC_URL)[..], b"\n"].concat();
        let path = folder().join(format!("{name}.json"));
        if !path.exists() && std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &actual).unwrap();
        }
        let expected = fs::read(&path).unwrap_or_else(|_| {
            panic!("tests/wire/{name}.json is missing: run `UPDATE=1 cargo test wire`")
        });
        let [actual, expected]: [Value; 2] =
            [&actual, &expected].map(|it| serde_json::from_slice(it).unwrap());
        if let Some(place) = lacks(&actual, &expected, "") {
            panic!(
                "tests/wire/{name}.json: {place} is not what receivers know. Within a major \
                 version fields are only added: this needs a new version of the schema"
            );
        }
    }
}

#[test]
fn no_golden_event_is_forgotten() {
    let names = fs::read_dir(folder()).unwrap().map(|it| it.unwrap().file_name());
    let kept: BTreeSet<String> = names.map(|it| it.into_string().unwrap()).collect();
    let listed = GOLDEN.iter().chain([&EVERY_ATTRIBUTE]);
    let listed: BTreeSet<String> = listed.map(|it| format!("{it}.json")).collect();
    assert_eq!(kept, listed, "tests/wire and GOLDEN: both only ever grow");
}

#[test]
fn golden_events_fit_the_schema_of_today() {
    let validators = validators();
    for name in GOLDEN.iter().chain([&EVERY_ATTRIBUTE]) {
        let bytes = fs::read(folder().join(format!("{name}.json"))).unwrap();
        let event: Value = serde_json::from_slice(&bytes).unwrap();
        fits(&validators, name, &event);
    }
}

#[test]
fn every_fixture_fits_the_schema_of_its_kind() {
    let validators = validators();
    for bench in bench::all() {
        for fixture in &bench.fixtures {
            let body = Bytes::from(fixture.body.clone());
            for event in complete(bench.drafts_as(fixture, &fixture.body), &body) {
                let wire = serde_json::from_slice(&event.to_wire(PUBLIC_URL)).unwrap();
                fits(&validators, &fixture.name, &wire);
            }
        }
    }
}

#[test]
fn a_schema_tells_right_from_wrong() {
    let validators = validators();
    let right = json!({
        "channel": { "provider": "whatsapp", "account": "1" },
        "message": { "id": "wamid.1", "type": "text", "text": "hi" },
        "raw": null,
    });
    let received = &validators["message.received"];
    assert!(received.is_valid(&right));
    for (place, wrong) in [
        ("/channel", json!(null)),
        ("/channel/account", json!(7)),
        ("/message", json!({ "type": "text" })),
        ("/message/text", json!(["hi"])),
    ] {
        let mut event = right.clone();
        *event.pointer_mut(place).unwrap() = wrong;
        assert!(!received.is_valid(&event), "{place}");
    }
}

/// The kinds that have a schema: the catalogue's, and each provider's own.
pub(crate) fn kinds() -> BTreeSet<Kind> {
    let own = bench::all().iter().flat_map(|it| it.entry.kinds);
    kind::CATALOGUE.iter().map(|it| &it.kind).chain(own).cloned().collect()
}

fn validators() -> BTreeMap<String, jsonschema::Validator> {
    let validator = |it: &Kind| jsonschema::validator_for(&schema::of(it.as_str()).unwrap());
    kinds().iter().map(|it| (it.to_string(), validator(it).unwrap())).collect()
}

fn fits(validators: &BTreeMap<String, jsonschema::Validator>, name: &str, event: &Value) {
    let kind = event["type"].as_str().unwrap();
    // A kind that a source names itself is in no list, and has a schema all the same.
    let own = || jsonschema::validator_for(&schema::of(kind).unwrap()).unwrap();
    let validator = validators.get(kind).map_or_else(|| Cow::Owned(own()), Cow::Borrowed);
    if let Some(error) = validator.iter_errors(&event["data"]).next() {
        panic!("{name}: `data{}` of {kind}: {error}", error.instance_path());
    }
}

/// Ids are a promise: receivers drop what they have seen by them, and every node must come to
/// the same ones. A line here is never edited.
#[test]
fn ids_are_the_same_for_ever() {
    for (source, key, id) in [
        ("whatsapp", "message:wamid.1", "7b9d26c9-e774-830c-bda6-0156a92f83f1"),
        (
            "whatsapp",
            "message:wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA=",
            "95b27aff-5062-8abf-aa99-7b4c83bcfc34",
        ),
        ("whatsapp", "status:wamid.1:read", "1598aa52-3d98-8ae9-b0d5-7fa2937a184a"),
        ("support line", "message:wamid.1", "ec66a8f5-0b4c-8154-b459-cdee23ac7bec"),
        ("", "", "52287fba-c918-8e55-b4ff-a8682eb2dfd7"),
        ("grün", "schlüssel: 🔑", "273fc711-d873-8d29-90dc-93944006a474"),
    ] {
        assert_eq!(event_id(source, key).to_string(), id, "{source}, {key}");
    }
    let event = Uuid::from_u128(1);
    for (route, destination, index, replay, id) in [
        ("everything to the bus", "events", 0, 0, "fbc4e5f6-4aab-83ae-a778-b632db7bc675"),
        ("everything to the bus", "events", 1, 0, "c61ebb62-f305-85dc-828c-b65c4f09e9d1"),
        ("everything to the bus", "events", 0, 1, "93438fac-4c1e-807c-bba9-3fb410515d8c"),
    ] {
        assert_eq!(delivery_id(event, route, destination, index, replay).to_string(), id);
    }
    let candidate = Candidate::new("wa_id", "106540352242922", "16505551234");
    let key = candidate.key("whatsapp");
    assert_eq!(key.to_string(), "baa5d93d-36a6-8c66-84ca-2eb463800f56");
    assert_eq!(mint(key).to_string(), "6149d34e-b8b5-8cbd-ae5b-f13588fdadb2");
}
