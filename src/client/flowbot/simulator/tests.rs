//! What the document limits, forbids and refuses.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::client::flowbot::tests::{TO, ends, example, login};
use crate::client::flowbot::token;
use crate::client::tests::json;
use crate::client::{Arguments, Body};
use crate::config::Secret;

#[test]
fn a_client_waits_for_its_approval_and_for_its_window() {
    let mut ends = ends();
    ends.deed("approve", &json!({ "clientId": "aiflow_1", "approved": false }));
    let refused = ends.call("auth api-token", &[]);
    let problem = token::read(&refused, ends.now).unwrap_err();
    assert_eq!(
        (problem.status, &*problem.message),
        (403, "API access is not approved for this client")
    );
    ends.deed("approve", &json!({ "clientId": "aiflow_1", "approved": true }));
    // The helper took one, the refusal another.
    for _ in 0..8 {
        assert_eq!(ends.call("auth api-token", &[]).status, 200);
    }
    let eleventh = ends.call("auth api-token", &[]);
    assert_eq!(ends.problem(&eleventh).unwrap().0, 429);
    ends.now += SignedDuration::from_mins(15);
    assert_eq!(ends.call("auth api-token", &[]).status, 200);
    for _ in 0..10 {
        ends.call("auth login", &[("username", "u"), ("password", "invalid")]);
    }
    let login = ends.call("auth login", &[("username", "u"), ("password", "p")]);
    assert_eq!(login.status, 429);
}

#[test]
fn limits_are_those_of_the_document() {
    let mut ends = ends();
    for (call, values, most) in [
        ("webhook outbound", vec![TO, ("flowId", "f")], 30),
        ("flows generate", vec![("prompt", "a shop")], 10),
    ] {
        for _ in 0..most {
            assert_eq!(ends.call(call, &values).status, 200, "{call}");
        }
        let refused = ends.call(call, &values);
        assert_eq!(ends.problem(&refused).unwrap().0, 429, "{call}");
        ends.now += SignedDuration::from_mins(1);
        assert_eq!(ends.call(call, &values).status, 200, "{call}");
    }
}

#[test]
fn the_window_of_a_day_decides_what_may_be_sent() {
    let mut ends = ends();
    let text = [("id", "conv-closed"), ("messageType", "text"), ("text", "hi")];
    let refused = ends.call("conversations reply", &text);
    assert_eq!(ends.problem(&refused).unwrap().0, 400);
    let template = [text[0], ("messageType", "template"), ("templateName", "t")];
    let sent = ends.call("conversations reply", &template);
    assert_eq!(json(&sent.body)["windowOpen"], false);
    ends.deed("message", &json!({ "from": "+972507654321", "text": "still there" }));
    let sent = ends.call("conversations reply", &text);
    assert_eq!(json(&sent.body)["windowOpen"], true);
    ends.now += SignedDuration::from_hours(24);
    assert_eq!(ends.call("conversations reply", &text).status, 400);
    // The JWT is over by now.
    ends.account.credentials.insert("token", Secret::new("legacy-verify-token"));
    let new = ends.call("webhook outbound", &[("phone", "+4912345678"), ("flowId", "f")]);
    assert_eq!(new.status, 200);
    let all = json(&ends.call("conversations", &[]).body);
    assert_eq!(all.as_array().unwrap().len(), 3);
    assert_eq!(all[2]["lastCustomerMessageAt"], Value::Null);
    let one = json(&ends.call("conversations", &[("limit", "1")]).body);
    assert_eq!(one.as_array().unwrap().len(), 1);
}

#[test]
fn a_status_comes_to_the_address_that_was_given() {
    let mut ends = ends();
    ends.deed("status_url", &json!({ "url": "http://gateway.example/hooks/flowbot" }));
    ends.call_with("webhook outbound", &[], example(4));
    let later = ends.later.remove(0);
    assert_eq!(later.url, "http://gateway.example/hooks/flowbot");
    assert_eq!(json(&later.body)["sourceRef"], "crm-lead-90210");
}

#[test]
fn a_flow_takes_what_it_is_set_up_with_and_a_jwt_always() {
    let mut ends = ends();
    let jwt = ends.account.credentials.remove("token").unwrap();
    let lead = [("flowId", "flow-uuid"), TO];
    for (mode, credentials) in [
        ("api_key", &[("flow_api_key", "key")][..]),
        ("basic", &[("flow_username", "u"), ("flow_password", "p")]),
        ("bearer", &[("token", "legacy-verify-token")]),
        ("hmac", &[("hmac_secret", "hmac-secret")]),
        ("none", &[]),
        ("jwt", &[("token", jwt.expose())]),
    ] {
        let without = ends.call("webhook flow lead", &lead);
        assert_eq!(without.status, 401, "{mode}");
        for (name, value) in credentials {
            ends.account.credentials.insert(name, Secret::new(*value));
        }
        for set in [mode, "any"].iter().filter(|it| mode != "none" || **it == "none") {
            ends.deed("lead_auth", &json!({ "mode": set }));
            let taken = ends.call("webhook flow lead", &lead);
            assert_eq!(ends.problem(&taken), None, "{mode} {set}");
        }
        if !["jwt", "none"].contains(&mode) {
            ends.deed("lead_auth", &json!({ "mode": "jwt" }));
            assert_eq!(ends.call("webhook flow lead", &lead).status, 401, "{mode}");
        }
        for (name, _) in credentials {
            ends.account.credentials.remove(name);
        }
        ends.deed("lead_auth", &json!({ "mode": "any" }));
    }
    ends.account.credentials.insert("hmac_secret", Secret::new("another"));
    let wrong = ends.call("webhook flow lead", &lead);
    assert_eq!(ends.problem(&wrong), Some((401, "Invalid signature".into())));
    let body = br#"{"phone":"+972501234567","name":"John"}"#;
    // Made with `openssl dgst -sha256 -hmac hmac-secret`, as the document does.
    let tag = "e40142746c93128e0dbd818f57971aaf3b70d1596352956d7b65b036a0057af1";
    let signed = [("x-signature-256", tag)];
    assert_eq!(ends.ask("POST", "/api/webhook/flow/f/lead", &signed, body).status, 200);
}

#[test]
fn whoever_may_not_is_told_so() {
    let mut ends = ends();
    let admin = ends.account.credentials["session"].clone();
    login(&mut ends, "somebody");
    let forbidden = ends.call("users", &[]);
    assert_eq!(ends.problem(&forbidden), Some((403, "Insufficient permissions".into())));
    for (method, target, headers) in [
        ("GET", "/api/flows", vec![]),
        ("GET", "/api/flows", vec![("cookie", "wdf_token=stolen")]),
        ("POST", "/api/webhook/outbound", vec![("authorization", "Bearer invalid")]),
        ("POST", "/api/webhook/outbound", vec![("cookie", "wdf_token=stolen")]),
        ("POST", "/api/webhook/whatsapp", vec![("x-hub-signature-256", "sha256=00")]),
        ("POST", "/api/webhook/tiktok", vec![]),
        ("POST", "/api/webhook/telegram", vec![("x-telegram-bot-api-secret-token", "invalid")]),
        ("GET", "/api/debug/conversations", vec![]),
    ] {
        let response = ends.ask(method, target, &headers, b"{}");
        assert_eq!(response.status, 401, "{target}");
        assert!(json(&response.body)["error"].is_string());
    }
    let cookie = format!("a=b; wdf_token={}", admin.expose());
    let debug = ends.ask("GET", "/api/debug/conversations", &[("cookie", &cookie)], b"");
    assert_eq!(debug.status, 200);
    for (values, status) in [
        (vec![("hub.mode", "subscribe"), ("hub.verify_token", "v"), ("hub.challenge", "77")], 200),
        (
            vec![
                ("hub.mode", "subscribe"),
                ("hub.verify_token", "invalid"),
                ("hub.challenge", "7"),
            ],
            403,
        ),
    ] {
        let answer = ends.call("webhook whatsapp", &values);
        assert_eq!(answer.status, status);
        assert!(status != 200 || &answer.body[..] == b"77");
    }
}

#[test]
fn every_documented_status_is_provoked_and_told_in_the_providers_words() {
    let mut ends = ends();
    for (call, values, body, status, words) in [
        ("flows by-id", vec![("id", "none")], None, 404, "Flow not found"),
        ("conversations by-id", vec![("id", "none")], None, 404, "Conversation not found"),
        (
            "auth register",
            vec![],
            Some(json!({ "username": "taken" })),
            409,
            "Username already exists",
        ),
        ("webhook outbound", vec![TO, ("flowId", "unknown")], None, 404, "Flow not found"),
        ("webhook flow lead", vec![TO, ("flowId", "unknown")], None, 404, "Flow not found"),
    ] {
        let body = body.unwrap_or(json!({}));
        let response = match &*values {
            values if ends.endpoint(call).body == Body::None => ends.call(call, values),
            values if ends.endpoint(call).methods[0] == "GET" => ends.call(call, values),
            values => ends.call_with(call, values, body),
        };
        assert_eq!(ends.problem(&response), Some((status, words.into())), "{call}");
    }
    let created = ends.prepare("auth register", &[]).unwrap();
    assert_eq!(ends.send(&created).status, 201);
    ends.deed("fail", &json!({ "status": 500, "times": 2 }));
    for status in [500, 500, 200] {
        assert_eq!(ends.call("flows", &[]).status, status);
    }
}

#[test]
fn what_the_document_forbids_costs_no_call_and_is_refused_by_the_simulator() {
    let mut ends = ends();
    let flow = ("flowId", "f");
    for (call, values, part) in [
        ("webhook outbound", vec![flow], "`--phone` is missing"),
        ("webhook outbound", vec![TO], "`--flow-id` is missing"),
        ("webhook outbound", vec![("phone", "0501234567"), flow], "plus and country code"),
        (
            "webhook outbound",
            vec![TO, flow, ("templateName", "a"), ("templateId", "b")],
            "only one",
        ),
        ("webhook outbound", vec![TO, flow, ("data", "[1]")], "a JSON object"),
        ("webhook outbound", vec![TO, flow, ("queue", "yes")], "`true` or `false`"),
        ("webhook flow lead", vec![flow], "a lead says something"),
        ("conversations reply", vec![("id", "c"), ("messageType", "song")], "text or image"),
        ("conversations reply", vec![("id", "c"), ("messageType", "text")], "needs `--text`"),
        ("conversations reply", vec![("id", "c"), ("messageType", "image")], "needs `--media-url`"),
        ("conversations reply", vec![("id", "c"), ("messageType", "template")], "--template-name"),
        ("auth api-token", vec![("ttlSec", "0")], "at least 1"),
        ("flows generate", vec![], "`--prompt` is missing"),
    ] {
        let error = ends.prepare(call, &values).unwrap_err();
        assert!(error.contains(part), "{call} {values:?}: {error}");
    }
    let bearer = ("authorization", "Bearer legacy-verify-token");
    let cookie = format!("wdf_token={}", ends.account.credentials["session"].expose());
    let cookie = ("cookie", &*cookie);
    for (method, target, headers, body) in [
        ("POST", "/api/webhook/outbound", vec![bearer], r#"{"phone":"+972501234567"}"#),
        ("POST", "/api/webhook/outbound", vec![bearer], r#"{"phone":"050123","flowId":"f"}"#),
        (
            "POST",
            "/api/webhook/outbound",
            vec![bearer],
            r#"{"phone":"+97250123","flowId":"f","x":1}"#,
        ),
        (
            "POST",
            "/api/webhook/outbound",
            vec![bearer],
            r#"{"phone":"+97250123","flowId":"f","data":1}"#,
        ),
        ("POST", "/api/webhook/outbound", vec![bearer], r#"{"phone":"#),
        (
            "POST",
            "/api/webhook/outbound?a=b",
            vec![bearer],
            r#"{"phone":"+97250123","flowId":"f"}"#,
        ),
        ("POST", "/api/webhook/outbound", vec![bearer, ("x-own", "1")], "{}"),
        ("POST", "/api/auth/login", vec![], r#"{"username":"u","password":"p","otp":1}"#),
        ("POST", "/api/auth/api-token", vec![], r#"{"clientId":"c","apiKey":"k","ttlSec":-1}"#),
        ("POST", "/api/webhook/flow/f/lead", vec![bearer], "{}"),
        ("POST", "/api/conversations/conv-uuid/reply", vec![cookie], r#"{"messageType":"text"}"#),
        ("POST", "/api/conversations/conv-uuid/reply", vec![cookie], r#"{"messageType":"song"}"#),
        ("POST", "/api/flows/generate", vec![cookie], r#"{"prompt":"a shop"}"#),
        ("GET", "/api/conversations?limit=0", vec![cookie], ""),
    ] {
        let response = ends.ask(method, target, &headers, body.as_bytes());
        assert_eq!(response.status, 400, "{target} {body}");
        assert!(ends.problem(&response).is_some());
    }
    assert_eq!(ends.ask("GET", "/api/nothing", &[], b"").status, 404);
    assert_eq!(ends.ask("DELETE", "/api/auth/login", &[], b"").status, 405);
}

#[test]
fn a_flow_is_generated_from_a_prompt_and_a_file() {
    let mut ends = ends();
    let mut arguments = Arguments::default();
    arguments.values.insert("prompt", "Build a flow from this document".to_owned());
    arguments.files.insert("file", ("d.pdf".to_owned(), b"%PDF\x00\xff".to_vec().into()));
    let endpoint = ends.endpoint("flows generate");
    let outgoing = endpoint.prepare(&ends.account, &arguments, ends.today()).unwrap();
    let answer = json(&ends.send(&outgoing).body);
    assert_eq!((&answer["flow"]["status"], &answer["nodeCount"]), (&json!("draft"), &json!(8)));
    let id = answer["flow"]["id"].as_str().unwrap();
    assert_eq!(ends.call("flows by-id", &[("id", id)]).status, 200);
}

#[test]
fn a_test_sets_the_limit_and_reads_what_was_asked_for() {
    let mut ends = ends();
    ends.deed("limit", &json!({ "most": 2, "seconds": 1 }));
    let trigger = [TO, ("flowId", "f")];
    for status in [200, 200, 429] {
        assert_eq!(ends.call("webhook outbound", &trigger).status, status);
    }
    ends.now += SignedDuration::from_secs(1);
    assert_eq!(ends.call("webhook outbound", &trigger).status, 200);
    ends.deed("fail", &json!({ "status": 503, "error": "Down for a while", "retryAfter": 7 }));
    let down = ends.call("webhook outbound", &trigger);
    assert_eq!(ends.problem(&down), Some((503, "Down for a while".into())));
    assert_eq!(down.header("retry-after"), Some("7"));
    ends.deed("forget", &json!({}));
    assert_eq!(ends.call("webhook outbound", &trigger).status, 401);
    assert_eq!(ends.call("flows", &[]).status, 401);
    // The helper logged in and took a token.
    let counts = json!({ "tokenCalls": 1, "loginCalls": 1, "triggers": 3, "tooMany": 1 });
    assert_eq!(ends.deed("counts", &json!({})), counts);
}
