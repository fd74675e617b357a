//! Calls that are written before they are sent, what answers them, and what tells of our messages.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::read;
use super::writer::Batch;
use crate::event::identity::receipt_key;
use crate::journal::{Called, Error, Opened};
use crate::router::Collect;

/// A call's row.
struct Row {
    destination: Arc<str>,
    members: Vec<i64>,
    state: String,
    attempt: u32,
    receipt: Option<String>,
}

fn row(connection: &Connection, call: Uuid) -> rusqlite::Result<Option<Row>> {
    connection
        .prepare_cached(
            "SELECT destination, members, state, attempt, receipt FROM calls WHERE id = ?1",
        )?
        .query_row([call.as_bytes()], |row| {
            Ok(Row {
                destination: row.get_ref(0)?.as_str()?.into(),
                members: serde_json::from_str(row.get_ref(1)?.as_str()?).unwrap_or_default(),
                state: row.get(2)?,
                attempt: row.get(3)?,
                receipt: row.get(4)?,
            })
        })
        .optional()
}

fn set_state(connection: &Connection, call: Uuid, state: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE calls SET state = ?2 WHERE id = ?1")?
        .execute(params![call.as_bytes(), state])?;
    Ok(())
}

/// Writes a call before it is sent; `false` when it was answered already.
pub(super) fn open(
    batch: &mut Batch<'_>,
    lane: &str,
    opened: &Opened,
    now: i64,
) -> rusqlite::Result<bool> {
    let connection = batch.connection;
    if row(connection, opened.call)?.is_some_and(|it| it.state == "answered") {
        return Ok(false);
    }
    if let Some(other) = opened.supersedes {
        set_state(connection, other, "superseded")?;
    }
    let members = serde_json::to_string(&opened.members).expect("numbers are always JSON");
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO calls VALUES (?1, ?2, ?3, 'open', ?4, ?5, NULL, NULL)",
        )?
        .execute(params![opened.call.as_bytes(), lane, members, opened.attempt, now])?;
    let mut update = connection.prepare_cached(
        "UPDATE pending SET call = ?3, state = 0 WHERE destination = ?1 AND position = ?2",
    )?;
    for position in &opened.members {
        update.execute(params![lane, position, opened.call.as_bytes()])?;
    }
    Ok(true)
}

/// An answer came for a call: it is kept until it is judged. `false` when nobody waits for it.
pub(super) fn answer(
    batch: &mut Batch<'_>,
    call: Uuid,
    body: &[u8],
    now: i64,
) -> rusqlite::Result<bool> {
    let connection = batch.connection;
    let Some(row) = row(connection, call)?.filter(|it| it.state == "open") else {
        return Ok(false);
    };
    connection
        .prepare_cached("UPDATE calls SET state = 'answered', answer = ?2 WHERE id = ?1")?
        .execute(params![call.as_bytes(), body])?;
    let mut update = connection.prepare_cached(
        "UPDATE pending SET state = 0, due = ?3 WHERE destination = ?1 AND position = ?2",
    )?;
    for position in row.members {
        update.execute(params![&*row.destination, position, now])?;
        batch.effects.answered.push((Arc::clone(&row.destination), position, now));
    }
    Ok(true)
}

/// The answer of a call that came and was not judged yet.
pub(super) fn answer_of(connection: &Connection, call: Uuid) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT answer FROM calls WHERE id = ?1 AND state = 'answered'")?
        .query_row([call.as_bytes()], |row| row.get(0))
        .optional()
        .map(Option::flatten)
}

/// A call's answer was judged: it has to be made again.
pub(super) fn judged(connection: &Connection, call: Uuid) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE calls SET state = 'over', answer = NULL WHERE id = ?1 AND state = 'answered'",
        )?
        .execute([call.as_bytes()])?;
    Ok(())
}

/// Whether the same route asked for another delivery of the same conversation after this one.
pub(super) fn is_followed(
    connection: &Connection,
    lane: &str,
    position: i64,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM pending a JOIN pending b ON b.destination = \
             a.destination AND b.position > a.position AND b.conversation = a.conversation \
             AND b.route = a.route AND b.idx = a.idx \
             WHERE a.destination = ?1 AND a.position = ?2)",
        )?
        .query_row(params![lane, position], |row| row.get(0))
}

/// Settles the members of a call.
fn delivered(
    batch: &mut Batch<'_>,
    row: &Row,
    now: i64,
    receipt: Option<&str>,
) -> rusqlite::Result<()> {
    for position in &row.members {
        let found: Option<(u64, i64)> = batch
            .connection
            .prepare_cached(
                "SELECT sequence, since FROM pending WHERE destination = ?1 AND position = ?2",
            )?
            .query_row(params![&*row.destination, position], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((sequence, since)) = found else { continue };
        batch
            .connection
            .prepare_cached("DELETE FROM pending WHERE destination = ?1 AND position = ?2")?
            .execute(params![&*row.destination, position])?;
        batch
            .connection
            .prepare_cached(
                "INSERT OR REPLACE INTO settled VALUES (?1, ?2, 'delivered', ?3, ?4, ?5, NULL, ?6)",
            )?
            .execute(params![position, sequence, row.attempt, now, now - since, receipt])?;
        if let Some(receipt) = receipt {
            keep_receipt(batch.connection, receipt, *position, now)?;
        }
        batch.effects.settled.push((Arc::clone(&row.destination), *position));
    }
    Ok(())
}

/// Keeps which delivery a message of ours came from.
pub(super) fn keep_receipt(
    connection: &Connection,
    message: &str,
    position: i64,
    now: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO receipts VALUES (?1, ?2, ?3)")?
        .execute(params![receipt_key(message).as_bytes(), position, now])?;
    Ok(())
}

fn position_of(connection: &Connection, message: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT position FROM receipts WHERE key = ?1")?
        .query_row([receipt_key(message).as_bytes()], |row| row.get(0))
        .optional()
}

fn tell(connection: &Connection, position: i64, sequence: u64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO told VALUES (?1, ?2)")?
        .execute(params![position, sequence])?;
    Ok(())
}

/// A copy of a message that our side sent: whether it is one of ours.
pub(super) fn echo(batch: &Batch<'_>, message: &str, sequence: u64) -> rusqlite::Result<bool> {
    let Some(position) = position_of(batch.connection, message)? else { return Ok(false) };
    tell(batch.connection, position, sequence)?;
    Ok(true)
}

/// Something tells what became of a message of ours. It also settles a call whose own answer was
/// lost: the provider gives back what we call it.
pub(super) fn status(
    batch: &mut Batch<'_>,
    message: &str,
    reference: Option<&str>,
    sequence: u64,
    now: i64,
) -> rusqlite::Result<()> {
    if let Some(position) = position_of(batch.connection, message)? {
        return tell(batch.connection, position, sequence);
    }
    let Some(call) = reference.and_then(|it| Uuid::parse_str(it).ok()) else { return Ok(()) };
    match row(batch.connection, call)? {
        Some(row) if row.state == "open" => {
            set_state(batch.connection, call, "answered")?;
            delivered(batch, &row, now, Some(message))?;
            for position in &row.members {
                tell(batch.connection, *position, sequence)?;
            }
        }
        Some(_) => {}
        // Its answer is on its way, or was lost: whoever settles it finds this.
        None => {
            batch
                .connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO calls VALUES (?1, '', '[]', 'told', 0, ?2, ?3, NULL)",
                )?
                .execute(params![call.as_bytes(), now, message])?;
        }
    }
    Ok(())
}

/// What is done with a call whose answer is awaited from now on.
pub(super) enum Awaited {
    /// It is waited for.
    Open,
    /// It was told of already: this is its message.
    Told(String),
    /// It was answered already.
    Answered,
}

/// The answer of a call is awaited from now on, unless it is here already.
pub(super) fn wait(
    connection: &Connection,
    lane: &str,
    call: Uuid,
    members: &[i64],
    attempt: u32,
    now: i64,
) -> rusqlite::Result<Awaited> {
    match row(connection, call)? {
        Some(Row { state, receipt: Some(message), .. }) if state == "told" => {
            Ok(Awaited::Told(message))
        }
        Some(row) if row.state == "answered" => Ok(Awaited::Answered),
        Some(row) if row.state == "open" => Ok(Awaited::Open),
        _ => {
            let members = serde_json::to_string(members).expect("numbers are always JSON");
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO calls VALUES (?1, ?2, ?3, 'open', ?4, ?5, NULL, NULL)",
                )?
                .execute(params![call.as_bytes(), lane, members, attempt, now])?;
            Ok(Awaited::Open)
        }
    }
}

/// Nobody waits for a call's answer any more.
pub(super) fn close(connection: &Connection, call: Uuid) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE calls SET state = 'over', answer = NULL \
             WHERE id = ?1 AND state IN ('open', 'answered')",
        )?
        .execute([call.as_bytes()])?;
    Ok(())
}

/// A call, for whoever brings its answer.
pub(super) fn find(connection: &Connection, call: Uuid) -> Result<Option<Called>, Error> {
    let read = |it: rusqlite::Error| Error::Read(it.to_string());
    let Some(row) = row(connection, call).map_err(read)? else { return Ok(None) };
    let Some(last) = row.members.last() else { return Ok(None) };
    let sequence: Option<u64> = connection
        .prepare_cached(
            "SELECT sequence FROM pending WHERE destination = ?1 AND position = ?2 \
             UNION ALL SELECT sequence FROM settled WHERE position = ?2 LIMIT 1",
        )
        .and_then(|mut it| {
            it.query_row(params![&*row.destination, last], |row| row.get(0)).optional()
        })
        .map_err(read)?;
    let Some(sequence) = sequence else { return Ok(None) };
    let found = read::by_sequence(connection, sequence)?;
    Ok(Some(Called {
        destination: row.destination.to_string(),
        open: row.state == "open",
        event: Arc::new(found.event),
    }))
}

/// How a burst is gathered, as it is kept.
pub(super) fn write_collect(collect: &Collect) -> String {
    let Collect { quiet, max, messages, supersede } = collect;
    format!("{},{},{messages},{}", quiet.as_millis(), max.as_millis(), u8::from(*supersede))
}

/// Reads what [`write_collect`] wrote.
pub(super) fn read_collect(text: &str) -> Option<Collect> {
    let mut parts = text.split(',').map(|it| it.parse::<u64>().ok());
    let mut next = || parts.next().flatten();
    Some(Collect {
        quiet: Duration::from_millis(next()?),
        max: Duration::from_millis(next()?),
        messages: u16::try_from(next()?).ok()?,
        supersede: next()? == 1,
    })
}
