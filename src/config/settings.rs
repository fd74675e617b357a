//! The gateway's own settings: what stands at the top of `routes.yaml`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::words::{Listen, Network, Period, PublicUrl, Rate, Size};
use crate::config::Secret;
use crate::destination::Broker;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Everything beside sources, destinations and routes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    /// Where the outside reaches the gateway: events name their schemas below it. As long as it is
    /// this machine, sources without a secret get a development secret.
    pub(super) public_url: PublicUrl,
    /// Where queues live: `embedded`, or the `amqp://` or `amqps://` URL of a RabbitMQ.
    pub(super) broker: BrokerUrl,
    /// The directory of the store, the admin token and the development secrets.
    pub(super) data: PathBuf,
    /// Where webhooks are received.
    pub(super) listen: Listen,
    /// Where the admin API is reached. Keep it away from the outside.
    pub(super) admin_listen: Listen,
    /// Events that arrive later than this after they happened count as history.
    pub(super) stale_after: Period,
    /// How long a person who answered in place of the bot is believed to go on: routes that say
    /// `unless: takeover` fall silent for so long after each of their messages.
    pub(super) takeover: Period,
    /// What one request, and one sender, may cost.
    pub(super) limits: Limits,
    /// How long things are kept.
    pub(super) retention: Retention,
}

/// What one request, and one sender, may cost.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema, serde::Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The largest body that is read; a larger one is answered 413.
    pub max_body: Size,
    /// How long a request may take to arrive.
    pub read_timeout: Period,
    /// How many requests are worked on at once; further ones are answered 503 with `Retry-After`.
    #[schemars(range(min = 1))]
    pub in_flight: u32,
    /// How many requests one address may make before their signature is checked; further ones are
    /// answered 429. Without it there is no limit: a platform calls from few addresses.
    pub per_address: Option<Rate>,
    /// Proxies whose `X-Forwarded-For` is believed: addresses and networks.
    pub trusted_proxies: Vec<Network>,
}

/// How long things are kept.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema, serde::Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// How long events and what became of them are kept. What is not delivered yet always stays.
    pub events: Period,
    /// The size of the store above which the oldest events go first; without it, there is no
    /// bound.
    pub max_size: Option<Size>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            public_url: PublicUrl("http://127.0.0.1:8080".into()),
            broker: BrokerUrl::default(),
            data: "data".into(),
            listen: Listen(([127, 0, 0, 1], 8080).into()),
            admin_listen: Listen(([127, 0, 0, 1], 8081).into()),
            stale_after: Period(std::time::Duration::from_secs(HOUR)),
            takeover: Period(std::time::Duration::from_secs(HOUR)),
            limits: Limits::default(),
            retention: Retention::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body: Size(3 << 20),
            read_timeout: Period(std::time::Duration::from_secs(10)),
            in_flight: 1024,
            per_address: None,
            trusted_proxies: Vec::new(),
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self { events: Period(std::time::Duration::from_secs(30 * DAY)), max_size: None }
    }
}

/// `embedded` or an AMQP URL, which may hold a password: it is written as `embedded` only.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct BrokerUrl(String);

impl Default for BrokerUrl {
    fn default() -> Self {
        Self("embedded".into())
    }
}

impl serde::Serialize for BrokerUrl {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.0 == "embedded" { "embedded" } else { "***" })
    }
}

impl BrokerUrl {
    /// What it means.
    pub(super) fn broker(&self) -> Option<Broker> {
        let url = |scheme| self.0.strip_prefix(scheme).is_some_and(|it| !it.is_empty());
        match &*self.0 {
            "embedded" => Some(Broker::Embedded),
            _ if url("amqp://") || url("amqps://") => {
                Some(Broker::RabbitMq(Secret::new(self.0.clone())))
            }
            _ => None,
        }
    }
}

/// The schema of the settings.
pub(super) fn schema() -> Json {
    schemars::schema_for!(Settings).to_value()
}
