//! What only TikTok does: every event, and JSON within JSON.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::provider::Rejection;

/// Every event that is documented, and the direct messages.
const EVENTS: &[&str] = &[
    "authorization.removed",
    "video.upload.failed",
    "video.publish.completed",
    "portability.download.ready",
    "im_receive_msg",
    "im_send_msg",
    "im_mark_read_msg",
];

/// Every type of direct message.
const MESSAGES: &[&str] = &["text", "image", "share_post", "sticker"];

#[test]
fn every_row_of_the_catalogue_has_a_fixture() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/provider/tiktok/fixtures");
    let mut rows = BTreeSet::new();
    for file in fs::read_dir(folder).unwrap() {
        let body = fs::read(file.unwrap().path()).unwrap();
        let Ok(body) = serde_json::from_slice::<Value>(&body) else { continue };
        rows.extend(body["event"].as_str().map(|it| format!("event:{it}")));
        let content = body["content"].as_str().unwrap_or_default();
        let content: Value = serde_json::from_str(content).unwrap_or_default();
        rows.extend(content["type"].as_str().map(|it| format!("message:{it}")));
    }
    let missing: Vec<String> = EVENTS
        .iter()
        .map(|it| format!("event:{it}"))
        .chain(MESSAGES.iter().map(|it| format!("message:{it}")))
        .filter(|it| !rows.contains(it))
        .collect();
    assert!(missing.is_empty(), "no fixture has {missing:#?}");
}

fn told(body: &Value) -> Draft {
    payload::drafts(body.to_string().as_bytes()).remove(0)
}

fn message(content: &Value) -> Value {
    json!({"event": "im_receive_msg", "user_openid": "biz", "create_time": 1, "content": content})
}

#[test]
fn content_is_read_in_a_string_and_as_it_is() {
    let content = json!({"type": "text", "message_id": "m1", "text": {"body": "hi"}});
    let within = told(&message(&content.to_string().into()));
    let plain = told(&message(&content));
    assert_eq!((&within.dedup_key, &within.facts), (&plain.dedup_key, &plain.facts));
    assert_eq!(within.facts.message.unwrap().text.as_deref(), Some("hi"));
    // A text cut off within an emoji.
    let cut = r#"{"type":"text","message_id":"m1","text":{"body":"hi \ud83d"}}"#;
    let cut = told(&message(&cut.into()));
    assert_eq!(cut.facts.message.unwrap().text.as_deref(), Some("hi \u{fffd}"));
}

#[test]
fn a_content_that_is_garbage_is_kept_whole() {
    let garbage = [json!("{\"type\":"), json!("[1]"), json!("7"), json!([]), json!(true), json!(7)];
    for content in garbage {
        for event in EVENTS {
            let mut body = message(&content);
            body["event"] = (*event).into();
            let text = body.to_string();
            let draft = payload::drafts(text.as_bytes()).remove(0);
            assert_eq!(draft.kind.as_str(), "tiktok.unmapped", "{event}: {content}");
            assert_eq!(&text[draft.raw], text, "{event}: {content}");
            assert_eq!(draft.facts.channel.account, "biz");
        }
    }
}

#[test]
fn names_are_read_in_any_case() {
    let body = json!({"Event": "IM_RECEIVE_MSG", "User_OpenID": "biz", "Content":
        {"Type": "TEXT", "Message_Id": 7, "Text": {"Body": "hi"}, "From_User": {"ID": 9}}});
    let draft = told(&body);
    assert_eq!(draft.kind, Kind::MESSAGE_RECEIVED);
    assert_eq!(draft.dedup_key, "message:biz:7");
    assert_eq!(draft.facts.contact.unwrap().id, "9");
    assert_eq!(draft.facts.message.unwrap().text.as_deref(), Some("hi"));
}

#[test]
fn a_message_between_two_of_our_accounts_is_two_events() {
    let content = json!({"type": "text", "message_id": "m1", "text": {"body": "hi"}});
    let received = message(&content);
    let mut sent = received.clone();
    sent["event"] = "im_send_msg".into();
    sent["user_openid"] = "biz-2".into();
    assert_ne!(told(&received).dedup_key, told(&sent).dedup_key);
}

#[test]
fn the_tolerance_can_be_widened_to_the_time_of_retries() {
    let setup = Setup {
        name: "tiktok".into(),
        public_url: "https://gateway.example".into(),
        store_key: Secret::new("store"),
        development_secret: None,
    };
    let source = |tolerance: &str| {
        let config = json!({"client_secrets": ["client-secret"], "tolerance": tolerance});
        TikTok::new(serde_json::from_value(config).unwrap(), &setup).unwrap()
    };
    let then = Timestamp::from_second(1_633_174_587).unwrap();
    let request = Request::new("POST", "", Headers::default(), Bytes::from_static(b"{}"));
    let request = source("5min").0.sign(request, then).unwrap();
    let after = |tolerance: &str, hours| {
        source(tolerance).0.verify(&request, then + SignedDuration::from_hours(hours))
    };
    assert_eq!(after("5min", 0), Ok(()));
    assert_eq!(after("5min", 1), Err(Rejection::Stale));
    assert_eq!(after("72h", 71), Ok(()));
    assert_eq!(after("72h", 73), Err(Rejection::Stale));
}
