//! What somebody does to deliveries from outside: claims them, makes them due, gives them up.

use super::{Entry, Lane};

impl Lane {
    /// Whether a delivery is handed out right now.
    pub(in crate::journal) fn is_leased(&self, position: i64) -> bool {
        self.leased.contains(&position)
    }

    /// Keeps a delivery from being handed out while it is changed in the store; `false` when it is
    /// handed out already.
    pub(in crate::journal) fn claim(&mut self, position: i64) -> bool {
        if self.leased.contains(&position) {
            return false;
        }
        let Some(entry) = self.entries.get(&position) else { return true };
        let (due, entry) = (entry.due, entry.clone());
        self.ready.remove(&(due, position));
        self.hand_out(&entry);
        true
    }

    /// A pending delivery was changed in the store, and waits anew.
    pub(in crate::journal) fn renewed(&mut self, renewed: Entry) {
        let position = renewed.position;
        if self.entries.contains_key(&position) {
            self.change(position, |it| *it = renewed);
        } else if position <= self.loaded {
            self.rewind(position);
        }
    }

    /// A pending delivery was given up: the next of its conversation becomes the head.
    pub(in crate::journal) fn dropped(&mut self, position: i64) {
        self.pending = self.pending.saturating_sub(1);
        self.settled += 1;
        self.take_back(position);
        self.forget(position);
    }
}
