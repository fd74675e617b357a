//! Client and simulator on the examples of the reference, and on what goes wrong.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::API;
use super::payload::{
    Accepted, Agents, Chat, Deleted, Envelope, Item, Knowledge, Messages, Page, Refusal, Template,
    Usage,
};
use crate::client::Response;
use crate::client::tests::{Ends, fixture, fixtures, json, shape};

const AGENT: &str = "66a72b17-cb03-4397-ab2a-1eef13847737";

fn ends() -> Ends {
    Ends::new(&API, &[("api_key", "key-of-tests"), ("agent_id", AGENT)])
}

fn example(number: u32) -> Value {
    json(&fixture("flowgent", &format!("flowgent__{number:03}.json")))
}

/// Asks what our client would refuse to ask.
fn ask(ends: &mut Ends, method: &str, target: &str, body: &Value) -> Response {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    ends.ask(method, target, &[("authorization", "key-of-tests")], &body)
}

#[test]
fn every_example_is_read_and_written_as_the_reference_has_it() {
    fn same<T: DeserializeOwned + serde::Serialize>(example: &Value) {
        let read: T = serde_json::from_value(example.clone())
            .unwrap_or_else(|error| panic!("{error}: {example}"));
        assert_eq!(json!(read), *example);
    }
    assert_eq!(fixtures("flowgent").len(), 62);
    for number in 1..=62 {
        let example = example(number);
        match number {
            1..=3 => same::<Chat>(&example),
            4..=7 => same::<Envelope>(&example),
            8 => same::<Accepted>(&example),
            9 => same::<Usage>(&example),
            21 => same::<Template>(&example),
            22 => assert!(example["messages"][0]["id"].is_string()),
            27 | 48 => same::<Knowledge>(&example),
            28 | 43 | 49 => same::<Item>(&example),
            37 => same::<Page>(&example),
            58 => same::<Deleted>(&example),
            _ => same::<Refusal>(&example),
        }
    }
}

#[test]
fn whatever_the_reference_shows_as_an_answer_is_read_as_what_it_is() {
    let bad = [5, 6, 7].into_iter().chain(10..=20).chain(23..=26).chain(29..=36);
    let bad = bad.chain(38..=42).chain(44..=47).chain(50..=57).chain(59..=62);
    let bad: Vec<u32> = bad.collect();
    for number in 4..=62 {
        let body = fixture("flowgent", &format!("flowgent__{number:03}.json"));
        let inside = [5, 6, 7].contains(&number);
        let is_bad = bad.contains(&number);
        let status = if is_bad && !inside { 400 } else { 200 };
        let response = Response { status, headers: Vec::new(), body: body.into() };
        let problem = (API.problem)(&response);
        assert_eq!(problem.is_some(), is_bad, "{number}");
        let Some(problem) = problem else { continue };
        let example = example(number);
        let told = if inside { &example["body"] } else { &example };
        assert!(problem.message.contains(told["error"].as_str().unwrap()), "{number}: {problem}");
        assert!(problem.message.contains(told["message"].as_str().unwrap_or_default()), "{number}");
        let counts = example["statusCode"].as_u64().unwrap_or(400);
        assert_eq!(u64::from(problem.status), counts, "{number}");
    }
}

#[test]
fn the_three_forms_of_a_message_are_answered_alike() {
    for number in 1..=3 {
        let mut ends = ends();
        let accepted = ends.call_with("chat", &[], example(number));
        assert_eq!(json(&accepted.body), example(8), "{number}");
        let later = ends.later.remove(0);
        assert_eq!((later.method, &*later.url), ("POST", "https://your-domain.com/webhook"));
        let envelope: Envelope = serde_json::from_slice(&later.body).unwrap();
        assert_eq!(shape(&json!(envelope)), shape(&example(4)));
        assert_eq!(envelope.body.reply(), "You said: Hello, I have a question about my order");
        assert_eq!(envelope.body.metadata.unwrap().thread_id, "thread_123456");
    }
}

#[test]
fn a_conversation_goes_on_in_its_thread_and_in_no_other() {
    let mut ends = ends();
    let read =
        |response: &Response| serde_json::from_slice::<Envelope>(&response.body).unwrap().body;
    let first = read(&ends.call("chat", &[("messages", "42")]));
    assert_eq!(first.reply(), "You said: 42");
    let thread = first.metadata.unwrap().thread_id;
    let second = read(&ends.call("chat", &[("messages", "again"), ("thread_id", &thread)]));
    assert_eq!(second.conversation_history.len(), 4);
    assert_eq!(second.reply(), "You said: again");
    assert_eq!(second.metadata.unwrap().thread_id, thread);
    let other =
        read(&ends.call("chat", &[("messages", "hi"), ("agent_id", "b"), ("thread_id", &thread)]));
    assert_eq!(other.conversation_history.len(), 2);
}

#[test]
fn parts_and_tools_of_newer_answers_are_read() {
    let answer = json!({ "statusCode": 200, "body": {
        "agent_id": "a",
        "conversation_history": [
            { "role": "user", "content": [{ "type": "text", "text": "where is it?" }] },
            { "role": "assistant", "content": [
                { "type": "text", "text": "Let me look." },
                { "type": "tool-call", "toolCallId": "c", "toolName": "orders", "args": {} } ] },
            { "role": "tool", "content": [{ "type": "tool-result", "toolCallId": "c", "result": 1 }] },
            { "role": "assistant", "content": "It left today." } ],
        "metadata": { "id": "m", "model": "x", "timestamp": "2025-01-01T00:00:00Z", "tool_calls": [],
            "execution_time": "2.62", "used_credits": 1, "thread_id": "t" } } });
    let envelope: Envelope = serde_json::from_value(answer).unwrap();
    assert_eq!(envelope.body.reply(), "Let me look.\nIt left today.");
}

#[test]
fn what_goes_wrong_inside_a_200_is_told_in_the_providers_words() {
    let mut ends = ends();
    let agent = [("agent_id", "agent_123abc"), ("messages", "hi")];
    ends.deed("credits", &json!({ "left": 1 }));
    let good = ends.call("chat", &agent);
    assert_eq!(ends.problem(&good), None);
    let empty = ends.call("chat", &agent);
    assert_eq!((empty.status, json(&empty.body)), (200, example(5)));
    assert_eq!(ends.problem(&empty), Some((402, "No credits available".into())));
    for (status, number) in [(503, 6), (500, 7)] {
        ends.deed("fail", &json!({ "status": status, "times": 1 }));
        let failed = ends.call("chat", &agent);
        assert_eq!((failed.status, json(&failed.body)), (200, example(number)));
        assert_eq!(ends.problem(&failed).unwrap().0, status);
    }
    ends.deed("credits", &json!({ "left": 5 }));
    assert_eq!(ends.call("chat", &agent).status, 200);
}

#[test]
fn a_failure_reaches_the_callback_too() {
    let mut ends = ends();
    ends.deed("fail", &json!({ "status": 503, "times": 1 }));
    ends.deed("slow", &json!({ "ms": 250 }));
    let said = [("messages", "hi"), ("callback_url", "http://gateway.example/hooks/x")];
    assert_eq!(json(&ends.call("chat", &said).body), example(8));
    assert_eq!(json(&ends.later[0].body)["statusCode"], 503);
    for bad in [json!({"left": "many"}), json!({})] {
        let told = ends.deed("credits", &bad);
        assert_eq!(told["error"], "the deed is `credits {left}`");
    }
    assert_eq!(ends.simulator.deed("dance", &json!({}), ends.now), None);
}

#[test]
fn use_is_counted_day_by_day_newest_first() {
    let mut ends = ends();
    for days in [0, 1, 1] {
        ends.now += jiff::SignedDuration::from_hours(24 * days);
        assert_eq!(ends.call("chat", &[("messages", "hi")]).status, 200);
    }
    ends.now += jiff::SignedDuration::from_hours(24);
    let usage: Usage = serde_json::from_slice(&ends.call("usage", &[]).body).unwrap();
    assert_eq!(usage.usage.total_credits_used, 3);
    let days: Vec<_> =
        usage.usage.daily_breakdown.iter().map(|it| (&*it.date, it.credits_used)).collect();
    assert_eq!(days.len(), 7);
    assert_eq!(days[..3], [("2026-11-26", 1), ("2026-11-25", 1), ("2026-11-24", 1)]);
    assert_eq!(usage.note, None);
    let one: Usage =
        serde_json::from_slice(&ends.call("usage", &[("start_date", "2026-11-26")]).body).unwrap();
    assert_eq!(one.usage.daily_breakdown.len(), 1);
    let example: Usage = serde_json::from_value(example(9)).unwrap();
    let range = [("start_date", "2025-05-20"), ("end_date", "2025-05-26")];
    let early: Usage = serde_json::from_slice(&ends.call("usage", &range).body).unwrap();
    assert_eq!((early.time_range, early.note), (example.time_range, example.note));
    assert_eq!(early.usage.daily_breakdown[0].date, "2025-05-26");
}

#[test]
fn a_template_is_sent_as_the_reference_has_it() {
    let mut ends = ends();
    let sent = ends.call_with("template", &[], example(21));
    assert_eq!(sent.status, 200);
    assert_eq!(shape(&json(&sent.body)), shape(&example(22)));
    assert_eq!(json(&sent.body)["contacts"][0]["wa_id"], "31612345678");
}

#[test]
fn knowledge_is_kept_changed_paged_and_deleted() {
    let mut ends = ends();
    let added = json(&ends.call_with("knowledge add", &[], example(27)).body);
    assert_eq!(shape(&added), shape(&example(28)));
    let id = added["id"].as_str().unwrap().to_owned();
    let got = json(&ends.call("knowledge get", &[("id", &id)]).body);
    assert_eq!(shape(&got), shape(&example(43)));
    assert_eq!(got["content"], example(27)["content"]);
    ends.now += jiff::SignedDuration::from_mins(1);
    let updated = json(&ends.call_with("knowledge update", &[("id", &id)], example(48)).body);
    assert_eq!(shape(&updated), shape(&example(49)));
    assert_eq!(updated["linked_agents"], json!(["agent-uuid-1", "agent-uuid-2"]));
    assert_ne!(updated["updated_at"], updated["created_at"]);
    for number in 0..4 {
        let content = format!("fact {number}");
        let added = [("content", &*content), ("agent_ids", "agent-uuid-9")];
        assert_eq!(ends.call("knowledge add", &added).status, 200);
    }
    let page = json(&ends.call("knowledge list", &[("page", "2"), ("limit", "2")]).body);
    assert_eq!(shape(&page)["pagination"], shape(&example(37))["pagination"]);
    assert_eq!(page["knowledge_items"].as_array().unwrap().len(), 2);
    assert_eq!(page["pagination"]["total_pages"], 3);
    assert_eq!(page["pagination"]["has_next_page"], true);
    let of = json(&ends.call("knowledge list", &[("agent_id", "agent-uuid-2")]).body);
    assert_eq!(of["pagination"]["total_count"], 1);
    assert_eq!(shape(&of), shape(&example(37)));
    assert_eq!(json(&ends.call("knowledge delete", &[("id", &id)]).body), example(58));
    let gone = ends.call("knowledge get", &[("id", &id)]);
    assert_eq!((gone.status, json(&gone.body)), (404, example(46)));
}

#[test]
fn every_documented_refusal_is_provoked_and_told_in_the_providers_words() {
    let mut ends = ends();
    let long = "x".repeat(4001);
    let chat = format!("/agent/{AGENT}/usage");
    let usage = |query: &str| format!("{chat}?{query}");
    let none = Value::Null;
    for (number, method, target, body) in [
        (12, "GET", "/agent/other/usage".to_owned(), none.clone()),
        (13, "GET", "/agent/%20/usage".to_owned(), none.clone()),
        (14, "GET", usage("end_date=2026-11-01"), none.clone()),
        (15, "GET", usage("start_date=1.11.2026"), none.clone()),
        (16, "GET", usage("start_date=2026-02-30"), none.clone()),
        (17, "GET", usage("start_date=2026-11-02&end_date=2026-11-01"), none.clone()),
        (18, "GET", usage("start_date=2026-11-02&end_date=2026-11-24"), none.clone()),
        (19, "GET", usage("start_date=2026-10-01&end_date=2026-11-01"), none.clone()),
        (24, "POST", format!("/agent/{AGENT}/waba"), json!({ "language": "en" })),
        (25, "POST", "/agent/no-whatsapp/waba".to_owned(), example(21)),
        (31, "POST", "/knowledge".to_owned(), json!({ "agent_ids": "a" })),
        (32, "POST", "/knowledge".to_owned(), json!({ "content": "c" })),
        (33, "POST", "/knowledge".to_owned(), json!({ "content": long, "agent_ids": "a" })),
        (
            34,
            "POST",
            "/knowledge".to_owned(),
            json!({ "content": "c", "agent_ids": ["a", "other"] }),
        ),
        (40, "GET", "/knowledge?agent_id=other".to_owned(), none.clone()),
        (41, "GET", "/knowledge?limit=101".to_owned(), none.clone()),
        (46, "GET", "/knowledge/nothing".to_owned(), none.clone()),
        (52, "PATCH", "/knowledge/nothing".to_owned(), json!({})),
        (61, "DELETE", "/knowledge/nothing".to_owned(), none.clone()),
    ] {
        let response = ask(&mut ends, method, &target, &body);
        assert_eq!(json(&response.body), example(number), "{number} {target}");
        assert!((400..500).contains(&response.status));
        let (status, message) = ends.problem(&response).unwrap();
        assert_eq!(status, response.status);
        assert!(message.starts_with(example(number)["error"].as_str().unwrap()), "{message}");
    }
    let added = json(&ends.call("knowledge add", &[("content", "c"), ("agent_ids", "a")]).body);
    let item = format!("/knowledge/{}", added["id"].as_str().unwrap());
    for (number, body) in [
        (53, json!({ "agent_ids": ["other"] })),
        (54, json!({ "content": long })),
        (56, json!({ "name": "" })),
    ] {
        assert_eq!(json(&ask(&mut ends, "PATCH", &item, &body).body), example(number));
    }
    let broken = ends.ask("PATCH", &item, &[("authorization", "k")], b"{\"name\": }");
    let broken = json(&broken.body);
    assert_eq!(broken["error"], example(55)["error"]);
    assert_eq!(broken["message"], "Unexpected token } in JSON at position 9");
    ends.deed("limit", &json!({ "items": 1 }));
    let full = ends.call("knowledge add", &[("content", "c"), ("agent_ids", "a")]);
    assert_eq!((full.status, shape(&json(&full.body))), (402, shape(&example(35))));
    assert_eq!(json(&full.body)["message"], example(35)["message"]);
    for (method, target) in [
        ("GET", &*chat),
        ("POST", "/agent/a/waba"),
        ("GET", "/knowledge"),
        ("DELETE", "/knowledge/a"),
    ] {
        let without = ends.ask(method, target, &[], b"");
        assert_eq!((without.status, json(&without.body)), (401, example(10)));
        for key in ["invalid", "Bearer key-of-tests"] {
            let invalid = ends.ask(method, target, &[("authorization", key)], b"");
            assert_eq!((invalid.status, json(&invalid.body)), (401, example(11)));
        }
        ends.deed("fail", &json!({ "status": 500, "times": 1 }));
        let failed = ask(&mut ends, method, target, &none);
        assert_eq!((failed.status, json(&failed.body)), (500, example(20)));
    }
}

#[test]
fn what_the_document_forbids_costs_no_call() {
    let ends = ends();
    let long = "x".repeat(4001);
    for (call, values, part) in [
        ("usage", vec![("end_date", "2026-11-01")], "needs `--start-date`"),
        ("usage", vec![("start_date", "1.11.2026")], "a day, as in 2026-11-24"),
        ("usage", vec![("start_date", "2026-02-30")], "a day, as in 2026-11-24"),
        ("usage", vec![("start_date", "2026-11-24")], "is after the last day"),
        ("usage", vec![("start_date", "2026-11-20"), ("end_date", "2026-11-24")], "yesterday"),
        ("usage", vec![("start_date", "2026-11-20"), ("end_date", "2026-11-19")], "after"),
        ("usage", vec![("start_date", "2026-10-23")], "more than 31 days"),
        ("chat", vec![], "`--messages` is missing"),
        ("chat", vec![("messages", " ")], "`--messages` is empty"),
        ("chat", vec![("messages", "{\"text\": \"hi\"}")], "a message is {\"role\""),
        ("chat", vec![("messages", "hi"), ("callback_url", "gateway")], "is a URL"),
        ("chat", vec![("messages", "hi"), ("mood", "good")], "no parameter `mood`"),
        ("template", vec![("template_name", "t"), ("language", "en")], "--recipient-phone-number"),
        ("knowledge add", vec![("content", &*long), ("agent_ids", "a")], "4001 characters"),
        ("knowledge add", vec![("content", "c"), ("agent_ids", "[]")], "at least one agent"),
        ("knowledge add", vec![("content", "c")], "`--agent-ids` is missing"),
        ("knowledge list", vec![("limit", "101")], "from 1 to 100"),
        ("knowledge list", vec![("page", "0")], "at least 1"),
        ("knowledge update", vec![("id", "i"), ("name", "")], "says something"),
    ] {
        let error = ends.prepare(call, &values).unwrap_err();
        assert!(error.contains(part), "{call} {values:?}: {error}");
    }
    for values in [vec![], vec![("start_date", "2026-10-24")], vec![("start_date", "2026-11-23")]] {
        assert!(ends.prepare("usage", &values).is_ok(), "{values:?}");
    }
    let digits = [("recipient_phone_number", "+31"), ("template_name", "t"), ("language", "en")];
    assert!(ends.prepare("template", &digits).unwrap_err().contains("digits"));
}

#[test]
fn what_the_document_does_not_list_is_refused() {
    let mut ends = ends();
    let key = ("authorization", "key-of-tests");
    let strange = ends.ask("GET", "/knowledge", &[key, ("x-api-key", "k")], b"");
    assert_eq!(ends.problem(&strange), Some((400, "Unknown header: x-api-key".into())));
    for target in ["/knowledge?size=1".to_owned(), format!("/agent/{AGENT}/usage?from=2026-11-01")]
    {
        assert_eq!(ask(&mut ends, "GET", &target, &Value::Null).status, 400, "{target}");
    }
    for (target, body) in [
        (format!("/agent/{AGENT}/chat"), json!({ "messages": "hi", "thread": "t" })),
        (
            format!("/agent/{AGENT}/chat"),
            json!({ "messages": { "role": "user", "content": "", "x": 1 } }),
        ),
        (format!("/agent/{AGENT}/waba"), json!({ "to": "1" })),
        ("/knowledge".to_owned(), json!({ "content": "c", "agent_ids": "a", "title": "t" })),
    ] {
        let refused = ask(&mut ends, "POST", &target, &body);
        assert!(ends.problem(&refused).unwrap().1.contains("Unknown field"), "{target} {body}");
    }
    assert_eq!(ask(&mut ends, "GET", "/agent", &Value::Null).status, 404);
    assert_eq!(ask(&mut ends, "PUT", "/knowledge", &json!({})).status, 405);
}

#[test]
fn every_call_with_the_least_that_it_takes_is_accepted() {
    let mut ends = ends();
    let added = json(&ends.call("knowledge add", &[("content", "c"), ("agent_ids", "a")]).body);
    let id = added["id"].as_str().unwrap().to_owned();
    for endpoint in API.endpoints {
        let needed = endpoint.parameters.iter().filter(|it| it.required && it.name != "agent_id");
        let values: Vec<_> = needed
            .map(|it| match it.name {
                "id" => ("id", &*id),
                "recipient_phone_number" => (it.name, "31612345678"),
                name => (name, "something"),
            })
            .collect();
        let response = ends.call(endpoint.call, &values);
        assert_eq!(ends.problem(&response), None, "{}", endpoint.call);
    }
    assert!(matches!(
        serde_json::from_value::<Chat>(example(1)).unwrap().messages,
        Messages::Text(_)
    ));
    let both = serde_json::from_value::<Knowledge>(json!({ "agent_ids": "a" })).unwrap();
    assert_eq!(both.agent_ids, Some(Agents::One("a".into())));
}
