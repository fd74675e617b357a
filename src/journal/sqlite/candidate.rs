//! A delivery that was found, before it is known how it stands.

use std::sync::Arc;

use rusqlite::{Connection, Row};
use uuid::Uuid;

use super::read::{Decided, repeated};
use super::shared::Shared;
use super::story::{self, Asked};
use crate::clock::from_micros;
use crate::journal::redo::Listed;

/// A delivery that was found.
pub(super) struct Candidate {
    pub(super) position: i64,
    pub(super) sequence: u64,
    pub(super) event: Uuid,
    pub(super) conversation: Option<Uuid>,
    pub(super) decided: Vec<Decided>,
    pub(super) ordinal: usize,
    generation: u64,
    source: String,
    kind: String,
    time: i64,
    received: i64,
}

impl Candidate {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (position, first): (i64, i64) = (row.get(0)?, row.get(5)?);
        let of_replay: Option<usize> = row.get(10)?;
        let decided = serde_json::from_str(row.get_ref(4)?.as_str()?).unwrap_or_default();
        Ok(Self {
            position,
            sequence: row.get(1)?,
            event: row.get(2).map(Uuid::from_bytes)?,
            conversation: row.get::<_, Option<[u8; 16]>>(3)?.map(Uuid::from_bytes),
            decided,
            ordinal: of_replay
                .or_else(|| usize::try_from(position - first).ok())
                .unwrap_or(usize::MAX),
            generation: row.get(11)?,
            source: row.get(6)?,
            kind: row.get(7)?,
            time: row.get(8)?,
            received: row.get(9)?,
        })
    }

    /// Whether it is one of these deliveries, or, `or_repeated`, one of those that repeat it.
    pub(super) fn is_one_of(
        &self,
        connection: &Connection,
        ids: &[Uuid],
        or_repeated: bool,
    ) -> rusqlite::Result<bool> {
        let last = if or_repeated { self.repetitions(connection)? } else { self.generation };
        Ok((self.generation..=last)
            .any(|it| ids.contains(&repeated(self.event, &self.decided, self.ordinal, it))))
    }

    fn decision(&self) -> Option<&Decided> {
        self.decided.get(self.ordinal)
    }

    /// Where it goes.
    pub(super) fn destination(&self) -> Arc<str> {
        self.decision().map_or("", |it| &it.1).into()
    }

    /// The route that asked for it.
    pub(super) fn route(&self) -> Arc<str> {
        self.decision().map_or("", |it| &it.0).into()
    }

    /// Which of the route's `to` it is.
    pub(super) fn index(&self) -> u16 {
        self.decision().map_or(0, |it| it.2)
    }

    /// How often it was repeated.
    pub(super) fn repetitions(&self, connection: &Connection) -> rusqlite::Result<u64> {
        connection
            .prepare_cached(
                "SELECT ifnull(max(generation), 0) FROM replays WHERE sequence = ?1 AND of = ?2",
            )?
            .query_row(rusqlite::params![self.sequence, self.position], |row| row.get(0))
    }

    /// How it stands, and what its event is.
    pub(super) fn listed(
        &self,
        connection: &Connection,
        shared: &Shared,
    ) -> rusqlite::Result<Listed> {
        let asked = Asked {
            event: self.event,
            received: self.received,
            decided: &self.decided,
            ordinal: self.ordinal,
            position: self.position,
            generation: self.generation,
        };
        Ok(Listed {
            event: self.event,
            sequence: self.sequence,
            kind: self.kind.clone(),
            source: self.source.clone(),
            conversation: self.conversation,
            time: from_micros(self.time),
            received: from_micros(self.received),
            delivery: story::state(connection, shared, &asked)?,
        })
    }
}
