//! What the answer to a webhook means.
//!
//! As Standard Webhooks has it: 2xx is success, 410 the wish to hear no more, and everything else
//! is tried again, because what is wrong with a receiver can be put right.
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use crate::client::Response;
use crate::destination::{Outcome, Scope};
use crate::http::Unanswered;

/// The longest wait that a receiver may ask for: that of the last step of the schedule.
const LONGEST: Duration = Duration::from_hours(24);

/// What a status means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// It arrived.
    Taken,
    /// The receiver wants no more.
    Gone,
    /// It may work later.
    Later,
}

/// The statuses from one to another, what they mean, and why in words. The first row counts.
const TABLE: &[(u16, u16, Meaning, &str)] = &[
    (200, 299, Meaning::Taken, ""),
    (410, 410, Meaning::Gone, "the receiver wants no more; resume the destination if it does"),
    (
        300,
        399,
        Meaning::Later,
        "the receiver is elsewhere; redirects are not followed, so `url` must say where",
    ),
    (400, 400, Meaning::Later, "the receiver does not understand it"),
    (401, 401, Meaning::Later, "the receiver does not know who sends it"),
    (403, 403, Meaning::Later, "the receiver does not allow it"),
    (404, 404, Meaning::Later, "there is no receiver at this URL"),
    (405, 405, Meaning::Later, "the receiver does not take this method"),
    (413, 413, Meaning::Later, "it is too large for the receiver"),
    (415, 415, Meaning::Later, "the receiver does not take this media type"),
    (429, 429, Meaning::Later, "the receiver asks for fewer"),
    (502, 504, Meaning::Later, "the receiver is not available"),
    (500, 599, Meaning::Later, "the receiver failed"),
    (0, u16::MAX, Meaning::Later, "the receiver did not take it"),
];

/// What an answer means.
pub(super) fn outcome(answer: &Response, now: Timestamp) -> Outcome {
    let status = answer.status;
    let row = TABLE.iter().find(|it| (it.0..=it.1).contains(&status));
    let (_, _, meaning, words) = *row.expect("the last row takes every status");
    let reason = format!("{status}: {words}");
    match meaning {
        Meaning::Taken => Outcome::delivered(),
        Meaning::Gone => Outcome::pause(Scope::Destination, reason, None),
        Meaning::Later => Outcome::Retry { reason, after: after(answer, now) },
    }
}

/// What it means that there was none. The body is of no interest: one that is too large to be read
/// came with a status all the same.
pub(super) fn unanswered(why: Unanswered, now: Timestamp) -> Outcome {
    match why {
        Unanswered::TooLarge { status, .. } => {
            outcome(&Response { status, ..Response::default() }, now)
        }
        why => Outcome::retry(why.to_string()),
    }
}

/// How long a receiver asks to wait: seconds, or a date, which counts from the answer's own `date`
/// or, without one, from now.
pub(super) fn after(answer: &Response, now: Timestamp) -> Option<Duration> {
    let date = || {
        let until = rfc2822::parse(answer.header("retry-after")?.trim()).ok()?.timestamp();
        until.duration_since(now).try_into().ok()
    };
    let wait = answer.retry_after().or_else(date)?;
    (!wait.is_zero()).then_some(wait.min(LONGEST))
}
