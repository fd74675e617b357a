//! Syntax errors, explained to people who know other languages.

use std::ops::Range;

use minijinja::ErrorKind;

use super::Error;

/// Operators of other languages, the longest first, and what is written here.
const FOREIGN: &[(&str, &str)] = &[
    ("!==", "!="),
    ("===", "=="),
    ("&&", "and"),
    ("||", "or"),
    ("=~", "is matching(…)"),
    ("??", "| default(…)"),
    ("->", "."),
    ("?.", "."),
    ("!", "not"),
    ("=", "=="),
];

/// Operators of ours that begin like a foreign one.
const OWN: &[&str] = &["==", "!=", "<=", ">="];

/// The error of a parser, where `shift` bytes were put before the source.
pub(super) fn explain(
    source: &str,
    error: &minijinja::Error,
    shift: usize,
    condition: bool,
) -> Error {
    let range = error.range().map(|it| {
        // The lexer counts an unknown letter as one byte.
        let start = source.floor_char_boundary(it.start.saturating_sub(shift));
        start..source.ceil_char_boundary(it.end.saturating_sub(shift)).max(start)
    });
    if condition && source.trim_start().starts_with("{{") {
        return Error::at("a condition has no `{{ }}` around it", 0..source.len())
            .hint("write the expression alone");
    }
    // In a template the fault lies in the last `{{` or `{%` before its place.
    let end = range.as_ref().map_or(source.len(), |it| it.start);
    let before = source.get(..end).unwrap_or(source);
    let open = before.rfind("{{").max(before.rfind("{%")).filter(|_| !condition);
    if let Some((at, foreign, ours)) = scan(source, open.map_or(0, |it| it + 2)) {
        return Error::at(format!("`{foreign}` is not known here"), at)
            .hint(format!("write `{ours}`"));
    }
    let hint = (error.kind() == ErrorKind::BadEscape)
        .then(|| "write `'\\\\'` for a backslash in quotes".to_owned());
    let message = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    Error { message, hint, range }
}

/// The first operator of another language from a place on, and what is written here.
fn scan(source: &str, start: usize) -> Option<(Range<usize>, &'static str, &'static str)> {
    let mut quote = None;
    let mut at = start;
    while let Some(letter) = source.get(at..)?.chars().next() {
        let rest = &source[at..];
        let mut step = letter.len_utf8();
        match quote {
            Some(_) if letter == '\\' => {
                step += rest[1..].chars().next()?.len_utf8();
            }
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            None if rest.starts_with("}}") || rest.starts_with("%}") => return None,
            None => {
                let foreign = FOREIGN.iter().find(|(it, _)| rest.starts_with(it));
                let own = OWN.iter().find(|it| rest.starts_with(**it));
                match (foreign, own) {
                    (Some((it, _)), Some(own)) if it.len() <= own.len() => step = own.len(),
                    (Some((it, ours)), _) => {
                        return Some((at..at + it.len(), it, ours));
                    }
                    (None, Some(own)) => step = own.len(),
                    (None, None) => {}
                }
            }
        }
        at += step;
    }
    None
}
