//! Deliveries as the engine makes them, of text messages as Meta sends them.

use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};
use sluicegate::destination::Parcel;
use sluicegate::event::{Event, Facts, Kind, event_id};

/// The body of a message in Meta's envelope, which the event keeps verbatim.
const RAW: &str = concat!(
    r#"{"from":"16505551234","id":"wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA=","#,
    r#""timestamp":"1749416383","type":"text","text":{"body":"Does it come in another color?"}}"#
);

/// Deliveries `first` to `first + count` of the run.
pub(crate) fn parcels(first: usize, count: usize) -> Result<Vec<Parcel>> {
    (first..first + count).map(parcel).collect()
}

fn parcel(number: usize) -> Result<Parcel> {
    let contact = format!("1650555{:04}", number % 2_000);
    let facts: Facts = serde_json::from_value(json!({
        "channel": {
            "account": "106540352242922", "address": "+15550783881",
            "business": "419561257915477", "provider": "whatsapp",
        },
        "contact": {
            "id": contact, "name": "Sheena Nelson",
            "phone": format!("+{contact}"), "wa_id": contact,
        },
        "message": {
            "id": format!("wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQ{number:032X}A="),
            "text": "Does it come in another color?", "type": "text",
        },
    }))?;
    let at = "2026-11-20T10:00:00Z".parse()?;
    let id = event_id("whatsapp", &number.to_string());
    let event = Event {
        id,
        sequence: number as u64,
        source: "whatsapp".into(),
        kind: Kind::MESSAGE_RECEIVED,
        conversation: Some(event_id("conversation", &contact)),
        time: at,
        received: at,
        historical: false,
        cause: None,
        correlation: id,
        hops: 0,
        traceparent: None,
        facts: facts.into(),
        raw: RAW.into(),
    };
    let delivery = event_id("delivery", &number.to_string());
    Ok(Parcel { delivery, event: Arc::new(event), payload: Value::Null, attempt: 1 })
}
