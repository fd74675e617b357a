//! What every simulator asks of a request, and how it counts what comes too fast.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Asked;
use super::parameter::decoded;

/// Headers that HTTP itself, a proxy or tracing brings along: no document lists them.
const HTTP: &[&str] = &[
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "forwarded",
    "host",
    "te",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "user-agent",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
];

impl Asked {
    /// What stands in the places of a template such as `/agent/{agent_id}/chat`, decoded; `None`
    /// when the path is another.
    pub(super) fn matches(&self, template: &str) -> Option<BTreeMap<String, String>> {
        let mut places = BTreeMap::new();
        let mut given = self.path.trim_end_matches('/').split('/');
        for expected in template.split('/') {
            let segment = given.next()?;
            match expected.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
                Some(name) => drop(places.insert(name.to_owned(), decoded(segment)?)),
                None if expected == segment => {}
                None => return None,
            }
        }
        given.next().is_none().then_some(places)
    }

    /// The first header that neither HTTP itself nor the document knows.
    pub(super) fn strange_header(&self, known: &[&str]) -> Option<&str> {
        let known = |name: &str| HTTP.contains(&name) || known.contains(&name);
        self.headers.iter().map(|it| &*it.0).find(|name| !known(name))
    }

    /// The first parameter of the query that the document does not know.
    pub(super) fn strange_parameter(&self, known: &[&str]) -> Option<&str> {
        self.query.iter().map(|it| &*it.0).find(|name| !known.contains(name))
    }

    /// The parts of a form by name, as text; `None` when the body is none.
    pub(super) fn parts(&self) -> Option<Vec<(String, String)>> {
        let media = self.header("content-type")?;
        let boundary = media.strip_prefix("multipart/form-data")?.split_once("boundary=")?.1;
        let boundary = boundary.split(';').next()?.trim().trim_matches('"');
        // The first delimiter has no line break before it.
        let body = format!("\r\n{}", String::from_utf8_lossy(&self.body));
        let delimiter = format!("\r\n--{boundary}");
        let mut sections = body.split(&*delimiter).skip(1);
        let mut parts = Vec::new();
        loop {
            let section = sections.next()?;
            if section.starts_with("--") {
                return Some(parts);
            }
            let (head, content) = section.split_once("\r\n\r\n")?;
            let name = head.split_once("; name=\"")?.1.split_once('"')?.0;
            parts.push((name.to_owned(), content.to_owned()));
        }
    }

    /// The body as a JSON object.
    ///
    /// # Errors
    /// What a JavaScript server says of it: all of the APIs here are such.
    pub(super) fn fields(&self) -> Result<Map<String, Value>, String> {
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(fields)) => Ok(fields),
            Ok(_) => Err("the body is not a JSON object".to_owned()),
            Err(error) => Err(complaint(&String::from_utf8_lossy(&self.body), &error)),
        }
    }
}

/// In the words of `JSON.parse`.
fn complaint(text: &str, error: &serde_json::Error) -> String {
    let before: usize =
        text.lines().take(error.line().saturating_sub(1)).map(|it| it.len() + 1).sum();
    let at = (before + error.column()).saturating_sub(1);
    match text.get(at..).and_then(|it| it.chars().next()) {
        Some(found) if !error.is_eof() => {
            format!("Unexpected token {found} in JSON at position {at}")
        }
        _ => "Unexpected end of JSON input".to_owned(),
    }
}

/// The first field of an object that is not among these.
pub(super) fn strange_field<'a>(fields: &'a Map<String, Value>, known: &[&str]) -> Option<&'a str> {
    fields.keys().map(String::as_str).find(|name| !known.contains(name))
}

/// What a deed answers whose arguments do not fit: how it is asked for. `None`: there is none.
pub(super) fn unfit(deeds: &[&str], deed: &str) -> Option<Value> {
    let usage = deeds.iter().find(|it| it.split(' ').next() == Some(deed))?;
    Some(json!({ "error": format!("the deed is `{usage}`") }))
}

/// At most so many within any stretch of so long.
pub(super) struct Rate {
    most: usize,
    within: Duration,
    taken: VecDeque<Timestamp>,
}

impl Rate {
    pub(super) fn new(most: usize, within: Duration) -> Self {
        Self { most, within, taken: VecDeque::new() }
    }

    /// Takes one.
    ///
    /// # Errors
    /// How long to wait for the next.
    pub(super) fn take(&mut self, now: Timestamp) -> Result<(), Duration> {
        let age = |then: Timestamp| now.duration_since(then).unsigned_abs();
        while self.taken.front().is_some_and(|it| age(*it) >= self.within) {
            self.taken.pop_front();
        }
        if self.taken.len() < self.most {
            self.taken.push_back(now);
            return Ok(());
        }
        Err(self.taken.front().map_or(self.within, |it| self.within.saturating_sub(age(*it))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_matched_and_what_stands_in_it_is_decoded() {
        let asked = |path: &str| Asked { path: path.into(), ..Asked::default() };
        let template = "/agent/{agent_id}/chat";
        assert_eq!(asked("/agent/a%2Fb/chat").matches(template).unwrap()["agent_id"], "a/b");
        for other in ["/agent/a", "/agent/a/chat/b", "/agents/a/chat", "/agent/%zz/chat", ""] {
            assert!(asked(other).matches(template).is_none(), "{other}");
        }
    }

    #[test]
    fn the_first_of_a_full_window_says_when_there_is_room() {
        let mut rate = Rate::new(2, Duration::from_mins(1));
        let at = |second: i64| Timestamp::from_second(1_000 + second).unwrap();
        assert_eq!(rate.take(at(0)), Ok(()));
        assert_eq!(rate.take(at(20)), Ok(()));
        assert_eq!(rate.take(at(30)), Err(Duration::from_secs(30)));
        assert_eq!(rate.take(at(60)), Ok(()));
        assert_eq!(rate.take(at(61)), Err(Duration::from_secs(19)));
    }

    #[test]
    fn a_broken_body_is_told_as_javascript_tells_it() {
        for (body, expected) in [
            ("{\"a\":}", "Unexpected token } in JSON at position 5"),
            ("{\n\"a\": 1,\n}", "Unexpected token } in JSON at position 10"),
            ("{\"a\":", "Unexpected end of JSON input"),
        ] {
            let asked = Asked { body: body.into(), ..Asked::default() };
            assert_eq!(asked.fields().unwrap_err(), expected);
        }
    }
}
