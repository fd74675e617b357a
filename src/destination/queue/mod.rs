//! `queue`: a topic exchange and its queues, in `RabbitMQ` or inside the journal. One contract.

mod topic;

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{BoxFuture, Broker, Define, Destination, Order, Outcome, Parcel, Placement, Setup};
use crate::expression::{Subject, Template};

/// A configured queue destination.
pub struct Queue {
    config: Config,
    routing_key: Template,
    embedded: Option<Vec<(Arc<str>, Vec<String>)>>,
}

/// What stands under a destination with `kind: queue`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The topic exchange events are published to.
    pub exchange: String,
    /// The routing key: a template over the event.
    pub routing_key: String,
    /// Queues bound to the exchange, each with the patterns it takes: `*` is one word, `#` any
    /// number of words.
    pub queues: BTreeMap<String, Vec<String>>,
    /// Whether exchange, queues and bindings are declared; `false` only checks that they exist.
    pub declare: bool,
    /// How often a message may be received without an acknowledgement before it is set aside.
    pub delivery_limit: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            exchange: "sluicegate".into(),
            routing_key: "{{ event.source }}.{{ event.kind }}".into(),
            queues: BTreeMap::new(),
            declare: true,
            delivery_limit: 20,
        }
    }
}

impl Define for Queue {
    const KIND: &'static str = "queue";
    const SUMMARY: &'static str = "A topic exchange with durable queues, in RabbitMQ or embedded.";
    type Config = Config;

    fn new(config: Config, setup: &Setup) -> Result<Self, String> {
        let routing_key =
            Template::compile(&config.routing_key).map_err(|it| format!("`routing_key`: {it}"))?;
        let embedded = (setup.broker == Broker::Embedded).then(|| {
            config.queues.iter().map(|(name, keys)| (Arc::from(&**name), keys.clone())).collect()
        });
        Ok(Self { config, routing_key, embedded })
    }
}

impl Queue {
    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }
}

impl Destination for Queue {
    fn order(&self) -> Order {
        Order::None
    }

    fn place(&self, subject: &Subject) -> Placement {
        let Some(queues) = &self.embedded else { return Placement::Lane };
        let key = match self.routing_key.render_text(subject) {
            Ok(key) => key,
            Err(error) => return Placement::Dead(format!("`routing_key`: {error}")),
        };
        let matching = |patterns: &Vec<String>| patterns.iter().any(|it| topic::matches(it, &key));
        let queues: Vec<Arc<str>> = queues
            .iter()
            .filter(|(_, patterns)| matching(patterns))
            .map(|(name, _)| Arc::clone(name))
            .collect();
        if queues.is_empty() {
            return Placement::Dead(format!("no queue takes routing key `{key}`"));
        }
        Placement::Queues(queues)
    }

    fn deliver<'a>(&'a self, batch: &'a [Parcel]) -> BoxFuture<'a, Vec<Outcome>> {
        Box::pin(async move { vec![Outcome::retry("not connected"); batch.len()] })
    }
}
