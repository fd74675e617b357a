//! The queues of the embedded broker.

use std::sync::Arc;

use rusqlite::{OptionalExtension, params};

use super::writer::Batch;

/// Receptions before a message is set aside, where the queue was never declared.
const DELIVERY_LIMIT: u32 = 20;

/// A message handed out; its event is read outside the transaction.
pub(super) struct Handed {
    pub(super) position: u64,
    pub(super) sequence: u64,
    pub(super) ordinal: usize,
    pub(super) received: u32,
}

/// The id of a queue; creates it, and sets its limit where one is given.
pub(super) fn id(
    batch: &mut Batch<'_>,
    name: &Arc<str>,
    limit: Option<u32>,
) -> rusqlite::Result<i64> {
    if limit.is_none()
        && let Some(id) = batch.memory.queues.get(name)
    {
        return Ok(*id);
    }
    let id = batch.connection.query_row(
        "INSERT INTO queues (name, delivery_limit) VALUES (?1, ifnull(?2, ?3)) \
         ON CONFLICT (name) DO UPDATE SET delivery_limit = ifnull(?2, delivery_limit) \
         RETURNING id",
        params![&**name, limit, DELIVERY_LIMIT],
        |row| row.get(0),
    )?;
    batch.memory.queues.insert(Arc::clone(name), id);
    Ok(id)
}

/// Hands out the oldest visible messages. Those received too often go to `<name>.dead` instead.
pub(super) fn receive(
    batch: &mut Batch<'_>,
    name: &Arc<str>,
    max: usize,
    now: i64,
    until: i64,
) -> rusqlite::Result<Option<Vec<Handed>>> {
    let Some(queue) = batch.memory.queues.get(name).copied() else { return Ok(None) };
    let limit: u32 = batch
        .connection
        .prepare_cached("SELECT delivery_limit FROM queues WHERE id = ?1")?
        .query_row([queue], |row| row.get(0))
        .optional()?
        .unwrap_or(DELIVERY_LIMIT);
    let mut handed = Vec::new();
    loop {
        let found: Vec<Handed> = batch
            .connection
            .prepare_cached(
                "SELECT position, sequence, ordinal, received FROM messages \
                 WHERE queue = ?1 AND visible <= ?2 ORDER BY position LIMIT ?3",
            )?
            .query_map(params![queue, now, max - handed.len()], |row| {
                Ok(Handed {
                    position: row.get(0)?,
                    sequence: row.get(1)?,
                    ordinal: row.get(2)?,
                    received: row.get(3)?,
                })
            })?
            .collect::<rusqlite::Result<_>>()?;
        let mut aside = false;
        for it in found {
            if it.received >= limit && !name.ends_with(".dead") {
                set_aside(batch, name, queue, it.position)?;
                aside = true;
                continue;
            }
            batch
                .connection
                .prepare_cached(
                    "UPDATE messages SET visible = ?3, received = received + 1 \
                     WHERE queue = ?1 AND position = ?2",
                )?
                .execute(params![queue, it.position, until])?;
            handed.push(it);
        }
        if !aside || handed.len() >= max {
            return Ok(Some(handed));
        }
    }
}

fn set_aside(
    batch: &mut Batch<'_>,
    name: &Arc<str>,
    queue: i64,
    position: u64,
) -> rusqlite::Result<()> {
    let dead: Arc<str> = format!("{name}.dead").into();
    let dead_id = id(batch, &dead, None)?;
    batch
        .connection
        .prepare_cached(
            "UPDATE messages SET queue = ?3, visible = 0, received = 0 \
             WHERE queue = ?1 AND position = ?2",
        )?
        .execute(params![queue, position, dead_id])?;
    batch.effects.filled(&dead);
    tracing::warn!(queue = &**name, position, "a message was received too often and set aside");
    Ok(())
}

/// Removes messages whose receipt is still valid.
pub(super) fn ack(
    batch: &mut Batch<'_>,
    name: &str,
    receipts: &[String],
) -> rusqlite::Result<usize> {
    each(batch, name, receipts, |batch, queue, position, received| {
        batch
            .connection
            .prepare_cached(
                "DELETE FROM messages WHERE queue = ?1 AND position = ?2 AND received = ?3",
            )?
            .execute(params![queue, position, received])
    })
}

/// Makes messages visible again whose receipt is still valid.
pub(super) fn nack(
    batch: &mut Batch<'_>,
    name: &Arc<str>,
    receipts: &[String],
) -> rusqlite::Result<usize> {
    let count = each(batch, name, receipts, |batch, queue, position, received| {
        batch
            .connection
            .prepare_cached(
                "UPDATE messages SET visible = 0 \
                 WHERE queue = ?1 AND position = ?2 AND received = ?3",
            )?
            .execute(params![queue, position, received])
    })?;
    if count > 0 {
        batch.effects.filled(name);
    }
    Ok(count)
}

fn each(
    batch: &mut Batch<'_>,
    name: &str,
    receipts: &[String],
    change: impl Fn(&mut Batch<'_>, i64, u64, u32) -> rusqlite::Result<usize>,
) -> rusqlite::Result<usize> {
    let Some(queue) = batch.memory.queues.get(name).copied() else { return Ok(0) };
    let mut count = 0;
    for receipt in receipts {
        if let Some((position, received)) = parse(receipt) {
            count += change(batch, queue, position, received)?;
        }
    }
    Ok(count)
}

/// A receipt names the message and the reception, so that one whose time ran out has no effect.
pub(super) fn receipt(handed: &Handed) -> String {
    format!("{}.{}", handed.position, handed.received + 1)
}

fn parse(receipt: &str) -> Option<(u64, u32)> {
    let (position, received) = receipt.split_once('.')?;
    Some((position.parse().ok()?, received.parse().ok()?))
}
