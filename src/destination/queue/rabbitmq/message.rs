//! An event as an AMQP message: the structured `CloudEvents` body, and its attributes beside it.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use uuid::Uuid;

use crate::destination::Parcel;
use crate::event::wire;

/// The header that holds the delivery's id: the same on every attempt of one delivery.
const DELIVERY_ID: &str = "delivery-id";

/// One message, ready to be published.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    /// What it is recognised by when the broker hands it back.
    pub(super) key: Key,
    /// Where the exchange sends it.
    pub(super) routing_key: ShortString,
    /// Properties and headers.
    pub(super) properties: BasicProperties,
    /// The event as one JSON document.
    pub(super) body: Vec<u8>,
}

/// Event id and delivery id: the same event may be published twice in one batch.
pub(super) type Key = (Uuid, Uuid);

/// The message of a parcel. Pure.
pub(super) fn message(parcel: &Parcel, public_url: &str, routing_key: &ShortString) -> Message {
    let event = &*parcel.event;
    let seconds = u64::try_from(event.time.as_second()).unwrap_or_default();
    let mut properties = BasicProperties::default()
        .with_content_type(wire::CONTENT_TYPE.into())
        .with_delivery_mode(2)
        .with_message_id(event.id.to_string().into())
        .with_correlation_id(event.correlation.to_string().into())
        .with_timestamp(seconds)
        .with_app_id("sluicegate".into())
        .with_headers(headers(parcel, public_url));
    // A generic source may name kinds of its own, longer than the property can hold.
    if let Ok(kind) = ShortString::try_new(event.kind.as_str()) {
        properties = properties.with_type(kind);
    }
    let body = event.to_wire(public_url);
    Message { key: (event.id, parcel.delivery), routing_key: routing_key.clone(), properties, body }
}

/// The attributes under the names of the `CloudEvents` AMQP binding, and our own headers.
fn headers(parcel: &Parcel, public_url: &str) -> FieldTable {
    let event = &*parcel.event;
    let mut headers = FieldTable::default();
    let mut text = |name: &'static str, value: String| {
        headers.insert(name.into(), AMQPValue::LongString(value.into()));
    };
    text("cloudEvents:specversion", "1.0".into());
    text("cloudEvents:id", event.id.to_string());
    text("cloudEvents:source", event.wire_source());
    text("cloudEvents:type", event.kind.to_string());
    if let Some(conversation) = event.conversation {
        text("cloudEvents:subject", conversation.to_string());
    }
    text("cloudEvents:time", event.time.to_string());
    text("cloudEvents:dataschema", event.wire_schema(public_url));
    text("cloudEvents:sourcename", event.source.clone());
    text("cloudEvents:sequence", event.sequence.to_string());
    text("cloudEvents:receivedtime", event.received.to_string());
    text("cloudEvents:correlationid", event.correlation.to_string());
    if let Some(cause) = event.cause {
        text("cloudEvents:causationid", cause.to_string());
    }
    if let Some(traceparent) = &event.traceparent {
        text("traceparent", traceparent.clone());
    }
    text(DELIVERY_ID, parcel.delivery.to_string());
    headers.insert("cloudEvents:historical".into(), AMQPValue::Boolean(event.historical));
    // RabbitMQ and other clients disagree on unsigned integers; they agree on 64 signed bits.
    headers.insert("attempt".into(), AMQPValue::LongLongInt(parcel.attempt.into()));
    headers
}

/// The key of a message that the broker handed back.
pub(super) fn key(properties: &BasicProperties) -> Option<Key> {
    let event = properties.message_id().as_ref()?.as_str().parse().ok()?;
    let delivery = properties.headers().as_ref()?.inner().get(DELIVERY_ID)?;
    let AMQPValue::LongString(delivery) = delivery else { return None };
    Some((event, Uuid::try_parse_ascii(LongString::as_bytes(delivery)).ok()?))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::sync::Arc;

    use serde_json::Value;

    use super::*;
    use crate::event::facts::{Channel, Message as Words};
    use crate::event::{Event, Facts, Kind};

    fn parcel() -> Parcel {
        let event = Event {
            id: Uuid::from_u128(1),
            sequence: 42,
            source: "whatsapp".into(),
            kind: Kind::MESSAGE_RECEIVED,
            conversation: Some(Uuid::from_u128(2)),
            time: "2026-11-20T10:00:00Z".parse().unwrap(),
            received: "2026-11-20T10:00:01.5Z".parse().unwrap(),
            historical: false,
            cause: Some(Uuid::from_u128(3)),
            correlation: Uuid::from_u128(4),
            hops: 1,
            traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
            facts: Facts {
                channel: Channel {
                    provider: "whatsapp".into(),
                    account: "106540352242922".into(),
                    ..Channel::default()
                },
                message: Some(Words { text: Some("hello".into()), ..Words::default() }),
                ..Facts::default()
            },
            raw: r#"{"text":{"body":"hello"}}"#.into(),
        };
        let delivery = Uuid::from_u128(5);
        Parcel { delivery, event: Arc::new(event), payload: Value::Null, attempt: 3 }
    }

    fn shown(message: &Message) -> String {
        let it = &message.properties;
        let mut text = String::new();
        let mut line = |name: &str, value: String| writeln!(text, "{name}: {value}").unwrap();
        line("routing key", message.routing_key.to_string());
        line("content_type", it.content_type().as_ref().unwrap().to_string());
        line("delivery_mode", it.delivery_mode().unwrap().to_string());
        line("message_id", it.message_id().as_ref().unwrap().to_string());
        line("correlation_id", it.correlation_id().as_ref().unwrap().to_string());
        line("timestamp", it.timestamp().unwrap().to_string());
        line("type", it.kind().as_ref().unwrap().to_string());
        line("app_id", it.app_id().as_ref().unwrap().to_string());
        for (name, value) in it.headers().as_ref().unwrap() {
            let value = match value {
                AMQPValue::LongString(text) => String::from_utf8_lossy(text.as_bytes()).into(),
                other => format!("{other:?}"),
            };
            line(&format!("header {name}"), value);
        }
        text
    }

    #[test]
    fn a_message_has_these_properties_and_headers() {
        let message = message(&parcel(), "https://gate.example/", &"whatsapp.message".into());
        insta::assert_snapshot!(shown(&message), @r"
        routing key: whatsapp.message
        content_type: application/cloudevents+json; charset=utf-8
        delivery_mode: 2
        message_id: 00000000-0000-0000-0000-000000000001
        correlation_id: 00000000-0000-0000-0000-000000000004
        timestamp: 1795168800
        type: message.received
        app_id: sluicegate
        header attempt: LongLongInt(3)
        header cloudEvents:causationid: 00000000-0000-0000-0000-000000000003
        header cloudEvents:correlationid: 00000000-0000-0000-0000-000000000004
        header cloudEvents:dataschema: https://gate.example/schemas/message.received/1
        header cloudEvents:historical: Boolean(false)
        header cloudEvents:id: 00000000-0000-0000-0000-000000000001
        header cloudEvents:receivedtime: 2026-11-20T10:00:01.5Z
        header cloudEvents:sequence: 42
        header cloudEvents:source: /whatsapp/106540352242922
        header cloudEvents:sourcename: whatsapp
        header cloudEvents:specversion: 1.0
        header cloudEvents:subject: 00000000-0000-0000-0000-000000000002
        header cloudEvents:time: 2026-11-20T10:00:00Z
        header cloudEvents:type: message.received
        header delivery-id: 00000000-0000-0000-0000-000000000005
        header traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
        ");
        assert_eq!(message.body, parcel().event.to_wire("https://gate.example/"));
    }

    #[test]
    fn a_message_is_recognised_when_it_comes_back() {
        let message = message(&parcel(), "https://gate.example", &"a".into());
        assert_eq!(key(&message.properties), Some((Uuid::from_u128(1), Uuid::from_u128(5))));
        assert_eq!(key(&BasicProperties::default()), None);
    }

    #[test]
    fn a_kind_or_a_time_that_amqp_cannot_hold_is_left_out() {
        let mut parcel = parcel();
        let event = Arc::make_mut(&mut parcel.event);
        event.kind = Kind::parse(&format!("{}.a", "k".repeat(300)));
        event.time = "1969-12-31T00:00:00Z".parse().unwrap();
        let message = message(&parcel, "https://gate.example", &"a".into());
        assert_eq!(message.properties.kind(), &None);
        assert_eq!(message.properties.timestamp(), &Some(0));
    }
}
