//! The limits of the other side: calls are spaced evenly, across a restart too.
//!
//! The arithmetic is `governor`'s (GCRA: a key holds one number, the moment at which the next call
//! would be due if all came evenly). Its store is ours, for three things that its own cannot do: a
//! call counts against all of its limits or none, every limit has its own rate, and usage is read
//! and restored in moments of the wall clock.
//!
//! With a rate of `count` in `per` and a burst of `burst`, at most `count + burst - 1` calls fall
//! into any span of the length `per`: exactly `count` without burst.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::lock;
use crate::destination::Limit;
use crate::journal::{Error, Journal};

/// Where usage is kept while the gateway is stopped.
const KEPT: &str = "limits";

/// The key that is there once the store has been used.
const BEGUN: &str = "limits begun";

/// The most keys that are remembered. Beyond it, calls under new keys wait.
const KEYS: usize = 65_536;

/// Fewer keys than this are never swept.
const FEW: usize = 1_024;

/// No window is longer; keeps the arithmetic far from its end.
const LONGEST: Duration = Duration::from_hours(24 * 3_660);

/// What is used up of the limits of the other side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// By key and window, when the next call would be due if all came evenly.
    pub due: Vec<(String, Timestamp)>,
    /// When counting began with nothing known of the time before, as after a kill; `None`: all
    /// that was used is known.
    pub blank_since: Option<Timestamp>,
}

/// Counts calls against the limits of the other side.
#[derive(Debug)]
pub struct Limiter {
    usage: Mutex<Usage>,
    capacity: usize,
}

#[derive(Debug)]
struct Usage {
    /// By name, when the next call would be due if all came evenly, in nanoseconds since 1970.
    due: HashMap<String, u64>,
    /// See [`Used::blank_since`]: a key that is not known has used up its burst then.
    blank_since: Option<u64>,
    /// With so many keys, those that can be forgotten are: twice as many as were left last time.
    sweep_at: usize,
    /// Before this moment, no key can be forgotten.
    crowded_until: u64,
}

/// A limit that is used up for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Full {
    /// Its key.
    pub key: String,
    /// When it is worth asking again.
    pub until: Timestamp,
}

impl Limiter {
    /// A limiter that knows nothing of what was used before `start`, and so lets nobody burst into
    /// it: a key's first call is allowed one interval after `start` at the earliest.
    pub fn new(start: Timestamp) -> Self {
        Self::with_capacity(start, KEYS)
    }

    fn with_capacity(start: Timestamp, capacity: usize) -> Self {
        let usage = Usage {
            due: HashMap::new(),
            blank_since: Some(nanos(start)),
            sweep_at: FEW,
            crowded_until: 0,
        };
        Self { usage: Mutex::new(usage), capacity }
    }

    /// Counts one call against all of these limits.
    ///
    /// # Errors
    /// When one of them is used up: the moment when it is worth asking again. Nothing is counted
    /// then.
    pub fn take(&self, limits: &[Limit], now: Timestamp) -> Result<(), Full> {
        if limits.is_empty() {
            return Ok(());
        }
        let now = nanos(now);
        let usage = &mut *lock(&self.usage);
        if usage.due.len() >= usage.sweep_at {
            usage.forget(now);
        }
        let mut wait: Option<(u64, &str)> = None;
        let taken = {
            let taking = Taking { usage, taken: RefCell::default() };
            for limit in limits {
                let full = taking.take(limit, now).err();
                wait = wait.max(full.map(|it| (it, &*limit.key)));
            }
            taking.taken.into_inner()
        };
        if let Some((wait, key)) = wait {
            return Err(Full { key: key.to_owned(), until: moment(wait) });
        }
        let new = taken.keys().filter(|it| !usage.due.contains_key(*it)).count();
        if new > 0 && usage.due.len() + new > self.capacity {
            let wait = usage.forget(now);
            if usage.due.len() + new > self.capacity {
                return Err(Full { key: "too many limits at once".into(), until: moment(wait) });
            }
        }
        let first = taken.values().min().copied().unwrap_or(u64::MAX);
        usage.crowded_until = usage.crowded_until.min(first);
        usage.due.extend(taken);
        Ok(())
    }

    /// What is used up.
    pub fn used(&self) -> Used {
        let usage = lock(&self.usage);
        Used {
            due: usage.due.iter().map(|(name, due)| (name.clone(), moment(*due))).collect(),
            blank_since: usage.blank_since.map(moment),
        }
    }

    /// Goes on from [`used`](Self::used). It must be all that was used: other keys may burst.
    pub fn restore(&self, used: Used) {
        let mut usage = lock(&self.usage);
        for (name, due) in used.due {
            let due = nanos(due);
            let known = usage.due.entry(name).or_insert(due);
            *known = due.max(*known);
        }
        usage.blank_since = used.blank_since.map(nanos);
    }

    /// Keeps what is used for the next start. To be called on shutdown, after the last call: the
    /// next start believes that nothing was used since.
    ///
    /// # Errors
    /// When the journal cannot write.
    pub async fn save(&self, journal: &dyn Journal) -> Result<(), Error> {
        let used = serde_json::to_vec(&self.used()).map_err(|it| Error::Write(it.to_string()))?;
        journal.keep(KEPT, Some(used)).await
    }

    /// Goes on from what was [`save`](Self::save)d. What it reads, it forgets: after a stop that
    /// saved nothing, what an earlier stop saved would be less than what was used.
    ///
    /// # Errors
    /// When the journal can be neither read nor written; nothing is restored then.
    pub async fn load(&self, journal: &dyn Journal) -> Result<(), Error> {
        if journal.kept(BEGUN).await?.is_none() {
            // A store that never made a call: whoever tries the gateway out need not wait.
            journal.keep(BEGUN, Some(Vec::new())).await?;
            self.restore(Used::default());
            return Ok(());
        }
        let Some(kept) = journal.kept(KEPT).await? else { return Ok(()) };
        journal.keep(KEPT, None).await?;
        if let Ok(used) = serde_json::from_slice(&kept) {
            self.restore(used);
        }
        Ok(())
    }
}

impl Usage {
    /// Forgets keys that may burst again. Answers when the next of them will.
    fn forget(&mut self, now: u64) -> u64 {
        if now >= self.crowded_until {
            self.due.retain(|_, due| *due > now);
            self.crowded_until = self.due.values().min().copied().unwrap_or_default();
        }
        self.sweep_at = (2 * self.due.len()).max(FEW);
        self.crowded_until
    }
}

/// One call on its way past its limits: counted when it passed all of them.
struct Taking<'a> {
    usage: &'a Usage,
    taken: RefCell<HashMap<String, u64>>,
}

/// One limit, as the store is asked about it.
struct Looking<'a> {
    taking: &'a Taking<'a>,
    /// From nothing used to a burst used up, in nanoseconds.
    full: u64,
    now: u64,
}

impl Taking<'_> {
    /// Counts one call against one limit, in what is taken so far; else the moment to wait for.
    fn take(&self, limit: &Limit, now: u64) -> Result<(), u64> {
        let count = NonZeroU32::new(limit.rate.count).unwrap_or(NonZeroU32::MIN);
        let per = limit.rate.per.min(LONGEST).as_nanos();
        // Rounded up: rounded down, a window of three calls a second would hold a fourth.
        let interval = per.div_ceil(u128::from(count.get())).max(1);
        let interval = u64::try_from(interval).unwrap_or(u64::MAX);
        let burst = NonZeroU32::new(limit.burst).unwrap_or(NonZeroU32::MIN).min(count);
        let quota = Quota::with_period(Duration::from_nanos(interval))
            .expect("an interval is at least a nanosecond")
            .allow_burst(burst);
        let store = Looking { taking: self, full: interval * u64::from(burst.get()), now };
        // A limiter counts from the moment it is made: at first the clock stands at 1970.
        let limiter: RateLimiter<_, _, _, NoOpMiddleware<Nanos>> =
            RateLimiter::new(quota, store, Hand::default());
        limiter.clock().0.set(now);
        limiter.check_key(&name(limit)).map_err(|it| it.earliest_possible().into())
    }
}

impl StateStore for Looking<'_> {
    type Key = String;

    fn measure_and_replace<T, F, E>(&self, name: &String, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let Taking { usage, taken } = self.taking;
        let known = taken.borrow().get(name).or_else(|| usage.due.get(name)).copied();
        let due = known.or_else(|| usage.blank_since.map(|it| it.saturating_add(self.full)));
        // Never more than a whole burst away, except when the clock was put back.
        let due = due.map(|it| it.min(self.now.saturating_add(self.full)).into());
        let (answer, next) = decide(due)?;
        taken.borrow_mut().insert(name.clone(), next.into());
        Ok(answer)
    }
}

/// A clock that is put forward by hand, in nanoseconds since 1970.
#[derive(Default)]
struct Hand(Cell<u64>);

impl Clock for Hand {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.get().into()
    }
}

/// What usage is counted under: one key may have several windows.
fn name(limit: &Limit) -> String {
    format!("{} per {}ms", limit.key, limit.rate.per.as_millis())
}

fn nanos(at: Timestamp) -> u64 {
    u64::try_from(at.as_nanosecond()).unwrap_or_default()
}

fn moment(nanos: u64) -> Timestamp {
    Timestamp::from_nanosecond(nanos.into()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
