//! Every documented answer, and what becomes of the call.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{ACCOUNT, Meta, NUMBER, TOKEN, adapter, attempt, call, now};
use crate::client::Response;
use crate::destination::{Call, Outcome, Scope};
use crate::http::Unanswered;

const FAILURE: &str = include_str!("../fixtures/failure.json");

/// What is expected of an answer, without its reason.
#[derive(Debug, PartialEq)]
enum Expected {
    Retry(Option<u64>),
    Pause(&'static str, Option<u64>),
    Refused,
    Await,
}
use Expected::{Await, Pause, Refused, Retry};

fn seen(outcome: &Outcome) -> (Expected, String) {
    let seconds = |it: &Option<Duration>| it.map(|it| it.as_secs());
    match outcome {
        Outcome::Retry { reason, after } => (Retry(seconds(after)), reason.clone()),
        Outcome::Refused { reason } => (Refused, reason.clone()),
        Outcome::Await { .. } => (Await, String::new()),
        Outcome::Pause { reason, scope, duration } => {
            let scope = match scope {
                Scope::Credential(_) => "credential",
                Scope::Number(it) if it == NUMBER => "number",
                Scope::Account(it) if it == ACCOUNT => "account",
                other => panic!("{other:?}"),
            };
            (Pause(scope, seconds(duration)), reason.clone())
        }
        Outcome::Delivered { .. } => panic!("{outcome:?}"),
    }
}

fn answer(status: u16, body: impl Into<bytes::Bytes>) -> Response {
    Response { status, headers: Vec::new(), body: body.into() }
}

fn failure(status: u16, code: i64) -> Response {
    let mut failure: Value = serde_json::from_str(FAILURE).unwrap();
    failure["error"]["code"] = code.into();
    answer(status, failure.to_string())
}

#[test]
fn every_code_has_its_consequence() {
    const HOUR: Option<u64> = Some(3600);
    let rows = [
        (0, 401, Pause("credential", None)),
        (1, 500, Retry(None)),
        (2, 503, Retry(None)),
        (3, 403, Pause("credential", HOUR)),
        (4, 400, Retry(Some(60))),
        (10, 403, Pause("credential", HOUR)),
        (33, 400, Refused),
        (100, 400, Refused),
        (190, 401, Pause("credential", None)),
        (200, 403, Pause("credential", HOUR)),
        (299, 403, Pause("credential", HOUR)),
        (368, 403, Pause("account", HOUR)),
        (613, 400, Retry(Some(60))),
        (80_007, 429, Retry(Some(60))),
        (130_429, 429, Retry(Some(1))),
        (130_472, 400, Refused),
        (130_497, 403, Refused),
        (131_000, 500, Retry(None)),
        (131_005, 403, Pause("credential", HOUR)),
        (131_008, 400, Refused),
        (131_009, 400, Refused),
        (131_016, 503, Retry(None)),
        (131_021, 400, Refused),
        (131_026, 400, Refused),
        (131_030, 400, Refused),
        (131_031, 403, Pause("account", HOUR)),
        (131_037, 400, Pause("number", HOUR)),
        (131_042, 400, Pause("account", HOUR)),
        (131_045, 500, Pause("number", HOUR)),
        (131_047, 400, Refused),
        (131_048, 429, Pause("number", HOUR)),
        (131_049, 400, Refused),
        (131_050, 400, Refused),
        (131_051, 501, Refused),
        (131_052, 400, Refused),
        (131_053, 400, Retry(None)),
        (131_056, 429, Retry(Some(6))),
        (131_057, 500, Retry(Some(60))),
        (131_062, 400, Refused),
        (131_063, 400, Refused),
        (131_064, 400, Pause("number", HOUR)),
        (132_000, 400, Refused),
        (132_001, 404, Refused),
        (132_005, 400, Refused),
        (132_007, 400, Refused),
        (132_012, 400, Refused),
        (132_015, 400, Refused),
        (132_016, 400, Refused),
        (132_068, 400, Refused),
        (132_069, 400, Refused),
        (133_004, 503, Retry(None)),
        (133_010, 400, Pause("number", HOUR)),
        (133_016, 400, Pause("number", Some(72 * 3600))),
        (135_000, 400, Refused),
        (137_000, 400, Refused),
        // Codes that nobody has heard of, by their status.
        (999_999, 400, Refused),
        (999_999, 429, Retry(Some(60))),
        (999_999, 401, Pause("credential", None)),
        (999_999, 500, Retry(None)),
    ];
    let adapter = adapter(json!({}));
    let call = call("hi".into());
    for (code, status, expected) in rows {
        let (outcome, reason) = seen(&adapter.outcome(&call, &failure(status, code)));
        assert_eq!(outcome, expected, "{code}");
        assert!(reason.contains("too many messages sent from this phone number"), "{reason}");
        // What a pause names is what is asked about before the call is made.
        if let Outcome::Pause { scope, .. } = adapter.outcome(&call, &failure(status, code)) {
            assert!(adapter.scopes(&call).contains(&scope), "{code}");
        }
    }
}

#[test]
fn an_answer_is_read_whatever_it_is() {
    let html = "<html>bad gateway</html>";
    for (response, expected) in [
        (answer(401, include_str!("../fixtures/failure_of_token.json")), Pause("credential", None)),
        (answer(400, include_str!("../fixtures/failure_for_now.json")), Retry(None)),
        // An error under a status of success.
        (failure(200, 131_026), Refused),
        // Taken, but under which id is not said.
        (answer(200, ""), Await),
        (answer(200, r#"{"messaging_product":"whatsapp","messages":[]}"#), Await),
        (answer(200, html), Await),
        // A gateway of Meta's that did not wait for the answer.
        (answer(504, html), Await),
        (failure(504, 131_016), Retry(None)),
        (answer(502, html), Retry(None)),
        (answer(400, html), Refused),
        (answer(404, ""), Refused),
        (answer(401, ""), Pause("credential", None)),
        (answer(408, ""), Retry(None)),
        (answer(425, ""), Retry(None)),
        (answer(429, ""), Retry(Some(60))),
        (answer(302, ""), Refused),
    ] {
        let outcome = adapter(json!({})).outcome(&call("hi".into()), &response);
        let (seen, reason) = seen(&outcome);
        assert_eq!(seen, expected, "{response:?}");
        assert!(seen == Await || reason.starts_with("Meta answered "), "{reason}");
        assert!(!reason.contains(TOKEN));
    }
    let sent = answer(200, include_str!("../fixtures/sent.json"));
    assert_eq!(
        adapter(json!({})).outcome(&call("hi".into()), &sent),
        Outcome::received("wamid.HBgLMTY1MDU1NTEyMzQVAgARGBI3MTE5MjVBMTczRkY4RTA4RDEA")
    );
}

#[test]
fn a_limit_says_how_long_to_wait() {
    let usage: Value = serde_json::from_str(include_str!("../fixtures/usage.json")).unwrap();
    let usage = ("x-business-use-case-usage".to_owned(), usage.to_string());
    let after = ("retry-after".to_owned(), "17".to_owned());
    let wait = |code: i64, headers: &[&(String, String)], attempt: u32| {
        let mut response = failure(429, code);
        response.headers = headers.iter().copied().cloned().collect();
        let call = Call { attempt, ..call("hi".into()) };
        match adapter(json!({})).outcome(&call, &response) {
            Outcome::Retry { after, .. } => after.map(|it| it.as_secs()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(wait(80_007, &[], 1), Some(60));
    assert_eq!(wait(80_007, &[&usage], 1), Some(180));
    assert_eq!(wait(80_007, &[&after, &usage], 1), Some(17));
    assert_eq!(wait(130_429, &[&after], 1), Some(17));
    let broken = ("x-business-use-case-usage".to_owned(), "[1".to_owned());
    assert_eq!(wait(4, &[&broken], 1), Some(60));
    // 4ⁿ seconds, as Meta asks for, within what the limit is about.
    let pairs = [1, 2, 3, 4, 5, 6, 99].map(|it| wait(131_056, &[], it).unwrap());
    assert_eq!(pairs, [6, 6, 16, 64, 256, 270, 270]);
}

#[test]
fn the_simulator_s_failures_are_understood() {
    let adapter = adapter(json!({}));
    let mut meta = Meta::new();
    meta.deed("unreachable", &json!({ "to": "491701234567" }));
    let gone = call(json!({ "text": "hi", "to": "491701234567" }));
    let (outcome, reason) = seen(&attempt(&*adapter, &mut meta, &gone));
    assert_eq!(outcome, Refused);
    assert_eq!(
        reason,
        "Meta answered 400: (#131026) Message undeliverable: Message Undeliverable."
    );
    meta.deed("fail", &json!({ "code": 190 }));
    let (outcome, _) = seen(&attempt(&*adapter, &mut meta, &call("hi".into())));
    assert_eq!(outcome, Pause("credential", None));
    meta.deed("limits", &json!({ "per_pair": 1 }));
    assert!(matches!(attempt(&*adapter, &mut meta, &call("hi".into())), Outcome::Delivered { .. }));
    let (outcome, _) = seen(&attempt(&*adapter, &mut meta, &call("hi".into())));
    assert_eq!(outcome, Retry(Some(6)));
}

#[test]
fn a_message_whose_answer_is_lost_waits_for_its_status() {
    let adapter = adapter(json!({}));
    let (text, read) = (call("hi".into()), call(json!({ "read": true })));
    for why in
        [Unanswered::TooSlow, Unanswered::Broken, Unanswered::TooLarge { limit: 1, status: 200 }]
    {
        let until = now() + SignedDuration::from_secs(30);
        assert_eq!(adapter.unanswered(&text, why), Outcome::Await { until });
        // Marking it twice hurts nobody, and no status tells of it.
        assert!(matches!(adapter.unanswered(&read, why), Outcome::Retry { .. }));
    }
    assert!(matches!(adapter.unanswered(&text, Unanswered::Unreachable), Outcome::Retry { .. }));
    assert!(matches!(adapter.unanswered(&text, Unanswered::Unsendable), Outcome::Refused { .. }));
    let Outcome::Retry { reason, .. } = adapter.overdue(&text) else { panic!() };
    assert_eq!(reason, "Meta's answer was lost, and no status of the message came");
}
