//! Stories: an event, its deliveries, their attempts, and what was told of them later.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::read::{Decided, at, by_sequence, error, repeated};
use super::shared::Shared;
use crate::clock::from_micros;
use crate::journal::{Attempt, DeliveryState, Error, Story, Told, read_facts};

/// A delivery whose state is asked for.
pub(super) struct Asked<'a> {
    /// The event's id.
    pub(super) event: Uuid,
    /// When it was received, in microseconds since 1970.
    pub(super) received: i64,
    pub(super) decided: &'a [Decided],
    pub(super) ordinal: usize,
    pub(super) position: i64,
    /// How many times it was repeated before, this time included; 0: it is the first.
    pub(super) generation: u64,
}

/// One event with what became of it.
pub(super) fn story(
    connection: &Connection,
    shared: &Shared,
    id: Uuid,
) -> Result<Option<Story>, Error> {
    let sequence = shared.seen.sequence(connection, id).map_err(error)?;
    let Some(sequence) = sequence else { return Ok(None) };
    // The id outlives the event; what is gone is gone.
    let Ok(found) = by_sequence(connection, sequence) else { return Ok(None) };
    let received = crate::clock::micros(found.event.received);
    let asked = |ordinal: usize, position: i64, generation: u64| Asked {
        event: id,
        received,
        decided: &found.decided,
        ordinal,
        position,
        generation,
    };
    let mut deliveries = Vec::new();
    for ordinal in 0..found.decided.len() {
        let asked = asked(ordinal, at(found.position, ordinal), 0);
        deliveries.push(whole(connection, shared, &asked).map_err(error)?);
    }
    for (position, ordinal, generation) in replays(connection, sequence).map_err(error)? {
        let asked = asked(ordinal, position, generation);
        deliveries.push(whole(connection, shared, &asked).map_err(error)?);
    }
    let replies = connection
        .prepare_cached("SELECT id FROM replies WHERE cause = ?1")
        .and_then(|mut it| {
            it.query_map([id.as_bytes()], |row| row.get(0).map(Uuid::from_bytes))?.collect()
        })
        .map_err(error)?;
    Ok(Some(Story { event: found.event, deliveries, replies }))
}

/// The repetitions of an event's deliveries: position, ordinal, generation.
fn replays(connection: &Connection, sequence: u64) -> rusqlite::Result<Vec<(i64, usize, u64)>> {
    connection
        .prepare_cached(
            "SELECT position, ordinal, generation FROM replays WHERE sequence = ?1 \
             ORDER BY position",
        )?
        .query_map([sequence], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect()
}

/// A delivery with its attempts and what was told of it.
fn whole(
    connection: &Connection,
    shared: &Shared,
    asked: &Asked<'_>,
) -> rusqlite::Result<DeliveryState> {
    let mut state = state(connection, shared, asked)?;
    let mut holder = asked.position;
    if state.call.is_none() {
        state.call = call_of(connection, asked, &state)?;
    }
    if let Some(call) = state.call {
        // The attempts of a call that served several stand with the first.
        holder = first_member(connection, call)?.unwrap_or(holder);
    }
    state.attempted = attempts(connection, holder)?;
    if holder != asked.position {
        // It may have been attempted alone before.
        state.attempted.extend(attempts(connection, asked.position)?);
        state.attempted.sort_by_key(|it| it.at);
    }
    state.receipts = told(connection, asked.position)?;
    Ok(state)
}

/// How a delivery stands, without its attempts.
pub(super) fn state(
    connection: &Connection,
    shared: &Shared,
    asked: &Asked<'_>,
) -> rusqlite::Result<DeliveryState> {
    let id = |generation| repeated(asked.event, asked.decided, asked.ordinal, generation);
    let missing = (String::new(), String::new(), 0, None);
    let (route, destination, _, queues) = asked.decided.get(asked.ordinal).unwrap_or(&missing);
    let mut state = DeliveryState {
        id: id(asked.generation),
        route: route.clone(),
        destination: destination.clone(),
        state: "orphaned".into(),
        attempts: 0,
        reason: None,
        receipt: None,
        due: None,
        settled: None,
        call: None,
        replay_of: (asked.generation > 0).then(|| id(0)),
        attempted: Vec::new(),
        receipts: Vec::new(),
    };
    if let Some(queues) = queues {
        state.state = "delivered".into();
        state.receipt = Some(queues.join(", "));
        state.settled = Some(from_micros(asked.received));
        return Ok(state);
    }
    let settled = connection
        .prepare_cached(
            "SELECT state, attempts, at, reason, receipt FROM settled WHERE position = ?1",
        )?
        .query_row([asked.position], |row| {
            state.state = row.get(0)?;
            state.attempts = row.get(1)?;
            state.settled = Some(from_micros(row.get(2)?));
            state.reason = row.get(3)?;
            state.receipt = row.get(4)?;
            Ok(())
        })
        .optional()?;
    if settled.is_some() {
        return Ok(state);
    }
    let pending = connection
        .prepare_cached(
            "SELECT attempts, due, reason, state, call FROM pending \
             WHERE destination = ?1 AND position = ?2",
        )?
        .query_row(params![destination, asked.position], |row| {
            state.attempts = row.get(0)?;
            state.due = Some(from_micros(row.get(1)?));
            state.reason = row.get(2)?;
            state.state = pending_state(row.get(3)?).into();
            state.call = row.get::<_, Option<[u8; 16]>>(4)?.map(Uuid::from_bytes);
            Ok(())
        })
        .optional()?;
    if pending.is_some() {
        if state.state == "held" {
            state.due = None;
        }
        if shared.is_leased(destination, asked.position) {
            state.state = "sending".into();
        }
    }
    Ok(state)
}

/// The word for `pending.state`.
fn pending_state(state: i64) -> &'static str {
    match state {
        0 => "pending",
        1 => "awaiting",
        _ => "held",
    }
}

/// The call that a settled delivery was part of. It was written between the event's reception and
/// the outcome.
fn call_of(
    connection: &Connection,
    asked: &Asked<'_>,
    state: &DeliveryState,
) -> rusqlite::Result<Option<Uuid>> {
    let until = state.settled.map_or(i64::MAX, crate::clock::micros);
    connection
        .prepare_cached(
            "SELECT id FROM calls WHERE at BETWEEN ?1 AND ?2 AND destination = ?3 \
             AND EXISTS (SELECT 1 FROM json_each(members) WHERE value = ?4) \
             ORDER BY at DESC LIMIT 1",
        )?
        .query_row(params![asked.received, until, state.destination, asked.position], |row| {
            row.get(0).map(Uuid::from_bytes)
        })
        .optional()
}

fn first_member(connection: &Connection, call: Uuid) -> rusqlite::Result<Option<i64>> {
    let members = connection
        .prepare_cached("SELECT json_extract(members, '$[0]') FROM calls WHERE id = ?1")?
        .query_row([call.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(members.flatten())
}

fn attempts(connection: &Connection, position: i64) -> rusqlite::Result<Vec<Attempt>> {
    connection
        .prepare_cached(
            "SELECT at, took, outcome, reason, sent, answered, config FROM attempts \
             WHERE position = ?1 ORDER BY attempt",
        )?
        .query_map([position], |row| {
            let reason: String = row.get(3)?;
            Ok(Attempt {
                at: from_micros(row.get(0)?),
                took_ms: row.get::<_, u64>(1)? / 1_000,
                outcome: row.get(2)?,
                reason: (!reason.is_empty()).then_some(reason),
                sent: row.get(4)?,
                answered: row.get(5)?,
                config: row.get(6)?,
            })
        })?
        .collect()
}

fn told(connection: &Connection, position: i64) -> rusqlite::Result<Vec<Told>> {
    connection
        .prepare_cached(
            "SELECT e.id, e.kind, e.time, e.facts FROM told t \
             JOIN events e ON e.sequence = t.sequence WHERE t.position = ?1 ORDER BY t.sequence",
        )?
        .query_map([position], |row| {
            let facts = read_facts(row.get_ref(3)?.as_blob()?).unwrap_or_default();
            Ok(Told {
                event: row.get(0).map(Uuid::from_bytes)?,
                kind: row.get(1)?,
                status: facts.status.map(|it| it.status),
                time: from_micros(row.get(2)?),
            })
        })?
        .collect()
}
