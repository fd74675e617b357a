//! The embedded journal: one `SQLite` file, one writer, group commit.
//!
//! Chosen by measurement (see ARCHITECTURE.md). `journal_mode=WAL` with `synchronous=FULL`: every
//! commit is on disk before anybody is answered.

mod schema;
mod seen;
mod shared;
mod writer;
mod accept;
mod conversation;
mod calls;
mod settle;
mod lease;
mod journal;
mod queues;
mod read;
mod story;
mod candidate;
mod find;
mod redo;
mod retention;
mod history;

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use super::{Error, Rejected};
use shared::{Shared, lock};
use writer::{Batch, Command, Once};

/// The name of the file inside the data directory.
const FILE: &str = "journal.db";

/// Commands that may wait for the disk before arrivals are turned away.
const BACKLOG: usize = 8_192;

/// Rejections that are kept.
const REJECTIONS: usize = 256;

/// Connections that are kept for reading.
const READERS: usize = 4;

/// How the journal is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// The data directory.
    pub directory: PathBuf,
}

/// The embedded journal.
pub struct Sqlite {
    commands: SyncSender<Command>,
    shared: Arc<Shared>,
    readers: Arc<Readers>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
    rejections: Mutex<VecDeque<Rejected>>,
    closed: AtomicBool,
    /// Held as long as the journal is open: two gateways on one file would both deliver.
    _lock: File,
    /// Whether the last process that had it open ended without closing it.
    unclean: bool,
}

impl Sqlite {
    /// Opens the journal of a data directory, creating or migrating it.
    ///
    /// # Errors
    /// A sentence that names the file, when it is locked, foreign, newer or damaged.
    pub fn open(options: &Options) -> Result<Self, Error> {
        let path = options.directory.join(FILE);
        let shown = path.display();
        std::fs::create_dir_all(&options.directory)
            .map_err(|it| Error::Write(format!("{}: {it}", options.directory.display())))?;
        let lock = File::create(options.directory.join("lock"))
            .map_err(|it| Error::Write(format!("{shown}: {it}")))?;
        lock.try_lock().map_err(|_| {
            Error::Read(format!("{shown} is in use by another gateway; stop it, or set `data`"))
        })?;
        // A WAL that was left behind is a process that never closed.
        let unclean = std::fs::metadata(options.directory.join(format!("{FILE}-wal")))
            .is_ok_and(|it| it.len() > 0);
        let mut connection = connect(&path, OpenFlags::default())?;
        connection
            .execute_batch(
                "PRAGMA page_size = 16384; PRAGMA auto_vacuum = INCREMENTAL; \
                 PRAGMA journal_mode = WAL; \
                 PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 1000; \
                 PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384; \
                 PRAGMA temp_store = MEMORY",
            )
            .map_err(|it| Error::Write(format!("{shown}: {it}")))?;
        schema::migrate(&mut connection)?;
        let (commands, receiver) = sync_channel(BACKLOG);
        let shared = Arc::new(Shared::default());
        let of_writer = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer::run(connection, &receiver, &of_writer))
            .map_err(|it| Error::Write(it.to_string()))?;
        Ok(Self {
            commands,
            shared,
            readers: Arc::new(Readers { path, idle: Mutex::new(Vec::new()) }),
            thread: Mutex::new(Some(thread)),
            rejections: Mutex::new(VecDeque::new()),
            closed: AtomicBool::new(false),
            _lock: lock,
            unclean,
        })
    }

    /// Whether the last process ended without closing the journal, so that a check is due.
    pub fn was_unclean(&self) -> bool {
        self.unclean
    }

    /// Reads the whole file and says whether it is sound. Takes long on a large one; runs beside
    /// everything else.
    ///
    /// # Errors
    /// What is damaged.
    pub async fn check(&self) -> Result<(), Error> {
        self.read(|connection| {
            let answer: String = connection
                .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
                .map_err(|it| Error::Read(it.to_string()))?;
            if answer == "ok" { Ok(()) } else { Err(Error::Read(answer)) }
        })
        .await
    }

    /// Whether writing works, as far as the last batch tells.
    ///
    /// # Errors
    /// That it does not.
    pub fn writable(&self) -> Result<(), Error> {
        let ended = lock(&self.thread).as_ref().is_none_or(std::thread::JoinHandle::is_finished);
        if ended {
            return Err(Error::Closed);
        }
        if self.shared.is_broken() {
            return Err(Error::Write("the last batch was rolled back".into()));
        }
        Ok(())
    }

    /// Transactions and rollbacks since start.
    pub fn commits(&self) -> (u64, u64) {
        let load = |it: &std::sync::atomic::AtomicU64| it.load(Ordering::Relaxed);
        (load(&self.shared.commits), load(&self.shared.rollbacks))
    }

    /// Runs a read on a connection of its own, beside the writer.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let readers = Arc::clone(&self.readers);
        tokio::task::spawn_blocking(move || readers.with(read)).await.unwrap_or(Err(Error::Closed))
    }

    /// Runs a write inside the next transaction and waits until it is durable.
    async fn write<T: Send + 'static>(
        &self,
        run: impl FnMut(&mut Batch<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let (sender, receiver) = oneshot::channel();
        self.send(Command::Write(Box::new(Once { run, result: None, done: sender }))).await?;
        receiver.await.unwrap_or(Err(Error::Closed))
    }

    /// Queues a command, waiting for room: for everything but arrivals, which are turned away.
    async fn send(&self, mut command: Command) -> Result<(), Error> {
        loop {
            match self.commands.try_send(command) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Disconnected(_)) => return Err(Error::Closed),
                Err(TrySendError::Full(it)) => command = it,
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    let connection = Connection::open_with_flags(path, flags)
        .map_err(|it| Error::Read(format!("{}: {it}", path.display())))?;
    connection.busy_timeout(Duration::from_secs(10)).map_err(|it| Error::Read(it.to_string()))?;
    connection.set_prepared_statement_cache_capacity(128);
    // Without it, a bound value that the planner might plan by compiles the statement again each
    // time: nine tenths of reading an event.
    connection
        .set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(|it| Error::Read(it.to_string()))?;
    Ok(connection)
}

/// Connections for reading; opened on demand, a few are kept.
struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let idle = lock(&self.idle).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(
                &self.path,
                OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )?,
        };
        let result = read(&connection);
        let mut idle = lock(&self.idle);
        if idle.len() < READERS {
            idle.push(connection);
        }
        result
    }
}
