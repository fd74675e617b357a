//! Client and simulator, held against the documents and against each other.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use serde_json::{Value, json};

use super::*;
use crate::client::shape::differences;
use crate::client::{Account, Answered, Arguments, Asked, Outgoing, Simulator};
use crate::config::Secret;

const TODAY: Date = date(2026, 11, 24);
const BASE: &str = "https://flowxo.com/api";
/// The document's conversation.
pub(super) const PATH: &str = "60105b74d2b084f0b80bd45a/c/876631178";
const ENCODED: &str = "60105b74d2b084f0b80bd45a%2Fc%2F876631178";
const TRANSCRIPT: &str = include_str!("fixtures/flowxo_conversations__003.json");

pub(super) fn now() -> Timestamp {
    "2026-11-24T10:00:00.123456Z".parse().unwrap()
}

fn account() -> Account {
    Account {
        base_url: BASE.to_owned(),
        credentials: [("token", Secret::new("eyJ.example"))].into(),
    }
}

fn endpoint(call: &str) -> &'static Endpoint {
    API.endpoints.iter().find(|it| it.call == call).unwrap()
}

fn prepare(call: &str, values: &[(&'static str, &str)]) -> Result<Outgoing, String> {
    let values = values.iter().map(|it| (it.0, it.1.to_owned())).collect();
    let arguments = Arguments { values, ..Arguments::default() };
    endpoint(call).prepare(&account(), &arguments, TODAY)
}

pub(super) fn json_of(answered: &Answered) -> Value {
    serde_json::from_slice(&answered.body).unwrap()
}

pub(super) fn ask(
    simulator: &mut dyn Simulator,
    call: &str,
    values: &[(&'static str, &str)],
) -> Answered {
    let outgoing = prepare(call, values).unwrap();
    simulator.answer(&Asked::of(&outgoing, BASE), now())
}

/// A simulator with the document's conversation, and one message in it.
pub(super) fn simulator() -> Box<dyn Simulator> {
    let mut simulator = (API.simulator)();
    let message = json!({ "from": PATH, "text": "Hi!", "name": "Secret Dude" });
    simulator.deed("message", &message, now()).unwrap();
    simulator
}

fn asked(method: &str, path: &str, query: &str, body: &str) -> Asked {
    Asked {
        method: method.to_owned(),
        path: path.to_owned(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: vec![("authorization".to_owned(), "Bearer eyJ.example".to_owned())],
        body: body.to_owned().into(),
        base_url: BASE.to_owned(),
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|it| !it.is_empty() && !it.starts_with('#'))
}

#[test]
fn every_endpoint_and_parameter_of_the_documents_is_in_the_table() {
    let mut listed = 0;
    for line in lines(include_str!("fixtures/endpoints.txt")) {
        let words: Vec<&str> = line.split(' ').collect();
        let endpoint = API.endpoints.iter().find(|it| it.path == words[1]);
        let endpoint = endpoint.unwrap_or_else(|| panic!("no endpoint for {line}"));
        assert!(endpoint.methods.contains(&words[0]), "{line}");
        let named = words[2..].iter().map(|it| (it.trim_end_matches('!'), it.ends_with('!')));
        let have = endpoint.parameters.iter().map(|it| (it.name, it.required));
        assert!(have.eq(named), "{line}");
        listed += 1;
    }
    assert_eq!(listed, API.endpoints.len());
}

#[test]
fn every_request_that_the_page_shows_is_made_and_answered() {
    for line in lines(include_str!("fixtures/requests.txt")) {
        let words: Vec<&str> = line.split(' ').collect();
        let (path, query) = words[2].split_once('?').unwrap_or((words[2], ""));
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let known = endpoint(words[0]).parameters;
        let mut values: Vec<(&'static str, &str)> = pairs
            .iter()
            .map(|it| (known.iter().find(|known| known.name == it.0).unwrap().name, &*it.1))
            .collect();
        if path.contains(ENCODED) {
            values.push(("id", ENCODED));
        }
        let outgoing = prepare(words[0], &values).unwrap();
        assert_eq!((outgoing.method, outgoing.url), (words[1], format!("{BASE}{}", words[2])));
        let answered = simulator().answer(&asked("GET", path, query, ""), now());
        assert_eq!(answered.status, 200, "{line}: {}", json_of(&answered));
    }
}

#[test]
fn an_id_is_percent_encoded_exactly_once_however_it_is_given() {
    let url = |id: &str| prepare("conversation", &[("id", id)]).map(|it| it.url);
    for id in [PATH, ENCODED, &*ENCODED.to_lowercase()] {
        assert_eq!(url(id).unwrap(), format!("{BASE}/conversations/{ENCODED}"), "{id}");
    }
    // A user's own percent sign is a part of the id: as it is, and encoded.
    for id in ["b/c/50%2F50", "b%2Fc%2F50%252F50"] {
        assert_eq!(url(id).unwrap(), format!("{BASE}/conversations/b%2Fc%2F50%252F50"), "{id}");
    }
    assert_eq!(
        url("b/c/x?y=ü#z").unwrap(),
        format!("{BASE}/conversations/b%2Fc%2Fx%3Fy%3D%C3%BC%23z")
    );
    for id in ["", " ", "..", "b%2Fc%2", "b%2Fc%+1", "b%2F%FF"] {
        url(id).unwrap_err();
    }

    let mut simulator = simulator();
    for id in [PATH, ENCODED] {
        let found = json_of(&ask(&mut *simulator, "conversation", &[("id", id)]));
        assert_eq!((&found["id"], &found["id_url_encoded"]), (&json!(PATH), &json!(ENCODED)));
    }
    // Encoded not at all, or twice, it is not found.
    for path in [PATH.to_owned(), ENCODED.replace('%', "%25")] {
        let path = format!("/conversations/{path}");
        assert_eq!(simulator.answer(&asked("GET", &path, "", ""), now()).status, 404, "{path}");
    }
}

#[test]
fn a_list_of_conversations_is_read() {
    let example = include_bytes!("fixtures/flowxo_conversations__001.json");
    let read = Conversations::read(example).unwrap();
    assert_eq!((read.total, read.skip, read.limit), (Some(415), Some(0), Some(25)));
    let [first, second] = &*read.conversations else { panic!("{read:?}") };
    assert_eq!(first.id.as_deref(), Some(PATH));
    assert_eq!(first.encoded_id.as_deref(), Some(ENCODED));
    assert_eq!((first.unreachable, second.unreachable), (None, Some(false)));
    assert_eq!(second.platform.as_deref(), Some("whatsapp"));
    assert_eq!(second.user_name.as_deref(), Some("Nathan"));
    let last = second.last_message.as_ref().unwrap();
    assert_eq!(last.text.as_deref(), Some("Here: 7074777548: valid"));
    assert_eq!(last.timestamp, "2021-11-10T02:17:08.166Z".parse().ok());
    let single = include_bytes!("fixtures/flowxo_conversations__002.json");
    let single = Conversation::read(single).unwrap();
    assert_eq!((single.id, single.agent_mode), (first.id.clone(), false));
    assert!(single.raw.get().contains("\"bot_name\": \"nathanbot local\""));
}

#[test]
fn a_transcript_is_read() {
    let read = messages(TRANSCRIPT.as_bytes()).unwrap();
    let [custom, _, text] = &*read else { panic!("{read:?}") };
    assert_eq!(custom.kind.as_deref(), Some("custom"));
    assert_eq!(custom.custom["text"], "Well you know my name is __simon__");
    assert_eq!(custom.role.as_deref(), Some("bot"));
    assert_eq!(text.text.as_deref(), Some("Command: \nMessage: Text me"));
    assert_eq!((&text.custom, &text.options), (&Value::Null, &Value::Null));
    assert_eq!(text.from.as_deref(), Some("60105b74d2b084f0b80bd45a"));
    assert!(text.timestamp < custom.timestamp && text.id < custom.id);
}

#[test]
fn what_is_strange_costs_its_neighbours_nothing() {
    let read = Conversations::read(include_bytes!("fixtures/odd.json")).unwrap();
    assert_eq!((read.total, read.conversations.len()), (Some(3), 3));
    assert_eq!(read.conversations[0].user_id.as_deref(), Some("1"));
    assert!(read.conversations[0].last_message.is_none());
    assert_eq!(read.conversations[1].raw.get(), "7");
    let last = read.conversations[2].last_message.as_ref().unwrap();
    assert_eq!((last.kind.as_deref(), &last.custom), (Some("carousel"), &json!("{not json")));
    assert_eq!(last.timestamp, "2021-11-12T00:05:39.329Z".parse().ok());
    for body in ["", "[]", "{}", "<html>"] {
        Conversations::read(body.as_bytes()).unwrap_err();
        assert_eq!(messages(body.as_bytes()).is_ok(), body == "[]");
    }
    Conversation::read(b"[]").unwrap_err();
}

#[test]
fn the_simulator_answers_in_the_shape_of_the_examples() {
    let mut simulator = (API.simulator)();
    let arguments = json!({ "conversations": 415, "messages": 4 });
    simulator.deed("populate", &arguments, now()).unwrap();
    let example: Value =
        serde_json::from_str(include_str!("fixtures/flowxo_conversations__001.json")).unwrap();
    let first = json_of(&ask(&mut *simulator, "conversations", &[]));
    for key in ["total", "skip", "limit"] {
        assert_eq!(first[key], example[key], "{key}");
    }
    assert!(first.as_object().unwrap().keys().eq(example.as_object().unwrap().keys()));

    // For each conversation of the document there is one in the same state, and its answers have
    // the same shape.
    let all = json_of(&ask(&mut *simulator, "conversations", &[("limit", "415")]));
    let state = |it: &Value| {
        (it["last_message"]["type"].clone(), it.get("unreachable").map(Value::is_boolean))
    };
    let transcript: Value = serde_json::from_str(TRANSCRIPT).unwrap();
    for example in example["conversations"].as_array().unwrap() {
        let mut list = all["conversations"].as_array().unwrap().iter();
        let found = list.find(|it| state(it) == state(example)).unwrap();
        assert_eq!(differences(example, found), <[String; 0]>::default());
        let id = found["id_url_encoded"].as_str().unwrap();
        assert_eq!(json_of(&ask(&mut *simulator, "conversation", &[("id", id)])), *found);
        let messages = json_of(&ask(&mut *simulator, "messages", &[("id", id)]));
        assert_eq!(messages[0], found["last_message"]);
        let mut compared = 0;
        for message in messages.as_array().unwrap() {
            let mut examples = transcript.as_array().unwrap().iter();
            let example = examples.find(|it| it["type"] == message["type"]);
            let found = example.map(|it| differences(it, message)).unwrap_or_default();
            assert_eq!(found, <[String; 0]>::default());
            compared += usize::from(example.is_some());
        }
        assert!(compared > 0, "{messages}");
    }
}

#[test]
fn the_simulator_takes_every_endpoint_with_all_its_parameters() {
    for endpoint in API.endpoints {
        let value = |it: &Parameter| match (it.name, it.kind) {
            ("id" | "response_path", _) => PATH.to_owned(),
            ("message", _) => r#"{"body":"Hello"}"#.to_owned(),
            (_, Kind::Integer(least, _)) => least.to_string(),
            (_, Kind::Choice(words)) => words[0].to_owned(),
            (_, Kind::Moment) => "2026-11-24".to_owned(),
            _ => panic!("{it:?}"),
        };
        let values = endpoint.parameters.iter().map(|it| (it.name, value(it)));
        let arguments = Arguments { values: values.collect(), ..Arguments::default() };
        let outgoing = endpoint.prepare(&account(), &arguments, TODAY).unwrap();
        let answered = simulator().answer(&Asked::of(&outgoing, BASE), now());
        assert_eq!(answered.status, 200, "{}: {}", endpoint.call, json_of(&answered));
        assert_eq!((API.problem)(&answered.into()), None);
    }
}

#[test]
fn what_the_documents_forbid_costs_no_call() {
    for (call, values, expected) in [
        ("conversations", vec![("skip", "-1")], "at least 0"),
        ("conversations", vec![("limit", "0")], "at least 1"),
        ("conversations", vec![("start", "yesterday")], "a day or a moment in ISO 8601"),
        ("messages", vec![("limit", "5")], "`--id` is missing"),
        ("messages", vec![("id", PATH), ("page", "2")], "no parameter `page`"),
        ("send", vec![("response_path", PATH), ("type", "fax")], "`--type` is text or media"),
        ("send", vec![("response_path", PATH), ("type", "text")], "`--message` is missing"),
    ] {
        let error = prepare(call, &values).unwrap_err();
        assert!(error.contains(expected), "{call} {values:?}: {error}");
    }
}

#[test]
fn the_simulator_refuses_what_the_documents_do_not_list() {
    let list = "/conversations";
    let send = |body: &str| {
        let path = format!(r#""response_path":"{PATH}","#);
        asked("POST", "/end_users/messages", "", &body.replace("PATH", &path))
    };
    let header = |name: &str, value: &str| {
        let mut asked = asked("GET", list, "", "");
        asked.headers.retain(|it| it.0 != name);
        asked.headers.push((name.to_owned(), value.to_owned()));
        asked
    };
    for (asked, status, expected) in [
        (header("x-api-key", "1"), 400, "there is no header `x-api-key`"),
        (header("authorization", "Bearer invalid"), 401, "is not valid"),
        (header("authorization", "eyJ.example"), 401, "`Bearer <API key>`"),
        (asked("GET", list, "page=1", ""), 400, "there is no parameter `page`"),
        (asked("GET", list, "skip=1&skip=2", ""), 400, "`skip` stands twice"),
        (asked("GET", list, "skip=x", ""), 400, "`skip` is a whole number"),
        (asked("GET", list, "limit=0", ""), 400, "`limit` is a whole number, at least 1"),
        (asked("GET", list, "end=soon", ""), 400, "`end` is a date"),
        (asked("GET", list, "", "{}"), 400, "takes no body"),
        (asked("DELETE", list, "", ""), 405, "DELETE"),
        (asked("GET", "/bots", "", ""), 404, "/bots"),
        (asked("GET", "/conversations/a%2", "", ""), 400, "not well encoded"),
        (asked("GET", "/conversations/a%2Fc%2Fb", "", ""), 404, "no conversation `a/c/b`"),
        (asked("GET", &format!("{list}/{ENCODED}"), "skip=1", ""), 400, "no parameter `skip`"),
        (asked("GET", &format!("{list}/{ENCODED}/messages"), "start=1", ""), 400, "`start`"),
        (asked("GET", &format!("{list}/{PATH}/messages"), "", ""), 404, "id_url_encoded"),
        (send("[]"), 400, "not a JSON object"),
        (send(r#"{PATH"to":"1"}"#), 400, "no field `to`"),
        (send(r#"{"type":"text","message":{"body":"x"}}"#), 400, "`response_path` is missing"),
        (send(r#"{PATH"message":{"body":"x"}}"#), 400, "`type` is missing"),
        (send(r#"{PATH"type":"fax","message":{}}"#), 400, "`type` is text or media"),
        (send(r#"{PATH"type":"text"}"#), 400, "`message` is missing"),
        (send(r#"{PATH"type":"text","message":"x"}"#), 400, "for text"),
        (send(r#"{PATH"type":"media","message":{"type":"hologram"}}"#), 400, "for media"),
        (send(r#"{"response_path":"a/c/b","type":"card","message":{}}"#), 404, "`a/c/b`"),
    ] {
        let shown = format!("{asked:?}");
        let problem = (API.problem)(&simulator().answer(&asked, now()).into()).unwrap();
        assert_eq!(problem.status, status, "{shown}: {problem}");
        assert!(problem.message.contains(expected), "{shown}: {problem}");
    }
}

#[test]
fn a_problem_is_told_in_the_words_of_the_answer() {
    let problem = |status, body: &str| {
        let headers = vec![("retry-after".to_owned(), "7".to_owned())];
        (API.problem)(&Response { status, headers, body: body.to_owned().into() })
    };
    let said = problem(429, r#"{"error":"slow down"}"#).unwrap();
    assert_eq!(
        (said.to_string(), said.retry_after),
        ("429: slow down".to_owned(), Some(Duration::from_secs(7)))
    );
    assert_eq!(problem(500, r#"{"message":"oops"}"#).unwrap().message, "oops");
    assert_eq!(problem(404, "Not Found").unwrap().message, "Not Found");
    assert_eq!(problem(200, ""), None);
}
