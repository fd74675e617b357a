//! The queues of the embedded broker, inside a transaction.
//!
//! Publishing writes nothing of its own: an event's row says into which queues it was placed, and
//! a queue is a cursor over the events. Only what was received and not yet acknowledged has rows.

use std::sync::Arc;

use rusqlite::{OptionalExtension, params};

use super::read::Placed;
use super::writer::Batch;

/// Receptions before a message is set aside, where the queue was never declared.
const DELIVERY_LIMIT: u32 = 20;

/// A message handed out; its event is read outside the transaction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Handed {
    pub(super) position: i64,
    pub(super) sequence: u64,
    pub(super) ordinal: usize,
    pub(super) received: u32,
}

/// The id of a queue; creates it, and sets its limit where one is given. A new queue begins with
/// the first event of this transaction.
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
        "INSERT INTO queues (name, delivery_limit, cursor) \
         VALUES (?1, ifnull(?2, ?3), ?4) \
         ON CONFLICT (name) DO UPDATE SET delivery_limit = ifnull(?2, delivery_limit) \
         RETURNING id",
        params![&**name, limit, DELIVERY_LIMIT, batch.began - 1],
        |row| row.get(0),
    )?;
    batch.memory.queues.insert(Arc::clone(name), id);
    Ok(id)
}

/// Counts what the transaction placed into queues.
pub(super) fn placed(batch: &mut Batch<'_>) -> rusqlite::Result<()> {
    for index in 0..batch.effects.queues.len() {
        let (name, count) = batch.effects.queues[index].clone();
        let id = id(batch, &name, None)?;
        batch
            .connection
            .prepare_cached("UPDATE queues SET placed = placed + ?2 WHERE id = ?1")?
            .execute(params![id, count])?;
    }
    Ok(())
}

/// Where a queue's cursor stands, and how often a message may be received; `None`: no such queue.
pub(super) fn cursor(
    connection: &rusqlite::Connection,
    name: &str,
) -> rusqlite::Result<Option<u64>> {
    connection
        .prepare_cached("SELECT cursor FROM queues WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

/// What a reception takes: the messages after the cursor, and up to where it looked.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) cursor: u64,
    pub(super) through: u64,
    pub(super) placed: Vec<Placed>,
}

/// Hands out the oldest visible messages: first those that were given back, then those found
/// behind the cursor. Those received too often go to `<name>.dead` instead.
pub(super) fn receive(
    batch: &mut Batch<'_>,
    name: &Arc<str>,
    max: usize,
    found: &Found,
    now: i64,
    until: i64,
) -> rusqlite::Result<Vec<Handed>> {
    let queue = id(batch, name, None)?;
    let mut handed = again(batch, name, queue, max, now, until)?;
    if cursor(batch.connection, name)? != Some(found.cursor) {
        // Another receiver moved the cursor since; the rest comes at the next call.
        return Ok(handed);
    }
    let mut through = found.through;
    let mut taken = 0;
    // An event's messages go together, because the cursor stands between events.
    for messages in found.placed.chunk_by(|a, b| a.sequence == b.sequence) {
        let Some(first) = messages.first() else { continue };
        if !handed.is_empty() && handed.len() + messages.len() > max {
            through = first.sequence - 1;
            break;
        }
        for &Placed { position, sequence, ordinal } in messages {
            batch
                .connection
                .prepare_cached("INSERT OR REPLACE INTO messages VALUES (?1, ?2, ?3, ?4, ?5, 1)")?
                .execute(params![queue, position, sequence, ordinal, until])?;
            handed.push(Handed { position, sequence, ordinal, received: 0 });
            taken += 1;
        }
    }
    if through > found.cursor {
        batch
            .connection
            .prepare_cached("UPDATE queues SET cursor = ?2, taken = taken + ?3 WHERE id = ?1")?
            .execute(params![queue, through, taken])?;
    }
    Ok(handed)
}

/// Messages that were given back, or whose time ran out.
fn again(
    batch: &mut Batch<'_>,
    name: &Arc<str>,
    queue: i64,
    max: usize,
    now: i64,
    until: i64,
) -> rusqlite::Result<Vec<Handed>> {
    let limit: u32 = batch
        .connection
        .prepare_cached("SELECT delivery_limit FROM queues WHERE id = ?1")?
        .query_row([queue], |row| row.get(0))?;
    let found: Vec<Handed> = batch
        .connection
        .prepare_cached(
            "SELECT position, sequence, ordinal, received FROM messages \
             WHERE queue = ?1 AND visible <= ?2 ORDER BY position LIMIT ?3",
        )?
        .query_map(params![queue, now, max], |row| {
            Ok(Handed {
                position: row.get(0)?,
                sequence: row.get(1)?,
                ordinal: row.get(2)?,
                received: row.get(3)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut handed = Vec::new();
    for it in found {
        if it.received >= limit && !name.ends_with(".dead") {
            set_aside(batch, name, queue, it.position)?;
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
    Ok(handed)
}

fn set_aside(
    batch: &mut Batch<'_>,
    name: &Arc<str>,
    queue: i64,
    position: i64,
) -> rusqlite::Result<()> {
    let dead: Arc<str> = format!("{name}.dead").into();
    let dead_id = id(batch, &dead, None)?;
    batch
        .connection
        .prepare_cached(
            "UPDATE OR REPLACE messages SET queue = ?3, visible = 0, received = 0 \
             WHERE queue = ?1 AND position = ?2",
        )?
        .execute(params![queue, position, dead_id])?;
    batch.effects.rung.push(dead);
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
        batch.effects.rung.push(Arc::clone(name));
    }
    Ok(count)
}

fn each(
    batch: &mut Batch<'_>,
    name: &str,
    receipts: &[String],
    change: impl Fn(&mut Batch<'_>, i64, i64, u32) -> rusqlite::Result<usize>,
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

fn parse(receipt: &str) -> Option<(i64, u32)> {
    let (position, received) = receipt.split_once('.')?;
    // As the store keeps it: what does not fit was never handed out.
    let position: i64 = position.parse().ok()?;
    Some((position, received.parse().ok()?))
}
