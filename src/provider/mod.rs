//! Providers: who sends us webhooks, how they sign them, and what they mean.
//!
//! A provider is one folder here and one line in [`REGISTRY`]. The folder holds everything there
//! is to know about it: `mod.rs` (the [`Provider`]), `payload.rs` (the sender's own shapes),
//! `README.md` (what the operator clicks on their side) and `fixtures/` (real requests and the
//! events they must become).

use jiff::Timestamp;
use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::config::Secret;
use crate::event::{Draft, Kind};

mod request;
mod signature;

mod whatsapp;

pub use request::{Headers, Request, Unverified, Verified};

/// Every provider, in the order of `docs/providers.md`. Add yours here.
pub const REGISTRY: &[Entry] = &[Entry::of::<whatsapp::WhatsApp>()];

/// A sender of webhooks. Pure: no I/O, no clock, no state that changes.
pub trait Provider: Send + Sync + Sized + 'static {
    /// The name in `routes.yaml`, on the command line and of this folder. A lower-case noun.
    const NAME: &'static str;
    /// One sentence for `docs/providers.md`.
    const SUMMARY: &'static str;
    /// Every kind of event [`normalise`](Self::normalise) can return; tested on the fixtures.
    const KINDS: &'static [Kind];
    /// What [`verify`](Self::verify) proves; tested on the fixtures.
    const PROOF: Proof;
    /// The headers that [`verify`](Self::verify) and [`normalise`](Self::normalise) read.
    const HEADERS: &'static [&'static str];
    /// Requests that `sluicegate send` can make, from `fixtures/`.
    const SAMPLES: &'static [Sample];
    /// What the operator writes under `sources:`. Doc comments become `docs/providers.md`.
    type Config: DeserializeOwned + JsonSchema;

    /// Builds the provider, refusing configuration that could never work.
    ///
    /// # Errors
    /// A sentence for the operator, without the source's name.
    fn new(config: Self::Config, setup: &Setup) -> Result<Self, String>;

    /// Whether the source runs on the development secret, because it has none of its own.
    fn is_development(&self) -> bool;

    /// Answers a request that carries no event, such as a URL challenge. `None`: not one.
    fn handshake(&self, request: &Request) -> Option<Result<Answer, Rejection>> {
        let _ = request;
        None
    }

    /// Checks that the sender is who it says, and that the request is recent.
    ///
    /// # Errors
    /// Why the request is turned away.
    fn verify(&self, request: &Request, now: Timestamp) -> Result<(), Rejection>;

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

    /// Makes a fresh request of a sample: new ids, the present time, the text if one is given,
    /// and signed as the real sender signs.
    fn compose(&self, sample: &Sample, fresh: &Fresh<'_>) -> Request;
}

/// What a provider is built with beside its own settings.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The name under `sources:`.
    pub name: String,
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

/// What a passed check proves, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// The sender knows the secret. The body could have been changed on the way.
    Sender,
    /// The body is as it was sent. It could have been sent long ago.
    Body,
    /// The body is as it was sent, just now.
    BodyAndTime,
}

impl Proof {
    /// One sentence for `docs/providers.md`.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Sender => "Proves the sender, not the body.",
            Self::Body => "Proves the sender and the body; a replay looks genuine.",
            Self::BodyAndTime => "Proves the sender, the body and the time.",
        }
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
    MissingHeader(&'static str),
    /// The signature is not the sender's.
    #[error("signature does not match")]
    BadSignature,
    /// Signed, but too long ago: a replay.
    #[error("timestamp is outside the tolerance")]
    Stale,
    /// A handshake whose token is not ours.
    #[error("verify token does not match")]
    BadHandshake,
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
            Self::DevelopmentSecret => "development_secret",
        }
    }
}

/// A configured provider, its type forgotten.
pub trait Source: Send + Sync {
    /// The headers it reads.
    fn headers(&self) -> &'static [&'static str];
    /// See [`Provider::NAME`].
    fn provider(&self) -> &'static str;
    /// See [`Provider::is_development`].
    fn is_development(&self) -> bool;
    /// See [`Provider::handshake`].
    fn handshake(&self, request: &Request) -> Option<Result<Answer, Rejection>>;
    /// Runs [`Provider::verify`]; the only way to a [`Request<Verified>`].
    ///
    /// # Errors
    /// Why the request is turned away.
    fn verify(&self, request: Request, now: Timestamp) -> Result<Request<Verified>, Rejection>;
    /// See [`Provider::normalise`].
    fn normalise(&self, request: &Request<Verified>) -> Vec<Draft>;
    /// See [`Provider::answer`].
    fn answer(&self, request: &Request<Verified>, drafts: &[Draft]) -> Answer;
    /// See [`Provider::compose`].
    fn compose(&self, sample: &Sample, fresh: &Fresh<'_>) -> Request;
}

impl<P: Provider> Source for P {
    fn headers(&self) -> &'static [&'static str] {
        P::HEADERS
    }

    fn provider(&self) -> &'static str {
        P::NAME
    }

    fn is_development(&self) -> bool {
        Provider::is_development(self)
    }

    fn handshake(&self, request: &Request) -> Option<Result<Answer, Rejection>> {
        Provider::handshake(self, request)
    }

    fn verify(&self, request: Request, now: Timestamp) -> Result<Request<Verified>, Rejection> {
        Provider::verify(self, &request, now)?;
        Ok(request.into_verified())
    }

    fn normalise(&self, request: &Request<Verified>) -> Vec<Draft> {
        Provider::normalise(self, request)
    }

    fn answer(&self, request: &Request<Verified>, drafts: &[Draft]) -> Answer {
        Provider::answer(self, request, drafts)
    }

    fn compose(&self, sample: &Sample, fresh: &Fresh<'_>) -> Request {
        Provider::compose(self, sample, fresh)
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
    /// See [`Provider::PROOF`].
    pub proof: Proof,
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
            proof: P::PROOF,
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
