//! Which kinds of event a route can meet, and what was meant by one that nobody sends.

use std::collections::{BTreeSet, HashSet};

use super::Names;
use crate::config::suggest;
use crate::config::yaml::{Entry, Node};
use crate::destination;
use crate::event::Kind;
use crate::event::kind::CATALOGUE;
use crate::provider;

impl<'a> Names<'a> {
    /// The names that the sections give.
    pub(in crate::config) fn of(sources: Option<&'a Node>, destinations: Option<&'a Node>) -> Self {
        let named = |section: Option<&'a Node>, selector: &str| {
            let entries = section.map(Node::entries).unwrap_or_default().iter();
            let word = |it: &'a Entry| it.value.get(selector).and_then(Node::text);
            entries
                .map(|it| (&*it.key, word(it).unwrap_or_default(), it.key_span))
                .collect::<Vec<_>>()
        };
        let unordered = |it: &&Entry| {
            let text = |key: &str| it.value.get(key).and_then(Node::text);
            let usual = || destination::find(text("kind")?).map(|it| it.policy.order);
            match text("order") {
                Some(order) => order == "none",
                None => usual() == Some(destination::Order::None),
            }
        };
        let entries = destinations.map(Node::entries).unwrap_or_default().iter();
        Self {
            kinds: Vec::new(),
            sources: named(sources, "provider"),
            destinations: named(destinations, "kind"),
            unordered: entries.filter(unordered).map(|it| &*it.key).collect(),
        }
    }

    /// The kinds that a destination answers with; `None` where no destination has that name.
    pub(super) fn replies(&self, name: &str) -> Option<&'static [Kind]> {
        let (_, kind, _) = self.destinations.iter().find(|(it, ..)| *it == name)?;
        // An unknown kind is reported where it stands; it may well be one that answers.
        Some(destination::find(kind).map_or(ANSWERS, |it| it.replies))
    }

    /// The kinds that a route can meet which listens to destinations alone; `None` for any other.
    pub(super) fn answers(&self, from: &HashSet<String>) -> Option<Vec<Kind>> {
        let replies = from.iter().map(|it| self.replies(it).filter(|it| !it.is_empty()));
        let mut all = replies.collect::<Option<Vec<_>>>()?.concat();
        all.sort();
        all.dedup();
        (!all.is_empty()).then_some(all)
    }

    /// The kinds that a route can meet; none if it takes every kind.
    pub(super) fn kinds(&self, from: &HashSet<String>, on: &[String]) -> Vec<Kind> {
        if let Some(mut answers) = self.answers(from) {
            answers.retain(|it| on.is_empty() || is_on(on, it.as_str()));
            // What can never come was warned of; its paths are those of its kind.
            if !answers.is_empty() {
                return answers;
            }
        }
        taken(on, &self.kinds)
    }
}

/// What a destination of a kind that nobody knows may answer with.
const ANSWERS: &[Kind] = &[Kind::AGENT_REPLIED];

/// Whether `on` takes a kind.
pub(super) fn is_on(on: &[String], kind: &str) -> bool {
    on.iter().any(|it| match it.strip_suffix('*') {
        Some(group) => kind.starts_with(group),
        None => it == kind,
    })
}

/// The kind that was meant; else those of its group; else the groups.
pub(super) fn hint_of_kind(text: &str, known: &BTreeSet<String>) -> String {
    let group = |it: &str| it.split('.').next().map(str::to_owned);
    let groups: BTreeSet<String> = known.iter().filter_map(|it| group(it)).collect();
    let groups: Vec<String> = groups.into_iter().map(|it| format!("{it}.*")).collect();
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    let kinds: Vec<&str> = known.iter().map(String::as_str).collect();
    let near = if text.ends_with('*') { &groups } else { &kinds };
    suggest::near(text, near).unwrap_or_else(|| {
        let same: Vec<&str> = kinds.into_iter().filter(|it| group(it) == group(text)).collect();
        suggest::list(if same.is_empty() { &groups } else { &same })
    })
}

/// The kinds that `on` takes; none if it takes every kind. `own` are those that sources name.
fn taken(on: &[String], own: &[(String, &'static str, String)]) -> Vec<Kind> {
    let known = known_kinds();
    let taken = known.iter().map(String::as_str).filter(|it| is_on(on, it));
    let named = own.iter().map(|(.., it)| &**it).filter(|it| *it != "*" && is_on(on, it));
    // What nobody names is some source's own too; such a kind may carry anything.
    let words = on.iter().map(String::as_str).filter(|it| !known.contains(*it));
    let words = words.filter(|it| !it.ends_with('*'));
    taken.chain(named).chain(words).map(Kind::parse).collect()
}

/// The kinds of the catalogue, and those that providers and destinations name themselves.
pub(super) fn known_kinds() -> BTreeSet<String> {
    let own = provider::REGISTRY.iter().flat_map(|it| it.kinds);
    let replies = destination::REGISTRY.iter().flat_map(|it| it.replies);
    let unmapped = provider::REGISTRY.iter().map(|it| format!("{}.unmapped", it.name));
    let kinds = CATALOGUE.iter().map(|it| &it.kind).chain(own).chain(replies);
    kinds.map(|it| it.as_str().to_owned()).chain(unmapped).collect()
}
