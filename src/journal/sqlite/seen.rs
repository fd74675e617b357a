//! Which events are known: the recent ones in memory, the others in a table.
//!
//! An id is a digest, so one insert each would dirty a page of its own for every event. The ids
//! of recent events are kept in memory instead (on open they are read back from the events), and
//! merged into the table in sorted runs, a slice with each commit.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::shared::lock;

/// Recent ids beyond which a run is merged: as many as the map takes before it doubles. A run
/// writes nearly every page of a large table, so that longer runs cost less for each id.
const RUN: usize = (1 << 17) / 8 * 7;

/// Ids of a run that are merged with one commit.
const SLICE: usize = 2_048;

/// Bits of the filter over the table: with four for each id, two million ids leave one false
/// alarm in seven, and a false alarm costs a look-up.
const FILTER_BITS: usize = 1 << 24;

/// Ids that are read into the filter on open; a larger table is always looked up.
const FILTER_IDS: u64 = 2_000_000;

/// The known events.
#[derive(Default)]
pub(super) struct Seen(Mutex<Inner>);

/// Says for most ids that they are not in the table, without looking. Ids are digests: their own
/// bits are the hash.
struct Filter(Box<[u64]>);

impl Filter {
    fn new() -> Self {
        Self(vec![0; FILTER_BITS / 64].into())
    }

    fn places(id: Uuid) -> impl Iterator<Item = (usize, u64)> {
        let (high, low) = id.as_u64_pair();
        // The version and variant bits of the UUID are the same in every id: steps around them.
        [high >> 40, high >> 16, low >> 38, low].into_iter().map(|it| {
            let bit = usize::try_from(it & (FILTER_BITS as u64 - 1)).unwrap_or_default();
            (bit / 64, 1 << (bit % 64))
        })
    }

    fn insert(&mut self, id: Uuid) {
        for (word, bit) in Self::places(id) {
            self.0[word] |= bit;
        }
    }

    fn may_hold(&self, id: Uuid) -> bool {
        Self::places(id).all(|(word, bit)| self.0[word] & bit != 0)
    }
}

#[derive(Default)]
struct Inner {
    /// Sequence and moment of arrival by id.
    recent: HashMap<Uuid, (u64, i64)>,
    /// The run that is being merged, sorted by id.
    run: Vec<(Uuid, u64, i64)>,
    /// How much of the run is in the table, durably.
    merged: usize,
    /// Ids of the transaction in the making: forgotten when it is rolled back.
    fresh: Vec<Uuid>,
    /// How much of the run this transaction merges.
    merging: usize,
    /// Over the ids of the table; `None`: every id is looked up.
    filter: Option<Filter>,
}

impl Seen {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        lock(&self.0)
    }

    /// Reads back what was not merged when the journal was last open.
    pub(super) fn open(&self, connection: &Connection) -> rusqlite::Result<()> {
        let through = through(connection)?;
        let mut statement =
            connection.prepare("SELECT id, sequence, received FROM events WHERE sequence > ?1")?;
        let mut rows = statement.query([through])?;
        let mut inner = self.inner();
        while let Some(row) = rows.next()? {
            let id = Uuid::from_bytes(row.get(0)?);
            inner.recent.insert(id, (row.get(1)?, row.get(2)?));
        }
        let mut filter = Filter::new();
        let mut statement = connection.prepare("SELECT id FROM seen LIMIT ?1")?;
        let mut rows = statement.query([FILTER_IDS + 1])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            filter.insert(Uuid::from_bytes(row.get(0)?));
            count += 1;
        }
        inner.filter = (count <= FILTER_IDS).then_some(filter);
        Ok(())
    }

    /// Remembers an event; `false` when it was known already.
    pub(super) fn insert(
        &self,
        connection: &Connection,
        id: Uuid,
        sequence: u64,
        at: i64,
    ) -> rusqlite::Result<bool> {
        if self.sequence(connection, id)?.is_some() {
            return Ok(false);
        }
        let mut inner = self.inner();
        inner.recent.insert(id, (sequence, at));
        inner.fresh.push(id);
        Ok(true)
    }

    /// The sequence of a known event.
    pub(super) fn sequence(
        &self,
        connection: &Connection,
        id: Uuid,
    ) -> rusqlite::Result<Option<u64>> {
        {
            let inner = self.inner();
            if let Some((sequence, _)) = inner.recent.get(&id) {
                return Ok(Some(*sequence));
            }
            if let Ok(index) = inner.run.binary_search_by_key(&id, |it| it.0) {
                return Ok(Some(inner.run[index].1));
            }
            if inner.filter.as_ref().is_some_and(|it| !it.may_hold(id)) {
                return Ok(None);
            }
        }
        connection
            .prepare_cached("SELECT sequence FROM seen WHERE id = ?1")?
            .query_row([id.as_bytes()], |row| row.get(0))
            .optional()
    }

    /// Merges a slice of the run, if there is one or one is due. With `all`, a run is begun
    /// however few ids there are.
    pub(super) fn merge(&self, connection: &Connection, all: bool) -> rusqlite::Result<()> {
        let mut inner = self.inner();
        if inner.run.is_empty() {
            if inner.recent.is_empty() || (!all && inner.recent.len() < RUN) {
                return Ok(());
            }
            let recent = std::mem::take(&mut inner.recent);
            inner.run = recent.into_iter().map(|(id, (sequence, at))| (id, sequence, at)).collect();
            inner.run.sort_unstable();
            inner.merged = 0;
            inner.merging = 0;
        }
        let from = inner.merged + inner.merging;
        let to = (from + SLICE).min(inner.run.len());
        let mut statement =
            connection.prepare_cached("INSERT OR IGNORE INTO seen VALUES (?1, ?2, ?3)")?;
        let Inner { run, filter, .. } = &mut *inner;
        for (id, sequence, at) in &run[from..to] {
            statement.execute(params![id.as_bytes(), sequence, at])?;
            if let Some(filter) = filter {
                filter.insert(*id);
            }
        }
        inner.merging += to - from;
        if to == inner.run.len() {
            let through = inner.run.iter().map(|it| it.1).max();
            connection
                .prepare_cached("INSERT OR REPLACE INTO state VALUES ('seen_through', ?1)")?
                .execute([through])?;
        }
        Ok(())
    }

    /// The transaction is durable.
    pub(super) fn committed(&self) {
        let mut inner = self.inner();
        inner.fresh.clear();
        inner.merged += std::mem::take(&mut inner.merging);
        if inner.merged > 0 && inner.merged == inner.run.len() {
            inner.run = Vec::new();
            inner.merged = 0;
        }
    }

    /// The transaction was rolled back.
    pub(super) fn rolled_back(&self) {
        let mut inner = self.inner();
        inner.merging = 0;
        for id in std::mem::take(&mut inner.fresh) {
            if inner.recent.remove(&id).is_none() {
                // It had become part of the run that began in the same transaction.
                inner.run.retain(|it| it.0 != id);
            }
        }
    }
}

/// The last sequence whose id is in the table, with all before it.
pub(super) fn through(connection: &Connection) -> rusqlite::Result<u64> {
    let found = connection
        .query_row("SELECT value FROM state WHERE key = 'seen_through'", [], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(0))
}
