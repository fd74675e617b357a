//! The loop of one source.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bytes::Bytes;
use governor::clock::Clock;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use jiff::Timestamp;
use tokio::sync::watch;

use super::backoff::{self, Trouble};
use super::{State, lock};
use crate::client::{Outgoing, Problem};
use crate::clock;
use crate::config::Rate;
use crate::http;
use crate::journal::{Arrival, Error, Journal, Ticket};
use crate::plan::Plan;
use crate::provider::{Batch, Poller, Request, Source, Turn};
use crate::telemetry::metrics::{self, Metrics};

/// The largest answer that is read.
const LARGEST: usize = 16 << 20;

/// How often a first run says how far it is.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// How often its progress is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long what was answered waits before it is given to a journal that did not take it.
const WRITE_AGAIN: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// Asks for one source.
pub(super) struct Worker {
    pub(super) name: Arc<str>,
    pub(super) source: Arc<dyn Source>,
    pub(super) poller: Box<dyn Poller>,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) plan: Arc<ArcSwap<Plan>>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) http: reqwest::Client,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) state: Arc<Mutex<State>>,
    /// In a row.
    pub(super) failures: u32,
}

impl Worker {
    /// Runs until told to stop, or until the journal is closed.
    pub(super) async fn run(mut self) {
        let budget = limiter(self.poller.budget());
        let mut looked: Option<Instant> = None;
        let mut said = Instant::now();
        let mut first_run = true;
        while !*self.stop.borrow() {
            if looked.is_none_or(|it| it.elapsed() >= LOOK_EVERY) {
                looked = Some(Instant::now());
                let progress = self.poller.progress(clock::now());
                lock(&self.state).progress = progress;
                if first_run && said.elapsed() >= SAY_EVERY {
                    said = Instant::now();
                    first_run = progress.known == 0 || progress.read < progress.known;
                    let (source, known, read) = (&*self.name, progress.known, progress.read);
                    tracing::info!(source, known, read, "conversations are being read");
                }
            }
            match self.poller.next(clock::now()) {
                Turn::Wait(rest) => {
                    // Not for longer than its progress is looked at, which is no work.
                    self.pause_until(rest, rest.clamp(Duration::from_millis(10), LOOK_EVERY)).await;
                }
                Turn::Ask(outgoing) => {
                    while let Err(early) = budget.check() {
                        let wait = early.wait_time_from(budget.clock().now());
                        self.pause_until(wait, wait).await;
                        if *self.stop.borrow() {
                            return;
                        }
                    }
                    if !self.ask(outgoing).await {
                        return;
                    }
                }
            }
        }
    }

    /// Asks, and takes the answer in. Answers whether to go on.
    async fn ask(&mut self, outgoing: Outgoing) -> bool {
        lock(&self.state).next = None;
        let answer = tokio::select! {
            answer = http::send(&self.http, outgoing, LARGEST) => answer,
            // What was not answered is asked for again after the restart.
            _ = self.stop.changed() => return false,
        };
        let now = clock::now();
        let read = match answer {
            Ok(response) => self.poller.read(&response, now).map_err(|it| {
                let asked = response.header("retry-after").and_then(|it| it.trim().parse().ok());
                let retry_after = it.retry_after.or(asked.map(Duration::from_secs));
                (Trouble::of(it.status), Problem { retry_after, ..it })
            }),
            Err(error) => {
                let message = error.to_string();
                Err((Trouble::Failed, Problem { status: 0, message, retry_after: None }))
            }
        };
        match read {
            Ok(batch) => {
                self.recovered();
                self.count(if batch.body.is_some() { "news" } else { "nothing" });
                self.accept(batch, now).await.is_ok()
            }
            Err((trouble, problem)) => {
                self.count(trouble.label());
                self.failures += 1;
                self.complain(trouble, &problem);
                let (failures, after) = (self.failures, problem.retry_after);
                let wait = backoff::wait(trouble, failures, after, fastrand::f64());
                self.pause_until(wait, wait).await;
                true
            }
        }
    }

    /// Normalises, routes and writes what an answer brought, with the places to go on from. It is
    /// written again until it is durable: the poller has moved on already.
    async fn accept(&mut self, batch: Batch, now: Timestamp) -> Result<(), Error> {
        let Batch { body, cursors } = batch;
        if body.is_none() && cursors.is_empty() {
            return Ok(());
        }
        let plan = self.plan.load_full();
        let events = match &body {
            Some(body) => {
                let drafts = self.source.normalise(&Request::polled(body.clone()));
                plan.prepare(&self.name, drafts, body, now)
            }
            None => Vec::new(),
        };
        let arrival = Arrival {
            source: Arc::clone(&self.name),
            received: now,
            headers: "{}".into(),
            body: body.unwrap_or_else(Bytes::new),
            traceparent: None,
            cause: None,
            events,
            cursors,
            unrouted: false,
        };
        let mut wait = WRITE_AGAIN.0;
        loop {
            let (ticket, answer) = Ticket::single();
            let written = match self.journal.submit(arrival.clone(), ticket) {
                Ok(()) => answer.await.unwrap_or(Err(Error::Closed)),
                Err(error) => Err(error),
            };
            let error = match written {
                Ok(receipt) => {
                    let label = metrics::Source { source: self.name.to_string() };
                    self.metrics.events.get_or_create(&label).inc_by(receipt.new as u64);
                    if receipt.duplicate > 0 {
                        let duplicates = self.metrics.duplicates.get_or_create(&label);
                        duplicates.inc_by(receipt.duplicate as u64);
                    }
                    let (new, duplicate) = (receipt.new, receipt.duplicate);
                    tracing::debug!(source = &*self.name, new, duplicate, "accepted");
                    return Ok(());
                }
                Err(Error::Closed) => return Err(Error::Closed),
                Err(error) => error,
            };
            tracing::warn!(source = &*self.name, %error, "an answer waits to be written");
            lock(&self.state).error = Some(error.to_string());
            self.pause_until(wait, wait).await;
            if *self.stop.borrow() {
                // Neither events nor cursors were written: it is asked for again.
                return Err(error);
            }
            wait = (wait * 2).min(WRITE_AGAIN.1);
        }
    }

    fn count(&self, outcome: &'static str) {
        let label = metrics::Poll { source: self.name.to_string(), outcome };
        self.metrics.polls.get_or_create(&label).inc();
    }

    /// Notes what went wrong, and says it once as long as it is the same.
    fn complain(&self, trouble: Trouble, problem: &Problem) {
        let words = if problem.status == 0 { problem.message.clone() } else { problem.to_string() };
        let mut state = lock(&self.state);
        if state.error.as_ref() == Some(&words) {
            return;
        }
        let source = &*self.name;
        match trouble {
            Trouble::Refused => {
                tracing::error!(source, reason = words, "the provider refuses the credentials");
            }
            Trouble::Busy => tracing::info!(source, reason = words, "the provider is busy"),
            Trouble::Failed => {
                tracing::warn!(source, reason = words, "the provider did not answer");
            }
        }
        state.error = Some(words);
    }

    fn recovered(&mut self) {
        self.failures = 0;
        if lock(&self.state).error.take().is_some() {
            tracing::info!(source = &*self.name, "the provider answers again");
        }
    }

    /// Sleeps for `time`, or until told to stop; the next question is due in `next`.
    async fn pause_until(&mut self, next: Duration, time: Duration) {
        lock(&self.state).next = clock::now().checked_add(next).ok();
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            _ = self.stop.changed() => {}
        }
    }
}

/// A budget as a limiter: evenly spread, never several at once.
fn limiter(rate: Rate) -> DefaultDirectRateLimiter {
    let between = rate.per / rate.count.max(1);
    let quota = Quota::with_period(between.max(Duration::from_nanos(1)))
        .expect("the time between two is not nothing")
        .allow_burst(NonZeroU32::MIN);
    RateLimiter::direct(quota)
}
