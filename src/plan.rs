//! The plan: sources, destinations and routes as configured, replaced as a whole on reload. Pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use crate::destination::{Destination, Placement};
use crate::event::{Draft, event_id, standing};
use crate::expression::Subject;
use crate::journal::{Alias, Assigned, Incoming};
use crate::lookup::Lookup;
use crate::provider::Source;
use crate::router::Table;

/// What the gateway runs on.
pub struct Plan {
    /// Who may send, by name.
    pub sources: HashMap<String, Arc<dyn Source>>,
    /// Where events go, by name.
    pub destinations: BTreeMap<Arc<str>, Arc<Destination>>,
    /// Which events go where.
    pub table: Table,
    /// What is asked elsewhere right before an attempt, by the name of the route.
    pub lookups: HashMap<Arc<str>, Vec<Lookup>>,
    /// Anything older than this on arrival is historical.
    pub stale_after: Duration,
    /// How long a person who answered in place of the bot is believed to go on.
    pub takeover: Duration,
    /// Where the gateway is reached.
    pub public_url: String,
    /// A digest of the configuration this was built from.
    pub fingerprint: String,
}

impl Plan {
    /// Routes drafts of one source and puts their deliveries in place: all that the journal has
    /// to know about them.
    pub fn prepare(
        &self,
        source: &Arc<str>,
        drafts: Vec<Draft>,
        body: &Bytes,
        now: Timestamp,
    ) -> Vec<Incoming> {
        let drafts = drafts.into_iter().enumerate();
        drafts.map(|(index, it)| self.incoming(source, it, index, body, now)).collect()
    }

    fn incoming(
        &self,
        source: &Arc<str>,
        mut draft: Draft,
        index: usize,
        body: &Bytes,
        now: Timestamp,
    ) -> Incoming {
        draft.historical |= is_stale(draft.time, now, self.stale_after);
        let changes = standing::changes(&draft, now, self.takeover);
        let about = standing::about(&draft);
        let draft = Arc::new(draft);
        let subject = Subject::draft(Arc::clone(source), Arc::clone(&draft), body.clone());
        let routed = self.table.route(source, &draft, &subject);
        let deliveries = routed
            .into_iter()
            .map(|it| {
                let destination = self.destinations.get(&it.destination);
                let per_request = destination.is_some_and(|it| it.is_per_request());
                let placement = match (it.failed, destination) {
                    (Some(error), _) => Placement::Dead(format!("`when`: {error}")),
                    (None, Some(destination)) => destination.place(&subject),
                    (None, None) => Placement::Dead("no such destination".into()),
                };
                Assigned {
                    route: it.route,
                    destination: it.destination,
                    index: it.index,
                    placement,
                    collect: it.collect,
                    per_request,
                }
            })
            .collect();
        Incoming {
            id: id(source, &draft, index, now),
            kind: draft.kind.clone(),
            time: draft.time.unwrap_or(now),
            historical: draft.historical,
            aliases: draft
                .candidates
                .iter()
                .map(|it| Alias { key: it.key(source), candidate: it.clone() })
                .collect(),
            facts: serde_json::to_vec(&draft.facts).expect("facts hold only what JSON can say"),
            raw: draft.raw.clone(),
            changes,
            about,
            deliveries,
        }
    }
}

/// The event's id. What cannot be told from its like is told by its arrival: it may come twice, but
/// is never taken for something that came before.
fn id(source: &str, draft: &Draft, index: usize, now: Timestamp) -> Uuid {
    if !draft.anonymous {
        return event_id(source, &draft.dedup_key);
    }
    event_id(source, &format!("{}:{}:{index}", draft.dedup_key, now.as_nanosecond()))
}

/// Whether something happened so long ago that answering it now would be odd.
fn is_stale(time: Option<Timestamp>, now: Timestamp, stale_after: Duration) -> bool {
    time.is_some_and(|it| {
        Duration::try_from(now.duration_since(it)).is_ok_and(|age| age > stale_after)
    })
}
