//! Every shape of a message, and what is wrong with others.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Meta, NUMBER, WAMID, adapter, attempt, body, call, call_about, facts, refusal};
use crate::destination::Outcome;
use crate::event::facts::{Contact, Facts};

/// What stands in a body beside the address, our id and what every message has.
fn part(payload: Value) -> Value {
    let mut body = body(&adapter(json!({})).request(&call(payload)).unwrap());
    for name in ["messaging_product", "recipient_type", "to", "biz_opaque_callback_data"] {
        assert!(body.as_object_mut().unwrap().remove(name).is_some(), "{name}: {body}");
    }
    body
}

#[test]
fn every_shape_has_a_short_form_and_is_taken() {
    let event_text = "Does it come in another colour?";
    let link = "https://example.com/file";
    let template = json!({ "name": "colours", "language": { "code": "en_US" } });
    let card = json!({ "name": { "formatted_name": "Ada" } });
    let buttons = json!({ "type": "button", "body": { "text": "Which?" }, "action": { "buttons": [
        { "type": "reply", "reply": { "id": "red", "title": "Red" } }] } });
    for (payload, expected) in [
        (json!("hi"), json!({ "type": "text", "text": { "body": "hi" } })),
        (json!(42), json!({ "type": "text", "text": { "body": "42" } })),
        (json!({}), json!({ "type": "text", "text": { "body": event_text } })),
        (
            json!({ "text": { "body": "hi", "preview_url": true } }),
            json!({ "type": "text", "text": { "body": "hi", "preview_url": true } }),
        ),
        (json!({ "image": link }), json!({ "type": "image", "image": { "link": link } })),
        (json!({ "audio": "123" }), json!({ "type": "audio", "audio": { "id": "123" } })),
        (json!({ "sticker": 123 }), json!({ "type": "sticker", "sticker": { "id": "123" } })),
        (
            json!({ "video": { "id": 5, "caption": "c" } }),
            json!({ "type": "video", "video": { "id": "5", "caption": "c" } }),
        ),
        (
            json!({ "type": "document", "document": { "link": link, "filename": "a.pdf" } }),
            json!({ "type": "document", "document": { "link": link, "filename": "a.pdf" } }),
        ),
        (
            json!({ "template": { "name": "colours", "language": "en_US", "category": "UTILITY" } }),
            json!({ "type": "template", "template": template }),
        ),
        (
            json!({ "interactive": buttons }),
            json!({ "type": "interactive", "interactive": buttons }),
        ),
        (
            json!({ "reaction": "👍" }),
            json!({ "type": "reaction", "reaction": { "emoji": "👍", "message_id": WAMID } }),
        ),
        (
            json!({ "reaction": { "emoji": "", "message_id": "wamid.2" } }),
            json!({ "type": "reaction", "reaction": { "emoji": "", "message_id": "wamid.2" } }),
        ),
        (
            json!({ "location": { "latitude": 52.5, "longitude": "13.4", "name": "Berlin" } }),
            json!({ "type": "location",
                "location": { "latitude": 52.5, "longitude": "13.4", "name": "Berlin" } }),
        ),
        (json!({ "contacts": card }), json!({ "type": "contacts", "contacts": [card] })),
        (
            json!({ "reply_to": true }),
            json!({ "type": "text", "text": { "body": event_text },
                "context": { "message_id": WAMID } }),
        ),
        (
            json!({ "text": "a", "reply_to": "wamid.2", "marketing": false, "number": null }),
            json!({ "type": "text", "text": { "body": "a" },
                "context": { "message_id": "wamid.2" } }),
        ),
    ] {
        assert_eq!(part(payload.clone()), expected, "{payload}");
        let outcome = attempt(&*adapter(json!({})), &mut Meta::new(), &call(payload));
        assert!(matches!(outcome, Outcome::Delivered { receipt: Some(_), .. }), "{outcome:?}");
    }
}

/// An example whose blanks are filled in.
fn filled(value: &mut Value) {
    match value {
        Value::String(text) if text.starts_with("{{") => "+16505551234".clone_into(text),
        Value::String(text) if text.contains("http(s)://") => {
            "https://example.com".clone_into(text);
        }
        Value::String(text) if text == "<HEADER_TYPE>" => "text".clone_into(text),
        Value::String(text) if text.starts_with('<') => text.retain(|it| !"<>".contains(it)),
        Value::Array(all) => all.iter_mut().for_each(filled),
        Value::Object(fields) => fields.values_mut().for_each(filled),
        _ => {}
    }
    if let Value::String(text) = value {
        *text = text.chars().take(20).collect();
    }
}

#[test]
fn every_example_of_meta_s_is_a_payload() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/client/graph/fixtures");
    let (adapter, mut count) = (adapter(json!({})), 0);
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if !name.starts_with("send_request") {
            continue;
        }
        let mut example: Value = serde_json::from_slice(&fs::read(entry.path()).unwrap()).unwrap();
        filled(&mut example);
        let outcome = attempt(&*adapter, &mut Meta::new(), &call(example));
        let Outcome::Delivered { receipt, .. } = outcome else { panic!("{name}: {outcome:?}") };
        assert_eq!(receipt.is_none(), name.contains("typing_indicator"), "{name}");
        count += 1;
    }
    assert_eq!(count, 50);
}

#[test]
fn a_message_is_marked_as_read_and_typing_shown_without_a_receipt() {
    let adapter = adapter(json!({}));
    let read = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": WAMID });
    let mut typing = read.clone();
    typing["typing_indicator"] = json!({ "type": "text" });
    let other =
        json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.2" });
    for (payload, expected) in [
        (json!({ "read": true }), &read),
        (json!({ "status": "read" }), &read),
        (json!({ "typing": true }), &typing),
        (json!({ "read": true, "typing": true }), &typing),
        (json!({ "status": "read", "typing_indicator": { "type": "text" } }), &typing),
        (json!({ "read": "wamid.2", "typing": false }), &other),
        (json!({ "read": "wamid.2", "to": "16505551234" }), &other),
    ] {
        let call = call(payload);
        let outgoing = adapter.request(&call).unwrap();
        assert_eq!(
            (body(&outgoing), &*outgoing.url),
            (expected.clone(), &*format!("{}/{NUMBER}/messages", super::BASE))
        );
        assert_eq!(attempt(&*adapter, &mut Meta::new(), &call), Outcome::delivered());
    }
    let text = part(json!({ "read": false, "text": "hi" }));
    assert_eq!(text["text"]["body"], "hi");
}

#[test]
fn a_mistake_in_a_payload_is_told_with_its_place() {
    let adapter = adapter(json!({}));
    let long = "x".repeat(4097);
    for (payload, sentence) in [
        (json!([]), "the payload is a list"),
        (json!(""), "`text`: it is empty"),
        (json!({ "text": null }), "the field `text` may not be `null`"),
        (json!({ "text": long }), "Meta would refuse this: text.body must be at most 4096"),
        (json!({ "text": { "body": "a", "mood": 1 } }), "Meta would refuse this: Unexpected key"),
        (json!({ "txt": "hi" }), "`txt`: a message has no such field"),
        (json!({ "text": "a", "image": "b" }), "`image`: one message holds `text` or `image`"),
        (json!({ "type": "text", "text": "a", "image": "b" }), "`image`: a message of type `text`"),
        (json!({ "type": "poem" }), "`type`: it is text, image"),
        (json!({ "type": 4 }), "`type`: it is text, image"),
        (json!({ "type": "image" }), "Meta would refuse this: The parameter image is required"),
        (json!({ "image": {} }), "Meta would refuse this: The parameter image.id or image.link"),
        (json!({ "image": { "link": "a" } }), "Meta would refuse this: image.link must be a URL"),
        (json!({ "template": "a" }), "Meta would refuse this: The parameter template.language"),
        (
            json!({ "template": { "name": "a", "language": "de", "category": 1 } }),
            "`template.category`",
        ),
        (json!({ "text": "a", "marketing": "no" }), "`marketing`: it is true or false"),
        (json!({ "text": "a", "to": ["1"] }), "`to`: it is a text"),
        (
            json!({ "text": "a", "to": "somebody" }),
            "Meta would refuse this: Recipient phone number",
        ),
        (json!({ "text": "a", "reply_to": {} }), "`reply_to`: it is true, or a message's id"),
        (
            json!({ "text": "a", "reply_to": "w", "context": { "message_id": "w" } }),
            "`reply_to`: `context` says the same",
        ),
        (
            json!({ "text": "a", "context": {} }),
            "Meta would refuse this: The parameter context.message_id",
        ),
        (json!({ "text": "a", "message_id": "w" }), "`message_id`: it belongs to `status: read`"),
        (json!({ "read": {} }), "`read`: it is true, or a message's id"),
        (json!({ "read": "w", "text": "a" }), "Meta would refuse this: Unexpected key \"text\""),
        (json!({ "typing": 1 }), "`typing`: it is true or false"),
        (json!({ "status": "seen" }), "`status`: it is read"),
        (json!({ "read": "" }), "`message_id`: it is empty"),
        (json!({ "text": "a", "recipient_type": "all" }), "`recipient_type`: it is individual"),
        (
            json!({ "text": "a", "biz_opaque_callback_data": "mine" }),
            "`biz_opaque_callback_data`: the delivery's id goes there",
        ),
    ] {
        let reason = refusal(adapter.request(&call(payload.clone())).unwrap_err());
        assert!(reason.starts_with(sentence), "{payload}: {reason}");
    }
}

#[test]
fn an_event_that_says_too_little_is_told() {
    let adapter = adapter(json!({}));
    let mute = call_about(Facts { message: None, ..facts() }, Value::Null);
    let reason = refusal(adapter.request(&mute).unwrap_err());
    assert_eq!(reason, "`text`: the event has no text; the route says what to send");
    for name in ["reply_to", "read"] {
        let call =
            call_about(Facts { message: None, ..facts() }, json!({ "text": "a", name: true }));
        let reason = refusal(adapter.request(&call).unwrap_err());
        assert!(reason.starts_with(&format!("`{name}`: the event is no message")), "{reason}");
    }
    for contact in [None, Some(Contact { id: "somebody".into(), ..Contact::default() })] {
        let call = call_about(Facts { contact, ..facts() }, Value::Null);
        let reason = refusal(adapter.request(&call).unwrap_err());
        assert!(reason.starts_with("`to`: the event names nobody"), "{reason}");
    }
}

#[test]
fn a_message_is_addressed_as_whatsapp_knows_its_contact() {
    let contact =
        |id: &str, wa_id: Option<&str>, bsuid: Option<&str>, phone: Option<&str>| Contact {
            id: id.into(),
            wa_id: wa_id.map(Into::into),
            bsuid: bsuid.map(Into::into),
            phone: phone.map(Into::into),
            ..Contact::default()
        };
    let user = "US.13491208655302741918";
    for (contact, payload, expected) in [
        (contact("1650", Some("16505551234"), Some(user), None), json!({}), ("to", "16505551234")),
        (contact("16505551234", None, None, None), json!({}), ("to", "16505551234")),
        (contact(user, None, None, None), json!({}), ("recipient", user)),
        (contact("x", None, Some(user), Some("+1650")), json!({}), ("recipient", user)),
        (contact("x", None, None, Some("+16505551234")), json!({}), ("to", "+16505551234")),
        (Contact::default(), json!({ "to": 491_701_234_567_u64 }), ("to", "491701234567")),
        (Contact::default(), json!({ "to": user }), ("recipient", user)),
        (Contact::default(), json!({ "recipient": user }), ("recipient", user)),
    ] {
        let facts = Facts { contact: Some(contact), ..facts() };
        let body = body(&adapter(json!({})).request(&call_about(facts, payload)).unwrap());
        assert_eq!(body[expected.0], expected.1, "{body}");
        let other = if expected.0 == "to" { "recipient" } else { "to" };
        assert!(body.get(other).is_none(), "{body}");
    }
    let mut group = facts();
    group.conversation.group = Some("Y2FwaV9ncm91cDox".into());
    let body = body(&adapter(json!({})).request(&call_about(group, Value::Null)).unwrap());
    assert_eq!(
        (&body["to"], &body["recipient_type"]),
        (&"Y2FwaV9ncm91cDox".into(), &"group".into())
    );
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop_oneof![".{0,8}", "(read|text|US.1|https://a|wamid.1)"].prop_map(Value::from),
    ];
    let names = [
        "text",
        "body",
        "image",
        "id",
        "link",
        "template",
        "name",
        "language",
        "components",
        "type",
        "interactive",
        "action",
        "reaction",
        "emoji",
        "message_id",
        "contacts",
        "location",
        "to",
        "recipient",
        "recipient_type",
        "context",
        "reply_to",
        "number",
        "marketing",
        "read",
        "typing",
        "status",
        "typing_indicator",
        "messaging_product",
        "category",
        "x",
    ];
    leaf.prop_recursive(4, 24, 5, move |inner| {
        let fields =
            prop::collection::vec((prop::sample::select(names.to_vec()), inner.clone()), 0..5);
        let object = fields.prop_map(|all| {
            Value::Object(
                all.into_iter().map(|(name, it)| (name.to_owned(), it)).collect::<Map<_, _>>(),
            )
        });
        prop_oneof![prop::collection::vec(inner, 0..4).prop_map(Value::Array), object]
    })
}

proptest! {
    /// Whatever is not refused here is taken by Meta: no mistake costs a call.
    #[test]
    fn any_payload_is_sent_or_refused(payload in anything()) {
        let adapter = adapter(json!({}));
        let call = call(payload);
        let _ = (adapter.limits(&call), adapter.scopes(&call), adapter.overdue(&call));
        match adapter.request(&call) {
            Ok(outgoing) => {
                let answer = Meta::new().answer(&outgoing, call.now);
                prop_assert!(answer.status == 200, "{:?} {:?}", call.payload, answer);
            }
            Err(Outcome::Refused { reason }) => prop_assert!(!reason.is_empty()),
            Err(other) => prop_assert!(false, "{:?}", other),
        }
    }
}
