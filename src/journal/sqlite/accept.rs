//! Acceptance: request, events, identity, dedup and deliveries, inside one transaction.

use std::sync::Arc;

use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use super::writer::Batch;
use crate::clock::micros;
use crate::destination::Placement;
use crate::event::Candidate;
use crate::event::identity::mint;
use crate::journal::lane::Entry;
use crate::journal::{Alias, Arrival, Assigned, Incoming, Receipt};
use crate::provider::Cursor;

/// Writes an arrival: its new events with their deliveries, and the request with the first of
/// them.
pub(super) fn arrival(batch: &mut Batch<'_>, arrival: &Arrival) -> rusqlite::Result<Receipt> {
    let mut receipt = Receipt::default();
    let mut request = None;
    let received = micros(arrival.received);
    for incoming in &arrival.events {
        let sequence = batch.memory.next_sequence;
        if !batch.seen.insert(batch.connection, incoming.id, sequence, received)? {
            receipt.duplicate += 1;
            continue;
        }
        batch.memory.next_sequence += 1;
        event(batch, arrival, incoming, sequence, *request.get_or_insert(sequence))?;
        receipt.new += 1;
    }
    for it in &arrival.cursors {
        cursor(batch, &arrival.source, it)?;
    }
    Ok(receipt)
}

/// Moves a place to go on from, or forgets it.
fn cursor(batch: &Batch<'_>, source: &str, cursor: &Cursor) -> rusqlite::Result<()> {
    let Cursor { key, value } = cursor;
    match value {
        Some(value) => batch
            .connection
            .prepare_cached("INSERT OR REPLACE INTO cursors VALUES (?1, ?2, ?3)")?
            .execute(params![source, key, value])?,
        None => batch
            .connection
            .prepare_cached("DELETE FROM cursors WHERE source = ?1 AND key = ?2")?
            .execute(params![source, key])?,
    };
    Ok(())
}

fn event(
    batch: &mut Batch<'_>,
    arrival: &Arrival,
    incoming: &Incoming,
    sequence: u64,
    request: u64,
) -> rusqlite::Result<()> {
    let conversation = conversation(batch, &incoming.aliases)?;
    let position = batch.memory.next_position;
    batch.memory.next_position += incoming.deliveries.len() as u64;
    let cause = arrival.cause.as_ref();
    let is_first = request == sequence;
    let received = micros(arrival.received);
    batch
        .connection
        .prepare_cached(
            "INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, \
             ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
        )?
        .execute(params![
            sequence,
            incoming.id.as_bytes(),
            request,
            position,
            received,
            micros(incoming.time),
            decided(&incoming.deliveries),
            &*arrival.source,
            incoming.kind.as_str(),
            conversation.as_ref().map(|it| it.as_bytes().as_slice()),
            incoming.historical,
            cause.map(|it| it.event.as_bytes().as_slice()),
            cause.map(|it| it.correlation.as_bytes().as_slice()),
            cause.map_or(0, |it| it.hops),
            arrival.traceparent,
            incoming.raw.start,
            incoming.raw.len(),
            incoming.facts,
            is_first.then_some(&*arrival.headers),
            is_first.then_some(&arrival.body[..]),
        ])?;
    if let Some(cause) = cause {
        batch
            .connection
            .prepare_cached("INSERT OR IGNORE INTO replies VALUES (?1, ?2)")?
            .execute(params![cause.event.as_bytes(), incoming.id.as_bytes()])?;
    }
    for (assigned, position) in incoming.deliveries.iter().zip(position..) {
        place(batch, assigned, sequence, position, conversation, received)?;
    }
    Ok(())
}

/// Puts a delivery where routing said.
fn place(
    batch: &mut Batch<'_>,
    assigned: &Assigned,
    sequence: u64,
    position: u64,
    conversation: Option<Uuid>,
    now: i64,
) -> rusqlite::Result<()> {
    let Assigned { route, destination, index, placement } = assigned;
    match placement {
        Placement::Lane => {
            batch
                .connection
                .prepare_cached(
                    "INSERT INTO pending VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?7, NULL)",
                )?
                .execute(params![
                    &**destination,
                    position,
                    sequence,
                    &**route,
                    index,
                    conversation.as_ref().map(|it| it.as_bytes().as_slice()),
                    now
                ])?;
            let entry = Entry {
                position,
                sequence,
                conversation,
                route: route.clone(),
                index: *index,
                attempts: 0,
                due: now,
                since: now,
            };
            batch.effects.pending.push((destination.clone(), entry));
        }
        Placement::Queues(queues) => {
            // The event's own row says so; see `queues`.
            for queue in queues {
                batch.effects.filled(queue);
            }
        }
        Placement::Dead(reason) => {
            batch
                .connection
                .prepare_cached("INSERT INTO settled VALUES (?1, ?2, 'dead', 0, ?3, 0, ?4, NULL)")?
                .execute(params![position, sequence, now, reason])?;
        }
    }
    Ok(())
}

/// What routing decided, as it is kept beside the event: `[[route, destination, index, queues]]`.
fn decided(assigned: &[Assigned]) -> String {
    type Row<'a> = (&'a str, &'a str, u16, Option<&'a [Arc<str>]>);
    let rows: Vec<Row<'_>> = assigned
        .iter()
        .map(|it| {
            let queues = match &it.placement {
                Placement::Queues(queues) => Some(&queues[..]),
                Placement::Lane | Placement::Dead(_) => None,
            };
            (&*it.route, &*it.destination, it.index, queues)
        })
        .collect();
    serde_json::to_string(&rows).expect("names are always JSON")
}

/// The conversation of a set of aliases. Unknown aliases are learned; aliases that led to
/// different conversations are one from now on, that of the strongest.
fn conversation(batch: &mut Batch<'_>, aliases: &[Alias]) -> rusqlite::Result<Option<Uuid>> {
    let Some(strongest) = aliases.first() else { return Ok(None) };
    let mut known = Vec::with_capacity(aliases.len());
    for alias in aliases {
        known.push(lookup(batch, alias.key)?);
    }
    let conversation =
        known.iter().flatten().next().copied().unwrap_or_else(|| mint(strongest.key));
    for (alias, known) in aliases.iter().zip(known) {
        match known {
            Some(it) if it == conversation => {}
            Some(other) => {
                batch
                    .connection
                    .prepare_cached("UPDATE aliases SET conversation = ?1 WHERE conversation = ?2")?
                    .execute(params![conversation.as_bytes(), other.as_bytes()])?;
                batch.memory.aliases.clear();
            }
            None => {
                let Candidate { scheme, account, value } = &alias.candidate;
                batch
                    .connection
                    .prepare_cached("INSERT OR REPLACE INTO aliases VALUES (?1, ?2, ?3)")?
                    .execute(params![
                        alias.key.as_bytes(),
                        conversation.as_bytes(),
                        format!("{scheme}:{account}:{value}")
                    ])?;
                batch.memory.aliases.insert(alias.key, conversation);
            }
        }
    }
    Ok(Some(conversation))
}

fn lookup(batch: &mut Batch<'_>, key: Uuid) -> rusqlite::Result<Option<Uuid>> {
    if let Some(found) = batch.memory.aliases.get(&key) {
        return Ok(Some(*found));
    }
    let found: Option<[u8; 16]> = batch
        .connection
        .prepare_cached("SELECT conversation FROM aliases WHERE key = ?1")?
        .query_row([key.as_bytes()], |row| row.get(0))
        .optional()?;
    let found = found.map(Uuid::from_bytes);
    if let Some(found) = found {
        batch.memory.aliases.insert(key, found);
    }
    Ok(found)
}
