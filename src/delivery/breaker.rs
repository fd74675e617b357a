//! A destination that is down is left alone, and asked with one call now and then. Pure.
//!
//! Closed, calls pass. After [`FAILURES`] failures in a row it opens for [`SHORTEST`]; then one
//! call, the probe, tells whether it closes, or stays open for twice as long, up to [`LONGEST`].

use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;

use super::lock;
use crate::client::Response;
use crate::http::Unanswered;

/// So many failures in a row open it.
pub const FAILURES: u32 = 10;

/// How long it is open at first.
pub const SHORTEST: Duration = Duration::from_secs(5);

/// How long it is open at most. A probe that nothing was heard of for so long is given up.
pub const LONGEST: Duration = Duration::from_mins(5);

/// The circuit breaker of one destination.
#[derive(Debug, Default)]
pub struct Breaker(Mutex<State>);

#[derive(Clone, Copy, Debug)]
enum State {
    Closed { failures: u32 },
    Open { until: Timestamp, wait: Duration },
    Probing { since: Timestamp, wait: Duration },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// It may.
    Yes,
    /// This one may: what becomes of it decides. Exactly one of [`Breaker::succeeded`],
    /// [`Breaker::failed`] and [`Breaker::released`] has to follow.
    Probe,
    /// None may.
    No {
        /// When to ask again at the latest.
        until: Timestamp,
    },
}

impl Breaker {
    /// Whether a call may be made now.
    pub fn allows(&self, now: Timestamp) -> Allowed {
        let state = &mut *lock(&self.0);
        let wait = match *state {
            State::Closed { .. } => return Allowed::Yes,
            State::Open { until, .. } if now < until => return Allowed::No { until },
            State::Probing { since, .. } if now < after(since, LONGEST) => {
                return Allowed::No { until: after(since, LONGEST) };
            }
            State::Open { wait, .. } | State::Probing { wait, .. } => wait,
        };
        *state = State::Probing { since: now, wait };
        Allowed::Probe
    }

    /// The other side answered: it is alive, even if it refused.
    pub fn succeeded(&self) {
        *lock(&self.0) = State::default();
    }

    /// The other side did not answer, or said that it cannot.
    pub fn failed(&self, now: Timestamp) {
        let state = &mut *lock(&self.0);
        *state = match *state {
            State::Closed { failures } if failures + 1 < FAILURES => {
                State::Closed { failures: failures + 1 }
            }
            State::Closed { .. } => State::Open { until: after(now, SHORTEST), wait: SHORTEST },
            // Calls that were under way when it opened say nothing new.
            open @ State::Open { .. } => open,
            State::Probing { wait, .. } => {
                let wait = wait.saturating_mul(2).min(LONGEST);
                State::Open { until: after(now, wait), wait }
            }
        };
    }

    /// A call that was allowed was not made, or told nothing: the next may be the probe.
    pub fn released(&self) {
        let state = &mut *lock(&self.0);
        if let State::Probing { since, wait } = *state {
            *state = State::Open { until: since, wait };
        }
    }

    /// Takes note of what came of a call.
    pub fn saw(&self, answer: Result<&Response, Unanswered>, now: Timestamp) {
        match answer {
            Ok(Response { status: 500.., .. })
            | Err(Unanswered::Unreachable | Unanswered::TooSlow | Unanswered::Broken) => {
                self.failed(now);
            }
            Ok(_) | Err(Unanswered::TooLarge { .. }) => self.succeeded(),
            // Nothing was asked of the other side.
            Err(Unanswered::Unsendable | Unanswered::Forbidden | Unanswered::Uncertified) => {
                self.released();
            }
        }
    }

    /// Why no call is made right now, in words; `None`: calls are made.
    pub fn held(&self, now: Timestamp) -> Option<String> {
        match *lock(&self.0) {
            State::Closed { .. } => None,
            State::Open { until, .. } if until <= now => {
                Some("it did not answer; the next call tries whether it is back".into())
            }
            State::Open { until, .. } => {
                let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
                let seconds = wait.as_millis().div_ceil(1_000);
                Some(format!("it did not answer; it is tried again in {seconds} s"))
            }
            State::Probing { .. } => {
                Some("it did not answer; one call is trying whether it is back".into())
            }
        }
    }
}

fn after(at: Timestamp, wait: Duration) -> Timestamp {
    at.checked_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        let start: Timestamp = "2026-11-25T10:00:00Z".parse().unwrap();
        start + Duration::from_secs(seconds)
    }

    fn answer(status: u16) -> Response {
        Response { status, ..Response::default() }
    }

    /// A breaker that opened at the start.
    fn opened() -> Breaker {
        let breaker = Breaker::default();
        for _ in 0..FAILURES {
            assert_eq!(breaker.allows(at(0)), Allowed::Yes);
            breaker.failed(at(0));
        }
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_between_them_does_not() {
        let breaker = Breaker::default();
        for round in 0..3 {
            for _ in 1..FAILURES {
                breaker.failed(at(0));
            }
            assert_eq!((round, breaker.allows(at(0))), (round, Allowed::Yes));
            breaker.succeeded();
        }
        assert_eq!(opened().allows(at(0)), Allowed::No { until: at(5) });
    }

    #[test]
    fn one_probe_at_a_time_decides() {
        let breaker = opened();
        assert_eq!(breaker.allows(at(4)), Allowed::No { until: at(5) });
        assert_eq!(breaker.allows(at(5)), Allowed::Probe);
        assert!(matches!(breaker.allows(at(5)), Allowed::No { .. }));
        breaker.failed(at(6));
        assert_eq!(breaker.allows(at(6)), Allowed::No { until: at(16) }, "twice as long");
        assert_eq!(breaker.allows(at(16)), Allowed::Probe);
        breaker.succeeded();
        assert_eq!((breaker.allows(at(16)), breaker.held(at(16))), (Allowed::Yes, None));
        breaker.failed(at(17));
        assert_eq!(breaker.allows(at(17)), Allowed::Yes, "it counts from the beginning");
    }

    #[test]
    fn it_never_stays_open_for_longer_than_five_minutes() {
        let breaker = opened();
        let mut now = at(5);
        for _ in 0..40 {
            assert_eq!(breaker.allows(now), Allowed::Probe);
            breaker.failed(now);
            let Allowed::No { until } = breaker.allows(now) else { panic!("it is open") };
            assert!(until <= after(now, LONGEST));
            now = until;
        }
        assert_eq!(breaker.allows(now), Allowed::Probe);
        assert_eq!(breaker.allows(after(now, LONGEST)), Allowed::Probe, "the first was lost");
    }

    #[test]
    fn a_probe_that_was_not_made_leaves_its_place_to_the_next() {
        let breaker = opened();
        assert_eq!(breaker.allows(at(5)), Allowed::Probe);
        breaker.released();
        assert_eq!(breaker.allows(at(5)), Allowed::Probe);
        breaker.failed(at(5));
        breaker.released();
        assert_eq!(breaker.allows(at(6)), Allowed::No { until: at(15) });
    }

    #[test]
    fn calls_that_were_under_way_do_not_open_it_for_longer() {
        let breaker = opened();
        breaker.failed(at(3));
        assert_eq!(breaker.allows(at(5)), Allowed::Probe);
    }

    #[test]
    fn whoever_refuses_is_alive() {
        let opens = |it: fn() -> Result<Response, Unanswered>| {
            let breaker = Breaker::default();
            for _ in 0..FAILURES {
                let answer = it();
                breaker.saw(answer.as_ref().map_err(|it| *it), at(0));
            }
            breaker.allows(at(0)) != Allowed::Yes
        };
        assert!(opens(|| Ok(answer(503))) && opens(|| Ok(answer(500))));
        assert!(opens(|| Err(Unanswered::Unreachable)) && opens(|| Err(Unanswered::TooSlow)));
        assert!(opens(|| Err(Unanswered::Broken)));
        assert!(!opens(|| Ok(answer(429))) && !opens(|| Ok(answer(400))));
        assert!(
            !opens(|| Err(Unanswered::TooLarge { limit: 1, status: 200 }))
                && !opens(|| Err(Unanswered::Unsendable))
        );
    }

    #[test]
    fn it_says_in_words_how_it_stands() {
        let breaker = opened();
        let held = |now| breaker.held(now).unwrap();
        assert_eq!(held(at(2)), "it did not answer; it is tried again in 3 s");
        assert_eq!(held(at(5)), "it did not answer; the next call tries whether it is back");
        assert_eq!(breaker.allows(at(5)), Allowed::Probe);
        assert_eq!(held(at(6)), "it did not answer; one call is trying whether it is back");
    }
}
