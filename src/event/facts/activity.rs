//! What is neither a message nor a notice: comments, leads, flows, and an agent's answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A comment, a post or a mention that others can read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Comment {
    /// The provider's id of it.
    pub id: String,
    /// What it is: `comment`, `post`, `live_comment`, `mention`, `reaction`, … verbatim.
    pub item: String,
    /// The post or medium it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post: Option<String>,
    /// The comment it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// What was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Where it can be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Our own account wrote it: answering it would be talking to ourselves.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ours: bool,
}

/// Somebody left their details: a form, an advertisement, a call of an API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Lead {
    /// The provider's id of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The form that was filled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// The page or flow it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// The advertisement that led there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ad: Option<String>,
    /// The campaign or group of that advertisement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// Where the lead says it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// An electronic mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Everything else that was filled in, by its name.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
}

/// A flow on the provider's side that was started, or reached a step that calls us.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Flow {
    /// The flow, by the provider's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The flow's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the flow carries, by its name.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
}

/// What an AI agent did with a call of ours.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Agent {
    /// The agent, by the provider's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The thread that keeps what was said before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// The model that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Credits that the answer cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credits: Option<f64>,
    /// How long the agent took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took: Option<u64>,
    /// The tools it used, as the provider sent them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Value>,
    /// The status that counts: the one inside the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why there is no answer, in the provider's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
