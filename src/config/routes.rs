//! `routes:`: checked against everything else in the file, and compiled.
//!
//! This is the only file of the configuration that knows the router and the expressions.

mod entry;
mod conditions;
mod kinds;
mod lookups;
mod payloads;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use serde_json::Value as Json;

use super::diagnostic::{Diagnostic, Diagnostics};
use super::yaml::{Entry, Node, Span, Value};
use super::{LookupConfig, shape, suggest};
use crate::destination::{self, Policy, Takes};
use crate::event::{GATEWAY, Kind};
use crate::expression::Payload;
use crate::provider;
use crate::router::{Files, Route, Table, Target};
pub(super) use entry::schema;
use entry::{Gather, Media, Settings};
use kinds::{hint_of_kind, is_on, known_kinds};

/// Names that a route may use.
pub(super) struct Names<'a> {
    /// Each source, with its provider and where it stands.
    pub(super) sources: Vec<(&'a str, &'a str, Span)>,
    /// Each destination, with its kind and where it stands.
    pub(super) destinations: Vec<(&'a str, &'a str, Span)>,
    /// Destinations that keep no order.
    pub(super) unordered: HashSet<&'a str>,
    /// The kinds that sources name themselves, as [`Provider::names`](provider::Provider::names)
    /// says them: the source, its provider, the pattern.
    pub(super) kinds: Vec<(String, &'static str, String)>,
}

/// Compiles the routes, in the order of the file; their lookups are built later.
pub(super) fn compile(
    node: &Node,
    names: &Names<'_>,
    diagnostics: &mut Diagnostics,
) -> (Table, Vec<LookupConfig>) {
    let schema = schema();
    let mut compiler = Compiler {
        names,
        diagnostics,
        seen: Vec::new(),
        heard: BTreeSet::new(),
        reached: BTreeSet::new(),
        answered: BTreeSet::new(),
        looked: Vec::new(),
        lookups: Vec::new(),
    };
    let Value::List(nodes) = &node.value else {
        compiler.diagnostics.push(
            Diagnostic::error(
                node.span,
                format!("expected a list of routes, found {}", node.kind().describe()),
            )
            .hint("begin each route with `- name: …`"),
        );
        return (Table::default(), Vec::new());
    };
    let routes = nodes.iter().filter_map(|it| compiler.route(it, &schema)).collect();
    compiler.warn_of_idle();
    (Table::new(routes), compiler.lookups)
}

struct Compiler<'a> {
    names: &'a Names<'a>,
    diagnostics: &'a mut Diagnostics,
    /// Names of routes so far.
    seen: Vec<(String, Span)>,
    /// Sources that a route listens to.
    heard: BTreeSet<&'a str>,
    /// Destinations that a route sends to.
    reached: BTreeSet<&'a str>,
    /// Destinations whose answers a route takes.
    answered: BTreeSet<&'a str>,
    /// Names of the lookups of the route at hand.
    looked: Vec<String>,
    /// Every lookup so far.
    lookups: Vec<LookupConfig>,
}

impl Compiler<'_> {
    fn route(&mut self, node: &Node, schema: &Json) -> Option<Route> {
        let name = node.get("name");
        // A route without `to` is shown at its name, or where it begins.
        let first = node.entries().first().map_or(node.span, |it| it.key_span);
        let place = name.map_or(first, |it| it.span);
        let json = shape::fit(node, place, schema, self.diagnostics);

        if let Some((name, text)) = name.and_then(|it| Some((it, it.word()?))) {
            self.name(text, name.span);
        }
        let from = self.from(node.get("from"));
        let on = self.on(node.get("on"), &from);
        self.take_answers(&from, &on);
        let kinds = self.names.kinds(&from, &on);
        self.lookups(node.get("lookup"), name.and_then(Node::word).unwrap_or_default(), &kinds);
        let when = node.get("when").and_then(|it| self.condition(it, "when", &kinds));
        let unless = node.get("unless").and_then(|it| self.condition(it, "unless", &kinds));
        let to = node.get("to").map(|it| self.to(it, &kinds)).unwrap_or_default();
        for key in ["unless", "lookup", "media"] {
            if let Some(node) = node.get(key) {
                self.asks_before_calls(node, key, &to);
            }
        }
        if let Some(collect) = node.get("collect") {
            self.keeps_order(collect, &to);
        }
        let settings: Settings = serde_json::from_value(json?).ok()?;
        Some(Route {
            history: settings.takes_history(),
            name: settings.name.into(),
            from,
            on,
            when,
            unless,
            files: settings.media.map_or(Files::Told, |Media::Fetch| Files::Fetched),
            collect: settings.collect.map(Gather::collect),
            to,
            stop: settings.stop,
            otherwise: settings.otherwise,
        })
    }

    /// A burst is gathered from a conversation's line, which a destination without order has not.
    fn keeps_order(&mut self, collect: &Node, to: &[Target]) {
        for target in to.iter().filter(|it| self.names.unordered.contains(&*it.destination)) {
            let name = &target.destination;
            let message = format!("`collect` needs an order, and `{name}` keeps none");
            self.diagnostics
                .push(Diagnostic::error(collect.span, message).hint(format!(
                    "say `order: conversation` at `{name}`, or leave `collect` out"
                )));
        }
    }

    /// What is asked or fetched right before a call has no place at transports, which make none.
    fn asks_before_calls(&mut self, node: &Node, key: &str, to: &[Target]) {
        for target in to {
            let named = |it: &&(&str, &str, Span)| it.0 == &*target.destination;
            let kind = self.names.destinations.iter().find(named).map_or("", |it| it.1);
            if destination::find(kind).is_some_and(|it| it.policy == Policy::TRANSPORT) {
                let name = &target.destination;
                let message = format!(
                    "`{key}` is for the moment right before a call, and `{name}` makes none"
                );
                self.diagnostics.push(
                    Diagnostic::error(node.span, message)
                        .hint(format!("give `{name}` a route of its own, without `{key}`")),
                );
            }
        }
    }

    fn name(&mut self, name: &str, span: Span) {
        if name.trim().is_empty() {
            self.diagnostics.push(
                Diagnostic::error(span, "a route needs a name")
                    .hint("say what it does: `name: urgent messages to the team`"),
            );
        } else if let Some((_, first)) = self.seen.iter().find(|(it, _)| it == name) {
            self.diagnostics.push(
                Diagnostic::error(span, format!("two routes are called `{name}`"))
                    .related(*first, "the first")
                    .hint("deliveries remember their route by its name, so it must be its own"),
            );
        } else {
            self.seen.push((name.to_owned(), span));
        }
    }

    fn from(&mut self, node: Option<&Node>) -> HashSet<String> {
        let Some(node) = node else {
            self.heard.extend(self.names.sources.iter().map(|(name, ..)| *name));
            return HashSet::new();
        };
        let mut from = HashSet::new();
        for word in node.elements() {
            let Some(text) = word.word() else { continue };
            let sources = self.names.sources.iter();
            let replies = self.names.replies(text);
            let heard: Vec<&str> = sources
                .filter(|(name, provider, _)| {
                    *name == text || *provider == text || is_account(text)
                })
                .map(|(name, ..)| *name)
                .collect();
            if heard.is_empty() && replies.is_some_and(<[Kind]>::is_empty) {
                let message = format!("`{text}` is a destination that answers nothing");
                let hint = "`from` takes sources, and destinations whose answers are events";
                self.diagnostics.push(Diagnostic::error(word.span, message).hint(hint));
            } else if heard.is_empty()
                && replies.is_none()
                && text != GATEWAY
                && !is_account(text)
                && provider::find(text).is_none()
            {
                let sources = self.names.sources.iter().map(|(name, ..)| *name);
                let destinations = self.names.destinations.iter().map(|(name, ..)| *name);
                let destinations = destinations
                    .filter(|it| self.names.replies(it).is_some_and(|it| !it.is_empty()));
                let providers = provider::REGISTRY.iter().map(|it| it.name);
                let hint = suggest::hint(text, sources.chain(destinations).chain(providers));
                let message = format!("`{text}` is no source, provider or account");
                self.diagnostics.push(Diagnostic::error(word.span, message).hint(hint));
            }
            self.heard.extend(heard);
            from.insert(text.to_owned());
        }
        from
    }

    /// Whether a source that the route listens to names such a kind itself. Where it may name any,
    /// the route must name the source: a misspelt kind of another one would pass for its.
    fn is_own(&self, text: &str, from: &HashSet<String>) -> bool {
        let kinds = self.names.kinds.iter().filter(|(name, provider, _)| {
            from.is_empty() || from.contains(name) || from.contains(*provider)
        });
        let (group, word) = text.split_once('.').unwrap_or((text, ""));
        let is_kind = !group.is_empty() && !word.is_empty() && !word.contains('.');
        kinds.map(|(.., pattern)| &**pattern).any(|it| match it.strip_suffix('*') {
            Some("") => !from.is_empty() && is_kind,
            Some(group) => text.starts_with(group) && is_kind,
            None => it == text || (word == "*" && it.split('.').next() == Some(group)),
        })
    }

    fn on(&mut self, node: Option<&Node>, from: &HashSet<String>) -> Vec<String> {
        let mut on = Vec::new();
        for word in node.map(Node::elements).unwrap_or_default() {
            let Some(text) = word.word() else { continue };
            let known = known_kinds();
            let taken = match text.strip_suffix(".*") {
                Some(group) => known.iter().any(|it| it.split('.').next() == Some(group)),
                None => known.contains(text),
            };
            if !taken && !self.is_own(text, from) {
                let any = self.names.kinds.iter().find(|(.., it)| it == "*");
                let own = self.names.kinds.iter().map(|(.., it)| it.clone());
                let known = known.into_iter().chain(own.filter(|it| !it.ends_with('*'))).collect();
                let hint = match (any, hint_of_kind(text, &known)) {
                    _ if text == "*" => "leave `on` out to take every kind".to_owned(),
                    (Some((it, ..)), near) if from.is_empty() && !near.ends_with('?') => {
                        format!("if `{it}` sends it, say so: `from: {it}`")
                    }
                    (_, near) => near,
                };
                let message = format!("`{text}` is no kind of event");
                self.diagnostics.push(Diagnostic::error(word.span, message).hint(hint));
            } else if let Some(answers) = self.names.answers(from)
                && !answers.iter().any(|it| is_on(&[text.to_owned()], it.as_str()))
            {
                let message = format!("what this route listens to never answers with `{text}`");
                let answers: Vec<&str> = answers.iter().map(Kind::as_str).collect();
                let warning = Diagnostic::warning(word.span, message);
                self.diagnostics.push(warning.hint(suggest::list(&answers)));
            }
            on.push(text.to_owned());
        }
        on
    }

    /// Remembers whose answers a route takes. They keep the channel of what they answer, so that a
    /// route may listen to them by its provider or account.
    fn take_answers(&mut self, from: &HashSet<String>, on: &[String]) {
        let takes = on.is_empty() || is_on(on, Kind::AGENT_REPLIED.as_str());
        let by_channel = |it: &String| is_account(it) || provider::find(it).is_some();
        let takes_all = takes && (from.is_empty() || from.iter().any(by_channel));
        let names = self.names.destinations.iter().map(|(name, ..)| *name);
        self.answered.extend(names.filter(|it| takes_all || from.contains(*it)));
    }

    fn to(&mut self, node: &Node, kinds: &[Kind]) -> Vec<Target> {
        let mut targets = Vec::new();
        let empty = match &node.value {
            Value::List(nodes) => nodes.is_empty(),
            Value::Map(entries) => {
                entries.is_empty() && !shape::is_template(node, self.diagnostics.text())
            }
            _ => node.word() == Some(""),
        };
        if empty {
            self.diagnostics.push(
                Diagnostic::error(node.span, "a route needs somewhere to go")
                    .hint("write the name of a destination: `to: events`"),
            );
        }
        for element in node.elements() {
            for Entry { key, key_span, value } in element.entries() {
                let payload = self.payload(value, kinds);
                targets.extend(self.target(key, *key_span, payload));
            }
            if let Some(name) = element.word().filter(|it| !it.is_empty()) {
                targets.extend(self.target(name, element.span, None));
            }
        }
        targets
    }

    fn target(&mut self, name: &str, span: Span, payload: Option<Payload>) -> Option<Target> {
        let Some((known, kind, _)) = self.names.destinations.iter().find(|(it, ..)| *it == name)
        else {
            // An empty key was reported when it was read.
            if !name.is_empty() {
                let known = self.names.destinations.iter().map(|(it, ..)| *it);
                let hint = suggest::hint(name, known);
                let message = format!("no destination is called `{name}`");
                self.diagnostics.push(Diagnostic::error(span, message).hint(hint));
            }
            return None;
        };
        self.reached.insert(known);
        if payload.is_some()
            && destination::find(kind).is_some_and(|it| it.payload == Takes::Nothing)
        {
            let message = format!("`{name}` sends the event itself; what stands here is not used");
            self.diagnostics.push(
                Diagnostic::warning(span, message)
                    .hint(format!("destinations of kind `{kind}` take no payload: `to: {name}`")),
            );
        }
        Some(Target { destination: Arc::from(name), payload })
    }

    fn warn_of_idle(&mut self) {
        // A misspelt name makes an idle entry: mend that first.
        if self.diagnostics.has_errors() {
            return;
        }
        for (name, _, span) in &self.names.sources {
            if !self.heard.contains(name) {
                let message = format!("no route listens to source `{name}`");
                let hint = format!("add a route with `from: {name}`, or without `from`");
                self.diagnostics.push(Diagnostic::warning(*span, message).hint(hint));
            }
        }
        for (name, _, span) in &self.names.destinations {
            // Whoever is asked is to be heard; a receipt may well be of no interest.
            let replies = self.names.replies(name).unwrap_or_default();
            let is_asked = replies.contains(&Kind::AGENT_REPLIED);
            let (message, hint) = if !self.reached.contains(name) {
                let message = format!("no route sends to destination `{name}`");
                (message, format!("add a route with `to: {name}`"))
            } else if is_asked && !self.answered.contains(name) {
                let message = format!("no route takes what `{name}` answers");
                (message, format!("add a route with `from: {name}` and `on: agent.replied`"))
            } else {
                continue;
            };
            self.diagnostics.push(Diagnostic::warning(*span, message).hint(hint));
        }
    }
}

/// Accounts are not listed in the file; they are the numbers that providers give.
fn is_account(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|it| it.is_ascii_digit())
}
