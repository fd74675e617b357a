//! What is recorded of a request and its answer: enough to understand them, and no secret. Pure.

use crate::client::{Outgoing, Response};
use crate::config::Secret;

mod needle;

use needle::Needles;

/// How much of a body is recorded, in bytes.
const BODY: usize = 4 * 1_024;

/// What stands in place of a secret.
const STRUCK_OUT: &str = "***";

/// What is recorded of a request: method, URL, content type and the first 4 KiB of its body.
///
/// Every occurrence of every secret is struck out: as it is, percent-encoded, escaped as JSON
/// does, or anywhere inside base64. A secret shorter than 4 bytes is not looked for.
pub fn request(outgoing: &Outgoing, secrets: &[Secret]) -> String {
    let url = without_credentials(&outgoing.url);
    let kind = outgoing.headers.iter().find(|it| it.0.eq_ignore_ascii_case("content-type"));
    let kind = kind.map_or(String::new(), |it| format!("\ncontent-type: {}", it.1.expose()));
    let head = format!("{} {url}{kind}", outgoing.method);
    recorded(&head, &outgoing.body, secrets)
}

/// What is recorded of an answer: its status and the first 4 KiB of its body, with secrets struck
/// out as in a [`request`].
pub fn answer(response: &Response, secrets: &[Secret]) -> String {
    recorded(&response.status.to_string(), &response.body, secrets)
}

/// A short text, with secrets struck out as in a [`request`].
pub fn text(text: &str, secrets: &[Secret]) -> String {
    recorded(text, b"", secrets)
}

/// A URL without user and password, which belong to no one but the two ends.
fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{STRUCK_OUT}{}", &rest[at..]),
        None => url.to_owned(),
    }
}

fn recorded(head: &str, body: &[u8], secrets: &[Secret]) -> String {
    let needles = Needles::of(secrets);
    // What begins within the limit is looked at whole: a secret that lies across the cut is struck
    // out like any other, and what lies behind the cut is not shown.
    let reach = needles.reach();
    let shown = body.len().min(BODY);
    let seen = &body[..body.len().min(shown + reach)];
    let mut text = struck_out(head, head.len(), &needles);
    if !body.is_empty() {
        // A body that is not text is shown as far as it is.
        let seen_text = String::from_utf8_lossy(seen);
        let limit = if seen.len() == shown { seen_text.len() } else { shown };
        text.push_str("\n\n");
        text.push_str(&struck_out(&seen_text, limit, &needles));
    }
    if body.len() > shown {
        text.push_str("\n… ");
        text.push_str(&body.len().to_string());
        text.push_str(" bytes in all");
    }
    // What was struck out may have brought the parts of another secret together.
    loop {
        let again = struck_out(&text, text.len(), &needles);
        if again == text {
            return text;
        }
        text = again;
    }
}

/// The text up to a limit, with everything struck out that a needle finds in it or across it.
fn struck_out(text: &str, limit: usize, needles: &Needles) -> String {
    let mut out = String::with_capacity(limit.min(text.len()));
    let mut hidden = 0;
    for (at, char) in text.char_indices().take_while(|(at, _)| *at < limit) {
        if let Some(end) = needles.end(text, at) {
            if at >= hidden {
                out.push_str(STRUCK_OUT);
            }
            hidden = hidden.max(end);
        }
        if at >= hidden {
            out.push(char);
        }
    }
    out
}

#[cfg(test)]
mod tests;
