//! The router: which routes want an event. Pure: no I/O, no clock, no state.

mod collect;
mod index;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

pub use collect::Collect;

use crate::event::Draft;
use crate::expression::{Condition, Error, Payload, Subject};
use index::Index;

/// One route, compiled.
#[derive(Debug)]
pub struct Route {
    /// Its name; unique.
    pub name: Arc<str>,
    /// Sources, providers or accounts it listens to; empty: all.
    pub from: HashSet<String>,
    /// Kinds it listens to, each `a.b`, `a.*` or `*`; empty: all.
    pub on: Vec<String>,
    /// The condition.
    pub when: Option<Condition>,
    /// The condition on how the conversation stands right before the attempt: where it holds, the
    /// delivery is skipped.
    pub unless: Option<Condition>,
    /// What becomes of the files of its messages.
    pub files: Files,
    /// How a burst of a conversation is gathered into one call.
    pub collect: Option<Collect>,
    /// Destinations, in order.
    pub to: Vec<Target>,
    /// Later routes are not asked once this one matched.
    pub stop: bool,
    /// Only asked when no other route matched.
    pub otherwise: bool,
    /// Also takes events that are told after the fact.
    pub history: bool,
}

/// What becomes of files, right before the attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Files {
    /// They stay where the provider told they are.
    #[default]
    Told,
    /// They are fetched, and links of ours lead to them.
    Fetched,
}

/// One entry of a route's `to`.
#[derive(Debug)]
pub struct Target {
    /// The destination.
    pub destination: Arc<str>,
    /// What is sent instead of the destination's default payload.
    pub payload: Option<Payload>,
}

/// A delivery that a route asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routed {
    /// The route.
    pub route: Arc<str>,
    /// The destination.
    pub destination: Arc<str>,
    /// Which of the route's `to` it is.
    pub index: u16,
    /// How a burst is gathered into one call.
    pub collect: Option<Collect>,
    /// Set when the condition could not be evaluated: the delivery is dead from the start.
    pub failed: Option<Error>,
}

/// What became of one route when an event was routed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The route.
    pub route: Arc<str>,
    /// Whether it asks for deliveries.
    pub matched: bool,
    /// Why, or why not.
    pub why: Why,
}

/// Why a route matched, or did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It listens, and its condition holds or it has none.
    Matched,
    /// Its condition could not be evaluated: it matched, with dead deliveries.
    Failed(Error),
    /// Its `from` names neither source, provider nor account.
    OtherSources,
    /// Its `on` does not take the kind.
    OtherKinds,
    /// The event is told after the fact, and the route does not say `history: include`.
    Historical,
    /// Its condition is false.
    ConditionFalse,
    /// A route before it matched and says `stop: true`.
    StoppedBy(Arc<str>),
    /// It says `otherwise: true`, and another route matched.
    AnotherMatched,
}

impl Why {
    /// Whether the route asks for deliveries.
    pub fn matched(&self) -> bool {
        matches!(self, Self::Matched | Self::Failed(_))
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matched => f.write_str("it matches"),
            Self::Failed(error) => write!(f, "its condition failed: {error}"),
            Self::OtherSources => f.write_str("it listens to other sources"),
            Self::OtherKinds => f.write_str("it listens to other kinds"),
            Self::Historical => f.write_str("the event is historical"),
            Self::ConditionFalse => f.write_str("its condition is false"),
            Self::StoppedBy(route) => write!(f, "`{route}` stopped before it"),
            Self::AnotherMatched => f.write_str("another route matched"),
        }
    }
}

/// The routing table.
#[derive(Debug, Default)]
pub struct Table {
    /// In the order they are asked: that of the file, `otherwise` last.
    routes: Vec<Route>,
    index: Index,
    names: HashMap<Arc<str>, usize>,
}

impl Table {
    /// A table over routes, in the order of the file.
    pub fn new(mut routes: Vec<Route>) -> Self {
        routes.sort_by_key(|it| it.otherwise);
        let index = Index::over(&routes);
        let names = routes.iter().enumerate();
        let names = names.map(|(at, it)| (Arc::clone(&it.name), at)).collect();
        Self { routes, index, names }
    }

    /// The deliveries that an event needs.
    pub fn route(&self, source: &str, draft: &Draft, subject: &Subject) -> Vec<Routed> {
        let mut routed = Vec::new();
        let candidates = self.index.candidates(source, draft);
        let candidates = candidates.into_iter().map(|at| &self.routes[at]);
        ask(candidates, source, draft, subject, |route, why| {
            if !why.matched() {
                return true;
            }
            let failed = match why {
                Why::Failed(error) => Some(error),
                _ => None,
            };
            routed.extend((0..).zip(&route.to).map(|(index, target)| Routed {
                route: Arc::clone(&route.name),
                destination: Arc::clone(&target.destination),
                index,
                collect: route.collect,
                failed: failed.clone(),
            }));
            !route.stop
        });
        routed
    }

    /// What becomes of every route, in the order they are asked.
    pub fn explain(&self, source: &str, draft: &Draft, subject: &Subject) -> Vec<Explained> {
        let mut explained = Vec::with_capacity(self.routes.len());
        ask(&self.routes, source, draft, subject, |route, why| {
            let matched = why.matched();
            explained.push(Explained { route: Arc::clone(&route.name), matched, why });
            true
        });
        explained
    }

    /// The route of a name: deliveries are rendered from it when they are attempted.
    pub fn route_named(&self, name: &str) -> Option<&Route> {
        self.names.get(name).map(|at| &self.routes[*at])
    }

    /// Every route, in the order they are asked.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }
}

/// Asks routes in turn, until `told` says that it has heard enough.
fn ask<'a>(
    routes: impl IntoIterator<Item = &'a Route>,
    source: &str,
    draft: &Draft,
    subject: &Subject,
    mut told: impl FnMut(&'a Route, Why) -> bool,
) {
    let mut matched = false;
    let mut stopped: Option<&Arc<str>> = None;
    for route in routes {
        let why = if let Some(why) = route.refuses(source, draft) {
            why
        } else if let Some(by) = stopped {
            Why::StoppedBy(Arc::clone(by))
        } else if route.otherwise && matched {
            Why::AnotherMatched
        } else {
            match route.when.as_ref().map(|it| it.holds(subject)) {
                Some(Ok(false)) => Why::ConditionFalse,
                Some(Err(error)) => Why::Failed(error),
                Some(Ok(true)) | None => Why::Matched,
            }
        };
        if why.matched() {
            matched = true;
            stopped = route.stop.then_some(&route.name);
        }
        if !told(route, why) {
            return;
        }
    }
}

impl Route {
    /// Why it does not listen to an event, if it does not.
    fn refuses(&self, source: &str, draft: &Draft) -> Option<Why> {
        let channel = &draft.facts.channel;
        let kind = draft.kind.as_str();
        let from = |it: &str| self.from.contains(it);
        if !(self.from.is_empty()
            || from(source)
            || from(&channel.provider)
            || from(&channel.account))
        {
            return Some(Why::OtherSources);
        }
        if !(self.on.is_empty() || self.on.iter().any(|it| takes(it, kind))) {
            return Some(Why::OtherKinds);
        }
        (draft.historical && !self.history).then_some(Why::Historical)
    }
}

/// Whether `a.b`, `a.*` or `*` takes a kind.
pub(crate) fn takes(pattern: &str, kind: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => kind.starts_with(prefix),
        None => pattern == kind,
    }
}
