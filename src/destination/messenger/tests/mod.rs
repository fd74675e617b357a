//! What is sent, against Meta's rules and the simulator.

mod answers;

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Simulator, graph};
use crate::destination::example::{
    body, call, destination, event, facts, made, refused, withstands,
};
use crate::destination::{Adapter, Call, Outcome};
use crate::event::facts::Comment;
use crate::event::{Facts, Kind};

const PAGE: &str = "1067280970047460";
const BASE: &str = "https://graph.facebook.com/v25.0";
const TOKEN: &str = "EAAB-hunter2";

fn adapter(more: &Value) -> std::sync::Arc<dyn Adapter> {
    let mut settings = json!({ "access_token": TOKEN });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    destination("messenger.send", settings).unwrap()
}

fn plain() -> std::sync::Arc<dyn Adapter> {
    adapter(&json!({}))
}

fn tagging() -> std::sync::Arc<dyn Adapter> {
    adapter(&json!({ "outside_window": {} }))
}

fn said() -> Facts {
    facts("messenger", PAGE, "4711", "hi")
}

fn with(payload: Value) -> Call {
    call(said(), payload)
}

fn simulator() -> Box<dyn Simulator> {
    (graph::API.simulator)()
}

#[test]
fn without_a_payload_the_text_goes_back_to_whoever_wrote_it() {
    let outgoing = plain().request(&with(Value::Null)).unwrap();
    assert_eq!(outgoing.url, format!("{BASE}/{PAGE}/messages"));
    assert_eq!(
        body(&outgoing),
        json!({
            "recipient": { "id": "4711" },
            "messaging_type": "RESPONSE",
            "message": { "text": "hi" },
        })
    );
    let header = outgoing.headers.iter().find(|it| it.0 == "authorization").unwrap();
    assert_eq!(header.1.expose(), format!("Bearer {TOKEN}"));
    let outcome = made(&*plain(), &with(Value::Null), &mut *simulator(), BASE);
    assert_eq!(outcome, Outcome::received("m_simulated00000001"));
}

#[test]
fn every_shape_is_what_meta_takes() {
    let file = "https://files.example/a";
    let button = json!({ "type": "postback", "title": "Yes", "payload": "YES" });
    let buttons = json!({ "template_type": "button", "text": "Sure?", "buttons": [button] });
    let cards = json!({ "template_type": "generic", "elements": [{ "title": "A" }] });
    let media =
        |kind: &str, payload: Value| json!({ "attachment": { "type": kind, "payload": payload } });
    for (payload, message) in [
        (json!("hello"), json!({ "text": "hello" })),
        (json!(5), json!({ "text": "5" })),
        (json!({ "text": "hello" }), json!({ "text": "hello" })),
        (json!({ "image": file }), media("image", json!({ "url": file }))),
        (
            json!({ "audio": { "url": file, "is_reusable": true } }),
            media("audio", json!({ "url": file, "is_reusable": true })),
        ),
        (
            json!({ "video": { "attachment_id": "9" } }),
            media("video", json!({ "attachment_id": "9" })),
        ),
        (json!({ "file": file }), media("file", json!({ "url": file }))),
        (
            json!({ "attachment": { "type": "like_heart" } }),
            json!({ "attachment": { "type": "like_heart" } }),
        ),
        (
            json!({ "attachments": [{ "type": "image", "payload": { "url": file } }] }),
            json!({ "attachments": [{ "type": "image", "payload": { "url": file } }] }),
        ),
        (json!({ "template": buttons }), media("template", buttons.clone())),
        (json!({ "template": cards }), media("template", cards.clone())),
        (
            json!({ "text": "Which?", "quick_replies": ["Red", { "title": "Blue", "payload": "B" }, { "content_type": "user_email" }] }),
            json!({
                "text": "Which?",
                "quick_replies": [
                    { "content_type": "text", "title": "Red", "payload": "Red" },
                    { "content_type": "text", "title": "Blue", "payload": "B" },
                    { "content_type": "user_email" },
                ],
            }),
        ),
        (
            json!({ "text": "x", "reply_to": "m_1", "metadata": "ours" }),
            json!({ "text": "x", "reply_to": { "mid": "m_1" }, "metadata": "ours" }),
        ),
    ] {
        let outgoing = plain().request(&with(payload.clone())).unwrap();
        assert_eq!(body(&outgoing)["message"], message, "{payload}");
        let outcome = made(&*plain(), &with(payload.clone()), &mut *simulator(), BASE);
        assert_eq!(outcome, Outcome::received("m_simulated00000001"), "{payload}");
    }
}

#[test]
fn what_is_shown_has_no_receipt() {
    for action in ["typing_on", "typing_off", "mark_seen"] {
        let call = with(json!({ "sender_action": action }));
        let sent = body(&plain().request(&call).unwrap());
        assert_eq!(sent, json!({ "recipient": { "id": "4711" }, "sender_action": action }));
        assert_eq!(made(&*plain(), &call, &mut *simulator(), BASE), Outcome::delivered());
    }
}

#[test]
fn a_payload_says_to_whom_from_where_and_why() {
    for (payload, recipient) in [
        (json!({ "to": 815 }), json!({ "id": "815" })),
        (json!({ "to": { "comment_id": "7_8" } }), json!({ "comment_id": "7_8" })),
        (json!({ "to": { "user_ref": "u" } }), json!({ "user_ref": "u" })),
    ] {
        let sent = body(&plain().request(&with(payload)).unwrap());
        assert_eq!(sent["recipient"], recipient);
    }
    let said = json!({ "from": "99", "tag": "ACCOUNT_UPDATE", "notification_type": "NO_PUSH" });
    let outgoing = plain().request(&with(said)).unwrap();
    assert_eq!(outgoing.url, format!("{BASE}/99/messages"));
    let sent = body(&outgoing);
    assert_eq!(
        (&sent["messaging_type"], &sent["tag"]),
        (&json!("MESSAGE_TAG"), &json!("ACCOUNT_UPDATE"))
    );
    assert_eq!(sent["notification_type"], "NO_PUSH");
    let sent = body(&plain().request(&with(json!({ "messaging_type": "UPDATE" }))).unwrap());
    assert_eq!(sent["messaging_type"], "UPDATE");

    // Elsewhere, there is no page to answer from.
    let elsewhere = call(facts("whatsapp", "1065", "4917", "hi"), Value::Null);
    assert!(refused(&*plain(), &elsewhere).starts_with("`from`: the event did not arrive"));
    let ours = adapter(&json!({ "account": "me" }));
    assert_eq!(ours.request(&elsewhere).unwrap().url, format!("{BASE}/me/messages"));
}

#[test]
fn who_wrote_a_comment_is_answered_in_private() {
    let comment = Comment { id: "7_8".into(), item: "comment".into(), ..Comment::default() };
    let facts = Facts { comment: Some(comment), ..said() };
    let mut call = call(facts.clone(), json!("hello"));
    let mut commented = event(facts);
    commented.kind = Kind::COMMENT_RECEIVED;
    call.events = vec![commented.into()];
    let sent = body(&plain().request(&call).unwrap());
    assert_eq!(sent["recipient"], json!({ "comment_id": "7_8" }));
    let limits = plain().limits(&call);
    assert_eq!((limits[1].rate.count, limits[1].rate.per), (712, Duration::from_hours(1)));
}

#[test]
fn a_mistake_is_refused_with_its_place() {
    let long = "x".repeat(2001);
    let many = vec!["x"; 14];
    for (payload, expected) in [
        (json!([]), "the payload is a text, or a map"),
        (json!({ "txt": "x" }), "`txt`: it is not known; there are to, from, text"),
        (json!({ "text": "x", "image": "https://a" }), "`image`: there is a `text` already"),
        (json!({ "text": "" }), "`text`: it is a text that is not empty"),
        (json!({ "text": null }), "`text`: it is a text that is not empty"),
        (json!({ "text": long }), "`text`: it has 2001 characters, Meta takes 2000"),
        (json!({ "image": "a.png" }), "`image`: it is a URL"),
        (json!({ "image": {} }), "`image`: it has either a `url` or an `attachment_id`"),
        (json!({ "image": { "link": "https://a" } }), "`image.link`: it is not known"),
        (json!({ "attachment": "x" }), "`attachment`: it is a map with `type` and `payload`"),
        (json!({ "attachments": [] }), "`attachments`: it is a list of 1 to 10"),
        (json!({ "attachments": [{}] }), "`attachments[0]`: it is a map with"),
        (json!({ "template": {} }), "`template`: it is a map with `template_type`"),
        (
            json!({ "template": { "template_type": "generic", "elements": [{}] } }),
            "`template.elements[0].title`: it is missing",
        ),
        (
            json!({ "template": { "template_type": "button", "text": "x", "buttons": [1, 2, 3, 4] } }),
            "`template.buttons`: it is a list of 1 to 3",
        ),
        (
            json!({ "template": { "template_type": "media", "elements": [1, 2] } }),
            "`template.elements`: it is a list of 1",
        ),
        (json!({ "quick_replies": many }), "`quick_replies`: it is a list of 1 to 13"),
        (json!({ "quick_replies": [{}] }), "`quick_replies[0].title`: it is missing"),
        (json!({ "quick_replies": [[]] }), "`quick_replies[0]`: it is a text, or a map"),
        (json!({ "sender_action": "dance" }), "`sender_action`: it is one of typing_on"),
        (
            json!({ "sender_action": "typing_on", "reply_to": "m" }),
            "`reply_to`: it belongs to a message",
        ),
        (json!({ "reply_to": {} }), "`reply_to`: it is the id of a message"),
        (json!({ "metadata": "x".repeat(1001) }), "`metadata`: it has 1001 characters"),
        (json!({ "messaging_type": "WHY" }), "`messaging_type`: it is one of RESPONSE"),
        (json!({ "messaging_type": "MESSAGE_TAG" }), "`tag`: a message of the type"),
        (json!({ "messaging_type": "UPDATE", "tag": "X" }), "`tag`: it does not go with `UPDATE`"),
        (json!({ "notification_type": "LOUD" }), "`notification_type`: it is one of REGULAR"),
        (json!({ "to": {} }), "`to`: it is an id, or a map of one of id, user_ref"),
        (json!({ "to": { "id": "1", "post_id": "2" } }), "`to`: it is an id"),
        (json!({ "from": "" }), "`from`: it is a text that is not empty"),
    ] {
        let reason = refused(&*plain(), &with(payload.clone()));
        assert!(reason.starts_with(expected), "{payload}: {reason}");
    }
    let silent = call(facts("messenger", PAGE, "4711", ""), Value::Null);
    assert_eq!(refused(&*plain(), &silent), "`text`: the event has none, so it has to be said");
    let nobody = call(Facts { contact: None, ..said() }, Value::Null);
    assert_eq!(refused(&*plain(), &nobody), "`to`: the event has no contact, so it has to be said");
    let umlauts = call(facts("instagram", "17", "5", &"ä".repeat(501)), Value::Null);
    assert_eq!(refused(&*plain(), &umlauts), "`text`: it has 1002 bytes, Instagram takes 1000");
}

#[test]
fn no_payload_panics() {
    withstands(&*tagging(), &said(), super::send::NAMES);
}

#[test]
fn each_account_has_its_token_its_limits_and_its_pauses() {
    let tokens = json!({ "access_token": { PAGE: "one", "17": "two" } });
    let adapter = destination("messenger.send", tokens).unwrap();
    let page = with(json!({ "audio": "https://a" }));
    let instagram = call(facts("instagram", "17", "5", "hi"), Value::Null);
    let bearer = |call: &Call| {
        let headers = adapter.request(call).unwrap().headers;
        let header = headers.iter().find(|it| it.0 == "authorization").unwrap();
        header.1.expose().to_owned()
    };
    assert_eq!((bearer(&page), bearer(&instagram)), ("Bearer one".into(), "Bearer two".into()));
    assert_ne!(adapter.scopes(&page), adapter.scopes(&instagram));
    let limits = |call: &Call| -> Vec<(String, u32, u64, u32)> {
        let limits = adapter.limits(call).into_iter();
        limits.map(|it| (it.key, it.rate.count, it.rate.per.as_secs(), it.burst)).collect()
    };
    let key = format!("messenger {PAGE}");
    let media = format!("messenger media {PAGE}");
    assert_eq!(limits(&page), [(key, 285, 1, 1), (media, 95, 10, 1)]);
    assert_eq!(limits(&instagram), [("messenger 17".to_owned(), 95, 1, 1)]);
    let secrets: Vec<_> = adapter.secrets().iter().map(|it| it.expose().to_owned()).collect();
    assert_eq!(secrets, ["one", "two"]);
    let stranger = call(facts("messenger", "3", "5", "hi"), Value::Null);
    assert_eq!(refused(&*adapter, &stranger), "`access_token` has none for `3`");
    assert!(adapter.limits(&stranger).is_empty() && adapter.scopes(&stranger).is_empty());
}

#[test]
fn settings_that_cannot_work_are_refused() {
    for (settings, expected) in [
        (json!({}), "`access_token` is missing"),
        (json!({ "access_token": "" }), "`access_token` is missing"),
        (json!({ "access_token": { "1": "" } }), "`access_token` is missing"),
        (
            json!({ "access_token": { "1": "x" }, "account": "2" }),
            "`access_token` has none for `2`",
        ),
        (
            json!({ "access_token": "x", "base_url": "graph" }),
            "`base_url` is `graph`, no https:// URL",
        ),
        (
            json!({ "access_token": "x", "outside_window": { "tag": "" } }),
            "`outside_window.tag` is empty",
        ),
    ] {
        assert_eq!(destination("messenger.send", settings).err().as_deref(), Some(expected));
    }
}
