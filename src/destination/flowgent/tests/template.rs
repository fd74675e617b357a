//! `flowgent.template` against the simulator.

use serde_json::{Value, json};

use super::{BASE, Other, adapter, body, call, call_of, delivered, refused, text, wrote};
use crate::destination::Outcome;

#[test]
fn a_template_goes_to_whom_the_event_is_from() {
    let settings = json!({ "template_name": "order_update", "language": "en_US" });
    let adapter = adapter("flowgent.template", &settings).unwrap();
    let call = call("hi", Value::Null);
    let outgoing = adapter.request(&call).unwrap();
    assert_eq!((outgoing.method, &*outgoing.url), ("POST", &*format!("{BASE}/agent/agent/waba")));
    let expected = json!({
        "recipient_phone_number": "31612345678", "template_name": "order_update",
        "language": "en_US", "customer_name": "Jane",
    });
    assert_eq!(body(&outgoing), expected);
    let (receipt, thread, replies) = delivered(Other::new().make(&*adapter, &call));
    assert_eq!(receipt.as_deref(), Some("wamid.simulated00000001"));
    assert!(thread.is_none() && replies.is_empty());
}

#[test]
fn a_route_says_everything_about_a_template() {
    let adapter = adapter("flowgent.template", &json!({ "template_name": "x" })).unwrap();
    let parameters = json!([
        { "type": "header", "parameters": [{ "type": "image", "image": { "link": "https://i.example" } }] },
        { "type": "body", "parameters": [{ "type": "text", "text": "ABC123" }] },
    ]);
    let payload = json!({
        "recipient_phone_number": "+49 (30) 123-456", "template_name": "shipped",
        "language": "de", "customer_name": "Erika", "parameters": parameters,
    });
    let call = call("hi", payload.clone());
    let mut expected = payload;
    expected["recipient_phone_number"] = "4930123456".into();
    assert_eq!(body(&adapter.request(&call).unwrap()), expected);
    delivered(Other::new().make(&*adapter, &call));
}

#[test]
fn a_contact_without_a_number_has_to_be_given_one() {
    let settings = json!({ "template_name": "a", "language": "en" });
    let adapter = adapter("flowgent.template", &settings).unwrap();
    let mut event = wrote(text("hi"));
    let contact = event.facts.contact.as_mut().unwrap();
    contact.wa_id = None;
    let call = call_of(vec![event.clone()], Value::Null);
    assert_eq!(body(&adapter.request(&call).unwrap())["recipient_phone_number"], "31612345678");
    event.facts.contact.as_mut().unwrap().phone = None;
    let call = call_of(vec![event], Value::Null);
    let sentence = refused(adapter.request(&call).unwrap_err());
    assert!(sentence.starts_with("`recipient_phone_number`: the event's contact"), "{sentence}");
}

#[test]
fn a_template_that_cannot_be_sent_is_refused_at_its_place() {
    let adapter = adapter("flowgent.template", &json!({})).unwrap();
    for (payload, expected) in [
        (Value::Null, "`template_name`: say it"),
        (json!({ "template_name": "a" }), "`language`: say it"),
        (json!({ "template_name": ["a"] }), "`template_name`: expected a text, found a list"),
        (json!({ "recipient_phone_number": "12" }), "`recipient_phone_number`: `12` is no"),
        (json!({ "recipient_phone_number": "050-1234567" }), "`recipient_phone_number`: `050"),
        (json!({ "recipient_phone_number": "jane" }), "`recipient_phone_number`: `jane` is no"),
        (json!({ "to": "1" }), "`to`: the payload takes `recipient_phone_number`"),
        (
            json!({ "template_name": "a", "language": "en", "parameters": {} }),
            "`parameters`: expected a list of components, found a map",
        ),
        (
            json!({ "template_name": "a", "language": "en", "parameters": ["x"] }),
            "`parameters.0`: a component has a `type`",
        ),
    ] {
        let sentence = refused(adapter.request(&call("hi", payload.clone())).unwrap_err());
        assert!(sentence.starts_with(expected), "{payload}: {sentence}");
    }
}

#[test]
fn advertising_reaches_nobody_who_asked_for_none() {
    let mut call = call("hi", json!({ "template_name": "sale", "language": "en" }));
    call.standing.suppressed = Some("STOP on 1 November".into());
    let request = |marketing: bool| {
        let settings = json!({ "marketing": marketing });
        adapter("flowgent.template", &settings).unwrap().request(&call)
    };
    assert!(request(false).is_ok());
    let sentence = refused(request(true).unwrap_err());
    assert_eq!(sentence, "the contact wants no marketing: STOP on 1 November");
}

#[test]
fn an_agent_without_whatsapp_holds_its_templates_back() {
    let settings = json!({ "agent_id": "no-whatsapp", "template_name": "a", "language": "en" });
    let adapter = adapter("flowgent.template", &settings).unwrap();
    let outcome = Other::new().make(&*adapter, &call("hi", Value::Null));
    assert!(matches!(outcome, Outcome::Pause { duration: None, .. }), "{outcome:?}");
}
