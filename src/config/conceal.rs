//! Keeps secrets out of the snippets of diagnostics.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::yaml::{Entry, Node, Span, Value};

/// Words that make the value of a setting a secret. The text is searched for them too, so that a
/// file that cannot be parsed, or a misspelt setting, gives nothing away.
const WORDS: &str = "secret|token|passw|credential|api_?key|private_?key|access_?key|debug_?key|\
    authorization|headers|trigger_?url";

static SECRET: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&format!("(?i){WORDS}")).expect("a constant"));

/// A line that sets a secret: what stands before it, the key, and the value.
static SECRET_LINE: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = format!(r#"(?im)(?:^|[\s{{,])["']?[\w.-]*(?:{WORDS})[\w.-]*["']?\s*:(.*)$"#);
    Regex::new(&pattern).expect("a constant")
});

/// What stands before the host of a URL: a name and a password, or a token.
static CREDENTIALS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"://([^/\s@]*:\S*|[^/\s@]+)@").expect("a constant"));

/// A reference to a variable: its name is no secret, its default may be one.
static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"\$\{file:[^}]*|\$\{[A-Za-z0-9_]*(?::\?[^}]*|:-)?";
    Regex::new(pattern).expect("a constant")
});

/// Whether a setting of this name holds a secret.
pub(super) fn is_secret(key: &str) -> bool {
    SECRET.is_match(key)
}

/// The secrets of a tree, by the names of their settings: where each stands, and its text.
pub(super) fn secrets(node: &Node) -> Vec<(Span, &str)> {
    let mut found = Vec::new();
    collect(node, false, &mut found);
    found
}

fn collect<'a>(node: &'a Node, secret: bool, found: &mut Vec<(Span, &'a str)>) {
    match &node.value {
        Value::Scalar(scalar) if secret => found.push((node.span, &scalar.text)),
        Value::Scalar(_) | Value::Unknown => {}
        Value::List(nodes) => nodes.iter().for_each(|it| collect(it, secret, found)),
        Value::Map(entries) => {
            for Entry { key, value, .. } in entries {
                collect(value, secret || is_secret(key), found);
            }
        }
    }
}

/// The text with its secrets replaced by stars, byte for byte, so that every place stays where it
/// is. Unless the places are all there are, secrets are guessed from the lines that look like one.
pub(super) fn conceal(text: &str, hidden: &[Span], exact: bool) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let lines = (!exact).then(|| SECRET_LINE.captures_iter(text));
    let lines = lines.into_iter().flatten().flat_map(|it| value(text, &it));
    let passwords = CREDENTIALS.captures_iter(text).filter_map(|it| Some(it.get(1)?.range()));
    let places = hidden.iter().map(|it| it.start..it.end).chain(lines).chain(passwords);
    for place in places {
        let Some(piece) = text.get(place.clone()) else { continue };
        let visible: Vec<Range<usize>> = REFERENCE.find_iter(piece).map(|it| it.range()).collect();
        for (at, byte) in piece.bytes().enumerate() {
            let structure = b"\"'[]{}, \r\n\t".contains(&byte);
            if !structure && !visible.iter().any(|it| it.contains(&at)) {
                bytes[place.start + at] = b'*';
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Where the value of a secret stands: the rest of its line, without the settings behind it in a
/// flow map, and the deeper lines below.
fn value(text: &str, found: &regex::Captures<'_>) -> Vec<Range<usize>> {
    let Some(rest) = found.get(1) else { return Vec::new() };
    let mut places = vec![rest.range()];
    let line_start = text[..rest.start()].rfind('\n').map_or(0, |it| it + 1);
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '-']).len();
    let depth = indent(&text[line_start..]);
    let mut at = rest.end();
    for line in text[at..].split_inclusive('\n').skip(1) {
        at += 1;
        let line = line.trim_end_matches('\n');
        if !line.trim().is_empty() && indent(line) <= depth {
            break;
        }
        places.push(at..at + line.len());
        at += line.len();
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_parsed_gives_nothing_away() {
        let cases = [
            ("token: hunter2", "token: *******"),
            ("a: { api_key: hunter2, b: [", "a: { api_key: *******, ** ["),
            (
                "app_secrets:\n  - hunter2\n  - x\nnext: 1",
                "app_secrets:\n  * *******\n  * *\nnext: 1",
            ),
            ("password: |\n  hunter2\nb: 1", "password: *\n  *******\nb: 1"),
            ("token: \"${TOKEN:-hunter2}\"", "token: \"${TOKEN:-*******}\""),
            ("broker: amqp://guest:hunter2@host", "broker: amqp://*************@host"),
            ("broker: amqp://guest:hunter2@@host", "broker: amqp://**************@host"),
            ("url: https://hunter2@host/x@y", "url: https://*******@host/x@y"),
            ("url: https://host/x@y:z@w", "url: https://host/x@y:z@w"),
            ("routing_key: x", "routing_key: x"),
        ];
        for (text, expected) in cases {
            assert_eq!(conceal(text, &[], false), expected);
        }
    }
}
