//! The limits of each type, at both ends.

use serde_json::{Value, json};

use crate::client::Arguments;
use crate::client::graph::tests::{NUMBER, TO, ends, failure, post};

#[test]
fn a_message_that_meta_would_refuse_costs_no_call_and_is_refused_by_the_simulator() {
    let mut ends = ends();
    let long = "x".repeat(4097);
    let buttons = |count: usize, title: &str| {
        let button =
            |it| json!({ "type": "reply", "reply": { "id": format!("{it}"), "title": title } });
        json!({ "type": "button", "body": { "text": "b" },
            "action": { "buttons": (0..count).map(button).collect::<Vec<_>>() } })
    };
    let list = |count: usize, title: &str| {
        let row = |it| json!({ "id": format!("{it}"), "title": title });
        json!({ "type": "list", "body": { "text": "b" }, "action": { "button": "b", "sections": [
            { "title": "a", "rows": (0..count / 2).map(row).collect::<Vec<_>>() },
            { "title": "b", "rows": (count / 2..count).map(row).collect::<Vec<_>>() } ] } })
    };
    let product = |count: usize| {
        let item = json!({ "product_retailer_id": "p" });
        json!({ "type": "product_list", "body": { "text": "b" }, "action": { "catalog_id": "c",
            "sections": [{ "product_items": vec![item; count] }] } })
    };
    let flow = |parameters: Value| json!({ "type": "flow", "body": { "text": "b" }, "action": { "name": "flow", "parameters": parameters } });
    for (kind, part, code) in [
        ("text", json!({ "body": long }), 131_009),
        ("text", json!({ "body": "" }), 100),
        ("text", json!({ "body": "x", "mood": 1 }), 100),
        ("text", Value::Null, 100),
        ("image", json!({}), 100),
        ("image", json!({ "id": "1", "link": "https://e" }), 131_009),
        ("image", json!({ "link": "ftp://e" }), 131_009),
        ("image", json!({ "id": "1", "caption": "x".repeat(1025) }), 131_009),
        ("audio", json!({ "id": "1", "caption": "x" }), 100),
        ("sticker", json!({ "id": "1", "filename": "x" }), 100),
        ("location", json!({ "latitude": 91, "longitude": 0 }), 131_009),
        ("contacts", json!([]), 100),
        ("contacts", json!([{ "name": {} }]), 100),
        ("template", json!({ "name": "t" }), 100),
        (
            "template",
            json!({ "name": "t", "language": { "code": "de" }, "components": [{ "type": "button" }] }),
            100,
        ),
        (
            "template",
            json!({ "name": "t", "language": { "code": "de" }, "components": [{ "type": "tail" }] }),
            131_009,
        ),
        ("interactive", buttons(4, "t"), 131_009),
        ("interactive", buttons(0, "t"), 100),
        ("interactive", buttons(1, &"t".repeat(21)), 131_009),
        ("interactive", list(12, "t"), 131_009),
        ("interactive", list(2, &"t".repeat(25)), 131_009),
        ("interactive", product(31), 131_009),
        (
            "interactive",
            flow(
                json!({ "flow_message_version": "3", "flow_cta": "x".repeat(31), "flow_id": "1" }),
            ),
            131_009,
        ),
        ("interactive", flow(json!({ "flow_message_version": "3", "flow_cta": "x" })), 100),
        (
            "interactive",
            json!({ "type": "cta_url", "body": { "text": "b" }, "action": { "parameters": {} } }),
            100,
        ),
        ("interactive", json!({ "type": "poem", "body": { "text": "b" }, "action": {} }), 100),
        ("reaction", json!({ "message_id": "wamid.1" }), 100),
        ("dance", json!({}), 100),
    ] {
        let mut body =
            json!({ "messaging_product": "whatsapp", "to": "491701234567", "type": kind });
        if !part.is_null() {
            body[kind] = part;
        }
        let response = post(&mut ends, &format!("/{NUMBER}/messages"), &body);
        assert_eq!(failure(&response).0, code, "{body}");
        let arguments = Arguments { body: Some(body.clone()), ..Arguments::default() };
        let endpoint = ends.endpoint("messages");
        assert!(endpoint.prepare(&ends.account, &arguments, ends.today()).is_err(), "{body}");
    }
    for good in [buttons(3, "t"), list(10, "t"), product(30)] {
        let part = good.to_string();
        let response =
            ends.call("messages", &[TO, ("type", "interactive"), ("interactive", &part)]);
        assert_eq!(ends.problem(&response), None, "{good}");
    }
    for body in [
        json!({ "to": "491701234567", "text": { "body": "x" } }),
        json!({ "messaging_product": "whatsapp", "text": { "body": "x" } }),
        json!({ "messaging_product": "whatsapp", "to": "491701234567", "text": { "body": "x" }, "image": {} }),
        json!({ "messaging_product": "whatsapp", "status": "read" }),
        json!({ "messaging_product": "whatsapp", "status": "seen", "message_id": "w" }),
    ] {
        let response = post(&mut ends, &format!("/{NUMBER}/messages"), &body);
        assert!([100, 131_009].contains(&failure(&response).0), "{body}");
    }
    let told = ends.prepare("messages", &[TO, ("text", "hi")]).unwrap_err();
    assert_eq!(told, "Meta would refuse this: text must be an object");
}
