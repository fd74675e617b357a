//! What goes wrong, and when: decided by a seeded generator. Pure.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

/// What goes wrong, and how often.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// The part of the calls that is answered 500 or 429, from 0 to 1. Nothing is done.
    pub fail: f64,
    /// The part of the calls whose answer breaks off or never comes, from 0 to 1. What was asked
    /// is done.
    pub broken: f64,
    /// Every answer takes so long.
    pub latency: Duration,
    /// Every answer takes up to so much longer, at random.
    pub slow: Duration,
    /// How often an API may be called; more is answered 429.
    pub limit: Option<Quota>,
}

/// So many calls in so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How many.
    pub count: u32,
    /// In this time.
    pub per: Duration,
}

/// What becomes of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fate {
    /// The answer waits so long.
    pub(super) after: Duration,
    pub(super) end: End,
}

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// As the simulator says.
    Answered,
    /// 500; the simulator was not asked.
    Failed,
    /// 429 with `Retry-After`; the simulator was not asked.
    Busy(Duration),
    /// The simulator did it; its answer breaks off in the middle.
    Cut,
    /// The simulator did it; the connection is closed without an answer.
    Closed,
}

/// Decides.
pub(super) struct Dice {
    faults: Faults,
    random: fastrand::Rng,
    calls: HashMap<&'static str, VecDeque<Timestamp>>,
}

impl Dice {
    pub(super) fn new(faults: Faults, seed: u64) -> Self {
        Self { faults, random: fastrand::Rng::with_seed(seed), calls: HashMap::new() }
    }

    /// What becomes of the next call of an API.
    pub(super) fn roll(&mut self, api: &'static str, now: Timestamp) -> Fate {
        // Always as many numbers, so that one fault does not move the others.
        let [chance, which, slow] = [(); 3].map(|()| self.random.f64());
        let Faults { fail, broken, latency, .. } = self.faults;
        let after = latency + self.faults.slow.mul_f64(slow);
        let end = match self.over(api, now) {
            Some(wait) => End::Busy(wait),
            None if chance < fail && which < 0.5 => End::Failed,
            None if chance < fail => End::Busy(Duration::from_secs(1)),
            None if chance < fail + broken && which < 0.5 => End::Cut,
            None if chance < fail + broken => End::Closed,
            None => End::Answered,
        };
        Fate { after, end }
    }

    /// How long to wait where the API was called too often; a call that is turned away does not
    /// count.
    fn over(&mut self, api: &'static str, now: Timestamp) -> Option<Duration> {
        let Quota { count, per } = self.faults.limit?;
        let calls = self.calls.entry(api).or_default();
        let age = |at: &Timestamp| Duration::try_from(now.duration_since(*at)).unwrap_or_default();
        while calls.front().is_some_and(|it| age(it) >= per) {
            calls.pop_front();
        }
        match calls.front() {
            Some(first) if calls.len() >= count as usize => Some(per.saturating_sub(age(first))),
            _ => {
                calls.push_back(now);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn equal_seeds_make_equal_faults_and_about_as_many_as_asked_for() {
        let faults = Faults { fail: 0.2, broken: 0.1, ..Faults::default() };
        let rolls = |seed| {
            let mut dice = Dice::new(faults, seed);
            (0..10_000).map(|_| dice.roll("flowiq", at(0)).end).collect::<Vec<_>>()
        };
        assert_eq!(rolls(7), rolls(7));
        assert_ne!(rolls(7), rolls(8));
        let count = |end: fn(&End) -> bool| rolls(7).iter().filter(|it| end(it)).count();
        let failed = count(|it| matches!(it, End::Failed | End::Busy(_)));
        let broken = count(|it| matches!(it, End::Cut | End::Closed));
        assert!((1_800..2_200).contains(&failed), "{failed}");
        assert!((850..1_150).contains(&broken), "{broken}");
    }

    #[test]
    fn a_limit_is_kept_for_each_api_and_says_when_to_come_back() {
        let limit = Some(Quota { count: 2, per: Duration::from_mins(1) });
        let mut dice = Dice::new(Faults { limit, ..Faults::default() }, 0);
        let mut roll = |api, second| dice.roll(api, at(second)).end;
        assert_eq!(roll("flowiq", 0), End::Answered);
        assert_eq!(roll("flowiq", 10), End::Answered);
        assert_eq!(roll("flowiq", 20), End::Busy(Duration::from_secs(40)));
        assert_eq!(roll("flowxo", 20), End::Answered);
        assert_eq!(roll("flowiq", 60), End::Answered);
        assert_eq!(roll("flowiq", 61), End::Busy(Duration::from_secs(9)));
    }

    #[test]
    fn an_answer_takes_its_latency_and_at_most_so_much_longer() {
        let latency = Duration::from_millis(50);
        let slow = Duration::from_millis(200);
        let mut dice = Dice::new(Faults { latency, slow, ..Faults::default() }, 3);
        let waits: Vec<Duration> = (0..100).map(|_| dice.roll("a", at(0)).after).collect();
        assert!(waits.iter().all(|it| (latency..=latency + slow).contains(it)));
        assert!(waits.iter().any(|it| *it > latency + slow / 2));
    }
}
