//! The poller against an API that moves on while it reads, fails, and forgets.

mod fake;
mod random;

use serde_json::{Value, json};

use super::*;
use crate::event::{Draft, Kind};
use crate::provider::flowxo::drafts;
use crate::provider::flowxo::map::Map;
use fake::{Run, settings};

fn minutes(count: i64) -> jiff::SignedDuration {
    jiff::SignedDuration::from_mins(count)
}

#[test]
fn the_first_look_is_history_and_what_follows_is_not() {
    let mut run = Run::new(settings());
    run.fake.write("a", 3);
    run.fake.write("b", 2);
    run.fake.pass(minutes(1));
    run.quiet(minutes(1));
    assert_eq!(run.told("a"), run.fake.ids("a"));
    assert_eq!(run.told("b"), run.fake.ids("b"));
    assert!(run.events.iter().all(|it| it.historical));
    run.events.clear();
    run.fake.pass(minutes(10));
    run.fake.write("a", 1);
    run.fake.write("new", 2);
    run.quiet(minutes(1));
    assert_eq!(run.told("a"), run.fake.ids("a")[3..]);
    assert_eq!(run.told("new"), run.fake.ids("new"));
    assert!(run.events.iter().all(|it| !it.historical));
}

#[test]
fn a_question_carries_the_key_and_the_id_as_it_was_given() {
    let mut run = Run::new(settings());
    run.fake.write("a", 1);
    run.quiet(minutes(1));
    let urls: Vec<&str> = run.asked.iter().map(|it| &*it.url).collect();
    let base = "https://flowxo.example/api/conversations";
    assert_eq!(urls[0], format!("{base}?skip=0&limit=6"));
    assert!(urls.contains(&&*format!("{base}/bot%2Fc%2Fa/messages?skip=0&limit=6")), "{urls:?}");
    for asked in &run.asked {
        assert_eq!(asked.method, "GET");
        let key = asked.headers.iter().find(|it| it.0 == "authorization").unwrap();
        assert_eq!(key.1, Secret::new("Bearer eyJ.key"));
    }
}

#[test]
fn a_small_budget_is_shared_by_what_is_new_and_what_is_old() {
    let budget = Rate { count: 4, per: Duration::from_mins(1) };
    let mut run = Run::new(Settings { budget, ..settings() });
    for name in 0..4 {
        run.fake.write(&name.to_string(), 8);
    }
    run.quiet(minutes(20));
    for name in ["0", "1", "2", "3"] {
        assert_eq!(run.told(name), run.fake.ids(name));
    }
}

#[test]
fn nothing_is_asked_twice_for_nothing() {
    let mut run = Run::new(settings());
    run.fake.write("a", 1);
    run.fake.pass(minutes(600));
    run.quiet(minutes(10));
    // The list's head every 15 seconds, a sweep every 5 minutes, and the conversation once.
    assert!((40..50).contains(&run.asked.len()), "{}", run.asked.len());
    let messages = run.asked.iter().filter(|it| it.url.contains("/messages")).count();
    assert_eq!(messages, 1);
}

#[test]
fn news_are_told_before_what_is_old() {
    let mut run = Run::new(settings());
    run.fake.write("live", 1);
    run.quiet(minutes(1));
    for name in 0..50 {
        run.fake.write(&format!("old-{name}"), 30);
    }
    run.fake.pass(minutes(1));
    run.quiet(minutes(1));
    run.fake.write("live", 1);
    let before = run.times.len();
    while run.told("live").len() < 2 {
        run.step();
    }
    assert!(run.times.len() - before < 60, "{} questions", run.times.len() - before);
    assert!(run.events.len() < 800, "history was still going on");
}

#[test]
fn a_live_conversation_is_asked_by_itself_where_the_list_hides_it() {
    let mut run = Run::new(settings());
    run.fake.by_name = true;
    for name in 0..40 {
        run.fake.write(&format!("a{name:02}"), 1);
    }
    run.fake.pass(minutes(60 * 48));
    run.fake.write("z", 1);
    run.quiet(minutes(8));
    for count in 2..6 {
        let wrote = run.fake.now;
        run.fake.write("z", 1);
        while run.told("z").len() < count {
            run.step();
        }
        let took = since(wrote, run.fake.now);
        assert!(took <= Duration::from_secs(40), "{took:?}");
        run.fake.pass(minutes(1));
    }
    let quiet = run.asked.iter().filter(|it| it.url.contains("a07/messages")).count();
    assert_eq!(quiet, 1);
}

#[test]
fn a_long_conversation_is_told_page_by_page_and_in_order() {
    let mut run = Run::new(settings());
    run.fake.write("a", 200);
    while run.told("a").len() < 100 {
        run.step();
        assert!(run.held() <= 16, "{} messages are held", run.held());
    }
    // Cut short in the middle: it goes on from what was told.
    run.crash();
    run.fake.write("a", 9);
    run.quiet(minutes(10));
    assert_eq!(run.told("a"), run.fake.ids("a"));
}

#[test]
fn history_goes_back_as_far_as_was_asked_for() {
    for (history, expected) in [(0, 0), (30, 2), (90, 5), (100_000, 30)] {
        let history = Some(Duration::from_mins(history));
        let mut run = Run::new(Settings { history, ..settings() });
        run.fake.write("a", 25);
        run.fake.pass(minutes(60));
        run.fake.write("a", 3);
        run.fake.pass(minutes(40));
        run.fake.write("a", 2);
        run.fake.pass(minutes(10));
        run.quiet(minutes(5));
        let all = run.fake.ids("a");
        assert_eq!(run.told("a"), all[all.len() - expected..], "{history:?}");
        run.fake.write("a", 1);
        run.quiet(minutes(1));
        assert_eq!(run.told("a").len(), expected + 1);
    }
}

#[test]
fn a_conversation_that_changes_hands_is_told_once() {
    let mut run = Run::new(settings());
    run.fake.write("a", 2);
    run.quiet(minutes(1));
    for (agent, expected) in [(true, "agent"), (false, "bot"), (true, "agent")] {
        run.events.clear();
        run.fake.pass(minutes(2));
        run.fake.get("a").agent_mode = agent;
        run.fake.write("a", 1);
        run.quiet(minutes(10));
        let handovers: Vec<&Draft> =
            run.events.iter().filter(|it| it.kind == Kind::HANDOVER_CHANGED).collect();
        assert_eq!(handovers.len(), 1);
        let handover = handovers[0].facts.handover.as_ref().unwrap();
        assert_eq!(handover.current.as_deref(), Some(expected));
    }
    // Nobody writes: it is noticed all the same.
    run.events.clear();
    run.fake.get("a").agent_mode = false;
    run.quiet(minutes(10));
    assert_eq!(run.events.len(), 1);
}

#[test]
fn a_message_that_turns_up_late_or_is_removed_harms_nobody() {
    let mut run = Run::new(settings());
    run.fake.write("a", 4);
    run.quiet(minutes(1));
    // Written before the last one, and stored after it was read.
    let late = fake::message("late", run.fake.now);
    run.fake.get("a").messages.insert(3, late);
    run.fake.write("a", 1);
    run.quiet(minutes(1));
    assert!(run.told("a").contains(&"late".to_owned()));
    // The one that was told last is gone.
    run.fake.get("a").messages.pop();
    run.fake.get("a").messages.pop();
    run.fake.write("a", 2);
    run.events.clear();
    run.quiet(minutes(1));
    let all = run.fake.ids("a");
    assert_eq!(run.told("a"), all[all.len() - 2..]);
}

#[test]
fn one_conversation_that_fails_does_not_hold_up_the_others() {
    let mut run = Run::new(settings());
    run.fake.write("a", 1);
    run.fake.write("b", 1);
    run.fake.get("b").failing = Some(500);
    run.quiet(minutes(5));
    assert_eq!(run.told("a").len(), 1);
    assert!(run.problems.len() > 2, "it is tried again");
    assert!(run.problems.len() < 8, "and not all the time: {}", run.problems.len());
    run.fake.get("b").failing = None;
    run.quiet(minutes(20));
    assert_eq!(run.told("b"), run.fake.ids("b"));
}

#[test]
fn a_conversation_that_is_gone_is_no_problem() {
    let mut run = Run::new(settings());
    run.fake.write("a", 1);
    run.fake.get("a").failing = Some(404);
    run.quiet(minutes(5));
    assert_eq!(run.problems, []);
    run.fake.get("a").failing = None;
    run.quiet(minutes(30));
    assert_eq!(run.told("a").len(), 1);
}

#[test]
fn an_account_that_is_refused_says_so_in_flow_xo_s_words() {
    let poller = || Transcripts::new(settings(), Vec::new());
    for (status, body, message) in [
        (401, r#"{"error":"Invalid token"}"#, "Invalid token"),
        (403, r#"{"error":{"message":"Not the owner"}}"#, "Not the owner"),
        (500, "<html>oops</html>", "<html>oops</html>"),
        (200, r#"{"total":0}"#, "the answer is no list of conversations"),
        (200, "nonsense", "the answer is no list of conversations"),
        (429, r#"{"message":"Slow down"}"#, "Slow down"),
    ] {
        let mut poller = poller();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let Turn::Ask(first) = poller.next(now) else { panic!("nothing is asked") };
        let headers = vec![("retry-after".to_owned(), "30".to_owned())];
        let response = Response { status, headers, body: body.into() };
        let problem = poller.read(&response, now).unwrap_err();
        assert_eq!((problem.status, &*problem.message), (status, message));
        if status == 429 {
            assert_eq!(problem.retry_after, Some(Duration::from_secs(30)));
        }
        let Turn::Ask(again) = poller.next(now) else { panic!("not asked again") };
        assert_eq!(again.url, first.url);
    }
}

#[test]
fn an_answer_with_strange_elements_costs_its_neighbours_nothing() {
    let mut run = Run::new(settings());
    run.fake.write("a", 2);
    run.fake.strange = vec![json!(null), json!({}), json!("odd"), json!({ "id": {} })];
    run.quiet(minutes(5));
    assert_eq!(run.told("a"), run.fake.ids("a"));
    assert_eq!(run.told("").len(), 0);
    let unmapped = run.events.iter().filter(|it| it.kind == crate::provider::flowxo::UNMAPPED);
    assert_eq!(unmapped.count(), 4);
}

#[test]
fn progress_tells_how_far_it_is() {
    let mut run = Run::new(settings());
    for name in ["a", "b", "c"] {
        run.fake.write(name, 40);
    }
    run.quiet(minutes(3));
    let progress = run.poller.progress(run.fake.now);
    assert_eq!((progress.known, progress.read, progress.live), (3, 3, 3));
    assert!(progress.stalest.unwrap() <= Duration::from_secs(20), "{progress:?}");
    run.fake.pass(minutes(60));
    assert_eq!(run.poller.progress(run.fake.now).live, 0);
}

#[test]
fn cursors_that_cannot_be_read_begin_anew() {
    for value in [None, Some(b"nonsense".to_vec()), Some(Vec::new())] {
        let cursor = |key: &str| Cursor { key: key.to_owned(), value: value.clone() };
        let cursors = vec![cursor(BEGAN), cursor("conversation:bot/c/a"), cursor("other")];
        let mut run = Run::new(settings());
        run.fake.write("a", 2);
        run.poller = Transcripts::new(settings(), cursors);
        run.quiet(minutes(1));
        assert_eq!(run.told("a"), run.fake.ids("a"));
    }
}

#[test]
fn what_was_sent_is_kept_byte_by_byte() {
    let mut run = Run::new(settings());
    run.fake.write("a", 1);
    run.quiet(minutes(1));
    let body = run.bodies[0].clone();
    let text = std::str::from_utf8(&body).unwrap();
    assert!(text.contains(r#""text":  "caf\u00e9""#), "{text}");
    let _: Value = serde_json::from_slice(&body).unwrap();
    let raw = &body[drafts(&body, false, None, &Map::default())[0].raw.clone()];
    assert!(raw.starts_with(br#"{ "id""#));
}
