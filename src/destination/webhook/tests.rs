//! What `webhook` and `forward` send, and what answers mean to them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Outgoing, Response};
use crate::destination::{
    Adapter, Arrived, Broker, Call, Means, Outcome, Scope, Setup, Standing, find,
};
use crate::event::{Event, Kind, wire};
use crate::http::Unanswered;

mod forward;
mod oauth2;

fn build(kind: &str, config: Value) -> Result<Arc<dyn Adapter>, String> {
    let setup = Setup {
        name: "crm".into(),
        public_url: "https://gate.example".into(),
        broker: Broker::Embedded,
    };
    match find(kind).unwrap().destination(config, &setup)?.means {
        Means::Adapter(it) => Ok(it),
        Means::Transport(_) => unreachable!("it makes calls"),
    }
}

fn event(number: u128) -> Arc<Event> {
    let at = now();
    Arc::new(Event {
        id: Uuid::from_u128(number),
        sequence: 1,
        source: "whatsapp".into(),
        kind: Kind::MESSAGE_RECEIVED,
        conversation: None,
        time: at,
        received: at,
        historical: false,
        cause: None,
        correlation: Uuid::from_u128(number),
        hops: 0,
        traceparent: None,
        facts: Box::default(),
        raw: Bytes::from_static(b"{}"),
    })
}

fn now() -> Timestamp {
    "2026-11-25T10:00:00Z".parse().unwrap()
}

fn call() -> Call {
    Call {
        id: Uuid::from_u128(0xca11),
        attempt: 1,
        deliveries: vec![Uuid::from_u128(0xde11)],
        events: vec![event(1)],
        payload: Value::Null,
        request: None,
        standing: Standing::default(),
        token: None,
        callback: None,
        replay: false,
        last: None,
        now: now(),
    }
}

fn header<'a>(outgoing: &'a Outgoing, name: &str) -> Option<&'a str> {
    let mut found = outgoing.headers.iter().filter(|it| it.0 == name);
    let value = found.next().map(|it| it.1.expose());
    assert!(found.next().is_none(), "{name} is there twice");
    value
}

fn answer(status: u16, headers: &[(&str, &str)]) -> Response {
    let headers = headers.iter().map(|it| (it.0.to_owned(), it.1.to_owned())).collect();
    Response { status, headers, body: "ignored".into() }
}

const URL: &str = "https://crm.example/hooks?a=b";

#[test]
fn an_event_is_sent_as_a_cloudevent() {
    let webhook = build("webhook", json!({ "url": URL })).unwrap();
    let sent = webhook.request(&call()).unwrap();
    assert_eq!((sent.method, &*sent.url), ("POST", URL));
    assert_eq!(sent.body, event(1).to_wire("https://gate.example"));
    assert_eq!(header(&sent, "content-type"), Some(wire::CONTENT_TYPE));
    // Known by its delivery, at every attempt.
    assert_eq!(header(&sent, "webhook-id"), Some(&*Uuid::from_u128(0xde11).to_string()));
    assert_eq!(header(&sent, "webhook-timestamp"), Some("1795600800"));
    assert_eq!(header(&sent, "webhook-signature"), None);
    assert_eq!(header(&sent, "sluicegate-replay"), None);
}

#[test]
fn what_the_route_says_is_sent_in_its_place() {
    let settings = json!({
        "url": URL,
        "method": "PUT",
        "headers": { "X-Team": "a", "Content-Type": "application/vnd.crm+json" },
    });
    let webhook = build("webhook", settings).unwrap();
    let payload = json!({ "name": "Ada", "open": true });
    let sent = webhook.request(&Call { payload: payload.clone(), ..call() }).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&sent.body).unwrap(), payload);
    assert_eq!(sent.method, "PUT");
    assert_eq!(header(&sent, "content-type"), Some("application/vnd.crm+json"));
    assert_eq!(header(&sent, "x-team"), Some("a"));
    let plain = build("webhook", json!({ "url": URL })).unwrap();
    let sent = plain.request(&Call { payload, ..call() }).unwrap();
    assert_eq!(header(&sent, "content-type"), Some("application/json"));
}

#[test]
fn collected_events_are_one_array_under_the_id_of_their_call() {
    let webhook = build("webhook", json!({ "url": URL })).unwrap();
    let deliveries = vec![Uuid::from_u128(1), Uuid::from_u128(2)];
    let call = Call { deliveries, events: vec![event(1), event(2)], ..call() };
    let sent = webhook.request(&call).unwrap();
    let body: Value = serde_json::from_slice(&sent.body).unwrap();
    let ids: Vec<_> = body.as_array().unwrap().iter().map(|it| it["id"].clone()).collect();
    assert_eq!(ids, [json!(Uuid::from_u128(1)), json!(Uuid::from_u128(2))]);
    let media = "application/cloudevents-batch+json; charset=utf-8";
    assert_eq!(header(&sent, "content-type"), Some(media));
    assert_eq!(header(&sent, "webhook-id"), Some(&*call.id.to_string()));
}

#[test]
fn a_replay_says_that_it_is_one() {
    let request = Some(Arc::new(Arrived::default()));
    let call = Call { replay: true, request, ..call() };
    for kind in ["webhook", "forward"] {
        let sent = build(kind, json!({ "url": URL })).unwrap().request(&call).unwrap();
        assert_eq!(header(&sent, "sluicegate-replay"), Some("true"), "{kind}");
    }
}

#[test]
fn each_secret_signs_for_itself() {
    let old = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let new = "whsec_c2x1aWNlZ2F0ZSBzaWducyB3aXRoIHRoaXMga2V5";
    let signature = |settings: Value| {
        let sent = build("webhook", settings).unwrap().request(&call()).unwrap();
        header(&sent, "webhook-signature").map(str::to_owned)
    };
    let alone = |it: &str| signature(json!({ "url": URL, "signing_secret": it })).unwrap();
    let both = signature(json!({ "url": URL, "signing_secret": [new, old] })).unwrap();
    assert_eq!(both, format!("{} {}", alone(new), alone(old)));
    assert!(alone(old).starts_with("v1,") && alone(old) != alone(new));
    // What is not set signs nothing.
    assert_eq!(signature(json!({ "url": URL, "signing_secret": "" })), None);
    assert_eq!(signature(json!({ "url": URL, "signing_secret": [""] })), None);
}

#[test]
fn credentials_are_sent_and_may_be_seen_nowhere() {
    let secrets = |it: &dyn Adapter| -> Vec<String> {
        it.secrets().iter().map(|it| it.expose().to_owned()).collect()
    };
    for (settings, expected, hidden) in [
        (json!({ "bearer_token": "t0ken" }), "Bearer t0ken", vec!["t0ken"]),
        (
            json!({ "basic": { "username": "ada", "password": "pä:ss" } }),
            "Basic YWRhOnDDpDpzcw==",
            vec!["pä:ss", "YWRhOnDDpDpzcw=="],
        ),
        (json!({ "headers": { "Authorization": "Key k3y" } }), "Key k3y", vec!["Key k3y"]),
    ] {
        let mut config = settings.clone();
        config["url"] = URL.into();
        let webhook = build("webhook", config).unwrap();
        let sent = webhook.request(&call()).unwrap();
        assert_eq!(header(&sent, "authorization"), Some(expected));
        for it in hidden {
            assert!(secrets(&*webhook).contains(&it.to_owned()), "{it} of {settings}");
        }
    }
    let signed = build(
        "webhook",
        json!({
            "url": URL, "signing_secret": "C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "headers": { "x-key": "k3y" }
        }),
    );
    assert_eq!(secrets(&*signed.unwrap()), ["k3y", "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]);
}

#[test]
fn settings_that_cannot_work_are_refused_with_a_sentence() {
    let oauth2 = json!({ "token_url": URL, "client_id": "a", "client_secret": "b" });
    for (kind, settings, expected) in [
        ("webhook", json!({}), "`url` is missing"),
        ("forward", json!({}), "`url` is missing"),
        ("webhook", json!({ "url": "crm.example" }), "`url` is not a URL"),
        ("webhook", json!({ "url": "ftp://crm.example" }), "`url` does not begin with `https://`"),
        ("forward", json!({ "url": "https://u:p@crm.example" }), "`url` holds a user name"),
        ("webhook", json!({ "url": "https://crm.example/#a" }), "`url` holds a `#`"),
        ("webhook", json!({ "url": URL, "headers": { "a b": "c" } }), "`headers`: `a b` is not"),
        ("forward", json!({ "url": URL, "headers": { "a": "b\nc" } }), "`headers`: `a` holds a"),
        (
            "webhook",
            json!({ "url": URL, "headers": { "Webhook-Id": "1" } }),
            "`headers`: `webhook-id`",
        ),
        ("forward", json!({ "url": URL, "headers": { "host": "1" } }), "`headers`: `host`"),
        ("webhook", json!({ "url": URL, "signing_secret": "whsec_!" }), "`signing_secret` must be"),
        (
            "webhook",
            json!({ "url": URL, "signing_secret": "c2hvcnQ=" }),
            "`signing_secret` must be",
        ),
        (
            "webhook",
            json!({ "url": URL, "signing_secret": "whsk_AA==" }),
            "`signing_secret`: this is",
        ),
        ("webhook", json!({ "url": URL, "bearer_token": "a\nb" }), "`bearer_token` holds a"),
        (
            "webhook",
            json!({ "url": URL, "basic": { "username": "a:b" } }),
            "`basic.username` cannot",
        ),
        (
            "webhook",
            json!({ "url": URL, "bearer_token": "a", "basic": { "username": "a" } }),
            "there is one `authorization`: set `bearer_token` or `basic`",
        ),
        (
            "webhook",
            json!({ "url": URL, "oauth2": oauth2, "headers": { "Authorization": "a" } }),
            "there is one `authorization`: set `oauth2` or `headers.authorization`",
        ),
        (
            "webhook",
            json!({ "url": URL, "oauth2": { "client_id": "a" } }),
            "`oauth2.token_url` is missing",
        ),
        (
            "webhook",
            json!({ "url": URL, "oauth2": { "token_url": "x", "client_id": "a", "client_secret": "b" } }),
            "`oauth2.token_url` is not a URL",
        ),
        (
            "webhook",
            json!({ "url": URL, "tls": { "key_file": "/a" } }),
            "`tls.certificate_file` is",
        ),
    ] {
        let error = build(kind, settings).err().expect(expected);
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn every_answer_means_what_standard_webhooks_says() {
    let webhook = build("webhook", json!({ "url": URL })).unwrap();
    let forward = build("forward", json!({ "url": URL })).unwrap();
    let wait = |seconds| Some(Duration::from_secs(seconds));
    let later = |reason: &str, after| Outcome::Retry { reason: reason.into(), after };
    let date = ("date", "Wed, 25 Nov 2026 09:00:00 GMT");
    let unavailable = "503: the receiver is not available";
    let moved = "the receiver is elsewhere; redirects are not followed, so `url` must say where";
    let rows = [
        (200, vec![], Outcome::delivered()),
        (202, vec![], Outcome::delivered()),
        (204, vec![("retry-after", "5")], Outcome::delivered()),
        (299, vec![], Outcome::delivered()),
        (301, vec![], later(&format!("301: {moved}"), None)),
        (308, vec![("location", "/x")], later(&format!("308: {moved}"), None)),
        (400, vec![], later("400: the receiver does not understand it", None)),
        (401, vec![], later("401: the receiver does not know who sends it", None)),
        (403, vec![], later("403: the receiver does not allow it", None)),
        (404, vec![], later("404: there is no receiver at this URL", None)),
        (405, vec![], later("405: the receiver does not take this method", None)),
        (
            410,
            vec![("retry-after", "5")],
            Outcome::pause(
                Scope::Destination,
                "410: the receiver wants no more; resume the destination if it does",
                None,
            ),
        ),
        (413, vec![], later("413: it is too large for the receiver", None)),
        (415, vec![], later("415: the receiver does not take this media type", None)),
        (418, vec![], later("418: the receiver did not take it", None)),
        (429, vec![("retry-after", "120")], later("429: the receiver asks for fewer", wait(120))),
        (500, vec![], later("500: the receiver failed", None)),
        (502, vec![], later("502: the receiver is not available", None)),
        (503, vec![("retry-after", "0")], later(unavailable, None)),
        // Longer than a day is a day.
        (503, vec![("retry-after", "999999999")], later(unavailable, wait(86_400))),
        // A date counts from the receiver's own clock, or else from ours.
        (
            503,
            vec![("retry-after", "Wed, 25 Nov 2026 09:00:30 GMT"), date],
            later(unavailable, wait(30)),
        ),
        (503, vec![("retry-after", "Wed, 25 Nov 2026 10:01:00 GMT")], later(unavailable, wait(60))),
        (503, vec![("retry-after", "Wed, 25 Nov 2026 09:59:00 GMT")], later(unavailable, None)),
        (503, vec![("retry-after", "soon")], later(unavailable, None)),
        (504, vec![], later("504: the receiver is not available", None)),
        (999, vec![], later("999: the receiver did not take it", None)),
    ];
    for (status, headers, expected) in rows {
        let answer = answer(status, &headers);
        assert_eq!(webhook.outcome(&call(), &answer), expected, "{status} {headers:?}");
        assert_eq!(forward.outcome(&call(), &answer), expected, "{status} {headers:?}");
    }
}

#[test]
fn an_answer_that_is_too_large_is_an_answer_all_the_same() {
    let webhook = build("webhook", json!({ "url": URL })).unwrap();
    let large = |status| webhook.unanswered(&call(), Unanswered::TooLarge { limit: 1, status });
    assert_eq!(large(200), Outcome::delivered());
    assert_eq!(large(500), Outcome::retry("500: the receiver failed"));
    let slow = webhook.unanswered(&call(), Unanswered::TooSlow);
    assert_eq!(slow, Outcome::retry("the answer did not come in time"));
}
