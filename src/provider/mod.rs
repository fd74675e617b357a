//! Providers: who sends us webhooks, how they sign them, and what they mean.
//!
//! A provider is one folder here and one line in [`REGISTRY`]. The folder holds all there is to know
//! about it: `mod.rs` (the [`Provider`]), `payload.rs` (the sender's own shapes), `README.md` (what
//! the operator clicks on their side) and `fixtures/` (real requests and what they must become).

use jiff::Timestamp;
use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::config::Secret;
use crate::event::facts::{Facts, Media};
use crate::event::{Draft, Kind};

mod callback;
mod fragment;
mod fresh;
mod handshake;
mod media;
mod poll;
mod proof;
mod request;
mod signature;

mod flowbot;
pub(crate) mod flowgent;
mod flowiq;
mod flowxo;
mod instagram;
mod line;
mod messenger;
mod meta;
mod telegram;
mod tiktok;
mod webhook;
mod whatsapp;

pub use callback::{Callback, callback_url};
pub use media::{Download, Next};
pub use poll::{Batch, Cursor, Poller, Progress, Turn};
pub use proof::Proof;
pub use request::{Headers, Request, Unverified, Verified};
pub use signature::{PRESETS, Preset, Verifier};

/// Every provider, in the order of `docs/providers.md`. Add yours here.
pub const REGISTRY: &[Entry] = &[
    Entry::of::<flowbot::FlowBot>(),
    Entry::of::<flowgent::FlowGent>(),
    Entry::of::<flowiq::FlowIq>(),
    Entry::of::<flowxo::FlowXo>(),
    Entry::of::<instagram::Instagram>(),
    Entry::of::<line::Line>(),
    Entry::of::<messenger::Messenger>(),
    Entry::of::<telegram::Telegram>(),
    Entry::of::<tiktok::TikTok>(),
    Entry::of::<webhook::Webhook>(),
    Entry::of::<whatsapp::WhatsApp>(),
];

/// A sender of webhooks. Pure: no I/O, no clock, no state that changes.
pub trait Provider: Send + Sync + Sized + 'static {
    /// The name in `routes.yaml`, on the command line and of this folder. A lower-case noun.
    const NAME: &'static str;
    /// One sentence for `docs/providers.md`.
    const SUMMARY: &'static str;
    /// Every kind of event [`normalise`](Self::normalise) can return; tested on the fixtures.
    const KINDS: &'static [Kind];
    /// What a passed check can prove, depending on the configuration, the usual first; tested on
    /// the fixtures.
    const PROOFS: &'static [Proof];
    /// Requests that `sluicegate send` can make, from `fixtures/`.
    const SAMPLES: &'static [Sample];
    /// What the operator writes under `sources:`. Doc comments become `docs/providers.md`.
    type Config: DeserializeOwned + JsonSchema;

    /// Builds the provider, refusing configuration that could never work.
    ///
    /// # Errors
    /// A sentence for the operator, without the source's name.
    fn new(config: Self::Config, setup: &Setup) -> Result<Self, String>;

    /// The kinds that these settings name beside [`KINDS`](Self::KINDS), as `on` of a route is
    /// written: `order.created`, `order.*`, or `*` where they depend on what arrives.
    fn names(settings: &Value) -> Vec<String> {
        let _ = settings;
        Vec::new()
    }

    /// What checks that the sender is who it says, and that the request is recent.
    fn verifier(&self) -> &Verifier;

    /// The headers that [`normalise`](Self::normalise) reads, in lower case; a `*` at the end
    /// stands for whatever follows.
    fn reads(&self) -> &[Box<str>] {
        &[]
    }

    /// Answers a GET: a platform asks whether this URL is ours. `None`: it never does.
    fn handshake(&self, request: &Request) -> Option<Result<Answer, Rejection>> {
        let _ = request;
        None
    }

    /// Answers a signed request that carries no event, such as a ping. `None`: it carries some.
    fn challenge(&self, request: &Request<Verified>) -> Option<Answer> {
        let _ = request;
        None
    }

    /// Asks the provider for what it does not push, going on where the cursors say. `None`: it
    /// pushes everything.
    fn poller(&self, cursors: Vec<Cursor>) -> Option<Box<dyn Poller>> {
        let _ = cursors;
        None
    }

    /// Where deeds are done at a simulator of this provider, if it is one on this machine that the
    /// source asks: see [`client::deeds`](crate::client::deeds).
    fn simulated(&self) -> Option<String> {
        None
    }

    /// How a file of an event of this source is fetched; by its URL, unless the provider knows
    /// better. `None`: there is no way.
    ///
    /// # Errors
    /// What the settings lack for it.
    fn download(&self, facts: &Facts, media: &Media) -> Result<Option<Download>, String> {
        let _ = facts;
        Ok(media.url.as_deref().and_then(Download::at))
    }

    /// Turns the payload into events, in the order they happened; never empty, never failing.
    ///
    /// What nobody knows becomes `<provider>.unmapped`, and one strange element never costs its
    /// neighbours.
    fn normalise(&self, request: &Request<Verified>) -> Vec<Draft>;

    /// What the sender is answered once everything is durable.
    fn answer(&self, request: &Request<Verified>, drafts: &[Draft]) -> Answer {
        let _ = (request, drafts);
        Answer::ok()
    }

    /// Makes a fresh request of a sample: new ids, the present time, the text if one is given.
    /// It is signed afterwards, as the real sender signs.
    fn compose(&self, sample: &Sample, fresh: &Fresh<'_>) -> Request;
}

/// What a provider is built with beside its own settings.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The name under `sources:`.
    pub name: String,
    /// Where the outside reaches the gateway, without a trailing slash.
    pub public_url: String,
    /// A random key of this gateway, which URLs are minted with.
    pub store_key: Secret,
    /// A random secret kept in the data directory, for a source that has none of its own. `None`
    /// where development secrets are refused because the public URL is not loopback.
    pub development_secret: Option<Secret>,
}

/// A request that `sluicegate send` can make.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// What it is called on the command line, e.g. `text`.
    pub name: &'static str,
    /// The body, as the provider sends it.
    pub body: &'static str,
}

/// What makes one composed request different from the next.
#[derive(Clone, Copy, Debug)]
pub struct Fresh<'a> {
    /// Random; ids are derived from it.
    pub seed: Uuid,
    /// The moment it claims to be sent.
    pub now: Timestamp,
    /// The text of the message, if the sample has one.
    pub text: Option<&'a str>,
    /// The contact it comes from, if not the sample's own.
    pub from: Option<&'a str>,
}

/// What the sender is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// `text/plain`, `application/json`, …
    pub content_type: &'static str,
    /// The body of the 200.
    pub body: String,
}

impl Answer {
    /// An empty 200.
    pub const fn ok() -> Self {
        Self { content_type: "text/plain; charset=utf-8", body: String::new() }
    }
}

/// Why a request was turned away. The sender is told which of these it was, and nothing more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No source has that name.
    #[error("unknown source")]
    UnknownSource,
    /// A header that the check needs is not there, or there twice.
    #[error("missing header `{0}`")]
    MissingHeader(Box<str>),
    /// The signature is not the sender's.
    #[error("signature does not match")]
    BadSignature,
    /// Signed, but too long ago: a replay.
    #[error("timestamp is outside the tolerance")]
    Stale,
    /// A handshake whose token is not ours.
    #[error("verify token does not match")]
    BadHandshake,
    /// Nobody calls this source: the gateway asks the provider.
    #[error("this source takes no webhooks: the gateway asks its provider")]
    Polled,
    /// A development secret met a request that came through a proxy.
    #[error("this source runs on a development secret, which is refused behind a proxy")]
    DevelopmentSecret,
}

impl Rejection {
    /// A word for metrics and the rejection ring.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::UnknownSource => "unknown_source",
            Self::MissingHeader(_) => "missing_header",
            Self::BadSignature => "bad_signature",
            Self::Stale => "stale",
            Self::BadHandshake => "bad_handshake",
            Self::Polled => "polled",
            Self::DevelopmentSecret => "development_secret",
        }
    }
}

/// A configured provider, its type forgotten.
pub trait Source: Send + Sync {
    /// See [`Provider::NAME`].
    fn provider(&self) -> &'static str;
    /// See [`Provider::verifier`].
    fn verifier(&self) -> &Verifier;
    /// See [`Provider::reads`].
    fn reads(&self) -> &[Box<str>];
    /// See [`Provider::handshake`].
    fn handshake(&self, request: &Request) -> Option<Result<Answer, Rejection>>;
    /// Checks a request; the only way from outside to a [`Request<Verified>`].
    ///
    /// # Errors
    /// Why the request is turned away.
    fn verify(&self, request: Request, now: Timestamp) -> Result<Request<Verified>, Rejection>;
    /// The call of ours that a request answers; `None` where it answers none.
    fn callback(&self, request: &Request<Verified>) -> Option<Callback>;
    /// See [`Provider::challenge`].
    fn challenge(&self, request: &Request<Verified>) -> Option<Answer>;
    /// See [`Provider::normalise`].
    fn normalise(&self, request: &Request<Verified>) -> Vec<Draft>;
    /// See [`Provider::answer`].
    fn answer(&self, request: &Request<Verified>, drafts: &[Draft]) -> Answer;
    /// See [`Provider::poller`].
    fn poller(&self, cursors: Vec<Cursor>) -> Option<Box<dyn Poller>>;
    /// See [`Provider::simulated`].
    fn simulated(&self) -> Option<String>;
    /// See [`Provider::download`].
    ///
    /// # Errors
    /// What the settings lack for it.
    fn download(&self, facts: &Facts, media: &Media) -> Result<Option<Download>, String>;
    /// See [`Provider::compose`]; signed.
    ///
    /// # Errors
    /// That only the real sender can sign.
    fn compose(&self, sample: &Sample, fresh: &Fresh<'_>) -> Result<Request, String>;
}

impl<P: Provider> Source for P {
    fn provider(&self) -> &'static str {
        P::NAME
    }

    fn verifier(&self) -> &Verifier {
        Provider::verifier(self)
    }

    fn reads(&self) -> &[Box<str>] {
        Provider::reads(self)
    }

    fn handshake(&self, request: &Request) -> Option<Result<Answer, Rejection>> {
        Provider::handshake(self, request)
    }

    fn verify(&self, request: Request, now: Timestamp) -> Result<Request<Verified>, Rejection> {
        Provider::verifier(self).verify(&request, now)?;
        Ok(request.into_verified())
    }

    fn callback(&self, request: &Request<Verified>) -> Option<Callback> {
        Provider::verifier(self).answered(request)
    }

    fn challenge(&self, request: &Request<Verified>) -> Option<Answer> {
        Provider::challenge(self, request)
    }

    fn normalise(&self, request: &Request<Verified>) -> Vec<Draft> {
        Provider::normalise(self, request)
    }

    fn answer(&self, request: &Request<Verified>, drafts: &[Draft]) -> Answer {
        Provider::answer(self, request, drafts)
    }

    fn poller(&self, cursors: Vec<Cursor>) -> Option<Box<dyn Poller>> {
        Provider::poller(self, cursors)
    }

    fn simulated(&self) -> Option<String> {
        Provider::simulated(self)
    }

    fn download(&self, facts: &Facts, media: &Media) -> Result<Option<Download>, String> {
        Provider::download(self, facts, media)
    }

    fn compose(&self, sample: &Sample, fresh: &Fresh<'_>) -> Result<Request, String> {
        Provider::verifier(self).sign(Provider::compose(self, sample, fresh), fresh.now)
    }
}

/// Builds a source from its settings, or says in a sentence why not.
pub type Build = fn(Value, &Setup) -> Result<Box<dyn Source>, String>;

/// One line of the [`REGISTRY`]: a provider before it is configured.
pub struct Entry {
    /// See [`Provider::NAME`].
    pub name: &'static str,
    /// See [`Provider::SUMMARY`].
    pub summary: &'static str,
    /// See [`Provider::KINDS`].
    pub kinds: &'static [Kind],
    /// See [`Provider::names`].
    pub names: fn(&Value) -> Vec<String>,
    /// See [`Provider::PROOFS`].
    pub proofs: &'static [Proof],
    /// See [`Provider::SAMPLES`].
    pub samples: &'static [Sample],
    /// The schema of [`Provider::Config`].
    pub schema: fn() -> Schema,
    /// Builds the provider from what stands under `sources:`, without `provider`.
    pub build: Build,
}

impl Entry {
    const fn of<P: Provider>() -> Self {
        Self {
            name: P::NAME,
            summary: P::SUMMARY,
            kinds: P::KINDS,
            names: P::names,
            proofs: P::PROOFS,
            samples: P::SAMPLES,
            schema: || schemars::schema_for!(P::Config),
            build: |config, setup| {
                let config = serde_json::from_value(config).map_err(|it| it.to_string())?;
                Ok(Box::new(P::new(config, setup)?))
            },
        }
    }
}

/// The provider of that name.
pub fn find(name: &str) -> Option<&'static Entry> {
    REGISTRY.iter().find(|it| it.name == name)
}
