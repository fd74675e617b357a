//! Asking a provider for what it does not push: what to ask next, and what the answers mean. Pure;
//! [`crate::poll`] does the asking.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use crate::client::{Outgoing, Problem, Response};
use crate::config::Rate;

/// Asks one account, one question at a time.
///
/// What it knows comes from its [`Cursor`]s alone: after a crash it goes on from those that were
/// written together with the last events.
pub trait Poller: Send {
    /// What to ask now, or how long nothing is due. Asked again without a [`read`](Self::read) in
    /// between, no answer came: the same is due again.
    fn next(&mut self, now: Timestamp) -> Turn;

    /// Reads the answer to what [`next`](Self::next) asked last, and moves on.
    ///
    /// # Errors
    /// What the provider says is wrong, in its own words. The same is asked again later.
    fn read(&mut self, response: &Response, now: Timestamp) -> Result<Batch, Problem>;

    /// How often it may ask: what the provider allows, or the operator wants to spend.
    fn budget(&self) -> Rate;

    /// How far it is.
    fn progress(&self, now: Timestamp) -> Progress;
}

/// What a poller wants.
#[derive(Debug)]
pub enum Turn {
    /// Ask this.
    Ask(Outgoing),
    /// Nothing is due for so long.
    Wait(Duration),
}

/// What an answer brought.
#[derive(Debug, Default)]
pub struct Batch {
    /// What `normalise` makes events of: the provider's fragments, verbatim, with what the poller
    /// knows about them. `None`: nothing new.
    pub body: Option<Bytes>,
    /// Where to go on, written in the same step as the events.
    pub cursors: Vec<Cursor>,
}

/// A place to go on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// What it is the place of: a conversation, a list. Unique within the source.
    pub key: String,
    /// The place, in the poller's own form; `None` forgets it.
    pub value: Option<Vec<u8>>,
}

/// How far a poller is, for the operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Conversations that are known.
    pub known: usize,
    /// Of these, read to their end at least once.
    pub read: usize,
    /// Of these, live: asked at the shortest period.
    pub live: usize,
    /// How long ago the conversation was asked that has waited longest.
    pub stalest: Option<Duration>,
}
