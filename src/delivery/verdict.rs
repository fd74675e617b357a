//! What follows from an outcome. Pure.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{schedule, tell};
use crate::destination::{OnDead, Outcome, Placement, Policy, Reply};
use crate::event::{Event, MAX_HOPS};
use crate::journal::{Arrival, Cause, Verdict};
use crate::plan::Plan;

/// Replies of one call that are routed; a destination that sends more is out of its mind.
const MAX_REPLIES: usize = 64;

/// One delivery or call whose outcome is judged.
pub(super) struct Case<'a> {
    pub(super) plan: &'a Plan,
    /// The destination.
    pub(super) name: &'a Arc<str>,
    pub(super) policy: &'a Policy,
    /// The newest event of it.
    pub(super) event: &'a Event,
    /// The call: what replies take their ids from.
    pub(super) call: Uuid,
    /// Attempts so far, this one included.
    pub(super) attempt: u32,
    /// How old it is, without the time its destination was paused.
    pub(super) age: Duration,
    /// Whose thread the destination keeps.
    pub(super) peer: Option<&'a str>,
    pub(super) now: Timestamp,
}

impl Case<'_> {
    /// What follows, and its word for metrics.
    pub(super) fn verdict(&self, outcome: Outcome) -> (Verdict, &'static str) {
        match outcome {
            Outcome::Delivered { receipt, thread, replies } => {
                let replies = self.replies(replies);
                let thread = self.peer.map(str::to_owned).zip(thread);
                (Verdict::Delivered { receipt, thread, replies }, "delivered")
            }
            Outcome::Await { until } => (Verdict::Await { call: self.call, until }, "await"),
            Outcome::Retry { reason, after } => self.again(reason, after),
            Outcome::Refused { reason } => {
                let replies = tell::dead(self, &reason);
                (Verdict::Refused { reason, replies }, "refused")
            }
            // Due at once: the pause itself holds it, for as long as it lasts and no longer.
            Outcome::Pause { reason, .. } => {
                (Verdict::Again { due: self.now, reason, counted: false }, "pause")
            }
        }
    }

    fn again(&self, reason: String, after: Option<Duration>) -> (Verdict, &'static str) {
        let Policy { retry, max_age, .. } = self.policy;
        match schedule::next(retry, *max_age, self.call, self.attempt, self.age, after) {
            Some(wait) => {
                let due = self.now.checked_add(wait).unwrap_or(Timestamp::MAX);
                (Verdict::Again { due, reason, counted: true }, "retry")
            }
            None => (self.dead(format!("given up: {reason}")), "dead"),
        }
    }

    /// It is given up.
    pub(super) fn dead(&self, reason: String) -> Verdict {
        let hold = self.policy.on_dead == OnDead::Hold;
        let replies = tell::dead(self, &reason);
        Verdict::Dead { reason, hold, replies }
    }

    /// Replies on their way into the journal, in the same transaction as the outcome.
    fn replies(&self, replies: Vec<Reply>) -> Vec<Arrival> {
        let replies = replies.into_iter().take(MAX_REPLIES).enumerate();
        replies.map(|(index, it)| self.reply(index, it)).collect()
    }

    fn reply(&self, index: usize, reply: Reply) -> Arrival {
        let event = self.event;
        let mut draft = reply.draft;
        // The same call brings the same reply, however often it has to be made.
        draft.dedup_key = format!("call:{}:{index}", self.call);
        draft.anonymous = false;
        draft.answer_to(event);
        let mut events = self.plan.prepare(self.name, vec![draft], &reply.body, self.now);
        let hops = event.hops.saturating_add(1);
        refuse_beyond_hops(&mut events, hops);
        Arrival {
            source: Arc::clone(self.name),
            received: self.now,
            headers: "{}".into(),
            body: reply.body,
            traceparent: event.traceparent.clone(),
            cause: Some(cause(event)),
            events,
            cursors: Vec::new(),
            unrouted: false,
        }
    }
}

/// What an answer to an event is the answer of.
pub(crate) fn cause(event: &Event) -> Cause {
    Cause {
        event: event.id,
        conversation: event.conversation,
        correlation: event.correlation,
        hops: event.hops.saturating_add(1),
    }
}

/// Two bots that answer each other must come to an end.
pub(crate) fn refuse_beyond_hops(events: &mut [crate::journal::Incoming], hops: u8) {
    if hops <= MAX_HOPS {
        return;
    }
    for assigned in events.iter_mut().flat_map(|it| &mut it.deliveries) {
        assigned.placement =
            Placement::Dead(format!("more than {MAX_HOPS} replies deep: two bots may be talking"));
    }
}
