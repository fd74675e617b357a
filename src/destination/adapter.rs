//! Destinations that are reached by HTTP: one exchange a call.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::outcome::{Outcome, Scope};
use crate::client::{Outgoing, Response};
use crate::config::{Rate, Secret};
use crate::event::Event;
use crate::http::Unanswered;
use crate::provider::{self, Headers, Source};

pub use crate::http::Connection;

/// Says what to send, and what the answer means. Pure: the engine sends, times, limits, tries
/// again and records.
pub trait Adapter: Send + Sync + 'static {
    /// What to send.
    ///
    /// # Errors
    /// What becomes of the call without sending anything: [`Outcome::Refused`] for a payload that
    /// could never be sent.
    fn request(&self, call: &Call) -> Result<Outgoing, Outcome>;

    /// What an answer means, whatever its status.
    fn outcome(&self, call: &Call, answer: &Response) -> Outcome;

    /// What it means that there was no answer. Where the request may have been taken all the same
    /// ([`Unanswered::TooSlow`], [`Unanswered::Broken`]), the adapter can wait for a sign of it
    /// with [`Outcome::Await`] before it is sent again.
    fn unanswered(&self, call: &Call, why: Unanswered) -> Outcome {
        let _ = call;
        Outcome::retry(why.to_string())
    }

    /// What it means that the moment of [`Outcome::Await`] passed.
    fn overdue(&self, call: &Call) -> Outcome {
        let _ = call;
        Outcome::retry("no answer came in time")
    }

    /// The limits of the other side that this call counts against.
    fn limits(&self, call: &Call) -> Vec<Limit> {
        let _ = call;
        Vec::new()
    }

    /// What must not be paused for this call to be made: every scope an [`Outcome::Pause`] of it
    /// could name, but [`Scope::Destination`], which always counts.
    fn scopes(&self, call: &Call) -> Vec<Scope> {
        let _ = call;
        Vec::new()
    }

    /// What has to be exchanged for a token first. The token is then in [`Call::token`].
    fn session(&self) -> Option<&dyn Session> {
        None
    }

    /// Under which name the other side's thread of a conversation is kept, e.g. the agent's id:
    /// see [`Standing::thread`].
    fn thread(&self) -> Option<&str> {
        None
    }

    /// For how long an answer may come to [`Call::callback`]; `None`: the answer is in the
    /// response.
    fn calls_back(&self) -> Option<Duration> {
        None
    }

    /// Whether a webhook request is delivered once, whole, rather than each of its events. It is
    /// then in [`Call::request`].
    fn per_request(&self) -> bool {
        false
    }

    /// The source that reads what comes to [`Call::callback`], and what else arrives at
    /// `/hooks/<destination>`.
    fn source(&self, setup: &provider::Setup) -> Option<Box<dyn Source>> {
        let _ = setup;
        None
    }

    /// What may be seen nowhere: every occurrence in what is recorded of a request or an answer is
    /// struck out. The token is struck out in any case.
    fn secrets(&self) -> Vec<Secret> {
        Vec::new()
    }

    /// How its connections are made.
    fn connection(&self) -> Connection {
        Connection::default()
    }
}

/// One call, ready to be made. With `collect` it serves several deliveries.
#[derive(Clone, Debug)]
pub struct Call {
    /// The call's id: stable across attempts and restarts. What the other side can tell a
    /// repetition by.
    pub id: Uuid,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The deliveries it serves, in order; never empty.
    pub deliveries: Vec<Uuid>,
    /// Their events, in order.
    pub events: Vec<Arc<Event>>,
    /// What the route says under `to: { name: … }`, rendered; `Null` without it.
    pub payload: Value,
    /// The webhook request as it arrived, for destinations that take whole requests.
    pub request: Option<Arc<Arrived>>,
    /// How the conversation stands.
    pub standing: Standing,
    /// What [`Adapter::session`] brought.
    pub token: Option<Secret>,
    /// Where the answer is to be posted: minted for this attempt. Holds a secret.
    pub callback: Option<Secret>,
    /// It repeats what was delivered before, because somebody asked for it.
    pub replay: bool,
    /// Why the last attempt did not work, in the words of its outcome.
    pub last: Option<String>,
    /// The present moment.
    pub now: Timestamp,
}

impl Call {
    /// The newest event: what templates and default payloads speak of.
    pub fn event(&self) -> &Arc<Event> {
        self.events.last().expect("a call has an event")
    }

    /// The texts of its events, one a line; empty when none has any.
    pub fn text(&self) -> String {
        let texts = self.events.iter().filter_map(|it| it.facts.message.as_ref()?.text.as_deref());
        texts.collect::<Vec<_>>().join("\n")
    }
}

/// A webhook request as it arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrived {
    /// The headers that were kept: those that say what it is, and its signature.
    pub headers: Headers,
    /// The body, byte for byte.
    pub body: bytes::Bytes,
}

/// How a conversation stands, read right before the attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// When the contact wrote last; `None`: never, or the event belongs to no conversation.
    pub inbound: Option<Timestamp>,
    /// Until when a person has taken over; `None`: nobody has.
    pub takeover: Option<Takeover>,
    /// The thread that the other side keeps of this conversation.
    pub thread: Option<String>,
    /// Why the contact must not be sent marketing; `None`: nothing is known against it.
    pub suppressed: Option<String>,
}

/// A person answers in place of the bot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Takeover {
    /// What told us: `business_app`, `api`, `standby`, …
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

impl Standing {
    /// How long after the contact's last message others than templates may be sent: Meta's
    /// customer service window.
    pub const WINDOW: Duration = Duration::from_hours(24);

    /// When the window closes; `None` when it never was open.
    pub fn closes(&self) -> Option<Timestamp> {
        self.inbound?.checked_add(Self::WINDOW).ok()
    }

    /// Whether the window is open.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.closes().is_some_and(|it| now < it)
    }
}

/// A limit of the other side: so many calls in a length of time, all that share the key together.
/// Calls are spaced evenly, `burst` of them at once; usage is kept across a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What shares it, e.g. `flowbot <client id>`. Shown; never a secret.
    pub key: String,
    /// How many; for a documented limit, 95 % of it.
    pub rate: Rate,
    /// How many may go at once.
    pub burst: u32,
}

/// Something that is exchanged for a token: a key, a password. One token is kept for all that share
/// the key, asked for once however many wait, and renewed before it ends.
pub trait Session: Send + Sync {
    /// What shares the token: names the account, never holds a secret.
    fn key(&self) -> String;

    /// How a token is asked for.
    ///
    /// # Errors
    /// What becomes of the calls that need it.
    fn request(&self, now: Timestamp) -> Result<Outgoing, Outcome>;

    /// Reads what came back.
    ///
    /// # Errors
    /// What becomes of the calls that need it: usually [`Outcome::Retry`], or [`Outcome::Pause`]
    /// with [`Scope::Credential`].
    fn read(&self, answer: &Response, now: Timestamp) -> Result<Grant, Outcome>;

    /// How often one may be asked for: at most so many in a length of time. Kept across a restart.
    fn at_most(&self) -> Rate {
        Rate { count: 10, per: Duration::from_mins(15) }
    }

    /// Whether this answer to a call says that the token is no longer good: it is dropped, and the
    /// call made once more with a new one.
    fn is_stale(&self, answer: &Response) -> bool {
        answer.status == 401
    }
}

/// A token, and when the next is due.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The token.
    pub token: Secret,
    /// From then on the next is asked for; until it is there, this one is still good.
    pub renew: Timestamp,
    /// From then on it is refused.
    pub expires: Timestamp,
}
