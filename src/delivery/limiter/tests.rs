//! What limits hold, whatever comes and whatever stops.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::config::Rate;
use crate::journal::{Options, Sqlite};

fn limit(key: &str, count: u32, per: Duration, burst: u32) -> Limit {
    Limit { key: key.into(), rate: Rate { count, per }, burst }
}

fn start() -> Timestamp {
    "2026-11-25T10:00:00Z".parse().unwrap()
}

fn seconds(it: i64) -> SignedDuration {
    SignedDuration::from_secs(it)
}

/// A limiter that knows of everything that was used: nothing.
fn fresh() -> Limiter {
    let limiter = Limiter::new(start());
    limiter.restore(Used::default());
    limiter
}

const MINUTE: Duration = Duration::from_mins(1);

/// Takes, and answers when it is worth asking again.
fn take(limiter: &Limiter, limits: &[Limit], now: Timestamp) -> Result<(), Timestamp> {
    limiter.take(limits, now).map_err(|it| it.until)
}

#[test]
fn calls_are_spaced_evenly_with_a_burst_at_first() {
    let (limiter, now) = (fresh(), start());
    let limits = [limit("bot", 30, MINUTE, 3)];
    for _ in 0..3 {
        assert_eq!(take(&limiter, &limits, now), Ok(()));
    }
    assert_eq!(take(&limiter, &limits, now), Err(now + seconds(2)));
    assert_eq!(take(&limiter, &limits, now + seconds(2)), Ok(()));
    assert_eq!(take(&limiter, &limits, now + seconds(3)), Err(now + seconds(4)));
    assert_eq!(take(&limiter, &[limit("other", 30, MINUTE, 1)], now), Ok(()));
    assert_eq!(take(&limiter, &[], now), Ok(()));
}

#[test]
fn a_call_counts_against_all_of_its_limits_or_none() {
    let (limiter, now) = (fresh(), start());
    let (fast, slow) = (limit("number", 60, MINUTE, 2), limit("contact", 10, MINUTE, 1));
    let both = [fast.clone(), slow.clone()];
    assert_eq!(take(&limiter, &both, now), Ok(()));
    assert_eq!(take(&limiter, &both, now), Err(now + seconds(6)), "the longest wait");
    assert_eq!(
        take(&limiter, std::slice::from_ref(&fast), now),
        Ok(()),
        "the refusal cost nothing"
    );
    assert_eq!(take(&limiter, &[fast], now), Err(now + seconds(1)));
    assert_eq!(take(&limiter, &[slow], now + seconds(6)), Ok(()));
}

#[test]
fn two_windows_of_one_key_are_counted_apart_and_one_that_is_named_twice_counts_twice() {
    let (limiter, now) = (fresh(), start());
    let windows = [limit("bot", 60, MINUTE, 60), limit("bot", 2, Duration::from_hours(1), 2)];
    assert_eq!(take(&limiter, &windows, now), Ok(()));
    assert_eq!(take(&limiter, &windows, now), Ok(()));
    assert_eq!(take(&limiter, &windows, now), Err(now + seconds(1800)));
    let twice = [limit("twice", 60, MINUTE, 3), limit("twice", 60, MINUTE, 3)];
    assert_eq!(take(&limiter, &twice, now), Ok(()));
    assert_eq!(take(&limiter, &twice, now), Err(now + seconds(1)));
}

#[test]
fn without_knowledge_of_the_time_before_nothing_bursts_into_it() {
    let (limiter, now) = (Limiter::new(start()), start());
    let limits = [limit("bot", 30, MINUTE, 5)];
    assert_eq!(take(&limiter, &limits, now), Err(now + seconds(2)));
    assert_eq!(take(&limiter, &limits, now + seconds(2)), Ok(()));
    assert_eq!(take(&limiter, &limits, now + seconds(2)), Err(now + seconds(4)));
    let limits = [limit("later", 30, MINUTE, 5)];
    for _ in 0..5 {
        assert_eq!(
            take(&limiter, &limits, now + seconds(60)),
            Ok(()),
            "nothing was used meanwhile"
        );
    }
}

#[test]
fn a_clock_that_is_put_back_holds_nobody_for_longer_than_a_burst() {
    let limiter = fresh();
    let limits = [limit("bot", 30, MINUTE, 2)];
    assert_eq!(take(&limiter, &limits, start()), Ok(()));
    let earlier = start() - SignedDuration::from_hours(5);
    assert_eq!(take(&limiter, &limits, earlier), Err(earlier + seconds(2)));
}

#[test]
fn odd_limits_do_no_harm() {
    let limiter = fresh();
    for odd in [
        limit("none", 0, MINUTE, 0),
        limit("no time", 1, Duration::ZERO, 1),
        limit("for ever", u32::MAX, Duration::MAX, u32::MAX),
        limit("once", 1, Duration::MAX, 9),
    ] {
        assert_eq!(take(&limiter, std::slice::from_ref(&odd), start()), Ok(()), "{odd:?}");
    }
    let many = limit("more than the rate", 2, MINUTE, 9);
    let taken =
        (0..9).filter(|_| take(&limiter, std::slice::from_ref(&many), start()).is_ok()).count();
    assert_eq!(taken, 2, "a burst is at most the whole of a window");
}

#[test]
fn keys_are_forgotten_once_they_may_burst_again_and_never_too_many_are_remembered() {
    let limiter = Limiter::with_capacity(start(), 3);
    limiter.restore(Used::default());
    let call = |key: i64, now| take(&limiter, &[limit(&key.to_string(), 1, MINUTE, 1)], now);
    for key in 0..3 {
        assert_eq!(call(key, start() + seconds(key)), Ok(()));
    }
    assert_eq!(call(3, start() + seconds(4)), Err(start() + seconds(60)), "the first to be free");
    assert_eq!(call(1, start() + seconds(61)), Ok(()), "a known key is not held up");
    assert_eq!(call(3, start() + seconds(61)), Ok(()));
    assert_eq!(call(0, start() + seconds(61)), Err(start() + seconds(62)));
    let soon = limit("soon", 60, MINUTE, 1);
    assert_eq!(take(&limiter, std::slice::from_ref(&soon), start() + seconds(62)), Ok(()));
    assert_eq!(call(0, start() + seconds(62)), Err(start() + seconds(63)), "a newer key is free");
    let limiter = fresh();
    for key in 0..10 * i64::try_from(FEW).unwrap() {
        let limits = [limit(&key.to_string(), 1, MINUTE, 1)];
        assert_eq!(take(&limiter, &limits, start() + seconds(key)), Ok(()));
    }
    assert!(limiter.used().due.len() <= FEW, "{}", limiter.used().due.len());
}

#[tokio::test]
async fn what_is_saved_is_gone_on_from_once() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Sqlite::open(&Options { directory: directory.path().into() }).unwrap();
    let now = start();
    let (used, unused) = ([limit("bot", 30, MINUTE, 2)], [limit("idle", 30, MINUTE, 2)]);
    let first = Limiter::new(now);
    first.load(&journal).await.unwrap();
    assert_eq!(take(&first, &used, now + seconds(30)), Ok(()));
    assert_eq!(take(&first, &used, now + seconds(30)), Ok(()));
    first.save(&journal).await.unwrap();

    let second = Limiter::new(now + seconds(31));
    second.load(&journal).await.unwrap();
    assert_eq!(take(&second, &used, now + seconds(31)), Err(now + seconds(32)));
    for _ in 0..2 {
        assert_eq!(take(&second, &unused, now + seconds(31)), Ok(()), "known to be unused");
    }

    // It was killed, and has saved nothing.
    let third = Limiter::new(now + seconds(32));
    third.load(&journal).await.unwrap();
    assert_eq!(take(&third, &unused, now + seconds(32)), Err(now + seconds(34)));
    journal.close().await;
}

/// What happens next, and how many milliseconds later.
#[derive(Clone, Debug)]
enum Step {
    Call(Vec<usize>),
    /// Calls at the very moment that a refusal named.
    Patient(Vec<usize>),
    Stop,
    Kill,
}

fn step() -> impl Strategy<Value = (u64, Step)> {
    let which = || proptest::collection::vec(0..3_usize, 1..4);
    let step = prop_oneof![
        20 => which().prop_map(Step::Call),
        4 => which().prop_map(Step::Patient),
        1 => Just(Step::Stop),
        1 => Just(Step::Kill),
    ];
    (prop_oneof![3 => Just(0), 3 => 0..300_u64, 1 => 0..5_000_u64], step)
}

fn limits() -> impl Strategy<Value = Vec<Limit>> {
    let one = (1..20_u32, 200..5_000_u64, 1..8_u32);
    proptest::collection::vec(one, 3).prop_map(|it| {
        let limit = |(at, (count, per, burst)): (usize, _)| {
            limit(&at.to_string(), count, Duration::from_millis(per), burst)
        };
        it.into_iter().enumerate().map(limit).collect()
    })
}

proptest! {
    #[test]
    fn no_window_holds_more_than_the_limit_across_stops_and_kills(
        limits in limits(),
        steps in proptest::collection::vec(step(), 1..300),
    ) {
        let (mut limiter, mut now) = (Limiter::new(start()), start());
        let mut made: Vec<Vec<Timestamp>> = vec![Vec::new(); limits.len()];
        for (later, step) in steps {
            now += SignedDuration::try_from(Duration::from_millis(later)).unwrap();
            match step {
                Step::Call(which) | Step::Patient(which) if which.is_empty() => {}
                Step::Call(ref which) | Step::Patient(ref which) => {
                    let asked: Vec<Limit> = which.iter().map(|&it| limits[it].clone()).collect();
                    let mut answer = take(&limiter, &asked, now);
                    let distinct = which.iter().enumerate().all(|(at, it)| !which[..at].contains(it));
                    if let (Step::Patient(_), Err(until), true) = (&step, answer, distinct) {
                        prop_assert!(until > now);
                        let just_before = until - SignedDuration::from_nanos(1);
                        prop_assert!(take(&limiter, &asked, just_before).is_err());
                        now = until;
                        answer = take(&limiter, &asked, now);
                        prop_assert_eq!(answer, Ok(()));
                    }
                    if answer.is_ok() {
                        for &it in which {
 made[it].push(now);
}
                    }
                }
                Step::Stop => {
                    let next = Limiter::new(now);
                    next.restore(limiter.used());
                    limiter = next;
                }
                Step::Kill => limiter = Limiter::new(now),
            }
        }
        for (limit, made) in limits.iter().zip(made) {
            let per = SignedDuration::try_from(limit.rate.per).unwrap();
            let most = limit.rate.count + limit.burst.min(limit.rate.count) - 1;
            for (at, first) in made.iter().enumerate() {
                let inside = made[at..].iter().take_while(|it| **it < *first + per).count();
                prop_assert!(inside <= usize::try_from(most).unwrap(), "{} in {:?}", inside, limit);
            }
        }
    }
}
