//! What a lane holds of a delivery, and when a burst of them is over.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::router::Collect;

/// A delivery in the window. Moments are microseconds since 1970.
#[derive(Clone, Debug)]
pub(in crate::journal) struct Entry {
    /// Its place in the lane's order; below zero for replays, which go ahead.
    pub(in crate::journal) position: i64,
    pub(in crate::journal) sequence: u64,
    pub(in crate::journal) conversation: Option<Uuid>,
    pub(in crate::journal) route: Arc<str>,
    pub(in crate::journal) index: u16,
    pub(in crate::journal) attempts: u32,
    pub(in crate::journal) due: i64,
    pub(in crate::journal) since: i64,
    pub(in crate::journal) state: State,
    /// The call it was made part of.
    pub(in crate::journal) call: Option<Uuid>,
    pub(in crate::journal) collect: Option<Collect>,
}

/// What a pending delivery waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::journal) enum State {
    /// Its moment.
    #[default]
    Waiting,
    /// An answer that comes later, until its moment.
    Awaiting,
    /// Somebody: it is dead, and holds its conversation.
    Held,
}

/// Deliveries that are attempted together.
#[derive(Clone, Debug)]
pub(in crate::journal) struct Run {
    pub(in crate::journal) entries: Vec<Entry>,
    /// The call that this one takes the place of.
    pub(in crate::journal) supersedes: Option<Uuid>,
}

/// When a burst that began at `first` is over.
pub(super) fn burst_over(collect: &Collect, first: i64, burst: &[&Entry]) -> i64 {
    if burst.len() >= usize::from(collect.messages) {
        return first;
    }
    let last = burst.iter().map(|it| it.since).max().unwrap_or(first);
    let micros = |it: Duration| i64::try_from(it.as_micros()).unwrap_or(i64::MAX);
    first.saturating_add(micros(collect.max)).min(last.saturating_add(micros(collect.quiet)))
}
