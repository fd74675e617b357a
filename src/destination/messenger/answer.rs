//! What the Send API's answers mean, by code and subcode: its messages change.
//!
//! Sources: <https://developers.facebook.com/docs/messenger-platform/error-codes>,
//! <https://developers.facebook.com/docs/graph-api/guides/error-handling>,
//! <https://developers.facebook.com/docs/graph-api/overview/rate-limiting>.

use std::time::Duration;

use serde_json::Value;

use crate::client::{Response, graph};
use crate::destination::status;
use crate::lenient::{integer, text};

/// What a refusal means, before it is known what was sent. All speak in Meta's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It may work later, and not before so long.
    Later(String, Option<Duration>),
    /// It will never work.
    Never(String),
    /// The token is refused, for so long or until there is another.
    Credential(String, Option<Duration>),
    /// The account may not send for so long.
    Account(String, Duration),
    /// The contact's last message is more than a day old.
    Window(String),
}

/// What a code stands for.
#[derive(Clone, Copy)]
enum Class {
    Later,
    /// Not before so many seconds, where Meta does not say when.
    Throttled(u64),
    /// Until there is another token.
    Token,
    /// A permission is missing, which may be granted without anybody telling us.
    Permission,
    Blocked,
    Window,
    Never,
}

/// Codes with their subcodes; without a subcode, every one that has no row of its own.
const TABLE: &[(i64, Option<i64>, Class)] = &[
    // Internal errors.
    (-2, None, Class::Later),
    (1, None, Class::Later),
    (2, None, Class::Later),
    (1200, None, Class::Later),
    // Limits: of the app, the user, the page, a call; of messages of Messenger and Instagram.
    (4, None, Class::Throttled(60)),
    (17, None, Class::Throttled(60)),
    (32, None, Class::Throttled(60)),
    (341, None, Class::Throttled(60)),
    (613, None, Class::Throttled(5)),
    (80_001, None, Class::Throttled(60)),
    (80_002, None, Class::Throttled(60)),
    (80_006, None, Class::Throttled(60)),
    // The access token.
    (0, None, Class::Token),
    (102, None, Class::Token),
    (104, None, Class::Token),
    (190, None, Class::Token),
    // Permissions.
    (3, None, Class::Permission),
    (10, None, Class::Permission),
    (200, None, Class::Permission),
    // Somebody else than our app was allowed to write to, or may write now.
    (200, Some(2_018_021), Class::Never),
    (200, Some(2_018_027), Class::Never),
    (200, Some(2_018_028), Class::Never),
    (10, Some(2_018_300), Class::Never),
    // The window: Messenger, Messenger in an older version, Instagram.
    (10, Some(2_018_278), Class::Window),
    (10, Some(2_018_065), Class::Window),
    (10, Some(2_534_022), Class::Window),
    // The person cannot be written to.
    (10, Some(2_018_108), Class::Never),
    (200, Some(1_545_041), Class::Never),
    (551, None, Class::Never),
    // Policies.
    (368, None, Class::Blocked),
    // The request. A file that could not be fetched or taken may be there the next time.
    (100, None, Class::Never),
    (100, Some(2_018_008), Class::Later),
    (100, Some(2_018_047), Class::Later),
    (10_303, None, Class::Never),
];

/// A permission that is granted works at once, but nobody says so.
const PERMISSION: Duration = Duration::from_hours(1);

/// How long a block for policies lasts is not said.
const BLOCKED: Duration = Duration::from_hours(1);

/// The id of what is on its way; only messages have one.
///
/// # Errors
/// Why it is not.
pub(super) fn read(answer: &Response) -> Result<Option<String>, Refusal> {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let error = &body["error"];
    if error.is_null() && status::is_success(answer) {
        return Ok(text(&body["message_id"]));
    }
    let said = (graph::API.problem)(answer).map(|it| it.message).unwrap_or_default();
    let code = integer(&error["code"]);
    let subcode = integer(&error["error_subcode"]);
    let Some(class) = code.and_then(|it| class(it, subcode)) else {
        return Err(by_status(answer, &said, error["is_transient"] == true));
    };
    let mut reason = said;
    if let (Some(code), Some(subcode)) = (code, subcode) {
        reason = format!("{reason} ({code}/{subcode})");
    }
    Err(match class {
        Class::Later => Refusal::Later(reason, answer.retry_after()),
        Class::Throttled(seconds) => {
            let wait = regained(answer).or_else(|| answer.retry_after());
            Refusal::Later(reason, Some(wait.unwrap_or(Duration::from_secs(seconds))))
        }
        Class::Token => Refusal::Credential(reason, None),
        Class::Permission => Refusal::Credential(reason, Some(PERMISSION)),
        Class::Blocked => Refusal::Account(reason, BLOCKED),
        Class::Window => Refusal::Window(reason),
        // Meta says of some errors itself that they pass.
        Class::Never if error["is_transient"] == true => Refusal::Later(reason, None),
        Class::Never => Refusal::Never(reason),
    })
}

fn class(code: i64, subcode: Option<i64>) -> Option<Class> {
    let row = |subcode| TABLE.iter().find(|it| it.0 == code && it.1 == subcode).map(|it| it.2);
    let own = subcode.and_then(|it| row(Some(it))).or_else(|| row(None));
    own.or_else(|| (200..300).contains(&code).then_some(Class::Permission))
}

fn by_status(answer: &Response, said: &str, is_transient: bool) -> Refusal {
    let reason = status::reason(answer.status, said);
    match answer.status {
        401 => Refusal::Credential(reason, None),
        408 | 425 | 429 | 500..=599 => Refusal::Later(reason, answer.retry_after()),
        _ if is_transient => Refusal::Later(reason, answer.retry_after()),
        _ => Refusal::Never(reason),
    }
}

/// When the account may call again, in the header that comes with limits: in minutes, for each
/// account and each sort of use.
fn regained(answer: &Response) -> Option<Duration> {
    let usage = answer.header("x-business-use-case-usage")?;
    let usage: Value = serde_json::from_str(usage).ok()?;
    let uses = usage.as_object()?.values().filter_map(Value::as_array).flatten();
    let minutes = uses.filter_map(|it| integer(&it["estimated_time_to_regain_access"])).max()?;
    let minutes = u64::try_from(minutes).ok().filter(|it| (1..=24 * 60).contains(it))?;
    Some(Duration::from_mins(minutes))
}
