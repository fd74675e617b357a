//! The router: which routes want an event. Pure: no I/O, no clock, no state.

use std::collections::HashSet;
use std::sync::Arc;

use crate::event::Draft;
use crate::expression::{Condition, Error, Subject};

/// One route, compiled.
pub struct Route {
    /// Its name; unique.
    pub name: Arc<str>,
    /// Sources, providers or accounts it listens to; empty: all.
    pub from: HashSet<String>,
    /// Kinds it listens to, each `a.b` or `a.*`; empty: all.
    pub on: Vec<String>,
    /// The condition.
    pub when: Option<Condition>,
    /// Destinations, in order.
    pub to: Vec<Arc<str>>,
    /// Later routes are not asked once this one matched.
    pub stop: bool,
    /// Only asked when no other route matched.
    pub otherwise: bool,
    /// Also takes events that are told after the fact.
    pub history: bool,
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
    /// Set when the condition could not be evaluated: the delivery is dead from the start.
    pub failed: Option<Error>,
}

/// The routing table.
#[derive(Default)]
pub struct Table {
    routes: Vec<Route>,
}

impl Table {
    /// A table over routes, in the order of the file.
    pub fn new(routes: Vec<Route>) -> Self {
        Self { routes }
    }

    /// The deliveries that an event needs.
    pub fn route(&self, source: &str, draft: &Draft, subject: &Subject) -> Vec<Routed> {
        let mut routed = Vec::new();
        let mut matched = false;
        let (last, first): (Vec<&Route>, Vec<&Route>) =
            self.routes.iter().partition(|it| it.otherwise);
        for route in first.into_iter().chain(last) {
            if route.otherwise && matched {
                break;
            }
            if !route.listens(source, draft) {
                continue;
            }
            let failed = match route.when.as_ref().map(|it| it.holds(subject)) {
                Some(Ok(false)) => continue,
                Some(Err(error)) => Some(error),
                Some(Ok(true)) | None => None,
            };
            for (index, destination) in (0..).zip(&route.to) {
                routed.push(Routed {
                    route: route.name.clone(),
                    destination: destination.clone(),
                    index,
                    failed: failed.clone(),
                });
            }
            matched = true;
            if route.stop {
                break;
            }
        }
        routed
    }
}

impl Route {
    fn listens(&self, source: &str, draft: &Draft) -> bool {
        let channel = &draft.facts.channel;
        let from = &self.from;
        let kind = draft.kind.as_str();
        (self.history || !draft.historical)
            && (from.is_empty()
                || from.contains(source)
                || from.contains(&channel.provider)
                || from.contains(&channel.account))
            && (self.on.is_empty() || self.on.iter().any(|it| kind_matches(it, kind)))
    }
}

/// Whether `a.b` or `a.*` takes a kind.
fn kind_matches(pattern: &str, kind: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => kind.starts_with(prefix),
        None => pattern == kind,
    }
}
