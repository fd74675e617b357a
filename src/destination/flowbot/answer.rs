//! What an answer of FlowBot means: a table by status and by FlowBot's own words.

use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::json;
use crate::client::Response;
use crate::client::flowbot::API;
use crate::destination::{Outcome, Scope};

/// How long a credential rests that is refused: an admin may approve it meanwhile.
const REST: Duration = Duration::from_hours(1);

/// How long until the next token is asked for where the answer does not say: a tenth of the
/// documented quarter of an hour, for ten may be had in it.
const TOKEN_WAIT: Duration = Duration::from_secs(90);

/// No answer makes us wait longer.
const LONGEST: Duration = Duration::from_hours(1);

/// How much of FlowBot's own words is kept.
const WORDS: usize = 300;

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// It was done.
    Done,
    /// It is there already.
    There,
    /// It will never be done.
    Never,
    /// Something else answers, elsewhere.
    Elsewhere,
    /// The credential is wrong.
    Unproven,
    /// The credential is right, but may not be used.
    Unapproved,
    /// Later, perhaps.
    Later,
}

/// What a status means where the answer holds one of these words, or any where there is none.
struct Row(RangeInclusive<u16>, &'static [&'static str], Meaning);

/// The statuses of the document under "Error Codes", and what HTTP adds. The first that fits.
const TABLE: &[Row] = &[
    Row(200..=299, &[], Meaning::Done),
    Row(300..=399, &[], Meaning::Elsewhere),
    Row(401..=401, &[], Meaning::Unproven),
    // API usage is blocked until an admin approves. Any other 403 is about one flow or one
    // conversation: to pause for it would let a single one hold up all.
    Row(403..=403, &["approv", "api access", "api usage"], Meaning::Unapproved),
    Row(408..=408, &[], Meaning::Later),
    Row(409..=409, &[], Meaning::There),
    Row(425..=425, &[], Meaning::Later),
    Row(429..=429, &[], Meaning::Later),
    Row(400..=499, &[], Meaning::Never),
];

/// What is taken for an identifier. `messageId` is documented; of the others an installation may
/// give one, as what goes through the queue has no message yet.
const RECEIPTS: &[&str] = &["messageId", "queueId", "jobId", "id"];

/// What a destination makes of the answers to its calls.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    /// The credential that rests when it is refused.
    pub(super) credential: &'a str,
    /// What FlowBot says is there already is what was asked for.
    pub(super) there: bool,
    /// Every answer is a JSON object that says `success`. What else has a status of 200 is no
    /// FlowBot: a page that a base URL leads to by mistake.
    pub(super) told: bool,
}

impl Reading<'_> {
    /// What an answer means.
    pub(super) fn outcome(self, answer: &Response, now: Timestamp) -> Outcome {
        let status = answer.status;
        let body = json(&answer.body);
        let words = words(answer, body.as_ref());
        let reason = format!("{status}: {words}");
        match meaning(status, &words) {
            Meaning::Done => self.done(answer, body.as_ref(), reason),
            Meaning::There if self.there => Outcome::delivered(),
            Meaning::There | Meaning::Never => Outcome::Refused { reason },
            Meaning::Elsewhere => Outcome::refused(format!(
                "FlowBot answers {status}, somewhere else; is `base_url` right?"
            )),
            Meaning::Unproven | Meaning::Unapproved => {
                Outcome::pause(Scope::Credential(self.credential.to_owned()), reason, Some(REST))
            }
            Meaning::Later => Outcome::Retry { reason, after: wait(answer, now) },
        }
    }

    fn done(self, answer: &Response, body: Option<&Value>, reason: String) -> Outcome {
        if is_failed(answer, body) {
            return Outcome::Refused { reason };
        }
        if self.told && !body.is_some_and(Value::is_object) {
            return Outcome::refused(format!(
                "{}: the answer is not one of FlowBot's; is `base_url` right?",
                answer.status
            ));
        }
        let receipt = body.and_then(receipt);
        Outcome::Delivered { receipt, thread: None, replies: Vec::new() }
    }
}

/// What an answer to the exchange means for those who need what it brings; `None`: it brings it.
pub(super) fn of_session(answer: &Response, credential: &str, now: Timestamp) -> Option<Outcome> {
    let body = json(&answer.body);
    let words = words(answer, body.as_ref());
    let reason = format!("no token: {}: {words}", answer.status);
    Some(match meaning(answer.status, &words) {
        Meaning::Done if is_failed(answer, body.as_ref()) => Outcome::Retry { reason, after: None },
        Meaning::Done => return None,
        Meaning::Later if answer.status == 429 => {
            Outcome::Retry { reason, after: wait(answer, now).or(Some(TOKEN_WAIT)) }
        }
        Meaning::Later => Outcome::Retry { reason, after: wait(answer, now) },
        // Nothing of this account works without it, so nothing is lost for it.
        _ => Outcome::pause(Scope::Credential(credential.to_owned()), reason, Some(REST)),
    })
}

fn meaning(status: u16, words: &str) -> Meaning {
    let words = words.to_lowercase();
    let says = |all: &[&str]| all.is_empty() || all.iter().any(|it| words.contains(it));
    let row = TABLE.iter().find(|it| it.0.contains(&status) && says(it.1));
    row.map_or(Meaning::Later, |it| it.2)
}

/// Whether an answer whose status is good says that it is not.
fn is_failed(answer: &Response, body: Option<&Value>) -> bool {
    let error = body.map_or(&Value::Null, |it| &it["error"]);
    let is_none = matches!(error, Value::Null | Value::Bool(false));
    !is_none || (API.problem)(answer).is_some()
}

/// What FlowBot says, shortened.
fn words(answer: &Response, body: Option<&Value>) -> String {
    let problem = (API.problem)(answer).map(|it| it.message);
    let nested = body.and_then(|it| it["error"]["message"].as_str());
    let text = nested.map(str::to_owned).or(problem).unwrap_or_else(|| "no reason".to_owned());
    text.chars().take(WORDS).collect()
}

fn receipt(body: &Value) -> Option<String> {
    RECEIPTS.iter().find_map(|it| match &body[*it] {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    })
}

/// What `Retry-After` says: seconds, or a moment.
fn wait(answer: &Response, now: Timestamp) -> Option<Duration> {
    let text = answer.header("retry-after")?.trim();
    let wait = if let Ok(seconds) = text.parse() {
        Duration::from_secs(seconds)
    } else {
        let moment = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        Duration::try_from(moment.duration_since(now)).unwrap_or_default()
    };
    Some(wait.min(LONGEST))
}
