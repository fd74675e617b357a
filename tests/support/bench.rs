//! A provider on the bench: its source, its fixtures, and what they become.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use sluicegate::config::Secret;
use sluicegate::event::{Candidate, Draft, Facts, Kind};
use sluicegate::provider::{Entry, Fresh, Headers, REGISTRY, Request, Sample, Setup, Source};
use uuid::Uuid;

/// `fixtures/config.json` of a provider.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// What stands under `sources:` in the tests.
    pub(crate) settings: serde_json::Map<String, Value>,
    /// Other settings, by a name: signatures are checked with each of them.
    variants: BTreeMap<String, serde_json::Map<String, Value>>,
    /// Headers that every fixture came with, beside the signature.
    headers: BTreeMap<String, String>,
    /// What is special about single fixtures of this folder, by the fixture's name.
    fixtures: BTreeMap<String, Special>,
    /// Other providers whose fixtures this one takes too, and tells the same of them.
    pub(crate) family: Vec<String>,
    /// Where lists of independent elements stand, e.g. `/entry/*/changes`.
    pub(crate) batches: Vec<String>,
}

/// What is special about one fixture.
#[derive(Deserialize, Default, Clone)]
#[serde(default, deny_unknown_fields)]
struct Special {
    /// Headers it came with, beside those of all.
    headers: BTreeMap<String, String>,
    /// The variant of the settings it is read with.
    variant: Option<String>,
    /// Only this provider tells it so; its family calls what it cannot place its own.
    alone: bool,
}

/// A provider and its fixtures.
pub(crate) struct Bench {
    pub(crate) entry: &'static Entry,
    pub(crate) source: Box<dyn Source>,
    /// The source with other settings, by the variant's name, and those settings.
    pub(crate) variants: BTreeMap<String, Box<dyn Source>>,
    pub(crate) config: Config,
    /// Its own fixtures, then those of its family.
    pub(crate) fixtures: Vec<Fixture>,
}

/// A request body, and where the events it becomes are kept.
pub(crate) struct Fixture {
    pub(crate) name: String,
    pub(crate) body: Vec<u8>,
    pub(crate) json: Option<Value>,
    pub(crate) golden: PathBuf,
    special: Special,
}

/// A draft without its place in the body: equal for equal happenings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) kind: Kind,
    pub(crate) key: String,
    time: Option<Timestamp>,
    historical: bool,
    candidates: Vec<Candidate>,
    facts: Box<Facts>,
    pub(crate) raw: Vec<u8>,
}

/// The moment at which samples are composed and checked.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// Every provider of the registry.
pub(crate) fn all() -> &'static [Bench] {
    static ALL: LazyLock<Vec<Bench>> = LazyLock::new(|| REGISTRY.iter().map(Bench::new).collect());
    &ALL
}

/// Builds a source.
pub(crate) fn source(entry: &Entry, settings: Value) -> Result<Box<dyn Source>, String> {
    let development_secret = Some(Secret::new("development-secret"));
    let setup = Setup {
        name: entry.name.to_owned(),
        public_url: "https://gateway.example".to_owned(),
        store_key: Secret::new("store-key"),
        development_secret,
    };
    (entry.build)(settings, &setup)
}

/// The folder of a provider.
fn sibling(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/provider").join(name)
}

impl Config {
    fn read(folder: &Path) -> Self {
        fs::read(folder.join("config.json"))
            .map(|it| serde_json::from_slice(&it).expect("config.json is what `Config` says"))
            .unwrap_or_default()
    }
}

impl Fixture {
    /// Every fixture of a folder, by name.
    fn all(folder: &Path, config: &Config) -> Vec<Self> {
        let mut fixtures: Vec<Self> = fs::read_dir(folder)
            .unwrap_or_else(|_| panic!("{} has fixtures", folder.display()))
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .filter_map(|it| Some(it.strip_suffix(".json")?.to_owned()))
            .filter(|it| it != "config" && !it.ends_with(".events"))
            .map(|name| {
                let body = fs::read(folder.join(format!("{name}.json"))).unwrap();
                let json = serde_json::from_slice(&body).ok();
                let special = config.fixtures.get(&name).cloned().unwrap_or_default();
                let golden = folder.join(format!("{name}.events.json"));
                Self { name, body, json, golden, special }
            })
            .collect();
        fixtures.sort_by(|a, b| a.name.cmp(&b.name));
        fixtures
    }
}

impl Bench {
    fn new(entry: &'static Entry) -> Self {
        let folder = sibling(entry.name).join("fixtures");
        let config = Config::read(&folder);
        let mut fixtures = Fixture::all(&folder, &config);
        for it in &config.family {
            let folder = sibling(it).join("fixtures");
            let shared = Fixture::all(&folder, &Config::read(&folder));
            fixtures.extend(shared.into_iter().filter(|it| !it.special.alone));
        }
        let built = |it: &serde_json::Map<String, Value>| source(entry, it.clone().into()).unwrap();
        let variants = config.variants.iter().map(|(name, it)| (name.clone(), built(it))).collect();
        Self { entry, source: built(&config.settings), variants, config, fixtures }
    }

    /// Every way the source can be set up, the usual first.
    pub(crate) fn sources(&self) -> Vec<(&str, &dyn Source, &serde_json::Map<String, Value>)> {
        let usual = std::iter::once(("usual", &*self.source, &self.config.settings));
        let variants = self.variants.iter();
        usual
            .chain(variants.map(|(name, it)| (&**name, &**it, &self.config.variants[name])))
            .collect()
    }

    /// Whether one of the settings names a kind itself.
    pub(crate) fn names(&self, kind: &str) -> bool {
        let patterns = |it: &serde_json::Map<String, Value>| (self.entry.names)(&it.clone().into());
        let patterns = self.sources().into_iter().flat_map(|it| patterns(it.2));
        patterns.into_iter().any(|it| match it.strip_suffix('*') {
            Some(group) => kind.starts_with(group),
            None => it == kind,
        })
    }

    /// What a body becomes when it arrives as a fixture did.
    pub(crate) fn drafts_as(&self, fixture: &Fixture, body: &[u8]) -> Vec<Draft> {
        let headers = self.config.headers.iter().chain(&fixture.special.headers);
        let headers = headers.map(|(name, value)| (&**name, &**value)).collect();
        let request = Request::new("POST", "", headers, Bytes::copy_from_slice(body));
        let source = match &fixture.special.variant {
            Some(name) => &self.variants[name],
            None => &self.source,
        };
        source.normalise(&request.assume_verified())
    }

    /// What a body becomes when it arrives as a fixture did, wherever it stands in it.
    pub(crate) fn told_as(&self, fixture: &Fixture, body: &[u8]) -> Vec<Told> {
        self.drafts_as(fixture, body).into_iter().map(|it| Told::new(it, body)).collect()
    }

    /// What a fixture becomes.
    pub(crate) fn told(&self, fixture: &Fixture) -> Vec<Told> {
        self.told_as(fixture, &fixture.body)
    }

    /// What a JSON body becomes when it arrives as a fixture did.
    pub(crate) fn told_json(&self, fixture: &Fixture, body: &Value) -> Vec<Told> {
        self.told_as(fixture, body.to_string().as_bytes())
    }

    /// The fixtures that are JSON.
    pub(crate) fn json(&self) -> Vec<(&Fixture, &Value)> {
        self.fixtures.iter().filter_map(|it| Some((it, it.json.as_ref()?))).collect()
    }
}

/// A sample, as the real sender would send it.
pub(crate) fn compose(source: &dyn Source, sample: &Sample, seed: u128) -> Request {
    let fresh = Fresh { seed: Uuid::from_u128(seed), now: now(), text: None, from: None };
    source.compose(sample, &fresh).unwrap()
}

impl Told {
    fn new(draft: Draft, body: &[u8]) -> Self {
        Self {
            kind: draft.kind,
            key: draft.dedup_key,
            time: draft.time,
            historical: draft.historical,
            candidates: draft.candidates,
            facts: draft.facts,
            raw: body[draft.raw].to_vec(),
        }
    }
}

/// The request with another body or other headers.
pub(crate) fn with(request: &Request, headers: Headers, body: Bytes) -> Request {
    Request::new(&request.method, &request.target, headers, body)
}

/// A draft as golden files hold it.
pub(crate) fn golden(told: &Told) -> Value {
    let candidates: Vec<String> = told
        .candidates
        .iter()
        .map(|it| format!("{}/{}:{}", it.account, it.scheme, it.value))
        .collect();
    json!({
        "kind": told.kind.as_str(),
        "dedup_key": told.key,
        "time": told.time.map(|it| it.to_string()),
        "historical": told.historical,
        "candidates": candidates,
        "facts": told.facts,
        "raw_sha256": sha256(&told.raw),
    })
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(bytes))
}
