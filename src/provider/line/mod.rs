//! LINE Messaging API webhooks.

mod payload;
mod samples;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Deserialize;

use super::signature::Verify;
use super::{Answer, Fresh, Headers, Proof, Provider, Request, Sample, Setup, Verified, Verifier};
use crate::config::Secret;
use crate::event::{Draft, Kind};

/// A configured LINE source.
pub(super) struct Line {
    verifier: Verifier,
}

/// What stands under a source with `provider: line`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    /// Channel secrets of the channels that call this URL; any of them may sign. Found under Basic
    /// settings of a channel. Without one, a random development secret is used on loopback.
    channel_secrets: Vec<Secret>,
}

impl Provider for Line {
    const NAME: &'static str = "line";
    const SUMMARY: &'static str = "LINE Messaging API webhooks, signed by a channel.";
    const KINDS: &'static [Kind] = payload::KINDS;
    const PROOFS: &'static [Proof] = &[Proof::Body];
    const SAMPLES: &'static [Sample] = samples::SAMPLES;
    type Config = Config;

    fn new(config: Config, setup: &Setup) -> Result<Self, String> {
        let secrets = config.channel_secrets;
        let verify = Verify::default();
        let verifier = Verifier::new(&verify, "line", secrets, "channel_secrets", setup)?;
        Ok(Self { verifier })
    }

    fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// *Verify* in the console posts a request without events.
    fn challenge(&self, request: &Request<Verified>) -> Option<Answer> {
        payload::is_check(&request.body).then(Answer::ok)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_of_the_url_is_answered_and_is_no_event() {
        let setup = Setup {
            name: "line".into(),
            public_url: "https://gateway.example".into(),
            store_key: Secret::new("store"),
            development_secret: None,
        };
        let config = Config { channel_secrets: vec![Secret::new("channel")] };
        let line = Line::new(config, &setup).unwrap();
        let challenge = |body: &'static str| {
            let request =
                Request::new("POST", "", Headers::default(), Bytes::from_static(body.as_bytes()));
            line.challenge(&request.assume_verified())
        };
        assert_eq!(challenge(r#"{"destination":"U1","events":[]}"#), Some(Answer::ok()));
        for body in [r#"{"destination":"U1","events":[{}]}"#, r#"{"destination":"U1"}"#, "", "[]"] {
            assert_eq!(challenge(body), None, "{body}");
        }
        assert!(Line::new(Config::default(), &setup).err().unwrap().contains("channel_secrets"));
    }
}
