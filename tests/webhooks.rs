//! Signed webhooks as a library sees them that others verify with.

use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use sluicegate::client::Outgoing;
use sluicegate::clock;
use sluicegate::destination::{self, Adapter, Broker, Call, Means, Setup, Standing};
use sluicegate::event::event_id;
use standardwebhooks::Webhook;

use crate::support_rabbitmq::bench::parcel;

const OLD: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const NEW: &str = "whsec_c2x1aWNlZ2F0ZSBzaWducyB3aXRoIHRoaXMga2V5";
const STRANGER: &str = "whsec_bm9ib2R5IGhhcyBldmVyIGJlZW4gdG9sZCB0aGlz";

fn webhook(signing_secret: &Value) -> Arc<dyn Adapter> {
    let setup = Setup {
        name: "crm".into(),
        public_url: "https://gate.example".into(),
        broker: Broker::Embedded,
    };
    let config = json!({ "url": "https://crm.example/hooks", "signing_secret": signing_secret });
    match destination::find("webhook").unwrap().destination(config, &setup).unwrap().means {
        Means::Adapter(it) => it,
        Means::Transport(_) => unreachable!("it makes calls"),
    }
}

fn call() -> Call {
    let parcel = parcel("whatsapp", 1);
    Call {
        id: event_id("call", "1"),
        attempt: 1,
        deliveries: vec![parcel.delivery],
        events: vec![parcel.event],
        payload: Value::Null,
        request: None,
        standing: Standing::default(),
        token: None,
        callback: None,
        replay: false,
        last: None,
        now: clock::now(),
    }
}

/// Whether a receiver with this secret takes it.
fn takes(secret: &str, sent: &Outgoing) -> bool {
    let headers = sent.headers.iter().map(|(name, value)| {
        let name: HeaderName = name.parse().unwrap();
        (name, HeaderValue::from_str(value.expose()).unwrap())
    });
    let headers: HeaderMap = headers.collect();
    Webhook::new(secret).unwrap().verify(&sent.body, &headers).is_ok()
}

#[test]
fn receivers_verify_what_is_sent_before_during_and_after_a_rotation() {
    for (signing_secret, old, new) in [
        (json!(OLD), true, false),
        (json!([NEW, OLD]), true, true),
        (json!([OLD, NEW]), true, true),
        (json!([NEW]), false, true),
    ] {
        let sent = webhook(&signing_secret).request(&call()).unwrap();
        let taken = (takes(OLD, &sent), takes(NEW, &sent), takes(STRANGER, &sent));
        assert_eq!(taken, (old, new, false), "{signing_secret}");
    }
}

#[test]
fn receivers_refuse_what_was_changed_on_the_way() {
    let good = || webhook(&json!(OLD)).request(&call()).unwrap();
    assert!(takes(OLD, &good()));
    let mut body = good();
    body.body = [&body.body[..], b" "].concat().into();
    assert!(!takes(OLD, &body));
    for name in ["webhook-id", "webhook-timestamp"] {
        let mut header = good();
        let value = &mut header.headers.iter_mut().find(|it| it.0 == name).unwrap().1;
        *value = sluicegate::config::Secret::new(format!("{}1", value.expose()));
        assert!(!takes(OLD, &header), "{name}");
    }
}

#[test]
fn a_later_attempt_is_the_same_message_with_a_signature_of_its_own() {
    let webhook = webhook(&json!(OLD));
    let first = call();
    let minutes = std::time::Duration::from_mins(2);
    let second = Call { attempt: 2, now: first.now + minutes, ..first.clone() };
    let (first, second) = (webhook.request(&first).unwrap(), webhook.request(&second).unwrap());
    let header = |it: &Outgoing, name: &str| {
        it.headers.iter().find(|it| it.0 == name).unwrap().1.expose().to_owned()
    };
    assert_eq!(header(&first, "webhook-id"), header(&second, "webhook-id"));
    assert_eq!(first.body, second.body);
    assert_ne!(header(&first, "webhook-signature"), header(&second, "webhook-signature"));
    assert!(takes(OLD, &first) && takes(OLD, &second));
}
