//! What Flow XO's answers mean. No document shows an error, so that its status is all there is.

use std::time::Duration;

use serde_json::Value;

use crate::client::{Response, flowxo};
use crate::config::Secret;
use crate::destination::{Outcome, Scope, credential, status};
use crate::lenient::first;

/// Statuses that say the same of every call with this credential, and for how long; `None`: until
/// there is another.
const REFUSED_CREDENTIALS: &[(u16, Option<Duration>)] =
    &[(401, None), (403, Some(Duration::from_hours(1)))];

/// The same for the URL of a trigger, which is its own credential: the flow may be switched off
/// for a while, or gone.
const REFUSED_TRIGGERS: &[(u16, Option<Duration>)] = &[
    (401, Some(Duration::from_hours(1))),
    (403, Some(Duration::from_hours(1))),
    (404, Some(Duration::from_hours(1))),
    (410, None),
];

/// What an answer of the API or of a bot means.
pub(super) fn of_api(answer: &Response, secret: &Secret) -> Outcome {
    if status::is_success(answer) {
        // What is answered is written down nowhere; an id is one wherever it stands.
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let places = [&body, &body["message"], &body["data"]];
        let id = places.into_iter().find_map(|it| first(it, &["message_id", "id", "_id"]));
        return id.map_or_else(Outcome::delivered, Outcome::received);
    }
    trouble(answer, scope(secret), std::slice::from_ref(secret), REFUSED_CREDENTIALS)
}

/// What an answer to a trigger means. A server that does not know an address often repeats a part
/// of it.
pub(super) fn of_trigger(answer: &Response, url: &Secret, secrets: &[Secret]) -> Outcome {
    if status::is_success(answer) {
        return Outcome::delivered();
    }
    trouble(answer, scope(url), secrets, REFUSED_TRIGGERS)
}

/// What a credential of Flow XO is paused by.
pub(super) fn scope(secret: &Secret) -> Scope {
    Scope::Credential(credential::name(secret))
}

fn trouble(
    answer: &Response,
    scope: Scope,
    secrets: &[Secret],
    refused: &[(u16, Option<Duration>)],
) -> Outcome {
    let said = (flowxo::API.problem)(answer).map(|it| it.message).unwrap_or_default();
    let said = credential::struck(&said, secrets);
    match refused.iter().find(|it| it.0 == answer.status) {
        Some((status, duration)) => {
            Outcome::pause(scope, status::reason(*status, &said), *duration)
        }
        None => status::outcome(answer, &said),
    }
}
