//! What is wrong with a file: every problem at once, each with its place and what to do.

use std::fmt;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde_json::{Value, json};

use super::conceal;
use super::yaml::Span;

/// Nobody reads more; a file with more is not one of ours.
const MOST: usize = 100;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used, but is probably not what was meant.
    Warning,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What to do about it.
    pub hint: Option<String>,
    /// Other places that belong to it, and why.
    pub related: Vec<(Span, &'static str)>,
}

impl Diagnostic {
    /// Something that cannot be used.
    pub fn error(span: Span, message: impl Into<String>) -> Self {
        let (message, hint, related) = (message.into(), None, Vec::new());
        Self { severity: Severity::Error, message, span, hint, related }
    }

    /// Something that is probably not meant.
    pub fn warning(span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(span, message) }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Adds another place.
    #[must_use]
    pub fn related(mut self, span: Span, label: &'static str) -> Self {
        self.related.push((span, label));
        self
    }
}

/// Everything wrong with one file. Neither secrets nor values of the environment are printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Diagnostics {
    name: Arc<str>,
    text: Arc<str>,
    list: Vec<Diagnostic>,
    /// Places of secrets.
    hidden: Vec<Span>,
    /// Every secret's place is in `hidden`; otherwise they are guessed from the text too.
    exact: bool,
    /// Texts of secrets.
    values: Vec<String>,
}

impl Diagnostics {
    /// No diagnostics yet, of a file of this name.
    pub(super) fn new(name: &str, text: &str) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
            list: Vec::new(),
            hidden: Vec::new(),
            exact: false,
            values: Vec::new(),
        }
    }

    /// The same file, and what must not be seen of it, without diagnostics.
    pub(super) fn fresh(&self) -> Self {
        Self { list: Vec::new(), ..self.clone() }
    }

    /// The file's text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn error(&mut self, span: Span, message: impl Into<String>) {
        self.push(Diagnostic::error(span, message));
    }

    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        // An alias repeats its anchor's text, and so its mistakes.
        let room = self.list.len() < MOST || !self.has_errors();
        if room && !self.list.contains(&diagnostic) {
            self.list.push(diagnostic);
        }
    }

    /// Makes pieces of the file unreadable in snippets.
    pub(super) fn hide(&mut self, spans: impl IntoIterator<Item = Span>) {
        self.hidden.extend(spans);
    }

    /// Says that every place of a secret is known, so that none need be guessed.
    pub(super) fn know_every_secret(&mut self) {
        self.exact = true;
    }

    /// Keeps a value out of every message.
    pub(super) fn hide_value(&mut self, value: &str) {
        // Shorter values would make holes in ordinary words.
        if value.len() >= 4 {
            self.values.push(value.to_owned());
            // Longest first: a value may hold another.
            self.values.sort_by_key(|it| std::cmp::Reverse(it.len()));
        }
    }

    /// The problems, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = Diagnostic> {
        let mut list = self.list.clone();
        list.sort_by_key(|it| it.span);
        for diagnostic in &mut list {
            for value in &self.values {
                diagnostic.message = diagnostic.message.replace(value, "***");
                diagnostic.hint = diagnostic.hint.take().map(|it| it.replace(value, "***"));
            }
        }
        list.into_iter()
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether the file cannot be used.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|it| it.severity == Severity::Error)
    }

    /// The messages alone, in the order of the file.
    pub fn messages(&self) -> Vec<String> {
        self.iter().map(|it| it.message).collect()
    }

    /// For a terminal or a log: place, snippet and hint of each problem.
    pub fn render(&self, color: bool) -> String {
        let text = conceal::conceal(&self.text, &self.hidden, self.exact);
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let reports = self.iter().map(|it| renderer.render(&[self.group(&it, &text)]));
        reports.collect::<Vec<_>>().join("\n\n")
    }

    fn group<'a>(&'a self, it: &Diagnostic, text: &'a str) -> annotate_snippets::Group<'a> {
        let level = match it.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let place = |span: Span| {
            // A problem that spans lines is shown at its first.
            let start = span.start.min(text.len());
            let line = text[start..].find('\n').map_or(text.len(), |it| start + it);
            start..span.end.clamp(start, line)
        };
        let mut snippet = Snippet::source(text)
            .path(&*self.name)
            .annotation(AnnotationKind::Primary.span(place(it.span)));
        for (span, label) in &it.related {
            snippet = snippet.annotation(AnnotationKind::Context.span(place(*span)).label(*label));
        }
        let group = level.primary_title(it.message.clone()).element(snippet);
        match &it.hint {
            Some(hint) => group.element(Level::HELP.message(hint.clone())),
            None => group,
        }
    }

    /// For programs: one object per problem. Lines and columns count from 1, columns in
    /// characters.
    pub fn to_json(&self) -> Value {
        let place = |span: Span| {
            let (line, column) = self.position(span.start);
            let (end_line, end_column) = self.position(span.end);
            json!({"line": line, "column": column, "end_line": end_line, "end_column": end_column})
        };
        self.iter()
            .map(|it| {
                let related = it.related.iter().map(|(span, label)| {
                    let mut place = place(*span);
                    place["message"] = (*label).into();
                    place
                });
                let mut object = place(it.span);
                object["severity"] = match it.severity {
                    Severity::Error => "error".into(),
                    Severity::Warning => "warning".into(),
                };
                object["file"] = (&*self.name).into();
                object["message"] = it.message.clone().into();
                object["hint"] = it.hint.clone().into();
                object["related"] = related.collect();
                object
            })
            .collect()
    }

    fn position(&self, byte: usize) -> (usize, usize) {
        let before = &self.text[..self.text.floor_char_boundary(byte)];
        let line_start = before.rfind('\n').map_or(0, |it| it + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl fmt::Debug for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_has_its_place_in_json() {
        let mut diagnostics = Diagnostics::new("a.yaml", "a: ü\nb: ö x");
        let start = "a: ü\nb: ö ".len();
        diagnostics.push(Diagnostic::warning(Span { start, end: start + 1 }, "no").hint("yes"));
        let json = diagnostics.to_json();
        assert_eq!(
            json[0],
            json!({"severity": "warning", "file": "a.yaml", "message": "no", "hint": "yes",
                "line": 2, "column": 6, "end_line": 2, "end_column": 7, "related": []})
        );
    }

    #[test]
    fn a_value_of_the_environment_is_not_in_a_message() {
        let mut diagnostics = Diagnostics::new("a.yaml", "a: ${A}");
        diagnostics.hide_value("hunter2");
        diagnostics.error(Span::default(), "`hunter2` is no number");
        assert_eq!(diagnostics.messages(), ["`***` is no number"]);
    }
}
