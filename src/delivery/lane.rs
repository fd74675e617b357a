//! The loop of one lane: leases what is due and sets it flying, never more than the destination
//! takes at once.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Instrument;

use super::{Pulse, batch};
use crate::clock;
use crate::destination::{Destination, Means};
use crate::journal::{Journal, Run};
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
}

/// Runs until told to stop, then ends what is in flight.
pub(super) async fn run(worker: Arc<Worker>, mut stop: watch::Receiver<bool>) {
    let mut flying = JoinSet::new();
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
        worker.pulse.hold(None);
        let room = destination.policy.concurrency.saturating_sub(flying.len());
        if room > 0 {
            let budget = match &destination.means {
                Means::Transport(it) => it.batch(),
                Means::Adapter(_) => room,
            };
            match worker.journal.lease(&worker.name, budget, clock::now()).await {
                Ok(runs) if !runs.is_empty() => {
                    fly(&mut flying, &worker, &destination, runs);
                    continue;
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(destination = &*worker.name, %error, "nothing leased");
                    worker.pulse.hold(Some(error.to_string()));
                    pause(&mut stop, TURN).await;
                    continue;
                }
            }
        }
        tokio::select! {
            ended = flying.join_next(), if !flying.is_empty() => {
                if let Some(Err(error)) = ended {
                    // Its leases are released; making the attempt again at once would only
                    // repeat it.
                    tracing::error!(destination = &*worker.name, %error, "an attempt broke off");
                    pause(&mut stop, TURN).await;
                }
            }
            () = worker.journal.work(&worker.name), if room > 0 => {}
            () = tokio::time::sleep(TURN) => {}
            _ = stop.changed() => {}
        }
    }
    while flying.join_next().await.is_some() {}
}

/// Sets what was leased flying: a batch together, calls each on its own.
fn fly(
    flying: &mut JoinSet<()>,
    worker: &Arc<Worker>,
    destination: &Arc<Destination>,
    runs: Vec<Run>,
) {
    let span =
        |count: usize| tracing::debug_span!("delivery", destination = &*worker.name, batch = count);
    match &destination.means {
        Means::Transport(transport) => {
            let span = span(runs.len());
            let (worker, destination) = (Arc::clone(worker), Arc::clone(destination));
            let transport = Arc::clone(transport);
            flying.spawn(batch::attempt(worker, destination, transport, runs).instrument(span));
        }
        Means::Adapter(_) => {
            drop(runs);
        }
    }
}

async fn pause(stop: &mut watch::Receiver<bool>, time: Duration) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        _ = stop.changed() => {}
    }
}
