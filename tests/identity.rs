//! Who is one: identifiers of real payloads, and the conversation that the journal finds by them.

use bytes::Bytes;
use serde_json::{Value, json};
use sluicegate::destination::Placement;
use sluicegate::journal::{Alias, Incoming, Sqlite};
use sluicegate::provider::{self, Headers, Request};
use uuid::Uuid;

use crate::support::bench;
use crate::support::store::{accept, alias, arrival, incoming, open, stored};

/// The identifiers that a message from this `WhatsApp` id brings, strongest first.
fn aliases(wa_id: &str) -> Vec<Alias> {
    let settings = json!({ "app_secrets": ["a secret of a test"], "verify_token": "token" });
    let source = bench::source(provider::find("whatsapp").unwrap(), settings).unwrap();
    let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [{
        "field": "messages", "value": {
            "metadata": { "display_phone_number": "15550783881", "phone_number_id": "account" },
            "contacts": [{ "wa_id": wa_id, "profile": { "name": "Joana Prado" } }],
            "messages": [{ "from": wa_id, "id": format!("wamid.{wa_id}"), "type": "text",
                           "timestamp": "1749416383", "text": { "body": "Oi" } }] } }] }] });
    let body = Bytes::from(body.to_string());
    let request = Request::new("POST", "", Headers::default(), body).assume_verified();
    let draft = source.normalise(&request).remove(0);
    let contact = draft.facts.contact.unwrap();
    assert_eq!(contact.wa_id.as_deref(), Some(wa_id), "it is answered at the id it wrote from");
    assert_eq!(contact.phone, Some(format!("+{wa_id}")));
    draft
        .candidates
        .into_iter()
        .map(|candidate| Alias { key: candidate.key("test"), candidate })
        .collect()
}

async fn conversation(store: &Sqlite, aliases: Vec<Alias>) -> Option<Uuid> {
    let key = Value::from(stored(store).await.len()).to_string();
    accept(store, arrival(vec![Incoming { aliases, ..incoming(&key, Placement::Lane) }])).await;
    stored(store).await[0].conversation
}

#[tokio::test]
async fn a_line_with_two_whatsapp_ids_has_one_conversation() {
    for (one, other) in [
        ("554187654321", "5541987654321"),
        ("5215512345678", "525512345678"),
        ("5491123456789", "541123456789"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path());
        let first = conversation(&store, aliases(one)).await;
        assert!(first.is_some());
        assert_eq!(conversation(&store, aliases(other)).await, first, "{one} and {other}");
        assert_eq!(conversation(&store, aliases(one)).await, first);
    }
}

#[tokio::test]
async fn lines_that_are_not_one_stay_apart() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    // A Brazilian landline, what it would be with a 9, and a mobile beside them.
    let mut seen = Vec::new();
    for wa_id in ["554132345678", "5541932345678", "5541987654322", "27821234567"] {
        let found = conversation(&store, aliases(wa_id)).await;
        assert!(!seen.contains(&found), "{wa_id}");
        seen.push(found);
    }
    // Only lines with two forms pay for the second look.
    assert_eq!(aliases("27821234567").len(), 1);
    assert_eq!(aliases("554132345678").len(), 1);
}

#[tokio::test]
async fn whoever_has_exactly_the_id_is_found_before_the_line() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    // Both were there before anybody knew that they are one.
    let short = conversation(&store, vec![alias("wa_id", "554187654321")]).await;
    let long = conversation(&store, vec![alias("wa_id", "5541987654321")]).await;
    assert_ne!(short, long);
    assert_eq!(conversation(&store, aliases("5541987654321")).await, long);
    // The other says that it is the same line: it stays where it is, and takes the line along.
    assert_eq!(conversation(&store, aliases("554187654321")).await, short);
    assert_eq!(conversation(&store, aliases("5541987654321")).await, short);
}
