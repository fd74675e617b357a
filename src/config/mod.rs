//! Configuration: `routes.yaml`, read into the gateway's parts.
//!
//! Reading takes two steps. [`load`] says what the file means, and every problem in it at once,
//! each with its place: the tree is walked against the schemas of the registries, so nothing is
//! found only when it is deserialised. [`Config::build`] then makes the sources and destinations.

mod secret;
mod yaml;
mod diagnostic;
mod conceal;
mod environment;
mod interpolate;
mod words;
mod suggest;
mod shape;
mod settings;
mod entries;
mod routes;
mod schema;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use environment::{Environment, Process};
pub use schema::{reference, schema, table};
pub use secret::Secret;
pub use settings::{Limits, Retention};
pub use words::{Network, Period, Rate, Size, is_loopback};
pub use yaml::Span;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::destination::{self, Broker, Destination, Means, queue};
use crate::lookup::{self, Lookup};
use crate::provider::{self, Source};
use crate::router::Table;
use yaml::{Kind, Node};

/// What `routes.yaml` says.
pub struct Config {
    /// Where the outside reaches the gateway, without a trailing slash.
    pub public_url: String,
    /// Where queues live.
    pub broker: Broker,
    /// The directory of the store.
    pub data: PathBuf,
    /// Where webhooks are received.
    pub listen: SocketAddr,
    /// Where the admin API is reached.
    pub admin_listen: SocketAddr,
    /// Events older than this on arrival are historical.
    pub stale_after: Duration,
    /// How long a person who answered in place of the bot is believed to go on.
    pub takeover: Duration,
    /// What one request, and one sender, may cost.
    pub limits: Limits,
    /// How long things are kept.
    pub retention: Retention,
    /// The sources, in the order of the file.
    pub sources: Vec<SourceConfig>,
    /// The destinations, in the order of the file.
    pub destinations: Vec<DestinationConfig>,
    /// The destinations of kind `queue`, by name.
    pub queues: BTreeMap<String, queue::Config>,
    /// The routing table.
    pub routes: Table,
    /// The lookups of its routes, in the order of the file.
    pub lookups: Vec<LookupConfig>,
    /// SHA-256 of the file's text, in hex: two nodes with the same file have the same.
    pub fingerprint: String,
    is_loopback: bool,
    file: Diagnostics,
}

/// One entry under `sources:`, checked against its provider's schema.
#[derive(Clone)]
pub struct SourceConfig {
    /// Its name.
    pub name: String,
    /// Its provider.
    pub provider: &'static str,
    settings: Json,
    span: Span,
}

/// One entry under `destinations:`, checked against its kind's schema.
#[derive(Clone)]
pub struct DestinationConfig {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    settings: Json,
    span: Span,
}

/// One entry under `lookup:` of a route, checked against its kind's schema.
#[derive(Clone)]
pub struct LookupConfig {
    /// The route.
    pub route: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    settings: Json,
    span: Span,
}

/// A file that can be used.
pub struct Loaded {
    /// What it says.
    pub config: Config,
    /// What is probably not meant.
    pub warnings: Diagnostics,
}

/// What the gateway made for itself, and the parts are built with.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// Stands in for the secrets of sources that have none, on loopback.
    pub development: Secret,
    /// See [`provider::Setup::store_key`].
    pub store_key: Secret,
}

impl Secrets {
    /// Secrets for a configuration that is looked at and never run.
    pub fn placeholder() -> Self {
        Self { development: Secret::new("development"), store_key: Secret::new("store") }
    }
}

/// The parts that a configuration describes, by name.
pub struct Parts {
    /// What sends us webhooks.
    pub sources: BTreeMap<String, Box<dyn Source>>,
    /// Where events go.
    pub destinations: BTreeMap<String, Arc<Destination>>,
    /// What routes ask elsewhere, by the route's name.
    pub lookups: HashMap<Arc<str>, Vec<Lookup>>,
}

/// Reads a file. Pure: variables and secret files come from `environment`.
///
/// # Errors
/// Every problem in the file; none of them is shown with a secret or a value of the environment.
pub fn load(
    text: &str,
    file_name: &str,
    environment: &dyn Environment,
) -> Result<Loaded, Diagnostics> {
    let mut diagnostics = Diagnostics::new(file_name, text);
    let Some(mut root) = yaml::parse(text, &mut diagnostics) else { return Err(diagnostics) };
    // What was refused while reading, such as a second value of a key, is not in the tree.
    if diagnostics.is_empty() {
        diagnostics.know_every_secret();
    }
    diagnostics.hide(conceal::secrets(&root).into_iter().map(|(span, _)| span));
    interpolate::interpolate(&mut root, environment, &mut diagnostics);
    for (_, secret) in conceal::secrets(&root) {
        diagnostics.hide_value(secret);
    }
    match read(&root, text, &mut diagnostics) {
        Some(config) if !diagnostics.has_errors() => Ok(Loaded {
            config: Config { file: diagnostics.fresh(), ..config },
            warnings: diagnostics,
        }),
        _ => Err(diagnostics),
    }
}

fn read(root: &Node, text: &str, diagnostics: &mut Diagnostics) -> Option<Config> {
    const SECTIONS: [&str; 3] = ["sources", "destinations", "routes"];
    if !matches!(root.kind(), Kind::Map | Kind::Nothing) {
        let message = format!("expected settings, found {}", root.kind().describe());
        diagnostics.push(
            Diagnostic::error(root.span, message)
                .hint("the file begins with `sources:`, `destinations:` or `routes:`"),
        );
        return None;
    }
    let mut schema = settings::schema();
    for section in SECTIONS {
        schema["properties"][section] = match section {
            "routes" => Json::Object(serde_json::Map::new()),
            _ => serde_json::json!({"type": "object"}),
        };
    }
    let settings = shape::fit(root, Span::default(), &schema, diagnostics);

    let [sources, destinations, routes] = SECTIONS.map(|it| root.get(it));
    entries::check_shared_names(sources, destinations, diagnostics);
    let mut names = routes::Names::of(sources, destinations);
    let sources = entries::sources(sources, diagnostics);
    for it in &sources {
        let own = provider::find(it.provider).map(|entry| (entry.names)(&it.settings));
        let own = own.into_iter().flatten();
        names.kinds.extend(own.map(|kind| (it.name.clone(), it.provider, kind)));
    }
    let destinations = entries::destinations(destinations, diagnostics);
    let compiled = routes.map(|it| routes::compile(it, &names, diagnostics));
    if compiled.is_none() && !diagnostics.has_errors() {
        let warning = Diagnostic::warning(Span::default(), "there are no routes");
        diagnostics.push(warning.hint("events are received and kept, and nothing is delivered"));
    }

    let (table, lookups) = compiled.unwrap_or_default();
    let mut settings = settings?;
    for section in SECTIONS {
        settings.as_object_mut()?.remove(section);
    }
    let settings: settings::Settings = match serde_json::from_value(settings) {
        Ok(settings) => settings,
        Err(error) => {
            diagnostics.error(Span::default(), error.to_string());
            return None;
        }
    };
    let Some(broker) = settings.broker.broker() else {
        let span = root.get("broker").map_or(Span::default(), |it| it.span);
        diagnostics.push(
            Diagnostic::error(span, "expected `embedded` or the URL of a RabbitMQ")
                .hint("such as `amqp://user:password@host:5672/%2f`"),
        );
        return None;
    };
    let queues = destinations.iter().filter(|it| it.kind == "queue").filter_map(|it| {
        Some((it.name.clone(), serde_json::from_value(it.settings.clone()).ok()?))
    });
    Some(Config {
        is_loopback: settings.public_url.is_loopback(),
        public_url: settings.public_url.0,
        broker,
        data: settings.data,
        listen: settings.listen.0,
        admin_listen: settings.admin_listen.0,
        stale_after: settings.stale_after.0,
        takeover: settings.takeover.0,
        limits: settings.limits,
        retention: settings.retention,
        queues: queues.collect(),
        sources,
        destinations,
        routes: table,
        lookups,
        fingerprint: hex::encode(Sha256::digest(text)),
        file: diagnostics.fresh(),
    })
}

impl Config {
    /// Whether the public URL is this very machine: only then do development secrets work.
    pub fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    /// Makes the sources and destinations.
    ///
    /// # Errors
    /// Every entry whose settings could never work, at its place.
    pub fn build(&self, secrets: &Secrets) -> Result<Parts, Diagnostics> {
        let mut diagnostics = self.file.fresh();
        let mut parts = Parts {
            sources: BTreeMap::new(),
            destinations: BTreeMap::new(),
            lookups: HashMap::new(),
        };
        let of_source = |name: &String| provider::Setup {
            name: name.clone(),
            public_url: self.public_url.clone(),
            store_key: secrets.store_key.clone(),
            development_secret: self.is_loopback.then(|| secrets.development.clone()),
        };
        for SourceConfig { name, provider, settings, span } in &self.sources {
            let setup = of_source(name);
            let Some(entry) = provider::find(provider) else { continue };
            match (entry.build)(settings.clone(), &setup) {
                Ok(source) => drop(parts.sources.insert(name.clone(), source)),
                Err(reason) => diagnostics.error(*span, format!("`{name}`: {reason}")),
            }
        }
        for DestinationConfig { name, kind, settings, span } in &self.destinations {
            let setup = destination::Setup {
                name: name.clone(),
                public_url: self.public_url.clone(),
                broker: self.broker.clone(),
            };
            let Some(entry) = destination::find(kind) else { continue };
            match entry.destination(settings.clone(), &setup) {
                Ok(destination) => {
                    // What it answers arrives like what a source of its name sends.
                    if let Means::Adapter(adapter) = &destination.means
                        && let Some(source) = adapter.source(&of_source(name))
                    {
                        parts.sources.insert(name.clone(), source);
                    }
                    drop(parts.destinations.insert(name.clone(), Arc::new(destination)));
                }
                Err(reason) => diagnostics.error(*span, format!("`{name}`: {reason}")),
            }
        }
        for LookupConfig { route, name, kind, settings, span } in &self.lookups {
            let Some(entry) = lookup::find(kind) else { continue };
            match entry.lookup(name, settings.clone(), self.is_loopback) {
                Ok(it) => parts.lookups.entry(route.as_str().into()).or_default().push(it),
                Err(reason) => diagnostics.error(*span, format!("`{name}`: {reason}")),
            }
        }
        if diagnostics.is_empty() { Ok(parts) } else { Err(diagnostics) }
    }
}
