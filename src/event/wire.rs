//! The event on the wire: `CloudEvents` 1.0, structured JSON.

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::facts::{
    Agent, Call, Channel, Comment, Contact, Conversation, Facts, Flow, Group, Handover, Identity,
    Lead, Message, Notice, Preference, Status, Template, Unmapped,
};
use super::{Event, Kind};

/// The media type of the structured form.
pub const CONTENT_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// The major version of every kind's schema.
pub const SCHEMA_VERSION: u32 = 1;

impl Event {
    /// The `CloudEvents` `source`: provider and account, as a path.
    pub fn wire_source(&self) -> String {
        wire_source(&self.facts.channel)
    }

    /// Where the schema of this kind is served.
    pub fn wire_schema(&self, public_url: &str) -> String {
        schema_url(public_url, &self.kind)
    }

    /// The event as one JSON document. `public_url` is where schemas are served.
    pub fn to_wire(&self, public_url: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1_024 + self.raw.len());
        self.write_wire(public_url, &mut bytes);
        bytes
    }

    /// The same, after what is in `bytes` already.
    pub fn write_wire(&self, public_url: &str, bytes: &mut Vec<u8>) {
        // Text that is JSON, as nearly all is, needs no copy.
        let text = std::str::from_utf8(&self.raw).unwrap_or_default().trim();
        let copy;
        let raw = if let Ok(raw) = serde_json::from_str::<&RawValue>(text) {
            raw
        } else {
            copy = verbatim(&self.raw);
            &*copy
        };
        bytes.extend_from_slice(br#"{"specversion":"1.0""#);
        let mut attributes = Attributes(bytes);
        attributes.id("id", self.id);
        attributes.text("source", &self.wire_source());
        attributes.text("type", self.kind.as_str());
        if let Some(conversation) = self.conversation {
            attributes.id("subject", conversation);
        }
        attributes.time("time", self.time);
        attributes.text("datacontenttype", "application/json");
        attributes.text("dataschema", &self.wire_schema(public_url));
        attributes.text("sourcename", &self.source);
        attributes.text("sequence", &self.sequence.to_string());
        attributes.time("receivedtime", self.received);
        attributes.id("correlationid", self.correlation);
        if let Some(cause) = self.cause {
            attributes.id("causationid", cause);
        }
        if let Some(traceparent) = &self.traceparent {
            attributes.text("traceparent", traceparent);
        }
        attributes.value("historical", &self.historical);
        attributes.value("hops", &self.hops);
        attributes.value("data", &WireData::new(&self.facts, self.conversation, raw));
        bytes.push(b'}');
    }
}

/// Writes attributes, each after another one. Their names need no escaping, nor do ids and times:
/// by hand they cost half of what they cost through serde, and every message pays for them.
struct Attributes<'a>(&'a mut Vec<u8>);

impl Attributes<'_> {
    fn name(&mut self, name: &str) {
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn value(&mut self, name: &str, value: &impl Serialize) {
        self.name(name);
        serde_json::to_writer(&mut *self.0, value).expect("an event holds only what JSON can say");
    }

    fn text(&mut self, name: &str, text: &str) {
        self.value(name, &text);
    }

    fn id(&mut self, name: &str, id: Uuid) {
        self.name(name);
        self.0.push(b'"');
        let text = &mut Uuid::encode_buffer();
        self.0.extend_from_slice(id.hyphenated().encode_lower(text).as_bytes());
        self.0.push(b'"');
    }

    fn time(&mut self, name: &str, time: Timestamp) {
        self.name(name);
        self.0.push(b'"');
        DateTimePrinter::new()
            .print_timestamp(&time, &mut *self.0)
            .expect("memory can be written to");
        self.0.push(b'"');
    }
}

/// The `CloudEvents` `source` of a channel: provider and account, as a path.
pub fn wire_source(channel: &Channel) -> String {
    ["/", &channel.provider, "/", &channel.account].concat()
}

/// Where the schema of a kind is served.
pub fn schema_url(public_url: &str, kind: &Kind) -> String {
    let version = SCHEMA_VERSION.to_string();
    [public_url.trim_end_matches('/'), "/schemas/", kind.as_str(), "/", &version].concat()
}

/// A fragment as JSON: itself where it is JSON, a string of its bytes where it is not.
pub fn verbatim(raw: &[u8]) -> Box<RawValue> {
    let text = String::from_utf8_lossy(raw);
    let text = text.trim();
    RawValue::from_string(text.to_owned()).unwrap_or_else(|_| {
        serde_json::value::to_raw_value(text).expect("a string is always valid JSON")
    })
}

/// `data` on the wire: the facts, the conversation's id among them, and the raw fragment.
#[derive(Serialize)]
struct WireData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: &'a Option<Contact>,
    channel: &'a Channel,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation: Option<WireConversation<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: &'a Option<Message>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: &'a Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: &'a Option<Call>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: &'a Option<Group>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: &'a Option<Template>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: &'a Option<Identity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preference: &'a Option<Preference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    handover: &'a Option<Handover>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notice: &'a Option<Notice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: &'a Option<Comment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lead: &'a Option<Lead>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow: &'a Option<Flow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: &'a Option<Agent>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    fields: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unmapped: &'a Option<Unmapped>,
    raw: &'a RawValue,
}

#[derive(Serialize)]
struct WireConversation<'a> {
    id: Uuid,
    #[serde(flatten)]
    facts: &'a Conversation,
}

impl<'a> WireData<'a> {
    fn new(facts: &'a Facts, conversation: Option<Uuid>, raw: &'a RawValue) -> Self {
        // Destructured, so that a new section cannot be forgotten here.
        let Facts {
            contact,
            channel,
            conversation: stated,
            message,
            status,
            call,
            group,
            template,
            identity,
            preference,
            handover,
            notice,
            comment,
            lead,
            flow,
            agent,
            fields,
            unmapped,
        } = facts;
        Self {
            contact,
            channel,
            conversation: conversation.map(|id| WireConversation { id, facts: stated }),
            message,
            status,
            call,
            group,
            template,
            identity,
            preference,
            handover,
            notice,
            comment,
            lead,
            flow,
            agent,
            fields,
            unmapped,
            raw,
        }
    }
}
