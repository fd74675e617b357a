//! What passes between the journal and the delivery engine: leases, settlements, calls.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use super::Arrival;
use crate::event::Event;

/// Deliveries that are attempted together: one, or with `collect` the members of one call.
#[derive(Clone, Debug)]
pub struct Run {
    /// The deliveries, in order; never empty.
    pub leases: Vec<Lease>,
    /// The call that was written before they were sent, if one was.
    pub call: Option<Uuid>,
    /// An answer was awaited, and its moment has passed.
    pub overdue: bool,
    /// The answer that came another way.
    pub answer: Option<Bytes>,
    /// The open call that this one takes the place of.
    pub supersedes: Option<Uuid>,
}

/// One delivery, handed out to be attempted.
#[derive(Clone, Debug)]
pub struct Lease {
    /// Its place in the journal's order; what [`Settlement`] refers to. Below zero for a replay.
    pub position: i64,
    /// The delivery's id, stable across attempts.
    pub delivery: Uuid,
    /// The event.
    pub event: Arc<Event>,
    /// The route that asked for it.
    pub route: Arc<str>,
    /// Which of the route's `to` it is.
    pub index: u16,
    /// How many attempts were made before.
    pub attempts: u32,
    /// When the first attempt could have been made.
    pub since: Timestamp,
    /// Why the last attempt did not work.
    pub last: Option<String>,
}

/// What became of one attempt, to be recorded.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The position of the lease; of the first, where a call served several.
    pub position: i64,
    /// The positions of the others.
    pub others: Vec<i64>,
    /// When the attempt began.
    pub started: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// What follows.
    pub verdict: Verdict,
    /// What was sent and answered.
    pub record: Option<Record>,
    /// It judges an answer that came another way than its call.
    pub judged: bool,
}

/// What is kept of an attempt for whoever looks later. Bounded, without secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// What was sent.
    pub sent: Option<String>,
    /// What was answered.
    pub answered: Option<String>,
    /// The fingerprint of the configuration it was made under.
    pub config: String,
}

/// What follows from an attempt.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Done; the replies become events in the same transaction.
    Delivered {
        /// What the other side calls it.
        receipt: Option<String>,
        /// The thread it keeps of the conversation: whose, and its name.
        thread: Option<(String, String)>,
        /// The replies, normalised and routed.
        replies: Vec<Arrival>,
    },
    /// The answer comes later.
    Await {
        /// The call it answers.
        call: Uuid,
        /// When waiting ends.
        until: Timestamp,
    },
    /// Due again at this moment.
    Again {
        /// Not before.
        due: Timestamp,
        /// Why it did not work.
        reason: String,
        /// Whether it counts as an attempt.
        counted: bool,
    },
    /// Given up, visibly.
    Dead {
        /// Why.
        reason: String,
        /// The rest of its conversation waits for somebody.
        hold: bool,
        /// What is told of it.
        replies: Vec<Arrival>,
    },
    /// The other side will never take it.
    Refused {
        /// Why.
        reason: String,
        /// What is told of it.
        replies: Vec<Arrival>,
    },
    /// It was not to be sent after all, as its route says.
    Skipped {
        /// Why.
        reason: String,
    },
}

/// A call that is written before it is sent: its members do not change any more, and an answer
/// that comes another way finds it.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The call's id.
    pub call: Uuid,
    /// The positions of its members, in order.
    pub members: Vec<i64>,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// The call whose place it takes.
    pub supersedes: Option<Uuid>,
}

/// A call as the journal knows it.
#[derive(Clone, Debug)]
pub struct Called {
    /// Where it went.
    pub destination: String,
    /// Whether its answer is still expected.
    pub open: bool,
    /// The event of its last member: what an answer inherits contact and channel from.
    pub event: Arc<Event>,
}
