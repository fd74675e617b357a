//! Conversations: by which aliases they are found, and how they stand.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::writer::Batch;
use crate::clock::{from_micros, micros};
use crate::destination::{Standing, Takeover};
use crate::event::Candidate;
use crate::event::identity::mint;
use crate::event::standing::Change;
use crate::journal::{Alias, Conversation};

/// How much later the contact must have written for that to be noted again, in microseconds. One
/// note a message would write a page of its own for each; the window closes at most so much early.
const NOTED_AGAIN: i64 = 60 * 1_000_000;

/// The conversation of a set of aliases. Unknown aliases are learned; aliases that led to
/// different conversations are one from now on, that of the strongest.
pub(super) fn find(batch: &mut Batch<'_>, aliases: &[Alias]) -> rusqlite::Result<Option<Uuid>> {
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
                merge(batch.connection, conversation, other)?;
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

/// What was known of another conversation is known of this one from now on.
fn merge(connection: &Connection, conversation: Uuid, other: Uuid) -> rusqlite::Result<()> {
    let both = params![conversation.as_bytes(), other.as_bytes()];
    connection
        .prepare_cached(
            "INSERT INTO conversations SELECT ?1, inbound, takeover_by, takeover_since, \
             takeover_until, suppressed FROM conversations WHERE id = ?2 \
             ON CONFLICT (id) DO UPDATE SET inbound = max(ifnull(inbound, excluded.inbound), \
             ifnull(excluded.inbound, inbound)), \
             takeover_by = ifnull(takeover_by, excluded.takeover_by), \
             takeover_since = ifnull(takeover_since, excluded.takeover_since), \
             takeover_until = ifnull(takeover_until, excluded.takeover_until), \
             suppressed = ifnull(suppressed, excluded.suppressed)",
        )?
        .execute(both)?;
    connection
        .prepare_cached("UPDATE OR IGNORE threads SET conversation = ?1 WHERE conversation = ?2")?
        .execute(both)?;
    Ok(())
}

/// Notes what an event changes about how its conversation stands.
pub(super) fn change(
    batch: &mut Batch<'_>,
    conversation: Uuid,
    change: &Change,
) -> rusqlite::Result<()> {
    let id = conversation.as_bytes();
    let connection = batch.connection;
    match change {
        Change::Inbound(at) => inbound(batch, conversation, micros(*at))?,
        Change::TakenOver { by, since, until } => {
            connection
                .prepare_cached(
                    "INSERT INTO conversations (id, takeover_by, takeover_since, takeover_until) \
                     VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO UPDATE SET \
                     takeover_since = CASE WHEN takeover_until >= excluded.takeover_since \
                         THEN takeover_since ELSE excluded.takeover_since END, \
                     takeover_by = excluded.takeover_by, \
                     takeover_until = max(ifnull(takeover_until, 0), excluded.takeover_until)",
                )?
                .execute(params![id, by, micros(*since), micros(*until)])?;
        }
        Change::Released { by } => {
            connection
                .prepare_cached(
                    "UPDATE conversations SET takeover_by = NULL, takeover_since = NULL, \
                     takeover_until = NULL WHERE id = ?1 AND (?2 IS NULL OR takeover_by = ?2)",
                )?
                .execute(params![id, by])?;
        }
        Change::Suppressed(reason) => {
            connection
                .prepare_cached(
                    "INSERT INTO conversations (id, suppressed) VALUES (?1, ?2) \
                     ON CONFLICT (id) DO UPDATE SET suppressed = excluded.suppressed",
                )?
                .execute(params![id, reason])?;
        }
        Change::Allowed => {
            connection
                .prepare_cached("UPDATE conversations SET suppressed = NULL WHERE id = ?1")?
                .execute(params![id])?;
        }
        Change::Thread { peer, thread } => {
            connection
                .prepare_cached("INSERT OR REPLACE INTO threads VALUES (?1, ?2, ?3)")?
                .execute(params![id, peer, thread])?;
        }
    }
    Ok(())
}

fn inbound(batch: &mut Batch<'_>, conversation: Uuid, at: i64) -> rusqlite::Result<()> {
    if batch.memory.inbound.get(&conversation).is_some_and(|it| at < it + NOTED_AGAIN) {
        return Ok(());
    }
    batch
        .connection
        .prepare_cached(
            "INSERT INTO conversations (id, inbound) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE \
             SET inbound = max(ifnull(inbound, excluded.inbound), excluded.inbound)",
        )?
        .execute(params![conversation.as_bytes(), at])?;
    let noted = batch.memory.inbound.entry(conversation).or_insert(at);
    *noted = at.max(*noted);
    Ok(())
}

/// How a conversation stands.
pub(super) fn standing(
    connection: &Connection,
    conversation: Uuid,
    peer: Option<&str>,
    now: Timestamp,
) -> rusqlite::Result<Standing> {
    let found = connection
        .prepare_cached(
            "SELECT inbound, takeover_by, takeover_since, takeover_until, suppressed \
             FROM conversations WHERE id = ?1",
        )?
        .query_row([conversation.as_bytes()], |row| {
            let moment = |at: usize| row.get::<_, Option<i64>>(at).map(|it| it.map(from_micros));
            let takeover = match (row.get(1)?, moment(2)?, moment(3)?) {
                (Some(by), Some(since), Some(until)) if until > now => {
                    Some(Takeover { by, since, until })
                }
                _ => None,
            };
            let (inbound, suppressed) = (moment(0)?, row.get(4)?);
            Ok(Standing { inbound, takeover, thread: None, suppressed })
        })
        .optional()?;
    let thread = match peer {
        None => None,
        Some(peer) => connection
            .prepare_cached("SELECT thread FROM threads WHERE conversation = ?1 AND peer = ?2")?
            .query_row(params![conversation.as_bytes(), peer], |row| row.get(0))
            .optional()?,
    };
    Ok(Standing { thread, ..found.unwrap_or_default() })
}

/// A conversation by its id, with everything that is known of it.
pub(super) fn of(
    connection: &Connection,
    id: Uuid,
    now: Timestamp,
) -> rusqlite::Result<Option<Conversation>> {
    let aliases: Vec<String> = connection
        .prepare_cached("SELECT label FROM aliases WHERE conversation = ?1 ORDER BY label")?
        .query_map([id.as_bytes()], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let threads: BTreeMap<String, String> = connection
        .prepare_cached("SELECT peer, thread FROM threads WHERE conversation = ?1")?
        .query_map([id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let known: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM conversations WHERE id = ?1)")?
        .query_row([id.as_bytes()], |row| row.get(0))?;
    if aliases.is_empty() && threads.is_empty() && !known {
        return Ok(None);
    }
    let standing = standing(connection, id, None, now)?;
    let window_closes = standing.closes();
    let Standing { inbound, takeover, suppressed, .. } = standing;
    Ok(Some(Conversation { id, aliases, inbound, window_closes, takeover, suppressed, threads }))
}

/// The conversations that something is an alias of.
pub(super) fn named(connection: &Connection, name: &str) -> rusqlite::Result<Vec<Uuid>> {
    // Providers write a phone number as its digits alone.
    let digits: String = name.chars().filter(char::is_ascii_digit).collect();
    let is_phone = name.chars().all(|it| it.is_ascii_digit() || "+ -()".contains(it));
    let other = if is_phone && !digits.is_empty() { &digits } else { name };
    connection
        .prepare_cached(
            "SELECT DISTINCT conversation FROM aliases WHERE label = ?1 \
             OR substr(label, -length(?1) - 1) = ':' || ?1 \
             OR substr(label, -length(?2) - 1) = ':' || ?2 \
             OR substr(label, -length(?2) - 2) = ':+' || ?2",
        )?
        .query_map([name, other], |row| row.get(0).map(Uuid::from_bytes))?
        .collect()
}
