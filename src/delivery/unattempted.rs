//! Leases that are given back when an attempt breaks off.

use std::sync::Arc;

use super::lane::Worker;

/// Gives leases back unless [`done`](Self::done) was called.
pub(super) struct Unattempted {
    worker: Arc<Worker>,
    positions: Vec<i64>,
}

impl Unattempted {
    pub(super) fn over(worker: &Arc<Worker>, positions: impl Iterator<Item = i64>) -> Self {
        Self { worker: Arc::clone(worker), positions: positions.collect() }
    }

    /// The journal knows what becomes of them.
    pub(super) fn done(&mut self) {
        self.positions.clear();
    }
}

impl Drop for Unattempted {
    fn drop(&mut self) {
        if !self.positions.is_empty() {
            self.worker.journal.release(&self.worker.name, &self.positions);
        }
    }
}
