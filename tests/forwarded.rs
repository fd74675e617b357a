//! What receivers of webhooks see, over the real binary: whole requests as they arrived, events
//! that they verify, and nothing at all where it would not leave the private network.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use sha2::Sha256;
use standardwebhooks::Webhook;

use crate::support::gateway::{Gateway, SECRET, client, envelope, post, text_message};
use crate::support::receiver::{Got, Receiver};

const OLD: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const NEW: &str = "whsec_c2x1aWNlZ2F0ZSBzaWducyB3aXRoIHRoaXMga2V5";

/// A gateway whose destinations and routes are these.
fn start(directory: &std::path::Path, rest: &str) -> Gateway {
    let source = format!(
        r#"
sources:
  whatsapp: {{ provider: whatsapp, app_secrets: ["{SECRET}"], verify_token: token }}
"#
    );
    std::fs::write(directory.join("routes.yaml"), format!("{source}{rest}")).unwrap();
    Gateway::start(directory, &[])
}

fn message(id: &str) -> Value {
    text_message(id, "16505551234", "Grüße, \"Ada\"")
}

/// The same JSON in bytes that no library would write: with spaces and with escapes.
fn unusual(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let text = text.replace('ü', r"\u00FC").replace('/', r"\/").replacen('{', "{\r\n\t ", 1);
    format!("  {text}\n").into_bytes()
}

/// Whether Meta's own receivers would take it.
fn is_signed(got: &Got) -> bool {
    let tag = got.header("x-hub-signature-256").strip_prefix("sha256=").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(&got.body);
    mac.verify_slice(&hex::decode(tag).unwrap()).is_ok()
}

/// Waits until nothing is to be delivered any more.
async fn settled(gateway: &Gateway) {
    for _ in 0..600 {
        let lanes = gateway.admin("GET", "/api/lanes", None).await;
        if lanes.as_array().unwrap().iter().all(|it| it["pending"] == 0) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the lanes did not empty: {}", gateway.admin("GET", "/api/lanes", None).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_checks_metas_signature_takes_each_forwarded_request_once() {
    let receiver = Receiver::start().await;
    let directory = tempfile::tempdir().unwrap();
    let rest = format!(
        r"
destinations:
  chatwoot:
    kind: forward
    url: {}
    retry: {{ first: 50ms, cap: 100ms }}
routes:
  - {{ name: to chatwoot, from: whatsapp, to: chatwoot }}
",
        receiver.url
    );
    let mut gateway = start(directory.path(), &rest);
    let http = client();
    let several = unusual(&envelope(&[message("wamid.1"), message("wamid.2"), message("wamid.3")]));
    let known = unusual(&envelope(&[message("wamid.3"), message("wamid.1")]));
    let mixed = unusual(&envelope(&[message("wamid.2"), message("wamid.4"), message("wamid.1")]));
    // A receiver that fails first is given the same again.
    receiver.answer(&[500]);
    for body in [&several, &several, &known, &mixed, &known, &mixed] {
        assert_eq!(post(&http, &gateway.url, body.clone()).await, Some(200));
    }
    settled(&gateway).await;
    let check = |got: &[Got]| {
        assert!(got.iter().all(|it| it.method == "POST" && is_signed(it)));
        assert!(got.iter().all(|it| it.header("content-type") == "application/json"));
        let count = |body: &Vec<u8>| got.iter().filter(|it| it.body == *body).count();
        // The first to come was answered 500: one of the two came once more.
        let mut counts = [count(&several), count(&mixed)];
        counts.sort_unstable();
        assert_eq!((counts, count(&known), got.len()), ([1, 2], 0, 3));
    };
    check(&receiver.got());
    // Nor after a restart.
    gateway = tokio::task::spawn_blocking(move || {
        gateway.kill_and_restart();
        gateway
    })
    .await
    .unwrap();
    assert_eq!(post(&http, &gateway.url, mixed.clone()).await, Some(200));
    let last = unusual(&envelope(&[message("wamid.5")]));
    assert_eq!(post(&http, &gateway.url, last.clone()).await, Some(200));
    settled(&gateway).await;
    let got = receiver.got();
    let (last_got, others) = got.split_last().unwrap();
    check(others);
    assert!(last_got.body == last && is_signed(last_got));
}

/// Whether a receiver with this secret takes it.
fn takes(secret: &str, got: &Got) -> bool {
    let mut headers = HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let value = HeaderValue::from_str(got.header(name)).unwrap();
        headers.insert(name.parse::<HeaderName>().unwrap(), value);
    }
    Webhook::new(secret).unwrap().verify(&got.body, &headers).is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_webhooks_are_verified_through_a_rotation_of_the_secret() {
    let receiver = Receiver::start().await;
    let directory = tempfile::tempdir().unwrap();
    let http = client();
    let mut ids = Vec::new();
    for (secrets, old, new) in [
        (format!("{OLD:?}"), true, false),
        (format!("[{NEW:?}, {OLD:?}]"), true, true),
        (format!("[{NEW:?}]"), false, true),
    ] {
        let rest = format!(
            r"
destinations:
  crm:
    kind: webhook
    url: {}
    signing_secret: {secrets}
    retry: {{ first: 50ms, cap: 100ms }}
routes:
  - {{ name: to the crm, on: message.received, to: crm }}
",
            receiver.url
        );
        let mut gateway = start(directory.path(), &rest);
        let before = receiver.count();
        // The first attempt fails; the second is the same message.
        receiver.answer(&[503]);
        let id = format!("wamid.{}", ids.len());
        let sent = envelope(&[message(&id)]);
        assert_eq!(post(&http, &gateway.url, sent).await, Some(200));
        let got = receiver.wait_for(before + 2).await;
        let [first, second] = &got[before..] else { panic!("it came more than twice") };
        assert_eq!(first.body, second.body);
        assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
        for it in [first, second] {
            assert_eq!((takes(OLD, it), takes(NEW, it)), (old, new), "{secrets}");
            let event: Value = serde_json::from_slice(&it.body).unwrap();
            assert_eq!(event["data"]["message"]["id"], id.as_str());
            let mut changed = it.clone();
            changed.body.push(b' ');
            assert!(!takes(OLD, &changed) && !takes(NEW, &changed));
        }
        ids.push(first.header("webhook-id").to_owned());
        settled(&gateway).await;
        assert!(tokio::task::spawn_blocking(move || gateway.terminate().0).await.unwrap());
    }
    assert_eq!(receiver.count(), 6);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3, "each message has an id of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_stay_in_the_private_network_is_not_sent_and_the_delivery_says_why() {
    let receiver = Receiver::start().await;
    let port = receiver.url.rsplit(':').next().unwrap().to_owned();
    let directory = tempfile::tempdir().unwrap();
    let mut rest = "public_url: https://gate.example\ndestinations:\n".to_owned();
    let refused = [
        ("metadata", "http://169.254.169.254/latest/meta-data/".to_owned()),
        ("decimal", format!("http://2130706433:{port}")),
        ("mapped", format!("http://[::ffff:127.0.0.1]:{port}")),
        ("name", format!("http://localhost:{port}")),
        ("plain", receiver.url.clone()),
    ];
    let here = &receiver.url;
    rest.extend(
        refused
            .iter()
            .map(|(name, url)| format!("  {name}: {{ kind: webhook, url: \"{url}\" }}\n")),
    );
    rest.extend([
        format!("  whole: {{ kind: forward, url: \"{here}\" }}\n"),
        format!("  meant: {{ kind: webhook, url: \"{here}\", allow_private: true }}\n"),
    ]);
    rest += "routes:\n  - name: everywhere\n    on: message.received\n    to: [metadata, decimal, mapped, name, plain, whole, meant]\n";
    let gateway = start(directory.path(), &rest);
    assert_eq!(post(&client(), &gateway.url, envelope(&[message("wamid.1")])).await, Some(200));
    let events = gateway.admin("GET", "/api/events?kind=message.received", None).await;
    let id = events["events"][0]["id"].as_str().unwrap().to_owned();
    let mut story = json!(null);
    for _ in 0..600 {
        story = gateway.admin("GET", &format!("/api/events/{id}"), None).await;
        let deliveries = story["deliveries"].as_array().unwrap();
        if deliveries.iter().all(|it| it["attempts"] != 0 || it["state"] != "pending") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for it in story["deliveries"].as_array().unwrap() {
        if it["destination"] == "meant" {
            assert_eq!(it["state"], "delivered", "{it}");
            continue;
        }
        assert_ne!(it["state"], "delivered", "{it}");
        let reason = it["reason"].as_str().unwrap_or_else(|| panic!("no reason: {it}"));
        assert_eq!(reason, "the address is private; set `allow_private: true` if that is meant");
    }
    assert_eq!(receiver.count(), 1, "only where it is meant");
}
