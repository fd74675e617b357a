//! When to try again: exponential backoff with full jitter. Pure.

use std::time::Duration;

use uuid::Uuid;

/// How retries are spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The first retry comes after at most this.
    pub base: Duration,
    /// No retry waits longer than this.
    pub cap: Duration,
    /// Older deliveries are given up; `None`: never.
    pub max_age: Option<Duration>,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { base: Duration::from_millis(500), cap: Duration::from_secs(30), max_age: None }
    }
}

impl Schedule {
    /// How long to wait before attempt `attempt + 1`, or `None` when the delivery is too old.
    ///
    /// `after` is what the other side asked for; it is honoured when it is longer. The jitter
    /// follows from the delivery's id, so that a batch that failed together does not return
    /// together.
    pub fn next(
        &self,
        delivery: Uuid,
        attempt: u32,
        age: Duration,
        after: Option<Duration>,
    ) -> Option<Duration> {
        let doubled = self.base.saturating_mul(1_u32.checked_shl(attempt - 1).unwrap_or(u32::MAX));
        let ceiling = doubled.min(self.cap);
        let wait = ceiling.mul_f64(jitter(delivery, attempt)).max(after.unwrap_or_default());
        match self.max_age {
            Some(max_age) if age.saturating_add(wait) > max_age => None,
            _ => Some(wait),
        }
    }
}

/// Between 0.1 and 1, spread evenly over deliveries and attempts.
fn jitter(delivery: Uuid, attempt: u32) -> f64 {
    // SplitMix64 over the id and the attempt: enough to spread, nothing to guess.
    let (high, low) = delivery.as_u64_pair();
    let mut x = (high ^ low).wrapping_add(u64::from(attempt).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    let fraction =
        f64::from(u32::try_from((x ^ (x >> 31)) >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX);
    0.1 + 0.9 * fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn waits_double_up_to_the_cap_and_never_vanish() {
        let schedule = Schedule { base: SECOND, cap: SECOND * 60, max_age: None };
        for attempt in 1..100 {
            let ceiling = SECOND * 2_u32.saturating_pow(attempt - 1).min(60);
            for id in 0..50 {
                let wait = schedule.next(Uuid::from_u128(id), attempt, SECOND, None).unwrap();
                assert!(wait <= ceiling && wait >= ceiling / 10, "{attempt}: {wait:?}");
            }
        }
    }

    #[test]
    fn deliveries_that_failed_together_do_not_return_together() {
        let schedule = Schedule { base: SECOND * 60, ..Schedule::default() };
        let mut waits: Vec<Duration> =
            (0..100).filter_map(|id| schedule.next(Uuid::from_u128(id), 1, SECOND, None)).collect();
        waits.sort();
        waits.dedup();
        assert!(waits.len() > 90);
    }

    #[test]
    fn what_the_other_side_asks_for_is_honoured() {
        let schedule = Schedule { base: SECOND, cap: SECOND, max_age: Some(SECOND * 100) };
        let next = |age, after| schedule.next(Uuid::nil(), 1, age, Some(after));
        assert_eq!(next(SECOND, SECOND * 30), Some(SECOND * 30));
        assert_eq!(next(SECOND * 90, SECOND * 30), None, "too old by then");
    }
}
