//! The language, as a user meets it.

mod conditions;
mod templates;
mod subject;
mod bounds;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::event::facts::{Channel, Contact, Failure, Interactive, Message, Order, OrderItem};
use crate::event::{Draft, Event, Facts, Kind};

const RAW: &str = r#"{"n":1,"f":1.5,"big":18446744073709551615,"deep":{"list":[10,20]},"no":null}"#;

fn facts() -> Facts {
    Facts {
        contact: Some(Contact {
            id: "49151".into(),
            name: Some("Ada {{ 7*7 }}".into()),
            phone: Some("+49151".into()),
            ..Contact::default()
        }),
        channel: Channel {
            provider: "whatsapp".into(),
            account: "1065".into(),
            ..Channel::default()
        },
        message: Some(Message {
            id: "wamid.1".into(),
            kind: "text".into(),
            text: Some("I want a REFUND".into()),
            interactive: Some(Interactive {
                response: Some(json!({"city": "Ulm"})),
                ..Interactive::default()
            }),
            order: Some(Order {
                catalog: "c".into(),
                items: ["tea", "cup"]
                    .map(|it| OrderItem {
                        product: it.into(),
                        quantity: 2.0,
                        price: 1.5,
                        currency: "EUR".into(),
                    })
                    .into(),
            }),
            errors: vec![Failure { code: 131, title: None, details: None }],
            ..Message::default()
        }),
        ..Facts::default()
    }
}

fn subject() -> Subject {
    let draft = Draft {
        kind: Kind::MESSAGE_RECEIVED,
        dedup_key: "1".into(),
        time: Some("2026-11-20T10:00:00Z".parse().unwrap()),
        historical: false,
        anonymous: false,
        candidates: Vec::new(),
        facts: facts().into(),
        raw: 0..RAW.len(),
    };
    Subject::draft("shop".into(), Arc::new(draft), Bytes::from_static(RAW.as_bytes()))
}

fn event() -> Event {
    Event {
        id: Uuid::from_u128(1),
        sequence: 7,
        source: "shop".into(),
        kind: Kind::MESSAGE_RECEIVED,
        conversation: Some(Uuid::from_u128(2)),
        time: "2026-11-20T10:00:00Z".parse().unwrap(),
        received: "2026-11-20T10:00:01Z".parse().unwrap(),
        historical: true,
        cause: Some(Uuid::from_u128(3)),
        correlation: Uuid::from_u128(4),
        hops: 1,
        traceparent: None,
        facts: facts().into(),
        raw: Bytes::from_static(RAW.as_bytes()),
    }
}

fn holds(source: &str) -> bool {
    Condition::compile(source)
        .unwrap_or_else(|it| panic!("{source}: {it}"))
        .holds(&subject())
        .unwrap_or_else(|it| panic!("{source}: {it}"))
}

fn render(source: &str) -> Result<Value, Error> {
    Template::compile(source).unwrap_or_else(|it| panic!("{source}: {it}")).render(&subject())
}
