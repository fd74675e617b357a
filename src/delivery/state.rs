//! How a conversation stands right before an attempt, as expressions and people see it. Pure.

use serde_json::{Map, Value};

use crate::destination::{Call, Standing};
use crate::expression::{State, TakenOver, Window};

/// What expressions see beside the event.
pub(super) fn of(call: &Call, lookup: Map<String, Value>) -> State {
    let Standing { takeover, thread, suppressed, .. } = &call.standing;
    State {
        window: Window {
            open: call.standing.is_open(call.now),
            closes: call.standing.closes().map(|it| it.to_string()),
        },
        takeover: takeover.as_ref().map(|it| TakenOver {
            by: it.by.clone(),
            since: it.since.to_string(),
            until: it.until.to_string(),
        }),
        thread: thread.clone(),
        suppressed: suppressed.clone(),
        lookup,
        events: call.events.clone(),
    }
}

/// How the conversation stood when a delivery was skipped.
pub(super) fn in_words(call: &Call) -> String {
    let window = if call.standing.is_open(call.now) { "open" } else { "closed" };
    match &call.standing.takeover {
        Some(it) => format!("a person answers ({}), until {}; window {window}", it.by, it.until),
        None => format!("nobody has taken over; window {window}"),
    }
}
