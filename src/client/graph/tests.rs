//! Client and simulator on Meta's own examples, and on what goes wrong.

use hmac::{Hmac, KeyInit, Mac};
use jiff::SignedDuration;
use serde_json::{Value, json};
use sha2::Sha256;

use super::payload::{Failure, Lead, Media, PageSent, Sent};
use super::{API, download};
use crate::client::tests::{BASE, Ends, fixture, fixtures, json, shape};
use crate::client::{Arguments, Outgoing, Response};

pub(super) const NUMBER: &str = "106540352242922";
pub(super) const TO: (&str, &str) = ("to", "+49 170 1234567");

pub(super) fn ends() -> Ends {
    let credentials = [("token", "token-of-tests"), ("phone_number_id", NUMBER), ("page_id", "77")];
    Ends::new(&API, &credentials)
}

/// An example whose blanks are filled in.
fn filled(value: &mut Value) {
    match value {
        Value::String(text) if text.starts_with("{{") => "+16505551234".clone_into(text),
        Value::String(text) if text.contains("http(s)://") => {
            "https://example.com/file".clone_into(text);
        }
        Value::String(text) if text == "<HEADER_TYPE>" => "text".clone_into(text),
        Value::String(text) if text.starts_with('<') => {
            let words = text.trim_matches(['<', '>']);
            *text = words.chars().rev().take(20).collect::<Vec<_>>().into_iter().rev().collect();
        }
        Value::Array(all) => all.iter_mut().for_each(filled),
        Value::Object(fields) => fields.values_mut().for_each(filled),
        _ => {}
    }
}

fn example(name: &str) -> Value {
    let mut value = json(&fixture("graph", name));
    filled(&mut value);
    value
}

fn text(ends: &mut Ends) -> Response {
    ends.call("messages", &[TO, ("text", r#"{"body":"hi"}"#)])
}

/// Sends what our client would refuse to send.
pub(super) fn post(ends: &mut Ends, path: &str, body: &Value) -> Response {
    ends.ask("POST", path, &[("authorization", "Bearer t")], body.to_string().as_bytes())
}

pub(super) fn failure(response: &Response) -> (i64, String) {
    let Failure { error } = serde_json::from_slice(&response.body).unwrap();
    (error.code, error.error_data.and_then(|it| it.details).unwrap_or(error.message))
}

#[test]
fn every_example_of_a_request_is_accepted_by_client_and_simulator() {
    let requests = fixtures("graph").into_iter().filter(|it| it.starts_with("send_request"));
    let mut count = 0;
    for name in requests {
        let mut ends = ends();
        let is_read = name.contains("typing_indicator");
        let call = if is_read { "read" } else { "messages" };
        let response = ends.call_with(call, &[], example(&name));
        assert_eq!(ends.problem(&response), None, "{name}");
        let answer = json(&response.body);
        if is_read {
            assert_eq!(answer, json!({ "success": true }));
        } else {
            let sent: Sent = serde_json::from_value(answer).unwrap();
            assert!(sent.messages[0].id.starts_with("wamid."), "{name}");
            assert!(sent.contacts[0].wa_id.is_some());
        }
        count += 1;
    }
    assert_eq!(count, 50);
}

#[test]
fn every_example_of_an_answer_is_read_and_is_what_the_simulator_answers() {
    let mut ends = ends();
    let answers = fixtures("graph").into_iter().filter(|it| it.starts_with("send_response"));
    for name in answers {
        let answer = json(&fixture("graph", &name));
        let response =
            Response { status: 200, body: answer.to_string().into(), ..Response::default() };
        assert_eq!((API.problem)(&response), None, "{name}");
        let request = name.replace("send_response_200__", "send_request__");
        let given = post(&mut ends, &format!("/v25.0/{NUMBER}/messages"), &example(&request));
        let mut given = json(&given.body);
        if let Some(message) = given.pointer_mut("/messages/0").and_then(Value::as_object_mut) {
            // Meta added it for templates after the example was written.
            message.remove("message_status");
        }
        assert_eq!(shape(&given), shape(&answer), "{name}");
    }
}

#[test]
fn a_message_is_sent_delivered_and_read_and_each_status_is_signed() {
    let mut ends = ends();
    let webhook = json!({ "url": "http://gateway.example/hooks/wa", "app_secret": "shh", "verify_token": "v&t" });
    ends.deed("webhook", &webhook);
    let due = ends.simulator.due();
    let handshake = &due[0].1;
    assert_eq!(handshake.method, "GET");
    assert!(handshake.url.ends_with("hub.challenge=1158201444&hub.verify_token=v%26t"));
    let values = [TO, ("text", r#"{"body":"hi"}"#), ("biz_opaque_callback_data", "order-1")];
    let sent: Sent = serde_json::from_slice(&ends.call("messages", &values).body).unwrap();
    assert_eq!(sent.contacts[0].input, TO.1);
    assert_eq!(sent.contacts[0].wa_id.as_deref(), Some("491701234567"));
    let mut statuses = Vec::new();
    for Outgoing { headers, body, url, .. } in std::mem::take(&mut ends.later) {
        assert_eq!(url, "http://gateway.example/hooks/wa");
        let signature = headers.iter().find(|it| it.0 == "x-hub-signature-256").unwrap();
        let tag = hex::decode(signature.1.expose().strip_prefix("sha256=").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(b"shh").unwrap();
        mac.update(&body);
        mac.verify_slice(&tag).unwrap();
        let status = json(&body)["entry"][0]["changes"][0]["value"]["statuses"][0].clone();
        assert_eq!(status["id"], sent.messages[0].id);
        assert_eq!(status["recipient_id"], "491701234567");
        assert_eq!(status["biz_opaque_callback_data"], "order-1");
        statuses.push(status["status"].as_str().unwrap().to_owned());
    }
    assert_eq!(statuses, ["sent", "delivered", "read"]);
}

#[test]
fn a_customer_writes_and_the_window_opens_for_a_day() {
    let mut ends = ends();
    ends.deed("webhook", &json!({ "url": "http://gateway.example", "app_secret": "shh" }));
    ends.deed("window", &json!({ "open": false }));
    let refused = text(&mut ends);
    assert_eq!(failure(&refused).0, 131_047);
    let template =
        [TO, ("type", "template"), ("template", r#"{"name":"t","language":{"code":"de"}}"#)];
    assert_eq!(ends.call("messages", &template).status, 200);
    let heard = ends.deed("message", &json!({ "from": "491701234567", "text": "hello" }));
    let due = ends.simulator.due();
    let value = json(&due[0].1.body)["entry"][0]["changes"][0]["value"].clone();
    assert_eq!(value["messages"][0]["id"], heard["id"]);
    assert_eq!(value["messages"][0]["text"]["body"], "hello");
    assert!(ends.simulator.due().is_empty());
    assert_eq!(text(&mut ends).status, 200);
    ends.now += SignedDuration::from_hours(24);
    assert_eq!(failure(&text(&mut ends)).0, 131_047);
}

#[test]
fn limits_are_kept_and_told_with_their_codes() {
    let mut ends = ends();
    for _ in 0..45 {
        assert_eq!(text(&mut ends).status, 200);
    }
    let pair = text(&mut ends);
    assert_eq!((pair.status, failure(&pair).0), (429, 131_056));
    ends.deed("limits", &json!({ "per_second": 2, "per_pair": 100 }));
    assert_eq!([text(&mut ends).status, text(&mut ends).status], [200, 200]);
    let all = text(&mut ends);
    assert_eq!((all.status, failure(&all).0), (429, 130_429));
    let (_, message) = ends.problem(&all).unwrap();
    assert!(message.starts_with("(#130429) Rate limit hit: Message failed to send"), "{message}");
    ends.now += SignedDuration::from_secs(1);
    assert_eq!(text(&mut ends).status, 200);
}

#[test]
fn failures_come_at_once_or_later_as_asked_for() {
    let mut ends = ends();
    ends.deed("unreachable", &json!({ "to": TO.1 }));
    assert_eq!(failure(&text(&mut ends)), (131_026, "Message Undeliverable.".into()));
    let other = [("to", "1555"), ("text", r#"{"body":"hi"}"#)];
    let mut ends = Ends { simulator: (API.simulator)(), ..ends };
    assert!(ends.prepare("messages", &other).unwrap_err().contains("number is not valid"));
    for code in [4, 100, 190, 368, 131_000, 131_048, 131_053, 132_001, 133_010] {
        ends.deed("fail", &json!({ "code": code }));
        let refused = text(&mut ends);
        assert_eq!(failure(&refused).0, code);
        assert!(ends.problem(&refused).unwrap().0 >= 400);
        assert_eq!(text(&mut ends).status, 200);
    }
    ends.deed("webhook", &json!({ "url": "http://gateway.example", "app_secret": "shh" }));
    ends.deed("fail", &json!({ "code": 131_049, "later": true }));
    assert_eq!(text(&mut ends).status, 200);
    let value = json(&ends.later[0].body)["entry"][0]["changes"][0]["value"].clone();
    assert_eq!(value["statuses"][0]["status"], "failed");
    assert_eq!(value["statuses"][0]["errors"][0]["code"], 131_049);
}

#[test]
fn tokens_paths_and_headers_are_refused_as_meta_does() {
    let mut ends = ends();
    let path = format!("/v25.0/{NUMBER}/messages");
    for (headers, code) in [
        (vec![], 104),
        (vec![("authorization", "Bearer invalid")], 190),
        (vec![("authorization", "token")], 104),
        (vec![("authorization", "Bearer t"), ("x-own", "1")], 100),
    ] {
        let response = ends.ask("POST", &path, &headers, b"{}");
        assert_eq!(failure(&response).0, code);
        assert!(ends.problem(&response).is_some());
    }
    let text =
        json!({ "messaging_product": "whatsapp", "to": "15551234567", "text": { "body": "x" } });
    assert_eq!(failure(&post(&mut ends, "/v25.0/1/2/3", &text)).0, 2500);
    assert_eq!(failure(&post(&mut ends, &format!("{path}?a=b"), &text)).0, 100);
    assert_eq!(post(&mut ends, "/1/messages", &text).status, 200);
    assert_eq!(failure(&ends.ask("GET", "/9", &[("authorization", "Bearer t")], b"")).0, 100);
}

#[test]
fn messenger_and_instagram_are_answered_with_whom_and_what() {
    let mut ends = ends();
    let to = ("recipient", r#"{"id":"4711"}"#);
    let text = ("message", r#"{"text":"hi"}"#);
    let sent = ends.call("page-messages", &[to, text, ("messaging_type", "RESPONSE")]);
    let sent: PageSent = serde_json::from_slice(&sent.body).unwrap();
    assert_eq!(sent.recipient_id, "4711");
    assert!(sent.message_id.is_some());
    let shown = ends.call("page-messages", &[to, ("sender_action", "typing_on")]);
    assert_eq!(json(&shown.body), json!({ "recipient_id": "4711" }));
    let long = json!({ "text": "x".repeat(2001) }).to_string();
    for values in [
        vec![to],
        vec![to, text, ("sender_action", "typing_on")],
        vec![to, ("message", "{}")],
        vec![to, ("message", &*long)],
        vec![to, text, ("messaging_type", "MESSAGE_TAG")],
        vec![("recipient", "{}"), text],
    ] {
        assert!(ends.prepare("page-messages", &values).is_err(), "{values:?}");
        let mut body = json!({});
        for (name, value) in values {
            body[name] = serde_json::from_str(value).unwrap_or_else(|_| value.into());
        }
        assert!(
            [100, 131_009].contains(&failure(&post(&mut ends, "/77/messages", &body)).0),
            "{body}"
        );
    }
}

#[test]
fn a_page_is_refused_with_a_subcode_as_the_messenger_platform_has_it() {
    let mut ends = ends();
    let to = ("recipient", r#"{"id":"4711"}"#);
    let text = ("message", r#"{"text":"hi"}"#);
    let said = |ends: &mut Ends, more: &[(&'static str, &str)]| {
        let answer = json(&ends.call("page-messages", &[&[to, text], more].concat()).body);
        assert!(answer["error"]["error_data"].is_null(), "{answer}");
        (answer["error"]["code"].as_i64(), answer["error"]["error_subcode"].as_i64())
    };
    ends.deed("window", &json!({ "open": false }));
    assert_eq!(said(&mut ends, &[]), (Some(10), Some(2_018_278)));
    let tag = |tag| [("messaging_type", "MESSAGE_TAG"), ("tag", tag)];
    assert_eq!(said(&mut ends, &tag("BECAUSE")), (Some(100), None));
    assert_eq!(said(&mut ends, &tag("HUMAN_AGENT")), (None, None));
    // Whoever writes is within the window for a day.
    ends.deed("message", &json!({ "from": "4711", "text": "hi" }));
    assert_eq!(said(&mut ends, &[]), (None, None));
    ends.now = ends.now.checked_add(SignedDuration::from_hours(24)).unwrap();
    assert_eq!(said(&mut ends, &[]), (Some(10), Some(2_018_278)));
    ends.deed("fail", &json!({ "code": 613, "times": 1 }));
    assert_eq!(said(&mut ends, &tag("HUMAN_AGENT")), (Some(613), None));
    ends.deed("unreachable", &json!({ "to": "4711" }));
    assert_eq!(said(&mut ends, &tag("HUMAN_AGENT")), (Some(551), Some(1_545_041)));
}

#[test]
fn files_and_leads_are_shown_and_a_file_is_fetched_where_it_is() {
    let mut ends = ends();
    ends.account.base_url = format!("{BASE}/v25.0");
    let id = ends.deed("media", &json!({ "mime_type": "text/plain", "content": "hello" }));
    let id = id["id"].as_str().unwrap();
    let media = ends.call("media", &[("media_id", id)]);
    let media: Media = serde_json::from_slice(&media.body).unwrap();
    assert_eq!((&*media.id, media.file_size.as_u64()), (id, Some(5)));
    let fetch = download(&ends.account, &media).unwrap();
    assert_eq!(&ends.send(&fetch).body[..], b"hello");
    let mut arguments = Arguments::default();
    arguments.values.insert("type", "image/png".into());
    arguments.files.insert("file", ("a.png".into(), "png".into()));
    let upload = ends.endpoint("media upload").prepare(&ends.account, &arguments, ends.today());
    let uploaded = json(&ends.send(&upload.unwrap()).body);
    let shown = ends.call("media", &[("media_id", uploaded["id"].as_str().unwrap())]);
    assert_eq!(json(&shown.body)["mime_type"], "image/png");
    let fields =
        json!({ "id": "5", "field_data": [{ "name": "email", "values": ["a@example.com"] }] });
    ends.deed("lead", &fields);
    let lead = ends.call("lead", &[("leadgen_id", "5")]);
    let lead: Lead = serde_json::from_slice(&lead.body).unwrap();
    assert_eq!(
        (&*lead.field_data[0].name, &*lead.created_time),
        ("email", "2026-11-24T12:00:00+0000")
    );
    let some = json(&ends.call("lead", &[("leadgen_id", "5"), ("fields", "field_data")]).body);
    assert!(some.get("created_time").is_none() && some["id"] == "5");
    let gone = ends.call("lead", &[("leadgen_id", "6")]);
    assert!(ends.problem(&gone).unwrap().1.contains("Object with ID '6' does not exist"));
}

#[test]
fn every_call_with_the_least_that_it_takes_is_accepted() {
    let mut ends = ends();
    for endpoint in API.endpoints {
        for method in endpoint.methods {
            let mut arguments = Arguments { method: Some(method), ..Arguments::default() };
            for (name, value) in match endpoint.call {
                "messages" => &[TO, ("text", r#"{"body":"hi"}"#)][..],
                "read" => &[("message_id", "wamid.1")],
                "media" => &[("media_id", "1000001")],
                "media upload" => &[("type", "image/png"), ("file", "content")],
                "lead" => &[("leadgen_id", "2000001")],
                _ => &[("recipient", r#"{"id":"1"}"#), ("message", r#"{"text":"hi"}"#)],
            } {
                arguments.values.insert(name, (*value).to_owned());
            }
            let outgoing = endpoint.prepare(&ends.account, &arguments, ends.today()).unwrap();
            let response = ends.send(&outgoing);
            assert_eq!(ends.problem(&response), None, "{method} {}", endpoint.call);
        }
    }
}
