//! Paths: names below `event`, read without the engine where they stand alone.

use std::ops::Range;

use minijinja::Value;
use minijinja::value::ValueKind;

use super::Subject;
use super::subject::View;

/// A path that a source reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// With dots, list elements as numbers: `event.status.errors.0.code`.
    pub name: String,
    /// Where it stands in the source, in bytes.
    pub range: Range<usize>,
    /// It has steps in brackets.
    pub(super) indexed: bool,
}

impl Path {
    /// Its value; undefined where a step is missing.
    pub(super) fn value(&self, subject: &Subject) -> Value {
        subject.value_at(self.name.split('.'))
    }
}

/// Whether something missing stands anywhere in a list or mapping that an expression made.
pub(super) fn has_holes(value: &Value) -> bool {
    let hole = |it: &Value| it.is_undefined() || has_holes(it);
    match value.kind() {
        ValueKind::Seq => value.try_iter().is_ok_and(|mut items| items.any(|it| hole(&it))),
        ValueKind::Map => value
            .try_iter()
            .is_ok_and(|mut keys| keys.any(|key| value.get_item(&key).is_ok_and(|it| hole(&it)))),
        _ => false,
    }
}

/// Reads a text out of an event where it lies.
type Read = for<'a> fn(&'a View) -> Option<&'a str>;

/// A path that stands alone, compiled.
#[derive(Debug)]
pub(super) struct Plain {
    pub(super) path: Path,
    /// For the texts that routes use all the time: no value is made.
    pub(super) read: Option<Read>,
}

impl Plain {
    pub(super) fn new(path: Path) -> Self {
        let read: Option<Read> = match &*path.name {
            "event.kind" => Some(|it| Some(it.kind().as_str())),
            "event.source" => Some(|it| Some(it.source())),
            "event.text" | "event.message.text" => Some(View::text),
            "event.provider" | "event.channel.provider" => {
                Some(|it| Some(&it.facts().channel.provider))
            }
            "event.account" | "event.channel.account" => {
                Some(|it| Some(&it.facts().channel.account))
            }
            "event.channel.address" => Some(|it| it.facts().channel.address.as_deref()),
            "event.contact.id" => Some(|it| Some(&it.facts().contact.as_ref()?.id)),
            "event.contact.name" => Some(|it| it.facts().contact.as_ref()?.name.as_deref()),
            "event.contact.phone" => Some(|it| it.facts().contact.as_ref()?.phone.as_deref()),
            "event.contact.wa_id" => Some(|it| it.facts().contact.as_ref()?.wa_id.as_deref()),
            "event.message.id" => Some(|it| Some(&it.facts().message.as_ref()?.id)),
            "event.message.type" => Some(|it| Some(&it.facts().message.as_ref()?.kind)),
            "event.status.status" => Some(|it| Some(&it.facts().status.as_ref()?.status)),
            _ => None,
        };
        Self { path, read }
    }

    /// Whether it is there and not empty.
    pub(super) fn holds(&self, subject: &Subject) -> bool {
        match self.read {
            Some(read) => read(subject.view()).is_some_and(|it| !it.is_empty()),
            None => self.path.value(subject).is_true(),
        }
    }

    /// Whether it is a text, and one that passes.
    pub(super) fn is(&self, subject: &Subject, passes: impl Fn(&str) -> bool) -> bool {
        match self.read {
            Some(read) => read(subject.view()).is_some_and(passes),
            None => self.path.value(subject).as_str().is_some_and(passes),
        }
    }
}
