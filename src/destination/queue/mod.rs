//! `queue`: a topic exchange and its queues, in `RabbitMQ` or inside the journal. One contract.

mod topic;
mod rabbitmq;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use lapin::types::ShortString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::rabbitmq::{Address, RabbitMq, Topology};
use super::certificates::certificates;
use super::{
    BoxFuture, Broker, Define, Means, Outcome, Parcel, Placement, Policy, Setup, Transport,
};
use crate::expression::{Subject, Template};

/// A configured queue destination.
pub struct Queue {
    routing_key: Template,
    broker: Placed,
}

/// Where the queues are.
enum Placed {
    /// In the journal: each queue with its patterns.
    Embedded(Vec<(Arc<str>, Vec<String>)>),
    /// In `RabbitMQ`.
    RabbitMq(RabbitMq),
}

/// What stands under a destination with `kind: queue`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The topic exchange events are published to. Durable.
    pub exchange: String,
    /// The routing key: a template over the event.
    pub routing_key: String,
    /// Queues bound to the exchange, each with the patterns it takes: `*` is one word, `#` any
    /// number of words. Durable. Taking a pattern away here does not unbind it in RabbitMQ.
    pub queues: BTreeMap<String, Vec<String>>,
    /// Whether exchange, queues and bindings are declared, and declared again when somebody deletes
    /// them; `false` only checks that they exist.
    pub declare: bool,
    /// How often a message may be received without an acknowledgement before it is set aside.
    /// Quorum queues only.
    pub delivery_limit: u32,
    /// What kind of queue RabbitMQ makes. Cannot be changed once the queue exists.
    pub queue_type: QueueType,
    /// The most messages a queue holds. When it is full, RabbitMQ refuses more, and the deliveries
    /// are tried again. Without it there is no limit.
    pub max_length: Option<u32>,
    /// The exchange RabbitMQ sends messages to that were set aside; it must exist. Without it they
    /// go to a queue of the exchange's name with `.dead` after it, so that none is dropped.
    pub dead_letter_exchange: Option<String>,
    /// A file of certificates (PEM) to trust beside the system's own, for `amqps://`.
    pub ca_file: Option<PathBuf>,
}

/// What kind of queue RabbitMQ makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum QueueType {
    /// Kept by several nodes, with a delivery limit.
    #[default]
    Quorum,
    /// Kept by one node.
    Classic,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            exchange: "sluicegate".into(),
            routing_key: "{{ event.source }}.{{ event.kind }}".into(),
            queues: BTreeMap::new(),
            declare: true,
            delivery_limit: 20,
            queue_type: QueueType::Quorum,
            max_length: None,
            dead_letter_exchange: None,
            ca_file: None,
        }
    }
}

impl Define for Queue {
    const KIND: &'static str = "queue";
    const SUMMARY: &'static str = "A topic exchange with durable queues, in RabbitMQ or embedded.";
    const POLICY: Policy = Policy::TRANSPORT;
    type Config = Config;

    fn new(config: Config, setup: &Setup) -> Result<Self, String> {
        let routing_key =
            Template::compile(&config.routing_key).map_err(|it| format!("`routing_key`: {it}"))?;
        let topology = Topology::new(&config)?;
        let broker = match &setup.broker {
            Broker::Embedded => {
                let queues = config.queues.iter();
                Placed::Embedded(
                    queues.map(|(name, keys)| (Arc::from(&**name), keys.clone())).collect(),
                )
            }
            Broker::RabbitMq(url) => {
                let authorities = config.ca_file.as_deref();
                let authorities = authorities.map(|it| certificates("ca_file", it)).transpose()?;
                let address = Address::new(url, authorities, &setup.name)?;
                Placed::RabbitMq(RabbitMq::new(setup, address, topology))
            }
        };
        Ok(Self { routing_key, broker })
    }

    fn means(self) -> Means {
        Means::Transport(Arc::new(self))
    }
}

impl Queue {
    /// The routing key of a subject, as AMQP can hold it.
    fn routing_key(&self, subject: &Subject) -> Result<ShortString, String> {
        let key =
            self.routing_key.render_text(subject).map_err(|it| format!("`routing_key`: {it}"))?;
        let length = key.len();
        ShortString::try_new(key).map_err(|_| {
            format!("`routing_key`: a routing key may have 255 bytes, this one has {length}")
        })
    }
}

impl Transport for Queue {
    fn batch(&self) -> usize {
        256
    }

    fn place(&self, subject: &Subject) -> Placement {
        let Placed::Embedded(queues) = &self.broker else { return Placement::Lane };
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

    fn is_embedded(&self) -> bool {
        matches!(self.broker, Placed::Embedded(_))
    }

    fn deliver<'a>(&'a self, batch: &'a [Parcel]) -> BoxFuture<'a, Vec<Outcome>> {
        let Placed::RabbitMq(broker) = &self.broker else {
            // Only deliveries from before `broker:` was changed come here.
            let reason = "the queue moved into the embedded broker; replay the event instead";
            let outcomes = vec![Outcome::refused(reason); batch.len()];
            return Box::pin(std::future::ready(outcomes));
        };
        Box::pin(async move {
            let keys: Vec<_> = batch
                .iter()
                .map(|it| self.routing_key(&Subject::event(Arc::clone(&it.event))))
                .collect();
            let ready: Vec<_> = batch
                .iter()
                .zip(&keys)
                .filter_map(|(parcel, key)| Some((parcel, key.as_ref().ok()?.clone())))
                .collect();
            let mut published = broker.publish(&ready).await.into_iter();
            let outcome = |key: Result<_, _>| match key {
                Ok(_) => published.next().expect("every message has an outcome"),
                Err(reason) => Outcome::refused(reason),
            };
            keys.into_iter().map(outcome).collect()
        })
    }

    fn ready(&self) -> Result<(), String> {
        match &self.broker {
            Placed::Embedded(_) => Ok(()),
            Placed::RabbitMq(broker) => broker.ready(),
        }
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        match &self.broker {
            Placed::Embedded(_) => Box::pin(async {}),
            Placed::RabbitMq(broker) => Box::pin(broker.close()),
        }
    }
}
