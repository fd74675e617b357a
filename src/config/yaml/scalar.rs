//! What a plain scalar means (YAML 1.2, core schema), and where its characters stand in the file.

use std::ops::Range;

use super::{Scalar, Span};

/// A plain scalar's type and value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Plain {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text,
}

impl Scalar {
    /// The type and value that YAML 1.2 gives it.
    pub(crate) fn resolve(&self) -> Plain {
        if !self.plain {
            return Plain::Text;
        }
        match &*self.text {
            "" | "~" | "null" | "Null" | "NULL" => Plain::Null,
            "true" | "True" | "TRUE" => Plain::Bool(true),
            "false" | "False" | "FALSE" => Plain::Bool(false),
            text => number(text),
        }
    }

    /// Whether it looks like a number that loses characters as one: `0049…`, `+49…`, `1_000`, or
    /// more digits than a double holds.
    pub(crate) fn is_lossy_number(&self) -> bool {
        let digits = self.text.strip_prefix(['+', '-']).unwrap_or(&self.text);
        let number = digits.bytes().all(|it| it.is_ascii_digit() || it == b'_' || it == b'.')
            && digits.bytes().next().is_some_and(|it| it.is_ascii_digit())
            && digits.bytes().filter(|&it| it == b'.').count() <= 1;
        let zero =
            digits.starts_with('0') && digits.as_bytes().get(1).is_some_and(|&it| it != b'.');
        let lossy = self.text.starts_with('+') || zero || digits.contains('_') || digits.len() > 15;
        self.plain && number && lossy
    }
}

fn number(text: &str) -> Plain {
    let radix = |prefix, radix| {
        text.strip_prefix(prefix).and_then(|it| i64::from_str_radix(it, radix).ok())
    };
    if let Some(int) = radix("0x", 16).or_else(|| radix("0o", 8)) {
        return Plain::Int(int);
    }
    let first = text.trim_start_matches(['+', '-']).bytes().next().unwrap_or(b'x');
    if text.bytes().all(|it| b"+-.eE0123456789".contains(&it))
        && (first.is_ascii_digit() || first == b'.')
    {
        if let Ok(int) = text.parse() {
            return Plain::Int(int);
        }
        if let Ok(float) = text.parse::<f64>()
            && float.is_finite()
        {
            return Plain::Float(float);
        }
    }
    Plain::Text
}

/// Walks through a scalar's text and its source side by side, over quotes, escapes, folds and
/// indentation. `None` when they part.
pub(super) fn locate(text: &str, range: &Range<usize>, file: &str, span: Span) -> Option<Span> {
    let source = file.get(span.start..span.end)?;
    let quote = source.chars().next().filter(|it| matches!(it, '"' | '\''));
    let header = if source.starts_with(['|', '>']) { source.find('\n')? } else { 0 };
    let mut rest = header + usize::from(quote.is_some());
    let mut start = None;
    let mut end = rest;
    for (at, character) in text.char_indices() {
        if at >= range.end {
            break;
        }
        rest += skip(source.get(rest..)?, character, quote)?;
        if at >= range.start && start.is_none() {
            start = Some(rest);
        }
        let found = source.get(rest..)?.chars().next()?;
        rest += found.len_utf8();
        if character == '\'' && quote == Some('\'') {
            rest += 1;
        }
        if !character.is_whitespace() || start == Some(end) {
            end = rest;
        }
    }
    let start = span.start + start?;
    Some(Span { start, end: (span.start + end).max(start + 1).min(span.end) })
}

/// How many bytes of the source stand before the character.
fn skip(source: &str, character: char, quote: Option<char>) -> Option<usize> {
    let mut skipped = 0;
    for found in source.chars() {
        if found == character || (found.is_whitespace() && character.is_whitespace()) {
            return Some(skipped);
        }
        if !(found.is_whitespace() || (found == '\\' && quote == Some('"'))) {
            return None;
        }
        skipped += found.len_utf8();
    }
    None
}
