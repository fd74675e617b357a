//! Client and simulator, held against the documents and against each other.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use serde_json::{Value, json};

use super::*;
use crate::client::shape::differences;
use crate::client::{Account, Answered, Asked, Outgoing, Simulator};
use crate::config::Secret;

const TODAY: Date = date(2026, 11, 24);
const BASE: &str = "https://api.flowiq.live";
const NUMBER: &str = "27123456789";

pub(super) fn now() -> Timestamp {
    "2026-11-24T10:00:00.5Z".parse().unwrap()
}

fn account() -> Account {
    let credentials = [("token", "YOUR_BEARER_TOKEN"), ("tenantId", "YOUR_TENANT_ID")];
    Account {
        base_url: BASE.to_owned(),
        credentials: credentials.map(|it| (it.0, Secret::new(it.1))).into(),
    }
}

fn endpoint(call: &str) -> &'static Endpoint {
    API.endpoints.iter().find(|it| it.call == call).unwrap()
}

fn arguments(call: &str, values: &[(&str, &str)]) -> Arguments {
    let known = endpoint(call).parameters;
    let name = |name: &str| known.iter().find(|it| it.name == name).map_or("?", |it| it.name);
    Arguments {
        values: values.iter().map(|it| (name(it.0), it.1.to_owned())).collect(),
        ..Arguments::default()
    }
}

fn prepare(call: &str, values: &[(&str, &str)]) -> Result<Outgoing, String> {
    endpoint(call).prepare(&account(), &arguments(call, values), TODAY)
}

/// A simulator with so many messages of one contact, of the documents' number.
pub(super) fn with_messages(count: usize) -> Box<dyn Simulator> {
    let mut simulator = (API.simulator)();
    simulator.deed("populate", &json!({ "conversations": 0 }), now());
    for nth in 0..count {
        let sender = ["user-whatsapp", "bot-whatsapp"][nth % 2];
        let text = format!("message {nth}");
        let message = json!({
            "from": "+27 12 345 6789", "name": "John Smith", "text": text, "sender_type": sender,
        });
        simulator.deed("message", &message, now()).unwrap();
    }
    simulator
}

pub(super) fn json_of(answered: &Answered) -> Value {
    serde_json::from_slice(&answered.body).unwrap()
}

pub(super) fn ask(simulator: &mut dyn Simulator, call: &str, values: &[(&str, &str)]) -> Answered {
    let outgoing = prepare(call, values).unwrap();
    simulator.answer(&Asked::of(&outgoing, BASE), now())
}

/// The query of a request by hand, as a client that knows nothing would send it.
pub(super) fn asked(query: &str) -> Asked {
    Asked {
        method: "GET".to_owned(),
        path: "/conversations".to_owned(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: vec![("authorization".to_owned(), "Bearer YOUR_BEARER_TOKEN".to_owned())],
        body: Vec::new().into(),
        base_url: BASE.to_owned(),
    }
}

#[test]
fn every_endpoint_action_and_parameter_of_the_documents_is_in_the_table() {
    let mut listed = 0;
    let lines = include_str!("fixtures/endpoints.txt").lines();
    for line in lines.filter(|it| !it.is_empty() && !it.starts_with('#')) {
        let mut words = line.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let words: Vec<&str> = words.collect();
        let path = match words.iter().find(|it| it.starts_with("action=")) {
            Some(action) => format!("{path}?{action}"),
            None => path.to_owned(),
        };
        let endpoint = API.endpoints.iter().find(|it| it.path == path);
        let endpoint = endpoint.unwrap_or_else(|| panic!("no endpoint for {line}"));
        assert!(endpoint.methods.contains(&method), "{line}");
        let mut named: Vec<(&str, bool)> = words
            .iter()
            .filter(|it| !it.contains('='))
            .map(|it| (it.trim_end_matches('!'), it.ends_with('!')))
            .collect();
        let mut have: Vec<_> =
            endpoint.parameters.iter().map(|it| (it.name, it.required)).collect();
        named.sort_unstable();
        have.sort_unstable();
        assert_eq!(have, named, "{line}");
        listed += 1;
    }
    assert_eq!(listed, API.endpoints.len());
}

#[test]
fn every_request_that_the_pages_show_is_made_and_answered() {
    let lines = include_str!("fixtures/requests.txt").lines();
    for line in lines.filter(|it| !it.is_empty() && !it.starts_with('#')) {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap();
        let (expected, call, query) = (word(), word(), word());
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let values: Vec<(&str, &str)> = pairs.iter().map(|it| (&*it.0, &*it.1)).collect();
        let mut simulator = with_messages(48);
        let action = endpoint(call).path.split_once("action=").unwrap().1;
        let by_hand = asked(&format!("action={action}&{query}"));
        let status = simulator.answer(&by_hand, now()).status;
        if expected == "refused" {
            assert_eq!(status, 400, "{line}");
            prepare(call, &values).unwrap_err();
            continue;
        }
        assert_eq!(status, 200, "{line}");
        let mut ours = Asked::of(&prepare(call, &values).unwrap(), BASE);
        assert_eq!(simulator.answer(&ours, now()).status, 200, "{line}");
        let mut theirs = by_hand;
        ours.query.sort();
        theirs.query.sort();
        assert_eq!((ours.path, ours.query), (theirs.path, theirs.query), "{line}");
    }
}

#[test]
fn the_default_action_is_messages() {
    let mut simulator = with_messages(3);
    let answered = simulator.answer(&asked("tenantId=t&whatsappNumber=27123456789"), now());
    assert_eq!(Messages::read(&answered.body).unwrap().messages.len(), 3);
}

#[test]
fn the_overview_shows_the_header_and_the_options_that_we_send() {
    let headers: Value =
        serde_json::from_str(include_str!("fixtures/flowiq_overview__001.json")).unwrap();
    let outgoing = prepare("contacts", &[]).unwrap();
    let header = outgoing.headers.iter().find(|it| it.0 == "authorization").unwrap();
    assert_eq!(header.1.expose(), headers["headers"]["Authorization"]);

    for (call, json) in [
        ("messages", include_str!("fixtures/flowiq_overview__002.json")),
        ("contacts", include_str!("fixtures/flowiq_overview__003.json")),
    ] {
        let options: serde_json::Map<String, Value> = serde_json::from_str(json).unwrap();
        let options: Vec<(String, String)> =
            options.iter().map(|it| (it.0.clone(), lenient::text(it.1).unwrap())).collect();
        let mut values: Vec<_> = options.iter().map(|it| (&*it.0, &*it.1)).collect();
        if call == "messages" {
            values.push(("whatsappNumber", NUMBER));
        }
        let answered = ask(&mut *with_messages(3), call, &values);
        assert_eq!(answered.status, 200, "{}", json_of(&answered));
    }
}

#[test]
fn the_answer_of_the_reference_is_read_and_answered_alike() {
    let example = include_str!("fixtures/flowiq_reference__001.json");
    let read = Messages::read(example.as_bytes()).unwrap();
    let [message] = &*read.messages else { panic!("{read:?}") };
    assert_eq!(message.text.as_deref(), Some("Hello! How can I help you today?"));
    assert_eq!(message.sender.as_deref(), Some("bot-whatsapp"));
    assert_eq!(message.created_at, "2025-01-10T14:30:00Z".parse().ok());
    assert_eq!(message.status.as_deref(), Some("read"));
    assert_eq!((message.media.as_ref(), message.reactions.len()), (None, 0));
    assert!(message.raw.get().contains("\"message_status\": \"read\""), "{}", message.raw);
    let pagination = read.pagination.unwrap();
    assert_eq!((pagination.page, pagination.pages, pagination.total), (1, 5, 48));
    assert!(pagination.has_next && !pagination.has_previous && !read.filtered);

    // The state that the example describes: 48 messages, 10 on each page.
    let answered = ask(&mut *with_messages(48), "messages", &[("whatsappNumber", NUMBER)]);
    let found = json_of(&answered);
    let example: Value = serde_json::from_str(example).unwrap();
    assert_eq!(differences(&example, &found), <[String; 0]>::default());
    assert_eq!(found["pagination"], example["pagination"]);
    assert_eq!(found["messages"][0]["created_at"], "2026-11-24T10:00:00Z");
}

#[test]
fn contacts_are_read_and_answered_alike() {
    let mut simulator = with_messages(3);
    let example = include_str!("fixtures/contacts.json");
    let contacts = Contacts::read(example.as_bytes()).unwrap();
    let [contact] = &*contacts.contacts else { panic!("{contacts:?}") };
    assert_eq!(contact.name.as_deref(), Some("John Smith"));
    assert_eq!(contact.whatsapp_id.as_deref(), Some(NUMBER));
    assert_eq!(contact.phone_number.as_deref(), Some("+27 12 345 6789"));
    assert!(contact.unread && !contact.archived && contact.tags == ["vip"]);
    let found = json_of(&ask(&mut *simulator, "contacts", &[]));
    let example: Value = serde_json::from_str(example).unwrap();
    assert_eq!(differences(&example, &found), <[String; 0]>::default());
    assert_eq!(found["pagination"], example["pagination"]);

    let example = include_str!("fixtures/contact.json");
    let read = Found::read(example.as_bytes()).unwrap();
    assert_eq!(read.normalised.as_deref(), Some(NUMBER));
    let answered = ask(&mut *simulator, "contact", &[("whatsappNumber", "+27 12 345 6789")]);
    let example: Value = serde_json::from_str(example).unwrap();
    assert_eq!(differences(&example, &json_of(&answered)), <[String; 0]>::default());
    assert_eq!(json_of(&answered)["normalized_phone"], NUMBER);
}

#[test]
fn the_names_of_both_pages_are_read() {
    let quickstart = Messages::read(include_bytes!("fixtures/quickstart.json")).unwrap();
    let reference = Messages::read(include_bytes!("fixtures/flowiq_reference__001.json")).unwrap();
    let [one, other] = [&quickstart.messages[0], &reference.messages[0]];
    assert_eq!((&one.text, &one.sender), (&other.text, &other.sender));
    assert_eq!((&one.status, &one.created_at), (&other.status, &other.created_at));
    assert!(quickstart.pagination.unwrap().has_previous);
    let media = br#"{"messages":[{"message":1,"content":"x","mediaType":"audio"}, 7, null]}"#;
    let media = Messages::read(media).unwrap();
    assert_eq!(media.messages[0].media.as_deref(), Some("audio"));
    // What is strange costs its neighbours nothing, and is there as it came.
    assert_eq!(media.messages[1].raw.get(), "7");
    assert_eq!((media.messages.len(), media.pagination), (3, None));
    Messages::read(b"{\"success\":true}").unwrap_err();
}

#[test]
fn what_the_documents_forbid_costs_no_call() {
    for (call, values, expected) in [
        ("messages", vec![], "`--whatsapp-number` or `--contact-id` says whose messages"),
        ("messages", vec![("whatsappNumber", "1"), ("limit", "101")], "from 1 to 100"),
        ("messages", vec![("whatsappNumber", "1"), ("limit", "0")], "from 1 to 100"),
        ("messages", vec![("whatsappNumber", "1"), ("page", "0")], "at least 1"),
        ("messages", vec![("whatsappNumber", "1"), ("ascending", "yes")], "`true` or `false`"),
        ("messages", vec![("contactId", "27123456789")], "a UUID"),
        ("contacts", vec![("limit", "101")], "from 1 to 100"),
        ("contacts", vec![("page", "two")], "a whole number"),
        ("contact", vec![], "`--whatsapp-number` is missing"),
        ("send", vec![("phone_number", "+27123456789")], "`--message-type` is missing"),
        ("send", vec![("phone_number", "1"), ("message_type", "fax")], "`--message-type` is"),
    ] {
        let error = prepare(call, &values).unwrap_err();
        assert!(error.contains(expected), "{call} {values:?}: {error}");
    }
    let nobody = Account { credentials: [].into(), ..account() };
    let error = endpoint("contacts").prepare(&nobody, &Arguments::default(), TODAY).unwrap_err();
    assert_eq!(error, "`--tenant-id` is missing: The tenant's id.");
}

/// A value that fits, for every kind.
fn example(parameter: &Parameter, contact: &str) -> String {
    match (parameter.name, parameter.kind) {
        ("contactId", _) => contact.to_owned(),
        ("orderId", _) => "1234567890".to_owned(),
        ("whatsappNumber" | "phone_number", _) => "+27 12 345 6789".to_owned(),
        (_, Kind::Integer(least, _)) => least.to_string(),
        (_, Kind::Choice(words)) => words[0].to_owned(),
        (_, Kind::Flag) => "true".to_owned(),
        (_, Kind::Json) => r#"{"type":"button"}"#.to_owned(),
        _ => "message".to_owned(),
    }
}

#[test]
fn the_simulator_takes_every_endpoint_with_all_its_parameters() {
    for endpoint in API.endpoints {
        let mut simulator = with_messages(3);
        let contacts = json_of(&ask(&mut *simulator, "contacts", &[]));
        let contact = contacts["contacts"][0]["id"].as_str().unwrap();
        let values = endpoint.parameters.iter().map(|it| (it.name, example(it, contact)));
        let arguments = Arguments { values: values.collect(), ..Arguments::default() };
        let outgoing = endpoint.prepare(&account(), &arguments, TODAY).unwrap();
        let answered = simulator.answer(&Asked::of(&outgoing, BASE), now());
        assert_eq!(answered.status, 200, "{}: {}", endpoint.call, json_of(&answered));
        assert_eq!((API.problem)(&answered.into()), None);
    }
    for kind in MESSAGE_TYPES {
        let body = json!({ "text": "hi", "media_url": "u", "interactive": {}});
        let mut arguments = arguments("send", &[("phone_number", NUMBER), ("message_type", kind)]);
        arguments.body = Some(body);
        let outgoing = endpoint("send").prepare(&account(), &arguments, TODAY).unwrap();
        let answered = with_messages(1).answer(&Asked::of(&outgoing, BASE), now());
        assert_eq!(json_of(&answered)["data"]["message_type"], **kind);
        assert_eq!(json_of(&answered)["data"]["recipient"], NUMBER);
    }
}

#[test]
fn the_simulator_refuses_what_the_documents_do_not_list() {
    let good = "tenantId=t&whatsappNumber=27123456789";
    for (query, status, expected) in [
        ("", 400, "tenantId is required"),
        ("tenantId=", 400, "tenantId is required"),
        ("tenantId=other&whatsappNumber=1", 401, "does not match the provided tenantId"),
        ("tenantId=t", 400, "whatsappNumber or contactId"),
        ("tenantId=t&contactId=12", 400, "contactId is not a UUID"),
        (&*format!("{good}&sort=up"), 400, "there is no parameter `sort`"),
        (&*format!("{good}&search=x"), 400, "there is no parameter `search`"),
        (&*format!("{good}&page=1&page=2"), 400, "`page` stands twice"),
        (&*format!("{good}&page=0"), 400, "page is a whole number"),
        (&*format!("{good}&limit=101"), 400, "at most 100"),
        (&*format!("{good}&ascending=1"), 400, "ascending is true or false"),
        (&*format!("{good}&action=delete"), 400, "there is no action `delete`"),
        (&*format!("{good}&action=contacts"), 400, "there is no parameter `whatsappNumber`"),
        ("action=find-by-phone&tenantId=t", 400, "whatsappNumber is required"),
        (
            "action=find-by-phone&tenantId=t&phoneNumber=1",
            400,
            "there is no parameter `phoneNumber`",
        ),
        ("tenantId=t&whatsappNumber=99", 404, "Contact not found"),
        (&*format!("{good}&orderId=5"), 404, "Shopify order not found"),
    ] {
        let answered = with_messages(1).answer(&asked(query), now());
        let problem = (API.problem)(&answered.into()).unwrap();
        assert_eq!(problem.status, status, "{query}: {problem}");
        assert!(problem.message.contains(expected), "{query}: {problem}");
    }
    let header = |name: &str, value: &str| {
        let mut asked = asked(good);
        asked.headers.retain(|it| it.0 != name);
        asked.headers.push((name.to_owned(), value.to_owned()));
        asked
    };
    let post = |body: &str| Asked {
        method: "POST".to_owned(),
        path: "/send-whatsapp".to_owned(),
        body: body.to_owned().into(),
        ..asked("")
    };
    for (asked, status, expected) in [
        (header("x-api-key", "1"), 400, "there is no header `x-api-key`"),
        (header("authorization", "Bearer invalid"), 401, "Invalid bearer token"),
        (header("authorization", "YOUR_BEARER_TOKEN"), 401, "Bearer token is required"),
        (header("authorization", "Bearer "), 401, "Bearer token is required"),
        (Asked { method: "POST".to_owned(), ..asked(good) }, 405, "POST"),
        (Asked { path: "/contacts".to_owned(), ..asked(good) }, 404, "/contacts"),
        (Asked { body: "{}".into(), ..asked(good) }, 400, "takes no body"),
        (post("[]"), 400, "not a JSON object"),
        (post(r#"{"message_type":"text"}"#), 400, "phone_number is required"),
        (post(r#"{"phone_number":"27123456789"}"#), 400, "message_type is required"),
        (post(r#"{"phone_number":"1","message_type":"fax"}"#), 400, "no message_type `fax`"),
        (post(r#"{"phone_number":"1","message_type":"text"}"#), 400, "text is required"),
        (post(r#"{"phone_number":"1","message_type":"image"}"#), 400, "media_url is required"),
        (post(r#"{"phone_number":"1","message_type":"text","to":"1"}"#), 400, "no field `to`"),
        (
            post(r#"{"phone_number":"1","message_type":"text","text":"x"}"#),
            404,
            "Contact not found",
        ),
    ] {
        let shown = format!("{asked:?}");
        let problem = (API.problem)(&with_messages(1).answer(&asked, now()).into()).unwrap();
        assert_eq!(problem.status, status, "{shown}: {problem}");
        assert!(problem.message.contains(expected), "{shown}: {problem}");
    }
}

#[test]
fn a_problem_is_told_whatever_the_status_says() {
    let problem = |status, body: &str| {
        let headers = vec![("retry-after".to_owned(), "7".to_owned())];
        (API.problem)(&Response { status, headers, body: body.to_owned().into() })
    };
    let said = problem(200, r#"{"success":false,"error":"No","details":"why"}"#).unwrap();
    assert_eq!(said.to_string(), "200: No: why");
    assert_eq!(said.retry_after, Some(Duration::from_secs(7)));
    assert_eq!(problem(502, "<html>").unwrap().to_string(), "502: <html>");
    assert_eq!(problem(200, "<html>").unwrap().message, "<html>");
    assert_eq!(problem(500, r#"{"success":true}"#).unwrap().message, r#"{"success":true}"#);
    assert_eq!(problem(200, r#"{"success":true,"messages":[]}"#), None);
    assert_eq!(problem(200, r#"{"messages":[]}"#), None);
}
