//! Tokens that others are exchanged for: one for all destinations that share it, renewed in time,
//! kept across a restart.
//!
//! However many calls wait, a token is asked for once. While the old one is still good it is used,
//! and the answer with the new one is read when the next call comes by.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::lock;
use super::seal::Seal;
use crate::client::{Outgoing, Response};
use crate::config::{Rate, Secret};
use crate::destination::{BoxFuture, Outcome, Session};
use crate::http::Unanswered;
use crate::journal::Journal;

mod kept;

use kept::Kept;

/// Sends a request and reads the answer, the way that the destination's connections are made.
pub type Sender =
    dyn Fn(Outgoing) -> BoxFuture<'static, Result<Response, Unanswered>> + Send + Sync;

/// After a failure, the next token is not asked for before this long; doubled with each further
/// one.
const PATIENCE: Duration = Duration::from_secs(1);

/// Every token, by [`Session::key`].
pub struct Tokens {
    journal: Arc<dyn Journal>,
    seal: Seal,
    accounts: Mutex<HashMap<String, Arc<Account>>>,
}

/// One token. Whoever holds the lock acts for all: it is held while waiting only when there is no
/// token to go on with.
#[derive(Default)]
struct Account {
    state: tokio::sync::Mutex<State>,
    /// How many requests have failed, so that those who waited for one share what became of it.
    failures: AtomicU64,
}

#[derive(Default)]
struct State {
    /// What the journal holds; `None`: not read yet.
    kept: Option<Kept>,
    /// The request under way.
    flight: Option<Flight>,
    /// What became of the last request, if it failed.
    failed: Option<Failed>,
}

struct Flight {
    /// When it began. What the answer says of its age is counted from here, to be on the safe side.
    asked: Timestamp,
    answer: JoinHandle<Result<Response, Unanswered>>,
}

#[derive(Clone)]
struct Failed {
    outcome: Outcome,
    /// How many in a row.
    times: u32,
    /// Not asked again before.
    again: Timestamp,
}

impl Tokens {
    /// Tokens that are kept in the journal, sealed under the store's key.
    pub fn new(journal: Arc<dyn Journal>, store_key: &Secret) -> Self {
        Self { journal, seal: Seal::new(store_key), accounts: Mutex::default() }
    }

    /// The session's token. The first one is waited for; a later one is asked for in time.
    ///
    /// # Errors
    /// What becomes of the calls that need it.
    pub async fn get(
        &self,
        session: &dyn Session,
        send: &Sender,
        now: Timestamp,
    ) -> Result<Secret, Outcome> {
        self.token(session, None, send, now).await
    }

    /// A token in place of one that the other side refused. Whoever comes first drops it; the
    /// others get its successor.
    ///
    /// # Errors
    /// What becomes of the calls that need it.
    pub async fn renew_after_stale(
        &self,
        session: &dyn Session,
        stale: &Secret,
        send: &Sender,
        now: Timestamp,
    ) -> Result<Secret, Outcome> {
        self.token(session, Some(stale), send, now).await
    }

    async fn token(
        &self,
        session: &dyn Session,
        refused: Option<&Secret>,
        send: &Sender,
        now: Timestamp,
    ) -> Result<Secret, Outcome> {
        let key = session.key();
        let account = Arc::clone(lock(&self.accounts).entry(key.clone()).or_default());
        let failures = account.failures.load(Ordering::Relaxed);
        let state = &mut *account.state.lock().await;
        let waited = account.failures.load(Ordering::Relaxed) != failures;
        if state.kept.is_none() {
            state.kept = Some(Kept::read(&*self.journal, &self.seal, &key).await?);
        }
        if state.flight.as_ref().is_some_and(|it| it.answer.is_finished()) {
            // Whether it failed matters only once the token at hand is no longer good.
            let _ = self.land(&account, state, session, &key).await;
        }
        let kept = state.kept.get_or_insert_default();
        if kept.grant.as_ref().is_some_and(|it| refused == Some(&it.token)) {
            kept.grant = None;
            kept.write(&*self.journal, &self.seal, &key).await?;
        }
        if let Some(grant) = kept.grant.clone().filter(|it| now < it.expires) {
            let patient = state.failed.as_ref().is_some_and(|it| now < it.again);
            if now >= grant.renew && state.flight.is_none() && !patient {
                // There is time: it can be tried again with the next call.
                let _ = self.ask(state, session, &key, send, now).await;
            }
            return Ok(grant.token);
        }
        if state.flight.is_none() {
            if let Some(failed) = state.failed.as_ref().filter(|it| waited || now < it.again) {
                return Err(failed.outcome(now));
            }
            self.ask(state, session, &key, send, now).await?;
        }
        self.land(&account, state, session, &key).await
    }

    /// Sends a request, counted before it leaves.
    async fn ask(
        &self,
        state: &mut State,
        session: &dyn Session,
        key: &str,
        send: &Sender,
        now: Timestamp,
    ) -> Result<(), Outcome> {
        let outgoing = session.request(now)?;
        let kept = state.kept.get_or_insert_default();
        kept.count(session.at_most(), now).map_err(|wait| Outcome::Retry {
            reason: "no further token may be asked for yet".into(),
            after: Some(wait),
        })?;
        kept.write(&*self.journal, &self.seal, key).await?;
        // On a task of its own: whoever asked may be cancelled, the answer is for all.
        let answer = tokio::spawn(send(outgoing));
        state.flight = Some(Flight { asked: now, answer });
        Ok(())
    }

    /// Waits for the answer of the request under way, and keeps what it brings.
    async fn land(
        &self,
        account: &Account,
        state: &mut State,
        session: &dyn Session,
        key: &str,
    ) -> Result<Secret, Outcome> {
        let Some(flight) = &mut state.flight else {
            return Err(Outcome::retry("no token was asked for"));
        };
        let answer = (&mut flight.answer).await;
        let asked = flight.asked;
        state.flight = None;
        let read = match answer {
            Ok(Ok(answer)) => session.read(&answer, asked),
            Ok(Err(why)) => Err(Outcome::retry(format!("no token: {why}"))),
            Err(_) => Err(Outcome::retry("no token: asking for it broke off")),
        };
        match read {
            Ok(grant) => {
                state.failed = None;
                let token = grant.token.clone();
                let kept = state.kept.get_or_insert_default();
                kept.grant = Some(grant);
                if let Err(outcome) = kept.write(&*self.journal, &self.seal, key).await {
                    // It is good all the same; only a restart has to ask anew.
                    tracing::warn!(account = key, ?outcome, "a token could not be kept");
                }
                Ok(token)
            }
            Err(outcome) => {
                account.failures.fetch_add(1, Ordering::Relaxed);
                let times = state.failed.as_ref().map_or(0, |it| it.times).saturating_add(1);
                let again = asked.checked_add(patience(times, &outcome, session.at_most()));
                let again = again.unwrap_or(Timestamp::MAX);
                state.failed = Some(Failed { outcome: outcome.clone(), times, again });
                Err(outcome)
            }
        }
    }
}

impl Failed {
    /// What becomes of a call that comes before it is time to ask again.
    fn outcome(&self, now: Timestamp) -> Outcome {
        let Outcome::Retry { reason, after } = &self.outcome else { return self.outcome.clone() };
        let wait = Duration::try_from(self.again.duration_since(now)).unwrap_or_default();
        Outcome::Retry { reason: reason.clone(), after: Some(wait.max(after.unwrap_or_default())) }
    }
}

/// How long to wait before a token is asked for again: as long as the other side says, doubling,
/// and never so long that the window would go unused.
fn patience(times: u32, outcome: &Outcome, at_most: Rate) -> Duration {
    match outcome {
        // The engine pauses what needs it. Whoever resumes it wants it to be tried.
        Outcome::Pause { .. } => Duration::ZERO,
        Outcome::Retry { after: Some(after), .. } => *after,
        _ => {
            let doubled = PATIENCE.saturating_mul(1_u32.checked_shl(times - 1).unwrap_or(u32::MAX));
            doubled.min(at_most.per / at_most.count.max(1))
        }
    }
}

#[cfg(test)]
mod tests;
