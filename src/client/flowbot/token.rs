//! The life of an API JWT: how it is asked for, read, and when the next is due. Pure.
//!
//! At most ten are given in a quarter of an hour to one address, so one is kept and shared, and
//! the next is asked for before it ends.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;

use super::payload::TokenAnswer;
use super::{API, problem};
use crate::client::{Account, Arguments, Outgoing, Problem, Response};
use crate::config::Secret;

/// The part of its life after which the next is asked for.
const REFRESH_PERCENT: u32 = 80;

/// A JWT, and when the next is due.
#[derive(Clone, Debug)]
pub struct Token {
    /// The value for [`Account::credentials`] under `token`.
    pub value: Secret,
    /// From then on the next is asked for; until it is there, this one is still good.
    pub refresh: Timestamp,
    /// From then on it is refused.
    pub expires: Timestamp,
}

impl Token {
    /// Whether the next is due.
    pub fn is_due(&self, now: Timestamp) -> bool {
        now >= self.refresh
    }

    /// Whether it is refused by now.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires
    }
}

/// Asks for one, with the account's `clientId` and `apiKey`, for so many seconds.
///
/// # Errors
/// Which credential is missing.
pub fn request(account: &Account, seconds: Option<u32>) -> Result<Outgoing, String> {
    let endpoint = API.endpoints.iter().find(|it| it.call == "auth api-token");
    let endpoint = endpoint.expect("it stands in the table");
    let mut arguments = Arguments::default();
    if let Some(seconds) = seconds {
        arguments.values.insert("ttlSec", seconds.to_string());
    }
    // The day matters to no rule of this endpoint.
    endpoint.prepare(account, &arguments, Date::ZERO)
}

/// Reads what came back.
///
/// # Errors
/// Why there is none, in the words of `FlowBot`: 403 until an admin approves.
pub fn read(response: &Response, now: Timestamp) -> Result<Token, Problem> {
    if let Some(problem) = problem(response) {
        return Err(problem);
    }
    let unreadable = |_| Problem {
        status: response.status,
        message: "the answer holds no token".to_owned(),
        retry_after: None,
    };
    let answer: TokenAnswer = serde_json::from_slice(&response.body).map_err(unreadable)?;
    let life = Duration::from_secs(answer.expires_in_sec.into());
    let part = life * REFRESH_PERCENT / 100;
    let after = |it: Duration| now.checked_add(it).unwrap_or(Timestamp::MAX);
    Ok(Token {
        value: Secret::new(answer.access_token),
        refresh: after(part),
        expires: after(life),
    })
}
