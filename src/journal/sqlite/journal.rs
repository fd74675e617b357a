//! The journal's own trait over the store.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::TrySendError;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::shared::{self, lock};
use super::writer::Command;
use super::{Sqlite, calls, conversation, lease, read, settle};
use crate::clock::micros;
use crate::destination::{Arrived, BoxFuture, Order, Standing};
use crate::event::standing::Change;
use crate::journal::lane::Lane;
use crate::journal::{Arrival, Called, Error, Journal, LaneState, Opened, Run, Settlement, Ticket};
use crate::provider::Cursor;

impl Journal for Sqlite {
    fn submit(&self, arrival: Arrival, ticket: Ticket) -> Result<(), Error> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(Error::Closed);
        }
        self.commands.try_send(Command::Accept(Box::new(arrival), ticket)).map_err(|it| match it {
            TrySendError::Full(_) => Error::Busy,
            TrySendError::Disconnected(_) => Error::Closed,
        })
    }

    fn cursors(&self, source: &str) -> BoxFuture<'_, Result<Vec<Cursor>, Error>> {
        let source = source.to_owned();
        Box::pin(self.read(move |connection| {
            read::cursors(connection, &source).map_err(|it| Error::Read(it.to_string()))
        }))
    }

    fn kept(&self, key: &str) -> BoxFuture<'_, Result<Option<Vec<u8>>, Error>> {
        let key = format!("kept/{key}");
        Box::pin(self.read(move |connection| {
            read::kept(connection, &key).map_err(|it| Error::Read(it.to_string()))
        }))
    }

    fn keep(&self, key: &str, value: Option<Vec<u8>>) -> BoxFuture<'_, Result<(), Error>> {
        let key = format!("kept/{key}");
        Box::pin(self.write(move |batch| settle::keep(batch, &key, value.as_deref())))
    }

    fn open_lane(&self, lane: &str, order: Order) -> BoxFuture<'_, Result<(), Error>> {
        let lane = lane.to_owned();
        let shared = Arc::clone(&self.shared);
        // Counted and opened by the writer itself, so that no delivery falls in between.
        Box::pin(self.write(move |batch| {
            let pending = batch.connection.query_row(
                "SELECT count(*) FROM pending WHERE destination = ?1",
                [&lane],
                |row| row.get(0),
            )?;
            shared.open(&lane, Lane::new(order, pending));
            Ok(())
        }))
    }

    fn lease(
        &self,
        lane: &str,
        budget: usize,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Run>, Error>> {
        let lane = lane.to_owned();
        let shared = Arc::clone(&self.shared);
        Box::pin(self.read(move |connection| {
            let station = shared.station(&lane).ok_or(Error::Closed)?;
            let runs = {
                let mut window = station.lane();
                if let Some((after, room)) = window.wants() {
                    let entries = lease::pending(connection, &lane, after, room)
                        .map_err(|it| Error::Read(it.to_string()))?;
                    let more = entries.len() == room;
                    window.read(entries, more);
                }
                window.lease(budget, micros(now))
            };
            let read = runs.iter().map(|it| lease::run(connection, &lane, it));
            read.collect::<Result<Vec<Run>, Error>>().inspect_err(|_| {
                let mut window = station.lane();
                for entry in runs.iter().flat_map(|it| &it.entries) {
                    window.release(entry.position);
                }
            })
        }))
    }

    fn work<'a>(&'a self, lane: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let Some(station) = self.shared.station(lane) else {
                return std::future::pending().await;
            };
            let (due, more) = {
                let window = station.lane();
                (window.next_due(), window.wants().is_some())
            };
            if more {
                return;
            }
            let bell = station.bell.notified();
            match due {
                None => bell.await,
                Some(due) => {
                    let wait = due.saturating_sub(micros(crate::clock::now()));
                    let Ok(wait) = u64::try_from(wait) else { return };
                    tokio::select! {
                        () = bell => {}
                        () = tokio::time::sleep(Duration::from_micros(wait)) => {}
                    }
                }
            }
        })
    }

    fn release(&self, lane: &str, positions: &[i64]) {
        if let Some(station) = self.shared.station(lane) {
            let mut window = station.lane();
            for position in positions {
                window.release(*position);
            }
        }
    }

    fn defer(&self, lane: &str, positions: &[i64], due: Timestamp) {
        if let Some(station) = self.shared.station(lane) {
            let mut window = station.lane();
            for position in positions {
                window.defer(*position, micros(due));
            }
        }
    }

    fn hasten(&self, lane: &str, now: Timestamp) {
        if let Some(station) = self.shared.station(lane) {
            station.lane().hasten(micros(now));
            station.bell.notify_one();
        }
    }

    fn standing(
        &self,
        conversation: Uuid,
        peer: Option<&str>,
    ) -> BoxFuture<'_, Result<Standing, Error>> {
        let peer = peer.map(str::to_owned);
        Box::pin(self.read(move |connection| {
            conversation::standing(connection, conversation, peer.as_deref(), crate::clock::now())
                .map_err(|it| Error::Read(it.to_string()))
        }))
    }

    fn change(&self, conversation: Uuid, changes: Vec<Change>) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.write(move |batch| {
            changes.iter().try_for_each(|it| conversation::change(batch, conversation, it))
        }))
    }

    fn arrived(&self, sequence: u64) -> BoxFuture<'_, Result<Arrived, Error>> {
        Box::pin(self.read(move |connection| lease::arrived(connection, sequence)))
    }

    fn open_call(&self, lane: &str, opened: Opened) -> BoxFuture<'_, Result<bool, Error>> {
        let lane = lane.to_owned();
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let (call, members) = (opened.call, opened.members.clone());
            let of_writer = lane.clone();
            let now = micros(crate::clock::now());
            let opened =
                self.write(move |batch| calls::open(batch, &of_writer, &opened, now)).await?;
            if opened && let Some(station) = shared.station(&lane) {
                let mut window = station.lane();
                for position in members {
                    window.join(position, call);
                }
            }
            Ok(opened)
        })
    }

    fn answer(&self, call: Uuid, body: Bytes) -> BoxFuture<'_, Result<bool, Error>> {
        let now = micros(crate::clock::now());
        Box::pin(self.write(move |batch| calls::answer(batch, call, &body, now)))
    }

    fn call(&self, id: Uuid) -> BoxFuture<'_, Result<Option<Called>, Error>> {
        Box::pin(self.read(move |connection| calls::find(connection, id)))
    }

    fn settle(&self, lane: &str, settlements: Vec<Settlement>) -> BoxFuture<'_, Result<(), Error>> {
        let lane: Arc<str> = Arc::from(lane);
        Box::pin(async move {
            let station = self.shared.station(&lane).ok_or(Error::Closed)?;
            let settled = {
                let window = station.lane();
                let find = |position: i64| window.entry(position).cloned();
                settlements.into_iter().filter_map(|it| settle::Settled::new(it, find)).collect()
            };
            let (done, receiver) = oneshot::channel();
            let settle = settle::Settle { lane, station, settled, done };
            self.send(Command::Write(Box::new(settle))).await?;
            receiver.await.unwrap_or(Err(Error::Closed))
        })
    }

    fn lanes(&self) -> Vec<LaneState> {
        let state = |(name, station): (Arc<str>, Arc<shared::Station>)| {
            let window = station.lane();
            LaneState {
                lane: name.to_string(),
                pending: window.pending,
                leased: window.leased.len() as u64,
                settled: window.settled,
                oldest_due: window.next_due(),
            }
        };
        self.shared.stations().into_iter().map(state).collect()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.closed.store(true, Ordering::Relaxed);
            let closed = self.send(Command::Close).await;
            let thread = lock(&self.thread).take();
            // A reader's connection would keep the write-ahead log from being folded in.
            lock(&self.readers.idle).clear();
            if closed.is_ok()
                && let Some(thread) = thread
            {
                let joined = tokio::task::spawn_blocking(move || thread.join()).await;
                if !matches!(joined, Ok(Ok(()))) {
                    tracing::error!("the journal's writer did not end as it should");
                }
            }
        })
    }
}
