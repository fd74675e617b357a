//! Mending deliveries: once more, given up, repeated; each step inside one transaction.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use super::candidate::Candidate;
use super::find::{self, Search};
use super::shared::{Shared, lock};
use super::writer::Batch;
use super::{Sqlite, calls, read};
use crate::clock::micros;
use crate::destination::BoxFuture;
use crate::journal::Error;
use crate::journal::lane::{Entry, State};
use crate::journal::redo::{Deed, Found, Place, Redo, Step, Tally, Which};
use crate::router::Collect;

/// How many are shown of what would be done.
const FIRST: usize = 5;

impl Redo for Sqlite {
    fn find(&self, which: Which) -> BoxFuture<'_, Result<Found, Error>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let states = which.states().map_err(Error::Read)?;
            self.read(move |connection| find::page(connection, &shared, &which, &states)).await
        })
    }

    fn tally(&self, deed: &Deed, which: Which) -> BoxFuture<'_, Result<Tally, Error>> {
        let shared = Arc::clone(&self.shared);
        let deed = deed.clone();
        Box::pin(async move {
            let states = meant(&deed, &which)?;
            self.read(move |connection| {
                let (mut count, mut through) = (0, i64::MIN);
                let everything = (i64::MIN, i64::MAX);
                let search = search(&deed, &which, &states, everything, usize::MAX);
                let mut see = |it: Candidate| {
                    count += 1;
                    through = through.max(it.position);
                };
                search.each(connection, &shared, &mut see).map_err(read::error)?;
                let few = Search { limit: FIRST, ..search };
                let few = few.run(connection, &shared).map_err(read::error)?;
                let first = few.iter().map(|it| it.listed(connection, &shared));
                let first = first.collect::<rusqlite::Result<_>>().map_err(read::error)?;
                Ok(Tally { count, first, through: Place(through) })
            })
            .await
        })
    }

    fn step(
        &self,
        deed: &Deed,
        which: Which,
        places: (Place, Place),
        max: usize,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Step, Error>> {
        let deed = deed.clone();
        Box::pin(async move {
            let states = meant(&deed, &which)?;
            let (of_reader, shared) = (Arc::clone(&self.shared), Arc::clone(&self.shared));
            let of_read = deed.clone();
            let found = self
                .read(move |connection| {
                    let between = (places.0.0, places.1.0);
                    let search = search(&of_read, &which, &states, between, max);
                    search.run(connection, &of_reader).map_err(read::error)
                })
                .await?;
            let next = found.last().map(|it| Place(it.position));
            let count = found.len() as u64;
            if found.is_empty() {
                return Ok(Step { found: 0, done: 0, next: None });
            }
            let claims = Arc::new(Mutex::new(Vec::new()));
            let of_writer = Claims { shared: Arc::clone(&shared), claimed: Arc::clone(&claims) };
            let result = self
                .write(move |batch| {
                    let mut done = 0;
                    for it in &found {
                        done += u64::from(one(batch, &of_writer, &deed, it, micros(now))?);
                    }
                    Ok(done)
                })
                .await;
            if result.is_err() {
                // Nothing of it was written: they go on as they were.
                for (lane, position) in lock(&claims).drain(..) {
                    if let Some(station) = shared.station(&lane) {
                        station.lane().release(position);
                        station.bell.notify_one();
                    }
                }
            }
            Ok(Step { found: count, done: result?, next })
        })
    }
}

/// Deliveries that are not handed out while they are changed.
struct Claims {
    shared: Arc<Shared>,
    claimed: Arc<Mutex<Vec<Claim>>>,
}

/// A lane, and a position in it.
type Claim = (Arc<str>, i64);

impl Claims {
    /// `false`: it is being sent right now, and left alone.
    fn claim(&self, lane: &Arc<str>, position: i64) -> bool {
        // Without a lane nothing is handed out.
        let claimed = self.shared.station(lane).is_none_or(|it| it.lane().claim(position));
        if claimed {
            lock(&self.claimed).push((Arc::clone(lane), position));
        }
        claimed
    }
}

/// The states that are meant, of those that the deed takes.
fn meant(deed: &Deed, which: &Which) -> Result<Vec<&'static str>, Error> {
    let asked = which.states().map_err(Error::Read)?;
    let mut states = if !asked.is_empty() {
        asked
    } else if which.ids.is_empty() {
        deed.usual().to_vec()
    } else {
        deed.takes().to_vec()
    };
    states.retain(|it| deed.takes().contains(it));
    if states.is_empty() {
        let all = deed.takes().join(", ");
        return Err(Error::Read(format!("this is done to deliveries that are one of {all}")));
    }
    Ok(states)
}

fn search<'a>(
    deed: &Deed,
    which: &'a Which,
    states: &'a [&'static str],
    between: (i64, i64),
    limit: usize,
) -> Search<'a> {
    let originals = matches!(deed, Deed::Replay(_));
    Search { which, states, between, originals, newest: false, limit }
}

/// Does it to one delivery; `false` when it stands otherwise by now.
fn one(
    batch: &mut Batch<'_>,
    claims: &Claims,
    deed: &Deed,
    candidate: &Candidate,
    now: i64,
) -> rusqlite::Result<bool> {
    let lane = candidate.destination();
    match deed {
        Deed::Retry(collects) => {
            let collect = collects(&candidate.route());
            Ok(again(batch, candidate, &lane, collect, now)?
                || (is_pending(batch, &lane, candidate.position, false)?
                    && claims.claim(&lane, candidate.position)
                    && at_once(batch, candidate, &lane, collect, now)?))
        }
        Deed::Drop(reason) => Ok(is_pending(batch, &lane, candidate.position, true)?
            && claims.claim(&lane, candidate.position)
            && give_up(batch, candidate, &lane, reason, now)?),
        Deed::Replay(collects) => {
            repeat(batch, candidate, &lane, collects(&candidate.route()), now)?;
            Ok(true)
        }
    }
}

/// Whether it is still pending; `awaiting`: or waits for its answer.
fn is_pending(
    batch: &Batch<'_>,
    lane: &str,
    position: i64,
    awaiting: bool,
) -> rusqlite::Result<bool> {
    batch
        .connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM pending WHERE destination = ?1 AND position = ?2 \
             AND (?3 OR state <> 1))",
        )?
        .query_row(params![lane, position, awaiting], |row| row.get(0))
}

/// A settled delivery is pending again, at its old place.
fn again(
    batch: &mut Batch<'_>,
    candidate: &Candidate,
    lane: &Arc<str>,
    collect: Option<Collect>,
    now: i64,
) -> rusqlite::Result<bool> {
    let reason: Option<Option<String>> = batch
        .connection
        .prepare_cached(
            "DELETE FROM settled WHERE position = ?1 AND state <> 'delivered' RETURNING reason",
        )?
        .query_row([candidate.position], |row| row.get(0))
        .optional()?;
    let Some(reason) = reason else { return Ok(false) };
    set_apart(batch, candidate.position)?;
    put(batch, candidate, candidate.position, lane, collect, reason.as_deref(), now)?;
    Ok(true)
}

/// A pending delivery, held or waiting for its moment, is due at once.
fn at_once(
    batch: &mut Batch<'_>,
    candidate: &Candidate,
    lane: &Arc<str>,
    collect: Option<Collect>,
    now: i64,
) -> rusqlite::Result<bool> {
    // It stays part of its call: the same members go under the same id.
    let call: Option<Option<[u8; 16]>> = batch
        .connection
        .prepare_cached(
            "UPDATE pending SET state = 0, attempts = 0, due = ?3, since = ?3, collect = ?4 \
             WHERE destination = ?1 AND position = ?2 AND state <> 1 RETURNING call",
        )?
        .query_row(
            params![&**lane, candidate.position, now, collect.map(|it| calls::write_collect(&it))],
            |row| row.get(0),
        )
        .optional()?;
    let Some(call) = call else { return Ok(false) };
    set_apart(batch, candidate.position)?;
    let entry = Entry {
        call: call.map(Uuid::from_bytes),
        ..entry(candidate, candidate.position, collect, now)
    };
    batch.effects.renewed.push((Arc::clone(lane), entry));
    Ok(true)
}

/// A pending delivery is settled without having been made.
fn give_up(
    batch: &mut Batch<'_>,
    candidate: &Candidate,
    lane: &Arc<str>,
    reason: &str,
    now: i64,
) -> rusqlite::Result<bool> {
    let position = candidate.position;
    let given: Option<(u32, Option<[u8; 16]>)> = batch
        .connection
        .prepare_cached(
            "DELETE FROM pending WHERE destination = ?1 AND position = ?2 RETURNING attempts, call",
        )?
        .query_row(params![&**lane, position], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((attempts, call)) = given else { return Ok(false) };
    batch
        .connection
        .prepare_cached(
            "INSERT OR REPLACE INTO settled VALUES (?1, ?2, 'dropped', ?3, ?4, 0, ?5, NULL)",
        )?
        .execute(params![position, candidate.sequence, attempts, now, reason])?;
    if let Some(call) = call {
        let others: bool = batch
            .connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM pending WHERE destination = ?1 AND call = ?2)",
            )?
            .query_row(params![&**lane, call], |row| row.get(0))?;
        if !others {
            // An answer that still comes is kept, and not routed.
            calls::close(batch.connection, Uuid::from_bytes(call))?;
        }
    }
    batch.effects.dropped.push((Arc::clone(lane), position));
    Ok(true)
}

/// A new delivery repeats a settled one.
fn repeat(
    batch: &mut Batch<'_>,
    candidate: &Candidate,
    lane: &Arc<str>,
    collect: Option<Collect>,
    now: i64,
) -> rusqlite::Result<()> {
    let position = batch.memory.next_replay;
    batch.memory.next_replay += 1;
    let generation = candidate.repetitions(batch.connection)? + 1;
    batch.connection.prepare_cached("INSERT INTO replays VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(
        params![position, candidate.sequence, candidate.position, candidate.ordinal, generation],
    )?;
    put(batch, candidate, position, lane, collect, None, now)
}

/// Puts a delivery into its lane, with a full budget of attempts.
fn put(
    batch: &mut Batch<'_>,
    candidate: &Candidate,
    position: i64,
    lane: &Arc<str>,
    collect: Option<Collect>,
    reason: Option<&str>,
    now: i64,
) -> rusqlite::Result<()> {
    let entry = entry(candidate, position, collect, now);
    batch
        .connection
        .prepare_cached(
            "INSERT OR REPLACE INTO pending VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?7, ?8, 0, \
             NULL, ?9)",
        )?
        .execute(params![
            &**lane,
            position,
            entry.sequence,
            &*entry.route,
            entry.index,
            entry.conversation.as_ref().map(|it| it.as_bytes().as_slice()),
            now,
            reason,
            collect.map(|it| calls::write_collect(&it)),
        ])?;
    batch.effects.pending.push((Arc::clone(lane), entry));
    Ok(())
}

fn entry(candidate: &Candidate, position: i64, collect: Option<Collect>, now: i64) -> Entry {
    Entry {
        position,
        sequence: candidate.sequence,
        conversation: candidate.conversation,
        route: candidate.route(),
        index: candidate.index(),
        attempts: 0,
        due: now,
        since: now,
        state: State::Waiting,
        call: None,
        collect,
    }
}

/// Numbers the attempts so far from zero down, because those to come are counted from one.
fn set_apart(batch: &Batch<'_>, position: i64) -> rusqlite::Result<()> {
    let attempts: Vec<i64> = batch
        .connection
        .prepare_cached("SELECT attempt FROM attempts WHERE position = ?1 ORDER BY attempt")?
        .query_map([position], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let Some(last) = attempts.last().filter(|it| **it > 0) else { return Ok(()) };
    let mut update = batch.connection.prepare_cached(
        "UPDATE attempts SET attempt = attempt - ?3 WHERE position = ?1 AND attempt = ?2",
    )?;
    for attempt in &attempts {
        update.execute(params![position, attempt, last])?;
    }
    Ok(())
}
