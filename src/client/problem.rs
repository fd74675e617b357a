//! What is wrong, read from a response the same way for every API.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde_json::Value;

use super::{Problem, Response};
use crate::lenient;

/// The most of a body that is repeated where it is no JSON.
const EXCERPT: usize = 200;

impl Response {
    /// How long the header `retry-after` asks to wait: seconds, or an HTTP date, which counts from
    /// the response's own `date`, so that no clock but the API's is asked.
    pub fn retry_after(&self) -> Option<Duration> {
        let value = self.header("retry-after")?.trim();
        if let Ok(seconds) = value.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let moment = |text: &str| -> Option<Timestamp> {
            Some(rfc2822::parse(text.trim()).ok()?.timestamp())
        };
        let wait = moment(value)?.duration_since(moment(self.header("date")?)?);
        Some(wait.try_into().unwrap_or_default())
    }

    /// The body as JSON; `None` where it is none.
    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// A problem with this status, in the words that stand under these keys of the body, joined by
    /// colons; whatever else the body is stands for itself.
    pub(super) fn problem(&self, body: Option<&Value>, keys: &[&str]) -> Problem {
        let word = |value: &Value| match value {
            Value::Null => None,
            Value::Object(_) | Value::Array(_) => Some(value.to_string()),
            value => lenient::text(value),
        };
        let mut words: Vec<String> = Vec::new();
        for said in keys.iter().filter_map(|key| word(body?.get(key)?)) {
            if !words.contains(&said) {
                words.push(said);
            }
        }
        let message = if words.is_empty() {
            let body = String::from_utf8_lossy(&self.body);
            let excerpt: String = body.trim().chars().take(EXCERPT).collect();
            if excerpt.is_empty() { "the answer is empty".to_owned() } else { excerpt }
        } else {
            words.join(": ")
        };
        Problem { status: self.status, message, retry_after: self.retry_after() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(headers: &[(&str, &str)]) -> Response {
        let headers = headers.iter().map(|it| (it.0.to_owned(), it.1.to_owned())).collect();
        Response { status: 429, headers, body: "slow down".into() }
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let date = ("date", "Tue, 24 Nov 2026 10:00:00 GMT");
        for (headers, expected) in [
            (vec![("retry-after", "30")], Some(30)),
            (vec![("retry-after", "Tue, 24 Nov 2026 10:01:05 GMT"), date], Some(65)),
            (vec![("retry-after", "Tue, 24 Nov 2026 09:00:00 GMT"), date], Some(0)),
            (vec![("retry-after", "Tue, 24 Nov 2026 10:01:05 GMT")], None),
            (vec![("retry-after", "-5")], None),
            (vec![("retry-after", "soon"), date], None),
            (vec![], None),
        ] {
            let expected = expected.map(Duration::from_secs);
            assert_eq!(answer(&headers).retry_after(), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_problem_speaks_with_the_words_of_the_body() {
        let said = |body: &str| {
            let response = Response { status: 400, body: body.to_owned().into(), ..answer(&[]) };
            response.problem(response.json().as_ref(), &["error", "message", "details"]).message
        };
        assert_eq!(said(r#"{"error":"no","message":"because"}"#), "no: because");
        assert_eq!(said(r#"{"error":"no","message":"no"}"#), "no");
        assert_eq!(said(r#"{"error":"no","details":{"page":0}}"#), r#"no: {"page":0}"#);
        assert_eq!(said("<html>bad gateway"), "<html>bad gateway");
        assert_eq!(said(""), "the answer is empty");
        assert_eq!(said("[1]"), "[1]");
    }
}
