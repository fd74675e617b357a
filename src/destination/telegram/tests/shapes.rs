//! Every shape of a message, and what is wrong with others.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{TOKEN, adapter, answer, body, call, call_about, facts, group, refusal, sent};
use crate::destination::{Call, Outcome};
use crate::event::facts::Facts;

#[test]
fn every_part_becomes_its_method() {
    let link = "https://example.com/file";
    let place = json!({ "latitude": 52.5, "longitude": 13.4 });
    let venue = json!({ "latitude": 52.5, "longitude": 13.4, "title": "Shop", "address": "A 1" });
    let person = json!({ "phone_number": "+49", "first_name": "Ada" });
    let poll = json!({ "question": "Which?", "options": [{ "text": "a" }, { "text": "b" }] });
    let album = json!([{ "type": "photo", "media": link }, { "type": "photo", "media": "id" }]);
    let quoted = json!({ "message_id": 1365, "allow_sending_without_reply": true });
    for (payload, method, expected) in [
        (json!("hi"), "sendMessage", json!({ "text": "hi" })),
        (json!(42), "sendMessage", json!({ "text": "42" })),
        (
            json!({ "text": "<b>hi</b>", "parse_mode": "HTML", "typing": false }),
            "sendMessage",
            json!({ "text": "<b>hi</b>", "parse_mode": "HTML" }),
        ),
        (
            json!({ "photo": link, "caption": "c", "marketing": false }),
            "sendPhoto",
            json!({ "photo": link, "caption": "c" }),
        ),
        (json!({ "document": link }), "sendDocument", json!({ "document": link })),
        (json!({ "voice": "id" }), "sendVoice", json!({ "voice": "id" })),
        (json!({ "audio": "id" }), "sendAudio", json!({ "audio": "id" })),
        (json!({ "video": "id", "width": 4 }), "sendVideo", json!({ "video": "id", "width": 4 })),
        (json!({ "animation": "id" }), "sendAnimation", json!({ "animation": "id" })),
        (json!({ "video_note": "id" }), "sendVideoNote", json!({ "video_note": "id" })),
        (json!({ "sticker": "id" }), "sendSticker", json!({ "sticker": "id" })),
        (json!({ "media": album }), "sendMediaGroup", json!({ "media": album })),
        (json!({ "location": place }), "sendLocation", place.clone()),
        (json!({ "venue": venue }), "sendVenue", venue.clone()),
        (json!({ "contact": person }), "sendContact", person.clone()),
        (json!({ "poll": poll }), "sendPoll", poll.clone()),
        (json!({ "dice": true }), "sendDice", json!({})),
        (json!({ "dice": "🎯" }), "sendDice", json!({ "emoji": "🎯" })),
        (json!({ "typing": true }), "sendChatAction", json!({ "action": "typing" })),
        (
            json!({ "reaction": "👍" }),
            "setMessageReaction",
            json!({ "reaction": [{ "type": "emoji", "emoji": "👍" }], "message_id": 1365 }),
        ),
        (
            json!({ "reaction": "", "message_id": "9" }),
            "setMessageReaction",
            json!({ "reaction": [], "message_id": 9 }),
        ),
        (
            json!({ "reply_to": true }),
            "sendMessage",
            json!({ "text": "Is it open?", "reply_parameters": quoted }),
        ),
        (
            json!({ "method": "sendInvoice", "title": "Tea", "currency": "XTR", "to": null }),
            "sendInvoice",
            json!({ "title": "Tea", "currency": "XTR" }),
        ),
    ] {
        let (name, mut body) = sent(&call(payload.clone()));
        assert_eq!(body.as_object_mut().unwrap().remove("chat_id"), Some(1111.into()), "{payload}");
        assert_eq!((&*name, body), (method, expected), "{payload}");
    }
}

#[test]
fn a_message_goes_where_the_event_stood_or_where_the_payload_says() {
    let mut business = facts();
    business.channel.business = Some("bc1".into());
    let text = |more: Value| {
        let mut body = json!({ "text": "Is it open?" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let group = group();
    for (facts, payload, expected) in [
        (&group, json!({}), json!({ "chat_id": -1001, "message_thread_id": 7 })),
        (&group, json!({ "topic": "9" }), json!({ "chat_id": -1001, "message_thread_id": 9 })),
        (&group, json!({ "to": "@news" }), json!({ "chat_id": "@news" })),
        (&group, json!({ "to": -1001 }), json!({ "chat_id": -1001, "message_thread_id": 7 })),
        (&group, json!({ "chat_id": "1111" }), json!({ "chat_id": 1111 })),
        (&business, json!({}), json!({ "chat_id": 1111, "business_connection_id": "bc1" })),
        (
            &group,
            json!({ "to": 2222, "reply_to": true }),
            json!({ "chat_id": 2222, "reply_parameters": {
                "message_id": 1365, "chat_id": -1001, "allow_sending_without_reply": true } }),
        ),
    ] {
        let (_, body) = sent(&call_about(facts.clone(), payload.clone()));
        assert_eq!(body, text(expected), "{payload}");
    }
    // What is inline has no chat.
    let inline = json!({ "method": "editMessageText", "inline_message_id": "i", "text": "a" });
    assert_eq!(sent(&call(inline)).1, json!({ "inline_message_id": "i", "text": "a" }));
    // Another provider's ids are no chats.
    let mut elsewhere = facts();
    elsewhere.channel.provider = "whatsapp".into();
    let reason =
        refusal(adapter().request(&call_about(elsewhere.clone(), Value::Null)).unwrap_err());
    assert_eq!(reason, "`to`: the event came from no chat of Telegram's; name one");
    assert_eq!(sent(&call_about(elsewhere, json!({ "to": 5 }))).1["chat_id"], 5);
}

#[test]
fn a_mistake_in_a_payload_is_told_with_its_place() {
    let mute = Facts { message: None, ..facts() };
    let long = "x".repeat(4097);
    for (payload, sentence) in [
        (json!([]), "the payload is a list"),
        (json!(""), "`text`: it is empty"),
        (json!({ "text": null }), "`text`: it is a text"),
        (json!({ "text": long }), "`text`: it has 4097 characters, at most 4096"),
        (
            json!({ "photo": "id", "caption": "x".repeat(1025) }),
            "`caption`: it has 1025 characters, at most 1024",
        ),
        (json!({}), "`text`: the event has no text"),
        (json!({ "text": "a", "photo": "b" }), "`photo`: one message holds `text` or `photo`"),
        (json!({ "text": "a", "caption": "b" }), "`caption`: sendMessage has no such parameter"),
        (json!({ "txt": "a" }), "`text`: the event has no text"),
        (json!({ "text": "a", "txt": "a" }), "`txt`: sendMessage has no such parameter"),
        (json!({ "photo": { "id": 1 } }), "`photo`: it is a text"),
        (json!({ "media": ["a"] }), "`media`: it is a list of 2 to 10 files"),
        (json!({ "location": "Berlin" }), "`location`: it is a map"),
        (json!({ "location": { "latitude": 1 } }), "`location.longitude`: it is missing"),
        (json!({ "contact": { "first_name": "A" } }), "`contact.phone_number`: it is missing"),
        (json!({ "poll": { "question": "a", "options": [], "x": 1 } }), "`x`: sendPoll has no"),
        (
            json!({ "venue": { "title": "a" }, "title": "b" }),
            "`venue.title`: it stands beside `venue` too",
        ),
        (json!({ "dice": 6 }), "`dice`: it is true, or an emoji"),
        (json!({ "reaction": 1 }), "`reaction`: it is an emoji"),
        (json!({ "reaction": "👍" }), "`message_id`: the event is no message of Telegram's"),
        (json!({ "reaction": "👍", "message_id": "x" }), "`message_id`: it is a number"),
        (json!({ "text": "a", "reply_to": true }), "`reply_to`: the event is no message"),
        (json!({ "text": "a", "reply_to": "x" }), "`reply_to`: it is true, or a message's id"),
        (
            json!({ "text": "a", "reply_to": 1, "reply_parameters": {} }),
            "`reply_to`: `reply_parameters` says the same",
        ),
        (json!({ "text": "a", "to": "somebody" }), "`to`: it is a chat's id, or the @name"),
        (json!({ "text": "a", "to": 1, "chat_id": 1 }), "`to`: `chat_id` says the same"),
        (json!({ "text": "a", "topic": "x" }), "`topic`: it is a number"),
        (json!({ "text": "a", "marketing": 1 }), "`marketing`: it is true or false"),
        (json!({ "method": "../getMe" }), "`method`: it is a method of the Bot API"),
    ] {
        let call = call_about(mute.clone(), payload.clone());
        let reason = refusal(adapter().request(&call).unwrap_err());
        assert!(reason.starts_with(sentence), "{payload}: {reason}");
    }
    // Markup does not count.
    assert_eq!(sent(&call(json!({ "text": long, "parse_mode": "HTML" }))).0, "sendMessage");
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop_oneof![".{0,8}", "(@news|12|sendPoem)"].prop_map(Value::from),
    ];
    let names = [
        "text",
        "photo",
        "location",
        "latitude",
        "longitude",
        "contact",
        "poll",
        "media",
        "dice",
        "reaction",
        "emoji",
        "action",
        "typing",
        "method",
        "message_id",
        "to",
        "chat_id",
        "topic",
        "reply_to",
        "reply_parameters",
        "marketing",
        "caption",
        "parse_mode",
        "inline_message_id",
    ];
    leaf.prop_recursive(4, 24, 5, move |inner| {
        let name = prop::sample::select(names.to_vec());
        let fields = prop::collection::vec((name, inner.clone()), 0..5);
        let object = fields.prop_map(|all| {
            let all = all.into_iter().map(|(name, it)| (name.to_owned(), it));
            Value::Object(all.collect::<Map<_, _>>())
        });
        prop_oneof![prop::collection::vec(inner, 0..4).prop_map(Value::Array), object]
    })
}

proptest! {
    #[test]
    fn any_payload_is_sent_or_refused(payload in anything(), last in ".{0,20}|the group became the supergroup .{0,5}") {
        let adapter = adapter();
        let call = Call { last: Some(last), ..call_about(group(), payload) };
        let _ = (adapter.limits(&call), adapter.outcome(&call, &answer("moved")));
        match adapter.request(&call) {
            Ok(outgoing) => {
                let path = outgoing.url.strip_prefix("https://api.telegram.org/bot").unwrap();
                let method = path.strip_prefix(TOKEN).unwrap().strip_prefix('/').unwrap();
                prop_assert!(method.bytes().all(|it| it.is_ascii_alphabetic()), "{}", method);
                prop_assert!(body(&outgoing).is_object());
            }
            Err(Outcome::Refused { reason }) => prop_assert!(!reason.is_empty()),
            Err(other) => prop_assert!(false, "{:?}", other),
        }
    }
}
