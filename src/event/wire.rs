//! The event on the wire: `CloudEvents` 1.0, structured JSON.

use jiff::Timestamp;
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
        let raw = verbatim(&self.raw);
        let facts = &self.facts;
        let wire = Wire {
            specversion: "1.0",
            id: self.id,
            source: self.wire_source(),
            kind: &self.kind,
            subject: self.conversation,
            time: self.time,
            datacontenttype: "application/json",
            dataschema: self.wire_schema(public_url),
            sourcename: &self.source,
            sequence: self.sequence.to_string(),
            receivedtime: self.received,
            correlationid: self.correlation,
            causationid: self.cause,
            traceparent: self.traceparent.as_deref(),
            historical: self.historical,
            hops: self.hops,
            data: WireData::new(facts, self.conversation, &raw),
        };
        serde_json::to_vec(&wire).expect("an event holds only what JSON can say")
    }
}

/// The `CloudEvents` `source` of a channel: provider and account, as a path.
pub fn wire_source(channel: &Channel) -> String {
    format!("/{}/{}", channel.provider, channel.account)
}

/// Where the schema of a kind is served.
pub fn schema_url(public_url: &str, kind: &Kind) -> String {
    format!("{}/schemas/{kind}/{SCHEMA_VERSION}", public_url.trim_end_matches('/'))
}

/// A fragment as JSON: itself where it is JSON, a string of its bytes where it is not.
pub fn verbatim(raw: &[u8]) -> Box<RawValue> {
    let text = String::from_utf8_lossy(raw);
    let text = text.trim();
    RawValue::from_string(text.to_owned()).unwrap_or_else(|_| {
        serde_json::value::to_raw_value(text).expect("a string is always valid JSON")
    })
}

#[derive(Serialize)]
struct Wire<'a> {
    specversion: &'static str,
    id: Uuid,
    source: String,
    #[serde(rename = "type")]
    kind: &'a Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<Uuid>,
    time: Timestamp,
    datacontenttype: &'static str,
    dataschema: String,
    sourcename: &'a str,
    sequence: String,
    receivedtime: Timestamp,
    correlationid: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    causationid: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    historical: bool,
    hops: u8,
    data: WireData<'a>,
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
