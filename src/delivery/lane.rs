//! The loop of one lane: leases what is due and sets it flying, never more than the destination
//! takes at once.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Instrument;

use super::breaker::{Allowed, Breaker};
use super::limiter::Limiter;
use super::look::Looks;
use super::pauses::Pauses;
use super::tokens::Tokens;
use super::{Pulse, batch, call, tell};
use crate::clock;
use crate::config::Secret;
use crate::destination::{Destination, Means, Scope};
use crate::http::Clients;
use crate::journal::{Journal, Lease, Run, Ticket};
use crate::media::Shelf;
use crate::plan::Plan;
use crate::telemetry::metrics::Metrics;

/// How long a lane waits before it asks a destination again whether it is ready.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// A lane turns at least this often, which is what its pulse shows.
const TURN: Duration = Duration::from_secs(1);

/// What a lane works with.
pub(super) struct Worker {
    pub(super) name: Arc<str>,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) plan: Arc<ArcSwap<Plan>>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) breaker: Breaker,
    pub(super) clients: Clients,
    pub(super) looks: Arc<Looks>,
    pub(super) limiter: Arc<Limiter>,
    pub(super) tokens: Arc<Tokens>,
    pub(super) pauses: Arc<Pauses>,
    pub(super) store_key: Secret,
    pub(super) shelf: Arc<Shelf>,
}

/// Runs until told to stop, then ends what is in flight.
pub(super) async fn run(worker: Arc<Worker>, mut stop: watch::Receiver<bool>) {
    let mut flying = JoinSet::new();
    let mut waiting = Waiting::default();
    while !*stop.borrow() {
        worker.pulse.turn();
        let Some(destination) = worker.plan.load().destinations.get(&worker.name).cloned() else {
            worker.pulse.hold(Some("the destination is no longer configured".into()));
            pause(&mut stop, TURN).await;
            continue;
        };
        if let Err(reason) = destination.ready() {
            // Leasing now would only fail: the work stays where it is.
            worker.pulse.hold(Some(reason));
            pause(&mut stop, ASK_AGAIN).await;
            continue;
        }
        let room = worker.room(&destination, flying.len(), &mut waiting);
        if room > 0 {
            match worker.journal.lease(&worker.name, room, clock::now()).await {
                Ok(runs) if !runs.is_empty() => {
                    fly(&mut flying, &worker, &destination, runs);
                    continue;
                }
                Ok(_) => worker.breaker.released(),
                Err(error) => {
                    tracing::error!(destination = &*worker.name, %error, "nothing leased");
                    worker.breaker.released();
                    worker.pulse.hold(Some(error.to_string()));
                    pause(&mut stop, TURN).await;
                    continue;
                }
            }
        }
        let turn = waiting.time().min(TURN);
        tokio::select! {
            ended = flying.join_next(), if !flying.is_empty() => match ended {
                Some(Ok(wait)) => waiting.heard(wait),
                Some(Err(error)) => {
                    // Its leases are released; making the attempt again at once would only
                    // repeat it.
                    tracing::error!(destination = &*worker.name, %error, "an attempt broke off");
                    pause(&mut stop, TURN).await;
                }
                None => {}
            },
            () = worker.journal.work(&worker.name), if room > 0 => {}
            () = tokio::time::sleep(turn) => {}
            _ = stop.changed() => {}
        }
    }
    while flying.join_next().await.is_some() {}
}

/// What keeps calls from being made for now, beside the one that met it.
pub(super) struct Wait {
    /// What they wait for: the key of a limit.
    pub(super) key: String,
    /// Until when.
    pub(super) until: Timestamp,
}

/// What calls of a lane wait for.
#[derive(Default)]
struct Waiting {
    /// What the last call that had to wait waits for. Where the next waits for the same, it is
    /// nothing that concerns one conversation alone: the lane waits with them, rather than ask for
    /// each of its deliveries.
    last: Option<Wait>,
    shared: bool,
}

impl Waiting {
    fn heard(&mut self, wait: Option<Wait>) {
        let same = |last: &Wait| wait.as_ref().is_some_and(|it| it.key == last.key);
        self.shared = self.last.as_ref().is_some_and(same);
        self.last = wait;
    }

    /// For how long the whole lane waits.
    fn time(&self) -> Duration {
        let Some(last) = self.last.as_ref().filter(|_| self.shared) else { return Duration::MAX };
        Duration::try_from(last.until.duration_since(clock::now())).unwrap_or_default()
    }

    /// What it waits for, if the whole lane does.
    fn held(&mut self) -> Option<String> {
        if !self.time().is_zero() && self.shared {
            return self.last.as_ref().map(|it| format!("waiting for {}", it.key));
        }
        self.shared = false;
        None
    }
}

impl Worker {
    /// How much may be leased now. Says why, where it is nothing.
    fn room(&self, destination: &Destination, flying: usize, waiting: &mut Waiting) -> usize {
        let room = destination.policy.concurrency.saturating_sub(flying);
        if let Means::Transport(transport) = &destination.means {
            self.pulse.hold(None);
            return if room > 0 { transport.batch() } else { 0 };
        }
        let now = clock::now();
        // What holds every call of the lane, whatever it is about.
        let whole = [Scope::Destination.label(&self.name)];
        let held = self.pauses.holds(&whole, now).map(|it| it.reason);
        let held = held.or_else(|| waiting.held());
        if held.is_some() {
            self.pulse.hold(held);
            return 0;
        }
        if room == 0 {
            return 0;
        }
        match self.breaker.allows(now) {
            Allowed::Yes => {
                self.pulse.hold(None);
                // The limits are asked for each call: leasing more than pass would only put the
                // others off.
                if waiting.last.is_some() { 1 } else { room }
            }
            Allowed::Probe => 1,
            Allowed::No { .. } => {
                self.pulse.hold(self.breaker.held(now));
                0
            }
        }
    }
}

impl Worker {
    /// How old a delivery is, without the time that what it needs was paused.
    pub(super) fn age(&self, first: &Lease, scopes: &[String], now: Timestamp) -> Duration {
        let age = Duration::try_from(now.duration_since(first.since)).unwrap_or_default();
        age.saturating_sub(self.pauses.paused_for(scopes, first.since, now))
    }

    /// Lets a scope stand still.
    pub(super) async fn pause(
        &self,
        plan: &Plan,
        scope: &Scope,
        reason: &str,
        long: Option<Duration>,
        now: Timestamp,
    ) {
        let label = scope.label(&self.name);
        tracing::warn!(destination = &*self.name, scope = label, reason, "paused");
        if let Err(error) = self.pauses.pause(&label, reason, long, now).await {
            tracing::error!(%error, "a pause could not be written: a restart forgets it");
        }
        // Told once it is durable; whoever waits for the news waits for nothing else.
        let (ticket, _) = Ticket::single();
        let news = tell::paused(plan, &self.name, scope, reason, now);
        if let Err(error) = self.journal.submit(news, ticket) {
            tracing::warn!(%error, "a pause could not be told");
        }
    }
}

/// Sets what was leased flying: a batch together, calls each on its own.
fn fly(
    flying: &mut JoinSet<Option<Wait>>,
    worker: &Arc<Worker>,
    destination: &Arc<Destination>,
    runs: Vec<Run>,
) {
    let span =
        |count: usize| tracing::debug_span!("delivery", destination = &*worker.name, batch = count);
    let ends = || (Arc::clone(worker), Arc::clone(destination));
    match &destination.means {
        Means::Transport(transport) => {
            let (span, transport) = (span(runs.len()), Arc::clone(transport));
            let (worker, destination) = ends();
            let attempt = async move {
                batch::attempt(worker, destination, transport, runs).await;
                None
            };
            flying.spawn(attempt.instrument(span));
        }
        Means::Adapter(adapter) => {
            for run in runs {
                let (worker, destination) = ends();
                let (span, adapter) = (span(run.leases.len()), Arc::clone(adapter));
                flying.spawn(call::make(worker, destination, adapter, run).instrument(span));
            }
        }
    }
}

async fn pause(stop: &mut watch::Receiver<bool>, time: Duration) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        _ = stop.changed() => {}
    }
}
