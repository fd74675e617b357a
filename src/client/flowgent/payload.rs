//! The bodies of `FlowGent`, as its reference shows them.
//!
//! What was seen to differ between versions of the reference is taken in both forms: content as
//! text or as parts, `tool_calls` as an object or a list, `execution_time` as a number or text.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an agent is asked.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Chat {
    /// What is said.
    pub messages: Messages,
    /// The conversation to go on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
    /// Where the answer shall be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
}

/// The three forms of what is said.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Messages {
    /// What a user says.
    Text(String),
    /// Several messages, the last one last.
    List(Vec<Message>),
    /// One message.
    One(Message),
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Message {
    /// `user`, `assistant` or `tool`.
    pub role: String,
    /// Text, or a list of parts: `{type: text, text}`, `{type: tool-call, …}`.
    pub content: Value,
}

impl Message {
    /// Its text: all of it, or that of its parts.
    pub fn text(&self) -> String {
        match &self.content {
            Value::String(text) => text.clone(),
            parts => {
                let parts = parts.as_array().map_or(&[][..], Vec::as_slice);
                let texts: Vec<&str> = parts.iter().filter_map(|it| it["text"].as_str()).collect();
                texts.join("\n")
            }
        }
    }
}

/// An answer in its envelope: `status_code` counts, not the HTTP status.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Envelope {
    /// 200, 402, 500 or 503.
    #[serde(rename = "statusCode")]
    pub status_code: u16,
    /// What is in it.
    pub body: Answer,
}

/// What an agent answered, or why not.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Answer {
    /// Which agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The conversation so far, the answer last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conversation_history: Vec<Message>,
    /// About the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// What is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Answer {
    /// What the agent says: the text of its last messages, after whatever the user said last.
    pub fn reply(&self) -> String {
        let last = self.conversation_history.iter().rev();
        let mut said: Vec<String> = last
            .take_while(|it| it.role != "user")
            .filter(|it| it.role == "assistant")
            .map(Message::text)
            .filter(|it| !it.is_empty())
            .collect();
        said.reverse();
        said.join("\n")
    }
}

/// About an answer.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Metadata {
    /// Its identifier.
    pub id: String,
    /// The model that wrote it.
    pub model: String,
    /// When, in ISO 8601.
    pub timestamp: String,
    /// Tools that were used: an object or a list.
    pub tool_calls: Value,
    /// Milliseconds as a number, or seconds as text.
    pub execution_time: Value,
    /// Credits that it cost.
    pub used_credits: Value,
    /// The conversation, to go on with: for a new one it is said here only.
    pub thread_id: String,
}

/// What is answered at once where a callback URL was given.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Accepted {
    /// A sentence.
    pub message: String,
    /// `processing`.
    pub status: String,
}

/// The credits that an agent used.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Usage {
    /// Which agent.
    pub agent_id: String,
    /// From when to when.
    pub time_range: TimeRange,
    /// How many.
    pub usage: Credits,
    /// About data that is not there: before 28 May 2025 nothing was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// From when to when, in ISO 8601.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct TimeRange {
    /// The first moment.
    pub start: String,
    /// The last moment.
    pub end: String,
}

/// How many credits.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Credits {
    /// Altogether.
    pub total_credits_used: u64,
    /// Day by day, the newest first.
    pub daily_breakdown: Vec<Daily>,
}

/// One day's.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Daily {
    /// `2025-05-26`.
    pub date: String,
    /// Its credits.
    pub credits_used: u64,
}

/// A WhatsApp template to send.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Template {
    /// To whom: digits with the country code.
    pub recipient_phone_number: String,
    /// The template's name.
    pub template_name: String,
    /// Its language: `en_US`.
    pub language: String,
    /// A new customer's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_name: Option<String>,
    /// Components, as WhatsApp's Cloud API has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Value>,
}

/// A new item of knowledge, or a change of one: then nothing must be there.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Knowledge {
    /// What the agent shall know, at most 4000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Its display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// One agent, or a list of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_ids: Option<Agents>,
    /// What it is found by, instead of its content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description_to_index_on: Option<String>,
}

/// One agent, or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Agents {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

/// An item of knowledge.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Item {
    /// Its identifier.
    pub id: String,
    /// Its display name.
    #[serde(default)]
    pub name: Option<String>,
    /// What the agent knows by it; only where one item was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// When it was added, in ISO 8601.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
    /// `api`.
    pub source: String,
    /// Whose it is.
    pub linked_agents: Vec<String>,
}

/// A page of items.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Page {
    /// Without their content.
    pub knowledge_items: Vec<Item>,
    /// Where it stands among the others.
    pub pagination: Pagination,
}

/// Where a page stands among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Pagination {
    /// From 1.
    pub current_page: usize,
    /// Items on a page.
    pub limit: usize,
    /// Items altogether.
    pub total_count: usize,
    /// Pages altogether.
    pub total_pages: usize,
    /// Whether there is a page after it.
    pub has_next_page: bool,
    /// Whether there is one before it.
    pub has_previous_page: bool,
}

/// What is answered to a deletion.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Deleted {
    /// A sentence.
    pub message: String,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Refusal {
    /// What.
    pub error: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The plan that would allow it.
    #[serde(rename = "minimalPlan", default, skip_serializing_if = "Option::is_none")]
    pub minimal_plan: Option<String>,
}
