//! The index: which routes could want an event, without asking each of them.

use std::collections::HashMap;

use super::Route;
use crate::event::Draft;

/// Routes by what they listen to. A route is held by its place in the order of asking.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Routes without `from`.
    anywhere: Kinds,
    /// Routes by each entry of their `from`.
    from: HashMap<Box<str>, Kinds>,
}

#[derive(Debug, Default)]
struct Kinds {
    /// Routes without `on`, or with a pattern that is neither `a.b` nor `a.*`.
    any: Vec<usize>,
    /// By `a.b`.
    exact: HashMap<Box<str>, Vec<usize>>,
    /// By the `a` of `a.*`.
    family: HashMap<Box<str>, Vec<usize>>,
}

impl Index {
    pub(super) fn over(routes: &[Route]) -> Self {
        let mut index = Self::default();
        for (at, route) in routes.iter().enumerate() {
            if route.from.is_empty() {
                index.anywhere.add(at, &route.on);
            }
            for name in &route.from {
                index.from.entry(name.as_str().into()).or_default().add(at, &route.on);
            }
        }
        index
    }

    /// Every route that listens to a draft, and perhaps more, in the order of asking.
    pub(super) fn candidates(&self, source: &str, draft: &Draft) -> Vec<usize> {
        let kind = draft.kind.as_str();
        let mut found = Vec::new();
        self.anywhere.find(kind, &mut found);
        if !self.from.is_empty() {
            let channel = &draft.facts.channel;
            for name in [source, &channel.provider, &channel.account] {
                if let Some(kinds) = self.from.get(name) {
                    kinds.find(kind, &mut found);
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl Kinds {
    fn add(&mut self, at: usize, on: &[String]) {
        if on.is_empty() {
            self.any.push(at);
        }
        for pattern in on {
            let list =
                if let Some(family) = pattern.strip_suffix(".*").filter(|it| !it.contains('.')) {
                    self.family.entry(family.into()).or_default()
                } else if pattern.ends_with('*') {
                    &mut self.any
                } else {
                    self.exact.entry(pattern.as_str().into()).or_default()
                };
            list.push(at);
        }
    }

    fn find(&self, kind: &str, found: &mut Vec<usize>) {
        found.extend(&self.any);
        if let Some(list) = self.exact.get(kind) {
            found.extend(list);
        }
        if !self.family.is_empty()
            && let Some((family, _)) = kind.split_once('.')
            && let Some(list) = self.family.get(family)
        {
            found.extend(list);
        }
    }
}
