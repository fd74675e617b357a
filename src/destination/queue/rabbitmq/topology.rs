//! The exchange and its queues: declared, or only looked at.

use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, Connection, Error, ExchangeKind};

use super::{code, words};
use crate::destination::queue::{Config, QueueType};

/// How long the whole topology may take.
const SETTLE: Duration = Duration::from_secs(10);

/// What has to be there before anything is published.
pub(in crate::destination::queue) struct Topology {
    exchange: ShortString,
    queues: Vec<(ShortString, Vec<ShortString>)>,
    declare: bool,
    arguments: FieldTable,
    dead: Dead,
}

/// Where messages go that nobody could work on.
enum Dead {
    /// To an exchange of the operator's.
    Theirs(ShortString),
    /// To an exchange and a queue of ours, of this name.
    Ours(ShortString, QueueType),
}

impl Topology {
    /// The topology of these settings.
    ///
    /// # Errors
    /// A name that AMQP cannot hold.
    pub(in crate::destination::queue) fn new(config: &Config) -> Result<Self, String> {
        let exchange = short("exchange", &config.exchange)?;
        if config.exchange.is_empty() {
            return Err("`exchange` needs a name".into());
        }
        if config.max_length == Some(0) {
            return Err("`max_length` must be at least 1".into());
        }
        let mut queues = Vec::new();
        for (name, patterns) in &config.queues {
            if name.is_empty() {
                return Err("`queues`: a queue needs a name".into());
            }
            let patterns: Result<_, _> = patterns.iter().map(|it| short("queues", it)).collect();
            queues.push((short("queues", name)?, patterns?));
        }
        let dead = match &config.dead_letter_exchange {
            Some(name) => Dead::Theirs(short("dead_letter_exchange", name)?),
            None => Dead::Ours(
                short("exchange", &format!("{}.dead", config.exchange))?,
                config.queue_type,
            ),
        };
        let arguments = arguments(config, &dead);
        Ok(Self { exchange, queues, declare: config.declare, arguments, dead })
    }

    /// The exchange to publish to.
    pub(super) fn exchange(&self) -> &ShortString {
        &self.exchange
    }

    /// Makes sure that everything is there.
    ///
    /// # Errors
    /// What is missing or different, in the broker's words, and what to do about it.
    pub(super) async fn settle(&self, connection: &Connection) -> Result<(), String> {
        // A channel of its own: an error closes it, and the publishers keep theirs.
        let settling = async {
            let channel = connection.create_channel().await.map_err(|it| words(&it))?;
            if self.declare { self.declare(&channel).await } else { self.look(&channel).await }?;
            // What was asked is answered: whether the channel closes well changes nothing.
            let _ = channel.close(200, "OK".into()).await;
            Ok(())
        };
        tokio::time::timeout(SETTLE, settling)
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {} s", SETTLE.as_secs())))
    }

    async fn declare(&self, channel: &Channel) -> Result<(), String> {
        let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
        let exchange = |name: &ShortString, kind| {
            channel.exchange_declare(name.clone(), kind, options, FieldTable::default())
        };
        let queue = async |name: &ShortString, arguments: &FieldTable| {
            let options = QueueDeclareOptions { durable: true, ..Default::default() };
            let declared = channel.queue_declare(name.clone(), options, arguments.clone()).await;
            declared.map(drop).map_err(|it| blame("queue", name, &it))
        };
        let bind = async |name: &ShortString, exchange: &ShortString, pattern: &ShortString| {
            let options = QueueBindOptions::default();
            let bound = channel.queue_bind(
                name.clone(),
                exchange.clone(),
                pattern.clone(),
                options,
                FieldTable::default(),
            );
            bound.await.map_err(|it| blame("the bindings of queue", name, &it))
        };
        exchange(&self.exchange, ExchangeKind::Topic)
            .await
            .map_err(|it| blame("exchange", &self.exchange, &it))?;
        match &self.dead {
            _ if self.queues.is_empty() => {}
            Dead::Theirs(name) => look_at_exchange(channel, name).await?,
            Dead::Ours(name, kind) => {
                exchange(name, ExchangeKind::Fanout)
                    .await
                    .map_err(|it| blame("exchange", name, &it))?;
                queue(name, &kind.argument()).await?;
                bind(name, name, &ShortString::default()).await?;
            }
        }
        for (name, patterns) in &self.queues {
            queue(name, &self.arguments).await?;
            for pattern in patterns {
                bind(name, &self.exchange, pattern).await?;
            }
        }
        Ok(())
    }

    async fn look(&self, channel: &Channel) -> Result<(), String> {
        look_at_exchange(channel, &self.exchange).await?;
        for (name, _) in &self.queues {
            let options = QueueDeclareOptions { passive: true, ..Default::default() };
            channel
                .queue_declare(name.clone(), options, FieldTable::default())
                .await
                .map_err(|it| blame("queue", name, &it))?;
        }
        Ok(())
    }
}

impl QueueType {
    fn argument(self) -> FieldTable {
        let name = match self {
            Self::Quorum => "quorum",
            Self::Classic => "classic",
        };
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString(name.into()));
        arguments
    }
}

/// What a queue is declared with.
fn arguments(config: &Config, dead: &Dead) -> FieldTable {
    let mut arguments = config.queue_type.argument();
    let (Dead::Theirs(exchange) | Dead::Ours(exchange, _)) = dead;
    let exchange = exchange.as_str().into();
    arguments.insert("x-dead-letter-exchange".into(), AMQPValue::LongString(exchange));
    // A classic queue does not count deliveries, and refuses to be told to.
    if config.queue_type == QueueType::Quorum {
        let limit = config.delivery_limit.into();
        arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(limit));
    }
    if let Some(length) = config.max_length {
        arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(length.into()));
        // The alternative drops the oldest message without a word.
        let overflow = "reject-publish".into();
        arguments.insert("x-overflow".into(), AMQPValue::LongString(overflow));
    }
    arguments
}

async fn look_at_exchange(channel: &Channel, name: &ShortString) -> Result<(), String> {
    let options = ExchangeDeclareOptions { passive: true, ..Default::default() };
    channel
        .exchange_declare(name.clone(), ExchangeKind::Topic, options, FieldTable::default())
        .await
        .map_err(|it| blame("exchange", name, &it))
}

/// What is wrong with a thing of that name, and what to do about it.
fn blame(what: &str, name: &ShortString, error: &Error) -> String {
    let words = words(error);
    match code(error) {
        Some(404) => {
            format!("{what} `{name}` is missing: {words}; create it or set `declare: true`")
        }
        Some(406) => format!(
            "{what} `{name}` exists with other settings: {words}; delete it in RabbitMQ or set \
             `declare: false`"
        ),
        Some(403) => format!("{what} `{name}` is not ours to declare: {words}"),
        _ => format!("{what} `{name}`: {words}"),
    }
}

fn short(setting: &str, name: &str) -> Result<ShortString, String> {
    ShortString::try_new(name)
        .map_err(|_| format!("`{setting}`: a name may have 255 bytes, this one has {}", name.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_amqp_cannot_hold_are_refused() {
        let long = "x".repeat(256);
        let queue = |name: &str, pattern: &str| Config {
            queues: [(name.to_owned(), vec![pattern.to_owned()])].into(),
            ..Config::default()
        };
        let cases = [
            (Config { exchange: String::new(), ..Config::default() }, "`exchange` needs a name"),
            (Config { exchange: long.clone(), ..Config::default() }, "`exchange`: a name may have"),
            (Config { max_length: Some(0), ..Config::default() }, "`max_length` must be"),
            (queue("", "#"), "`queues`: a queue needs a name"),
            (queue(&long, "#"), "`queues`: a name may have 255 bytes, this one has 256"),
            (queue("a", &long), "`queues`: a name may have 255 bytes, this one has 256"),
        ];
        for (config, expected) in cases {
            let error = Topology::new(&config).err().expect(expected);
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
