//! What FlowIQ's answers mean: `{success, message, data}`, or `{success: false, error, message?}`.
//!
//! Sources: docs.flowapt.com/flowiq-api-reference/endpoint/send-whatsapp, and the errors of the
//! reference, which are the same for every endpoint.

use std::time::Duration;

use serde_json::Value;

use crate::client::{Problem, Response, flowiq};
use crate::config::Secret;
use crate::destination::{Outcome, Scope, credential, status};
use crate::lenient::first;

/// How long a refusal lasts that somebody ends at FlowIQ, without telling us.
const A_WHILE: Duration = Duration::from_hours(1);

/// What an answer means.
pub(super) fn outcome(answer: &Response, token: &Secret, tenant: &str) -> Outcome {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let Some(problem) = problem(answer, &body) else {
        let places = [&body["data"], &body];
        let id = places.into_iter().find_map(|it| first(it, &["message_id", "id"]));
        return id.map_or_else(Outcome::delivered, Outcome::received);
    };
    let said = credential::struck(&problem.message, [token]);
    let reason = status::reason(answer.status, &said);
    match answer.status {
        401 => Outcome::pause(scope(token), reason, None),
        403 => Outcome::pause(scope(token), reason, Some(A_WHILE)),
        404 if is_about_the_tenant(&said) => {
            Outcome::pause(Scope::Account(tenant.to_owned()), reason, Some(A_WHILE))
        }
        404 => Outcome::refused(format!("{reason}; FlowIQ writes only to contacts that it knows")),
        // The status says that it worked, and the body that it did not: it will not the next time.
        200..=299 => Outcome::refused(said),
        _ => status::outcome(answer, &said),
    }
}

/// What is wrong. A message that was taken is no problem only because its answer is no JSON: it
/// would be sent once more.
fn problem(answer: &Response, body: &Value) -> Option<Problem> {
    let is_taken = status::is_success(answer) && body.is_null();
    (flowiq::API.problem)(answer).filter(|_| !is_taken)
}

/// The reference has two sorts of 404: the tenant is not known, or what was looked for.
fn is_about_the_tenant(said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    ["organization", "organisation", "tenant"].iter().any(|it| said.contains(it))
}

/// What the token is paused by.
pub(super) fn scope(token: &Secret) -> Scope {
    Scope::Credential(credential::name(token))
}
