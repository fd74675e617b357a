//! A lane in memory: which deliveries of a destination may go next. Pure.
//!
//! Only a window of the lane is held; the rest lies in the store and is read when there is room.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use uuid::Uuid;

use crate::destination::Order;

/// The most deliveries of one lane that are held in memory before their first attempt.
pub(super) const WINDOW: usize = 8_192;

/// The most deliveries of one lane that are held in memory at all. Those that are tried again do
/// not count against the window: many of them must not hide what could be delivered.
const HELD: usize = 8 * WINDOW;

/// A delivery in the window.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) position: u64,
    pub(super) sequence: u64,
    pub(super) conversation: Option<Uuid>,
    pub(super) route: Arc<str>,
    pub(super) index: u16,
    pub(super) attempts: u32,
    pub(super) due: i64,
    pub(super) since: i64,
}

/// The window of one lane.
pub(super) struct Lane {
    order: Order,
    entries: BTreeMap<u64, Entry>,
    /// May go at their moment: neither leased nor behind another of their conversation.
    ready: BTreeSet<(i64, u64)>,
    leased: BTreeSet<u64>,
    /// In an ordered lane: the positions of each conversation, in order. The first is the head.
    conversations: HashMap<Uuid, VecDeque<u64>>,
    /// The last position that was loaded; what lies behind is in the store only.
    loaded: u64,
    /// Whether anything lies behind `loaded`.
    more: bool,
    /// Entries that were attempted before.
    retrying: usize,
    /// Deliveries in the store, in the window or behind it.
    pub(super) pending: u64,
    pub(super) settled: u64,
}

impl Lane {
    /// An empty window; `pending` deliveries lie in the store.
    pub(super) fn new(order: Order, pending: u64) -> Self {
        Self {
            order,
            entries: BTreeMap::new(),
            ready: BTreeSet::new(),
            leased: BTreeSet::new(),
            conversations: HashMap::new(),
            loaded: 0,
            more: pending > 0,
            retrying: 0,
            pending,
            settled: 0,
        }
    }

    /// Takes a delivery that was just written. Past the window it stays in the store.
    pub(super) fn written(&mut self, entry: Entry) {
        self.pending += 1;
        if entry.position <= self.loaded {
            // Read from the store already, between its commit and this call.
            return;
        }
        if self.more || self.room() == 0 {
            self.more = true;
        } else {
            self.insert(entry);
        }
    }

    /// From which position to read on and how much, if there is room and something to read.
    pub(super) fn wants(&self) -> Option<(u64, usize)> {
        let room = self.room();
        (self.more && room >= WINDOW / 2).then_some((self.loaded, room))
    }

    /// How many entries more may be held.
    fn room(&self) -> usize {
        let fresh = self.entries.len() - self.retrying;
        (WINDOW.saturating_sub(fresh)).min(HELD.saturating_sub(self.entries.len()))
    }

    /// Takes what was read after [`wants`](Self::wants); `more` says whether there is still more.
    pub(super) fn read(&mut self, entries: Vec<Entry>, more: bool) {
        for entry in entries {
            self.insert(entry);
        }
        self.more = more;
    }

    fn insert(&mut self, entry: Entry) {
        let Entry { position, due, conversation, .. } = entry;
        self.loaded = self.loaded.max(position);
        self.retrying += usize::from(entry.attempts > 0);
        let mut head = true;
        if self.order == Order::Conversation
            && let Some(conversation) = conversation
        {
            let line = self.conversations.entry(conversation).or_default();
            head = line.is_empty();
            line.push_back(position);
        }
        if head {
            self.ready.insert((due, position));
        }
        self.entries.insert(position, entry);
    }

    /// Leases at most `budget` deliveries that are due, in the order of their positions.
    pub(super) fn lease(&mut self, budget: usize, now: i64) -> Vec<Entry> {
        let mut due: Vec<(i64, u64)> =
            self.ready.range(..=(now, u64::MAX)).take(budget).copied().collect();
        for key in &due {
            self.ready.remove(key);
            self.leased.insert(key.1);
        }
        due.sort_unstable_by_key(|it| it.1);
        due.iter().filter_map(|(_, position)| self.entries.get(position).cloned()).collect()
    }

    /// Gives a lease back unattempted.
    pub(super) fn release(&mut self, position: u64) {
        if self.leased.remove(&position)
            && let Some(entry) = self.entries.get(&position)
        {
            self.ready.insert((entry.due, position));
        }
    }

    /// The attempt failed; the delivery keeps its place and is due again later.
    pub(super) fn again(&mut self, position: u64, due: i64) {
        if let Some(entry) = self.entries.get_mut(&position) {
            self.retrying += usize::from(entry.attempts == 0);
            entry.attempts += 1;
        }
        self.defer(position, due);
    }

    /// The delivery keeps its place and is due again later; no attempt is counted.
    pub(super) fn defer(&mut self, position: u64, due: i64) {
        if self.leased.remove(&position)
            && let Some(entry) = self.entries.get_mut(&position)
        {
            entry.due = due;
            self.ready.insert((due, position));
        }
    }

    /// The delivery is settled for good; the next of its conversation becomes the head.
    pub(super) fn remove(&mut self, position: u64) {
        self.leased.remove(&position);
        let Some(entry) = self.entries.remove(&position) else { return };
        self.retrying -= usize::from(entry.attempts > 0);
        self.pending = self.pending.saturating_sub(1);
        self.settled += 1;
        self.ready.remove(&(entry.due, position));
        if self.order == Order::None {
            return;
        }
        let Some(conversation) = entry.conversation else { return };
        let Some(line) = self.conversations.get_mut(&conversation) else { return };
        line.retain(|it| *it != position);
        match line.front().and_then(|it| self.entries.get(it)) {
            Some(head) if !self.leased.contains(&head.position) => {
                self.ready.insert((head.due, head.position));
            }
            Some(_) => {}
            None => {
                self.conversations.remove(&conversation);
            }
        }
    }

    /// The next moment at which something is due.
    pub(super) fn next_due(&self) -> Option<i64> {
        self.ready.first().map(|it| it.0)
    }

    /// How many are handed out.
    pub(super) fn leased(&self) -> usize {
        self.leased.len()
    }

    /// The entry at a position.
    pub(super) fn entry(&self, position: u64) -> Option<&Entry> {
        self.entries.get(&position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(position: u64, conversation: u128) -> Entry {
        Entry {
            position,
            sequence: position,
            conversation: Some(Uuid::from_u128(conversation)),
            route: "r".into(),
            index: 0,
            attempts: 0,
            due: 0,
            since: 0,
        }
    }

    fn positions(entries: &[Entry]) -> Vec<u64> {
        entries.iter().map(|it| it.position).collect()
    }

    #[test]
    fn an_ordered_lane_hands_out_the_head_of_each_conversation_only() {
        let mut lane = Lane::new(Order::Conversation, 0);
        for (position, conversation) in [(1, 1), (2, 1), (3, 2), (4, 1)] {
            lane.written(entry(position, conversation));
        }
        assert_eq!(positions(&lane.lease(10, 5)), [1, 3]);
        assert_eq!(positions(&lane.lease(10, 5)), [0_u64; 0]);
        lane.again(1, 100);
        lane.remove(3);
        assert_eq!(positions(&lane.lease(10, 5)), [0_u64; 0], "a retrying head holds its place");
        assert_eq!(positions(&lane.lease(10, 100)), [1]);
        lane.remove(1);
        assert_eq!(positions(&lane.lease(10, 100)), [2]);
        lane.release(2);
        assert_eq!(positions(&lane.lease(10, 100)), [2]);
        lane.defer(2, 200);
        assert_eq!(positions(&lane.lease(10, 199)), [0_u64; 0]);
        let deferred = lane.lease(10, 200);
        assert_eq!((positions(&deferred), deferred[0].attempts), (vec![2], 0));
        lane.remove(2);
        assert_eq!(positions(&lane.lease(10, 100)), [4]);
        lane.remove(4);
        assert_eq!((lane.pending, lane.settled), (0, 4));
    }

    #[test]
    fn an_unordered_lane_lets_others_pass_a_retry() {
        let mut lane = Lane::new(Order::None, 0);
        for position in 1..=3 {
            lane.written(entry(position, 1));
        }
        assert_eq!(positions(&lane.lease(2, 5)), [1, 2]);
        lane.again(1, 100);
        assert_eq!(positions(&lane.lease(10, 5)), [3]);
        assert_eq!(lane.next_due(), Some(100));
    }

    #[test]
    fn many_that_are_tried_again_do_not_hide_the_others() {
        let mut lane = Lane::new(Order::None, 0);
        let total = 2 * WINDOW as u64;
        for position in 1..=total {
            lane.written(entry(position, 1));
        }
        for it in lane.lease(WINDOW, 5) {
            lane.again(it.position, 1_000_000);
        }
        let (after, room) = lane.wants().expect("retries leave room");
        assert_eq!((after, room), (WINDOW as u64, WINDOW));
        lane.read((after + 1..=total).map(|it| entry(it, 1)).collect(), false);
        assert_eq!(lane.lease(WINDOW, 5).len(), WINDOW);
    }

    #[test]
    fn what_was_read_before_it_was_told_is_held_once() {
        let mut lane = Lane::new(Order::None, 1);
        let (after, _) = lane.wants().expect("one lies in the store");
        assert_eq!(after, 0);
        // A second was committed, and is read before the lane is told of it.
        lane.read(vec![entry(1, 1), entry(2, 1)], false);
        assert_eq!(lane.lease(10, 5).len(), 2);
        lane.written(entry(2, 1));
        assert!(lane.lease(10, 5).is_empty(), "it is leased already");
        assert_eq!(lane.pending, 2);
    }

    #[test]
    fn what_does_not_fit_the_window_is_read_from_the_store_later() {
        let mut lane = Lane::new(Order::None, 0);
        let total = WINDOW as u64 + 10;
        for position in 1..=total {
            lane.written(entry(position, 1));
        }
        assert_eq!(lane.pending, total);
        assert!(lane.wants().is_none(), "the window is full");
        for it in lane.lease(WINDOW, 5) {
            lane.remove(it.position);
        }
        let (after, _) = lane.wants().expect("there is room and more to read");
        assert_eq!(after, WINDOW as u64);
        lane.read((after + 1..=total).map(|it| entry(it, 1)).collect(), false);
        assert_eq!(lane.lease(100, 5).len(), 10);
        assert!(lane.wants().is_none());
    }
}
