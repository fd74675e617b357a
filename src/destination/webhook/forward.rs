//! `forward`: webhook requests as they arrived, signature included.
//!
//! For software that expects to be called by the platform itself and checks its signature. It is
//! given each request once, whatever number of events came of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{REPLAY, address, answer, configured};
use crate::client::{Outgoing, Response};
use crate::config::Secret;
use crate::destination::certificates::Tls;
use crate::destination::{
    Adapter, Arrived, Call, Connection, Define, Means, Outcome, Policy, Setup,
};
use crate::http::Unanswered;

/// What belongs to the connection a request came by (RFC 9110 §7.6.1), and what every request
/// has anew.
const HOP_BY_HOP: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A configured receiver of whole requests.
pub struct Forward {
    url: String,
    headers: super::Headers,
    secrets: Vec<Secret>,
    connection: Connection,
}

/// What stands under a destination with `kind: forward`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where requests are sent.
    url: String,
    /// Headers that are sent with each, in place of those of the same names that it arrived with.
    headers: BTreeMap<String, Secret>,
    /// Certificates: those to trust, and our own.
    tls: Tls,
}

impl Define for Forward {
    const KIND: &'static str = "forward";
    const SUMMARY: &'static str =
        "Webhook requests as they arrived, signature included, for software that checks it itself.";
    const POLICY: Policy = Policy::WEBHOOK;
    type Config = Config;

    fn new(config: Config, _setup: &Setup) -> Result<Self, String> {
        let url = address(config.url)?;
        let connection = config.tls.connection(&url)?;
        let headers = configured(config.headers)?;
        let secrets = headers.iter().map(|it| it.1.clone()).filter(|it| !it.is_empty()).collect();
        Ok(Self { url, headers, secrets, connection })
    }

    fn means(self) -> Means {
        Means::Adapter(Arc::new(self))
    }
}

/// The headers of a request that are not of the connection it came by.
fn end_to_end(request: &Arrived) -> impl Iterator<Item = (&str, &str)> {
    // `connection` names more of them.
    let named = request.headers.iter().filter(|it| it.0 == "connection");
    let named: Vec<String> =
        named.flat_map(|it| it.1.split(',')).map(|it| it.trim().to_ascii_lowercase()).collect();
    request
        .headers
        .iter()
        .filter(move |it| !HOP_BY_HOP.contains(&it.0) && !named.iter().any(|name| name == it.0))
}

impl Adapter for Forward {
    fn request(&self, call: &Call) -> Result<Outgoing, Outcome> {
        let Some(request) = &call.request else {
            return Err(Outcome::refused(
                "no webhook request brought this event: it was polled, or answered by a destination",
            ));
        };
        let mut headers = self.headers.clone();
        let arrived =
            end_to_end(request).filter(|it| !self.headers.iter().any(|own| own.0 == it.0));
        headers.extend(arrived.map(|it| (it.0.to_owned().into(), Secret::new(it.1))));
        if call.replay {
            headers.push((REPLAY.into(), Secret::new("true")));
        }
        let (url, body) = (self.url.clone(), request.body.clone());
        Ok(Outgoing { method: "POST", url, headers, body })
    }

    fn outcome(&self, call: &Call, answer: &Response) -> Outcome {
        answer::outcome(answer, call.now)
    }

    fn unanswered(&self, call: &Call, why: Unanswered) -> Outcome {
        answer::unanswered(why, call.now)
    }

    fn per_request(&self) -> bool {
        true
    }

    fn secrets(&self) -> Vec<Secret> {
        self.secrets.clone()
    }

    fn connection(&self) -> Connection {
        self.connection.clone()
    }
}
