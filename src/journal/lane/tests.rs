//! The order, the window, bursts and what takes their place.

use std::time::Duration;

use super::*;
use crate::router::Collect;

/// A window's worth of positions.
const FULL: i64 = 8_192;

fn entry(position: i64, conversation: u128) -> Entry {
    Entry {
        position,
        sequence: position.unsigned_abs(),
        conversation: Some(Uuid::from_u128(conversation)),
        route: "r".into(),
        index: 0,
        attempts: 0,
        due: 0,
        since: 0,
        state: State::Waiting,
        call: None,
        collect: None,
    }
}

fn positions(runs: &[Run]) -> Vec<i64> {
    runs.iter().flat_map(|it| &it.entries).map(|it| it.position).collect()
}

#[test]
fn an_ordered_lane_hands_out_the_head_of_each_conversation_only() {
    let mut lane = Lane::new(Order::Conversation, 0);
    for (position, conversation) in [(1, 1), (2, 1), (3, 2), (4, 1)] {
        lane.written(entry(position, conversation));
    }
    assert_eq!(positions(&lane.lease(10, 5)), [1, 3]);
    assert_eq!(positions(&lane.lease(10, 5)), [0_i64; 0]);
    lane.again(1, 100);
    lane.remove(3);
    assert_eq!(positions(&lane.lease(10, 5)), [0_i64; 0], "a retrying head holds its place");
    assert_eq!(positions(&lane.lease(10, 100)), [1]);
    lane.remove(1);
    assert_eq!(positions(&lane.lease(10, 100)), [2]);
    lane.release(2);
    assert_eq!(positions(&lane.lease(10, 100)), [2]);
    lane.defer(2, 200);
    assert_eq!(positions(&lane.lease(10, 199)), [0_i64; 0]);
    let deferred = lane.lease(10, 200);
    assert_eq!((positions(&deferred), deferred[0].entries[0].attempts), (vec![2], 0));
    lane.remove(2);
    assert_eq!(positions(&lane.lease(10, 100)), [4]);
    lane.remove(4);
    assert_eq!((lane.pending, lane.settled), (0, 4));
}

#[test]
fn an_unordered_lane_lets_others_pass_a_retry() {
    let mut lane = Lane::new(Order::None, 0);
    for position in 1..=3 {
        lane.written(entry(position, 1));
    }
    assert_eq!(positions(&lane.lease(2, 5)), [1, 2]);
    lane.again(1, 100);
    assert_eq!(positions(&lane.lease(10, 5)), [3]);
    assert_eq!(lane.next_due(), Some(100));
}

#[test]
fn many_that_are_tried_again_do_not_hide_the_others() {
    let mut lane = Lane::new(Order::None, 0);
    let total = 2 * FULL;
    for position in 1..=total {
        lane.written(entry(position, 1));
    }
    for it in lane.lease(WINDOW, 5) {
        lane.again(it.entries[0].position, 1_000_000);
    }
    let (after, room) = lane.wants().expect("retries leave room");
    assert_eq!((after, room), (FULL, WINDOW));
    lane.read((after + 1..=total).map(|it| entry(it, 1)).collect(), false);
    assert_eq!(lane.lease(WINDOW, 5).len(), WINDOW);
}

#[test]
fn what_was_read_before_it_was_told_is_held_once() {
    let mut lane = Lane::new(Order::None, 1);
    let (after, _) = lane.wants().expect("one lies in the store");
    assert_eq!(after, i64::MIN);
    // A second was committed, and is read before the lane is told of it.
    lane.read(vec![entry(1, 1), entry(2, 1)], false);
    assert_eq!(lane.lease(10, 5).len(), 2);
    lane.written(entry(2, 1));
    assert!(lane.lease(10, 5).is_empty(), "it is leased already");
    assert_eq!(lane.pending, 2);
}

#[test]
fn what_does_not_fit_the_window_is_read_from_the_store_later() {
    let mut lane = Lane::new(Order::None, 0);
    let total = FULL + 10;
    for position in 1..=total {
        lane.written(entry(position, 1));
    }
    assert_eq!(lane.pending, total.unsigned_abs());
    assert!(lane.wants().is_none(), "the window is full");
    for it in lane.lease(WINDOW, 5) {
        lane.remove(it.entries[0].position);
    }
    let (after, _) = lane.wants().expect("there is room and more to read");
    assert_eq!(after, FULL);
    lane.read((after + 1..=total).map(|it| entry(it, 1)).collect(), false);
    assert_eq!(lane.lease(100, 5).len(), 10);
    assert!(lane.wants().is_none());
}

const SECOND: i64 = 1_000_000;

fn collected(position: i64, since: i64, supersede: bool) -> Entry {
    let collect = Collect { messages: 4, supersede, ..Collect::after(Duration::from_secs(3)) };
    Entry {
        since: since * SECOND,
        due: since * SECOND,
        collect: Some(collect),
        ..entry(position, 1)
    }
}

#[test]
fn a_burst_is_one_run_once_it_is_over() {
    let mut lane = Lane::new(Order::Conversation, 0);
    for (position, since) in [(1, 0), (2, 1), (3, 3)] {
        lane.written(collected(position, since, false));
    }
    assert_eq!(lane.next_due(), Some(6 * SECOND), "quiet for three seconds after the last");
    assert!(lane.lease(10, 6 * SECOND - 1).is_empty());
    let runs = lane.lease(10, 6 * SECOND);
    assert_eq!((runs.len(), positions(&runs)), (1, vec![1, 2, 3]));
    // What comes meanwhile waits for its own burst.
    lane.written(collected(4, 7, false));
    assert!(lane.lease(10, 100 * SECOND).is_empty());
    for position in 1..=3 {
        lane.remove(position);
    }
    assert_eq!(lane.next_due(), Some(10 * SECOND));
}

#[test]
fn a_burst_that_does_not_end_is_cut_by_time_and_by_number() {
    let mut lane = Lane::new(Order::Conversation, 0);
    for (position, since) in [(1, 0), (2, 2), (3, 4)] {
        lane.written(collected(position, since, false));
    }
    assert_eq!(lane.next_due(), Some(7 * SECOND));
    lane.written(collected(4, 6, false));
    assert_eq!(lane.next_due(), Some(0), "four have come");
    assert_eq!(positions(&lane.lease(10, 6 * SECOND)), [1, 2, 3, 4]);

    let mut lane = Lane::new(Order::Conversation, 0);
    for (position, since) in [(1, 0), (2, 11)] {
        lane.written(collected(position, since, false));
    }
    assert_eq!(lane.next_due(), Some(12 * SECOND), "at the latest after the whole time");
}

#[test]
fn members_of_a_call_stay_together() {
    let mut lane = Lane::new(Order::Conversation, 0);
    let call = Uuid::from_u128(7);
    for position in [1, 2] {
        lane.written(collected(position, 0, false));
    }
    assert_eq!(positions(&lane.lease(10, 3 * SECOND)), [1, 2]);
    for position in [1, 2] {
        lane.join(position, call);
    }
    lane.written(collected(3, 4, false));
    for position in [1, 2] {
        lane.again(position, 20 * SECOND);
    }
    assert!(lane.lease(10, 19 * SECOND).is_empty(), "the call keeps its place");
    assert_eq!(positions(&lane.lease(10, 20 * SECOND)), [1, 2], "frozen");
}

#[test]
fn what_comes_while_an_answer_is_awaited_takes_its_place_if_the_route_says_so() {
    for supersede in [true, false] {
        let mut lane = Lane::new(Order::Conversation, 0);
        let call = Uuid::from_u128(7);
        lane.written(collected(1, 0, supersede));
        assert_eq!(positions(&lane.lease(10, 3 * SECOND)), [1]);
        lane.wait(1, 60 * SECOND, call);
        lane.written(collected(2, 10, supersede));
        let expected = if supersede { 13 } else { 60 };
        assert_eq!(lane.next_due(), Some(expected * SECOND));
        let runs = lane.lease(10, expected * SECOND);
        let (members, superseded) =
            if supersede { (vec![1, 2], Some(call)) } else { (vec![1], None) };
        assert_eq!((positions(&runs), runs[0].supersedes), (members, superseded));
    }
}

#[test]
fn what_is_tried_again_after_it_was_given_up_goes_ahead_of_what_waits() {
    let mut lane = Lane::new(Order::Conversation, 0);
    for position in 2..=4 {
        lane.written(entry(position, 1));
    }
    assert_eq!(positions(&lane.lease(10, 5)), [2]);
    // 1 was dead, and is written again; -5 is a replay.
    lane.written(entry(1, 1));
    lane.written(entry(-5, 1));
    let (after, _) = lane.wants().expect("they lie in the store");
    assert_eq!(after, -6);
    lane.read([-5, 1, 2, 3, 4].map(|it| entry(it, 1)).into(), false);
    assert!(lane.lease(10, 5).is_empty(), "one of the conversation is on its way");
    lane.remove(2);
    for expected in [-5, 1, 3, 4] {
        assert_eq!(positions(&lane.lease(10, 5)), [expected]);
        lane.remove(expected);
    }
    assert_eq!((lane.pending, lane.settled), (0, 5));
}

#[test]
fn a_dead_head_that_holds_lets_nobody_pass_until_it_is_settled() {
    let mut lane = Lane::new(Order::Conversation, 0);
    for (position, conversation) in [(1, 1), (2, 1), (3, 2)] {
        lane.written(entry(position, conversation));
    }
    assert_eq!(positions(&lane.lease(10, 5)), [1, 3]);
    lane.hold(1);
    lane.remove(3);
    assert!(lane.lease(10, NEVER - 1).is_empty());
    assert_eq!(lane.next_due(), None);
    lane.hasten(6);
    assert!(lane.lease(10, 6).is_empty(), "a pause that ends does not wake the dead");
    lane.remove(1);
    assert_eq!(positions(&lane.lease(10, 6)), [2]);
}
