//! `WhatsApp` Cloud API webhooks, as Meta signs and sends them.

mod payload;
mod samples;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Answer, Fresh, Headers, Proof, Provider, Rejection, Request, Sample, Setup, Verified, signature,
};
use crate::config::Secret;
use crate::event::{Draft, Kind};

/// Names the signature header; lower case, as headers are compared without case.
const SIGNATURE: &str = "x-hub-signature-256";

/// The longest challenge that is echoed. Meta's are about ten digits.
const MAX_CHALLENGE: usize = 512;

/// A configured `WhatsApp` source.
pub(super) struct WhatsApp {
    secrets: Vec<Secret>,
    verify_token: Secret,
    development: bool,
}

/// What stands under a source with `provider: whatsapp`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    /// App secrets of the Meta apps that call this URL; any of them may sign. Found under App
    /// settings, Basic. Without one, a random development secret is used on loopback.
    app_secrets: Vec<Secret>,
    /// The verify token you type into the dashboard beside the callback URL. Defaults to the
    /// development secret on loopback.
    verify_token: Secret,
}

impl Provider for WhatsApp {
    const NAME: &'static str = "whatsapp";
    const SUMMARY: &'static str = "WhatsApp Cloud API webhooks, signed by a Meta app.";
    const KINDS: &'static [Kind] = payload::KINDS;
    const PROOF: Proof = Proof::Body;
    const HEADERS: &'static [&'static str] = &[SIGNATURE];
    const SAMPLES: &'static [Sample] = samples::SAMPLES;
    type Config = Config;

    fn new(config: Config, setup: &Setup) -> Result<Self, String> {
        let mut secrets: Vec<Secret> =
            config.app_secrets.into_iter().filter(|it| !it.is_empty()).collect();
        let development = secrets.is_empty();
        if development {
            let secret = setup.development_secret.clone().ok_or(
                "needs at least one of `app_secrets`: development secrets work on loopback only",
            )?;
            secrets.push(secret);
        }
        let verify_token = if config.verify_token.is_empty() {
            setup.development_secret.clone().unwrap_or_default()
        } else {
            config.verify_token
        };
        Ok(Self { secrets, verify_token, development })
    }

    fn is_development(&self) -> bool {
        self.development
    }

    fn handshake(&self, request: &Request) -> Option<Result<Answer, Rejection>> {
        if request.method != "GET" {
            return None;
        }
        let mut mode = None;
        let mut token = None;
        let mut challenge = None;
        for (name, value) in form_urlencoded::parse(request.query().as_bytes()) {
            match &*name {
                "hub.mode" => mode = Some(value),
                "hub.verify_token" => token = Some(value),
                "hub.challenge" => challenge = Some(value),
                _ => {}
            }
        }
        Some(match (mode.as_deref(), token, challenge) {
            (Some("subscribe"), Some(token), Some(challenge))
                if challenge.len() <= MAX_CHALLENGE =>
            {
                signature::token(&self.verify_token, &token)
                    .map(|()| Answer { body: challenge.into_owned(), ..Answer::ok() })
                    .map_err(|_| Rejection::BadHandshake)
            }
            _ => Err(Rejection::BadHandshake),
        })
    }

    fn verify(&self, request: &Request, _now: Timestamp) -> Result<(), Rejection> {
        let tag =
            request.require(SIGNATURE)?.strip_prefix("sha256=").ok_or(Rejection::BadSignature)?;
        signature::hmac_sha256_hex(&self.secrets, &request.body, tag)
    }

    fn normalise(&self, request: &Request<Verified>) -> Vec<Draft> {
        payload::drafts(&request.body)
    }

    fn compose(&self, sample: &Sample, fresh: &Fresh<'_>) -> Request {
        let body = Bytes::from(samples::freshen(sample.body, fresh));
        let secret = self.secrets.first().cloned().unwrap_or_default();
        let tag = signature::sign_hmac_sha256_hex(&secret, &body);
        let headers = Headers::from_iter([
            ("content-type", "application/json"),
            (SIGNATURE, &format!("sha256={tag}")),
        ]);
        Request::new("POST", "", headers, body)
    }
}
