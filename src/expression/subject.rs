//! What conditions and templates see: `event`, and right before an attempt how its conversation
//! stands.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use minijinja::Value;
use minijinja::value::{Enumerator, Object, Serde};
use serde::Serialize;

use super::State;
use crate::event::{Draft, Event, Facts, Kind};

/// An event as expressions see it. A section becomes a value when it is first asked for, and is
/// kept: a thousand conditions over one event pay for it once.
#[derive(Clone, Debug)]
pub struct Subject(Arc<Root>);

/// The variables of an expression.
#[derive(Debug)]
struct Root {
    event: Arc<View>,
    state: Option<(Value, Value)>,
}

/// `event`.
#[derive(Debug)]
pub(super) struct View {
    origin: Origin,
    sections: [OnceLock<Value>; SECTIONS.len()],
}

#[derive(Debug)]
enum Origin {
    /// On its way in: the journal has given it nothing yet.
    Draft { source: Arc<str>, draft: Arc<Draft>, body: Bytes },
    /// From the journal.
    Event(Arc<Event>),
}

/// Names that hold one value.
const SCALARS: [&str; 13] = [
    "kind",
    "source",
    "text",
    "provider",
    "account",
    "time",
    "historical",
    "id",
    "sequence",
    "received",
    "correlation",
    "cause",
    "hops",
];

/// Names that hold more than one value.
const SECTIONS: [&str; 19] = [
    "contact",
    "channel",
    "conversation",
    "message",
    "status",
    "call",
    "group",
    "template",
    "identity",
    "preference",
    "handover",
    "notice",
    "comment",
    "lead",
    "flow",
    "agent",
    "fields",
    "unmapped",
    "raw",
];

impl Subject {
    /// A draft on its way in, with the body its raw fragment points into.
    pub fn draft(source: Arc<str>, draft: Arc<Draft>, body: Bytes) -> Self {
        Self::over(Origin::Draft { source, draft, body })
    }

    /// An event from the journal.
    pub fn event(event: Arc<Event>) -> Self {
        Self::over(Origin::Event(event))
    }

    fn over(origin: Origin) -> Self {
        let view = View { origin, sections: [const { OnceLock::new() }; SECTIONS.len()] };
        Self(Arc::new(Root { event: Arc::new(view), state: None }))
    }

    /// The same, with what is known right before an attempt.
    #[must_use]
    pub fn with(self, state: &State) -> Self {
        let view = |it: &Arc<Event>| {
            let subject = Self::event(Arc::clone(it));
            Value::from_dyn_object(Arc::clone(&subject.0.event))
        };
        let events = state.events.iter().map(view).collect();
        Self(Arc::new(Root {
            event: Arc::clone(&self.0.event),
            state: Some((state.value(), events)),
        }))
    }

    /// The variables of an expression.
    pub(super) fn context(&self) -> Value {
        Value::from_dyn_object(Arc::clone(&self.0))
    }

    pub(super) fn view(&self) -> &View {
        &self.0.event
    }

    /// The value at the end of the steps; undefined where one is missing.
    pub(super) fn value_at<'a>(&self, mut steps: impl Iterator<Item = &'a str>) -> Value {
        let start = match steps.next() {
            None => return Value::UNDEFINED,
            Some("event") => match steps.next() {
                None => return Value::from_dyn_object(Arc::clone(&self.0.event)),
                Some(first) => self.0.event.get(first).unwrap_or(Value::UNDEFINED),
            },
            Some(root) => self.0.get_value_by_str(root).unwrap_or(Value::UNDEFINED),
        };
        steps.fold(start, |value, step| match step.parse::<usize>() {
            Ok(index) if value.get_attr(step).is_ok_and(|it| it.is_undefined()) => {
                value.get_item_by_index(index).unwrap_or(Value::UNDEFINED)
            }
            _ => value.get_attr(step).unwrap_or(Value::UNDEFINED),
        })
    }
}

impl Object for Root {
    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        if key == "event" {
            return Some(Value::from_dyn_object(Arc::clone(&self.event)));
        }
        let (state, events) = self.state.as_ref()?;
        if key == "events" {
            return Some(events.clone());
        }
        state.get_attr(key).ok().filter(|it| !it.is_undefined())
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }
}

impl View {
    pub(super) fn kind(&self) -> &Kind {
        match &self.origin {
            Origin::Draft { draft, .. } => &draft.kind,
            Origin::Event(event) => &event.kind,
        }
    }

    pub(super) fn source(&self) -> &str {
        match &self.origin {
            Origin::Draft { source, .. } => source,
            Origin::Event(event) => &event.source,
        }
    }

    pub(super) fn facts(&self) -> &Facts {
        match &self.origin {
            Origin::Draft { draft, .. } => &draft.facts,
            Origin::Event(event) => &event.facts,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        self.facts().message.as_ref()?.text.as_deref()
    }

    fn get(&self, name: &str) -> Option<Value> {
        if let Some(index) = SECTIONS.iter().position(|it| *it == name) {
            let kept = &self.sections[index];
            let value = kept.get_or_init(|| self.section(name).unwrap_or(Value::UNDEFINED));
            return (!value.is_undefined()).then(|| value.clone());
        }
        let channel = &self.facts().channel;
        let (draft, event) = match &self.origin {
            Origin::Draft { draft, .. } => (Some(draft), None),
            Origin::Event(event) => (None, Some(event)),
        };
        Some(match name {
            "kind" => self.kind().as_str().into(),
            "source" => self.source().into(),
            "text" => self.text()?.into(),
            "provider" => channel.provider.as_str().into(),
            "account" => channel.account.as_str().into(),
            "time" => match draft {
                Some(draft) => draft.time?.to_string().into(),
                None => event?.time.to_string().into(),
            },
            "historical" => match draft {
                Some(draft) => draft.historical.into(),
                None => event?.historical.into(),
            },
            "id" => event?.id.to_string().into(),
            // A string, as on the wire: not every receiver can hold such a number.
            "sequence" => event?.sequence.to_string().into(),
            "received" => event?.received.to_string().into(),
            "correlation" => event?.correlation.to_string().into(),
            "cause" => event?.cause?.to_string().into(),
            "hops" => event?.hops.into(),
            _ => return None,
        })
    }

    fn section(&self, name: &str) -> Option<Value> {
        // Destructured, so that a new section cannot be forgotten here.
        let Facts {
            contact,
            channel,
            conversation,
            message,
            status,
            call,
            group,
            template,
            identity,
            preference,
            handover,
            notice,
            comment,
            lead,
            flow,
            agent,
            fields,
            unmapped,
        } = self.facts();
        match name {
            "contact" => whole(contact.as_ref()),
            "channel" => whole(Some(channel)),
            "conversation" => {
                let stated = Value::from(Serde(conversation));
                let Origin::Event(event) = &self.origin else { return Some(stated) };
                let pairs = stated.try_iter().into_iter().flatten();
                let pairs =
                    pairs.filter_map(|key| Some((key.clone(), stated.get_item(&key).ok()?)));
                let id = event.conversation.map(|it| ("id".into(), it.to_string().into()));
                Some(Value::from_pairs(pairs.chain(id)))
            }
            "message" => whole(message.as_ref()),
            "status" => whole(status.as_ref()),
            "call" => whole(call.as_ref()),
            "group" => whole(group.as_ref()),
            "template" => whole(template.as_ref()),
            "identity" => whole(identity.as_ref()),
            "preference" => whole(preference.as_ref()),
            "handover" => whole(handover.as_ref()),
            "notice" => whole(notice.as_ref()),
            "comment" => whole(comment.as_ref()),
            "lead" => whole(lead.as_ref()),
            "flow" => whole(flow.as_ref()),
            "agent" => whole(agent.as_ref()),
            "fields" => whole(Some(fields).filter(|it| !it.is_empty())),
            "unmapped" => whole(unmapped.as_ref()),
            "raw" => {
                let raw = match &self.origin {
                    Origin::Draft { draft, body, .. } => body.get(draft.raw.clone())?,
                    Origin::Event(event) => &event.raw,
                };
                let raw: serde_json::Value = serde_json::from_slice(raw).unwrap_or_else(|_| {
                    // As on the wire: what is no JSON is a string of its bytes.
                    String::from_utf8_lossy(raw).trim().into()
                });
                Some(Value::from(Serde(raw)))
            }
            _ => None,
        }
    }
}

fn whole<T: Serialize>(section: Option<&T>) -> Option<Value> {
    section.map(|it| Value::from(Serde(it)))
}

impl Object for View {
    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.get(key)
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get(key.as_str()?)
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let names = SCALARS.iter().chain(&SECTIONS);
        Enumerator::Values(
            names.filter(|it| self.get(it).is_some()).map(|it| Value::from(*it)).collect(),
        )
    }
}
