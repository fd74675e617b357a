//! A publisher: the one task that owns a channel.
//!
//! A batch is a barrier: everything is published, then every confirm is awaited, and only then is
//! anything believed. lapin hands a returned message to whichever confirm it completes next, so
//! returns are collected over the whole batch and matched by what the message itself says.

use std::collections::HashSet;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{Channel, Confirmation, Connection};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::timeout;

use super::message::{Message, key};
use super::{Plan, code, words};
use crate::destination::Outcome;

/// How long the broker may take to confirm a batch, as long as it does not block us.
const CONFIRM: Duration = Duration::from_secs(10);

/// Room for the bodies of a usual batch, kept from one to the next. In bytes.
const BODIES: usize = 512 * 1024;

/// How long opening a channel may take.
const OPEN: Duration = Duration::from_secs(10);

/// A batch, and whom to tell what became of it.
pub(super) struct Job {
    pub(super) messages: Vec<Message>,
    pub(super) reply: oneshot::Sender<Answer>,
}

/// What became of a batch.
pub(super) enum Answer {
    /// One outcome per message, in order.
    Settled(Vec<Outcome>),
    /// One of its messages closed the channel, and took the others with it: too large for the
    /// broker, or with a routing key we may not use. Publish them one by one.
    Apart,
}

/// Batches waiting for any of the publishers.
pub(super) type Jobs = Arc<Mutex<mpsc::Receiver<Job>>>;

/// What a publisher noticed about the topology.
pub(super) enum Notice {
    /// A message found no queue.
    Unroutable,
    /// The broker closed the channel, with these words.
    Refused(String),
}

/// Why a publisher ended.
pub(super) enum End {
    /// There will be no more batches.
    Drained,
    /// The connection is of no more use.
    Lost(String),
}

/// Why a batch was not settled.
enum Failure {
    /// The broker closed the channel: code and words. The connection stays.
    Channel(u16, String),
    /// Anything else. Nothing on this connection can be believed any more.
    Connection(String),
}

/// One publisher.
pub(super) struct Publisher {
    pub(super) connection: Arc<Connection>,
    pub(super) plan: Arc<Plan>,
    pub(super) jobs: Jobs,
    pub(super) notices: mpsc::UnboundedSender<Notice>,
}

impl Publisher {
    /// Publishes batches until there are no more, or until the connection is lost.
    pub(super) async fn run(self) -> End {
        match self.work().await {
            Ok(()) => End::Drained,
            Err(words) => End::Lost(words),
        }
    }

    async fn work(&self) -> Result<(), String> {
        let mut channel = self.open().await?;
        let mut bodies = Vec::new();
        loop {
            let job = self.jobs.lock().await.recv().await;
            let Some(Job { messages, reply }) = job else { break };
            // Whoever asked has given up: its deliveries are somebody else's by now.
            if reply.is_closed() {
                continue;
            }
            let published = self.publish(&channel, &messages, &mut bodies).await;
            bodies.clear();
            bodies.shrink_to(BODIES);
            let all = |outcome| Answer::Settled(vec![outcome; messages.len()]);
            // Nobody listens if the asker gave up meanwhile: it will ask again.
            let tell = |answer| drop(reply.send(answer));
            match published {
                Ok(outcomes) => tell(Answer::Settled(outcomes)),
                Err(Failure::Connection(words)) => {
                    tell(all(Outcome::retry(&words)));
                    return Err(words);
                }
                Err(Failure::Channel(code, words)) => {
                    // 406 is about the message, all else about what it is published to.
                    if code != 406 {
                        self.notice(Notice::Refused(words.clone()));
                    }
                    tell(match code {
                        403 | 406 if messages.len() > 1 => Answer::Apart,
                        406 => all(Outcome::refused(words)),
                        _ => all(Outcome::retry(words)),
                    });
                    channel = self.open().await?;
                }
            }
        }
        let _ = timeout(OPEN, channel.close(200, "OK".into())).await;
        Ok(())
    }

    async fn open(&self) -> Result<Channel, String> {
        let opening = async {
            let channel = self.connection.create_channel().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            Ok(channel)
        };
        match timeout(OPEN, opening).await {
            Ok(opened) => opened.map_err(|it: lapin::Error| words(&it)),
            Err(_) => Err(format!("no answer within {} s", OPEN.as_secs())),
        }
    }

    /// Publishes a batch and waits for all its confirms. `bodies` is room for what they hold.
    async fn publish(
        &self,
        channel: &Channel,
        messages: &[Message],
        bodies: &mut Vec<u8>,
    ) -> Result<Vec<Outcome>, Failure> {
        let ends = messages.iter().map(|it| {
            it.event.write_wire(&self.plan.public_url, bodies);
            bodies.len()
        });
        let ends: Vec<usize> = ends.collect();
        let mut batch = std::pin::pin!(self.confirmed(channel, messages, bodies, &ends));
        let confirmations = loop {
            match timeout(CONFIRM, &mut batch).await {
                Ok(confirmations) => break confirmations?,
                // Blocked, the frames stay queued and are sent later: the channel is of use again
                // only when their confirms are in. Whoever asked has been told to try again.
                Err(_) if self.connection.status().blocked() => {}
                Err(_) => {
                    let words = format!("no confirm within {} s", CONFIRM.as_secs());
                    return Err(Failure::Connection(words));
                }
            }
        };
        let outcomes = settle(messages, confirmations)?;
        if outcomes.iter().any(|it| matches!(it, Settled::Returned)) {
            self.notice(Notice::Unroutable);
        }
        Ok(outcomes.into_iter().zip(messages).map(|(it, message)| it.outcome(message)).collect())
    }

    /// The confirms of a batch, all of them or none. `ends` is where each body ends.
    async fn confirmed(
        &self,
        channel: &Channel,
        messages: &[Message],
        bodies: &[u8],
        ends: &[usize],
    ) -> Result<Vec<Confirmation>, Failure> {
        let exchange = self.plan.topology.exchange();
        let publish = async |message: &Message, body: &[u8]| {
            let options = BasicPublishOptions { mandatory: true, ..Default::default() };
            let (exchange, key) = (exchange.clone(), message.routing_key.clone());
            let properties = message.properties();
            channel.basic_publish(exchange, key, options, body, properties).await?.await
        };
        let mut pending = Vec::with_capacity(messages.len());
        let mut confirmations: Vec<Poll<lapin::Result<Confirmation>>> =
            Vec::with_capacity(messages.len());
        let mut start = 0;
        for (message, end) in messages.iter().zip(ends) {
            let mut publishing = Box::pin(publish(message, &bodies[start..*end]));
            start = *end;
            // The first poll queues a message's frames. With a waker that does nothing, the whole
            // batch is queued at once, and nobody is woken 512 times to hear of it.
            let first = publishing.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            confirmations.push(first);
            pending.push(publishing);
        }
        // Confirms come in about the order of publishing: once the last is in, few are missing.
        for (pending, confirmation) in pending.iter_mut().zip(&mut confirmations).rev() {
            if confirmation.is_pending() {
                *confirmation = Poll::Ready(pending.await);
            }
        }
        let mut confirmed = Vec::with_capacity(messages.len());
        let mut failure = None;
        for confirmation in confirmations {
            match confirmation {
                Poll::Ready(Ok(confirmation)) => confirmed.push(confirmation),
                // The broker's own words say more than what follows from them.
                Poll::Ready(Err(error)) if failure.is_none() || code(&error).is_some() => {
                    failure = Some(error);
                }
                _ => {}
            }
        }
        match failure {
            None => Ok(confirmed),
            Some(error) => Err(match code(&error) {
                Some(code) if error.is_amqp_soft_error() => Failure::Channel(code, words(&error)),
                _ => Failure::Connection(words(&error)),
            }),
        }
    }

    fn notice(&self, notice: Notice) {
        // Without a listener the session is over, and with it what was noticed.
        let _ = self.notices.send(notice);
    }
}

/// What the broker did with a message.
enum Settled {
    Accepted,
    Refused,
    Returned,
}

impl Settled {
    fn outcome(self, message: &Message) -> Outcome {
        match self {
            Self::Accepted => Outcome::delivered(),
            Self::Refused => {
                Outcome::retry("RabbitMQ refused the message: a queue is full or failing")
            }
            Self::Returned => {
                Outcome::retry(format!("no queue takes routing key `{}`", message.routing_key))
            }
        }
    }
}

/// What became of a batch whose confirms are all in.
fn settle(messages: &[Message], confirmations: Vec<Confirmation>) -> Result<Vec<Settled>, Failure> {
    let stray = || Failure::Connection("a returned message belongs to no message sent".into());
    let mut accepted = Vec::with_capacity(messages.len());
    let mut returned = HashSet::new();
    for confirmation in confirmations {
        accepted.push(confirmation.is_ack());
        if let Some(message) = confirmation.take_message() {
            returned.insert(key(&message.properties).ok_or_else(stray)?);
        }
    }
    let settled = messages
        .iter()
        .zip(accepted)
        .map(|(message, accepted)| match returned.remove(&message.key) {
            true => Settled::Returned,
            false if accepted => Settled::Accepted,
            false => Settled::Refused,
        })
        .collect();
    // One that belongs to another batch would leave the place of its own unknown.
    if returned.is_empty() { Ok(settled) } else { Err(stray()) }
}

#[cfg(test)]
mod tests {
    use lapin::BasicProperties;
    use lapin::message::{BasicReturnMessage, Delivery};
    use lapin::types::{AMQPValue, FieldTable};
    use uuid::Uuid;

    use super::*;

    fn properties((event, delivery): (u128, u128)) -> BasicProperties {
        let mut headers = FieldTable::default();
        let delivery = Uuid::from_u128(delivery).to_string().into();
        headers.insert("delivery-id".into(), AMQPValue::LongString(delivery));
        let event = Uuid::from_u128(event).to_string();
        BasicProperties::default().with_message_id(event.into()).with_headers(headers)
    }

    fn message((event, delivery): (u128, u128)) -> Message {
        let mut parcel = crate::destination::queue::rabbitmq::message::tests::parcel();
        Arc::make_mut(&mut parcel.event).id = Uuid::from_u128(event);
        parcel.delivery = Uuid::from_u128(delivery);
        Message::new(&parcel, &"a.b".into())
    }

    fn returned(properties: BasicProperties) -> BasicReturnMessage {
        let mut delivery = Delivery::mock(0, "x".into(), "a.b".into(), false, Vec::new());
        delivery.properties = properties;
        BasicReturnMessage { delivery, reply_code: 312, reply_text: "NO_ROUTE".into() }
    }

    fn settled(keys: &[(u128, u128)], confirmations: Vec<Confirmation>) -> Option<String> {
        let messages: Vec<Message> = keys.iter().map(|it| message(*it)).collect();
        let letter = |it| match it {
            Settled::Accepted => 'a',
            Settled::Refused => 'n',
            Settled::Returned => 'r',
        };
        let settled = settle(&messages, confirmations).ok()?;
        Some(settled.into_iter().map(letter).collect())
    }

    #[test]
    fn a_return_belongs_to_the_message_that_it_names() {
        use Confirmation::{Ack, Nack};
        // One event for two routes, and another one; every return hangs on the wrong confirm.
        let keys = [(1, 1), (1, 2), (2, 3), (3, 4)];
        let back = |it| Some(returned(properties(it)));
        let confirmations = vec![Ack(back((2, 3))), Ack(None), Ack(back((1, 1))), Nack(None)];
        assert_eq!(settled(&keys, confirmations).unwrap(), "rarn");
        let confirmations = vec![Ack(None), Ack(None), Nack(back((1, 2))), Ack(None)];
        assert_eq!(settled(&keys, confirmations).unwrap(), "arna");
    }

    #[test]
    fn a_stray_return_leaves_nothing_to_believe() {
        let stray = [properties((9, 1)), properties((1, 9)), BasicProperties::default()];
        for properties in stray {
            let confirmations = vec![Confirmation::Ack(Some(returned(properties)))];
            assert_eq!(settled(&[(1, 1)], confirmations), None);
        }
    }
}
