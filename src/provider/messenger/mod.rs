//! Webhooks of Facebook pages: Messenger, comments and lead ads.

mod payload;
mod samples;

use bytes::Bytes;

use super::meta::{self, Config, Meta, Product};
use super::{
    Answer, Download, Fresh, Headers, Proof, Provider, Rejection, Request, Sample, Setup, Verified,
    Verifier,
};
use crate::event::facts::{Facts, Media};
use crate::event::{Draft, Kind};

pub(super) use payload::{by, change, is_messaging, messaging, sign};

/// A configured Messenger source.
pub(super) struct Messenger(Meta);

impl Provider for Messenger {
    const NAME: &'static str = Product::Messenger.name();
    const SUMMARY: &'static str = "Messenger, page comments and lead ads, signed by a Meta app.";
    const KINDS: &'static [Kind] = meta::KINDS;
    const PROOFS: &'static [Proof] = &[Proof::Body];
    const SAMPLES: &'static [Sample] = samples::SAMPLES;
    type Config = Config;

    fn new(config: Config, setup: &Setup) -> Result<Self, String> {
        Meta::new(config, setup).map(Self)
    }

    fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    fn handshake(&self, request: &Request) -> Option<Result<Answer, Rejection>> {
        self.0.handshake(request)
    }

    fn download(&self, facts: &Facts, media: &Media) -> Result<Option<Download>, String> {
        self.0.download(facts, media)
    }

    fn normalise(&self, request: &Request<Verified>) -> Vec<Draft> {
        meta::drafts(Product::Messenger, &request.body)
    }

    fn compose(&self, sample: &Sample, fresh: &Fresh<'_>) -> Request {
        let body = Bytes::from(samples::freshen(sample.body, fresh));
        let headers = Headers::from_iter([("content-type", "application/json")]);
        Request::new("POST", "", headers, body)
    }
}
