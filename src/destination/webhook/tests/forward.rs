//! What `forward` sends, and that a receiver which checks the signature takes it.

use std::sync::Arc;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use super::{URL, build, call, header};
use crate::client::Outgoing;
use crate::destination::{Arrived, Call, Outcome};
use crate::provider::Headers;

fn arrived(body: &'static [u8], headers: &[(&str, &str)]) -> Call {
    let headers = headers.iter().copied().collect::<Headers>();
    let request = Arc::new(Arrived { headers, body: Bytes::from_static(body) });
    Call { request: Some(request), ..call() }
}

/// What a receiver of Meta's webhooks does.
fn checks_hub_signature(secret: &[u8], outgoing: &Outgoing) -> bool {
    let Some(tag) = header(outgoing, "x-hub-signature-256") else { return false };
    let Some(tag) = tag.strip_prefix("sha256=").and_then(|it| hex::decode(it).ok()) else {
        return false;
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(&outgoing.body);
    mac.verify_slice(&tag).is_ok()
}

#[test]
fn a_request_is_forwarded_as_it_arrived_so_that_its_signature_holds() {
    // Spaces, an escaped slash and a byte that is no text: nothing is written anew.
    let body: &[u8] = b"{ \"object\":\"whatsapp_business_account\",\n \"a\": \"\\/\xff\" }\n";
    let mut mac = Hmac::<Sha256>::new_from_slice(b"app secret").unwrap();
    mac.update(body);
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    let call = arrived(
        body,
        &[
            ("X-Hub-Signature-256", &signature),
            ("Content-Type", "application/json"),
            ("User-Agent", "facebookexternalua"),
            ("X-Team", "theirs"),
            ("Host", "gate.example"),
            ("Content-Length", "74"),
            ("Connection", "keep-alive, X-Hop"),
            ("X-Hop", "1"),
            ("Transfer-Encoding", "chunked"),
        ],
    );
    let forward = build("forward", json!({ "url": URL, "headers": { "X-Team": "ours" } })).unwrap();
    let sent = forward.request(&call).unwrap();
    assert_eq!((sent.method, &*sent.url, &*sent.body), ("POST", URL, body));
    let mut headers: Vec<(&str, &str)> =
        sent.headers.iter().map(|it| (&*it.0, it.1.expose())).collect();
    headers.sort_unstable();
    assert_eq!(
        headers,
        [
            ("content-type", "application/json"),
            ("user-agent", "facebookexternalua"),
            ("x-hub-signature-256", &signature),
            ("x-team", "ours"),
        ]
    );
    assert!(checks_hub_signature(b"app secret", &sent));
    assert!(!checks_hub_signature(b"another secret", &sent));
}

#[test]
fn what_did_not_arrive_cannot_be_forwarded() {
    let forward = build("forward", json!({ "url": URL })).unwrap();
    let refused = forward.request(&call()).unwrap_err();
    assert_eq!(
        refused,
        Outcome::refused(
            "no webhook request brought this event: it was polled, or answered by a destination"
        )
    );
}
