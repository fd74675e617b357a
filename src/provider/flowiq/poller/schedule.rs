//! Which conversation is asked next.

use std::time::Duration;

/// For how long after its last message a conversation is alive.
const ALIVE: Duration = Duration::from_mins(5);

/// Of this many turns, three go to what was never read and one to what is quiet, whatever else is due: a
/// first run ends although the conversations that are alive could use up the whole budget.
const TURNS: u64 = 8;

/// By how many of its periods one that is alive must be late to come before one in which something
/// happened.
const HEAT: f64 = 10.0;

/// More than any lateness, in seconds too.
const UNSEEN: f64 = 1e12;

/// How long a conversation rests between two visits, by how long ago something happened in it.
pub(super) fn period(quiet: Duration, every: Duration, idle: Duration) -> Duration {
    // Alive for five minutes at the shortest period; then twice as rarely when twice as quiet.
    let factor = quiet.as_secs_f64() / ALIVE.as_secs_f64();
    every.mul_f64(factor.clamp(1.0, 1e6)).min(idle)
}

/// How a conversation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stand {
    /// Its record changed, or a visit is under way: something is known to be there.
    pub(super) hot: bool,
    /// It was read to its end once.
    pub(super) read: bool,
    /// A visit is under way.
    pub(super) walking: bool,
    /// It cannot be read just now.
    pub(super) aside: Option<Duration>,
    /// How long ago it was visited; `None` since the start of the gateway.
    pub(super) visited: Option<Duration>,
    /// How long ago something happened in it.
    pub(super) quiet: Duration,
}

/// What is to be done about the conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pick<Key> {
    /// Visit this one.
    Visit(Key),
    /// Nothing is due for so long.
    Rest(Duration),
}

/// Chooses among conversations. Those in which something happened or that are alive come first, then
/// those that were never read, then the quiet ones; of each, whichever is latest by its own period.
/// Every other turn it is the other way round, so that nobody waits for ever.
pub(super) fn pick<Key: Copy>(
    stands: impl Iterator<Item = (Key, Stand)>,
    turn: u64,
    every: Duration,
    idle: Duration,
) -> Pick<Key> {
    let (mut urgent, mut unread, mut quiet) = (None, None, None);
    let mut rest = idle;
    let better = |best: &mut Option<(f64, Key)>, rank: f64, key| {
        if best.as_ref().is_none_or(|it| rank > it.0) {
            *best = Some((rank, key));
        }
    };
    for (key, it) in stands {
        if let Some(aside) = it.aside {
            rest = rest.min(aside);
            continue;
        }
        let period = period(it.quiet, every, idle);
        let quietness = it.quiet.as_secs_f64();
        // Since the start nobody looked: the liveliest first.
        let late = it
            .visited
            .map_or(UNSEEN - quietness, |ago| ago.as_secs_f64() / period.as_secs_f64().max(1e-3));
        if it.hot {
            better(&mut urgent, late + HEAT, key);
        } else if !it.read {
            // One that was begun is ended first.
            better(&mut unread, if it.walking { 1.0 } else { -quietness }, key);
        } else if late >= 1.0 || it.visited.is_none() {
            better(if period == every { &mut urgent } else { &mut quiet }, late, key);
        } else {
            rest = rest.min(period.saturating_sub(it.visited.unwrap_or_default()));
        }
    }
    let order = match turn % TURNS {
        1 | 3 | 5 => [unread, urgent, quiet],
        7 => [quiet, unread, urgent],
        _ => [urgent, unread, quiet],
    };
    order.into_iter().flatten().next().map_or(Pick::Rest(rest), |it| Pick::Visit(it.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(15);
    const IDLE: Duration = Duration::from_mins(10);

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    fn stand(visited: u64, quiet: u64) -> Stand {
        Stand {
            hot: false,
            read: true,
            walking: false,
            aside: None,
            visited: Some(Duration::from_secs(visited)),
            quiet: minutes(quiet),
        }
    }

    fn chosen(stands: &[Stand], turn: u64) -> Pick<usize> {
        pick(stands.iter().copied().enumerate(), turn, EVERY, IDLE)
    }

    #[test]
    fn what_is_quiet_is_asked_more_rarely_and_never_less_than_idle() {
        for (quiet, expected) in [(0, 15), (5, 15), (10, 30), (60, 180), (200, 600), (90_000, 600)]
        {
            assert_eq!(period(minutes(quiet), EVERY, IDLE).as_secs(), expected, "{quiet} minutes");
        }
        assert_eq!(period(Duration::MAX, EVERY, IDLE), IDLE);
    }

    #[test]
    fn where_something_happened_comes_first_then_what_is_latest_by_its_own_measure() {
        let late = [stand(700, 1_000), stand(20, 0), stand(100, 0), stand(500, 1_000)];
        assert_eq!(chosen(&late, 0), Pick::Visit(2));
        let hot = [stand(700, 1_000), Stand { hot: true, ..stand(1, 0) }];
        assert_eq!(chosen(&hot, 0), Pick::Visit(1));
        let none = [stand(5, 0), stand(590, 1_000)];
        assert_eq!(chosen(&none, 0), Pick::Rest(Duration::from_secs(10)));
        let unseen = |quiet| Stand { visited: None, ..stand(0, quiet) };
        assert_eq!(chosen(&[unseen(3), unseen(1), stand(16, 0)], 0), Pick::Visit(1));
        let very_late = [Stand { hot: true, ..stand(1, 0) }, stand(600, 0)];
        assert_eq!(chosen(&very_late, 0), Pick::Visit(1), "nobody waits for ever");
        let busy = [stand(700, 1_000), stand(20, 0)];
        assert_eq!(chosen(&busy, 7), Pick::Visit(0), "nor do the quiet");
    }

    #[test]
    fn a_first_run_goes_on_while_others_are_due_and_does_not_keep_them_waiting() {
        let unread = Stand { read: false, visited: None, ..stand(0, 9) };
        let begun = Stand { walking: true, ..unread };
        let stands = [Stand { hot: true, ..stand(1, 0) }, unread, begun];
        let turns: Vec<_> = (0..8).map(|turn| chosen(&stands, turn)).collect();
        let live = turns.iter().filter(|it| **it == Pick::Visit(0)).count();
        assert_eq!((live, turns[1], turns[7]), (4, Pick::Visit(2), Pick::Visit(2)));
        let stands = [stand(900, 1_000), unread];
        let turns = (0..8).map(|turn| chosen(&stands, turn));
        assert_eq!(turns.filter(|it| *it == Pick::Visit(0)).count(), 1, "the quiet can wait");
        assert_eq!(chosen(&stands[1..2], 0), Pick::Visit(0), "nothing else is due");
    }

    #[test]
    fn what_cannot_be_read_does_not_hold_up_the_others() {
        let aside = Stand { aside: Some(Duration::from_secs(3)), ..stand(700, 0) };
        assert_eq!(chosen(&[aside, stand(20, 0)], 0), Pick::Visit(1));
        assert_eq!(chosen(&[aside], 0), Pick::Rest(Duration::from_secs(3)));
    }
}
