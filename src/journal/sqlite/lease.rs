//! Reading what is to be delivered: entries of a lane, and runs with their events.

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::calls;
use super::read::{Found, by_sequence, error};
use crate::clock::from_micros;
use crate::destination::Arrived;
use crate::journal::lane::{self, Entry, State};
use crate::journal::{self, Error, Lease};

/// The deliveries of a lane after a position.
pub(super) fn pending(
    connection: &Connection,
    lane: &str,
    after: i64,
    limit: usize,
) -> rusqlite::Result<Vec<Entry>> {
    let mut last: Arc<str> = "".into();
    connection
        .prepare_cached(
            "SELECT position, sequence, conversation, route, idx, attempts, due, since, \
             state, call, collect FROM pending WHERE destination = ?1 AND position > ?2 ORDER BY position LIMIT ?3",
        )?
        .query_map(params![lane, after, limit], |row| {
            let route = row.get_ref(3)?.as_str()?;
            if route != &*last {
                last = route.into();
            }
            Ok(Entry {
                position: row.get(0)?,
                sequence: row.get(1)?,
                conversation: row.get::<_, Option<[u8; 16]>>(2)?.map(Uuid::from_bytes),
                route: Arc::clone(&last),
                index: row.get(4)?,
                attempts: row.get(5)?,
                due: row.get(6)?,
                since: row.get(7)?,
                state: match row.get(8)? {
                    0 => State::Waiting,
                    1 => State::Awaiting,
                    _ => State::Held,
                },
                call: row.get::<_, Option<[u8; 16]>>(9)?.map(Uuid::from_bytes),
                collect: row
                    .get_ref(10)?
                    .as_str_or_null()?
                    .and_then(calls::read_collect),
            })
        })?
        .collect()
}

/// A run of deliveries with their events.
pub(super) fn run(
    connection: &Connection,
    lane: &str,
    run: &lane::Run,
) -> Result<journal::Run, Error> {
    let leases = run.entries.iter().map(|it| lease(connection, lane, it));
    let first = run.entries.first();
    let answer = match first.and_then(|it| it.call).filter(|_| run.supersedes.is_none()) {
        Some(call) => calls::answer_of(connection, call).map_err(error)?.map(Bytes::from),
        None => None,
    };
    Ok(journal::Run {
        leases: leases.collect::<Result<_, _>>()?,
        call: first.and_then(|it| it.call),
        overdue: first.is_some_and(|it| it.state == State::Awaiting) && run.supersedes.is_none(),
        supersedes: run.supersedes,
        answer,
    })
}

fn lease(connection: &Connection, lane: &str, entry: &Entry) -> Result<Lease, Error> {
    let found = by_sequence(connection, entry.sequence)?;
    let delivery = if entry.position < 0 {
        replay(connection, entry.position).map_err(error)?.map(|it| it.delivery(&found))
    } else {
        usize::try_from(entry.position - found.position).ok().map(|it| found.delivery(it))
    };
    let last = if entry.attempts == 0 {
        None
    } else {
        connection
            .prepare_cached("SELECT reason FROM pending WHERE destination = ?1 AND position = ?2")
            .and_then(|mut it| {
                it.query_row(params![lane, entry.position], |row| row.get(0)).optional()
            })
            .map_err(error)?
            .flatten()
    };
    Ok(Lease {
        position: entry.position,
        delivery: delivery.unwrap_or_default(),
        event: Arc::new(found.event),
        route: Arc::clone(&entry.route),
        index: entry.index,
        attempts: entry.attempts,
        since: from_micros(entry.since),
        last,
    })
}

/// A delivery that repeats an earlier one.
pub(super) struct Replay {
    pub(super) ordinal: usize,
    pub(super) generation: u64,
}

impl Replay {
    /// Its id.
    pub(super) fn delivery(&self, found: &Found) -> Uuid {
        found.repeated(self.ordinal, self.generation)
    }
}

pub(super) fn replay(connection: &Connection, position: i64) -> rusqlite::Result<Option<Replay>> {
    connection
        .prepare_cached("SELECT ordinal, generation FROM replays WHERE position = ?1")?
        .query_row([position], |row| Ok(Replay { ordinal: row.get(0)?, generation: row.get(1)? }))
        .optional()
}

/// The request that brought an event, as it arrived.
pub(super) fn arrived(connection: &Connection, sequence: u64) -> Result<Arrived, Error> {
    let (headers, body): (String, Vec<u8>) = connection
        .prepare_cached(
            "SELECT ifnull(r.headers, '{}'), ifnull(r.body, x'') FROM events e \
             JOIN events r ON r.sequence = e.request WHERE e.sequence = ?1",
        )
        .and_then(|mut it| it.query_row([sequence], |row| Ok((row.get(0)?, row.get(1)?))))
        .map_err(error)?;
    let headers: Vec<(String, String)> = pairs(&headers).map_err(error)?;
    let headers = headers.iter().map(|(name, it)| (&**name, &**it)).collect();
    Ok(Arrived { headers, body: body.into() })
}

/// The entries of a JSON object of texts, in order; a name may occur twice.
fn pairs(json: &str) -> serde_json::Result<Vec<(String, String)>> {
    struct Pairs;
    impl<'de> serde::de::Visitor<'de> for Pairs {
        type Value = Vec<(String, String)>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("headers")
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(
            self,
            mut map: A,
        ) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::new();
            while let Some(pair) = map.next_entry()? {
                pairs.push(pair);
            }
            Ok(pairs)
        }
    }
    serde::Deserializer::deserialize_map(&mut serde_json::Deserializer::from_str(json), Pairs)
}
