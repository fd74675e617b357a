//! The loop of one lane.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Instrument;

use super::Pulse;
use super::schedule::Schedule;
use crate::clock;
use crate::destination::{Means, Outcome, Parcel, Placement, Reply, Transport};
use crate::event::MAX_HOPS;
use crate::expression::Subject;
use crate::journal::{Arrival, Cause, Journal, Lease, Settlement, Verdict};
use crate::plan::Plan;
use crate::telemetry::metrics::{self, Metrics};

/// Batches of one lane in flight at once.
const CONCURRENCY: usize = 4;

/// How long a lane waits before it asks a destination again whether it is ready.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// A lane turns at least this often, which is what its pulse shows.
const TURN: Duration = Duration::from_secs(1);

/// Works one lane.
pub(super) struct Worker {
    pub(super) name: Arc<str>,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) plan: Arc<ArcSwap<Plan>>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) pulse: Arc<Pulse>,
}

impl Worker {
    /// Runs until told to stop, then ends what is in flight.
    pub(super) async fn run(mut self) {
        let mut flying = JoinSet::new();
        while !*self.stop.borrow() {
            self.pulse.turn();
            let Some(destination) = self.plan.load().destinations.get(&self.name).cloned() else {
                self.pulse.hold(Some("the destination is no longer configured".into()));
                self.pause(TURN).await;
                continue;
            };
            if let Err(reason) = destination.ready() {
                // Leasing now would only fail: the work stays where it is.
                self.pulse.hold(Some(reason));
                self.pause(ASK_AGAIN).await;
                continue;
            }
            let Means::Transport(transport) = &destination.means else {
                self.pulse.hold(Some("calls are not made yet".into()));
                self.pause(TURN).await;
                continue;
            };
            self.pulse.hold(None);
            if flying.len() < CONCURRENCY {
                match self.journal.lease(&self.name, transport.batch(), clock::now()).await {
                    Ok(leases) if !leases.is_empty() => {
                        flying.spawn(self.attempt(Arc::clone(transport), leases));
                        continue;
                    }
                    Ok(_) => {}
                    Err(error) => {
                        tracing::error!(destination = &*self.name, %error, "nothing leased");
                        self.pulse.hold(Some(error.to_string()));
                        self.pause(TURN).await;
                        continue;
                    }
                }
            }
            let full = flying.len() >= CONCURRENCY;
            tokio::select! {
                ended = flying.join_next(), if !flying.is_empty() => {
                    if let Some(Err(error)) = ended {
                        // Its leases are released; making the attempt again at once would only
                        // repeat it.
                        tracing::error!(destination = &*self.name, %error, "an attempt broke off");
                        self.pause(TURN).await;
                    }
                }
                () = self.journal.work(&self.name), if !full => {}
                () = tokio::time::sleep(TURN) => {}
                _ = self.stop.changed() => {}
            }
        }
        while flying.join_next().await.is_some() {}
    }

    async fn pause(&mut self, time: Duration) {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            _ = self.stop.changed() => {}
        }
    }

    /// Attempts a batch and settles it. Owns what it needs, so that it can fly on its own.
    fn attempt(
        &self,
        destination: Arc<dyn Transport>,
        leases: Vec<Lease>,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (name, journal) = (Arc::clone(&self.name), Arc::clone(&self.journal));
        let (plan, metrics) = (self.plan.load_full(), Arc::clone(&self.metrics));
        let span = tracing::debug_span!("delivery", destination = &*name, batch = leases.len());
        async move {
            let mut guard = Unattempted {
                journal: Arc::clone(&journal),
                lane: Arc::clone(&name),
                positions: leases.iter().map(|it| it.position).collect(),
            };
            let started = clock::now();
            let clock = Instant::now();
            let rendered: Vec<Result<Parcel, Outcome>> =
                leases.iter().map(|it| parcel(&plan, it)).collect();
            let parcels: Vec<Parcel> =
                rendered.iter().filter_map(|it| it.as_ref().ok()).cloned().collect();
            let mut outcomes = destination.deliver(&parcels).await.into_iter();
            let took = clock.elapsed();
            let now = clock::now();
            let settlements = leases
                .iter()
                .zip(rendered)
                .map(|(lease, rendered)| {
                    let outcome = match rendered {
                        Ok(_) => outcomes
                            .next()
                            .unwrap_or_else(|| Outcome::retry("the destination did not answer")),
                        Err(outcome) => outcome,
                    };
                    let (verdict, label) = verdict(&plan, &name, lease, outcome, now);
                    let label = metrics::Attempt { destination: name.to_string(), outcome: label };
                    metrics.attempts.get_or_create(&label).inc();
                    Settlement { position: lease.position, started, took, verdict }
                })
                .collect();
            // From here on the journal knows what becomes of them.
            guard.positions.clear();
            // An error means that nothing was recorded: the deliveries are made again, with the
            // same ids.
            if let Err(error) = journal.settle(&name, settlements).await {
                tracing::error!(destination = &*name, %error, "outcomes could not be recorded");
            }
        }
        .instrument(span)
    }
}

/// Gives leases back when an attempt breaks off.
struct Unattempted {
    journal: Arc<dyn Journal>,
    lane: Arc<str>,
    positions: Vec<u64>,
}

impl Drop for Unattempted {
    fn drop(&mut self) {
        self.journal.release(&self.lane, &self.positions);
    }
}

/// A delivery ready to be attempted, with what its route adds, as the route stands now: fixing a
/// template and trying again works. Pure.
fn parcel(plan: &Plan, lease: &Lease) -> Result<Parcel, Outcome> {
    let payload = plan
        .table
        .route_named(&lease.route)
        .and_then(|it| it.to.get(usize::from(lease.index)))
        .and_then(|it| it.payload.as_ref());
    let payload = match payload {
        None => serde_json::Value::Null,
        Some(payload) => payload
            .render(&Subject::event(Arc::clone(&lease.event)))
            .map_err(|it| Outcome::refused(format!("payload: {it}")))?,
    };
    Ok(Parcel {
        delivery: lease.delivery,
        event: Arc::clone(&lease.event),
        payload,
        attempt: lease.attempts + 1,
    })
}

/// What follows from an outcome, and its word for metrics. Pure.
fn verdict(
    plan: &Plan,
    name: &Arc<str>,
    lease: &Lease,
    outcome: Outcome,
    now: Timestamp,
) -> (Verdict, &'static str) {
    let schedule = Schedule::default();
    let again = |reason: String, after: Option<Duration>| {
        let age = Duration::try_from(now.duration_since(lease.since)).unwrap_or_default();
        match schedule.next(lease.delivery, lease.attempts + 1, age, after) {
            Some(wait) => {
                let due = now.checked_add(wait).unwrap_or(Timestamp::MAX);
                (Verdict::Again { due, reason }, "retry")
            }
            None => (Verdict::Dead { reason: format!("given up: {reason}") }, "dead"),
        }
    };
    match outcome {
        Outcome::Delivered { receipt, thread: _, replies } => {
            let replies = replies.into_iter().map(|it| reply(plan, name, lease, it, now)).collect();
            (Verdict::Delivered { receipt, replies }, "delivered")
        }
        Outcome::Retry { reason, after } => again(reason, after),
        Outcome::Refused { reason } => (Verdict::Refused { reason }, "refused"),
        // Without an answer by then, it is tried again.
        Outcome::Await { until } => {
            (Verdict::Again { due: until, reason: "no answer came in time".into() }, "await")
        }
        Outcome::Pause { reason, duration, .. } => again(reason, duration),
    }
}

/// A reply on its way into the journal, in the same transaction as the outcome that brought it.
fn reply(plan: &Plan, name: &Arc<str>, lease: &Lease, reply: Reply, now: Timestamp) -> Arrival {
    let event = &lease.event;
    let hops = event.hops.saturating_add(1);
    let mut events = plan.prepare(name, vec![reply.draft], &reply.body, now);
    if hops > MAX_HOPS {
        for assigned in events.iter_mut().flat_map(|it| &mut it.deliveries) {
            assigned.placement = Placement::Dead(format!(
                "more than {MAX_HOPS} replies deep: two bots may be talking"
            ));
        }
    }
    Arrival {
        source: Arc::clone(name),
        received: now,
        headers: "{}".into(),
        body: reply.body,
        traceparent: event.traceparent.clone(),
        cause: Some(Cause { event: event.id, correlation: event.correlation, hops }),
        events,
        cursors: Vec::new(),
    }
}
