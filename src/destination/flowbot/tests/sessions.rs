//! Tokens and cookies: how they are had, kept and lost.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;

use super::*;
use crate::destination::Scope;

const TOKEN: &str = include_str!("../fixtures/token.json");
const LOGGED_IN: &str = include_str!("../fixtures/logged_in.json");
const ERROR: &str = include_str!("../fixtures/error.json");
const NOT_APPROVED: &str = include_str!("../fixtures/not_approved.json");

fn client() -> Value {
    json!({ "client_id": "aiflow_1", "api_key": "sk_1", "flow_id": "f" })
}

fn agent() -> Value {
    json!({ "username": "agent", "password": "hunter2" })
}

fn now() -> Timestamp {
    at("2026-11-24T12:00:00Z")
}

#[test]
fn a_token_is_asked_for_as_documented_and_renewed_after_four_fifths_of_its_life() {
    let adapter = adapter("flowbot.outbound", &client());
    let session = adapter.session().unwrap();
    assert_eq!(session.key(), "flowbot simulator.example aiflow_1");
    let asked = session.request(now()).unwrap();
    assert_eq!(
        (asked.method, &*asked.url),
        ("POST", "http://simulator.example/api/auth/api-token")
    );
    assert_eq!(body(&asked), json!({ "clientId": "aiflow_1", "apiKey": "sk_1" }));
    let grant = session.read(&answer(200, TOKEN), now()).unwrap();
    assert_eq!(grant.token.expose(), "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2ln");
    assert_eq!(grant.renew, now() + SignedDuration::from_secs(2880));
    assert_eq!(grant.expires, now() + SignedDuration::from_secs(3600));
    // Whoever asks for shorter lives says so.
    let mut settings = client();
    settings["ttl"] = "15min".into();
    let adapter = super::adapter("flowbot.lead", &settings);
    let asked = adapter.session().unwrap().request(now()).unwrap();
    assert_eq!(body(&asked)["ttlSec"], 900);
}

#[test]
fn all_destinations_of_a_client_share_its_token_and_its_limit() {
    let row =
        json!({ "client_id": "aiflow_1", "api_key": "sk_1", "call": "webhook outbound-status" });
    let all = [
        adapter("flowbot.outbound", &client()),
        adapter("flowbot.lead", &client()),
        adapter("flowbot.call", &row),
    ];
    for adapter in &all {
        assert_eq!(adapter.session().unwrap().key(), "flowbot simulator.example aiflow_1");
        let scope = Scope::Credential("aiflow_1".into());
        assert_eq!(adapter.scopes(&call(Value::Null)), [scope]);
    }
    // A user who is called like a client is somebody else.
    let user = adapter("flowbot.reply", &json!({ "username": "aiflow_1", "password": "x" }));
    assert_eq!(user.session().unwrap().key(), "flowbot simulator.example login aiflow_1");
}

#[test]
fn fewer_tokens_are_asked_for_than_the_document_allows() {
    for adapter in [adapter("flowbot.lead", &client()), adapter("flowbot.reply", &agent())] {
        let rate = adapter.session().unwrap().at_most();
        assert_eq!(rate.count, 10);
        assert!(rate.per > Duration::from_mins(15), "{rate:?}");
    }
}

#[test]
fn every_answer_to_the_exchange_has_its_row() {
    let rests = |reason: &str, id: &str| {
        let scope = Scope::Credential(id.into());
        Outcome::pause(scope, format!("no token: {reason}"), Some(Duration::from_hours(1)))
    };
    let retry = |reason: &str, after: Option<u64>| Outcome::Retry {
        reason: format!("no token: {reason}"),
        after: after.map(Duration::from_secs),
    };
    let said = "Human-readable error message";
    for (adapter, id) in [
        (adapter("flowbot.outbound", &client()), "aiflow_1"),
        (adapter("flowbot.reply", &agent()), "agent"),
    ] {
        let session = adapter.session().unwrap();
        for (status, header, body, expected) in [
            (400, None, ERROR, rests(&format!("400: {said}"), id)),
            (401, None, ERROR, rests(&format!("401: {said}"), id)),
            (403, None, NOT_APPROVED, rests("403: API access is not approved for this client", id)),
            (403, None, ERROR, rests(&format!("403: {said}"), id)),
            (404, None, ERROR, rests(&format!("404: {said}"), id)),
            (307, None, "", rests("307: it did not say why", id)),
            (429, None, ERROR, retry(&format!("429: {said}"), Some(90))),
            (429, Some("300"), ERROR, retry(&format!("429: {said}"), Some(300))),
            (500, None, ERROR, retry(&format!("500: {said}"), None)),
            (503, Some("5"), ERROR, retry(&format!("503: {said}"), Some(5))),
            (200, None, ERROR, retry(&format!("200: {said}"), None)),
        ] {
            let mut answer = answer(status, body);
            answer.headers.extend(header.map(|it| ("retry-after".to_owned(), it.to_owned())));
            assert_eq!(session.read(&answer, now()).unwrap_err(), expected, "{status} {body}");
        }
        for page in ["", "<!doctype html>", "{}", "[]"] {
            let outcome = session.read(&answer(200, page), now()).unwrap_err();
            assert!(matches!(outcome, Outcome::Retry { .. }), "{page}: {outcome:?}");
        }
    }
}

#[test]
fn a_client_that_nobody_approved_rests_and_works_once_it_is() {
    let mut ends = Ends::new("flowbot.outbound", &client());
    ends.deed("approve", &json!({ "clientId": "aiflow_1", "approved": false }));
    let outcome = ends.attempt(&call(Value::Null));
    assert!(
        matches!(&outcome, Outcome::Pause { scope: Scope::Credential(id), .. } if id == "aiflow_1")
    );
    ends.deed("approve", &json!({ "clientId": "aiflow_1", "approved": true }));
    assert_eq!(ends.attempt(&call(Value::Null)), Outcome::delivered());
}

#[test]
fn the_eleventh_token_of_a_quarter_of_an_hour_comes_later() {
    let mut ends = Ends::new("flowbot.outbound", &client());
    for _ in 0..10 {
        assert_eq!(ends.attempt(&call(Value::Null)), Outcome::delivered());
        ends.token = None;
    }
    let outcome = ends.attempt(&call(Value::Null));
    assert!(matches!(outcome, Outcome::Retry { after: Some(it), .. } if it.as_secs() == 90));
    let counts = ends.deed("counts", &json!({}));
    assert_eq!((&counts["tokenCalls"], &counts["tooMany"]), (&json!(11), &json!(1)));
}

#[test]
fn a_token_that_is_over_is_had_anew_and_a_wrong_one_rests() {
    for (kind, settings, payload) in [
        ("flowbot.outbound", client(), Value::Null),
        ("flowbot.lead", client(), Value::Null),
        ("flowbot.reply", agent(), json!({ "conversation": "conv-uuid", "text": "hi" })),
    ] {
        let mut ends = Ends::new(kind, &settings);
        assert!(matches!(ends.attempt(&call(payload.clone())), Outcome::Delivered { .. }));
        ends.deed("forget", &json!({}));
        assert!(
            matches!(ends.attempt(&call(payload.clone())), Outcome::Delivered { .. }),
            "{kind}"
        );
        let wrong = Call { token: Some(Secret::new("wrong")), ..call(payload) };
        let answer = ends.adapter.request(&wrong).unwrap();
        let answer = ends.send(answer);
        assert!(ends.adapter.session().unwrap().is_stale(&answer));
        let outcome = ends.adapter.outcome(&wrong, &answer);
        assert!(matches!(outcome, Outcome::Pause { scope: Scope::Credential(_), .. }), "{kind}");
    }
}

#[test]
fn a_cookie_lives_as_long_as_it_says() {
    let adapter = adapter("flowbot.reply", &agent());
    let session = adapter.session().unwrap();
    assert_eq!(session.key(), "flowbot simulator.example login agent");
    let asked = session.request(now()).unwrap();
    assert_eq!(&*asked.url, "http://simulator.example/api/auth/login");
    assert_eq!(body(&asked), json!({ "username": "agent", "password": "hunter2" }));
    let claims = URL_SAFE_NO_PAD.encode(json!({ "exp": now().as_second() + 7200 }).to_string());
    let over = URL_SAFE_NO_PAD.encode(json!({ "exp": now().as_second() - 1 }).to_string());
    for (cookies, value, seconds) in [
        (vec!["wdf_token=abc; Path=/; Max-Age=1000; HttpOnly".to_owned()], "abc", 1000),
        (
            vec!["lang=he; Max-Age=5".to_owned(), "wdf_token=abc; max-age=1000".to_owned()],
            "abc",
            1000,
        ),
        (
            vec![format!("wdf_token=h.{claims}.s; Path=/; HttpOnly")],
            &*format!("h.{claims}.s"),
            7200,
        ),
        (vec![format!("wdf_token=h.{over}.s")], &*format!("h.{over}.s"), 86400),
        (vec!["wdf_token=abc; Max-Age=0".to_owned()], "abc", 86400),
        (vec!["wdf_token=a.b.c".to_owned()], "a.b.c", 86400),
    ] {
        let mut answer = answer(200, LOGGED_IN);
        let headers = cookies.iter().map(|it| ("set-cookie".to_owned(), it.clone()));
        answer.headers.extend(headers);
        let grant = session.read(&answer, now()).unwrap();
        assert_eq!(grant.token.expose(), value);
        assert_eq!(grant.expires, now() + SignedDuration::from_secs(seconds), "{cookies:?}");
        assert_eq!(grant.renew, now() + SignedDuration::from_secs(seconds * 4 / 5));
    }
    let none = session.read(&answer(200, LOGGED_IN), now()).unwrap_err();
    assert_eq!(none, Outcome::retry("the login set no cookie"));
}

#[test]
fn what_is_secret_is_named_and_what_is_not_is_left_readable() {
    let secrets = |kind: &str, settings: &Value| -> Vec<String> {
        let secrets = adapter(kind, settings).secrets();
        secrets.iter().map(|it| it.expose().to_owned()).collect()
    };
    let basic = json!({ "flow_id": "f", "auth": "basic", "username": "shop", "password": "pw" });
    assert_eq!(secrets("flowbot.outbound", &client()), ["sk_1"]);
    assert_eq!(secrets("flowbot.reply", &agent()), ["hunter2"]);
    assert_eq!(secrets("flowbot.lead", &basic), ["pw"]);
    let legacy = json!({ "token": "legacy-verify-token", "flow_id": "f" });
    assert_eq!(secrets("flowbot.outbound", &legacy), ["legacy-verify-token"]);
}

#[test]
fn a_call_without_its_token_is_not_made() {
    let adapter = adapter("flowbot.outbound", &client());
    assert_eq!(
        adapter.request(&call(Value::Null)).unwrap_err(),
        Outcome::retry("there is no token yet")
    );
}
