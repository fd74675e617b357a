//! What Telegram's answers mean.
//!
//! Source: <https://core.telegram.org/bots/api#making-requests> and
//! <https://core.telegram.org/bots/api#responseparameters>. Descriptions may change; they are only
//! looked at where a status says too little.

use std::time::Duration;

use serde_json::Value;

use crate::client::Response;

/// What an answer asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// It was done; the message's id, where there is one.
    Done(Option<String>),
    /// It is tried again.
    Retry(Option<Duration>),
    /// The token is not good.
    Token,
    /// There is no such method, or no such bot.
    Unknown,
    /// The group has another id now.
    Moved(i64),
    /// The topic of the group is gone.
    Topic,
    /// It will never work.
    Refused,
}

/// The rows: a status, a piece of the description (empty: any), and what it means. The first that
/// fits counts.
const ROWS: &[(u16, &str, Class)] = &[
    (400, "message thread not found", Class::Topic),
    // Telegram could not fetch the file behind a link.
    (400, "failed to get http url content", Class::Retry(None)),
    (401, "", Class::Token),
    (404, "", Class::Unknown),
    // The bot was blocked, or left out, or may not write there.
    (403, "", Class::Refused),
    (408, "", Class::Retry(None)),
    // Somebody else works with the same bot at this moment.
    (409, "", Class::Retry(None)),
    (425, "", Class::Retry(None)),
    (429, "", Class::Retry(None)),
];

/// What an answer means, and what Telegram said of it.
pub(super) fn read(answer: &Response) -> (Class, String) {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let is_success = (200..300).contains(&answer.status);
    if is_success && body["ok"] == true {
        return (Class::Done(receipt(&body["result"])), String::new());
    }
    // The same number stands in the body; a proxy may have changed that of the answer.
    let code = body["error_code"].as_u64().and_then(|it| u16::try_from(it).ok());
    let code = code.unwrap_or(answer.status);
    let description = body["description"].as_str().unwrap_or("it did not say why");
    let said = format!("Telegram answered {code}: {description}");
    if is_success && code == answer.status {
        // What was not read may have been done, but nobody can tell.
        return (Class::Retry(None), "Telegram's answer cannot be read".to_owned());
    }
    let parameters = &body["parameters"];
    if let Some(chat) = parameters["migrate_to_chat_id"].as_i64() {
        return (Class::Moved(chat), said);
    }
    let lower = description.to_lowercase();
    let row = ROWS.iter().find(|it| it.0 == code && lower.contains(it.1)).map(|it| it.2.clone());
    let class = match row {
        Some(Class::Retry(_)) => Class::Retry(after(parameters, answer)),
        Some(class) => class,
        None if code >= 500 => Class::Retry(after(parameters, answer)),
        None => Class::Refused,
    };
    (class, said)
}

/// How long to wait, in Telegram's own word or in HTTP's.
fn after(parameters: &Value, answer: &Response) -> Option<Duration> {
    let seconds = parameters["retry_after"].as_u64().map(Duration::from_secs);
    seconds.or_else(|| answer.retry_after())
}

/// The id of the message; of the first, where there are several.
fn receipt(result: &Value) -> Option<String> {
    let first = if result.is_array() { &result[0] } else { result };
    first["message_id"].as_i64().map(|it| it.to_string())
}
