//! How often a conversation is looked at, by how long it has been quiet. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Quiet for less than this, a conversation is live.
const LIVE: Duration = Duration::from_mins(5);

/// Quiet for longer than this, only the list tells of it.
const QUIET: Duration = Duration::from_hours(24);

/// The period of a conversation that has been quiet for so long: the shortest while it is live, a
/// twentieth of the silence afterwards, and none after a day.
pub(super) fn period(every: Duration, quiet: Duration) -> Option<Duration> {
    match quiet {
        _ if quiet < LIVE => Some(every),
        _ if quiet < QUIET => Some(every.max(quiet / 20)),
        _ => None,
    }
}

/// How long to leave alone what failed so many times in a row.
pub(super) fn penalty(every: Duration, failures: u32) -> Duration {
    const MOST: Duration = Duration::from_mins(15);
    every.saturating_mul(2_u32.saturating_pow(failures.min(16))).min(MOST)
}

/// The moment so long after another.
pub(super) fn after(at: Timestamp, length: Duration) -> Timestamp {
    SignedDuration::try_from(length)
        .ok()
        .and_then(|it| at.checked_add(it).ok())
        .unwrap_or(Timestamp::MAX)
}

/// From one moment to a later one; nothing where it is not later.
pub(super) fn since(from: Timestamp, to: Timestamp) -> Duration {
    to.duration_since(from).try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_period_is_short_while_somebody_writes_and_grows_with_the_silence() {
        let every = Duration::from_secs(15);
        for (quiet, expected) in [
            (0, Some(15)),
            (299, Some(15)),
            (300, Some(15)),
            (600, Some(30)),
            (3_600, Some(180)),
            (86_399, Some(4_319)),
            (86_400, None),
            (u64::MAX, None),
        ] {
            let period = period(every, Duration::from_secs(quiet)).map(|it| it.as_secs());
            assert_eq!(period, expected, "after {quiet} s");
        }
    }

    #[test]
    fn the_period_never_shrinks_with_the_silence() {
        for every in [1, 15, 600] {
            let every = Duration::from_secs(every);
            let periods = (0..1_440).filter_map(|it| period(every, Duration::from_mins(it)));
            assert!(periods.collect::<Vec<_>>().is_sorted());
        }
    }

    #[test]
    fn what_fails_is_left_alone_for_longer_each_time() {
        let every = Duration::from_secs(15);
        let seconds = |failures| penalty(every, failures).as_secs();
        assert_eq!([seconds(0), seconds(1), seconds(3), seconds(99)], [15, 30, 120, 900]);
    }
}
