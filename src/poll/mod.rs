//! Polls: asks the providers that do not push.
//!
//! One task per source, one question at a time. What an answer brings is normalised, routed and
//! accepted like a webhook, in one durable step with the cursors to go on from.

mod backoff;
mod worker;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::http;
use crate::journal::{Error, Journal};
use crate::plan::Plan;
use crate::provider::Progress;
use crate::telemetry::metrics::{self, Metrics};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Everything that asks.
pub struct Polls {
    journal: Arc<dyn Journal>,
    plan: Arc<ArcSwap<Plan>>,
    metrics: Arc<Metrics>,
    http: reqwest::Client,
    stop: watch::Sender<bool>,
    tasks: Mutex<JoinSet<()>>,
    states: Mutex<BTreeMap<Arc<str>, Arc<Mutex<State>>>>,
}

/// How a polled source does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// How far it is.
    pub progress: Progress,
    /// What went wrong last, in the provider's words; `None` once it answered again.
    pub error: Option<String>,
    /// When it asks next; `None` while it asks.
    pub next: Option<Timestamp>,
}

impl Polls {
    /// Nothing is asked before [`start`](Self::start).
    ///
    /// # Errors
    /// When the system has no certificates to trust.
    pub fn new(
        journal: Arc<dyn Journal>,
        plan: Arc<ArcSwap<Plan>>,
        metrics: Arc<Metrics>,
    ) -> reqwest::Result<Self> {
        Ok(Self {
            journal,
            plan,
            metrics,
            http: http::client(TIMEOUT)?,
            stop: watch::Sender::new(false),
            tasks: Mutex::new(JoinSet::new()),
            states: Mutex::default(),
        })
    }

    /// Asks for every source that does not push, from where it stood.
    ///
    /// # Errors
    /// When the journal does not say where that was.
    pub async fn start(&self) -> Result<(), Error> {
        let plan = self.plan.load_full();
        for (name, source) in &plan.sources {
            if source.poller(Vec::new()).is_none() {
                continue;
            }
            let cursors = self.journal.cursors(name).await?;
            let Some(poller) = source.poller(cursors) else { continue };
            let name: Arc<str> = Arc::from(&**name);
            let state = Arc::<Mutex<State>>::default();
            lock(&self.states).insert(Arc::clone(&name), Arc::clone(&state));
            let worker = worker::Worker {
                name,
                source: Arc::clone(source),
                poller,
                journal: Arc::clone(&self.journal),
                plan: Arc::clone(&self.plan),
                metrics: Arc::clone(&self.metrics),
                http: self.http.clone(),
                stop: self.stop.subscribe(),
                state,
                failures: 0,
            };
            lock(&self.tasks).spawn(worker.run());
        }
        Ok(())
    }

    /// Asks nothing more. What was answered is accepted, for which there is at most `grace`; what
    /// was not is asked again after the restart.
    pub async fn stop(&self, grace: Duration) {
        self.stop.send_replace(true);
        let mut tasks = std::mem::take(&mut *lock(&self.tasks));
        let ended = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, ended).await.is_err() {
            tracing::warn!(
                "an answer could not be written; it is asked for again after the restart"
            );
        }
    }

    /// How every polled source does, by name.
    pub fn states(&self) -> BTreeMap<Arc<str>, State> {
        let states = lock(&self.states);
        let states: BTreeMap<_, _> =
            states.iter().map(|(name, it)| (Arc::clone(name), lock(it).clone())).collect();
        for (name, state) in &states {
            let label = metrics::Source { source: name.to_string() };
            let stalest = state.progress.stalest.unwrap_or_default();
            self.metrics.staleness.get_or_create(&label).set(stalest.as_secs_f64());
        }
        states
    }
}

/// Locks; a panic elsewhere leaves nothing half-done that matters here.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
