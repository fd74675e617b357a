//! What an answer means by its HTTP status alone, where the other side says nothing more precise.

use super::Outcome;
use crate::client::Response;

/// What becomes of a call that was answered with a status which says that it did not work, in the
/// words of the other side.
pub(super) fn outcome(answer: &Response, said: &str) -> Outcome {
    let reason = reason(answer.status, said);
    match answer.status {
        408 | 425 | 429 | 500..=599 => Outcome::Retry { reason, after: answer.retry_after() },
        _ => Outcome::Refused { reason },
    }
}

/// A status and what was said with it: `404: no such page`.
pub(super) fn reason(status: u16, said: &str) -> String {
    if said.is_empty() { format!("it answered {status}") } else { format!("{status}: {said}") }
}

/// Whether the other side took it.
pub(super) fn is_success(answer: &Response) -> bool {
    (200..300).contains(&answer.status)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_may_work_later_is_tried_again_and_nothing_else() {
        for status in [408, 425, 429, 500, 502, 503, 504, 599] {
            let headers = vec![("retry-after".to_owned(), "7".to_owned())];
            let answer = Response { status, headers, ..Response::default() };
            let reason = format!("{status}: busy");
            let after = Some(Duration::from_secs(7));
            assert_eq!(outcome(&answer, "busy"), Outcome::Retry { reason, after });
        }
        for status in [301, 400, 401, 404, 409, 410, 422, 451] {
            let answer = Response { status, ..Response::default() };
            let expected = Outcome::refused(format!("it answered {status}"));
            assert_eq!(outcome(&answer, ""), expected);
        }
    }
}
