//! Answers of FlowGent agents, posted to the URL that a call of ours carried.

mod answer;
mod samples;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Fresh, Headers, Proof, Provider, Request, Sample, Setup, Verified, Verifier};
use crate::event::{Draft, Kind};
pub(crate) use answer::drafts;

/// A configured FlowGent source.
pub(super) struct FlowGent {
    verifier: Verifier,
    agent_id: String,
}

/// What stands under a FlowGent source.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    /// The agent whose answers arrive here, for answers that do not name it, such as FlowGent's
    /// internal errors.
    agent_id: String,
}

impl Provider for FlowGent {
    const NAME: &'static str = "flowgent";
    const SUMMARY: &'static str = "Answers of FlowGent agents, at URLs minted for one call each.";
    const KINDS: &'static [Kind] = answer::KINDS;
    const PROOFS: &'static [Proof] = &[Proof::SenderAndTime];
    const SAMPLES: &'static [Sample] = samples::SAMPLES;
    type Config = Config;

    fn new(config: Config, setup: &Setup) -> Result<Self, String> {
        Ok(Self { verifier: Verifier::callback(setup), agent_id: config.agent_id })
    }

    fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    fn normalise(&self, request: &Request<Verified>) -> Vec<Draft> {
        // The token in the path tells answers to different calls apart that say the same.
        let path = request.target.split('?').next().unwrap_or_default();
        drafts(&request.body, path, &self.agent_id)
    }

    fn compose(&self, sample: &Sample, fresh: &Fresh<'_>) -> Request {
        let body = Bytes::from(samples::freshen(sample.body, fresh));
        let headers = Headers::from_iter([("content-type", "application/json")]);
        Request::new("POST", "", headers, body)
    }
}
