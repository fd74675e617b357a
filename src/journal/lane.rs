//! A lane in memory: which deliveries of a destination may go next. Pure.
//!
//! Only a window of the lane is held; the rest lies in the store and is read when there is room.

mod entry;
mod redo;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

use crate::destination::Order;
use entry::burst_over;
pub(super) use entry::{Entry, Run, State};

/// The most deliveries of one lane that are held in memory before their first attempt.
pub(super) const WINDOW: usize = 8_192;

/// The most deliveries of one lane that are held in memory at all. Those that are tried again do
/// not count against the window: many of them must not hide what could be delivered.
const HELD: usize = 8 * WINDOW;

/// Never due by itself.
pub(super) const NEVER: i64 = i64::MAX;

/// The deliveries of one conversation, in order. The first is the head.
#[derive(Default)]
struct Line {
    positions: BTreeSet<i64>,
    /// How many of them are handed out; the others wait for them.
    leased: usize,
}

/// The window of one lane.
pub(super) struct Lane {
    order: Order,
    entries: BTreeMap<i64, Entry>,
    /// May go at their moment: neither leased nor behind another of their conversation.
    ready: BTreeSet<(i64, i64)>,
    pub(super) leased: BTreeSet<i64>,
    /// In an ordered lane: each conversation's deliveries.
    conversations: HashMap<Uuid, Line>,
    /// The last position that was loaded; what lies behind is in the store only.
    loaded: i64,
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
            loaded: i64::MIN,
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
            // Read from the store already, between its commit and this call; or it was written
            // ahead of what is pending.
            if !self.entries.contains_key(&entry.position) {
                self.rewind(entry.position);
            }
            return;
        }
        if self.more || self.room() == 0 {
            self.more = true;
        } else {
            self.insert(entry);
        }
    }

    /// Forgets what is not handed out from a position on, to read it again.
    fn rewind(&mut self, position: i64) {
        let behind: Vec<i64> = self
            .entries
            .range(position..)
            .map(|it| *it.0)
            .filter(|it| !self.leased.contains(it))
            .collect();
        for position in behind {
            self.forget(position);
        }
        self.loaded = position - 1;
        self.more = true;
    }

    /// From which position to read on and how much, if there is room and something to read.
    pub(super) fn wants(&self) -> Option<(i64, usize)> {
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
            self.loaded = self.loaded.max(entry.position);
            if !self.entries.contains_key(&entry.position) {
                self.insert(entry);
            }
        }
        self.more = more;
    }

    fn insert(&mut self, entry: Entry) {
        let position = entry.position;
        self.loaded = self.loaded.max(position);
        self.retrying += usize::from(entry.attempts > 0);
        let line = self.line_of(&entry);
        let due = entry.due;
        self.entries.insert(position, entry);
        match line {
            None => drop(self.ready.insert((due, position))),
            Some(conversation) => {
                let line = self.conversations.entry(conversation).or_default();
                let before = line.positions.first().copied();
                line.positions.insert(position);
                if let Some(before) = before
                    && before > position
                    && let Some(head) = self.entries.get(&before)
                {
                    // What was ready stands behind this one now.
                    self.ready.remove(&(head.due, before));
                }
                self.settle_head(conversation);
            }
        }
    }

    /// The conversation whose order an entry keeps.
    fn line_of(&self, entry: &Entry) -> Option<Uuid> {
        entry.conversation.filter(|_| self.order == Order::Conversation)
    }

    /// Makes the head of a conversation ready at its moment, unless one of it is handed out.
    fn settle_head(&mut self, conversation: Uuid) {
        let Some(line) = self.conversations.get(&conversation) else { return };
        let Some(&first) = line.positions.first() else {
            self.conversations.remove(&conversation);
            return;
        };
        if line.leased > 0 {
            return;
        }
        let due = self.head_due(&line.positions, first);
        if let Some(head) = self.entries.get_mut(&first) {
            self.ready.remove(&(head.due, first));
            head.due = due;
            self.ready.insert((due, first));
        }
    }

    /// When the head of a line may go: with `collect`, once its burst is over.
    fn head_due(&self, line: &BTreeSet<i64>, first: i64) -> i64 {
        let Some(head) = self.entries.get(&first) else { return NEVER };
        let Some(collect) = head.collect else { return head.due };
        match (head.call, head.state) {
            (None, State::Waiting) if head.attempts == 0 => {
                let burst = self.burst(line, head, None);
                burst_over(&collect, head.since, &burst)
            }
            (Some(_), State::Awaiting) if collect.supersede => {
                let news = self.burst(line, head, head.call);
                let first = news.first().map(|it| it.since);
                first.map_or(head.due, |it| head.due.min(burst_over(&collect, it, &news)))
            }
            _ => head.due,
        }
    }

    /// What goes with a head: the entries after each other that the same route asked for and that
    /// are in no call yet. `after` leaves out the members of that call.
    fn burst(&self, line: &BTreeSet<i64>, head: &Entry, after: Option<Uuid>) -> Vec<&Entry> {
        let most = usize::from(head.collect.map_or(1, |it| it.messages).max(1));
        let entries = line.iter().filter_map(|it| self.entries.get(it));
        let entries = entries.skip_while(|it| after.is_some() && it.call == after);
        entries
            .take_while(|it| {
                it.call.is_none()
                    && it.state == State::Waiting
                    && it.collect.is_some()
                    && it.index == head.index
                    && it.route == head.route
            })
            .take(most)
            .collect()
    }

    /// Hands out at most `budget` runs that are due, in the order of their positions.
    pub(super) fn lease(&mut self, budget: usize, now: i64) -> Vec<Run> {
        let mut due: Vec<(i64, i64)> =
            self.ready.range(..=(now, i64::MAX)).take(budget).copied().collect();
        due.sort_unstable_by_key(|it| it.1);
        let mut runs = Vec::with_capacity(due.len());
        for key in due {
            self.ready.remove(&key);
            let Some(run) = self.run(key.1, now) else { continue };
            for entry in &run.entries {
                self.hand_out(entry);
            }
            runs.push(run);
        }
        runs
    }

    fn hand_out(&mut self, entry: &Entry) {
        self.leased.insert(entry.position);
        if let Some(line) = self.line_of(entry).and_then(|it| self.conversations.get_mut(&it)) {
            line.leased += 1;
        }
    }

    /// Takes a lease back; `false` when there is none.
    fn take_back(&mut self, position: i64) -> bool {
        if !self.leased.remove(&position) {
            return false;
        }
        let conversation = self.entries.get(&position).and_then(|it| self.line_of(it));
        if let Some(line) = conversation.and_then(|it| self.conversations.get_mut(&it)) {
            line.leased = line.leased.saturating_sub(1);
        }
        true
    }

    /// The run that a head stands for.
    fn run(&self, position: i64, now: i64) -> Option<Run> {
        let head = self.entries.get(&position)?;
        let alone = || Run { entries: vec![head.clone()], supersedes: None };
        let line = self.line_of(head).and_then(|it| self.conversations.get(&it));
        let line = line.map(|it| &it.positions);
        let (Some(line), Some(collect)) = (line, head.collect) else { return Some(alone()) };
        let Some(call) = head.call else {
            let burst = self.burst(line, head, None);
            let entries: Vec<Entry> = burst.into_iter().cloned().collect();
            let retried = entries.is_empty();
            return Some(if retried { alone() } else { Run { entries, supersedes: None } });
        };
        let members = line.iter().filter_map(|it| self.entries.get(it));
        let members = members.take_while(|it| it.call == Some(call)).cloned();
        let mut entries: Vec<Entry> = members.collect();
        let mut supersedes = None;
        if collect.supersede && head.state == State::Awaiting {
            let news = self.burst(line, head, Some(call));
            let first = news.first().map(|it| it.since);
            if first.is_some_and(|it| burst_over(&collect, it, &news) <= now) {
                entries.extend(news.into_iter().cloned());
                supersedes = Some(call);
            }
        }
        Some(Run { entries, supersedes })
    }

    /// Gives a lease back unattempted.
    pub(super) fn release(&mut self, position: i64) {
        if self.take_back(position) {
            self.stand_again(position);
        }
    }

    /// The entry waits again, at its moment.
    fn stand_again(&mut self, position: i64) {
        let Some(entry) = self.entries.get(&position) else { return };
        match self.line_of(entry) {
            None => drop(self.ready.insert((entry.due, position))),
            Some(conversation) => self.settle_head(conversation),
        }
    }

    /// Changes what is known of a delivery, which waits again from then on.
    fn change(&mut self, position: i64, change: impl FnOnce(&mut Entry)) {
        let leased = self.take_back(position);
        let Some(entry) = self.entries.get_mut(&position) else { return };
        if !leased {
            self.ready.remove(&(entry.due, position));
        }
        let before = entry.attempts;
        change(entry);
        self.retrying += usize::from(before == 0 && entry.attempts > 0);
        self.retrying -= usize::from(before > 0 && entry.attempts == 0);
        self.stand_again(position);
    }

    /// The attempt failed; the delivery keeps its place and is due again later.
    pub(super) fn again(&mut self, position: i64, due: i64) {
        self.change(position, |it| {
            it.attempts += 1;
            it.due = due;
            it.state = State::Waiting;
        });
    }

    /// The delivery keeps its place and is due again later; no attempt is counted.
    pub(super) fn defer(&mut self, position: i64, due: i64) {
        self.change(position, |it| it.due = due);
    }

    /// The answer comes later; waiting ends at that moment.
    pub(super) fn wait(&mut self, position: i64, until: i64, call: Uuid) {
        self.change(position, |it| {
            it.attempts += 1;
            it.due = until;
            it.state = State::Awaiting;
            it.call = Some(call);
        });
    }

    /// The answer came: it is judged at once. An attempt that is still on its way is not disturbed.
    pub(super) fn answered(&mut self, position: i64, now: i64) {
        if !self.leased.contains(&position) {
            self.change(position, |it| {
                it.due = now;
                it.state = State::Waiting;
            });
        }
    }

    /// The delivery is dead and holds its conversation.
    pub(super) fn hold(&mut self, position: i64) {
        self.change(position, |it| {
            it.attempts += 1;
            it.due = NEVER;
            it.state = State::Held;
        });
    }

    /// The delivery was made part of a call, and stays handed out.
    pub(super) fn join(&mut self, position: i64, call: Uuid) {
        if let Some(entry) = self.entries.get_mut(&position) {
            entry.call = Some(call);
            entry.state = State::Waiting;
        }
    }

    /// Everything that waits for its moment is due now, as when a pause ends.
    pub(super) fn hasten(&mut self, now: i64) {
        let waiting = |it: &&Entry| it.state == State::Waiting && it.due > now;
        let late: Vec<i64> = self.entries.values().filter(waiting).map(|it| it.position).collect();
        for position in late {
            if !self.leased.contains(&position) {
                self.change(position, |it| it.due = now);
            }
        }
    }

    /// The delivery is settled for good; the next of its conversation becomes the head.
    pub(super) fn remove(&mut self, position: i64) {
        if self.entries.contains_key(&position) || position > self.loaded {
            self.pending = self.pending.saturating_sub(1);
            self.settled += 1;
        }
        self.take_back(position);
        self.forget(position);
    }

    /// Takes an entry out of the window.
    fn forget(&mut self, position: i64) {
        let Some(entry) = self.entries.remove(&position) else { return };
        self.retrying -= usize::from(entry.attempts > 0);
        self.ready.remove(&(entry.due, position));
        let Some(conversation) = self.line_of(&entry) else { return };
        if let Some(line) = self.conversations.get_mut(&conversation) {
            line.positions.remove(&position);
        }
        self.settle_head(conversation);
    }

    /// The next moment at which something is due.
    pub(super) fn next_due(&self) -> Option<i64> {
        self.ready.first().map(|it| it.0).filter(|it| *it < NEVER)
    }

    /// The entry at a position.
    pub(super) fn entry(&self, position: i64) -> Option<&Entry> {
        self.entries.get(&position)
    }
}
