//! The bodies of `FlowBot`, as its document shows them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Who logs in.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Login {
    /// The user's name.
    pub username: String,
    /// Their password.
    pub password: String,
}

/// What a login answers, beside the cookie `wdf_token`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct LoggedIn {
    /// Who is logged in.
    pub user: User,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Their identifier.
    pub id: String,
    /// Their name to log in with.
    pub username: String,
    /// Their name to show.
    pub display_name: String,
    /// Their mail address.
    pub email: String,
    /// `user` or `admin`.
    pub role: String,
}

/// Client credentials, to be exchanged for a JWT.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenRequest {
    /// The client ID.
    pub client_id: String,
    /// The API key beside it.
    pub api_key: String,
    /// How many seconds the JWT shall live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_sec: Option<u32>,
}

/// A JWT for calls from server to server.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenAnswer {
    /// `true`.
    pub success: bool,
    /// `Bearer`.
    pub token_type: String,
    /// The JWT.
    pub access_token: String,
    /// How many seconds it lives.
    pub expires_in_sec: u32,
    /// The user whose client it is.
    #[serde(default)]
    pub client_number: String,
    /// The client ID.
    #[serde(default)]
    pub client_id: String,
}

/// A flow to start with a customer. Of the three templates at most one is sent first.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outbound {
    /// To whom, with plus and country code.
    pub phone: String,
    /// Which flow; it has a node "Outbound Trigger".
    pub flow_id: String,
    /// A group of approved templates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_group_id: Option<String>,
    /// An approved template by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_name: Option<String>,
    /// An approved template by its identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_id: Option<String>,
    /// Whether it goes through the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<bool>,
    /// The flow's variables.
    #[serde(default, skip_serializing_if = "Data::is_empty")]
    pub data: Data,
}

/// A flow's variables: those that the document names, and any others.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Data {
    /// The customer's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_name: Option<String>,
    /// The template's language: `he`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_language: Option<String>,
    /// The template's values. For a one-time code this alone is enough.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub template_params: Vec<Value>,
    /// The line to send from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number_id: Option<String>,
    /// The caller's own reference. There is no idempotency key; this comes closest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ref: Option<String>,
    /// The caller's campaign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<String>,
    /// All others.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

impl Data {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a triggered flow answers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Triggered {
    /// `true`.
    pub success: bool,
    /// A sentence.
    pub message: String,
    /// The flow.
    pub flow_id: String,
}

/// A lead: any fields, which become the flow's variables.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Lead {
    /// Their number, with plus and country code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Their name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Their mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// All others.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// What a lead answers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct LeadTaken {
    /// `true`.
    pub success: bool,
    /// A sentence.
    pub message: String,
    /// The names of the fields, in the order they were sent.
    pub variables: Vec<String>,
}

/// A flow.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Flow {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// `active`, `draft`, …
    pub status: String,
    /// When it was made, in ISO 8601.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
}

/// A conversation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    /// Its identifier.
    pub id: String,
    /// The customer's number, with plus and country code.
    pub wa_phone_number: String,
    /// The customer's name.
    #[serde(default)]
    pub customer_name: Option<String>,
    /// The flow that it is in.
    #[serde(default)]
    pub flow_id: Option<String>,
    /// `active`, …
    pub status: String,
    /// What was said last.
    #[serde(default)]
    pub last_message: Option<String>,
    /// When it began, in ISO 8601.
    pub started_at: String,
    /// When the customer last wrote: the window is open for 24 hours from then.
    #[serde(default)]
    pub last_customer_message_at: Option<String>,
}

/// A message of an agent's within a conversation.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    /// `text`, `image`, `video`, `document` or `template`.
    pub message_type: String,
    /// The text of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Where an image, a video or a document is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_url: Option<String>,
    /// What stands below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// The template's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_name: Option<String>,
    /// Its language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_language: Option<String>,
    /// Its values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_params: Option<Vec<Value>>,
}

/// What a reply answers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Replied {
    /// `true`.
    pub success: bool,
    /// WhatsApp's identifier of the message.
    pub message_id: String,
    /// Whether anything but a template may be sent.
    pub window_open: bool,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Refusal {
    /// A sentence.
    pub error: String,
}
