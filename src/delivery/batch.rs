//! One attempt of a transport: a batch, settled one by one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::lane::Worker;
use super::unattempted::Unattempted;
use super::verdict::Case;
use crate::clock;
use crate::destination::{Destination, Outcome, Parcel, Transport};
use crate::expression::Subject;
use crate::journal::{Lease, Run, Settlement, Verdict};
use crate::plan::Plan;
use crate::telemetry::metrics;

/// Attempts a batch and settles it. Owns what it needs, so that it can fly on its own.
pub(super) async fn attempt(
    worker: Arc<Worker>,
    destination: Arc<Destination>,
    transport: Arc<dyn Transport>,
    runs: Vec<Run>,
) {
    let leases: Vec<Lease> = runs.into_iter().flat_map(|it| it.leases).collect();
    let mut guard = Unattempted::over(&worker, leases.iter().map(|it| it.position));
    let plan = worker.plan.load_full();
    let started = clock::now();
    let clock = Instant::now();
    let rendered: Vec<Result<Parcel, Outcome>> =
        leases.iter().map(|it| parcel(&plan, it)).collect();
    let parcels: Vec<Parcel> = rendered.iter().filter_map(|it| it.as_ref().ok()).cloned().collect();
    let mut outcomes = transport.deliver(&parcels).await.into_iter();
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
            let age = Duration::try_from(now.duration_since(lease.since)).unwrap_or_default();
            let case = Case {
                plan: &plan,
                name: &worker.name,
                policy: &destination.policy,
                event: &lease.event,
                call: lease.delivery,
                attempt: lease.attempts + 1,
                age,
                peer: None,
                now,
            };
            let (verdict, label) = case.verdict(outcome);
            worker.count(label);
            settlement(lease.position, started, took, verdict)
        })
        .collect();
    // From here on the journal knows what becomes of them.
    guard.done();
    worker.settle(settlements).await;
}

fn settlement(
    position: i64,
    started: jiff::Timestamp,
    took: Duration,
    verdict: Verdict,
) -> Settlement {
    Settlement { position, others: Vec::new(), started, took, verdict, record: None, judged: false }
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

impl Worker {
    /// Counts an attempt by its outcome.
    pub(super) fn count(&self, outcome: &'static str) {
        let label = metrics::Attempt { destination: self.name.to_string(), outcome };
        self.metrics.attempts.get_or_create(&label).inc();
    }

    /// Records outcomes. An error means that nothing was recorded: the deliveries are made again,
    /// with the same ids.
    pub(super) async fn settle(&self, settlements: Vec<Settlement>) {
        if let Err(error) = self.journal.settle(&self.name, settlements).await {
            tracing::error!(destination = &*self.name, %error, "outcomes could not be recorded");
        }
    }
}
