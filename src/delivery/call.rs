//! One call of an adapter: everything between a lease and its outcome.
//!
//! In order: how the conversation stands, files, lookups, `unless`, the payload, pauses, limits, the
//! token, the call's own record, the exchange, what it means.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use uuid::Uuid;

use super::lane::{Wait, Worker};
use super::look::{self, Found, Missed};
use super::unattempted::Unattempted;
use super::verdict::Case;
use super::{fetch, redact, state};
use crate::client::{Outgoing, Response};
use crate::clock;
use crate::config::{Period, Secret};
use crate::destination::{
    Adapter, Arrived, BoxFuture, Call, Destination, Limit, Outcome, Scope, Standing,
};
use crate::event::Event;
use crate::event::identity::successor;
use crate::expression::Subject;
use crate::http::{Rules, Unanswered};
use crate::journal::{Lease, Opened, Record, Run, Settlement, Verdict};
use crate::plan::Plan;
use crate::provider::{Callback, callback_url};
use crate::router::{Files, Route};

/// The most that is read of an answer, in bytes.
const ANSWER: usize = 4 << 20;

/// How long a callback URL is believed after its answer is awaited no more: a late answer is kept.
const LATE: Duration = Duration::from_hours(1);

/// Why a call ends before it is sent.
enum Stop {
    /// It has an outcome already.
    Outcome(Outcome),
    /// It is given up.
    Dead(String),
    /// It is settled like this.
    Verdict(Verdict, &'static str),
    /// It is put off; nothing is recorded.
    Later(Timestamp, Option<Wait>),
    /// It is settled elsewhere.
    Settled,
}

impl From<Missed> for Stop {
    fn from(missed: Missed) -> Self {
        match missed {
            Missed::Outcome(outcome) => Self::Outcome(outcome),
            Missed::Skipped(reason) => Self::Verdict(Verdict::Skipped { reason }, "skipped"),
        }
    }
}

impl From<Outcome> for Stop {
    fn from(outcome: Outcome) -> Self {
        Self::Outcome(outcome)
    }
}

/// Makes a call and settles it. Owns what it needs, so that it can fly on its own. Answers what
/// others of the lane would have to wait for as well.
pub(super) async fn make(
    worker: Arc<Worker>,
    destination: Arc<Destination>,
    adapter: Arc<dyn Adapter>,
    run: Run,
) -> Option<Wait> {
    let positions: Vec<i64> = run.leases.iter().map(|it| it.position).collect();
    let mut guard = Unattempted::over(&worker, positions.iter().copied());
    let plan = worker.plan.load_full();
    let started = clock::now();
    let watch = Instant::now();
    let mut making = Making {
        worker: &worker,
        destination: &destination,
        adapter: &*adapter,
        plan: &plan,
        run: &run,
        scopes: Vec::new(),
        record: None,
        links: Vec::new(),
    };
    let result = making.outcome(started).await;
    let (scopes, record) = (making.scopes, making.record);
    if record.is_none() {
        // Nothing was learned of the other side: another may be the probe.
        worker.breaker.released();
    }
    let now = clock::now();
    let (first, newest) = (run.leases.first()?, run.leases.last()?);
    let case = Case {
        plan: &plan,
        name: &worker.name,
        policy: &destination.policy,
        event: &newest.event,
        call: call_id(&run),
        attempt: first.attempts + 1,
        age: worker.age(first, &scopes, now),
        peer: adapter.thread(),
        now,
    };
    let (verdict, label) = match result {
        Ok(outcome) | Err(Stop::Outcome(outcome)) => {
            if let Outcome::Pause { reason, scope, duration } = &outcome {
                worker.pause(&plan, scope, reason, *duration, now).await;
            }
            case.verdict(outcome)
        }
        Err(Stop::Dead(reason)) => (case.dead(reason), "dead"),
        Err(Stop::Verdict(verdict, label)) => (verdict, label),
        Err(Stop::Later(due, wait)) => {
            guard.done();
            worker.journal.defer(&worker.name, &positions, due);
            return wait;
        }
        Err(Stop::Settled) => {
            // What its answer did not settle is given back: the answer waits to be judged.
            worker.breaker.released();
            return None;
        }
    };
    worker.count(label);
    let (position, others) = positions.split_first()?;
    // From here on the journal knows what becomes of it.
    guard.done();
    let (took, position, others) = (watch.elapsed(), *position, others.to_vec());
    let judged = run.answer.is_some();
    worker
        .settle(vec![Settlement { position, others, started, took, verdict, record, judged }])
        .await;
    None
}

/// The call's id: that of its first delivery, unless it takes the place of another.
fn call_id(run: &Run) -> Uuid {
    let first = run.leases.first().map_or(Uuid::nil(), |it| it.delivery);
    match run.supersedes {
        Some(other) => successor(other),
        None => run.call.unwrap_or(first),
    }
}

/// A call in the making.
struct Making<'a> {
    worker: &'a Arc<Worker>,
    destination: &'a Destination,
    adapter: &'a dyn Adapter,
    plan: &'a Plan,
    run: &'a Run,
    /// What must not be paused, once it is known.
    scopes: Vec<String>,
    /// What was sent and answered.
    record: Option<Record>,
    /// What of links to files may be seen nowhere.
    links: Vec<Secret>,
}

impl Making<'_> {
    async fn outcome(&mut self, now: Timestamp) -> Result<Outcome, Stop> {
        let (Some(first), Some(newest)) = (self.run.leases.first(), self.run.leases.last()) else {
            return Err(Stop::Settled);
        };
        let standing = self.standing(&newest.event).await?;
        let route = self.plan.table.route_named(&newest.route);
        let mut call = self.call(standing, now).await?;
        if let Some(body) = &self.run.answer {
            let response = Response { status: 200, headers: Vec::new(), body: body.clone() };
            self.record = Some(self.record(None, redact::answer(&response, &self.secrets(&call))));
            return Ok(self.adapter.outcome(&call, &response));
        }
        if self.run.overdue {
            return Ok(self.adapter.overdue(&call));
        }
        if route.is_some_and(|it| it.files == Files::Fetched) {
            self.links = fetch::made(self.worker, self.plan, &mut call.events, now).await?;
        }
        let found = look::made(self.worker, self.plan, &newest.route, call.event(), now).await?;
        Self::render(route, newest, &mut call, found)?;
        self.pauses(&call)?;
        let age = self.worker.age(first, &self.scopes, now);
        if let Some(max_age) = self.destination.policy.max_age
            && age > max_age
        {
            return Err(Stop::Dead(format!("it became older than {}", Period(max_age))));
        }
        // The token first: calls that waited for one together must not go together.
        if let Some(session) = self.adapter.session() {
            call.token = Some(self.worker.tokens.get(session, &*self.sender(), now).await?);
            call.now = clock::now();
        }
        self.limits(&call)?;
        self.open(route, &mut call).await?;
        self.exchange(&call).await
    }

    async fn standing(&self, event: &Event) -> Result<Standing, Stop> {
        let Some(conversation) = event.conversation else { return Ok(Standing::default()) };
        let standing = self.worker.journal.standing(conversation, self.adapter.thread()).await;
        // The journal is asked again soon: nothing is known about the call itself.
        standing.map_err(|_| Stop::Later(soon(), None))
    }

    async fn call(&self, standing: Standing, now: Timestamp) -> Result<Call, Stop> {
        let leases = &self.run.leases;
        let first = leases.first();
        let request = match first {
            Some(first) if self.adapter.per_request() => {
                let arrived = self.worker.journal.arrived(first.event.sequence).await;
                Some(Arc::new(arrived.map_err(|_| Stop::Later(soon(), None))?))
            }
            _ => None,
        };
        Ok(Call {
            id: call_id(self.run),
            attempt: first.map_or(0, |it| it.attempts) + 1,
            deliveries: leases.iter().map(|it| it.delivery).collect(),
            events: leases.iter().map(|it| Arc::clone(&it.event)).collect(),
            payload: serde_json::Value::Null,
            request: request.filter(|it| **it != Arrived::default()),
            standing,
            token: None,
            callback: None,
            replay: first.is_some_and(|it| it.position < 0),
            last: first.and_then(|it| it.last.clone()),
            now,
        })
    }

    /// What the route says: whether it is to be sent after all, and what.
    fn render(
        route: Option<&Route>,
        newest: &Lease,
        call: &mut Call,
        found: Found,
    ) -> Result<(), Stop> {
        let Some(route) = route else { return Ok(()) };
        let payload = route.to.get(usize::from(newest.index)).and_then(|it| it.payload.as_ref());
        if route.unless.is_none() && payload.is_none() {
            return Ok(());
        }
        let subject = Subject::event(Arc::clone(call.event()));
        let subject = subject.with(&state::of(call, found));
        if let Some(unless) = &route.unless {
            match unless.holds(&subject) {
                Ok(false) => {}
                Ok(true) => {
                    let reason = format!("`unless` holds: {}", state::in_words(call));
                    return Err(Stop::Verdict(Verdict::Skipped { reason }, "skipped"));
                }
                Err(error) => return Err(Outcome::refused(format!("`unless`: {error}")).into()),
            }
        }
        if let Some(payload) = payload {
            call.payload = payload
                .render(&subject)
                .map_err(|it| Outcome::refused(format!("payload: {it}")))?;
        }
        Ok(())
    }

    /// Puts the call off while something that it needs stands still.
    fn pauses(&mut self, call: &Call) -> Result<(), Stop> {
        let scopes = self.adapter.scopes(call).into_iter().chain([Scope::Destination]);
        self.scopes = scopes.map(|it| it.label(&self.worker.name)).collect();
        match self.worker.pauses.holds(&self.scopes, call.now) {
            None => Ok(()),
            Some(held) => {
                // Others of the lane may need another number or agent: each is put off for itself,
                // until then or until somebody resumes it.
                Err(Stop::Later(held.until.unwrap_or(Timestamp::MAX), None))
            }
        }
    }

    /// Takes one from every limit, or puts the call off.
    fn limits(&self, call: &Call) -> Result<(), Stop> {
        let mut limits = self.adapter.limits(call);
        limits.extend(self.destination.policy.rate.map(|rate| Limit {
            key: format!("destination {}", self.worker.name),
            rate,
            burst: 1,
        }));
        self.worker.limiter.take(&limits, call.now).map_err(|full| {
            let wait = Wait { key: full.key, until: full.until };
            Stop::Later(full.until, Some(wait))
        })
    }

    /// Writes the call before it is sent, where its members must not change or its answer may come
    /// another way.
    async fn open(&self, route: Option<&Route>, call: &mut Call) -> Result<(), Stop> {
        let collects = route.is_some_and(|it| it.collect.is_some());
        let calls_back = self.adapter.calls_back();
        if !collects && calls_back.is_none() {
            return Ok(());
        }
        let opened = Opened {
            call: call.id,
            members: self.run.leases.iter().map(|it| it.position).collect(),
            attempt: call.attempt,
            supersedes: self.run.supersedes,
        };
        match self.worker.journal.open_call(&self.worker.name, opened).await {
            Ok(true) => {}
            Ok(false) => return Err(Stop::Settled),
            Err(_) => return Err(Stop::Later(soon(), None)),
        }
        if let Some(long) = calls_back {
            let expires = call.now.checked_add(long.saturating_add(LATE)).unwrap_or(Timestamp::MAX);
            let callback = Callback { call: call.id, attempt: call.attempt, expires };
            let (home, key) = (&self.plan.public_url, &self.worker.store_key);
            call.callback = Some(callback_url(home, key, &self.worker.name, &callback));
        }
        Ok(())
    }

    async fn exchange(&mut self, call: &Call) -> Result<Outcome, Stop> {
        let outgoing = self.adapter.request(call)?;
        let mut secrets = self.secrets(call);
        secrets.extend(look::secrets(self.plan, self.run));
        let sent = redact::request(&outgoing, &secrets);
        let mut answer = self.send(outgoing).await;
        if let (Ok(response), Some(session), Some(stale)) =
            (&answer, self.adapter.session(), &call.token)
            && session.is_stale(response)
        {
            // Once more with a new token; what comes back then counts.
            let tokens = &self.worker.tokens;
            let token =
                tokens.renew_after_stale(session, stale, &*self.sender(), clock::now()).await?;
            secrets.push(token.clone());
            let renewed = Call { token: Some(token), ..call.clone() };
            let outgoing = self.adapter.request(&renewed)?;
            answer = self.send(outgoing).await;
        }
        let now = clock::now();
        self.worker.breaker.saw(answer.as_ref().map_err(|it| *it), now);
        let call = Call { now, ..call.clone() };
        let outcome = match &answer {
            Ok(response) => self.adapter.outcome(&call, response),
            // Trying again would change nothing.
            Err(why @ (Unanswered::Forbidden | Unanswered::Unsendable)) => {
                Outcome::refused(why.to_string())
            }
            Err(why) => self.adapter.unanswered(&call, *why),
        };
        let answered = match &answer {
            Ok(response) => redact::answer(response, &secrets),
            Err(why) => why.to_string(),
        };
        self.record = Some(self.record(Some(sent), answered));
        Ok(outcome)
    }

    fn record(&self, sent: Option<String>, answered: String) -> Record {
        let config = self.plan.fingerprint.chars().take(12).collect();
        Record { sent, answered: Some(answered), config }
    }

    /// What may be seen nowhere.
    fn secrets(&self, call: &Call) -> Vec<Secret> {
        let of_call = call.token.iter().chain(&call.callback).chain(&self.links).cloned();
        self.adapter.secrets().into_iter().chain(of_call).collect()
    }

    async fn send(&self, outgoing: Outgoing) -> Result<Response, Unanswered> {
        self.worker.clients.send(outgoing, &self.rules()).await
    }

    fn rules(&self) -> Rules {
        let policy = &self.destination.policy;
        Rules {
            timeout: policy.timeout,
            allow_private: policy.allow_private,
            connection: self.adapter.connection(),
            limit: ANSWER,
        }
    }

    /// What asks for tokens: the same way as the calls themselves.
    fn sender(&self) -> Box<super::tokens::Sender> {
        let (clients, rules) = (self.worker.clients.clone(), self.rules());
        Box::new(move |outgoing| -> BoxFuture<'static, _> {
            let (clients, rules) = (clients.clone(), rules.clone());
            Box::pin(async move { clients.send(outgoing, &rules).await })
        })
    }
}

/// When something that failed on our side is tried again.
fn soon() -> Timestamp {
    clock::now().checked_add(Duration::from_secs(1)).unwrap_or(Timestamp::MAX)
}
