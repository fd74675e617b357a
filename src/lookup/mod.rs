//! Lookups: what a route asks elsewhere right before an attempt, and what the answer means. Pure;
//! the delivery engine sends.
//!
//! A kind of lookup is one file here and one line in [`REGISTRY`]. Waiting, remembering and what
//! follows from a failure are the delivery engine's.

mod flowiq;
mod flowxo;
mod policy;
#[cfg(test)]
mod tests;
mod url;
mod wording;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::client::{Api, Outgoing, Problem, Response};
use crate::config::Secret;
use crate::expression::Subject;

pub use policy::{Common, OnError, Policy};
pub use wording::Wording;

/// Every kind of lookup, in alphabetical order. Add yours here.
pub const REGISTRY: &[Entry] = &[
    Entry::of::<flowiq::Contact>(),
    Entry::of::<flowiq::Messages>(),
    Entry::of::<flowxo::Conversation>(),
    Entry::of::<flowxo::Messages>(),
    Entry::of::<url::Http>(),
];

/// What a lookup asks, and how it reads the answer.
pub trait Ask: Send + Sync + 'static {
    /// The request for an event.
    ///
    /// # Errors
    /// Why there is none: something that it needs is missing, or is not what the other side takes.
    fn request(&self, subject: &Subject, now: Timestamp) -> Result<Outgoing, String>;

    /// What came back; `None`: the other side knows nothing of what was asked for.
    ///
    /// # Errors
    /// Why the answer is of no use.
    fn read(&self, answer: &Response) -> Result<Option<Value>, Failure>;

    /// What must never be shown.
    fn secrets(&self) -> Vec<Secret>;
}

/// Why a lookup found nothing that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub reason: String,
    /// Not to be asked again before so long, if the other side said so.
    pub after: Option<Duration>,
}

impl Failure {
    /// A failure after which nothing speaks against asking again.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), after: None }
    }
}

/// How a kind of lookup is defined, beside [`Ask`].
pub trait Define: Ask + Sized {
    /// The word after `kind:`. Lower-case, with dots.
    const KIND: &'static str;
    /// One sentence for the reference of the settings.
    const SUMMARY: &'static str;
    /// What the operator writes under `lookup:`.
    type Config: DeserializeOwned + JsonSchema;

    /// Builds it, refusing settings that could never work.
    ///
    /// # Errors
    /// A sentence for the operator, without the lookup's name.
    fn new(config: Self::Config) -> Result<Self, String>;
}

/// A lookup of a route.
#[derive(Clone)]
pub struct Lookup {
    /// Its name: `customer` is `lookup.customer` in expressions.
    pub name: Arc<str>,
    /// How it is made.
    pub policy: Policy,
    /// What it asks.
    pub ask: Arc<dyn Ask>,
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookup").field("name", &self.name).finish_non_exhaustive()
    }
}

/// One line of the [`REGISTRY`].
pub struct Entry {
    /// See [`Define::KIND`].
    pub kind: &'static str,
    /// See [`Define::SUMMARY`].
    pub summary: &'static str,
    /// The schema of [`Define::Config`].
    pub own_schema: fn() -> Schema,
    /// Builds it from what stands under its name, without `kind` and [`Common`].
    build: fn(Value) -> Result<Arc<dyn Ask>, String>,
}

impl Entry {
    const fn of<D: Define>() -> Self {
        Self {
            kind: D::KIND,
            summary: D::SUMMARY,
            own_schema: || schemars::schema_for!(D::Config),
            build: |config| {
                let config = serde_json::from_value(config).map_err(|it| it.to_string())?;
                Ok(Arc::new(D::new(config)?))
            },
        }
    }

    /// The schema of everything that may stand under such a lookup but `kind`.
    pub fn schema(&self) -> Value {
        let mut schema = (self.own_schema)().to_value();
        let common = common_schema();
        for section in ["properties", "$defs"] {
            let Some(common) = common[section].as_object() else { continue };
            if !schema[section].is_object() {
                schema[section] = Value::Object(serde_json::Map::new());
            }
            let Some(own) = schema[section].as_object_mut() else { continue };
            for (name, it) in common {
                own.entry(name).or_insert_with(|| it.clone());
            }
        }
        schema
    }

    /// The lookup of a name, from everything that stands under it but `kind`. `at_home`: the
    /// gateway is reached on this machine only.
    ///
    /// # Errors
    /// A sentence for the operator, without the lookup's name.
    pub fn lookup(&self, name: &str, mut settings: Value, at_home: bool) -> Result<Lookup, String> {
        let mut common = serde_json::Map::new();
        if let Some(settings) = settings.as_object_mut() {
            let names = Common::NAMES.iter();
            common.extend(names.filter_map(|it| settings.remove_entry(*it)));
        }
        let common: Common = serde_json::from_value(common.into()).map_err(|it| it.to_string())?;
        Ok(Lookup {
            name: name.into(),
            policy: common.policy(at_home),
            ask: (self.build)(settings)?,
        })
    }
}

/// The schema of what may stand under any lookup.
pub fn common_schema() -> Value {
    schemars::schema_for!(Common).to_value()
}

/// The kind of lookup of that name.
pub fn find(kind: &str) -> Option<&'static Entry> {
    REGISTRY.iter().find(|it| it.kind == kind)
}

/// Where an API is: without a slash at its end.
fn base_url(text: &str) -> Result<String, String> {
    crate::http::verify_url(text).map_err(|it| format!("`base_url` {it}"))?;
    Ok(text.trim_end_matches('/').to_owned())
}

/// A secret that has to be there.
fn needed(secret: Secret, name: &str) -> Result<Secret, String> {
    if secret.is_empty() { Err(format!("`{name}` is empty")) } else { Ok(secret) }
}

/// The answer of one of our APIs. What it has never heard of is nothing, and no failure.
fn answer_of(api: &Api, answer: &Response) -> Result<Option<Value>, Failure> {
    match (api.problem)(answer) {
        None => json(answer),
        Some(Problem { status: 404, .. }) => Ok(None),
        Some(problem) => Err(Failure {
            reason: format!("{} answered {problem}", api.name),
            after: problem.retry_after,
        }),
    }
}

fn json(answer: &Response) -> Result<Option<Value>, Failure> {
    serde_json::from_slice(&answer.body)
        .map(Some)
        .map_err(|_| Failure::new("the answer is no JSON"))
}
