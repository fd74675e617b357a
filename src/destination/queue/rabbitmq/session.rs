//! One connection, from the moment it stands until it is lost or given back.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::{Connection, Event};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::backoff::Backoff;
use super::publisher::{End, Jobs, Notice, Publisher};
use super::{Plan, State, words};

/// How many batches may be under way at once.
const PUBLISHERS: usize = 4;

/// How often the connection itself is asked how it is: an event may never come.
const LOOK: Duration = Duration::from_millis(500);

/// How soon the topology is settled again when a message found no queue.
const SETTLE_AGAIN: Duration = Duration::from_secs(1);

/// How often it is settled when nothing is wrong: while one queue takes a message, nobody hears
/// that another one is gone.
const SETTLE_ALWAYS: Duration = Duration::from_mins(1);

/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(5);

/// How the connection is.
struct Session {
    connection: Arc<Connection>,
    blocked: Option<String>,
    settled: Option<Result<(), String>>,
    settle_at: Instant,
    backoff: Backoff,
}

/// Publishes on a connection until it is lost: then why, or `None` when there is no more work.
pub(super) async fn run(
    connection: Connection,
    plan: &Arc<Plan>,
    jobs: &Jobs,
    state: &watch::Sender<State>,
) -> Option<String> {
    // Exactly one listener: two would share the events between them.
    let mut events = Box::pin(connection.events_listener());
    let connection = Arc::new(connection);
    let (notices, mut heard) = mpsc::unbounded_channel();
    let mut publishers = JoinSet::new();
    for _ in 0..PUBLISHERS {
        let publisher = Publisher {
            connection: Arc::clone(&connection),
            plan: Arc::clone(plan),
            jobs: Arc::clone(jobs),
            notices: notices.clone(),
        };
        publishers.spawn(publisher.run());
    }
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut settling: Option<Pin<Box<_>>> = None;
    let mut session = Session {
        connection: Arc::clone(&connection),
        blocked: None,
        settled: None,
        settle_at: Instant::now(),
        backoff: Backoff::default(),
    };
    let lost = loop {
        tokio::select! {
            event = events.next() => session.hear(event),
            ended = publishers.join_next() => match ended {
                Some(Ok(End::Drained)) => {}
                Some(Ok(End::Lost(words))) => break Some(words),
                Some(Err(_)) => break Some("a publisher panicked".into()),
                None => break None,
            },
            Some(notice) = heard.recv() => session.notice(notice),
            settled = wait(&mut settling) => {
                settling = None;
                session.settle(settled);
            }
            _ = ticks.tick() => {}
        }
        if !connection.status().connected() {
            // Why is in the publishers' hands as well, and they answer before they end.
            let ended = timeout(LOOK, publishers.join_next()).await;
            break Some(match ended {
                Ok(Some(Ok(End::Lost(words)))) => words,
                _ => "the connection was closed".into(),
            });
        }
        if settling.is_none() && session.blocked.is_none() && Instant::now() >= session.settle_at {
            session.settle_at = Instant::now() + SETTLE_ALWAYS;
            let (topology, connection) = (Arc::clone(&plan.topology), Arc::clone(&connection));
            settling = Some(Box::pin(async move { topology.settle(&connection).await }));
        }
        session.show(&plan.destination, state);
    };
    if lost.is_none() {
        let _ = timeout(GOODBYE, connection.close(200, "OK".into())).await;
    }
    lost
}

/// Waits for what may not be under way: then for ever.
async fn wait<F: Future>(future: &mut Option<Pin<Box<F>>>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

impl Session {
    fn hear(&mut self, event: Option<Event>) {
        match event {
            Some(Event::ConnectionBlocked(reason)) => self.blocked = Some(reason),
            Some(Event::ConnectionUnblocked) => {
                self.blocked = None;
                self.settle_at = Instant::now();
            }
            Some(Event::Error(error)) => {
                tracing::debug!(error = words(&error), "connection error");
            }
            _ => {}
        }
    }

    fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Unroutable => {
                self.settle_at = self.settle_at.min(Instant::now() + SETTLE_AGAIN);
            }
            Notice::Refused(words) => {
                self.settled = Some(Err(words));
                self.settle_at = Instant::now();
            }
        }
    }

    fn settle(&mut self, settled: Result<(), String>) {
        if settled.is_ok() {
            self.backoff.reset();
        } else if self.connection.status().blocked() {
            // A blocked broker answers nothing: that says nothing about the topology.
            return;
        } else {
            self.settle_at = Instant::now() + self.backoff.next(fastrand::f64());
        }
        self.settled = Some(settled);
    }

    fn show(&self, destination: &str, state: &watch::Sender<State>) {
        let now = match (&self.blocked, &self.settled) {
            (Some(reason), _) => State::Blocked(reason.clone()),
            (None, Some(Ok(()))) => State::Up,
            (None, Some(Err(words))) => State::Broken(words.clone()),
            (None, None) => return,
        };
        if *state.borrow() == now {
            return;
        }
        match now.obstacle() {
            Ok(()) => tracing::info!(destination, "publishing to RabbitMQ"),
            Err(reason) => tracing::warn!(destination, reason, "cannot publish to RabbitMQ"),
        }
        state.send_replace(now);
    }
}
