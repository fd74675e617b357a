//! What became of one attempt: a closed set.

use std::time::Duration;

use jiff::Timestamp;

use crate::event::Draft;

/// What became of one attempt. Not a `Result`: a refusal is an answer, not a failure of ours.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It arrived.
    Delivered {
        /// What the other side calls it, e.g. a message id.
        receipt: Option<String>,
        /// The thread it keeps of this conversation, to be named in the next call: see
        /// [`Adapter::thread`](super::Adapter::thread).
        thread: Option<String>,
        /// What it answered, as events.
        replies: Vec<Reply>,
    },
    /// It was taken; the answer comes later, until this moment.
    Await {
        /// When waiting ends.
        until: Timestamp,
    },
    /// It may work later.
    Retry {
        /// Why it did not work.
        reason: String,
        /// Not before this long, if the other side said so.
        after: Option<Duration>,
    },
    /// It will never work.
    Refused {
        /// Why.
        reason: String,
    },
    /// Nothing of this scope will work for a while; the queue is kept, and no attempt is counted.
    Pause {
        /// Why.
        reason: String,
        /// What stands still.
        scope: Scope,
        /// For how long; `None`: until somebody resumes it.
        duration: Option<Duration>,
    },
}

impl Outcome {
    /// It arrived, and nothing was answered.
    pub const fn delivered() -> Self {
        Self::Delivered { receipt: None, thread: None, replies: Vec::new() }
    }

    /// It arrived, and this is what the other side calls it.
    pub fn received(receipt: impl Into<String>) -> Self {
        Self::Delivered { receipt: Some(receipt.into()), thread: None, replies: Vec::new() }
    }

    /// It may work later.
    pub fn retry(reason: impl Into<String>) -> Self {
        Self::Retry { reason: reason.into(), after: None }
    }

    /// It will never work.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into() }
    }

    /// Nothing of this scope will work for so long.
    pub fn pause(scope: Scope, reason: impl Into<String>, duration: Option<Duration>) -> Self {
        Self::Pause { reason: reason.into(), scope, duration }
    }
}

/// What stands still in an [`Outcome::Pause`]. The texts are ids, never secrets: they are shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everything that uses this credential: an id of it, or a digest.
    Credential(String),
    /// One of our numbers.
    Number(String),
    /// The account.
    Account(String),
    /// One agent.
    Agent(String),
    /// This destination alone.
    Destination,
}

impl Scope {
    /// How it is written: `number 106540352242922`. For [`Scope::Destination`] the destination's
    /// own name.
    pub fn label(&self, destination: &str) -> String {
        match self {
            Self::Credential(id) => format!("credential {id}"),
            Self::Number(id) => format!("number {id}"),
            Self::Account(id) => format!("account {id}"),
            Self::Agent(id) => format!("agent {id}"),
            Self::Destination => format!("destination {destination}"),
        }
    }
}

/// What a destination answered: an event in the making, and the bytes it came from.
///
/// The engine adds what the draft leaves out: contact, channel and conversation are those of the
/// event that was delivered, and the id follows from the call and the reply's index.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The event; its raw range points into `body`.
    pub draft: Draft,
    /// The answer, verbatim.
    pub body: bytes::Bytes,
}
