//! Templates: strings of the configuration that may hold `{{ … }}`.

use std::fmt::Write as _;

use minijinja::{Environment, ErrorKind, Expression, Value};

use super::check::Sees;
use super::form::{Piece, Shape};
use super::limit::{Limited, OUTPUT};
use super::path::{Plain, has_holes};
use super::{Error, Path, Subject, TEMPLATES, check};

/// A string of the configuration that may hold `{{ … }}`.
#[derive(Debug)]
pub struct Template {
    source: Box<str>,
    parts: Parts,
    paths: Vec<Path>,
    lookups: Vec<Path>,
}

#[derive(Debug)]
enum Parts {
    /// No markup: the source itself.
    Literal,
    /// Exactly one path: keeps its native type.
    Path(Plain),
    /// Exactly one `{{ … }}`, which begins at `start`: keeps its native type.
    Native { expression: Expression<'static, 'static>, start: usize, silent: bool },
    /// Literals and paths: always a string.
    Segments(Vec<Segment>),
    /// Text with any markup in it: always a string.
    Text(Environment<'static>),
}

#[derive(Debug)]
enum Segment {
    Literal(Box<str>),
    Path(Plain),
}

impl From<Piece> for Segment {
    fn from(piece: Piece) -> Self {
        match piece {
            Piece::Literal(text) => Self::Literal(text.into()),
            Piece::Path(path) => Self::Path(Plain::new(path)),
        }
    }
}

/// The one template of an environment.
const NAME: &str = "template";

impl Template {
    /// Compiles a template.
    ///
    /// # Errors
    /// What is wrong, where, and what to do.
    pub fn compile(source: &str) -> Result<Self, Error> {
        Self::seeing(source, Sees::Event)
    }

    /// Compiles a template that also sees how the conversation stands: one of a payload.
    ///
    /// # Errors
    /// What is wrong, where, and what to do.
    pub fn on_state(source: &str) -> Result<Self, Error> {
        Self::seeing(source, Sees::State)
    }

    fn seeing(source: &str, sees: Sees) -> Result<Self, Error> {
        let boxed = Box::from(source);
        if !["{{", "{%", "{#"].iter().any(|it| source.contains(it)) {
            let (paths, lookups) = (Vec::new(), Vec::new());
            return Ok(Self { source: boxed, parts: Parts::Literal, paths, lookups });
        }
        let (found, shape) = check::template(source, sees)?;
        let parts = match shape {
            Shape::Native { plain: Some(path), .. } => Parts::Path(Plain::new(path)),
            Shape::Native { silent, plain: None } => {
                let (start, inside) = inside(source);
                let expression = TEMPLATES.compile_expression_owned(inside.to_owned())?;
                Parts::Native { expression, start, silent }
            }
            Shape::Plain(pieces) => {
                Parts::Segments(pieces.into_iter().map(Segment::from).collect())
            }
            Shape::Text => {
                let mut environment = TEMPLATES.clone();
                environment.add_template_owned(NAME, source.to_owned())?;
                Parts::Text(environment)
            }
        };
        Ok(Self { source: boxed, parts, paths: found.paths, lookups: found.lookups })
    }

    /// The paths it reads, in the order of the source.
    pub fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// The paths below `lookup` that it reads, in the order of the source.
    pub fn lookups(&self) -> &[Path] {
        &self.lookups
    }

    /// The value for a subject: of its native type where the template is one expression.
    ///
    /// # Errors
    /// Why it could not be rendered; something missing is an error here.
    pub fn render(&self, subject: &Subject) -> Result<serde_json::Value, Error> {
        match &self.parts {
            Parts::Path(plain) => match plain.read {
                Some(_) => self.render_text(subject).map(Into::into),
                None => to_json(&plain_value(plain, subject)?),
            },
            Parts::Native { silent, .. } => {
                let value = self.native(subject)?;
                if value.is_undefined() && !silent || has_holes(&value) {
                    return Err(self.nothing(subject));
                }
                to_json(&value)
            }
            _ => self.render_text(subject).map(Into::into),
        }
    }

    /// The value for a subject, as text.
    ///
    /// # Errors
    /// Why it could not be rendered; something missing is an error here.
    pub fn render_text(&self, subject: &Subject) -> Result<String, Error> {
        match &self.parts {
            Parts::Literal => Ok(self.source.to_string()),
            Parts::Path(plain) => {
                let mut out = String::new();
                push(&mut out, plain, subject)?;
                Ok(out)
            }
            Parts::Native { silent, .. } => {
                let value = self.native(subject)?;
                if value.is_undefined() && *silent {
                    return Ok(String::new());
                }
                if value.is_undefined() || has_holes(&value) {
                    return Err(self.nothing(subject));
                }
                written(&value)
            }
            Parts::Segments(segments) => {
                let mut out = String::with_capacity(self.source.len());
                for segment in segments {
                    match segment {
                        Segment::Literal(text) => out.push_str(text),
                        Segment::Path(plain) => push(&mut out, plain, subject)?,
                    }
                    if out.len() > OUTPUT {
                        return Err(Error::too_long());
                    }
                }
                Ok(out)
            }
            Parts::Text(environment) => {
                let template = environment.get_template(NAME)?;
                let mut out = Limited::default();
                template
                    .render_captured_to(subject.context(), &mut out)
                    .map(drop)
                    .map_err(|it| self.explain(it, 0, subject))?;
                Ok(out.into_string())
            }
        }
    }

    fn native(&self, subject: &Subject) -> Result<Value, Error> {
        let Parts::Native { expression, start, .. } = &self.parts else {
            unreachable!("only asked of a native template")
        };
        expression.eval(subject.context()).map_err(|it| self.explain(it, *start, subject))
    }

    /// The error of the engine, with what is missing named.
    fn explain(&self, error: minijinja::Error, shift: usize, subject: &Subject) -> Error {
        let range = error.range().map(|it| it.start + shift..it.end + shift);
        if error.kind() != ErrorKind::UndefinedError {
            return Error { range, ..Error::from(error) };
        }
        let absent = |it: &&Path| it.value(subject).is_undefined();
        let within = |it: &&Path| {
            range.as_ref().is_none_or(|at| at.start <= it.range.end && it.range.start <= at.end)
        };
        let paths = || self.paths.iter().chain(&self.lookups);
        let named = paths().filter(within).find(absent);
        if let Some(path) = named.or_else(|| paths().find(absent)) {
            return Error::missing(&path.name, Some(path.range.clone()));
        }
        let place = range.clone().and_then(|it| self.source.get(it)).unwrap_or(&self.source);
        Error::missing(place.trim(), range)
    }

    /// The error of an expression that came to nothing.
    fn nothing(&self, subject: &Subject) -> Error {
        let mut paths = self.paths.iter().chain(&self.lookups);
        let absent = paths.find(|it| it.value(subject).is_undefined());
        match absent {
            Some(path) => Error::missing(&path.name, Some(path.range.clone())),
            None => Error::missing(inside(&self.source).1.trim(), None),
        }
    }
}

/// What stands between the braces of a template that is one expression, and where it begins.
fn inside(source: &str) -> (usize, &str) {
    let marks = ['-', '+'];
    let start = source.len() - source.trim_start().len() + 2;
    let inside = source.trim().get(2..).and_then(|it| it.strip_suffix("}}")).unwrap_or_default();
    let stripped = inside.strip_prefix(marks).unwrap_or(inside);
    let start = start + inside.len() - stripped.len();
    (start, stripped.strip_suffix(marks).unwrap_or(stripped))
}

fn plain_value(plain: &Plain, subject: &Subject) -> Result<Value, Error> {
    let value = plain.path.value(subject);
    if value.is_undefined() {
        return Err(Error::missing(&plain.path.name, Some(plain.path.range.clone())));
    }
    Ok(value)
}

fn push(out: &mut String, plain: &Plain, subject: &Subject) -> Result<(), Error> {
    if let Some(read) = plain.read {
        let missing = || Error::missing(&plain.path.name, Some(plain.path.range.clone()));
        out.push_str(read(subject.view()).ok_or_else(missing)?);
    } else {
        out.push_str(&written(&plain_value(plain, subject)?)?);
    }
    if out.len() > OUTPUT { Err(Error::too_long()) } else { Ok(()) }
}

/// A value as the engine writes it into a text.
fn written(value: &Value) -> Result<String, Error> {
    let mut out = Limited::default();
    write!(out, "{value}").map_err(|_| Error::too_long())?;
    Ok(out.into_string())
}

/// A value with its own type.
fn to_json(value: &Value) -> Result<serde_json::Value, Error> {
    let error = |it: serde_json::Error| Error { message: it.to_string(), hint: None, range: None };
    if value.as_str().is_some_and(|it| it.len() > OUTPUT) {
        return Err(Error::too_long());
    }
    if value.as_object().is_some() {
        // Measured first: a list may hold the same long text many times.
        serde_json::to_writer(Limited::default(), value).map_err(error)?;
    }
    serde_json::to_value(value).map_err(error)
}
