//! The event: the one type that every other module speaks.
//!
//! A provider makes [`Draft`]s: what happened, to whom, when. The journal turns a draft into an
//! [`Event`] by giving it a sequence and a conversation. Everything here is pure.

pub mod kind;
pub mod facts;
pub mod identity;
pub mod phone;
pub mod standing;
pub mod wire;
pub mod schema;
pub mod paths;
pub mod suppression;

pub use facts::Facts;
pub use identity::{Candidate, event_id};
pub use kind::Kind;

use std::ops::Range;

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

/// What a provider says happened, before the journal has given it a place.
///
/// Drafts carry no clock and no id: the id follows from source and [`dedup_key`](Self::dedup_key).
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// What happened.
    pub kind: Kind,
    /// Equal for two deliveries of the same happening within one source, and for nothing else.
    pub dedup_key: String,
    /// The provider gave nothing to tell it by: the key is a digest of what was said, and saying
    /// the same again is a happening of its own.
    pub anonymous: bool,
    /// When the provider says it happened, if it says.
    pub time: Option<Timestamp>,
    /// Told after the fact: a history import, or a first poll. Routes ignore it unless they ask.
    pub historical: bool,
    /// Identifiers of the conversation, strongest first; empty when the event belongs to none.
    pub candidates: Vec<Candidate>,
    /// What the event says, in the field's own terms.
    /// Boxed: it is large, and handed on often.
    pub facts: Box<Facts>,
    /// The provider's own fragment, as a range of the request's body.
    pub raw: Range<usize>,
}

impl Draft {
    /// Gives an answer the channel, contact and conversation of what it answers.
    pub fn answer_to(&mut self, event: &Event) {
        let (facts, from) = (&mut self.facts, &event.facts);
        // It goes back the way the question came, whoever thought of it.
        facts.channel.clone_from(&from.channel);
        if facts.contact.is_none() {
            facts.contact.clone_from(&from.contact);
        }
        if facts.conversation.group.is_none() {
            facts.conversation.group.clone_from(&from.conversation.group);
        }
        let (Some(message), Some(asked)) = (&mut facts.message, &from.message) else { return };
        // Where an answer goes that keeps to its topic, or quotes.
        if message.topic.is_none() {
            message.topic.clone_from(&asked.topic);
        }
        if message.context.is_none() && !asked.id.is_empty() {
            let message_id = Some(asked.id.clone());
            message.context = Some(facts::Context { message_id, ..facts::Context::default() });
        }
    }
}

/// Something that happened, as the journal keeps it and destinations receive it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// UUIDv8 of source and dedup key: the same event has the same id on every node.
    pub id: Uuid,
    /// The journal's order.
    pub sequence: u64,
    /// The entry under `sources:` (or the replying destination) that brought it.
    pub source: String,
    /// What happened.
    pub kind: Kind,
    /// The surrogate conversation id; `None` for events that belong to no conversation.
    pub conversation: Option<Uuid>,
    /// When it happened: the provider's word, or else the moment we received it.
    pub time: Timestamp,
    /// When we received it.
    pub received: Timestamp,
    /// See [`Draft::historical`]; also set for anything older than `stale_after` on arrival.
    pub historical: bool,
    /// The event whose delivery brought this one as its reply.
    pub cause: Option<Uuid>,
    /// The first event of the chain of causes; an event from outside is its own.
    pub correlation: Uuid,
    /// How many replies lie between this event and the outside.
    pub hops: u8,
    /// W3C trace context of the request that brought it.
    pub traceparent: Option<String>,
    /// What the event says.
    pub facts: Box<Facts>,
    /// The provider's own fragment, verbatim.
    pub raw: Bytes,
}

/// The source of what the gateway itself tells.
pub const GATEWAY: &str = "gateway";

/// Replies deeper than this are refused and recorded, so that two bots cannot talk for ever.
pub const MAX_HOPS: u8 = 8;
