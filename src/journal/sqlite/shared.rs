//! What the writer, the lanes' workers and the readers share in memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::seen::Seen;
use super::writer::Effects;
use crate::journal::lane::Lane;

/// A lane and its bell.
pub(super) struct Station {
    pub(super) lane: Mutex<Lane>,
    pub(super) bell: Notify,
}

impl Station {
    pub(super) fn lane(&self) -> MutexGuard<'_, Lane> {
        lock(&self.lane)
    }
}

/// State shared by all parts of the journal.
#[derive(Default)]
pub(super) struct Shared {
    lanes: Mutex<HashMap<Arc<str>, Arc<Station>>>,
    queues: Mutex<HashMap<Arc<str>, Arc<Notify>>>,
    /// Which events are known.
    pub(super) seen: Seen,
    /// The last batch was rolled back.
    broken: AtomicBool,
    /// Batches rolled back since start.
    pub(super) rollbacks: AtomicU64,
    /// Transactions since start.
    pub(super) commits: AtomicU64,
}

/// Locks; a panic elsewhere leaves nothing half-done that matters here.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Tells lanes and queues what a durable transaction brought.
    pub(super) fn apply(&self, effects: Effects) {
        self.broken.store(false, Ordering::Relaxed);
        self.commits.fetch_add(1, Ordering::Relaxed);
        let mut rung: Vec<Arc<Station>> = Vec::new();
        let mut tell = |lane: &str, change: &mut dyn FnMut(&mut Lane)| {
            // A destination without a lane is no longer configured; its work waits in the store.
            let Some(station) = self.station(lane) else { return };
            change(&mut station.lane());
            if !rung.iter().any(|it| Arc::ptr_eq(it, &station)) {
                rung.push(station);
            }
        };
        for (lane, entry) in effects.pending {
            let mut entry = Some(entry);
            tell(&lane, &mut |it| entry.take().into_iter().for_each(|entry| it.written(entry)));
        }
        for (lane, entry) in effects.renewed {
            tell(&lane, &mut |it| it.renewed(entry.clone()));
        }
        for (lane, position) in effects.settled {
            tell(&lane, &mut |it| it.remove(position));
        }
        for (lane, position) in effects.dropped {
            tell(&lane, &mut |it| it.dropped(position));
        }
        for station in rung {
            station.bell.notify_one();
        }
        let filled = effects.queues.into_iter().map(|it| it.0);
        for queue in filled.chain(effects.rung) {
            let bell = lock(&self.queues).get(&queue).cloned();
            if let Some(bell) = bell {
                bell.notify_waiters();
            }
        }
    }

    /// Tells lanes that answers are there to be judged.
    pub(super) fn answered(&self, answered: Vec<(Arc<str>, i64, i64)>) {
        for (lane, position, now) in answered {
            let Some(station) = self.station(&lane) else { continue };
            station.lane().answered(position, now);
            station.bell.notify_one();
        }
    }

    /// Notes that a batch was rolled back.
    pub(super) fn failed(&self) {
        self.broken.store(true, Ordering::Relaxed);
        self.rollbacks.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the last batch was rolled back.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// The lane of a destination, if it was opened.
    pub(super) fn station(&self, lane: &str) -> Option<Arc<Station>> {
        lock(&self.lanes).get(lane).cloned()
    }

    /// Whether a delivery is handed out right now.
    pub(super) fn is_leased(&self, lane: &str, position: i64) -> bool {
        self.station(lane).is_some_and(|it| it.lane().is_leased(position))
    }

    /// Every lane, by name.
    pub(super) fn stations(&self) -> Vec<(Arc<str>, Arc<Station>)> {
        let lanes = lock(&self.lanes);
        let mut stations: Vec<_> =
            lanes.iter().map(|(name, station)| (Arc::clone(name), Arc::clone(station))).collect();
        stations.sort_by(|a, b| a.0.cmp(&b.0));
        stations
    }

    /// Adds a lane, unless it is open already.
    pub(super) fn open(&self, name: &str, lane: Lane) {
        lock(&self.lanes)
            .entry(Arc::from(name))
            .or_insert_with(|| Arc::new(Station { lane: Mutex::new(lane), bell: Notify::new() }))
            .bell
            .notify_one();
    }

    /// The bell of a queue.
    pub(super) fn queue(&self, name: &str) -> Arc<Notify> {
        Arc::clone(lock(&self.queues).entry(Arc::from(name)).or_default())
    }
}
