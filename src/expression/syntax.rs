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
    let shifted = |it: usize| it.saturating_sub(shift).min(source.len());
    let range = error.range().map(|it| shifted(it.start)..shifted(it.end));
    if condition && source.trim_start().starts_with("{{") {
        return Error::at("a condition has no `{{ }}` around it", 0..source.len())
            .hint("write the expression alone");
    }
    // In a template the fault lies in the last `{{` or `{%` before its place.
    let end = range.as_ref().map_or(source.len(), |it| it.start);
    let before = source.get(..end).unwrap_or(source);
    let start = match condition {
        true => 0,
        false => before.rfind("{{").max(before.rfind("{%")).map_or(0, |it| it + 2),
    };
    let found = scan(source, start);
    match found {
        Some(Fault::Escape(at, letter)) if error.kind() == ErrorKind::BadEscape => {
            Error::at(format!("`\\{letter}` is no escape"), at)
                .hint(format!("write `'\\\\{letter}'`: a backslash in quotes is doubled"))
        }
        Some(Fault::Foreign(at, foreign, ours)) => {
            Error::at(format!("`{foreign}` is not known here"), at).hint(format!("write `{ours}`"))
        }
        _ => {
            let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
            Error { message: detail, hint: None, range }
        }
    }
}

enum Fault {
    Escape(Range<usize>, char),
    Foreign(Range<usize>, &'static str, &'static str),
}

/// The first thing that comes from another language, from a place on.
fn scan(source: &str, start: usize) -> Option<Fault> {
    let mut quote = None;
    let mut at = start;
    while let Some(letter) = source.get(at..)?.chars().next() {
        let rest = &source[at..];
        let mut step = letter.len_utf8();
        match quote {
            Some(_) if letter == '\\' => {
                let escaped = rest[1..].chars().next()?;
                step += escaped.len_utf8();
                if !"\"\\/'bfnrtu".contains(escaped) {
                    return Some(Fault::Escape(at..at + step, escaped));
                }
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
                        return Some(Fault::Foreign(at..at + it.len(), it, ours));
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
