//! A provider on the bench: its source, its fixtures, and what they become.

use std::fs;
use std::path::PathBuf;
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
    /// Headers that every fixture came with, beside the signature.
    headers: std::collections::BTreeMap<String, String>,
    /// Where lists of independent elements stand, e.g. `/entry/*/changes`.
    pub(crate) batches: Vec<String>,
}

/// A provider and its fixtures.
pub(crate) struct Bench {
    pub(crate) entry: &'static Entry,
    pub(crate) source: Box<dyn Source>,
    pub(crate) config: Config,
    pub(crate) fixtures: Vec<Fixture>,
}

/// A request body, and where the events it becomes are kept.
pub(crate) struct Fixture {
    pub(crate) name: String,
    pub(crate) body: Vec<u8>,
    pub(crate) json: Option<Value>,
    pub(crate) golden: PathBuf,
}

/// A draft without its place in the body: equal for equal happenings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) kind: Kind,
    pub(crate) key: String,
    time: Option<Timestamp>,
    historical: bool,
    candidates: Vec<Candidate>,
    facts: Facts,
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

impl Bench {
    fn new(entry: &'static Entry) -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("src/provider")
            .join(entry.name)
            .join("fixtures");
        let config: Config = fs::read(folder.join("config.json"))
            .map(|it| serde_json::from_slice(&it).expect("config.json is what `Config` says"))
            .unwrap_or_default();
        let mut fixtures: Vec<Fixture> = fs::read_dir(&folder)
            .unwrap_or_else(|_| panic!("{} has fixtures", entry.name))
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .filter_map(|it| Some(it.strip_suffix(".json")?.to_owned()))
            .filter(|it| it != "config" && !it.ends_with(".events"))
            .map(|name| {
                let body = fs::read(folder.join(format!("{name}.json"))).unwrap();
                let json = serde_json::from_slice(&body).ok();
                Fixture { body, json, golden: folder.join(format!("{name}.events.json")), name }
            })
            .collect();
        fixtures.sort_by(|a, b| a.name.cmp(&b.name));
        let source = source(entry, Value::Object(config.settings.clone())).unwrap();
        Self { entry, source, config, fixtures }
    }

    /// What a body becomes.
    pub(crate) fn drafts(&self, body: &[u8]) -> Vec<Draft> {
        let headers = self.config.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let request = Request::new("POST", "", headers, Bytes::copy_from_slice(body));
        self.source.normalise(&request.assume_verified())
    }

    /// What a body becomes, wherever it stands in it.
    pub(crate) fn told(&self, body: &[u8]) -> Vec<Told> {
        let told = |it: Draft| Told {
            kind: it.kind,
            key: it.dedup_key,
            time: it.time,
            historical: it.historical,
            candidates: it.candidates,
            facts: it.facts,
            raw: body[it.raw].to_vec(),
        };
        self.drafts(body).into_iter().map(told).collect()
    }

    /// What a JSON body becomes.
    pub(crate) fn told_json(&self, body: &Value) -> Vec<Told> {
        self.told(body.to_string().as_bytes())
    }

    /// The fixtures that are JSON.
    pub(crate) fn json(&self) -> Vec<(&str, &Value)> {
        self.fixtures.iter().filter_map(|it| Some((&*it.name, it.json.as_ref()?))).collect()
    }

    /// A sample, as the real sender would send it.
    pub(crate) fn compose(&self, sample: &Sample, seed: u128) -> Request {
        let fresh = Fresh { seed: Uuid::from_u128(seed), now: now(), text: None, from: None };
        self.source.compose(sample, &fresh).unwrap()
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
