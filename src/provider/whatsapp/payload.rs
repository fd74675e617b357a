//! Meta's payload, decoded leniently: every element on its own, whatever stands beside it.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::event::facts::{Channel, Contact, Message};
use crate::event::{Candidate, Draft, Facts, Kind};
use crate::provider::Fresh;

/// What a `WhatsApp` source can say.
pub(super) const KINDS: &[Kind] = &[Kind::MESSAGE_RECEIVED, UNMAPPED];

/// A payload with no kind of its own.
const UNMAPPED: Kind = Kind::named("whatsapp.unmapped");

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    entry: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    changes: Vec<Change<'a>>,
}

#[derive(Deserialize)]
struct Change<'a> {
    #[serde(borrow)]
    value: ChangeValue<'a>,
}

#[derive(Deserialize)]
struct ChangeValue<'a> {
    metadata: Metadata,
    #[serde(borrow, default)]
    messages: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Metadata {
    phone_number_id: String,
}

/// Every event in a body.
pub(super) fn drafts(body: &[u8]) -> Vec<Draft> {
    let envelope: Envelope<'_> = serde_json::from_slice(body).unwrap_or(Envelope { entry: vec![] });
    let mut drafts = Vec::new();
    for change in envelope.entry.iter().flat_map(|it| &it.changes) {
        for raw in &change.value.messages {
            let message: Value = serde_json::from_str(raw.get()).unwrap_or_default();
            let text = |pointer: &str| {
                message.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            let account = &change.value.metadata.phone_number_id;
            let start = raw.get().as_ptr().addr() - body.as_ptr().addr();
            drafts.push(Draft {
                kind: Kind::MESSAGE_RECEIVED,
                dedup_key: format!("message:{}", text("/id")),
                time: text("/timestamp")
                    .parse()
                    .ok()
                    .and_then(|it| jiff::Timestamp::from_second(it).ok()),
                historical: false,
                candidates: vec![Candidate::new("wa_id", account, &text("/from"))],
                facts: Facts {
                    contact: Some(Contact { id: text("/from"), ..Contact::default() }),
                    channel: Channel {
                        provider: "whatsapp".into(),
                        account: account.clone(),
                        ..Channel::default()
                    },
                    message: Some(Message {
                        id: text("/id"),
                        kind: text("/type"),
                        text: Some(text("/text/body")),
                        ..Message::default()
                    }),
                    ..Facts::default()
                },
                raw: start..start + raw.get().len(),
            });
        }
    }
    drafts
}

/// A sample with new ids, the present time, and the text given.
pub(super) fn freshen(sample: &str, fresh: &Fresh<'_>) -> String {
    let mut value: Value =
        serde_json::from_str(sample).expect("samples are JSON; a test reads them");
    if let Some(message) = value.pointer_mut("/entry/0/changes/0/value/messages/0") {
        message["id"] = format!("wamid.{}", fresh.seed.simple()).into();
        message["timestamp"] = fresh.now.as_second().to_string().into();
        if let Some(text) = fresh.text {
            message["text"]["body"] = text.into();
        }
    }
    value.to_string()
}
