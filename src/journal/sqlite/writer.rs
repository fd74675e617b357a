//! The only writer: one thread, one transaction over everything that waits, one sync.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvError, TryRecvError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::seen::Seen;
use super::shared::Shared;
use super::{accept, queues};
use crate::journal::lane::Entry;
use crate::journal::ticket::{Ticket, answer};
use crate::journal::{Arrival, Error, Receipt};

/// The most commands of one transaction.
const BATCH: usize = 512;

/// The most aliases that are remembered between transactions.
const ALIASES: usize = 65_536;

/// Something to write.
pub(super) enum Command {
    /// An arrival: the hot path.
    Accept(Box<Arrival>, Ticket),
    /// Anything else.
    Write(Box<dyn Work>),
    /// Write what waits, then end.
    Close,
}

/// A write that is not an arrival. Runs inside the batch's transaction.
pub(super) trait Work: Send {
    /// Writes.
    fn run(&mut self, batch: &mut Batch<'_>) -> rusqlite::Result<()>;
    /// Called once the transaction is durable, or with the error that rolled it back.
    fn done(self: Box<Self>, result: Result<(), Error>);
}

/// A write whose result is handed over once it is durable.
pub(super) struct Once<F, T> {
    pub(super) run: F,
    pub(super) result: Option<T>,
    pub(super) done: oneshot::Sender<Result<T, Error>>,
}

impl<T: Send, F: FnMut(&mut Batch<'_>) -> rusqlite::Result<T> + Send> Work for Once<F, T> {
    fn run(&mut self, batch: &mut Batch<'_>) -> rusqlite::Result<()> {
        self.result = Some((self.run)(batch)?);
        Ok(())
    }

    fn done(self: Box<Self>, result: Result<(), Error>) {
        let Self { result: value, done, .. } = *self;
        // Whoever asked may have gone; what was written stands.
        drop(done.send(result.and_then(|()| value.ok_or(Error::Closed))));
    }
}

/// What the writer remembers between transactions. After a rollback it is forgotten.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) next_sequence: u64,
    pub(super) next_position: i64,
    /// Of the next replay: below zero, and growing.
    pub(super) next_replay: i64,
    pub(super) aliases: HashMap<Uuid, Uuid>,
    /// When contacts wrote last, as far as that was noted.
    pub(super) inbound: HashMap<Uuid, i64>,
    pub(super) queues: HashMap<Arc<str>, i64>,
}

impl Memory {
    /// Reads where the journal stands.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let next_sequence = read::<u64>(
            connection,
            "SELECT max(ifnull((SELECT max(sequence) FROM events), 0), \
             ifnull((SELECT value FROM state WHERE key = 'last_sequence'), 0))",
        )? + 1;
        let next_position = read::<i64>(
            connection,
            "SELECT max(ifnull((SELECT max(position) FROM settled), 0), \
             ifnull((SELECT max(position) FROM pending), 0), \
             ifnull((SELECT position + json_array_length(deliveries) FROM events \
                     ORDER BY sequence DESC LIMIT 1), 0), \
             ifnull((SELECT value FROM state WHERE key = 'last_position'), 0))",
        )? + 1;
        let next_replay = read::<i64>(
            connection,
            "SELECT ifnull((SELECT max(position) FROM replays), -(1 << 62))",
        )? + 1;
        let mut statement = connection.prepare("SELECT name, id FROM queues")?;
        let rows = statement
            .query_map([], |row| Ok((Arc::from(row.get_ref(0)?.as_str()?), row.get(1)?)))?;
        let queues = rows.collect::<rusqlite::Result<_>>()?;
        Ok(Self {
            next_sequence,
            next_position,
            next_replay,
            aliases: HashMap::new(),
            inbound: HashMap::new(),
            queues,
        })
    }
}

fn read<T: rusqlite::types::FromSql>(connection: &Connection, sql: &str) -> rusqlite::Result<T> {
    connection.query_row(sql, [], |row| row.get(0))
}

/// One transaction in the making.
pub(super) struct Batch<'a> {
    pub(super) connection: &'a Connection,
    pub(super) memory: &'a mut Memory,
    pub(super) seen: &'a Seen,
    /// The first sequence it can give.
    pub(super) began: u64,
    pub(super) effects: Effects,
}

/// What the rest of the process is told once the transaction is durable.
#[derive(Default)]
pub(super) struct Effects {
    /// New deliveries, for their lanes.
    pub(super) pending: Vec<(Arc<str>, Entry)>,
    /// Queues that have something to receive, and how many messages were placed into each.
    pub(super) queues: Vec<(Arc<str>, u64)>,
    /// Deliveries that were settled by something else than their attempt.
    pub(super) settled: Vec<(Arc<str>, i64)>,
    /// Deliveries whose answer came, and when.
    pub(super) answered: Vec<(Arc<str>, i64, i64)>,
    /// Pending deliveries that wait anew.
    pub(super) renewed: Vec<(Arc<str>, Entry)>,
    /// Pending deliveries that were given up.
    pub(super) dropped: Vec<(Arc<str>, i64)>,
    /// Queues that have something to receive again.
    pub(super) rung: Vec<Arc<str>>,
}

impl Effects {
    /// Notes that a message was placed into a queue.
    pub(super) fn filled(&mut self, queue: &Arc<str>) {
        match self.queues.iter_mut().find(|it| it.0 == *queue) {
            Some((_, count)) => *count += 1,
            None => self.queues.push((Arc::clone(queue), 1)),
        }
    }
}

/// Runs until [`Command::Close`] or until every sender is gone.
pub(super) fn run(mut connection: Connection, commands: &Receiver<Command>, shared: &Shared) {
    let mut memory = match shared.seen.open(&connection).and_then(|()| Memory::read(&connection)) {
        Ok(memory) => memory,
        Err(error) => {
            tracing::error!(%error, "the journal cannot be read; nothing is accepted");
            return;
        }
    };
    let mut batch = Vec::with_capacity(BATCH);
    let mut open = true;
    while open {
        match commands.recv() {
            Ok(Command::Close) | Err(RecvError) => break,
            Ok(command) => batch.push(command),
        }
        while batch.len() < BATCH {
            match commands.try_recv() {
                Ok(Command::Close) | Err(TryRecvError::Disconnected) => {
                    open = false;
                    break;
                }
                Ok(command) => batch.push(command),
                Err(TryRecvError::Empty) => break,
            }
        }
        write(&mut connection, &mut memory, shared, &mut batch);
    }
    if let Err(error) = connection.execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)")
    {
        tracing::warn!(%error, "the journal was closed without a checkpoint");
    }
}

/// Writes a batch in one transaction and answers everybody in it.
fn write(
    connection: &mut Connection,
    memory: &mut Memory,
    shared: &Shared,
    commands: &mut Vec<Command>,
) {
    let before = (memory.next_sequence, memory.next_position, memory.next_replay);
    let mut receipts = Vec::with_capacity(commands.len());
    let result = transact(connection, memory, &shared.seen, commands, &mut receipts);
    let mut answered = Vec::new();
    let (result, effects) = match result {
        Ok(effects) => (Ok(()), Some(effects)),
        Err(error) => (Err(Error::Write(error.to_string())), None),
    };
    if let Some(mut effects) = effects {
        answered = std::mem::take(&mut effects.answered);
        shared.seen.committed();
        shared.apply(effects);
        if memory.aliases.len() > ALIASES {
            memory.aliases.clear();
        }
        if memory.inbound.len() > ALIASES {
            memory.inbound.clear();
        }
    } else {
        // Whatever the transaction had taught us may be wrong now.
        shared.seen.rolled_back();
        shared.failed();
        memory.aliases.clear();
        memory.inbound.clear();
        (memory.next_sequence, memory.next_position, memory.next_replay) = before;
        memory.queues = Memory::read(connection).map(|it| it.queues).unwrap_or_default();
        receipts.clear();
    }
    let mut works = Vec::new();
    let tickets = commands.drain(..).filter_map(|command| match command {
        Command::Accept(_, ticket) => Some(ticket),
        Command::Write(work) => {
            works.push(work);
            None
        }
        Command::Close => None,
    });
    let mut receipts = receipts.into_iter();
    answer(tickets.map(|ticket| {
        let receipt = receipts.next().unwrap_or_default();
        (ticket, result.clone().map(|()| receipt))
    }));
    for work in works {
        work.done(result.clone());
    }
    // An answer may have come in the batch that set its delivery waiting for it.
    shared.answered(answered);
    if let Err(error) = result {
        tracing::error!(%error, "a batch was rolled back");
        // A full disk answers at once and for ever; let others have the processor.
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Everything between BEGIN and COMMIT. When this returns `Ok`, the batch is on disk.
fn transact(
    connection: &mut Connection,
    memory: &mut Memory,
    seen: &Seen,
    commands: &mut [Command],
    receipts: &mut Vec<Receipt>,
) -> rusqlite::Result<Effects> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let began = memory.next_sequence;
    let mut batch =
        Batch { connection: &transaction, memory, seen, began, effects: Effects::default() };
    for command in commands {
        match command {
            Command::Accept(arrival, _) => receipts.push(accept::arrival(&mut batch, arrival)?),
            Command::Write(work) => work.run(&mut batch)?,
            Command::Close => {}
        }
    }
    queues::placed(&mut batch)?;
    seen.merge(&transaction, false)?;
    let effects = batch.effects;
    transaction.commit()?;
    Ok(effects)
}
