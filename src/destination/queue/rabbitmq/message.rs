//! An event as an AMQP message: the structured `CloudEvents` body, and what a consumer may want to
//! know before it reads it.

use std::sync::Arc;

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use uuid::Uuid;

use crate::destination::Parcel;
use crate::event::{Event, wire};

/// The header that holds the delivery's id: the same on every attempt of one delivery.
const DELIVERY_ID: &str = "delivery-id";

/// One message, ready to be published.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// What it is recognised by when the broker hands it back.
    pub(super) key: Key,
    /// Where the exchange sends it.
    pub(super) routing_key: ShortString,
    /// What its body holds.
    pub(super) event: Arc<Event>,
    /// Which attempt this is, from 1.
    attempt: u32,
}

/// Event id and delivery id: the same event may be published twice in one batch.
pub(super) type Key = (Uuid, Uuid);

impl Message {
    /// The message of a parcel.
    pub(super) fn new(parcel: &Parcel, routing_key: &ShortString) -> Self {
        Self {
            key: (parcel.event.id, parcel.delivery),
            routing_key: routing_key.clone(),
            event: Arc::clone(&parcel.event),
            attempt: parcel.attempt,
        }
    }

    /// Its properties and headers. Pure.
    pub(super) fn properties(&self) -> BasicProperties {
        let event = &*self.event;
        let seconds = u64::try_from(event.time.as_second()).unwrap_or_default();
        let properties = BasicProperties::default()
            .with_content_type(wire::CONTENT_TYPE.into())
            .with_delivery_mode(2)
            .with_message_id(text(event.id).into())
            .with_correlation_id(text(event.correlation).into())
            .with_timestamp(seconds)
            .with_app_id("sluicegate".into())
            .with_headers(self.headers());
        // A generic source may name kinds of its own, longer than the property can hold.
        match ShortString::try_new(event.kind.as_str()) {
            Ok(kind) => properties.with_type(kind),
            Err(_) => properties,
        }
    }

    /// What no property has room for, under the names of the `CloudEvents` AMQP binding where it
    /// has one. The body says everything, and every header costs a third of a microsecond.
    fn headers(&self) -> FieldTable {
        let event = &*self.event;
        let mut headers = FieldTable::default();
        let mut text = |name: &'static str, value: String| {
            headers.insert(name.into(), AMQPValue::LongString(value.into()));
        };
        text("cloudEvents:source", event.wire_source());
        if let Some(conversation) = event.conversation {
            text("cloudEvents:subject", self::text(conversation));
        }
        if let Some(traceparent) = &event.traceparent {
            text("traceparent", traceparent.clone());
        }
        text(DELIVERY_ID, self::text(self.key.1));
        // RabbitMQ and other clients disagree on unsigned integers; they agree on 64 signed bits.
        headers.insert("attempt".into(), AMQPValue::LongLongInt(self.attempt.into()));
        headers
    }
}

/// An id as text, past the machinery of formatting: there are four in every message.
fn text(id: Uuid) -> String {
    id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).to_owned()
}

/// The key of a message that the broker handed back.
pub(super) fn key(properties: &BasicProperties) -> Option<Key> {
    let event = properties.message_id().as_ref()?.as_str().parse().ok()?;
    let delivery = properties.headers().as_ref()?.inner().get(DELIVERY_ID)?;
    let AMQPValue::LongString(delivery) = delivery else { return None };
    Some((event, Uuid::try_parse_ascii(LongString::as_bytes(delivery)).ok()?))
}

#[cfg(test)]
pub(super) mod tests {
    use std::fmt::Write;

    use serde_json::Value;

    use super::*;
    use crate::event::facts::{Channel, Message as Words};
    use crate::event::{Facts, Kind};

    pub(in super::super) fn parcel() -> Parcel {
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
            facts: Box::new(Facts {
                channel: Channel {
                    provider: "whatsapp".into(),
                    account: "106540352242922".into(),
                    ..Channel::default()
                },
                message: Some(Words { text: Some("hello".into()), ..Words::default() }),
                ..Facts::default()
            }),
            raw: r#"{"text":{"body":"hello"}}"#.into(),
        };
        let delivery = Uuid::from_u128(5);
        Parcel { delivery, event: Arc::new(event), payload: Value::Null, attempt: 3 }
    }

    fn message(parcel: &Parcel, routing_key: &str) -> Message {
        Message::new(parcel, &routing_key.into())
    }

    fn shown(message: &Message) -> String {
        let it = &message.properties();
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
        let message = message(&parcel(), "whatsapp.message");
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
        header cloudEvents:source: /whatsapp/106540352242922
        header cloudEvents:subject: 00000000-0000-0000-0000-000000000002
        header delivery-id: 00000000-0000-0000-0000-000000000005
        header traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
        ");
    }

    #[test]
    fn a_message_is_recognised_when_it_comes_back() {
        let message = message(&parcel(), "a");
        assert_eq!(key(&message.properties()), Some((Uuid::from_u128(1), Uuid::from_u128(5))));
        assert_eq!(key(&BasicProperties::default()), None);
    }

    #[test]
    fn a_kind_or_a_time_that_amqp_cannot_hold_is_left_out() {
        let mut parcel = parcel();
        let event = Arc::make_mut(&mut parcel.event);
        event.kind = Kind::parse(&format!("{}.a", "k".repeat(300)));
        event.time = "1969-12-31T00:00:00Z".parse().unwrap();
        let properties = message(&parcel, "a").properties();
        assert_eq!(properties.kind(), &None);
        assert_eq!(properties.timestamp(), &Some(0));
    }
}
