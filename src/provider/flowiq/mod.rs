//! `FlowIQ`: the conversations of a tenant, which nobody pushes. The gateway asks for them.

mod message;
mod payload;
mod poller;
mod samples;

use std::time::Duration;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Cursor, Fresh, Headers, Poller, Proof, Provider, Request, Sample, Setup, Verified, Verifier,
};
use crate::client::deeds;
use crate::config::{Period, Rate, Secret};
use crate::event::{Draft, Kind};

/// A configured `FlowIQ` source.
pub(super) struct FlowIq {
    verifier: Verifier,
    account: Account,
}

/// Whom to ask, and how often.
#[derive(Clone, Debug)]
struct Account {
    tenant: String,
    token: Secret,
    base_url: String,
    every: Duration,
    idle: Duration,
    watch: Duration,
    budget: Rate,
}

/// What stands under a `FlowIQ` source.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    /// The tenant, as `FlowIQ` shows it under Settings, Account.
    tenant_id: String,
    /// The bearer token of the tenant, made under Settings, API Keys.
    token: Secret,
    /// Where `FlowIQ` is: another address for a simulator.
    base_url: String,
    /// How often a conversation that is alive is asked for news.
    every: Period,
    /// How often at least a conversation is asked in which nothing happens any more.
    idle: Period,
    /// How many requests are made at most. What is not due stays within it by itself; a first run
    /// uses all of it.
    budget: Rate,
    /// For how long after a message its status, reactions and transcription are looked at again.
    watch: Period,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tenant_id: String::new(),
            token: Secret::default(),
            base_url: "https://api.flowiq.live".to_owned(),
            every: Period(Duration::from_secs(15)),
            idle: Period(Duration::from_mins(10)),
            budget: Rate { count: 60, per: Duration::from_mins(1) },
            watch: Period(Duration::from_hours(48)),
        }
    }
}

impl Provider for FlowIq {
    const NAME: &'static str = "flowiq";
    const SUMMARY: &'static str = "FlowIQ conversations, asked for because nobody pushes them.";
    const KINDS: &'static [Kind] = payload::KINDS;
    const PROOFS: &'static [Proof] = &[Proof::Polled];
    const SAMPLES: &'static [Sample] = samples::SAMPLES;
    type Config = Config;

    fn new(config: Config, setup: &Setup) -> Result<Self, String> {
        if config.tenant_id.trim().is_empty() {
            return Err("`tenant_id` is missing: FlowIQ shows it under Settings, Account".into());
        }
        if config.token.is_empty() {
            return Err("`token` is missing: make one in FlowIQ under Settings, API Keys".into());
        }
        let base_url = config.base_url.trim_end_matches('/');
        if !["https://", "http://"].iter().any(|it| base_url.starts_with(it)) {
            return Err("`base_url` begins with `https://` or `http://`".into());
        }
        if config.every.0.is_zero() || config.idle.0 < config.every.0 {
            return Err("`every` is more than nothing, and `idle` no shorter than `every`".into());
        }
        let account = Account {
            tenant: config.tenant_id.trim().to_owned(),
            token: config.token,
            base_url: base_url.to_owned(),
            every: config.every.0,
            idle: config.idle.0,
            watch: config.watch.0,
            budget: config.budget,
        };
        Ok(Self { verifier: Verifier::polled(setup), account })
    }

    fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    fn simulated(&self) -> Option<String> {
        deeds(&self.account.base_url)
    }

    fn poller(&self, cursors: Vec<Cursor>) -> Option<Box<dyn Poller>> {
        Some(Box::new(poller::Asker::new(self.account.clone(), cursors)))
    }

    fn normalise(&self, request: &Request<Verified>) -> Vec<Draft> {
        payload::drafts(&request.body, &self.account.tenant)
    }

    fn compose(&self, sample: &Sample, fresh: &Fresh<'_>) -> Request {
        let body = Bytes::from(samples::freshen(sample.body, fresh));
        Request::new("GET", "", Headers::default(), body)
    }
}
