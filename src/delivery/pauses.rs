//! What stands still, by the label of its scope: set by an outcome or by hand, ended by time or by
//! hand, kept across a restart.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::lock;
use crate::journal::{Error, Journal};

/// Where pauses are kept.
const KEPT: &str = "pauses";

/// How many pauses of a scope are remembered, the present one included.
const REMEMBERED: usize = 32;

/// A scope that has not stood still for so long is forgotten.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What stands still.
pub struct Pauses {
    journal: Arc<dyn Journal>,
    scopes: Mutex<BTreeMap<String, Scope>>,
    /// Held while writing, so that what is kept last is what counts last.
    writing: tokio::sync::Mutex<()>,
}

/// One scope.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Scope {
    /// Why it stood still last.
    reason: String,
    /// When it stood still, oldest first; never empty.
    spans: VecDeque<Span>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Span {
    since: Timestamp,
    /// `None`: until somebody resumes it.
    until: Option<Timestamp>,
}

/// Something that stands still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The label of the scope, e.g. `number 106540352242922`.
    pub scope: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when; `None`: until somebody resumes it.
    pub until: Option<Timestamp>,
}

impl Pauses {
    /// What stood still when the gateway stopped, read from the journal.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn load(journal: Arc<dyn Journal>) -> Result<Self, Error> {
        let scopes = match journal.kept(KEPT).await? {
            None => BTreeMap::new(),
            Some(it) => serde_json::from_slice(&it).map_err(|it| Error::Read(it.to_string()))?,
        };
        Ok(Self { journal, scopes: Mutex::new(scopes), writing: tokio::sync::Mutex::default() })
    }

    /// Lets a scope stand still from now on. One that does already goes on for the longer of the
    /// two, for the newer reason.
    ///
    /// # Errors
    /// When the journal cannot write: it stands still all the same, but a restart forgets it.
    pub async fn pause(
        &self,
        label: &str,
        reason: &str,
        duration: Option<Duration>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let until = duration.map(|it| now.checked_add(it).unwrap_or(Timestamp::MAX));
        {
            let mut scopes = lock(&self.scopes);
            let scope = scopes
                .entry(label.to_owned())
                .or_insert_with(|| Scope { reason: String::new(), spans: VecDeque::new() });
            reason.clone_into(&mut scope.reason);
            match scope.spans.back_mut().filter(|it| it.lasts(now)) {
                Some(span) => span.until = span.until.zip(until).map(|(old, new)| old.max(new)),
                None => scope.spans.push_back(Span { since: now, until }),
            }
            if scope.spans.len() > REMEMBERED {
                scope.spans.pop_front();
            }
            scopes.retain(|_, it| it.counts(now));
        }
        self.write().await
    }

    /// Ends the pause of a scope. Answers whether there was one.
    ///
    /// # Errors
    /// When the journal cannot write: it goes on all the same, but stands still after a restart.
    pub async fn resume(&self, label: &str, now: Timestamp) -> Result<bool, Error> {
        let ended = {
            let mut scopes = lock(&self.scopes);
            let span = scopes.get_mut(label).and_then(|it| it.spans.back_mut());
            span.filter(|it| it.lasts(now)).map(|it| it.until = Some(now)).is_some()
        };
        if ended {
            self.write().await?;
        }
        Ok(ended)
    }

    /// What holds a call with these scopes; the longest, where several do. `None`: nothing.
    pub fn holds(&self, scopes: &[String], now: Timestamp) -> Option<Held> {
        let known = lock(&self.scopes);
        let held = scopes.iter().filter_map(|it| known.get_key_value(it)?.held(now));
        held.max_by_key(|it| it.until.unwrap_or(Timestamp::MAX))
    }

    /// Everything that stands still, by label.
    pub fn list(&self, now: Timestamp) -> Vec<Held> {
        lock(&self.scopes).iter().filter_map(|it| it.held(now)).collect()
    }

    /// For how long at least one of these scopes stood still between two moments, so that a
    /// delivery does not age meanwhile. Of each scope, the last 32 pauses are known.
    pub fn paused_for(&self, scopes: &[String], since: Timestamp, now: Timestamp) -> Duration {
        let known = lock(&self.scopes);
        let spans = scopes.iter().filter_map(|it| known.get(it)).flat_map(|it| &it.spans);
        let mut spans: Vec<(Timestamp, Timestamp)> = spans
            .map(|it| (it.since.max(since), it.until.unwrap_or(now).min(now)))
            .filter(|(from, to)| from < to)
            .collect();
        spans.sort_unstable();
        // Pauses of several scopes may overlap: each moment counts once.
        let mut counted = since;
        let mut sum = Duration::ZERO;
        for (from, to) in spans {
            let span = to.duration_since(from.max(counted));
            sum += Duration::try_from(span).unwrap_or_default();
            counted = counted.max(to);
        }
        sum
    }

    async fn write(&self) -> Result<(), Error> {
        let _turn = self.writing.lock().await;
        let text = serde_json::to_vec(&*lock(&self.scopes));
        let text = text.map_err(|it| Error::Write(it.to_string()))?;
        self.journal.keep(KEPT, Some(text)).await
    }
}

impl Scope {
    /// Whether anything still follows from it.
    fn counts(&self, now: Timestamp) -> bool {
        let last = self.spans.back();
        last.is_some_and(|it| it.until.is_none_or(|it| now.duration_since(it) < FORGOTTEN))
    }
}

impl Span {
    fn lasts(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|it| now < it)
    }
}

/// A scope with its label.
trait Labelled {
    /// How it stands still, if it does.
    fn held(self, now: Timestamp) -> Option<Held>;
}

impl Labelled for (&String, &Scope) {
    fn held(self, now: Timestamp) -> Option<Held> {
        let (label, Scope { reason, spans }) = self;
        let Span { since, until } = *spans.back().filter(|it| it.lasts(now))?;
        Some(Held { scope: label.clone(), reason: reason.clone(), since, until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Options, Sqlite};

    fn at(seconds: u64) -> Timestamp {
        let start: Timestamp = "2026-11-25T10:00:00Z".parse().unwrap();
        start + Duration::from_secs(seconds)
    }

    fn scopes(labels: &[&str]) -> Vec<String> {
        labels.iter().map(|&it| it.to_owned()).collect()
    }

    const fn seconds(it: u64) -> Duration {
        Duration::from_secs(it)
    }

    fn journal(directory: &tempfile::TempDir) -> Arc<dyn Journal> {
        Arc::new(Sqlite::open(&Options { directory: directory.path().into() }).unwrap())
    }

    #[tokio::test]
    async fn what_is_paused_stands_still_until_its_time_or_until_somebody_resumes_it() {
        let directory = tempfile::tempdir().unwrap();
        let pauses = Pauses::load(journal(&directory)).await.unwrap();
        let all = scopes(&["number 1", "credential a", "agent x"]);
        assert_eq!(pauses.holds(&all, at(0)), None);
        pauses.pause("number 1", "limited", Some(seconds(60)), at(0)).await.unwrap();
        pauses.pause("credential a", "expired", None, at(5)).await.unwrap();
        let held = pauses.holds(&all, at(10)).unwrap();
        assert_eq!((&*held.scope, &*held.reason, held.until), ("credential a", "expired", None));
        let number = pauses.holds(&scopes(&["number 1"]), at(59)).unwrap();
        assert_eq!((number.since, number.until), (at(0), Some(at(60))));
        assert_eq!(pauses.holds(&scopes(&["number 1"]), at(60)), None, "its time is over");
        assert_eq!(pauses.holds(&scopes(&["agent x"]), at(10)), None);
        assert_eq!(pauses.list(at(10)).len(), 2);
        assert!(pauses.resume("credential a", at(70)).await.unwrap());
        assert!(!pauses.resume("credential a", at(70)).await.unwrap(), "it goes on already");
        assert!(!pauses.resume("nothing", at(70)).await.unwrap());
        assert_eq!((pauses.holds(&all, at(70)), pauses.list(at(70))), (None, vec![]));
    }

    #[tokio::test]
    async fn the_longer_of_two_pauses_counts_and_the_newer_reason() {
        let directory = tempfile::tempdir().unwrap();
        let pauses = Pauses::load(journal(&directory)).await.unwrap();
        let label = scopes(&["account 1"]);
        let until = |now| pauses.holds(&label, now).map(|it| (it.reason, it.since, it.until));
        pauses.pause("account 1", "a", Some(seconds(60)), at(0)).await.unwrap();
        pauses.pause("account 1", "b", Some(seconds(10)), at(1)).await.unwrap();
        assert_eq!(until(at(2)), Some(("b".into(), at(0), Some(at(60)))));
        pauses.pause("account 1", "c", None, at(2)).await.unwrap();
        pauses.pause("account 1", "d", Some(seconds(10)), at(3)).await.unwrap();
        assert_eq!(until(at(4)), Some(("d".into(), at(0), None)));
    }

    #[tokio::test]
    async fn a_restart_forgets_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let first = journal(&directory);
        let pauses = Pauses::load(Arc::clone(&first)).await.unwrap();
        pauses.pause("agent a", "gone", None, at(0)).await.unwrap();
        pauses.pause("agent b", "gone", Some(seconds(9)), at(0)).await.unwrap();
        pauses.resume("agent a", at(5)).await.unwrap();
        let before = pauses.list(at(6));
        first.close().await;
        drop((pauses, first));
        let pauses = Pauses::load(journal(&directory)).await.unwrap();
        assert_eq!(pauses.list(at(6)), before);
        assert_eq!(pauses.paused_for(&scopes(&["agent a"]), at(0), at(20)), seconds(5));
    }

    #[tokio::test]
    async fn a_delivery_does_not_age_while_a_scope_of_it_stands_still() {
        let directory = tempfile::tempdir().unwrap();
        let pauses = Pauses::load(journal(&directory)).await.unwrap();
        pauses.pause("number 1", "x", Some(seconds(100)), at(100)).await.unwrap();
        pauses.pause("account 1", "y", Some(seconds(100)), at(150)).await.unwrap();
        pauses.pause("account 1", "y again", Some(seconds(50)), at(300)).await.unwrap();
        let time = |labels: &[&str], since, now| {
            pauses.paused_for(&scopes(labels), at(since), at(now)).as_secs()
        };
        assert_eq!(time(&["number 1"], 0, 1_000), 100);
        assert_eq!(time(&["number 1"], 120, 150), 30, "no more than was asked for");
        assert_eq!(time(&["number 1"], 300, 400), 0);
        assert_eq!(time(&["number 1", "account 1"], 0, 1_000), 200, "each moment counts once");
        assert_eq!(time(&["account 1", "number 1"], 0, 320), 170);
        assert_eq!(time(&["other"], 0, 1_000), 0);
        pauses.pause("agent 1", "z", None, at(0)).await.unwrap();
        assert_eq!(time(&["agent 1"], 10, 1_000), 990, "it still stands");
    }

    #[tokio::test]
    async fn what_is_remembered_is_bounded() {
        let directory = tempfile::tempdir().unwrap();
        let pauses = Pauses::load(journal(&directory)).await.unwrap();
        for round in 0..40 {
            pauses.pause("number 1", "x", Some(seconds(1)), at(round * 10)).await.unwrap();
        }
        assert_eq!(pauses.paused_for(&scopes(&["number 1"]), at(0), at(400)), seconds(32));
        let later = at(400 + 31 * 24 * 3_600);
        pauses.pause("number 2", "x", None, later).await.unwrap();
        assert_eq!(lock(&pauses.scopes).len(), 1, "the old one is forgotten");
    }
}
