//! What is sent, against the simulator, and what answers mean.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::client::{Simulator, flowiq};
use crate::destination::example::{
    body, call, destination, facts, made, means, now, refused, withstands,
};
use crate::destination::{Adapter, Call, Outcome, Scope, Standing};
use crate::event::Facts;
use crate::event::facts::Contact;

const TENANT: &str = "tenant-1";
const BASE: &str = "https://api.flowiq.live";
const TOKEN: &str = "fiq_hunter2";
const NUMBER: &str = "+27123456789";

fn adapter() -> Arc<dyn Adapter> {
    destination("flowiq.send", json!({ "tenant_id": TENANT, "token": TOKEN })).unwrap()
}

/// As the poller tells of a contact: by its UUID, with its number beside.
fn said() -> Facts {
    let mut facts = facts("flowiq", TENANT, "0d5b0ac2-8f7e-4f4b-9f7e-1d2c3b4a5f60", "hi");
    facts.contact.as_mut().unwrap().phone = Some(NUMBER.to_owned());
    facts
}

fn with(payload: Value) -> Call {
    call(said(), payload)
}

fn simulator() -> Box<dyn Simulator> {
    let mut simulator = (flowiq::API.simulator)();
    let message = json!({ "from": NUMBER, "text": "hi" });
    simulator.deed("message", &message, now()).unwrap();
    simulator
}

#[test]
fn without_a_payload_the_text_goes_back_to_whoever_wrote_it() {
    let outgoing = adapter().request(&with(Value::Null)).unwrap();
    assert_eq!(outgoing.url, format!("{BASE}/send-whatsapp?tenantId={TENANT}"));
    let expected = json!({ "phone_number": NUMBER, "message_type": "text", "text": "hi" });
    assert_eq!(body(&outgoing), expected);
    let header = outgoing.headers.iter().find(|it| it.0 == "authorization").unwrap();
    assert_eq!(header.1.expose(), format!("Bearer {TOKEN}"));
    let outcome = made(&*adapter(), &with(Value::Null), &mut *simulator(), BASE);
    assert_eq!(outcome, Outcome::received("wamid.SIMULATED00000001"));
}

#[test]
fn every_shape_is_what_flowiq_takes() {
    let url = "https://files.example/a";
    let list = json!({ "type": "list", "body": { "text": "Which?" } });
    let reaction = json!({ "message_id": "wamid.1", "emoji": "" });
    let place = json!({ "latitude": 52.5, "longitude": 13.4 });
    for (payload, sent) in [
        (json!("hello"), json!({ "message_type": "text", "text": "hello" })),
        (
            json!({ "text": 5, "reply_to": "wamid.1" }),
            json!({ "message_type": "text", "text": "5", "context_message_id": "wamid.1" }),
        ),
        (
            json!({ "image": url, "caption": "A" }),
            json!({ "message_type": "image", "media_url": url, "caption": "A" }),
        ),
        (
            json!({ "video": { "url": url, "caption": "A" } }),
            json!({ "message_type": "video", "media_url": url, "caption": "A" }),
        ),
        (json!({ "audio": url }), json!({ "message_type": "audio", "media_url": url })),
        (json!({ "document": url }), json!({ "message_type": "document", "media_url": url })),
        (
            json!({ "interactive": list }),
            json!({ "message_type": "interactive", "interactive": list }),
        ),
        (json!({ "location": place }), json!({ "message_type": "location", "location": place })),
        (json!({ "contacts": [{}] }), json!({ "message_type": "contacts", "contacts": [{}] })),
        (
            json!({ "reaction": reaction }),
            json!({ "message_type": "reaction", "reaction": reaction }),
        ),
    ] {
        let mut given = body(&adapter().request(&with(payload.clone())).unwrap());
        assert_eq!(given.as_object_mut().unwrap().remove("phone_number"), Some(json!(NUMBER)));
        assert_eq!(given, sent, "{payload}");
        let outcome = made(&*adapter(), &with(payload.clone()), &mut *simulator(), BASE);
        assert_eq!(outcome, Outcome::received("wamid.SIMULATED00000001"), "{payload}");
    }
}

#[test]
fn the_number_is_the_contacts_unless_another_is_said() {
    let to = |contact: Contact, payload: Value| {
        let call = call(Facts { contact: Some(contact), ..said() }, payload);
        adapter().request(&call).map(|it| body(&it)["phone_number"].clone())
    };
    let digits = |wa_id: Option<&str>, id: &str| Contact {
        id: id.to_owned(),
        wa_id: wa_id.map(str::to_owned),
        ..Contact::default()
    };
    assert_eq!(to(digits(Some("27123456789"), "x"), json!("x")), Ok(json!(NUMBER)));
    assert_eq!(to(digits(None, "27123456789"), json!("x")), Ok(json!(NUMBER)));
    let said = json!({ "to": "+27 (12) 345-6789", "text": "x" });
    assert_eq!(to(digits(None, "x"), said), Ok(json!(NUMBER)));
    let missing = "`to`: the contact has no phone number, so it has to be said";
    assert_eq!(to(digits(None, "x"), json!("x")), Err(Outcome::refused(missing)));
    let nobody = call(Facts { contact: None, ..self::said() }, Value::Null);
    assert_eq!(refused(&*adapter(), &nobody), missing);
}

#[test]
fn a_mistake_is_refused_with_its_place() {
    for (payload, expected) in [
        (json!([]), "the payload is a text, or a map"),
        (json!({ "template": {} }), "`template`: it is not known; there are to, text"),
        (json!({ "text": "x", "image": "https://a" }), "`image`: there is a `text` already"),
        (json!({ "text": " " }), "`text`: it is a text that is not empty"),
        (
            json!({ "text": "x".repeat(4097) }),
            "`text`: it has 4097 characters, WhatsApp takes 4096",
        ),
        (json!({ "image": "a.png" }), "`image`: it is a URL, or a map"),
        (json!({ "image": { "url": "https://a", "id": "1" } }), "`image.id`: it is not known"),
        (
            json!({ "image": "https://a", "caption": "x".repeat(1025) }),
            "`caption`: it has 1025 characters",
        ),
        (json!({ "audio": "https://a", "caption": "x" }), "`caption`: WhatsApp shows none"),
        (json!({ "text": "x", "caption": "x" }), "`caption`: it belongs to a file"),
        (json!({ "interactive": {} }), "`interactive`: it is a map with `type`"),
        (json!({ "location": { "latitude": 1 } }), "`location`: it is a map with"),
        (json!({ "contacts": {} }), "`contacts`: it is a list"),
        (json!({ "reaction": { "emoji": "x" } }), "`reaction`: it is a map with"),
        (json!({ "reply_to": [] }), "`reply_to`: it is the id of a message"),
        (json!({ "to": "Ana", "text": "x" }), "`to`: it is a phone number"),
        (json!({ "to": [], "text": "x" }), "`to`: it is a phone number"),
    ] {
        let reason = refused(&*adapter(), &with(payload.clone()));
        assert!(reason.starts_with(expected), "{payload}: {reason}");
    }
    let silent = call(facts("flowiq", TENANT, "27123456789", ""), Value::Null);
    let reason = "`text`: the event has none, so it has to be said";
    assert_eq!(refused(&*adapter(), &silent), reason);
}

#[test]
fn no_payload_panics() {
    withstands(&*adapter(), &said(), super::content::NAMES);
}

#[test]
fn a_closed_window_is_no_reason_to_ask() {
    let mut call = with(Value::Null);
    call.standing = Standing {
        inbound: now().checked_sub(SignedDuration::from_hours(25)).ok(),
        ..Standing::default()
    };
    assert_eq!(
        refused(&*adapter(), &call),
        "the 24-hour window closed at 2026-11-24T11:00:00Z, and FlowIQ sends no templates"
    );
    // Of another number, and of somebody else, nothing is known.
    let to = Call { payload: json!({ "to": NUMBER, "text": "x" }), ..call.clone() };
    assert!(adapter().request(&to).is_ok());
    let elsewhere = Call {
        events: self::call(facts("whatsapp", "1065", "27123456789", "hi"), Value::Null).events,
        ..call.clone()
    };
    assert!(adapter().request(&elsewhere).is_ok());
    call.standing.inbound = Some(now());
    assert!(adapter().request(&call).is_ok());
}

#[test]
fn every_answer_means_what_the_table_says() {
    let call = with(Value::Null);
    let scopes = adapter().scopes(&call);
    let [token, tenant] = &scopes[..] else { panic!("{scopes:?}") };
    assert_eq!(*tenant, Scope::Account(TENANT.to_owned()));
    let hour = Some(Duration::from_hours(1));
    let paused = |reason: &str, duration| Outcome::pause(token.clone(), reason, duration);
    let retry = |reason: &str, seconds: Option<u64>| Outcome::Retry {
        reason: reason.to_owned(),
        after: seconds.map(Duration::from_secs),
    };
    let unknown = "404: Contact not found; FlowIQ writes only to contacts that it knows";
    let provider = "400: Unsupported provider: The organization must use the provider meta";
    let missing = "401: Unauthorized: Authorization header with Bearer token is required";
    let other = "401: Unauthorized: Bearer token *** does not match the provided tenantId";
    let expected = [
        ("sent", Outcome::received("wamid.HBgL")),
        ("sent, without an id", Outcome::delivered()),
        ("sent, told strangely", Outcome::delivered()),
        (
            "refused with a good status",
            Outcome::refused("Message not sent: The number is not on WhatsApp"),
        ),
        (
            "tenant missing",
            Outcome::refused("400: Missing required parameter: tenantId is required"),
        ),
        ("other provider", Outcome::refused(provider)),
        ("token missing", paused(missing, None)),
        ("token of another tenant", paused(other, None)),
        ("not permitted", paused("403: Forbidden", hour)),
        ("tenant unknown", Outcome::pause(tenant.clone(), "404: Organization not found", hour)),
        ("contact unknown", Outcome::refused(unknown)),
        ("too many", retry("429: Too many requests", Some(12))),
        ("broken", retry("500: Internal server error", None)),
        ("bad gateway", retry("502: <html>bad gateway", None)),
        ("teapot", Outcome::refused("418: I am a teapot")),
    ];
    means(&*adapter(), &call, include_str!("fixtures/answers.json"), &expected);
}

#[test]
fn the_simulator_provokes_what_goes_wrong_at_flowiq() {
    let mut flowiq = simulator();
    let stranger = with(json!({ "to": "+27999999999", "text": "x" }));
    let outcome = made(&*adapter(), &stranger, &mut *flowiq, BASE);
    let reason = "404: Contact not found; FlowIQ writes only to contacts that it knows";
    assert_eq!(outcome, Outcome::refused(reason));
    for (status, is_retried) in [(429, true), (500, true), (400, false)] {
        flowiq.deed("refuse", &json!({ "status": status, "retry_after": 3 }), now()).unwrap();
        let outcome = made(&*adapter(), &with(Value::Null), &mut *flowiq, BASE);
        assert_eq!(
            matches!(outcome, Outcome::Retry { after: Some(_), .. }),
            is_retried,
            "{status}"
        );
    }
    let other = json!({ "tenant_id": "other", "token": TOKEN });
    let other = destination("flowiq.send", other).unwrap();
    let outcome = made(&*other, &with(Value::Null), &mut *flowiq, BASE);
    assert!(matches!(outcome, Outcome::Pause { duration: None, .. }), "{outcome:?}");
}

#[test]
fn settings_that_cannot_work_are_refused() {
    for (settings, expected) in [
        (json!({ "token": "x" }), "`tenant_id` is missing"),
        (json!({ "tenant_id": "x" }), "`token` is missing"),
        (
            json!({ "tenant_id": "x", "token": "x", "base_url": "api" }),
            "`base_url` is `api`, no https:// URL",
        ),
    ] {
        assert_eq!(destination("flowiq.send", settings).err().as_deref(), Some(expected));
    }
}
