//! Retention: what is old goes in small steps, what is still to be delivered stays.

use rusqlite::{Connection, OptionalExtension, params};

use super::seen;
use super::writer::Batch;

/// Events of one step. Small, because arrivals wait for it.
const STEP: usize = 500;

/// Ids looked at in one step.
const SEEN_STEP: usize = 5_000;

/// Where one round of steps stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Round {
    /// Events older than this go.
    pub(super) cutoff: i64,
    /// The oldest go while the store is larger than this.
    pub(super) size: Option<u64>,
    /// Ids older than this are forgotten.
    pub(super) seen_cutoff: i64,
    /// The last id looked at.
    pub(super) seen_after: Vec<u8>,
    /// Events deleted so far.
    pub(super) deleted: u64,
    /// Nothing is left to do.
    pub(super) done: bool,
}

/// One step: at most [`STEP`] events (or one request that holds more) and [`SEEN_STEP`] ids.
pub(super) fn step(batch: &mut Batch<'_>, round: &mut Round) -> rusqlite::Result<()> {
    let events = match old(batch, round)? {
        None => 0,
        // An event may go only when its id is kept elsewhere.
        Some(last) if last > seen::through(batch.connection)? => {
            return batch.seen.merge(batch.connection, true);
        }
        Some(last) => delete(batch, last)?,
    };
    let all_seen = forget(batch.connection, round)?;
    for (table, key) in [("calls", "id"), ("receipts", "key")] {
        let sql = format!(
            "DELETE FROM {table} WHERE {key} IN \
             (SELECT {key} FROM {table} WHERE at < ?1 ORDER BY at LIMIT ?2)"
        );
        batch.connection.prepare_cached(&sql)?.execute(params![round.cutoff, STEP])?;
    }
    round.deleted += events;
    round.done = events == 0 && all_seen;
    Ok(())
}

/// The last sequence that may go now, with all before it.
fn old(batch: &Batch<'_>, round: &Round) -> rusqlite::Result<Option<u64>> {
    let connection = batch.connection;
    let oversize = match round.size {
        Some(limit) => used(connection)? > limit,
        None => false,
    };
    let floor = floor(connection)?;
    let ends: Option<(u64, u64, u64)> = connection
        .prepare_cached(
            "SELECT min(sequence), max(sequence), min(request) FROM \
             (SELECT sequence, request, received FROM events ORDER BY sequence LIMIT ?1) \
             WHERE sequence < ?2 AND (?3 OR received < ?4)",
        )?
        .query_row(params![STEP, floor, oversize, round.cutoff], |row| {
            Ok(row.get::<_, Option<u64>>(0)?.zip(row.get(1)?).zip(row.get(2)?))
        })?
        .map(|((first, last), request)| (first, last, request));
    let Some((first, last, request)) = ends else { return Ok(None) };
    // The first event of a request holds the body of all: they go together.
    let whole: u64 = connection
        .prepare_cached(
            "SELECT ifnull((SELECT request - 1 FROM events WHERE sequence = ?1 + 1), ?1)",
        )?
        .query_row([last], |row| row.get(0))?;
    if whole >= first {
        return Ok(Some(whole));
    }
    // One request holds more events than a step takes.
    let end: u64 = connection
        .prepare_cached("SELECT max(sequence) FROM events WHERE sequence >= ?1 AND request = ?2")?
        .query_row([first, request], |row| row.get(0))?;
    Ok(i64::try_from(end).is_ok_and(|it| it < floor).then_some(end))
}

/// Deletes the events up to a sequence, and what is known of their deliveries.
fn delete(batch: &Batch<'_>, last: u64) -> rusqlite::Result<u64> {
    let connection = batch.connection;
    connection
        .prepare_cached(
            "DELETE FROM replies WHERE cause IN (SELECT id FROM events WHERE sequence <= ?1)",
        )?
        .execute([last])?;
    let deleted =
        connection.prepare_cached("DELETE FROM events WHERE sequence <= ?1")?.execute([last])?;
    let next: Option<i64> = connection
        .prepare_cached("SELECT position FROM events ORDER BY sequence LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let position = next.unwrap_or(batch.memory.next_position);
    for table in ["settled", "attempts", "told"] {
        let sql = format!("DELETE FROM {table} WHERE position BETWEEN 0 AND ?1 - 1");
        connection.prepare_cached(&sql)?.execute([position])?;
        let sql = format!(
            "DELETE FROM {table} WHERE position IN \
             (SELECT position FROM replays WHERE sequence <= ?1)"
        );
        connection.prepare_cached(&sql)?.execute([last])?;
    }
    connection.prepare_cached("DELETE FROM replays WHERE sequence <= ?1")?.execute([last])?;
    // A row for each page that is given back: they have to be asked for.
    let mut vacuum = connection.prepare_cached("PRAGMA incremental_vacuum(64)")?;
    let mut pages = vacuum.query([])?;
    while pages.next()?.is_some() {}
    // Remembered, so that neither positions nor sequences are ever given twice.
    let remember = "INSERT OR REPLACE INTO state VALUES (?1, ?2)";
    let (position, sequence) = (batch.memory.next_position, batch.memory.next_sequence);
    connection.execute(remember, params!["last_position", position])?;
    connection.execute(remember, params!["last_sequence", sequence])?;
    Ok(deleted as u64)
}

/// The oldest event that is still to be delivered or received; everything before it may go.
fn floor(connection: &Connection) -> rusqlite::Result<i64> {
    let mut floor = i64::MAX;
    for (names, first) in [
        (
            "SELECT min(destination) FROM pending WHERE destination > ?1",
            "SELECT sequence FROM pending WHERE destination = ?1 AND position >= 0 \
             ORDER BY position LIMIT 1",
        ),
        (
            // Replays stand in an order of their own, and are few.
            "SELECT min(destination) FROM pending WHERE destination > ?1",
            "SELECT min(sequence) FROM pending WHERE destination = ?1 AND position < 0",
        ),
        (
            "SELECT min(queue) FROM messages WHERE queue > ?1",
            "SELECT sequence FROM messages WHERE queue = ?1 ORDER BY position LIMIT 1",
        ),
    ] {
        // Numbers sort before text, so this lies below every name and every id.
        let mut after = rusqlite::types::Value::Integer(i64::MIN);
        loop {
            let next: rusqlite::types::Value =
                connection.prepare_cached(names)?.query_row([&after], |row| row.get(0))?;
            if next == rusqlite::types::Value::Null {
                break;
            }
            let sequence: Option<i64> = connection
                .prepare_cached(first)?
                .query_row([&next], |row| row.get(0))
                .optional()?
                .flatten();
            floor = floor.min(sequence.unwrap_or(floor));
            after = next;
        }
    }
    // What was placed into a queue and never received stands in the events after its cursor.
    let mut statement =
        connection.prepare_cached("SELECT cursor + 1 FROM queues WHERE placed > taken")?;
    for cursor in statement.query_map([], |row| row.get::<_, i64>(0))? {
        floor = floor.min(cursor?);
    }
    Ok(floor)
}

/// Forgets ids that are old enough; `true` when all were looked at.
fn forget(connection: &Connection, round: &mut Round) -> rusqlite::Result<bool> {
    let last: Option<Vec<u8>> = connection
        .prepare_cached(
            "SELECT max(id) FROM (SELECT id FROM seen WHERE id > ?1 ORDER BY id LIMIT ?2)",
        )?
        .query_row(params![round.seen_after, SEEN_STEP], |row| row.get(0))?;
    let Some(last) = last else { return Ok(true) };
    connection
        .prepare_cached("DELETE FROM seen WHERE id > ?1 AND id <= ?2 AND at < ?3")?
        .execute(params![round.seen_after, last, round.seen_cutoff])?;
    round.seen_after = last;
    Ok(false)
}

/// Bytes in use.
fn used(connection: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
    Ok((pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?)
}
