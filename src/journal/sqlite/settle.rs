//! Settling: outcomes, attempts and replies, inside one transaction.

use std::sync::Arc;

use rusqlite::params;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::calls::{self, Awaited};
use super::shared::Station;
use super::writer::{Batch, Work};
use super::{accept, conversation};
use crate::clock::micros;
use crate::event::standing::Change;
use crate::journal::lane::{Entry, NEVER};
use crate::journal::{Error, Settlement, Verdict};

/// How long a delivery waits whose outcome could not be recorded, in microseconds.
const UNRECORDED: i64 = 5_000_000;

/// Outcomes of one lane on their way to the disk.
pub(super) struct Settle {
    pub(super) lane: Arc<str>,
    pub(super) station: Arc<Station>,
    pub(super) settled: Vec<Settled>,
    pub(super) done: oneshot::Sender<Result<(), Error>>,
}

/// One outcome, what it is about, and what the lane does once it is durable.
pub(super) struct Settled {
    settlement: Settlement,
    entries: Vec<Entry>,
    then: Then,
}

/// What the lane does once an outcome is durable.
#[derive(Clone, Copy)]
enum Then {
    Remove,
    Again(i64),
    Defer(i64),
    Wait(i64, Uuid),
    Hold,
}

impl Settled {
    /// An outcome; `None` when its delivery was settled otherwise meanwhile.
    pub(super) fn new(settlement: Settlement, find: impl Fn(i64) -> Option<Entry>) -> Option<Self> {
        let positions = std::iter::once(&settlement.position).chain(&settlement.others);
        let entries: Vec<Entry> = positions.filter_map(|it| find(*it)).collect();
        if entries.is_empty() {
            return None;
        }
        Some(Self { settlement, entries, then: Then::Remove })
    }
}

impl Work for Settle {
    fn run(&mut self, batch: &mut Batch<'_>) -> rusqlite::Result<()> {
        for it in &mut self.settled {
            it.then = one(batch, &self.lane, &it.settlement, &it.entries)?;
        }
        Ok(())
    }

    fn done(self: Box<Self>, result: Result<(), Error>) {
        // What could not be recorded is made again, and not at once: on a full disk that would
        // repeat the same delivery as fast as the other side takes it.
        let later = micros(crate::clock::now()) + UNRECORDED;
        let mut lane = self.station.lane();
        for it in &self.settled {
            let then = if result.is_ok() { it.then } else { Then::Defer(later) };
            for Entry { position, .. } in &it.entries {
                match then {
                    Then::Remove => lane.remove(*position),
                    Then::Again(due) => lane.again(*position, due),
                    Then::Defer(due) => lane.defer(*position, due),
                    Then::Wait(until, call) => lane.wait(*position, until, call),
                    Then::Hold => lane.hold(*position),
                }
            }
        }
        drop(lane);
        self.station.bell.notify_one();
        // The engine may have stopped waiting; the outcome stands all the same.
        drop(self.done.send(result));
    }
}

fn one(
    batch: &mut Batch<'_>,
    lane: &str,
    settlement: &Settlement,
    entries: &[Entry],
) -> rusqlite::Result<Then> {
    let took = i64::try_from(settlement.took.as_micros()).unwrap_or(i64::MAX);
    let ended = micros(settlement.started) + took;
    let call = entries.first().and_then(|it| it.call);
    let connection = batch.connection;
    let settled = |state: &str, reason: Option<&str>, receipt: Option<&str>| {
        let mut delete = connection
            .prepare_cached("DELETE FROM pending WHERE destination = ?1 AND position = ?2")?;
        let mut insert = connection.prepare_cached(
            "INSERT OR REPLACE INTO settled VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        for entry in entries {
            if delete.execute(params![lane, entry.position])? == 0 {
                // A callback was faster.
                continue;
            }
            let attempt = entry.attempts + 1;
            insert.execute(params![
                entry.position,
                entry.sequence,
                state,
                attempt,
                ended,
                took,
                reason,
                receipt
            ])?;
            if let Some(receipt) = receipt {
                calls::keep_receipt(connection, receipt, entry.position, ended)?;
            }
        }
        call.map_or(Ok(()), |it| calls::close(connection, it))
    };
    let replies = match &settlement.verdict {
        Verdict::Again { due, reason, counted } => {
            attempted(batch, settlement, entries, "retry", Some(reason))?;
            let due = match call {
                Some(call) if settlement.judged => {
                    calls::judged(connection, call)?;
                    micros(*due)
                }
                // The answer came after all, while the attempt was given up.
                Some(call) if calls::answer_of(connection, call)?.is_some() => ended,
                _ => micros(*due),
            };
            again(batch, lane, entries, due, reason, *counted)?;
            return Ok(if *counted { Then::Again(due) } else { Then::Defer(due) });
        }
        Verdict::Await { call, until } => {
            return wait(batch, lane, settlement, entries, *call, micros(*until), ended);
        }
        Verdict::Dead { reason, hold: true, replies } => {
            attempted(batch, settlement, entries, "dead", Some(reason))?;
            hold(batch, lane, entries, reason)?;
            for reply in replies {
                accept::arrival(batch, reply)?;
            }
            return Ok(Then::Hold);
        }
        Verdict::Delivered { receipt, thread, replies } => {
            if settlement.record.is_some() {
                attempted(batch, settlement, entries, "delivered", None)?;
            }
            if is_stale(batch, lane, entries)? {
                return superseded(batch, lane, entries, ended);
            }
            settled("delivered", None, receipt.as_deref())?;
            let conversation = entries.first().and_then(|it| it.conversation);
            if let (Some((peer, thread)), Some(conversation)) = (thread, conversation) {
                let change = Change::Thread { peer: peer.clone(), thread: thread.clone() };
                conversation::change(batch, conversation, &change)?;
            }
            replies
        }
        Verdict::Dead { reason, hold: false, replies } => {
            attempted(batch, settlement, entries, "dead", Some(reason))?;
            settled("dead", Some(reason), None)?;
            replies
        }
        Verdict::Refused { reason, replies } => {
            attempted(batch, settlement, entries, "refused", Some(reason))?;
            settled("refused", Some(reason), None)?;
            replies
        }
        Verdict::Skipped { reason } => {
            settled("skipped", Some(reason), None)?;
            return Ok(Then::Remove);
        }
    };
    for reply in replies {
        accept::arrival(batch, reply)?;
    }
    Ok(Then::Remove)
}

/// What came meanwhile takes the place of an answer: the call stays open until that goes out with
/// it. Should it be dropped before, waiting ends all the same.
fn superseded(
    batch: &Batch<'_>,
    lane: &str,
    entries: &[Entry],
    now: i64,
) -> rusqlite::Result<Then> {
    let reason = "superseded by what came meanwhile";
    let (Some(call), Some(collect)) =
        (entries.first().and_then(|it| it.call), entries.last().and_then(|it| it.collect))
    else {
        again(batch, lane, entries, now, reason, false)?;
        return Ok(Then::Defer(now));
    };
    let longest = i64::try_from(collect.max.as_micros()).unwrap_or(i64::MAX);
    let until = now.saturating_add(longest).saturating_add(60_000_000);
    calls::judged(batch.connection, call)?;
    await_until(batch, lane, entries, call, until)?;
    Ok(Then::Wait(until, call))
}

/// Whether an answer says less than what came while it was made.
fn is_stale(batch: &Batch<'_>, lane: &str, entries: &[Entry]) -> rusqlite::Result<bool> {
    let Some(last) = entries.last() else { return Ok(false) };
    if !last.collect.is_some_and(|it| it.supersede) {
        return Ok(false);
    }
    calls::is_followed(batch.connection, lane, last.position)
}

/// Keeps an attempt for whoever looks later; of a call that served several, with the first.
fn attempted(
    batch: &Batch<'_>,
    settlement: &Settlement,
    entries: &[Entry],
    outcome: &str,
    reason: Option<&str>,
) -> rusqlite::Result<()> {
    let Some(first) = entries.first() else { return Ok(()) };
    let record = settlement.record.as_ref();
    batch
        .connection
        .prepare_cached(
            "INSERT OR REPLACE INTO attempts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            first.position,
            first.attempts + 1,
            micros(settlement.started),
            i64::try_from(settlement.took.as_micros()).unwrap_or(i64::MAX),
            reason.unwrap_or_default(),
            outcome,
            record.and_then(|it| it.sent.as_deref()),
            record.and_then(|it| it.answered.as_deref()),
            record.map(|it| &*it.config),
        ])?;
    Ok(())
}

fn again(
    batch: &Batch<'_>,
    lane: &str,
    entries: &[Entry],
    due: i64,
    reason: &str,
    counted: bool,
) -> rusqlite::Result<()> {
    let mut update = batch.connection.prepare_cached(
        "UPDATE pending SET attempts = ?3, due = ?4, reason = ?5, state = 0 \
         WHERE destination = ?1 AND position = ?2",
    )?;
    for entry in entries {
        let attempts = entry.attempts + u32::from(counted);
        update.execute(params![lane, entry.position, attempts, due, reason])?;
    }
    Ok(())
}

fn hold(batch: &Batch<'_>, lane: &str, entries: &[Entry], reason: &str) -> rusqlite::Result<()> {
    let mut update = batch.connection.prepare_cached(
        "UPDATE pending SET attempts = ?3, due = ?4, reason = ?5, state = 2 \
         WHERE destination = ?1 AND position = ?2",
    )?;
    for entry in entries {
        update.execute(params![lane, entry.position, entry.attempts + 1, NEVER, reason])?;
    }
    Ok(())
}

fn wait(
    batch: &mut Batch<'_>,
    lane: &str,
    settlement: &Settlement,
    entries: &[Entry],
    call: Uuid,
    until: i64,
    now: i64,
) -> rusqlite::Result<Then> {
    let members: Vec<i64> = entries.iter().map(|it| it.position).collect();
    let attempt = entries.first().map_or(0, |it| it.attempts + 1);
    attempted(batch, settlement, entries, "await", None)?;
    match calls::wait(batch.connection, lane, call, &members, attempt, now)? {
        Awaited::Open => {}
        Awaited::Answered => {
            // Told from another answer by nothing but its time: it is judged next.
            again(batch, lane, entries, now, "answered", true)?;
            return Ok(Then::Again(now));
        }
        Awaited::Told(message) => {
            let told = Settlement {
                verdict: Verdict::Delivered {
                    receipt: Some(message),
                    thread: None,
                    replies: Vec::new(),
                },
                record: None,
                ..settlement.clone()
            };
            return one(batch, lane, &told, entries);
        }
    }
    await_until(batch, lane, entries, call, until)?;
    Ok(Then::Wait(until, call))
}

fn await_until(
    batch: &Batch<'_>,
    lane: &str,
    entries: &[Entry],
    call: Uuid,
    until: i64,
) -> rusqlite::Result<()> {
    let mut update = batch.connection.prepare_cached(
        "UPDATE pending SET attempts = ?3, due = ?4, state = 1, call = ?5 \
         WHERE destination = ?1 AND position = ?2",
    )?;
    for entry in entries {
        let attempts = entry.attempts + 1;
        update.execute(params![lane, entry.position, attempts, until, call.as_bytes()])?;
    }
    Ok(())
}

/// Keeps a value under a key, or forgets it.
pub(super) fn keep(batch: &Batch<'_>, key: &str, value: Option<&[u8]>) -> rusqlite::Result<()> {
    match value {
        Some(value) => batch
            .connection
            .prepare_cached("INSERT OR REPLACE INTO state VALUES (?1, ?2)")?
            .execute(params![key, value])?,
        None => {
            batch.connection.prepare_cached("DELETE FROM state WHERE key = ?1")?.execute([key])?
        }
    };
    Ok(())
}
