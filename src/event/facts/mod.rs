//! What an event says, in the field's own terms: the sections of `data` on the wire.
//!
//! Every section is optional, and [`kind`](super::kind) says which kinds carry which. Within a
//! major version fields are only added.

mod message;
mod account;
mod activity;

pub use account::{Handover, Identity, Notice, Preference, Template, Unmapped};
pub use activity::{Agent, Comment, Flow, Lead};
pub use message::{Context, Interactive, Location, Media, Message, Order, OrderItem, Reaction};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The sections of an event's `data`, without the conversation's id and the raw fragment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Facts {
    /// The person (or group member) on the other side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
    /// Our side: the account and address it arrived at.
    pub channel: Channel,
    /// What the provider stated about the conversation.
    #[serde(skip_serializing_if = "Conversation::is_empty")]
    pub conversation: Conversation,
    /// A message: what was written, pressed, chosen, filled in or ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
    /// What became of a message we sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// A voice call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<Call>,
    /// A group's life, members or settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// A message template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<Template>,
    /// A change of a contact's identifiers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// What a contact wishes to receive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preference: Option<Preference>,
    /// Who holds the conversation now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handover: Option<Handover>,
    /// Something that concerns the business account, a number of it, or its security.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<Notice>,
    /// A comment, a post or a mention that others can read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<Comment>,
    /// Somebody left their details.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead: Option<Lead>,
    /// A flow on the provider's side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<Flow>,
    /// What an AI agent did with a call of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<Agent>,
    /// What a source's own mapping took from the payload, by the names it gave.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
    /// Why the payload has no kind of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmapped: Option<Unmapped>,
}

/// The person on the other side. At least one identifier beside `id` is what the provider gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Contact {
    /// The provider's own id, verbatim: what an answer is addressed to.
    pub id: String,
    /// WhatsApp id: digits, usually but not always the phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wa_id: Option<String>,
    /// Business-scoped user id. Changes when the contact's number changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bsuid: Option<String>,
    /// Phone number in E.164, with `+`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Public user name, without `@`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Display name, as the contact chose it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Our side of the conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Channel {
    /// The provider's name, as in `routes.yaml`.
    pub provider: String,
    /// The account: for WhatsApp the phone number id, or the business account's id for events
    /// that concern no number; for Messenger and Instagram the page or the account.
    pub account: String,
    /// The business account above it, if the provider has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business: Option<String>,
    /// The address customers write to: for WhatsApp the number in E.164, with `+`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// What the provider stated about the conversation. The wire adds our `id`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Conversation {
    /// The group's id, for a message in a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Somebody else holds the conversation; this is a copy to read along.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub standby: bool,
    /// Whether a bot answers there: `active`, or `paused` while a human has taken over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bot: Option<String>,
}

impl Conversation {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What became of a message we sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Status {
    /// The message it is about, by the provider's id; empty where `until` says it of many.
    pub message_id: String,
    /// It is about every message we sent up to this moment, in RFC 3339: the provider names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// `sent`, `delivered`, `read`, `played`, `failed`, or whatever the provider says.
    pub status: String,
    /// Whom it was sent to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// Which member of a group this status is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub participant: Option<String>,
    /// Our own reference, given back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_data: Option<String>,
    /// What it cost, as the provider sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pricing: Option<Value>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Failure>,
}

/// An error a provider reports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Failure {
    /// The provider's code.
    pub code: i64,
    /// The provider's title for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What the provider says beyond that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
}

/// A voice call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Call {
    /// The provider's id of the call.
    pub id: String,
    /// What happened: `connect`, `terminate`, `RINGING`, … verbatim.
    pub event: String,
    /// `USER_INITIATED` or `BUSINESS_INITIATED`, verbatim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// How it ended, in the provider's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// How long it lasted, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<u64>,
    /// Our own reference, given back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_data: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Failure>,
}

/// A group's life, members or settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Group {
    /// The group, by the provider's id.
    pub id: String,
    /// What happened, verbatim: `group_create`, `group_participants_add`, …
    pub event: String,
    /// The request of ours that this answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The group's subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The group's description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Members that joined, by the provider's id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<String>,
    /// Members that left, by the provider's id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
    /// Why a request of ours was not fulfilled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Failure>,
}
