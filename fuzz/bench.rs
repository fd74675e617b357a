//! What the targets share: sources as their fixtures set them up, and a plan with routes of every
//! form.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};
use sluicegate::config::{self, Environment, Secrets};
use sluicegate::event::Draft;
use sluicegate::plan::Plan;
use sluicegate::provider::{self, Setup, Source};

/// The moment at which everything happens.
pub fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a moment")
}

/// The settings that a provider's fixtures are read with, the usual first, then its variants.
pub fn settings(name: &str) -> Vec<Map<String, Value>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../src/provider").join(name);
    let config = std::fs::read(folder.join("fixtures/config.json")).unwrap_or_default();
    let config: Value = serde_json::from_slice(&config).unwrap_or_default();
    let object = |it: &Value| it.as_object().cloned().unwrap_or_default();
    let mut all = vec![object(&config["settings"])];
    all.extend(object(&config["variants"]).values().map(object));
    all
}

/// A source as its fixtures set it up.
pub fn source(name: &str, settings: Map<String, Value>) -> Box<dyn Source> {
    let entry = provider::find(name).unwrap_or_else(|| panic!("no provider is called `{name}`"));
    let secrets = Secrets::placeholder();
    let setup = Setup {
        name: name.to_owned(),
        public_url: "https://gateway.example".to_owned(),
        store_key: secrets.store_key,
        development_secret: Some(secrets.development),
    };
    (entry.build)(settings.into(), &setup).expect("the fixtures' settings work")
}

/// What holds for the events of any body at all.
pub fn check(drafts: &[Draft], body: &[u8]) {
    assert!(!drafts.is_empty(), "nothing may be lost");
    for draft in drafts {
        assert!(!draft.dedup_key.is_empty(), "an event without a key");
        assert!(body.get(draft.raw.clone()).is_some(), "a fragment outside of the body");
    }
}

/// Nothing is set.
struct Empty;

impl Environment for Empty {
    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, _: &str) -> Result<String, String> {
        Err("no such file".into())
    }
}

/// Reads a configuration and builds what it describes.
pub fn plan(text: &str) -> Option<Plan> {
    let loaded = config::load(text, "routes.yaml", &Empty).ok()?;
    let parts = loaded.config.build(&Secrets::placeholder()).ok()?;
    let sources = parts.sources.into_iter().map(|(name, it)| (name, Arc::from(it)));
    let destinations = parts.destinations.into_iter().map(|(name, it)| (Arc::from(name), it));
    Some(Plan {
        sources: sources.collect(),
        destinations: destinations.collect(),
        table: loaded.config.routes,
        lookups: parts.lookups,
        stale_after: loaded.config.stale_after,
        takeover: loaded.config.takeover,
        public_url: loaded.config.public_url,
        fingerprint: loaded.config.fingerprint,
    })
}
