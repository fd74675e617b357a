//! What the Graph API answers.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A WhatsApp message is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Sent {
    /// `whatsapp`.
    pub messaging_product: String,
    /// To whom.
    #[serde(default)]
    pub contacts: Vec<Contact>,
    /// One message.
    #[serde(default)]
    pub messages: Vec<Message>,
}

/// To whom a message goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Contact {
    /// As it was asked for.
    #[serde(default)]
    pub input: String,
    /// The number as WhatsApp writes it; absent for a user without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wa_id: Option<String>,
    /// The business-scoped user ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}

/// A message that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Message {
    /// Its identifier: `wamid.…`. Statuses name it.
    pub id: String,
    /// Of a template: `accepted`, `held_for_quality_assessment` or `paused`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_status: Option<String>,
}

/// A message of Messenger or Instagram is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct PageSent {
    /// To whom.
    pub recipient_id: String,
    /// Its identifier; none for what is only shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
}

/// Where a file can be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Media {
    /// Its identifier.
    pub id: String,
    /// `whatsapp`.
    #[serde(default)]
    pub messaging_product: String,
    /// Where, for five minutes, with the token.
    pub url: String,
    /// What it is: `image/jpeg`.
    #[serde(default)]
    pub mime_type: String,
    /// The digest of its content, in hexadecimal.
    #[serde(default)]
    pub sha256: String,
    /// How many bytes: a number, or text in some versions.
    #[serde(default)]
    pub file_size: Value,
}

/// What somebody filled into a lead ad.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Lead {
    /// Its identifier.
    pub id: String,
    /// When, in ISO 8601 with an offset without a colon.
    #[serde(default)]
    pub created_time: String,
    /// The questions and the answers.
    #[serde(default)]
    pub field_data: Vec<Field>,
}

/// A question, and what was answered.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Field {
    /// `email`, `phone_number`, or the question's own key.
    pub name: String,
    /// The answers.
    #[serde(default)]
    pub values: Vec<String>,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Failure {
    /// It.
    pub error: Error,
}

/// An error of the Graph API. Its code and its details say what to do; its message changes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Error {
    /// For people: `(#131056) …`.
    #[serde(default)]
    pub message: String,
    /// `OAuthException`, …
    #[serde(rename = "type", default)]
    pub kind: String,
    /// What it is.
    #[serde(default)]
    pub code: i64,
    /// What it is more precisely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_subcode: Option<i64>,
    /// More of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_data: Option<ErrorData>,
    /// To name it to Meta.
    #[serde(default)]
    pub fbtrace_id: String,
}

/// More of an error.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ErrorData {
    /// `whatsapp`.
    #[serde(default)]
    pub messaging_product: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
}
