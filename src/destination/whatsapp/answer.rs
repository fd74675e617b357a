//! What Meta's answers mean: a table of its error codes.
//!
//! Source: <https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes>. Titles
//! and messages change; codes and details do not.

use std::time::Duration;

use serde_json::Value;

use crate::client::Response;
use crate::client::graph::payload::Failure;

/// What a code asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// It is tried again.
    Retry(Wait),
    /// What this names stands still.
    Pause(Whole, Option<Duration>),
    /// A template has to go in its place.
    Window,
    /// It will never work.
    Refused,
}

/// How long to wait for the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// As the engine sees fit.
    Usual,
    /// At least so long.
    For(Duration),
    /// What the answer says, or else so long.
    Said(Duration),
    /// Four times as long with each attempt: 6 s at least, and at most what a whole burst costs.
    Pair,
}

/// What a condition holds for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    Credential,
    Number,
    Account,
}

const HOUR: Option<Duration> = Some(Duration::from_hours(1));
const MINUTE: Duration = Duration::from_mins(1);

/// A message in six seconds to one contact.
pub(super) const PAIR: Duration = Duration::from_secs(6);
/// How many may go to one contact at once; each is paid back at [`PAIR`].
pub(super) const BURST: u32 = 45;

/// Every code with a meaning of its own. Whatever is not here is told by its status.
///
/// Only the credential itself waits for somebody to resume it: a new token is a new scope anyway.
/// What is mended in Meta's settings, where we cannot see it, is tried again after an hour.
const CODES: &[(i64, Class)] = &[
    // The token: no longer good, or without a permission.
    (0, Class::Pause(Whole::Credential, None)),
    (190, Class::Pause(Whole::Credential, None)),
    (3, Class::Pause(Whole::Credential, HOUR)),
    (10, Class::Pause(Whole::Credential, HOUR)),
    (131_005, Class::Pause(Whole::Credential, HOUR)),
    // Too much: of the app, of the account, of the number, of the pair.
    (4, Class::Retry(Wait::Said(MINUTE))),
    (613, Class::Retry(Wait::Said(MINUTE))),
    (80_007, Class::Retry(Wait::Said(MINUTE))),
    (130_429, Class::Retry(Wait::Said(Duration::from_secs(1)))),
    (131_056, Class::Retry(Wait::Pair)),
    // Too many contacts blocked or reported the number; it was registered too often.
    (131_048, Class::Pause(Whole::Number, HOUR)),
    (131_064, Class::Pause(Whole::Number, HOUR)),
    (133_016, Class::Pause(Whole::Number, Some(Duration::from_hours(72)))),
    // On Meta's side, for a moment; 131057 is a number that is being moved, for about a minute.
    (1, Class::Retry(Wait::Usual)),
    (2, Class::Retry(Wait::Usual)),
    (131_000, Class::Retry(Wait::Usual)),
    (131_016, Class::Retry(Wait::Usual)),
    (131_057, Class::Retry(Wait::For(MINUTE))),
    (133_004, Class::Retry(Wait::Usual)),
    // The file behind a link could not be fetched.
    (131_053, Class::Retry(Wait::Usual)),
    // The account is restricted, locked, or does not pay; the number is not ready.
    (368, Class::Pause(Whole::Account, HOUR)),
    (131_031, Class::Pause(Whole::Account, HOUR)),
    (131_042, Class::Pause(Whole::Account, HOUR)),
    (131_037, Class::Pause(Whole::Number, HOUR)),
    (131_045, Class::Pause(Whole::Number, HOUR)),
    (133_010, Class::Pause(Whole::Number, HOUR)),
    (131_047, Class::Window),
    // This contact, or this country, is not to be reached now.
    (130_472, Class::Refused),
    (130_497, Class::Refused),
    (131_026, Class::Refused),
    (131_049, Class::Refused),
    (131_050, Class::Refused),
    (131_062, Class::Refused),
    (131_063, Class::Refused),
    (137_000, Class::Refused),
    // The message itself.
    (33, Class::Refused),
    (100, Class::Refused),
    (131_008, Class::Refused),
    (131_009, Class::Refused),
    (131_021, Class::Refused),
    (131_030, Class::Refused),
    (131_051, Class::Refused),
    (131_052, Class::Refused),
    (135_000, Class::Refused),
    // The template, or the flow.
    (132_000, Class::Refused),
    (132_001, Class::Refused),
    (132_005, Class::Refused),
    (132_007, Class::Refused),
    (132_012, Class::Refused),
    (132_015, Class::Refused),
    (132_016, Class::Refused),
    (132_068, Class::Refused),
    (132_069, Class::Refused),
];

/// What went wrong.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) class: Class,
    /// In Meta's words.
    pub(super) said: String,
}

/// What an answer that is none of success means.
pub(super) fn fault(answer: &Response) -> Fault {
    let said = match (crate::client::graph::API.problem)(answer) {
        Some(problem) => format!("Meta answered {problem}"),
        None => format!("Meta answered {}", answer.status),
    };
    let code = serde_json::from_slice::<Failure>(&answer.body).map(|it| it.error.code);
    let known = code.as_ref().ok().and_then(|code| by_code(*code));
    let class = known.unwrap_or_else(|| match answer.status {
        _ if is_transient(answer) => Class::Retry(Wait::Usual),
        401 => Class::Pause(Whole::Credential, None),
        429 => Class::Retry(Wait::Said(MINUTE)),
        408 | 425 | 500.. => Class::Retry(Wait::Said(Duration::ZERO)),
        _ => Class::Refused,
    });
    Fault { class, said }
}

fn by_code(code: i64) -> Option<Class> {
    let row = CODES.iter().find(|it| it.0 == code).map(|it| it.1);
    // 200 to 299 are the permissions that a token lacks.
    row.or_else(|| (200..300).contains(&code).then_some(Class::Pause(Whole::Credential, HOUR)))
}

/// Meta's own word that it may work later.
fn is_transient(answer: &Response) -> bool {
    let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    body["error"]["is_transient"] == true
}

/// How long to wait, for the attempt after this one.
pub(super) fn wait(wait: Wait, answer: &Response, attempt: u32) -> Option<Duration> {
    match wait {
        Wait::Usual => None,
        Wait::For(it) => Some(it),
        Wait::Said(otherwise) => {
            let said = answer.retry_after().or_else(|| regained(answer));
            said.or(Some(otherwise)).filter(|it| !it.is_zero())
        }
        Wait::Pair => {
            let steps = attempt.saturating_sub(1).min(8);
            let wait = Duration::from_secs(4_u64.pow(steps));
            Some(wait.clamp(PAIR, PAIR * BURST))
        }
    }
}

/// When the account may call again, as the usage header tells it, in minutes.
/// <https://developers.facebook.com/docs/graph-api/overview/rate-limiting>
fn regained(answer: &Response) -> Option<Duration> {
    let usage: Value = serde_json::from_str(answer.header("x-business-use-case-usage")?).ok()?;
    let each = usage.as_object()?.values().filter_map(Value::as_array).flatten();
    let minutes = each.filter_map(|it| it["estimated_time_to_regain_access"].as_u64()).max()?;
    // More than an hour is not believed: the limit is one of an hour.
    (minutes > 0).then(|| MINUTE * u32::try_from(minutes.min(60)).unwrap_or(60))
}
