//! Lookups of a route, made right before an attempt: each request once for all that wait for it,
//! its answer kept for as long as the route says.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jiff::Timestamp;
use moka::Expiry;
use moka::future::Cache;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::lane::Worker;
use super::redact;
use crate::client::Outgoing;
use crate::config::Secret;
use crate::destination::Outcome;
use crate::event::Event;
use crate::expression::Subject;
use crate::http::{Clients, Connection, Rules};
use crate::journal::Run;
use crate::lookup::{Failure, Lookup, OnError};
use crate::plan::Plan;

/// The most that is read of an answer, in bytes.
const ANSWER: usize = 1 << 20;

/// The most that is kept of answers, in bytes as they came; as values they are a few times larger.
const KEPT: u64 = 16 << 20;

/// What an answer costs beside its own bytes.
const OVERHEAD: usize = 256;

/// For how long a failure stands for those that ask the same: a service that is down does not cost
/// every delivery its time-out.
const PATIENCE: Duration = Duration::from_secs(2);

/// The longest that a service may ask not to be asked.
const LONGEST: Duration = Duration::from_mins(5);

/// What lookups found, by their names.
pub(super) type Found = Map<String, Value>;

/// Makes the lookups of a delivery's route.
pub(super) async fn made(
    worker: &Worker,
    plan: &Plan,
    route: &str,
    event: &Arc<Event>,
    now: Timestamp,
) -> Result<Found, Missed> {
    match plan.lookups.get(route) {
        None => Ok(Found::new()),
        Some(lookups) => {
            let subject = Subject::event(Arc::clone(event));
            worker.looks.found(lookups, &subject, now).await
        }
    }
}

/// What the lookups of a call's route must never show.
pub(super) fn secrets(plan: &Plan, run: &Run) -> Vec<Secret> {
    let lookups = run.leases.last().and_then(|it| plan.lookups.get(&it.route));
    lookups.into_iter().flatten().flat_map(|it| it.ask.secrets()).collect()
}

/// What becomes of a delivery whose lookup failed, if it does not go on.
#[derive(Debug, PartialEq)]
pub(super) enum Missed {
    /// It has this outcome.
    Outcome(Outcome),
    /// It is skipped, for this reason.
    Skipped(String),
}

/// Makes lookups, and keeps their answers.
pub(super) struct Looks {
    clients: Clients,
    kept: Cache<[u8; 32], Kept>,
}

/// What a request came to.
#[derive(Clone)]
struct Kept {
    found: Result<Option<Arc<Value>>, Failure>,
    /// What keeping it costs, in bytes.
    cost: u32,
    /// For how long it stands.
    long: Duration,
}

/// Everything stands for as long as it says itself.
struct Lifetime;

impl Expiry<[u8; 32], Kept> for Lifetime {
    fn expire_after_create(&self, _: &[u8; 32], kept: &Kept, _: Instant) -> Option<Duration> {
        Some(kept.long)
    }

    fn expire_after_update(
        &self,
        _: &[u8; 32],
        kept: &Kept,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(kept.long)
    }
}

impl Looks {
    pub(super) fn new(clients: Clients) -> Self {
        let kept = Cache::builder()
            .max_capacity(KEPT)
            .weigher(|_, it: &Kept| it.cost)
            .expire_after(Lifetime)
            .build();
        Self { clients, kept }
    }

    /// What a route's lookups find for an event, by their names; they are made side by side.
    pub(super) async fn found(
        &self,
        lookups: &[Lookup],
        subject: &Subject,
        now: Timestamp,
    ) -> Result<Found, Missed> {
        let mut found = Found::new();
        let all = join_all(lookups.iter().map(|it| self.one(it, subject, now))).await;
        for (lookup, value) in lookups.iter().zip(all) {
            if let Some(value) = value? {
                found.insert(lookup.name.to_string(), Value::clone(&value));
            }
        }
        Ok(found)
    }

    async fn one(
        &self,
        lookup: &Lookup,
        subject: &Subject,
        now: Timestamp,
    ) -> Result<Option<Arc<Value>>, Missed> {
        let failure = match lookup.ask.request(subject, now) {
            Ok(outgoing) => match self.answer(lookup, outgoing).await {
                Ok(found) => return Ok(found),
                Err(failure) => failure,
            },
            // The next attempt would find the same event.
            Err(reason) if lookup.policy.on_error == OnError::Retry => {
                let reason = told(lookup, &reason);
                return Err(Missed::Outcome(Outcome::refused(reason)));
            }
            Err(reason) => Failure::new(reason),
        };
        let reason = told(lookup, &failure.reason);
        match lookup.policy.on_error {
            OnError::Proceed => {
                tracing::warn!(lookup = &*lookup.name, reason, "a lookup found nothing");
                Ok(None)
            }
            OnError::Skip => Err(Missed::Skipped(reason)),
            OnError::Retry => {
                let after = Some(patience(&failure));
                Err(Missed::Outcome(Outcome::Retry { reason, after }))
            }
        }
    }

    /// What a request comes to. Whoever asks while somebody waits for the same waits with them.
    async fn answer(
        &self,
        lookup: &Lookup,
        outgoing: Outgoing,
    ) -> Result<Option<Arc<Value>>, Failure> {
        if lookup.policy.cache.is_zero() {
            return self.ask(lookup, outgoing).await.found;
        }
        let key = key(lookup, &outgoing);
        self.kept.get_with(key, self.ask(lookup, outgoing)).await.found
    }

    async fn ask(&self, lookup: &Lookup, outgoing: Outgoing) -> Kept {
        let rules = Rules {
            timeout: lookup.policy.timeout,
            allow_private: lookup.policy.allow_private,
            connection: Connection::default(),
            limit: ANSWER,
        };
        let answer = self.clients.send(outgoing, &rules).await;
        let size = answer.as_ref().map_or(0, |it| it.body.len());
        let found = match answer {
            Ok(answer) => lookup.ask.read(&answer),
            Err(why) => Err(Failure::new(why.to_string())),
        };
        let long = match &found {
            Ok(_) => lookup.policy.cache,
            Err(failure) => patience(failure),
        };
        Kept {
            found: found.map(|it| it.map(Arc::new)),
            cost: u32::try_from(size + OVERHEAD).unwrap_or(u32::MAX),
            long,
        }
    }
}

/// How long not to ask again after a failure.
fn patience(failure: &Failure) -> Duration {
    failure.after.unwrap_or_default().clamp(PATIENCE, LONGEST)
}

/// The reason, with the lookup's name and without its secrets: it is shown, and may repeat what the
/// other side said.
fn told(lookup: &Lookup, reason: &str) -> String {
    redact::text(&format!("lookup `{}`: {reason}", lookup.name), &lookup.ask.secrets())
}

/// What the same answer is kept under. Requests differ by everything that is sent; and an answer
/// that is good for a minute must not be kept for an hour because somebody else wants it so.
fn key(lookup: &Lookup, outgoing: &Outgoing) -> [u8; 32] {
    let mut digest = Sha256::new();
    let mut part = |it: &[u8]| {
        digest.update(it.len().to_be_bytes());
        digest.update(it);
    };
    part(&lookup.policy.cache.as_millis().to_be_bytes());
    part(&[u8::from(lookup.policy.allow_private)]);
    part(outgoing.method.as_bytes());
    part(outgoing.url.as_bytes());
    for (name, value) in &outgoing.headers {
        part(name.as_bytes());
        part(value.expose().as_bytes());
    }
    part(&outgoing.body);
    digest.finalize().into()
}

#[cfg(test)]
mod tests;
