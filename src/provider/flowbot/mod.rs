//! What an installation of FlowBot AI posts: leads, triggers of flows, and what became of
//! messages.

mod payload;
mod samples;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Deserialize;

use super::signature::{Verifier, Verify};
use super::{Fresh, Headers, Proof, Provider, Request, Sample, Setup, Verified};
use crate::config::Secret;
use crate::event::{Draft, Kind};
use payload::Meaning;

/// A configured FlowBot source.
pub(super) struct FlowBot {
    verifier: Verifier,
    meaning: Meaning,
}

/// What stands under a FlowBot source.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    /// How FlowBot proves itself, in its own words; `hmac` by default.
    auth: Auth,
    /// The header that holds the key or the signature; `X-API-Key` or `X-Signature-256` by
    /// default.
    header: Option<String>,
    /// The keys, tokens or HMAC secrets that may be used; for `basic`, each is `user:password`.
    /// Without one, a random development secret is used on loopback.
    secrets: Vec<Secret>,
    /// What a body means that is no status of a message; `auto` by default.
    #[serde(rename = "as")]
    meaning: Meaning,
}

/// How FlowBot proves itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Auth {
    /// A signature of the body: HMAC-SHA256 in hexadecimal.
    #[default]
    Hmac,
    /// A key in a header.
    ApiKey,
    /// `Authorization: Bearer`.
    Bearer,
    /// HTTP Basic.
    Basic,
    /// Nothing: anybody can send.
    None,
}

impl Auth {
    fn preset(self) -> &'static str {
        match self {
            Self::Hmac => "flowbot",
            Self::ApiKey => "token",
            Self::Bearer => "bearer",
            Self::Basic => "basic",
            Self::None => "none",
        }
    }
}

impl Provider for FlowBot {
    const NAME: &'static str = "flowbot";
    const SUMMARY: &'static str = "Leads, flow triggers and statuses of FlowBot AI installations.";
    const KINDS: &'static [Kind] = payload::KINDS;
    const PROOFS: &'static [Proof] = &[Proof::Body, Proof::Sender, Proof::Nothing];
    const SAMPLES: &'static [Sample] = samples::SAMPLES;
    type Config = Config;

    fn new(config: Config, setup: &Setup) -> Result<Self, String> {
        let Config { auth, header, secrets, meaning } = config;
        let header = header.filter(|it| !it.is_empty());
        if header.is_some() && !matches!(auth, Auth::Hmac | Auth::ApiKey) {
            return Err("`header` belongs to `auth: hmac` and `auth: api_key`".into());
        }
        let own = (auth == Auth::ApiKey).then(|| "X-API-Key".to_owned());
        let verify = Verify { header: header.or(own), ..Verify::default() };
        let verifier = Verifier::new(&verify, auth.preset(), secrets, "secrets", setup)?;
        Ok(Self { verifier, meaning })
    }

    fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    fn normalise(&self, request: &Request<Verified>) -> Vec<Draft> {
        payload::drafts(request, self.meaning)
    }

    fn compose(&self, sample: &Sample, fresh: &Fresh<'_>) -> Request {
        let body = Bytes::from(samples::freshen(sample.body, fresh));
        let headers = Headers::from_iter([("content-type", "application/json")]);
        Request::new("POST", "", headers, body)
    }
}
