//! Looking deliveries up by what they are and how they stand.
//!
//! What is pending stands in one table by destination, what is settled in another by position;
//! the embedded broker's messages in neither.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::candidate::Candidate;
use super::shared::Shared;
use crate::clock::micros;
use crate::journal::redo::{Found, Moment, Which};
use crate::journal::{Error, MAX_PAGE};

/// Arrivals are written a little out of the order they came in, by less than this many
/// microseconds.
const DISORDER: i64 = 60_000_000;

/// Where to look.
#[derive(Clone, Copy)]
enum Pot<'a> {
    /// What is pending for a destination.
    Pending(&'a str),
    /// What is settled.
    Settled,
}

/// What is looked for, in which order.
pub(super) struct Search<'a> {
    pub(super) which: &'a Which,
    pub(super) states: &'a [&'static str],
    /// After this position and up to the other.
    pub(super) between: (i64, i64),
    /// Originals alone, or also what repeats them.
    pub(super) originals: bool,
    /// Newest first, by event; or else by position.
    pub(super) newest: bool,
    pub(super) limit: usize,
}

/// A page of deliveries, those of the newest events first.
pub(super) fn page(
    connection: &Connection,
    shared: &Shared,
    which: &Which,
    states: &[&'static str],
) -> Result<Found, Error> {
    let read = |it: rusqlite::Error| Error::Read(it.to_string());
    let limit = which.limit.unwrap_or(50).clamp(1, MAX_PAGE);
    let search = Search {
        which,
        states,
        between: (i64::MIN, i64::MAX),
        originals: false,
        newest: true,
        limit: limit + 1,
    };
    let mut found = search.run(connection, shared).map_err(read)?;
    let mut next = None;
    if let Some(over) = found.get(limit) {
        // The deliveries of an event stay on one page, where they fit.
        let over = over.sequence;
        let cut = found.iter().position(|it| it.sequence == over).filter(|it| *it > 0);
        found.truncate(cut.unwrap_or(limit));
        next = found.last().map(|it| it.sequence);
    }
    let deliveries = found.iter().map(|it| it.listed(connection, shared));
    Ok(Found { deliveries: deliveries.collect::<rusqlite::Result<_>>().map_err(read)?, next })
}

impl Search<'_> {
    /// Runs it.
    pub(super) fn run(
        &self,
        connection: &Connection,
        shared: &Shared,
    ) -> rusqlite::Result<Vec<Candidate>> {
        let mut found = Vec::new();
        self.each(connection, shared, &mut |it| found.push(it))?;
        if self.newest {
            found.sort_by_key(|it| std::cmp::Reverse((it.sequence, it.position)));
        } else {
            found.sort_by_key(|it| it.position);
        }
        found.truncate(self.limit);
        Ok(found)
    }

    /// Shows what is found, at most `limit` of each table.
    pub(super) fn each(
        &self,
        connection: &Connection,
        shared: &Shared,
        show: &mut dyn FnMut(Candidate),
    ) -> rusqlite::Result<()> {
        let event = match self.which.event {
            None => None,
            Some(id) => match shared.seen.sequence(connection, id)? {
                None => return Ok(()),
                it => it,
            },
        };
        let is_asked = |state: &&str| self.states.is_empty() || self.states.contains(state);
        let pending: Vec<&str> =
            ["pending", "awaiting", "held"].into_iter().filter(is_asked).collect();
        let settled: Vec<&str> = ["delivered", "skipped", "refused", "dead", "dropped"]
            .into_iter()
            .filter(is_asked)
            .collect();
        let low = self.low(connection)?;
        if !pending.is_empty() {
            for destination in destinations(connection)? {
                if self.which.destination.as_ref().is_none_or(|it| *it == destination) {
                    let pot = Pot::Pending(&destination);
                    self.pot(connection, pot, &pending, event, low, show)?;
                }
            }
        }
        if !settled.is_empty() {
            self.pot(connection, Pot::Settled, &settled, event, low, show)?;
        }
        Ok(())
    }

    /// The sequence and the position before which nothing can be meant.
    fn low(&self, connection: &Connection) -> rusqlite::Result<Option<(i64, i64)>> {
        let Some(since) = self.which.since.filter(|_| self.which.by == Moment::Received) else {
            return Ok(None);
        };
        first_received(connection, micros(since).saturating_sub(DISORDER))
    }

    fn pot(
        &self,
        connection: &Connection,
        pot: Pot<'_>,
        states: &[&str],
        event: Option<u64>,
        low: Option<(i64, i64)>,
        show: &mut dyn FnMut(Candidate),
    ) -> rusqlite::Result<()> {
        // What repeats something stands before everything else, and is few.
        let halves: &[&str] = match (self.originals, self.newest) {
            (true, _) => &["x.position >= 0"],
            (false, true) => &["x.position >= 0", "x.position < 0"],
            (false, false) => &["1"],
        };
        for half in halves {
            let (sql, values) = self.sql(pot, states, event, low, half);
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query(params_from_iter(values))?;
            let mut shown = 0;
            while shown < self.limit
                && let Some(row) = rows.next()?
            {
                let candidate = Candidate::read(row)?;
                // Where originals are looked for, what repeats one stands for it.
                let ids = &self.which.ids;
                if ids.is_empty() || candidate.is_one_of(connection, ids, self.originals)? {
                    show(candidate);
                    shown += 1;
                }
            }
        }
        Ok(())
    }

    /// The statement, and its values.
    fn sql(
        &self,
        pot: Pot<'_>,
        states: &[&str],
        event: Option<u64>,
        low: Option<(i64, i64)>,
        half: &str,
    ) -> (String, Vec<Value>) {
        let Which { destination, route, source, kind, conversation, since, until, by, .. } =
            self.which;
        let mut values: Vec<Value> = Vec::new();
        let mut terms = vec![half.to_owned()];
        let mut term = |sql: &str, value: Value| {
            values.push(value);
            terms.push(sql.replace('?', &format!("?{}", values.len())));
        };
        term("x.position > ?", self.between.0.into());
        term("x.position <= ?", self.between.1.into());
        let decided = |at: u8| {
            format!(
                "json_extract(e.deliveries, '$[' || ifnull(r.ordinal, x.position - e.position) || '][{at}]') = ?"
            )
        };
        let table = match pot {
            Pot::Pending(destination) => {
                let number = |it: &&str| match *it {
                    "pending" => "0",
                    "awaiting" => "1",
                    _ => "2",
                };
                let numbers: Vec<&str> = states.iter().map(number).collect();
                term("x.destination = ?", destination.to_owned().into());
                terms.push(format!("x.state IN ({})", numbers.join(",")));
                "pending x"
            }
            Pot::Settled => {
                if let Some(destination) = destination {
                    term(&decided(1), destination.clone().into());
                }
                terms.push(format!("x.state IN ('{}')", states.join("','")));
                if states.contains(&"delivered") {
                    "settled x"
                } else {
                    terms.push("x.state <> 'delivered'".to_owned());
                    "settled x INDEXED BY settled_trouble"
                }
            }
        };
        let mut term = |sql: &str, value: Value| {
            values.push(value);
            terms.push(sql.replace('?', &format!("?{}", values.len())));
        };
        if let Some(route) = route {
            term(&decided(0), route.clone().into());
        }
        if let Some(source) = source {
            term("e.source = ?", source.clone().into());
        }
        if let Some(kind) = kind {
            term("e.kind = ?", kind.clone().into());
        }
        if let Some(conversation) = conversation {
            term("e.conversation = ?", conversation.as_bytes().to_vec().into());
        }
        if let Some(event) = event.and_then(|it| i64::try_from(it).ok()) {
            term("x.sequence = ?", event.into());
        }
        let moment = if *by == Moment::Received { "e.received" } else { "e.time" };
        if let Some(since) = since {
            term(&format!("{moment} >= ?"), micros(*since).into());
        }
        if let Some(until) = until {
            term(&format!("{moment} < ?"), micros(*until).into());
        }
        if let Some((sequence, position)) = low {
            term("x.sequence >= ?", sequence.into());
            term("(x.position < 0 OR x.position >= ?)", position.into());
            if half.ends_with(">= 0") {
                term("x.position >= ?", position.into());
            }
        }
        if let Some(before) = self.which.before.and_then(|it| i64::try_from(it).ok()) {
            term("x.sequence < ?", before.into());
        }
        let order = match (self.newest, half.ends_with(">= 0")) {
            (true, true) => "x.position DESC",
            (true, false) => "x.sequence DESC, x.position DESC",
            (false, _) => "x.position",
        };
        let sql = format!(
            "SELECT x.position, x.sequence, e.id, e.conversation, e.deliveries, e.position, \
             e.source, e.kind, e.time, e.received, r.ordinal, ifnull(r.generation, 0) \
             FROM {table} CROSS JOIN events e ON e.sequence = x.sequence \
             LEFT JOIN replays r ON r.position = x.position \
             WHERE {} ORDER BY {order}",
            terms.join(" AND ")
        );
        (sql, values)
    }
}

/// The destinations that something is pending for.
fn destinations(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    let mut next =
        connection.prepare_cached("SELECT min(destination) FROM pending WHERE destination > ?1")?;
    loop {
        let last = found.last().map_or("", String::as_str);
        match next.query_row([last], |row| row.get::<_, Option<String>>(0))? {
            Some(it) => found.push(it),
            None => return Ok(found),
        }
    }
}

/// The first event that was received at a moment or later: its sequence, and the position of its
/// first delivery. Events are not indexed by time, but stand in the order they were received.
fn first_received(connection: &Connection, at: i64) -> rusqlite::Result<Option<(i64, i64)>> {
    let mut look = connection.prepare_cached(
        "SELECT sequence, received, position FROM events WHERE sequence >= ?1 \
         ORDER BY sequence LIMIT 1",
    )?;
    let (mut low, mut high): (i64, i64) = connection
        .prepare_cached(
            "SELECT ifnull(min(sequence), 0), ifnull(max(sequence), -1) + 1 FROM events",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut found = None;
    while low < high {
        let middle = low + (high - low) / 2;
        let row: Option<(i64, i64, i64)> = look
            .query_row([middle], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        match row {
            Some((sequence, received, position)) if received >= at => {
                found = Some((sequence, position));
                high = middle;
            }
            Some((sequence, ..)) => low = sequence + 1,
            None => high = middle,
        }
    }
    // Everything is older.
    Ok(Some(found.unwrap_or((i64::MAX, i64::MAX))))
}
