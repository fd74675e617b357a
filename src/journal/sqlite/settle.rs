//! Settling: outcomes, failed attempts and replies, inside one transaction.

use std::sync::Arc;

use rusqlite::params;
use tokio::sync::oneshot;

use super::accept;
use super::shared::Station;
use super::writer::{Batch, Work};
use crate::clock::micros;
use crate::journal::lane::Entry;
use crate::journal::{Error, Settlement, Verdict};

/// How long a delivery waits whose outcome could not be recorded, in microseconds.
const UNRECORDED: i64 = 5_000_000;

/// Outcomes of one lane on their way to the disk.
pub(super) struct Settle {
    pub(super) lane: Arc<str>,
    pub(super) station: Arc<Station>,
    pub(super) settlements: Vec<(Settlement, Entry)>,
    pub(super) done: oneshot::Sender<Result<(), Error>>,
}

impl Work for Settle {
    fn run(&mut self, batch: &mut Batch<'_>) -> rusqlite::Result<()> {
        for (settlement, entry) in &self.settlements {
            one(batch, &self.lane, settlement, entry)?;
        }
        Ok(())
    }

    fn done(self: Box<Self>, result: Result<(), Error>) {
        // What could not be recorded is made again, and not at once: on a full disk that would
        // repeat the same delivery as fast as the other side takes it.
        let later = micros(crate::clock::now()) + UNRECORDED;
        let mut lane = self.station.lane();
        for (settlement, _) in &self.settlements {
            match (&result, &settlement.verdict) {
                (Err(_), _) => lane.defer(settlement.position, later),
                (Ok(()), Verdict::Again { due, .. }) => {
                    lane.again(settlement.position, micros(*due));
                }
                (Ok(()), _) => lane.remove(settlement.position),
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
    entry: &Entry,
) -> rusqlite::Result<()> {
    let attempt = entry.attempts + 1;
    let took = i64::try_from(settlement.took.as_micros()).unwrap_or(i64::MAX);
    let started = micros(settlement.started);
    let failed = |reason: &str| {
        batch
            .connection
            .prepare_cached("INSERT OR REPLACE INTO failures VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![settlement.position, attempt, started, took, reason])
    };
    let (state, reason, receipt) = match &settlement.verdict {
        Verdict::Again { due, reason } => {
            failed(reason)?;
            batch
                .connection
                .prepare_cached(
                    "UPDATE pending SET attempts = ?3, due = ?4, reason = ?5 \
                     WHERE destination = ?1 AND position = ?2",
                )?
                .execute(params![lane, settlement.position, attempt, micros(*due), reason])?;
            return Ok(());
        }
        Verdict::Delivered { receipt, .. } => ("delivered", None, receipt.as_deref()),
        Verdict::Dead { reason } => ("dead", Some(reason), None),
        Verdict::Refused { reason } => ("refused", Some(reason), None),
    };
    if let Some(reason) = reason {
        failed(reason)?;
    }
    batch
        .connection
        .prepare_cached("DELETE FROM pending WHERE destination = ?1 AND position = ?2")?
        .execute(params![lane, settlement.position])?;
    batch
        .connection
        .prepare_cached("INSERT OR REPLACE INTO settled VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
        .execute(params![
            settlement.position,
            entry.sequence,
            state,
            attempt,
            started + took,
            took,
            reason,
            receipt
        ])?;
    if let Verdict::Delivered { replies, .. } = &settlement.verdict {
        for reply in replies {
            accept::arrival(batch, reply)?;
        }
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
