//! What people get wrong in YAML, and what to do about it.

use granit_parser::{ErrorKind, ScanError};

use super::Span;
use crate::config::diagnostic::Diagnostic;

/// The parser's error as a diagnostic, with a hint where the line shows what was meant.
pub(super) fn explain(error: &ScanError, text: &str) -> Diagnostic {
    let marker = error.marker();
    let characters = || text.char_indices().nth(marker.index()).map(|(at, _)| at);
    let at = marker.byte_offset().or_else(characters).unwrap_or(text.len()).min(text.len());
    let end =
        text[at..].chars().next().filter(|it| *it != '\n').map_or(at, |it| at + it.len_utf8());
    let line_start = text[..at].rfind('\n').map_or(0, |it| it + 1);
    let line = text[line_start..].lines().next().unwrap_or_default();
    // The parser may notice a line late: an unclosed brace is seen at the next key.
    let before = text[..line_start].lines().next_back().unwrap_or_default();
    let unquoted = |mark: &str| is_unquoted(line, mark) || is_unquoted(before, mark);

    let message = if is_tab(error.kind()) {
        "a tab where only spaces may stand".to_owned()
    } else {
        error.kind().to_string()
    };
    let diagnostic = Diagnostic::error(Span { start: at, end }, message);
    let hint = match error.kind() {
        it if is_tab(it) => Some("indent with spaces"),
        ErrorKind::RecursionLimitExceeded => {
            return Diagnostic {
                message: "too deep: at most 32 levels are read".into(),
                ..diagnostic
            };
        }
        ErrorKind::InvalidTrailingSingleQuotedScalar => Some(
            "the value begins with a quote, so it ends at the next one: put \"…\" around all of it",
        ),
        ErrorKind::InvalidTrailingDoubleQuotedScalar => Some(
            "the value begins with a quote, so it ends at the next one: put '…' around all of it",
        ),
        ErrorKind::UnclosedQuotedScalar => Some("a quote is never closed"),
        ErrorKind::MissingAnchorOrAliasName => {
            Some("a value that begins with `*` or `&` needs quotes")
        }
        ErrorKind::CommentNotSeparated => Some("a value that holds `#` needs quotes"),
        ErrorKind::InvalidQuotedScalarIndent => Some("a quote above is never closed"),
        ErrorKind::UnknownAnchor => {
            Some("a value that begins with `*` needs quotes, unless it is an alias")
        }
        _ if unquoted("{{") => Some("a template needs quotes: `\"… {{ … }} …\"`"),
        _ if unquoted("${") => Some("between [ ] and { }, a variable needs quotes: `\"${NAME}\"`"),
        ErrorKind::MappingValueNotAllowed => Some("a value that holds `: ` needs quotes"),
        ErrorKind::ExpectedBlockSequenceEntry | ErrorKind::ExpectedBlockMappingKey => {
            Some("indent it like the lines above that it belongs to")
        }
        ErrorKind::DirectiveDisallowed => Some("leave the directive out"),
        ErrorKind::UnexpectedCharacter { .. } => {
            Some("a value that begins with this character needs quotes")
        }
        _ => None,
    };
    match hint {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    }
}

fn is_tab(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabInPlainScalar
            | ErrorKind::TabAtBlockScalarStart
    )
}

/// Whether a mark stands on the line outside of quotes.
fn is_unquoted(line: &str, mark: &str) -> bool {
    let mut quote = None;
    for (at, character) in line.char_indices() {
        match (quote, character) {
            (Some(open), it) if open == it => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, _) if line[at..].starts_with(mark) => return true,
            _ => {}
        }
    }
    false
}
