//! Delivery: works the lanes. Leases deliveries, attempts them, settles the outcome.
//!
//! One task per destination, so that a lane that is stuck never holds up another.

mod lane;
mod batch;
mod call;
mod state;
mod tell;
mod look;
mod fetch;
mod unattempted;
mod verdict;
pub mod schedule;
pub mod limiter;
pub mod breaker;
pub mod pauses;
pub mod redact;
pub mod tokens;
mod seal;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::breaker::Breaker;
use self::limiter::Limiter;
use self::look::Looks;
use self::pauses::{Held, Pauses};
use self::tokens::Tokens;
use crate::clock;
use crate::config::Secret;
use crate::destination::Scope;
use crate::http::Clients;
use crate::journal::{Error, Journal, LaneState};
use crate::media::Shelf;
use crate::plan::Plan;
use crate::telemetry::metrics::{self, Metrics};

/// A lane that has not turned for this long is stuck.
const STUCK: Duration = Duration::from_secs(30);

/// The delivery engine.
pub struct Engine {
    journal: Arc<dyn Journal>,
    plan: Arc<ArcSwap<Plan>>,
    metrics: Arc<Metrics>,
    stop: watch::Sender<bool>,
    lanes: Mutex<JoinSet<()>>,
    clients: Clients,
    looks: Arc<Looks>,
    limiter: Arc<Limiter>,
    tokens: Arc<Tokens>,
    pauses: Arc<Pauses>,
    store_key: Secret,
    shelf: Arc<Shelf>,
    /// When each lane's loop turned last, in microseconds since 1970, and what holds it.
    pulses: Arc<Mutex<BTreeMap<Arc<str>, Arc<Pulse>>>>,
}

/// The sign of life of a lane.
#[derive(Debug, Default)]
struct Pulse {
    turned: AtomicI64,
    held: Mutex<Option<String>>,
}

/// How a lane does, for `/readyz` and the operator.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LaneHealth {
    /// What is waiting.
    #[serde(flatten)]
    pub state: LaneState,
    /// Why nothing is attempted right now, e.g. that a broker is gone.
    pub held: Option<String>,
    /// Nothing moves although something is due.
    pub stuck: bool,
}

impl Engine {
    /// An engine over a journal; [`start`](Self::start) sets it going. Reads what stood still, and
    /// what was used of the limits, when the gateway stopped.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn open(
        journal: Arc<dyn Journal>,
        plan: Arc<ArcSwap<Plan>>,
        metrics: Arc<Metrics>,
        store_key: Secret,
        shelf: Arc<Shelf>,
    ) -> Result<Self, Error> {
        let limiter = Limiter::new(clock::now());
        limiter.load(&*journal).await?;
        let clients = Clients::default();
        Ok(Self {
            pauses: Arc::new(Pauses::load(Arc::clone(&journal)).await?),
            limiter: Arc::new(limiter),
            tokens: Arc::new(Tokens::new(Arc::clone(&journal), &store_key)),
            looks: Arc::new(Looks::new(clients.clone())),
            clients,
            store_key,
            shelf,
            journal,
            plan,
            metrics,
            stop: watch::Sender::new(false),
            lanes: Mutex::new(JoinSet::new()),
            pulses: Arc::default(),
        })
    }

    /// What stands still.
    pub fn pauses(&self) -> Vec<Held> {
        self.pauses.list(clock::now())
    }

    /// Lets a destination stand still, for a time or until it is resumed.
    ///
    /// # Errors
    /// When the journal cannot write it: it stands still all the same, until a restart.
    pub async fn pause(
        &self,
        destination: &str,
        reason: &str,
        long: Option<Duration>,
    ) -> Result<(), Error> {
        let label = Scope::Destination.label(destination);
        self.pauses.pause(&label, reason, long, clock::now()).await
    }

    /// Ends a pause, by its label. Answers whether there was one.
    ///
    /// # Errors
    /// When the journal cannot write it.
    pub async fn resume(&self, label: &str) -> Result<bool, Error> {
        let now = clock::now();
        let ended = self.pauses.resume(label, now).await?;
        if ended {
            for name in self.plan.load().destinations.keys() {
                self.journal.hasten(name, now);
            }
        }
        Ok(ended)
    }

    /// Opens a lane for every destination of the plan and works it.
    ///
    /// # Errors
    /// When the journal cannot open a lane.
    pub async fn start(&self) -> Result<(), Error> {
        let plan = self.plan.load_full();
        for (name, destination) in &plan.destinations {
            self.journal.open_lane(name, destination.policy.order).await?;
            let pulse = Arc::new(Pulse::default());
            pulse.turn();
            lock(&self.pulses).insert(Arc::clone(name), Arc::clone(&pulse));
            let worker = Arc::new(lane::Worker {
                name: Arc::clone(name),
                journal: Arc::clone(&self.journal),
                plan: Arc::clone(&self.plan),
                metrics: Arc::clone(&self.metrics),
                pulse,
                breaker: Breaker::default(),
                clients: self.clients.clone(),
                looks: Arc::clone(&self.looks),
                limiter: Arc::clone(&self.limiter),
                tokens: Arc::clone(&self.tokens),
                pauses: Arc::clone(&self.pauses),
                store_key: self.store_key.clone(),
                shelf: Arc::clone(&self.shelf),
            });
            lock(&self.lanes).spawn(lane::run(worker, self.stop.subscribe()));
        }
        Ok(())
    }

    /// Ends attempts in flight, at most for `grace`, then closes the destinations. What was not
    /// attempted stays in the journal.
    pub async fn stop(&self, grace: Duration) {
        self.stop.send_replace(true);
        let mut lanes = std::mem::take(&mut *lock(&self.lanes));
        let ended = async { while lanes.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, ended).await.is_err() {
            tracing::warn!("attempts were still in flight; they are made again after the restart");
        }
        if let Err(error) = self.limiter.save(&*self.journal).await {
            tracing::warn!(%error, "what was used of limits is not known after the restart");
        }
        for destination in self.plan.load().destinations.values() {
            if tokio::time::timeout(grace, destination.close()).await.is_err() {
                tracing::warn!("a destination did not close in time");
            }
        }
    }

    /// How every lane does.
    pub fn health(&self) -> Vec<LaneHealth> {
        let now = clock::micros(clock::now());
        let stuck = i64::try_from(STUCK.as_micros()).unwrap_or(i64::MAX);
        let pulses = lock(&self.pulses);
        self.journal
            .lanes()
            .into_iter()
            .map(|state| {
                let pulse = pulses.get(&*state.lane);
                let turned = pulse.map_or(0, |it| it.turned.load(Ordering::Relaxed));
                let held = pulse.and_then(|it| lock(&it.held).clone());
                let still = now - turned > stuck;
                let label = metrics::Lane { destination: state.lane.clone() };
                let pending = i64::try_from(state.pending).unwrap_or(i64::MAX);
                self.metrics.pending.get_or_create(&label).set(pending);
                LaneHealth { state, held, stuck: still }
            })
            .collect()
    }
}

impl Pulse {
    /// Notes that the lane's loop turned.
    fn turn(&self) {
        self.turned.store(clock::micros(clock::now()), Ordering::Relaxed);
    }

    /// Notes why nothing is attempted; `None`: nothing holds it.
    fn hold(&self, why: Option<String>) {
        *lock(&self.held) = why;
    }
}

/// Locks; a panic elsewhere leaves nothing half-done that matters here.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
