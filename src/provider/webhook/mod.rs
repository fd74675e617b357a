//! Webhooks of any sender: how it proves itself and what it means is said in the settings.

mod cloudevent;
mod kind;
mod map;
mod payload;
mod samples;
#[cfg(test)]
mod tests;
mod wanted;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::signature::{Verifier, Verify};
use super::{
    Answer, Fresh, Proof, Provider, Rejection, Request, Sample, Setup, Verified, handshake,
};
use crate::config::Secret;
use crate::event::{Draft, Kind};
use map::{Map, Mapping};

/// A configured source of any sender's webhooks.
pub(super) struct Webhook {
    verifier: Verifier,
    handshake: Handshake,
    verify_token: Secret,
    /// What a handshake is answered with: the secret that the sender signs with now.
    secret: Secret,
    reads: Vec<Box<str>>,
    mapping: Mapping,
}

/// What stands under a webhook source.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    /// How the sender proves itself: a preset by its name, a scheme of your own, or a preset with
    /// some of it otherwise. Without it, the preset `signature`.
    verify: Verify,
    /// What the sender proves itself with; any of them may match, the last is the current one.
    /// Without one, a random development secret is used on loopback.
    secrets: Vec<Secret>,
    /// How the sender asks whether the URL is yours; by default it does not ask.
    handshake: Handshake,
    /// What `handshake: hub` compares. Defaults to the development secret on loopback.
    verify_token: Secret,
    /// What a request means. Without it, each is an `event.received`.
    map: Map,
}

/// How a sender asks whether a URL is ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Handshake {
    /// It does not ask.
    #[default]
    None,
    /// A GET with `hub.mode`, `hub.verify_token` and `hub.challenge`, as Meta sends it.
    Hub,
    /// A GET or POST with a `challenge`, which goes back as it came.
    Echo,
    /// A signed POST of the type `url_verification`, as Slack sends it.
    Slack,
    /// A signed POST of the type 1, as Discord sends it.
    Pong,
    /// A GET with a `crc_token`, as X sends it.
    Crc,
    /// A signed POST `endpoint.url_validation`, as Zoom sends it.
    Zoom,
}

impl Provider for Webhook {
    const NAME: &'static str = "webhook";
    const SUMMARY: &'static str = "Webhooks of any sender, and CloudEvents.";
    const KINDS: &'static [Kind] = payload::KINDS;
    const PROOFS: &'static [Proof] =
        &[Proof::Body, Proof::BodyAndTime, Proof::Sender, Proof::Nothing];
    const SAMPLES: &'static [Sample] = samples::SAMPLES;
    type Config = Config;

    fn new(config: Config, setup: &Setup) -> Result<Self, String> {
        let Config { verify, secrets, handshake, verify_token, map } = config;
        let development = || setup.development_secret.clone().unwrap_or_default();
        let or_development = |it: Secret| if it.is_empty() { development() } else { it };
        let current = secrets.iter().rfind(|it| !it.is_empty()).cloned().unwrap_or_default();
        let secret = or_development(current);
        let verifier = Verifier::new(&verify, "signature", secrets, "secrets", setup)?;
        if handshake != Handshake::Hub && !verify_token.is_empty() {
            return Err("`verify_token` belongs to `handshake: hub`".into());
        }
        let verify_token = or_development(verify_token);
        match handshake {
            Handshake::Hub if verify_token.is_empty() => {
                return Err("`verify_token` is missing: `handshake: hub` compares it".into());
            }
            Handshake::Crc | Handshake::Zoom if secret.is_empty() => {
                return Err(
                    "needs at least one of `secrets`: the handshake is signed with it".into()
                );
            }
            _ => {}
        }
        let mapping = Mapping::new(&map)?;
        let is_secret = verifier.proof() == Proof::Sender;
        if let Some(header) = mapping
            .headers()
            .find(|it| is_secret && verifier.headers().iter().any(|own| *own == **it))
        {
            return Err(format!("`map` reads the header `{header}`, which holds the secret"));
        }
        let reads = payload::reads(&mapping);
        Ok(Self { verifier, handshake, verify_token, secret, reads, mapping })
    }

    fn names(settings: &Value) -> Vec<String> {
        let kind = settings["map"]["kind"].as_str().unwrap_or_default();
        vec![kind::pattern(kind)]
    }

    fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    fn reads(&self) -> &[Box<str>] {
        &self.reads
    }

    fn handshake(&self, request: &Request) -> Option<Result<Answer, Rejection>> {
        match self.handshake {
            Handshake::Hub => handshake::hub(request, &self.verify_token),
            Handshake::Echo => handshake::echo(request),
            Handshake::Crc => handshake::crc(request, &self.secret),
            Handshake::None | Handshake::Slack | Handshake::Pong | Handshake::Zoom => None,
        }
    }

    fn challenge(&self, request: &Request<Verified>) -> Option<Answer> {
        match self.handshake {
            Handshake::Echo => handshake::echo_signed(request),
            Handshake::Slack => handshake::slack(&request.body),
            Handshake::Pong => handshake::pong(&request.body),
            Handshake::Zoom => handshake::zoom(&request.body, &self.secret),
            Handshake::None | Handshake::Hub | Handshake::Crc => None,
        }
    }

    fn normalise(&self, request: &Request<Verified>) -> Vec<Draft> {
        payload::drafts(request, &self.mapping)
    }

    fn compose(&self, sample: &Sample, fresh: &Fresh<'_>) -> Request {
        samples::compose(sample, fresh, &self.mapping, self.verifier.headers())
    }
}
