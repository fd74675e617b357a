//! What conditions and templates see: `event`, and nothing else.

use std::sync::Arc;

use bytes::Bytes;
use minijinja::value::{Object, Serde};
use minijinja::{Value, context};

use crate::event::{Draft, Event, Facts};

/// An event as expressions see it. Sections are turned into values only when they are asked for.
#[derive(Clone, Debug)]
pub struct Subject(Arc<Inner>);

#[derive(Debug)]
enum Inner {
    /// On its way in: it has no conversation id yet.
    Draft { source: Arc<str>, draft: Arc<Draft>, body: Bytes },
    /// From the journal.
    Event(Arc<Event>),
}

impl Subject {
    /// A draft on its way in, with the body its raw fragment points into.
    pub fn draft(source: Arc<str>, draft: Arc<Draft>, body: Bytes) -> Self {
        Self(Arc::new(Inner::Draft { source, draft, body }))
    }

    /// An event from the journal.
    pub fn event(event: Arc<Event>) -> Self {
        Self(Arc::new(Inner::Event(event)))
    }

    /// The variables of an expression.
    pub(super) fn context(&self) -> Value {
        context! { event => Value::from_dyn_object(Arc::clone(&self.0)) }
    }
}

impl Inner {
    fn facts(&self) -> &Facts {
        match self {
            Self::Draft { draft, .. } => &draft.facts,
            Self::Event(event) => &event.facts,
        }
    }
}

impl Object for Inner {
    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let facts = self.facts();
        let message = facts.message.as_ref();
        match key {
            "kind" => Some(match &**self {
                Self::Draft { draft, .. } => draft.kind.as_str().into(),
                Self::Event(event) => event.kind.as_str().into(),
            }),
            "source" => Some(match &**self {
                Self::Draft { source, .. } => Value::from(&**source),
                Self::Event(event) => event.source.as_str().into(),
            }),
            "text" => message.and_then(|it| it.text.as_deref()).map(Value::from),
            "contact" => facts.contact.as_ref().map(|it| Value::from(Serde(it))),
            "channel" => Some(Value::from(Serde(&facts.channel))),
            "conversation" => Some(Value::from(Serde(&facts.conversation))),
            "message" => message.map(|it| Value::from(Serde(it))),
            "status" => facts.status.as_ref().map(|it| Value::from(Serde(it))),
            "raw" => {
                let raw = match &**self {
                    Self::Draft { draft, body, .. } => body.slice(draft.raw.clone()),
                    Self::Event(event) => event.raw.clone(),
                };
                let raw: serde_json::Value = serde_json::from_slice(&raw).ok()?;
                Some(Value::from(Serde(raw)))
            }
            _ => None,
        }
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }
}
