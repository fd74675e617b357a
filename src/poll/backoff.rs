//! When to ask again after something went wrong: exponential backoff with full jitter. Pure.

use std::time::Duration;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// No answer, half an answer, or one that says it did not work.
    Failed,
    /// Too much was asked.
    Busy,
    /// The credentials are not, or no longer, good. Only a person can help.
    Refused,
}

impl Trouble {
    /// By the status that counts.
    pub(super) fn of(status: u16) -> Self {
        match status {
            401 | 403 => Self::Refused,
            429 => Self::Busy,
            _ => Self::Failed,
        }
    }

    /// The word for metrics.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Busy => "busy",
            Self::Refused => "refused",
        }
    }

    /// The longest first wait, and the longest of all.
    fn bounds(self) -> (Duration, Duration) {
        match self {
            // One lost call says little; the next few say more.
            Self::Failed => (Duration::from_millis(250), Duration::from_mins(1)),
            Self::Busy => (Duration::from_secs(1), Duration::from_mins(1)),
            Self::Refused => (Duration::from_mins(1), Duration::from_mins(10)),
        }
    }
}

/// Nobody is asked again sooner, whatever they say.
const SHORTEST: Duration = Duration::from_millis(20);

/// The longest that the other side may ask for.
const LONGEST: Duration = Duration::from_hours(1);

/// How long to wait after so many failures in a row, at least one. `after` is what the other side
/// asked for: it says when it is there again, so no doubling is needed. `random` lies between 0
/// and 1.
pub(super) fn wait(
    trouble: Trouble,
    failures: u32,
    after: Option<Duration>,
    random: f64,
) -> Duration {
    let (base, cap) = trouble.bounds();
    let doubled = base.saturating_mul(1_u32.checked_shl(failures - 1).unwrap_or(u32::MAX));
    // Never nothing: a tenth of the ceiling at least.
    let jittered = doubled.min(cap).mul_f64(0.1 + 0.9 * random.clamp(0.0, 1.0));
    match after {
        // A little later than asked, so that not everybody comes at once.
        Some(after) if trouble != Trouble::Refused => {
            after.min(LONGEST) + SHORTEST.mul_f64(1.0 + random)
        }
        Some(after) => jittered.max(after.min(LONGEST)),
        None => jittered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn waits_double_up_to_a_minute_and_never_vanish() {
        for (trouble, first) in [(Trouble::Failed, SECOND / 4), (Trouble::Busy, SECOND)] {
            for failures in 1..200 {
                let doubled = first.saturating_mul(2_u32.saturating_pow(failures - 1));
                let ceiling = doubled.min(SECOND * 60);
                for random in [0.0, 0.3, 1.0] {
                    let wait = wait(trouble, failures, None, random);
                    assert!(wait <= ceiling && wait >= ceiling / 11, "{failures}: {wait:?}");
                }
            }
        }
    }

    #[test]
    fn a_refused_credential_is_tried_every_few_minutes() {
        assert!(wait(Trouble::Refused, 1, None, 0.5) > 30 * SECOND);
        let late = wait(Trouble::Refused, 50, None, 0.5);
        assert!(late > 300 * SECOND && late < 600 * SECOND, "{late:?}");
        assert!(wait(Trouble::Refused, 1, Some(SECOND), 0.5) > 30 * SECOND);
    }

    #[test]
    fn what_the_other_side_asks_for_is_honoured() {
        for (after, shortest, longest) in [(0, 0, 1), (1, 1, 2), (30, 30, 31), (90_000, 3600, 3601)]
        {
            let wait = wait(Trouble::Busy, 9, Some(SECOND * after), 1.0);
            assert!(wait > SECOND * shortest && wait < SECOND * longest, "{after}: {wait:?}");
        }
    }
}
