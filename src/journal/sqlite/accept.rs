//! Acceptance: request, events, identity, dedup and deliveries, inside one transaction.

use std::sync::Arc;

use rusqlite::params;
use uuid::Uuid;

use super::writer::Batch;
use super::{calls, conversation};
use crate::clock::micros;
use crate::destination::Placement;
use crate::event::standing::{About, Change};
use crate::journal::lane::{Entry, State};
use crate::journal::{Arrival, Assigned, Incoming, Receipt};
use crate::provider::Cursor;

/// Writes an arrival: its new events with their deliveries, and the request with the first of
/// them.
pub(super) fn arrival(batch: &mut Batch<'_>, arrival: &Arrival) -> rusqlite::Result<Receipt> {
    let mut receipt = Receipt::default();
    let mut request = None;
    let received = micros(arrival.received);
    let mut whole: Vec<(Arc<str>, Arc<str>, u16)> = Vec::new();
    for incoming in &arrival.events {
        let sequence = batch.memory.next_sequence;
        if !batch.seen.insert(batch.connection, incoming.id, sequence, received)? {
            receipt.duplicate += 1;
            continue;
        }
        batch.memory.next_sequence += 1;
        let first = *request.get_or_insert(sequence);
        event(batch, arrival, incoming, sequence, first, &mut whole)?;
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
    whole: &mut Vec<(Arc<str>, Arc<str>, u16)>,
) -> rusqlite::Result<()> {
    let cause = arrival.cause.as_ref();
    let conversation = match cause.filter(|_| incoming.aliases.is_empty()) {
        // A reply belongs where the event belongs that it answers.
        Some(cause) => cause.conversation,
        None => conversation::find(batch, &incoming.aliases)?,
    };
    // A copy of what we sent ourselves is no news.
    let ours = match &incoming.about {
        Some(About::Echo { message }) => calls::echo(batch, message, sequence)?,
        _ => false,
    };
    let mut deliveries: Vec<&Assigned> = Vec::with_capacity(incoming.deliveries.len());
    if !arrival.unrouted && !ours {
        deliveries
            .extend(incoming.deliveries.iter().filter(|it| !it.per_request || once(whole, it)));
    }
    let position = batch.memory.next_position;
    batch.memory.next_position += i64::try_from(deliveries.len()).unwrap_or(i64::MAX);
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
            decided(&deliveries),
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
    for (assigned, position) in deliveries.into_iter().zip(position..) {
        place(batch, assigned, sequence, position, conversation, received)?;
    }
    if let Some(conversation) = conversation {
        for it in &incoming.changes {
            if !(ours && matches!(it, Change::TakenOver { .. })) {
                conversation::change(batch, conversation, it)?;
            }
        }
    }
    if let Some(About::Status { message, reference }) = &incoming.about {
        calls::status(batch, message, reference.as_deref(), sequence, received)?;
    }
    Ok(())
}

/// Whether this is the first event of its request that goes there.
fn once(whole: &mut Vec<(Arc<str>, Arc<str>, u16)>, assigned: &Assigned) -> bool {
    let Assigned { route, destination, index, .. } = assigned;
    if whole.iter().any(|it| it.0 == *route && it.1 == *destination && it.2 == *index) {
        return false;
    }
    whole.push((Arc::clone(route), Arc::clone(destination), *index));
    true
}

/// Puts a delivery where routing said.
fn place(
    batch: &mut Batch<'_>,
    assigned: &Assigned,
    sequence: u64,
    position: i64,
    conversation: Option<Uuid>,
    now: i64,
) -> rusqlite::Result<()> {
    let Assigned { route, destination, index, placement, collect, per_request: _ } = assigned;
    match placement {
        Placement::Lane => {
            batch
                .connection
                .prepare_cached(
                    "INSERT INTO pending VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?7, NULL, 0, \
                     NULL, ?8)",
                )?
                .execute(params![
                    &**destination,
                    position,
                    sequence,
                    &**route,
                    index,
                    conversation.as_ref().map(|it| it.as_bytes().as_slice()),
                    now,
                    collect.map(|it| calls::write_collect(&it)),
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
                state: State::Waiting,
                call: None,
                collect: *collect,
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
fn decided(assigned: &[&Assigned]) -> String {
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
