//! Finding deliveries again, and mending them: once more, given up, or repeated.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{DeliveryState, Error};
use crate::destination::BoxFuture;
use crate::router::Collect;

/// Which deliveries. Empty fields do not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Which {
    /// Only those that stand so: one or several of [`STATES`], separated by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Only those to this destination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Only those that this route asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Only those of events of this source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Only those of events of this kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Only those of events of this conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<Uuid>,
    /// Only those of this event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Uuid>,
    /// Only those of events from this moment on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Only those of events before this moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Which moment of an event counts: when it was received, or when it happened.
    pub by: Moment,
    /// At most this many; in a list 50 by default, 1,000 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// In a list: only those of events before this sequence, the cursor of the previous page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// Only these deliveries.
    #[serde(skip)]
    pub ids: Vec<Uuid>,
}

/// A moment of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Moment {
    /// When we received it.
    #[default]
    Received,
    /// When it happened.
    Time,
}

/// How a delivery may stand in the store.
pub const STATES: &[&str] =
    &["pending", "awaiting", "held", "delivered", "skipped", "refused", "dead", "dropped"];

impl Which {
    /// The states that are asked for; empty: any.
    ///
    /// # Errors
    /// That there is no such state.
    pub fn states(&self) -> Result<Vec<&'static str>, String> {
        let Some(text) = &self.state else { return Ok(Vec::new()) };
        let words = text.split(',').map(str::trim).filter(|it| !it.is_empty());
        let find = |word: &str| STATES.iter().copied().find(|it| *it == word);
        let known = |word: &str| match (find(word), word) {
            (Some(state), _) => Ok(state),
            (None, "sending" | "paused" | "orphaned") => {
                Err(format!("`{word}` says more of a pending delivery; ask for `pending`"))
            }
            (None, _) => {
                let all = STATES.join(", ");
                Err(format!("there is no state `{word}`; a delivery is one of {all}"))
            }
        };
        words.map(known).collect()
    }

    /// Whether it restricts nothing: everything would be meant.
    pub fn is_empty(&self) -> bool {
        let Self { limit: _, before: _, by: _, .. } = self;
        let rest = Self { limit: None, before: None, by: Moment::default(), ..self.clone() };
        rest == Self::default()
    }
}

/// What is done to deliveries.
#[derive(Clone)]
pub enum Deed {
    /// They are to be delivered again, under the same ids, with a full budget of attempts, at
    /// their old place: ahead of what is pending.
    Retry(Collects),
    /// They are given up, for this reason: the rest of their conversation goes on.
    Drop(String),
    /// New deliveries repeat them, in their order, ahead of what is pending.
    Replay(Collects),
}

/// How a route gathers bursts, as it stands now, by its name.
pub type Collects = Arc<dyn Fn(&str) -> Option<Collect> + Send + Sync>;

impl Deed {
    /// In which states deliveries may be for it.
    pub const fn takes(&self) -> &'static [&'static str] {
        match self {
            Self::Retry(_) => &["pending", "held", "skipped", "refused", "dead", "dropped"],
            Self::Drop(_) => &["pending", "awaiting", "held"],
            Self::Replay(_) => &["delivered", "skipped", "refused", "dead", "dropped"],
        }
    }

    /// The states that are meant when nobody says.
    pub const fn usual(&self) -> &'static [&'static str] {
        match self {
            Self::Retry(_) => &["held", "refused", "dead"],
            Self::Drop(_) => &["pending", "awaiting", "held"],
            Self::Replay(_) => &["delivered"],
        }
    }
}

/// A delivery that was found, with what its event is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The event.
    pub event: Uuid,
    /// Its place in the journal's order.
    pub sequence: u64,
    /// Its kind.
    pub kind: String,
    /// Its source.
    pub source: String,
    /// Its conversation.
    pub conversation: Option<Uuid>,
    /// When it happened.
    pub time: Timestamp,
    /// When it was received.
    pub received: Timestamp,
    /// The delivery.
    #[serde(flatten)]
    pub delivery: DeliveryState,
}

/// A page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Those of the newest events first.
    pub deliveries: Vec<Listed>,
    /// [`Which::before`] of the next page; `None` on the last.
    pub next: Option<u64>,
}

/// What a deed would be done to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many deliveries.
    pub count: u64,
    /// The first few of them, in the order they would be done.
    pub first: Vec<Listed>,
    /// Where it ends: what comes later is not meant.
    pub through: Place,
}

/// A place in the journal's order of deliveries, to go on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(pub(in crate::journal) i64);

impl Default for Place {
    /// Before everything.
    fn default() -> Self {
        Self(i64::MIN)
    }
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Deliveries that were found.
    pub found: u64,
    /// Of these, those it was done to: what is being sent right now, or was settled meanwhile, is
    /// left alone.
    pub done: u64,
    /// Where to go on; `None`: nothing is left.
    pub next: Option<Place>,
}

/// Finds deliveries again, and mends them.
pub trait Redo: Send + Sync + 'static {
    /// A page of deliveries, those of the newest events first.
    ///
    /// # Errors
    /// [`Error::Read`], also when there is no such state.
    fn find(&self, which: Which) -> BoxFuture<'_, Result<Found, Error>>;

    /// What a deed would be done to.
    ///
    /// # Errors
    /// [`Error::Read`], also when there is no such state.
    fn tally(&self, deed: &Deed, which: Which) -> BoxFuture<'_, Result<Tally, Error>>;

    /// Does it to at most `max` of those after a place and up to another, in one durable step.
    ///
    /// # Errors
    /// Nothing of the step was done.
    fn step(
        &self,
        deed: &Deed,
        which: Which,
        places: (Place, Place),
        max: usize,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Step, Error>>;
}
