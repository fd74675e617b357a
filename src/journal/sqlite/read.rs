//! Reading rows back into events, stories and states.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use crate::clock::from_micros;
use crate::event::identity::delivery_id;
use crate::event::{Event, Kind};
use crate::journal::{Error, MAX_PAGE, Query, read_facts};
use crate::provider::Cursor;

/// The columns of an event, in the order [`found`] reads them.
const EVENT: &str = "SELECT e.sequence, e.id, e.source, e.kind, e.conversation, e.time, \
    e.received, e.historical, e.cause, e.correlation, e.hops, e.traceparent, e.facts, \
    ifnull(substr(r.body, e.raw_start + 1, e.raw_length), x''), e.deliveries, e.position \
    FROM events e JOIN events r ON r.sequence = e.request";

/// Events looked at in one go for what was placed into a queue.
const SCAN: usize = 4_096;

/// An event, and what routing decided about it.
pub(super) struct Found {
    pub(super) event: Event,
    pub(super) decided: Vec<Decided>,
    pub(super) position: i64,
}

/// Where a source stands, by key.
pub(super) fn cursors(connection: &Connection, source: &str) -> rusqlite::Result<Vec<Cursor>> {
    let mut statement =
        connection.prepare_cached("SELECT key, value FROM cursors WHERE source = ?1")?;
    let rows = statement
        .query_map([source], |row| Ok(Cursor { key: row.get(0)?, value: Some(row.get(1)?) }))?;
    rows.collect()
}

/// What was kept under a key.
pub(super) fn kept(connection: &Connection, key: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT value FROM state WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()
}

/// What was placed into a queue by the events after a sequence: at most `max` messages out of at
/// most `SCAN` events. Answers also up to which sequence it looked.
pub(super) fn placed(
    connection: &Connection,
    queue: &str,
    after: u64,
    max: usize,
) -> rusqlite::Result<(Vec<Placed>, u64)> {
    let mut placed = Vec::new();
    let mut through = after;
    let mut statement = connection.prepare_cached(
        "SELECT sequence, position, deliveries FROM events WHERE sequence > ?1 \
         ORDER BY sequence LIMIT ?2",
    )?;
    let mut rows = statement.query(params![after, SCAN])?;
    while let Some(row) = rows.next()? {
        let position: i64 = row.get(1)?;
        let decided: Vec<Decided> =
            serde_json::from_str(row.get_ref(2)?.as_str()?).unwrap_or_default();
        let into = decided
            .iter()
            .enumerate()
            .filter(|(_, it)| it.3.as_ref().is_some_and(|it| it.iter().any(|it| it == queue)));
        let sequence = row.get(0)?;
        let found: Vec<Placed> = into
            .map(|(ordinal, _)| Placed { position: at(position, ordinal), sequence, ordinal })
            .collect();
        if !placed.is_empty() && placed.len() + found.len() > max {
            break;
        }
        placed.extend(found);
        through = sequence;
    }
    Ok((placed, through))
}

/// A message of a queue that was never received.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub(super) position: i64,
    pub(super) sequence: u64,
    pub(super) ordinal: usize,
}

/// A delivery as it is kept beside its event: route, destination, index, queues.
pub(super) type Decided = (String, String, u16, Option<Vec<String>>);

impl Found {
    /// The id of the delivery of that ordinal.
    pub(super) fn delivery(&self, ordinal: usize) -> Uuid {
        self.repeated(ordinal, 0)
    }

    /// The id of the delivery of that ordinal, repeated so many times.
    pub(super) fn repeated(&self, ordinal: usize, generation: u64) -> Uuid {
        repeated(self.event.id, &self.decided, ordinal, generation)
    }
}

/// The id of the delivery of an event of that ordinal, repeated so many times.
pub(super) fn repeated(event: Uuid, decided: &[Decided], ordinal: usize, generation: u64) -> Uuid {
    decided.get(ordinal).map_or(Uuid::nil(), |(route, destination, index, _)| {
        delivery_id(event, route, destination, *index, generation)
    })
}

pub(super) fn error(error: impl std::fmt::Display) -> Error {
    Error::Read(error.to_string())
}

/// The event of a sequence.
pub(super) fn by_sequence(connection: &Connection, sequence: u64) -> Result<Found, Error> {
    let mut statement =
        connection.prepare_cached(&format!("{EVENT} WHERE e.sequence = ?1")).map_err(error)?;
    statement.query_row([sequence], |row| Ok(found(row))).map_err(error)?
}

fn found(row: &Row<'_>) -> Result<Found, Error> {
    let read = || -> rusqlite::Result<(Event, Vec<u8>, String, i64)> {
        let uuid = |index: usize| row.get::<_, [u8; 16]>(index).map(Uuid::from_bytes);
        let optional =
            |index: usize| row.get::<_, Option<[u8; 16]>>(index).map(|it| it.map(Uuid::from_bytes));
        let event = Event {
            sequence: row.get(0)?,
            id: uuid(1)?,
            source: row.get(2)?,
            kind: Kind::parse(row.get_ref(3)?.as_str()?),
            conversation: optional(4)?,
            time: from_micros(row.get(5)?),
            received: from_micros(row.get(6)?),
            historical: row.get(7)?,
            cause: optional(8)?,
            correlation: optional(9)?.map_or_else(|| uuid(1), Ok)?,
            hops: row.get(10)?,
            traceparent: row.get(11)?,
            facts: Box::default(),
            raw: Bytes::from(row.get::<_, Vec<u8>>(13)?),
        };
        Ok((event, row.get(12)?, row.get(14)?, row.get(15)?))
    };
    let (mut event, facts, decided, position) = read().map_err(error)?;
    event.facts = read_facts(&facts)?;
    let decided = serde_json::from_str(&decided).map_err(error)?;
    Ok(Found { event, decided, position })
}

/// The position of a delivery, after that of the first of its event.
pub(super) fn at(first: i64, ordinal: usize) -> i64 {
    first.saturating_add(i64::try_from(ordinal).unwrap_or(i64::MAX))
}

/// Events, newest first.
pub(super) fn search(connection: &Connection, query: &Query) -> Result<Vec<Event>, Error> {
    let mut statement = connection
        .prepare_cached(&format!(
            "{EVENT} WHERE e.sequence < ?1 AND (?2 IS NULL OR e.kind = ?2) \
             AND (?3 IS NULL OR e.source = ?3) AND (?4 IS NULL OR e.conversation = ?4) \
             ORDER BY e.sequence DESC LIMIT ?5"
        ))
        .map_err(error)?;
    let before = query.before.unwrap_or(i64::MAX as u64);
    let limit = query.limit.unwrap_or(50).clamp(1, MAX_PAGE);
    let conversation = query.conversation.as_ref().map(|it| it.as_bytes().as_slice());
    let rows = statement
        .query_map(params![before, query.kind, query.source, conversation, limit], |row| {
            Ok(found(row))
        })
        .map_err(error)?;
    rows.map(|row| row.map_err(error)?.map(|it| it.event)).collect()
}
