//! What an event changes about how its conversation stands, and which message of ours it speaks
//! of. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::{Draft, Facts, Kind, suppression};

/// A change of how a conversation stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The contact wrote at this moment: the window is open from then on.
    Inbound(Timestamp),
    /// A person answers in place of the bot.
    TakenOver {
        /// What told us: `business_app`, `standby`, `bot_paused`, …
        by: String,
        /// Since when.
        since: Timestamp,
        /// Until when, unless it is told again.
        until: Timestamp,
    },
    /// The bot answers again.
    Released {
        /// Only if this had told of the person; `None`: whatever had.
        by: Option<&'static str>,
    },
    /// The contact must not be sent marketing.
    Suppressed(String),
    /// The contact may be sent marketing again.
    Allowed,
    /// What the other side calls the conversation.
    Thread {
        /// The other side, e.g. an agent's id.
        peer: String,
        /// Its name for it.
        thread: String,
    },
}

/// Which message of ours an event speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// It is a copy of a message that our side sent.
    Echo {
        /// The message's id.
        message: String,
    },
    /// It tells what became of one.
    Status {
        /// The message's id.
        message: String,
        /// What we had the provider give back.
        reference: Option<String>,
    },
}

/// How long a person who paused the bot for good is believed without being told again.
const PAUSED: Duration = Duration::from_hours(7 * 24);

/// `WhatsApp`: the contact stopped marketing messages of this business.
/// <https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes>
const STOPPED_MARKETING: i64 = 131_050;

/// What a draft changes. `now` stands where it has no time of its own; a person who answered is
/// believed to go on for `takeover`.
pub fn changes(draft: &Draft, now: Timestamp, takeover: Duration) -> Vec<Change> {
    let facts = &draft.facts;
    let at = draft.time.unwrap_or(now);
    let mut changes = Vec::new();
    let taken = |by: &str, long: Duration| Change::TakenOver {
        by: by.to_owned(),
        since: at,
        until: at.checked_add(long).unwrap_or(Timestamp::MAX),
    };
    if is_inbound(&draft.kind) {
        changes.push(Change::Inbound(at));
    }
    changes.extend(wish(draft));
    changes.extend(word(draft));
    match facts.conversation.bot.as_deref() {
        Some("paused") => changes.push(taken("bot_paused", PAUSED)),
        Some("active") => changes.push(Change::Released { by: Some("bot_paused") }),
        _ if facts.conversation.standby => changes.push(taken("standby", takeover)),
        _ => {}
    }
    if draft.kind == Kind::MESSAGE_SENT {
        let origin = facts.message.as_ref().and_then(|it| it.origin.as_deref());
        match origin {
            Some(by @ ("business_app" | "agent")) => changes.push(taken(by, takeover)),
            Some(by) if by.starts_with("app:") => changes.push(taken(by, takeover)),
            _ => {}
        }
    }
    if let Some(handover) = &facts.handover {
        let current = handover.current.as_deref().map(str::to_ascii_lowercase);
        match (&*handover.event, current.as_deref()) {
            // Told to whom the conversation was passed; a request changes nothing yet.
            ("pass_thread_control", _) | (_, Some("bot" | "ai" | "app")) => {
                changes.push(Change::Released { by: None });
            }
            ("request_thread_control" | "app_roles", _) | (_, None) => {}
            _ => changes.push(taken("handover", PAUSED)),
        }
    }
    if let Some(agent) = &facts.agent
        && let (Some(peer), Some(thread)) = (&agent.id, &agent.thread)
    {
        changes.push(Change::Thread { peer: peer.clone(), thread: thread.clone() });
    }
    changes
}

/// Whether the contact did something that opens the window.
fn is_inbound(kind: &Kind) -> bool {
    [
        Kind::MESSAGE_RECEIVED,
        Kind::MESSAGE_REACTION,
        Kind::POSTBACK_RECEIVED,
        Kind::ORDER_RECEIVED,
        Kind::FLOW_COMPLETED,
    ]
    .contains(kind)
}

/// What a contact wishes who writes one word, as they learned with text messages.
fn word(draft: &Draft) -> Option<Change> {
    let text = draft.facts.message.as_ref()?.text.as_deref()?;
    if draft.kind != Kind::MESSAGE_RECEIVED {
        None
    } else if suppression::asks_to_stop(text) {
        Some(Change::Suppressed(format!("wrote `{}`", text.trim())))
    } else {
        suppression::asks_to_start(text).then_some(Change::Allowed)
    }
}

/// What the contact wishes to be sent.
fn wish(draft: &Draft) -> Option<Change> {
    let Facts { preference, status, .. } = &*draft.facts;
    if let Some(preference) = preference
        && (preference.category.contains("marketing") || preference.category == "messages")
    {
        return match &*preference.value.to_ascii_lowercase() {
            "stop" | "unsubscribe" | "unfollow" | "kicked" | "blocked" => Some(Change::Suppressed(
                format!("asked for no {} ({})", preference.category, preference.value),
            )),
            "resume" | "start" | "subscribe" | "follow" | "member" => Some(Change::Allowed),
            _ => None,
        };
    }
    let stopped = |it: &super::facts::Failure| it.code == STOPPED_MARKETING;
    status
        .as_ref()?
        .errors
        .iter()
        .any(stopped)
        .then(|| Change::Suppressed(format!("stopped marketing messages ({STOPPED_MARKETING})")))
}

/// Which message of ours a draft speaks of.
pub fn about(draft: &Draft) -> Option<About> {
    if draft.kind == Kind::MESSAGE_SENT {
        let message = draft.facts.message.as_ref().map(|it| it.id.clone())?;
        return (!message.is_empty()).then_some(About::Echo { message });
    }
    let status = draft.facts.status.as_ref()?;
    let (message, reference) = (status.message_id.clone(), status.callback_data.clone());
    (!message.is_empty()).then_some(About::Status { message, reference })
}
