//! TikTok: events of an app on developers.tiktok.com, and direct messages of a business.

mod payload;
mod samples;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Deserialize;

use super::signature::{TOLERANCE, Verifier, Verify};
use super::{Fresh, Headers, Proof, Provider, Request, Sample, Setup, Verified};
use crate::config::{Period, Secret};
use crate::event::{Draft, Kind};

/// A configured TikTok app.
pub(super) struct TikTok(Verifier);

/// What stands under a source of a TikTok app.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    /// Client secrets of the apps that call this URL; any of them may sign. Without one, a random
    /// development secret is used on loopback.
    client_secrets: Vec<Secret>,
    /// How far the time in the signature may lie from now, before or after. TikTok sends again
    /// for up to 72 hours and does not say whether it signs anew each time: if rejections named
    /// `stale` appear after an outage, set `72h`. What arrives twice is told once in any case.
    tolerance: Period,
}

impl Default for Config {
    fn default() -> Self {
        Self { client_secrets: Vec::new(), tolerance: Period(TOLERANCE) }
    }
}

impl Provider for TikTok {
    const NAME: &'static str = "tiktok";
    const SUMMARY: &'static str =
        "Events of a TikTok app and direct messages of a business, signed.";
    const KINDS: &'static [Kind] = payload::KINDS;
    const PROOFS: &'static [Proof] = &[Proof::BodyAndTime];
    const SAMPLES: &'static [Sample] = samples::SAMPLES;
    type Config = Config;

    fn new(config: Config, setup: &Setup) -> Result<Self, String> {
        let verify = Verify { tolerance: Some(config.tolerance), ..Verify::default() };
        let secrets = config.client_secrets;
        Verifier::new(&verify, "tiktok", secrets, "client_secrets", setup).map(Self)
    }

    fn verifier(&self) -> &Verifier {
        &self.0
    }

    fn normalise(&self, request: &Request<Verified>) -> Vec<Draft> {
        payload::drafts(&request.body)
    }

    fn compose(&self, sample: &Sample, fresh: &Fresh<'_>) -> Request {
        let body = Bytes::from(samples::freshen(sample.body, fresh));
        let headers = Headers::from_iter([("content-type", "application/json")]);
        Request::new("POST", "", headers, body)
    }
}
