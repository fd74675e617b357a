//! The questions that Flow XO's API is asked, and its answers before they are looked into.
//!
//! Source: support.flowxo.com, "Accessing End User Conversations via API".

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Settings;
use crate::client::{Outgoing, Problem, Response};
use crate::config::Secret;
use crate::lenient::{each, first, object, text};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// A page of the list of conversations.
    List { skip: usize, sweep: bool },
    /// A page of the messages of one.
    Messages { id: String, skip: usize },
}

impl Question {
    pub(super) fn skip(&self) -> usize {
        match self {
            Self::List { skip, .. } | Self::Messages { skip, .. } => *skip,
        }
    }
}

/// A page of an answer.
pub(super) struct Page<'a> {
    /// In the API's order: the newest first.
    pub(super) elements: Vec<&'a RawValue>,
    /// How many there are altogether, where the API says.
    pub(super) total: Option<usize>,
}

/// A list with what stands around it.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Listing<'a> {
    #[serde(borrow)]
    total: Option<&'a RawValue>,
    #[serde(borrow)]
    conversations: Option<&'a RawValue>,
    #[serde(borrow)]
    messages: Option<&'a RawValue>,
}

/// A page of conversations, or of one's messages.
pub(super) fn get(settings: &Settings, path: &str, skip: usize) -> Outgoing {
    let Settings { base_url, pages, .. } = settings;
    let bearer = format!("Bearer {}", settings.api_key.expose());
    Outgoing {
        method: "GET",
        url: format!("{base_url}/conversations{path}?skip={skip}&limit={}", pages.limit),
        headers: vec![
            ("accept".into(), Secret::new("application/json")),
            ("authorization".into(), Secret::new(bearer)),
        ],
        body: Bytes::new(),
    }
}

/// The page that an answer holds.
///
/// # Errors
/// What Flow XO says is wrong; or that its answer is not what was asked for.
pub(super) fn page<'a>(response: &'a Response, question: &Question) -> Result<Page<'a>, Problem> {
    if !(200..300).contains(&response.status) {
        return Err(problem(response));
    }
    let unreadable = || Problem {
        status: response.status,
        message: match question {
            Question::List { .. } => "the answer is no list of conversations".to_owned(),
            Question::Messages { .. } => "the answer is no list of messages".to_owned(),
        },
        retry_after: None,
    };
    if let Ok(elements) = serde_json::from_slice(&response.body) {
        return Ok(Page { elements, total: None });
    }
    let listing: Listing<'_> = serde_json::from_slice(&response.body).map_err(|_| unreadable())?;
    let list = match question {
        Question::List { .. } => listing.conversations,
        Question::Messages { .. } => listing.messages,
    };
    let list = list.filter(|it| it.get().starts_with('['));
    let total = listing.total.and_then(|it| serde_json::from_str(it.get()).ok());
    Ok(Page { elements: each(Some(list.ok_or_else(unreadable)?)), total })
}

fn problem(response: &Response) -> Problem {
    let value: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let words = first(&value, &["message", "error", "error_description"])
        .or_else(|| text(&value["error"]["message"]))
        .or_else(|| text(&value))
        .unwrap_or_else(|| String::from_utf8_lossy(&response.body).trim().to_owned());
    let retry_after = response.header("retry-after").and_then(|it| it.trim().parse().ok());
    Problem {
        status: response.status,
        message: words.chars().take(300).collect(),
        retry_after: retry_after.map(Duration::from_secs),
    }
}

/// Whether a problem is of the whole account rather than of one conversation.
pub(super) fn concerns_all(problem: &Problem) -> bool {
    matches!(problem.status, 401 | 402 | 403 | 429 | 502 | 503 | 504)
}

/// The id of a conversation, and its record.
pub(super) fn record(raw: &RawValue) -> Option<(String, Value)> {
    let record = object(raw).ok()?;
    let id = text(&record["id"])?;
    Some((id, record))
}
