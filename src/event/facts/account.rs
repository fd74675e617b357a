//! What concerns accounts, templates and contacts rather than one message.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A message template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Template {
    /// The provider's id. A string, although some providers send a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The template's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The template's language, e.g. `en_US`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What happened or holds now: `APPROVED`, `REJECTED`, a quality, a category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What held before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// Why, in the provider's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A change of a contact's identifiers. The alias table already knows both when this is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Identity {
    /// What happened, verbatim: `user_changed_number`, `customer_identity_changed`, …
    pub event: String,
    /// The identifier before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// The identifier now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    /// The provider's sentence about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Hash of the contact's keys, where identity checks are on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// What a contact wishes to receive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Preference {
    /// What it is about, e.g. `marketing_messages`.
    pub category: String,
    /// `stop`, `resume`, … verbatim.
    pub value: String,
    /// The provider's sentence about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Who holds the conversation now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Handover {
    /// What happened, in the provider's word.
    pub event: String,
    /// Who held it before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// Who holds it now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
}

/// Something that concerns the business account, a number of it, or its security.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Notice {
    /// The provider's word for the field it came in, e.g. `account_update`.
    pub field: String,
    /// What happened, in the provider's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// What it is now: a decision, a status, a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Why, in the provider's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it is about: a number, a flow, a solution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// Why a payload has no kind of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Unmapped {
    /// Where it stood, e.g. the field's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What was not understood.
    pub reason: String,
}
