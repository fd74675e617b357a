//! What answers mean, against the table and the simulator.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{BASE, PAGE, plain, simulator, tagging, with};
use crate::client::Simulator;
use crate::destination::example::{body, made, means, now};
use crate::destination::{Call, Outcome, Scope, Standing};
use crate::http::Unanswered;

#[test]
fn every_answer_means_what_the_table_says() {
    let meta = "said by Meta";
    let retry = |reason: &str, seconds: Option<u64>| Outcome::Retry {
        reason: reason.to_owned(),
        after: seconds.map(Duration::from_secs),
    };
    let scopes = plain().scopes(&with(Value::Null));
    let [token, account] = &scopes[..] else { panic!("{scopes:?}") };
    assert_eq!(*account, Scope::Account(PAGE.to_owned()));
    let hour = Some(Duration::from_hours(1));
    let paused = |reason: &str, duration| Outcome::pause(token.clone(), reason, duration);
    let window = |subcode: i64| {
        Outcome::refused(format!(
            "outside the 24-hour window: {meta} (10/{subcode}); `outside_window` can name a tag"
        ))
    };
    let never = |code: i64, subcode: i64| Outcome::refused(format!("{meta} ({code}/{subcode})"));
    let expired = "Error validating access token ***: it has expired (190/463)";
    let expected = [
        ("sent", Outcome::received("m_AG5Hz2U")),
        ("shown", Outcome::delivered()),
        ("sent, told strangely", Outcome::delivered()),
        ("unknown error", retry(meta, None)),
        ("service unavailable", retry(meta, Some(7))),
        ("time-out", retry(meta, None)),
        ("temporary failure", retry(meta, None)),
        ("limit of the app", retry(meta, Some(60))),
        ("limit of the user", retry(meta, Some(60))),
        ("limit of the page", retry(meta, Some(60))),
        ("limit of the account", retry(meta, Some(60))),
        ("limit of a call", retry(meta, Some(9))),
        ("limit of the page's calls", retry(meta, Some(60))),
        ("limit of Instagram", retry(meta, Some(180))),
        ("limit of Messenger", retry(meta, Some(60))),
        ("no session", paused(meta, None)),
        ("session ended", paused(meta, None)),
        ("token missing", paused(meta, None)),
        ("token expired", paused(expired, None)),
        ("capability missing", paused(meta, hour)),
        ("permission missing", paused(meta, hour)),
        ("permission of pages missing", paused(meta, hour)),
        ("permission pages_messaging missing", paused(meta, hour)),
        ("no tester", never(200, 2_018_028)),
        ("no tester of numbers", never(200, 2_018_027)),
        ("numbers not permitted", never(200, 2_018_021)),
        ("another app has the thread", never(10, 2_018_300)),
        ("window", window(2_018_278)),
        ("window, older", window(2_018_065)),
        ("window, Instagram", window(2_534_022)),
        ("person does not receive", never(10, 2_018_108)),
        ("person not available", never(551, 1_545_041)),
        ("person not available, as a permission", never(200, 1_545_041)),
        ("policies", Outcome::pause(account.clone(), meta, hour)),
        ("nobody of that id", never(100, 2_018_001)),
        ("attachment too large", never(100, 2_018_109)),
        ("file not fetched", retry("said by Meta (100/2018008)", None)),
        ("file not taken", retry("said by Meta (100/2018047)", None)),
        ("request passes", retry(meta, None)),
        ("account linking", Outcome::refused(meta)),
        ("never heard of", Outcome::refused("400: said by Meta")),
        ("never heard of, passes", retry("400: said by Meta", None)),
        ("too many", retry("429: it did not say why", Some(30))),
        ("bad gateway", retry("502: it did not say why", None)),
        ("unauthorised by a proxy", paused("401: it did not say why", None)),
        ("not found", Outcome::refused("404: it did not say why")),
        ("error with a good status", Outcome::refused(meta)),
    ];
    let fixture = include_str!("../fixtures/answers.json");
    means(&*plain(), &with(Value::Null), fixture, &expected);
}

fn closed(open: bool) -> Box<dyn Simulator> {
    let mut simulator = simulator();
    simulator.deed("window", &json!({ "open": open }), now()).unwrap();
    simulator
}

#[test]
fn a_closed_window_is_remembered_and_the_next_attempt_has_the_tag() {
    let mut meta = closed(false);
    let mut call = with(Value::Null);
    let Outcome::Refused { reason } = made(&*plain(), &call, &mut *meta, BASE) else {
        panic!("taken")
    };
    assert!(reason.ends_with("`outside_window` can name a tag"), "{reason}");

    let Outcome::Retry { reason, after } = made(&*tagging(), &call, &mut *meta, BASE) else {
        panic!("not tried again")
    };
    assert_eq!(after, Some(Duration::ZERO));
    call.last = Some(reason);
    let sent = body(&tagging().request(&call).unwrap());
    assert_eq!(sent["messaging_type"], "MESSAGE_TAG");
    assert_eq!(sent["tag"], "HUMAN_AGENT");

    // What goes wrong in between is no reason to forget it.
    meta.deed("fail", &json!({ "code": 2 }), now()).unwrap();
    let Outcome::Retry { reason, .. } = made(&*tagging(), &call, &mut *meta, BASE) else {
        panic!("not tried again")
    };
    call.last = Some(reason);
    let Outcome::Retry { reason, .. } = tagging().unanswered(&call, Unanswered::TooSlow) else {
        panic!("not tried again")
    };
    call.last = Some(reason);
    assert_eq!(
        made(&*tagging(), &call, &mut *meta, BASE),
        Outcome::received("m_simulated00000001")
    );

    // And where the tag is of no use, that is the end.
    meta.deed("fail", &json!({ "code": 10, "subcode": 2_018_278 }), now()).unwrap();
    let outcome = made(&*tagging(), &call, &mut *meta, BASE);
    assert!(matches!(&outcome, Outcome::Refused { .. }), "{outcome:?}");
}

#[test]
fn a_window_that_is_known_to_be_closed_costs_no_refusal() {
    let mut call = with(Value::Null);
    let ago = |hours| now().checked_sub(SignedDuration::from_hours(hours)).ok();
    call.standing = Standing { inbound: ago(25), ..Standing::default() };
    assert_eq!(body(&tagging().request(&call).unwrap())["tag"], "HUMAN_AGENT");
    let taken = made(&*tagging(), &call, &mut *closed(false), BASE);
    assert_eq!(taken, Outcome::received("m_simulated00000001"));
    // Meta knows best where there is nothing else to do.
    assert!(body(&plain().request(&call).unwrap()).get("tag").is_none());
    // Of somebody else nothing is known.
    let other = Call { payload: json!({ "to": "5", "text": "x" }), ..call.clone() };
    assert!(body(&tagging().request(&other).unwrap()).get("tag").is_none());
    let shown = Call { payload: json!({ "sender_action": "typing_on" }), ..call.clone() };
    assert!(body(&tagging().request(&shown).unwrap()).get("tag").is_none());
    call.standing.inbound = ago(23);
    assert!(body(&tagging().request(&call).unwrap()).get("tag").is_none());
}

#[test]
fn the_simulator_provokes_what_goes_wrong_at_meta() {
    let call = with(Value::Null);
    let mut meta = simulator();
    let mut after = |deed: &str, arguments: Value| {
        meta.deed(deed, &arguments, now()).unwrap();
        made(&*plain(), &call, &mut *meta, BASE)
    };
    assert!(matches!(after("fail", json!({ "code": 613 })), Outcome::Retry { .. }));
    assert!(matches!(after("fail", json!({ "code": 80_006 })), Outcome::Retry { .. }));
    assert!(matches!(after("fail", json!({ "code": 190 })), Outcome::Pause { duration: None, .. }));
    assert!(matches!(after("fail", json!({ "code": 10 })), Outcome::Pause { .. }));
    let gone = after("unreachable", json!({ "to": "4711" }));
    let reason = "(#551) This person isn't available right now. (551/1545041)";
    assert_eq!(gone, Outcome::refused(reason));
}
