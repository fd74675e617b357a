//! When to try again, as a destination's policy says. Pure.

use std::time::Duration;

use uuid::Uuid;

use crate::destination::{Policy, Retry};

/// How long to wait before attempt `attempt + 1`; `None` when the delivery is given up: there is no
/// further step, or it would be older than `max_age` by then.
///
/// `age` is how old the delivery is, without the time during which its destination was paused.
/// `after` is what the other side asked for; it is honoured when it is longer. The wait is a random
/// part of what the policy says, at least a tenth of it. Chance follows from the delivery's id, so
/// that a batch that failed together does not return together, and the same question has the same
/// answer.
pub fn next(
    retry: &Retry,
    max_age: Option<Duration>,
    delivery: Uuid,
    attempt: u32,
    age: Duration,
    after: Option<Duration>,
) -> Option<Duration> {
    let made = attempt.saturating_sub(1);
    let ceiling = match retry {
        Retry::Backoff { first, cap } => {
            first.saturating_mul(1_u32.checked_shl(made).unwrap_or(u32::MAX)).min(*cap)
        }
        Retry::Steps(steps) => *steps.get(usize::try_from(made).ok()?)?,
    };
    let wait = ceiling.mul_f64(jitter(delivery, attempt)).max(after.unwrap_or_default());
    match max_age {
        Some(max_age) if age.saturating_add(wait) > max_age => None,
        _ => Some(wait),
    }
}

/// The schedule of connections of our own, until every lane asks its destination's policy.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Schedule(());

impl Schedule {
    /// See [`next`](fn@next).
    #[allow(clippy::unused_self)]
    pub(super) fn next(
        self,
        delivery: Uuid,
        attempt: u32,
        age: Duration,
        after: Option<Duration>,
    ) -> Option<Duration> {
        let policy = Policy::TRANSPORT;
        next(&policy.retry, policy.max_age, delivery, attempt, age, after)
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
        let retry = Retry::Backoff { first: SECOND, cap: SECOND * 60 };
        for attempt in 1..100 {
            let ceiling = SECOND * 2_u32.saturating_pow(attempt - 1).min(60);
            for id in 0..50 {
                let wait = next(&retry, None, Uuid::from_u128(id), attempt, SECOND, None).unwrap();
                assert!(wait <= ceiling && wait >= ceiling / 10, "{attempt}: {wait:?}");
            }
        }
    }

    #[test]
    fn there_are_as_many_retries_as_steps() {
        let Retry::Steps(steps) = Retry::STANDARD_WEBHOOKS else { panic!("steps are expected") };
        let wait = |attempt| {
            next(&Retry::STANDARD_WEBHOOKS, None, Uuid::from_u128(7), attempt, SECOND, None)
        };
        for (made, step) in (1..).zip(steps) {
            let wait = wait(made).unwrap();
            assert!(wait <= *step && wait >= *step / 10, "{made}: {wait:?}");
        }
        let made = u32::try_from(steps.len()).unwrap();
        assert_eq!((wait(made + 1), wait(u32::MAX)), (None, None));
    }

    #[test]
    fn deliveries_that_failed_together_do_not_return_together() {
        let retry = Retry::Backoff { first: SECOND * 60, cap: SECOND * 60 };
        let mut waits: Vec<Duration> = (0..100)
            .filter_map(|id| next(&retry, None, Uuid::from_u128(id), 1, SECOND, None))
            .collect();
        waits.sort();
        waits.dedup();
        assert!(waits.len() > 90);
    }

    #[test]
    fn what_the_other_side_asks_for_is_honoured_when_it_is_longer() {
        let retry = Retry::Backoff { first: SECOND, cap: SECOND };
        let next = |age, after| next(&retry, Some(SECOND * 100), Uuid::nil(), 1, age, Some(after));
        assert_eq!(next(SECOND, SECOND * 30), Some(SECOND * 30));
        assert!(next(SECOND, Duration::from_millis(1)).unwrap() >= SECOND / 10);
        assert_eq!(next(SECOND * 90, SECOND * 30), None, "too old by then");
        assert_eq!(next(SECOND * 70, SECOND * 30), Some(SECOND * 30), "just young enough");
    }
}
