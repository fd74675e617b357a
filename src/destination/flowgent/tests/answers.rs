//! Every answer that the document shows, and some that it does not, with what becomes of the call.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Other, adapter, agent, call, delivered, heard, is_named};
use crate::client::Response;
use crate::config::Secret;
use crate::destination::{Adapter, Call, Outcome, Scope};

/// Answers in the fixtures' folder.
macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../fixtures/", $name, ".json"))
    };
}

/// What an outcome comes to, in a word or two.
fn brief(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Delivered { receipt, replies, .. } => {
            let kinds = heard(replies).into_iter().map(|it| it.0);
            let words = receipt.as_deref().into_iter().chain(kinds);
            ["delivered"].into_iter().chain(words).collect::<Vec<_>>().join(" ")
        }
        Outcome::Await { .. } => "await".to_owned(),
        Outcome::Retry { after: None, .. } => "retry".to_owned(),
        Outcome::Retry { after: Some(it), .. } => format!("retry after {it:?}"),
        Outcome::Refused { .. } => "refused".to_owned(),
        Outcome::Pause { scope, duration, .. } => {
            let scope = match scope {
                Scope::Credential(_) => "credential",
                Scope::Agent(id) => id,
                Scope::Destination => "destination",
                Scope::Number(_) | Scope::Account(_) => "?",
            };
            match duration {
                None => format!("pause {scope}"),
                Some(it) => format!("pause {scope} {it:?}"),
            }
        }
    }
}

fn reason(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Retry { reason, .. }
        | Outcome::Refused { reason }
        | Outcome::Pause { reason, .. } => reason,
        Outcome::Delivered { .. } | Outcome::Await { .. } => "",
    }
}

fn response(status: u16, body: &str) -> Response {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Response { status, headers, body: body.to_owned().into() }
}

#[test]
fn an_agents_answers_mean_what_stands_inside_them() {
    const NO_CREDITS: &str = "pause agent 900s";
    const FAILED: &str = "delivered agent.failed";
    for (status, body, attempt, expected, says) in [
        (200, fixture!("reply"), 1, "delivered meta_xyz789 agent.replied", ""),
        (200, fixture!("no_credits"), 1, NO_CREDITS, "402: No credits available"),
        (402, fixture!("no_credits"), 1, NO_CREDITS, "402: No credits available"),
        (402, r#"{"error":"No credits"}"#, 1, NO_CREDITS, "402: No credits"),
        (200, r#"{"statusCode":"402","body":"{\"error\":\"none\"}"}"#, 1, NO_CREDITS, "402: none"),
        (200, fixture!("busy"), 1, "retry", "503: AI provider is currently experiencing"),
        (200, fixture!("busy"), 9, "retry", "503: AI provider"),
        (503, "", 9, "retry", "503: it did not say why"),
        (502, "<html>bad gateway", 9, "retry", "502: "),
        (200, fixture!("broken_inside"), 1, "retry", "500: An unexpected error"),
        (200, fixture!("broken_inside"), 2, "retry", "500: An unexpected error"),
        (200, fixture!("broken_inside"), 3, FAILED, ""),
        (500, fixture!("broken"), 2, "retry", "500: Internal server error"),
        (500, fixture!("broken"), 3, FAILED, ""),
        (500, "<html>oh no", 3, FAILED, ""),
        (200, fixture!("tool_failed"), 1, FAILED, ""),
        (401, fixture!("no_key"), 1, "pause credential", "401: API key is required"),
        (401, fixture!("wrong_key"), 1, "pause credential", "401: Invalid API key"),
        (403, fixture!("other_agent"), 1, "pause credential", "403: Access denied (This agent"),
        (400, r#"{"error":"messages is required"}"#, 1, "refused", "400: messages is required"),
        (404, r#"{"error":"Not found"}"#, 1, "refused", "404: Not found"),
        (418, "", 1, "refused", "418: "),
        (302, "", 1, "refused", "302: "),
        (408, "", 1, "retry", "408: "),
        (425, "", 1, "retry", "425: "),
        (429, r#"{"error":"Too many requests"}"#, 9, "retry", "429: Too many requests"),
        (
            200,
            fixture!("several"),
            1,
            "delivered meta_first agent.replied agent.failed flowgent.unmapped",
            "",
        ),
        // Nobody asked for an answer that comes later.
        (200, fixture!("accepted"), 1, "delivered flowgent.unmapped", ""),
        (200, "", 1, "delivered flowgent.unmapped", ""),
    ] {
        let chat = agent(&json!({}));
        let call = Call { attempt, ..call("hi", Value::Null) };
        let outcome = chat.outcome(&call, &response(status, body));
        assert_eq!(brief(&outcome), expected, "{status} {body}");
        assert!(reason(&outcome).starts_with(says), "{status} {body}: {}", reason(&outcome));
        assert!(is_named(&chat, &call, &outcome), "{outcome:?}");
    }
}

#[test]
fn a_call_that_awaits_its_answer_is_told_from_one_that_has_it() {
    for (status, body, expected) in [
        (200, fixture!("accepted"), "await"),
        (202, "", "await"),
        (200, r#"{"ok":true}"#, "await"),
        (200, fixture!("reply"), "delivered meta_xyz789 agent.replied"),
        (200, fixture!("no_credits"), "pause agent 900s"),
        (401, fixture!("wrong_key"), "pause credential"),
    ] {
        let chat = agent(&json!({ "reply": "callback" }));
        let outcome = chat.outcome(&call("hi", Value::Null), &response(status, body));
        assert_eq!(brief(&outcome), expected, "{status} {body}");
    }
}

#[test]
fn an_agent_that_breaks_down_again_and_again_has_failed() {
    let chat = agent(&json!({ "fallback": "We call you back." }));
    let mut other = Other::new();
    other.deed("fail", &json!({ "status": 500, "times": 3 }));
    let mut outcomes = (1..=3).map(|attempt| {
        let call = Call { attempt, ..call("hi", Value::Null) };
        other.make(&chat, &call)
    });
    for _ in 1..=2 {
        assert_eq!(brief(&outcomes.next().unwrap()), "retry");
    }
    let (.., replies) = delivered(outcomes.next().unwrap());
    let expected = [("agent.failed", None), ("agent.replied", Some("We call you back."))];
    assert_eq!(heard(&replies), expected);
    let failed = replies[0].draft.facts.agent.as_ref().unwrap();
    assert_eq!(failed.status, Some(500));
    assert!(failed.error.as_ref().unwrap().starts_with("An unexpected error"), "{failed:?}");

    // What nobody can read is no answer either.
    let unreadable = chat.outcome(&call("hi", Value::Null), &response(200, "{}"));
    let expected_then = [("flowgent.unmapped", None), ("agent.replied", Some("We call you back."))];
    assert_eq!(heard(&delivered(unreadable).2), expected_then);

    // A page of a proxy is told as what it is.
    let call = Call { attempt: 3, ..call("hi", Value::Null) };
    let (.., replies) = delivered(chat.outcome(&call, &response(500, "<html>")));
    assert_eq!(heard(&replies), expected);
    assert_eq!(&replies[0].body[replies[0].draft.raw.clone()], b"<html>");
    assert_eq!(replies[0].draft.facts.agent.as_ref().unwrap().status, Some(500));
}

#[test]
fn how_long_to_wait_is_heeded() {
    for kind in ["flowgent.chat", "flowgent.template", "flowgent.knowledge"] {
        let adapter = adapter(kind, &json!({})).unwrap();
        let mut answer = response(429, "");
        answer.headers.push(("retry-after".into(), "17".into()));
        let outcome = adapter.outcome(&call("hi", Value::Null), &answer);
        assert_eq!(brief(&outcome), format!("retry after {:?}", Duration::from_secs(17)));
    }
}

#[test]
fn what_is_repeated_of_a_secret_is_struck_out() {
    let chat = agent(&json!({ "reply": "callback" }));
    let mut call = call("hi", Value::Null);
    call.callback = Some(Secret::new("https://gateway.example/hooks/concierge/callback/T0KEN"));
    let body = json!({ "error": "cannot reach https://gateway.example/hooks/concierge/callback/T0KEN \
                                 with key-of-tests" });
    let outcome = chat.outcome(&call, &response(400, &body.to_string()));
    assert_eq!(reason(&outcome), "400: cannot reach *** with ***");
}

#[test]
fn a_templates_answers_mean_this() {
    for (status, body, expected) in [
        (200, fixture!("sent"), "delivered wamid.ID"),
        (200, "{}", "delivered"),
        (401, fixture!("wrong_key"), "pause credential"),
        (402, fixture!("no_credits"), "pause agent 900s"),
        (403, fixture!("other_agent"), "pause credential"),
        (400, fixture!("fields_missing"), "refused"),
        (404, fixture!("no_whatsapp"), "pause destination"),
        (400, fixture!("no_whatsapp"), "pause destination"),
        (200, r#"{"error":{"message":"(#132001) no such template","code":132001}}"#, "refused"),
        (500, fixture!("broken"), "retry"),
        (503, "", "retry"),
    ] {
        let adapter = adapter("flowgent.template", &json!({})).unwrap();
        let call = Call { attempt: 5, ..call("hi", Value::Null) };
        let outcome = adapter.outcome(&call, &response(status, body));
        assert_eq!(brief(&outcome), expected, "{status} {body}");
        let said = serde_json::from_str::<Value>(body).ok();
        let said = said.and_then(|it| it["error"]["message"].as_str().map(str::to_owned));
        assert!(reason(&outcome).contains(&said.unwrap_or_default()), "{outcome:?}");
        assert!(is_named(&*adapter, &call, &outcome), "{outcome:?}");
    }
}

#[test]
fn a_knowledge_bases_answers_mean_this() {
    const ANY: &[&str] = &["add", "update", "delete"];
    for (actions, attempt, status, body, expected) in [
        (&["add"][..], 1, 200, fixture!("added"), "delivered item-uuid-123"),
        (&["update"], 1, 200, fixture!("updated"), "delivered item-uuid-123"),
        (&["delete"], 1, 200, fixture!("deleted"), "delivered"),
        (ANY, 1, 401, fixture!("no_key"), "pause credential"),
        (ANY, 1, 401, fixture!("wrong_key"), "pause credential"),
        (&["add"], 1, 400, fixture!("no_content"), "refused"),
        (&["add"], 1, 400, fixture!("no_agents"), "refused"),
        (&["add", "update"], 1, 400, fixture!("content_too_long"), "refused"),
        (&["add", "update"], 1, 403, fixture!("other_agents"), "refused"),
        (&["delete"], 1, 403, fixture!("other_agents"), "pause credential"),
        (&["add"], 1, 402, fixture!("knowledge_full"), "refused"),
        (&["update"], 1, 400, fixture!("not_json"), "refused"),
        (&["update"], 1, 400, fixture!("empty_name"), "refused"),
        (&["update"], 2, 404, fixture!("no_such_item"), "refused"),
        (&["delete"], 1, 404, fixture!("no_such_item"), "refused"),
        (&["delete"], 2, 404, fixture!("no_such_item"), "delivered"),
        (ANY, 9, 500, fixture!("broken"), "retry"),
        (ANY, 9, 503, "", "retry"),
    ] {
        for action in actions {
            let adapter = adapter("flowgent.knowledge", &json!({})).unwrap();
            let call = Call { attempt, ..call("hi", json!({ "action": action, "id": "x" })) };
            let outcome = adapter.outcome(&call, &response(status, body));
            assert_eq!(brief(&outcome), expected, "{action} {status} {body}");
            assert!(is_named(&*adapter, &call, &outcome), "{outcome:?}");
        }
    }
}
