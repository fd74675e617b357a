//! Client and simulator on the map and the examples of the document.

use jiff::SignedDuration;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::payload::{
    Conversation, Flow, Lead, LeadTaken, LoggedIn, Login, Outbound, Refusal, Replied, Reply,
    TokenAnswer, TokenRequest, Triggered,
};
use super::table::ROWS;
use super::{API, token};
use crate::client::tests::{Ends, fixture, fixtures, json, shape};
use crate::client::{Arguments, Response};
use crate::config::Secret;

/// Logged in as an admin, with a JWT.
pub(super) fn ends() -> Ends {
    let mut ends = Ends::new(
        &API,
        &[
            ("clientId", "aiflow_1"),
            ("apiKey", "sk_1"),
            ("app_secret", "app-secret"),
            ("tiktok_signature", "t=1,s=00"),
            ("telegram_secret", "telegram"),
            ("debug_key", "debug"),
        ],
    );
    login(&mut ends, "admin");
    let response = ends.call("auth api-token", &[]);
    let token = token::read(&response, ends.now).unwrap();
    ends.account.credentials.insert("token", token.value);
    ends
}

pub(super) fn login(ends: &mut Ends, user: &str) {
    let response = ends.call("auth login", &[("username", user), ("password", "x")]);
    let cookie = response.header("set-cookie").unwrap();
    let session = cookie.strip_prefix("wdf_token=").unwrap().split(';').next().unwrap();
    ends.account.credentials.insert("session", Secret::new(session));
}

pub(super) fn example(number: u32) -> Value {
    json(&fixture("flowbot", &format!("flowbot__{number:03}.json")))
}

pub(super) const TO: (&str, &str) = ("phone", "+972501234567");

#[test]
fn every_row_of_the_map_is_an_endpoint_and_named_by_its_path() {
    let map = String::from_utf8(fixture("flowbot", "map.txt")).unwrap();
    let (mut rows, mut told) = (Vec::new(), 0);
    for line in map.lines() {
        if let Some(heading) = line.strip_prefix("# ") {
            let count = heading.rsplit('(').next().unwrap().trim_end_matches(')');
            told += count.parse::<usize>().unwrap();
        } else {
            rows.push(line.split('\t').collect::<Vec<_>>());
        }
    }
    assert_eq!((rows.len(), told), (94, 94));
    for row in &rows {
        let found = ROWS.iter().find(|it| it.endpoint.path == row[1]);
        let found = found.unwrap_or_else(|| panic!("{row:?} has no endpoint"));
        assert_eq!(found.endpoint.methods.join(","), row[0], "{row:?}");
        assert_eq!(found.column.word(), row[2], "{row:?}");
        assert_eq!(found.endpoint.summary.strip_suffix('.'), Some(row[3]), "{row:?}");
    }
    // And the one that is described below the map only.
    assert_eq!(ROWS.len(), rows.len() + 1);
    for row in ROWS {
        let mut words = Vec::new();
        let mut segments = row.endpoint.path.strip_prefix("/api/").unwrap().split('/').peekable();
        while let Some(segment) = segments.next() {
            match segment.strip_prefix('{') {
                None => words.push(segment.to_owned()),
                Some(name) if segments.peek().is_none() => {
                    let name = name.trim_end_matches('}');
                    let split = |it: char| match it {
                        'A'..='Z' => format!("-{}", it.to_ascii_lowercase()),
                        _ => it.to_string(),
                    };
                    words.push(format!("by-{}", name.chars().map(split).collect::<String>()));
                }
                Some(_) => {}
            }
        }
        assert_eq!(row.endpoint.call, words.join(" "), "{}", row.endpoint.path);
        let same = ROWS.iter().filter(|it| it.endpoint.call == row.endpoint.call);
        assert_eq!(same.count(), 1, "{}", row.endpoint.call);
        let places = row.endpoint.path.matches('{').count();
        let paths = row.endpoint.parameters.iter();
        let paths = paths.filter(|it| row.endpoint.path.contains(&format!("{{{}}}", it.name)));
        assert_eq!(paths.count(), places, "{}", row.endpoint.path);
    }
}

#[test]
fn every_example_is_read_and_written_as_the_document_has_it() {
    fn same<T: DeserializeOwned + Serialize>(example: &Value) {
        let read: T = serde_json::from_value(example.clone())
            .unwrap_or_else(|error| panic!("{error}: {example}"));
        assert_eq!(serde_json::to_value(read).unwrap(), *example);
    }
    assert_eq!(fixtures("flowbot").len(), 28);
    for number in 1..=28 {
        let example = example(number);
        match number {
            1 | 7 | 9 => same::<Login>(&example),
            2 | 10 | 12 => same::<TokenRequest>(&example),
            3..=5 | 13 | 15 => same::<Outbound>(&example),
            6 | 16 | 18 | 19 => same::<Lead>(&example),
            8 => same::<LoggedIn>(&example),
            11 => same::<TokenAnswer>(&example),
            14 => same::<Triggered>(&example),
            17 => same::<LeadTaken>(&example),
            20 => same::<Vec<Flow>>(&example),
            21 => same::<Vec<Conversation>>(&example),
            22..=24 | 26 | 27 => same::<Reply>(&example),
            25 => same::<Replied>(&example),
            _ => same::<Refusal>(&example),
        }
    }
    let refusal = Response {
        status: 400,
        body: fixture("flowbot", "flowbot__028.json").into(),
        ..Response::default()
    };
    assert_eq!((API.problem)(&refusal).unwrap().message, "Human-readable error message");
}

#[test]
fn every_example_of_a_request_is_accepted_and_answered_as_the_document_shows() {
    let mut ends = ends();
    let id = ("id", "conv-uuid");
    let flow = ("flowId", "flow-uuid");
    for (call, values, requests, answer) in [
        ("auth login", vec![], &[1, 7, 9][..], 8),
        ("auth api-token", vec![], &[2, 10, 12], 11),
        ("webhook outbound", vec![], &[3, 4, 5, 13, 15], 14),
        ("webhook flow lead", vec![flow], &[6, 16, 18, 19], 17),
        ("conversations reply", vec![id], &[22, 23, 24, 26, 27], 25),
    ] {
        for request in requests {
            let response = ends.call_with(call, &values, example(*request));
            assert_eq!(ends.problem(&response), None, "{request}");
            assert_eq!(shape(&json(&response.body)), shape(&example(answer)), "{request}");
        }
    }
    let triggered = ends.call_with("webhook outbound", &[], example(13));
    assert_eq!(json(&triggered.body), example(14));
    for (call, answer) in [("flows", 20), ("conversations", 21)] {
        let response = ends.call(call, &[]);
        assert_eq!(shape(&json(&response.body)), shape(&example(answer)));
    }
    let jwt = ends.account.credentials["token"].expose().to_owned();
    let headers = [("authorization", &*format!("Bearer {jwt}"))];
    let lead = br#"{"phone":"+972501234567","name":"J","email":"e","source":"s","product":"p"}"#;
    let taken = ends.ask("POST", "/api/webhook/flow/flow-uuid/lead", &headers, lead);
    assert_eq!(json(&taken.body), example(17));
}

#[test]
fn every_call_with_the_least_that_it_takes_is_accepted_in_each_of_its_methods() {
    let mut ends = ends();
    for endpoint in API.endpoints {
        // The session is not needed any more once it is over.
        if endpoint.call == "auth logout" {
            continue;
        }
        for method in endpoint.methods {
            let mut arguments = Arguments { method: Some(method), ..Arguments::default() };
            for parameter in endpoint.parameters.iter().filter(|it| it.required) {
                let value = match parameter.name {
                    "phone" => "+972501234567",
                    "flowId" => "flow-uuid",
                    "messageType" => "text",
                    "id" if endpoint.path.contains("conversation") => "conv-uuid",
                    "id" if endpoint.path.starts_with("/api/flows") => "flow-draft",
                    _ => "something",
                };
                arguments.values.insert(parameter.name, value.to_owned());
            }
            match endpoint.call {
                "conversations reply" => drop(arguments.values.insert("text", "hi".to_owned())),
                "webhook flow lead" => drop(arguments.values.insert("name", "J".to_owned())),
                _ => {}
            }
            let outgoing = endpoint.prepare(&ends.account, &arguments, ends.today()).unwrap();
            let response = ends.send(&outgoing);
            assert_eq!(ends.problem(&response), None, "{method} {}", endpoint.call);
            assert!((200..300).contains(&response.status));
        }
    }
    assert_eq!(ends.call("auth logout", &[]).status, 200);
    assert_eq!(ends.call("auth me", &[]).status, 401);
}

#[test]
fn a_token_is_exchanged_kept_and_renewed_before_it_ends() {
    let mut ends = ends();
    let outgoing = token::request(&ends.account, Some(100)).unwrap();
    assert_eq!(outgoing.url, "http://simulator.example/api/auth/api-token");
    let asked: TokenRequest = serde_json::from_slice(&outgoing.body).unwrap();
    assert!(asked.client_id == "aiflow_1" && asked.ttl_sec == Some(100));
    let response = ends.send(&outgoing);
    let token = token::read(&response, ends.now).unwrap();
    let second = |it| ends.now + SignedDuration::from_secs(it);
    assert!(!token.is_due(second(79)) && token.is_due(second(80)));
    assert!(!token.is_expired(second(99)) && token.is_expired(second(100)));
    ends.account.credentials.insert("token", token.value);
    let outbound = [TO, ("flowId", "flow-uuid")];
    ends.now = second(99);
    assert_eq!(ends.call("webhook outbound", &outbound).status, 200);
    ends.now += SignedDuration::from_secs(1);
    let late = ends.call("webhook outbound", &outbound);
    assert_eq!(ends.problem(&late), Some((401, "Invalid or expired token".into())));
    ends.account.credentials.insert("token", Secret::new("legacy-verify-token"));
    assert_eq!(ends.call("webhook outbound", &outbound).status, 200);
    ends.account.credentials.remove("apiKey");
    assert!(token::request(&ends.account, None).unwrap_err().contains("`--api-key` is missing"));
    let empty = Response { status: 200, body: "{}".into(), ..Response::default() };
    assert_eq!(token::read(&empty, ends.now).unwrap_err().message, "the answer holds no token");
}
