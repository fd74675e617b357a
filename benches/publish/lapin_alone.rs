//! lapin by itself, with messages that are ready: as its documentation shows it, and at its best.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use anyhow::{Result, ensure};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use tokio::task::JoinSet;

use crate::clients::{BATCH, FLYING};

/// A message that is published over and over.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) exchange: String,
    pub(crate) key: String,
    pub(crate) properties: BasicProperties,
    pub(crate) body: Vec<u8>,
}

/// How a batch is published.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    /// Each publish is awaited, then each confirm of the batch.
    Awaited,
    /// Each publish is polled once, then their confirms are awaited.
    Polled,
}

/// Publishes batches over some channels at once.
pub(crate) async fn publish(
    connection: &Connection,
    message: &Message,
    batches: usize,
    way: Way,
) -> Result<()> {
    let message = Arc::new(message.clone());
    let mut tasks = JoinSet::new();
    for number in 0..FLYING {
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        let message = Arc::clone(&message);
        let batches = batches / FLYING + usize::from(number < batches % FLYING);
        tasks.spawn(async move {
            for _ in 0..batches {
                let confirmations = match way {
                    Way::Awaited => awaited(&channel, &message).await?,
                    Way::Polled => polled(&channel, &message).await?,
                };
                ensure!(confirmations.iter().all(Confirmation::is_ack), "a message was refused");
            }
            channel.close(200, "done".into()).await?;
            Ok(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}

fn one<'a>(
    channel: &'a Channel,
    message: &'a Message,
) -> impl Future<Output = lapin::Result<lapin::PublisherConfirm>> + 'a {
    channel.basic_publish(
        message.exchange.as_str().into(),
        message.key.as_str().into(),
        BasicPublishOptions { mandatory: true, ..Default::default() },
        &message.body,
        message.properties.clone(),
    )
}

async fn awaited(channel: &Channel, message: &Message) -> Result<Vec<Confirmation>> {
    let mut confirms = Vec::with_capacity(BATCH);
    for _ in 0..BATCH {
        confirms.push(one(channel, message).await?);
    }
    let mut confirmations = Vec::with_capacity(BATCH);
    for confirm in confirms {
        confirmations.push(confirm.await?);
    }
    Ok(confirmations)
}

async fn polled(channel: &Channel, message: &Message) -> Result<Vec<Confirmation>> {
    let publish = async || one(channel, message).await?.await;
    let mut confirmations = Vec::with_capacity(BATCH);
    let mut pending: Vec<Pin<Box<_>>> = Vec::with_capacity(BATCH);
    for _ in 0..BATCH {
        let mut publishing = Box::pin(publish());
        match publishing.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(confirmation) => confirmations.push(confirmation?),
            Poll::Pending => pending.push(publishing),
        }
    }
    while let Some(publishing) = pending.pop() {
        confirmations.push(publishing.await?);
    }
    Ok(confirmations)
}
