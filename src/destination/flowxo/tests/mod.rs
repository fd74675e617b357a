//! What is sent into conversations and to bots, against the simulator.

mod trigger;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Asked, Simulator, flowxo};
use crate::destination::example::{
    body, call, destination, facts, made, means, now, refused, withstands,
};
use crate::destination::{Adapter, Call, Outcome};
use crate::event::Facts;
use crate::event::facts::Conversation;
use crate::lenient;

const BOT: &str = "60105b74d2b084f0b80bd45a";
const USER: &str = "876631178";
const KEY: &str = "eyJ.hunter2";
const API: &str = "https://flowxo.com/api";

fn sender(more: &Value) -> Arc<dyn Adapter> {
    let mut settings = json!({ "api_key": KEY });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    destination("flowxo.send", settings).unwrap()
}

fn bot() -> Arc<dyn Adapter> {
    destination("flowxo.message", json!({ "bot_id": BOT, "bot_secret": "hunter2" })).unwrap()
}

fn said() -> Facts {
    facts("flowxo", BOT, USER, "hi")
}

fn with(payload: Value) -> Call {
    call(said(), payload)
}

/// A Flow XO whose bot has a conversation with the user.
fn simulator() -> Box<dyn Simulator> {
    let mut simulator = (flowxo::API.simulator)();
    let message = json!({ "from": format!("{BOT}/c/{USER}"), "text": "Hi!" });
    simulator.deed("message", &message, now()).unwrap();
    simulator
}

#[test]
fn without_a_payload_the_text_goes_into_the_conversation_it_came_from() {
    let sender = sender(&json!({}));
    let outgoing = sender.request(&with(Value::Null)).unwrap();
    assert_eq!(
        (outgoing.method, &*outgoing.url),
        ("POST", "https://flowxo.com/api/end_users/messages")
    );
    assert_eq!(
        body(&outgoing),
        json!({
            "response_path": format!("{BOT}/c/{USER}"),
            "type": "text",
            "message": { "body": "hi" },
        })
    );
    let mut flowxo = simulator();
    assert_eq!(made(&*sender, &with(Value::Null), &mut *flowxo, API), Outcome::delivered());
    // The transcript has it as the bot's own word.
    let truth = flowxo.deed("truth", &Value::Null, now()).unwrap();
    let last = &truth["conversations"][0]["messages"].as_array().unwrap().iter();
    let last = last.clone().find(|it| it["role"] == "bot").unwrap();
    assert_eq!(last["message"], "hi");
}

#[test]
fn every_shape_is_what_flow_xo_takes() {
    let sender = sender(&json!({}));
    let url = "https://files.example/a.pdf";
    for (payload, kind, message) in [
        (json!("hello"), "text", json!({ "body": "hello" })),
        (json!({ "text": 5 }), "text", json!({ "body": "5" })),
        (json!({ "image": url }), "media", json!({ "type": "image", "url": url })),
        (
            json!({ "file": { "url": url, "filename": "a.pdf", "caption": "A" } }),
            "media",
            json!({ "type": "file", "url": url, "filename": "a.pdf", "caption": "A" }),
        ),
        (
            json!({ "media": { "type": "video", "url": url, "thumbnail": url } }),
            "media",
            json!({ "type": "video", "url": url, "thumbnail": url }),
        ),
        (json!({ "card": { "title": "A" } }), "card", json!({ "title": "A" })),
        (json!({ "card_set": [{ "title": "A" }] }), "card_set", json!([{ "title": "A" }])),
        (json!({ "custom": { "parse_mode": "HTML" } }), "custom", json!({ "parse_mode": "HTML" })),
    ] {
        let sent = body(&sender.request(&with(payload.clone())).unwrap());
        assert_eq!((&sent["type"], &sent["message"]), (&json!(kind), &message), "{payload}");
        let outcome = made(&*sender, &with(payload.clone()), &mut *simulator(), API);
        assert_eq!(outcome, Outcome::delivered(), "{payload}");
    }
}

#[test]
fn the_conversation_is_the_events_unless_something_else_is_said() {
    let path = |adapter: &dyn Adapter, call: &Call| {
        body(&adapter.request(call).unwrap())["response_path"].as_str().unwrap().to_owned()
    };
    let plain = sender(&json!({}));
    assert_eq!(path(&*plain, &with(json!({ "to": 5, "text": "x" }))), format!("{BOT}/c/5"));
    let other = json!({ "response_path": "a/c/b", "text": "x" });
    assert_eq!(path(&*plain, &with(other)), "a/c/b");
    let elsewhere = call(facts("whatsapp", "1065", "4917", "hi"), Value::Null);
    assert!(refused(&*plain, &elsewhere).starts_with("`response_path`: the event did not arrive"));
    let ours = sender(&json!({ "bot_id": "603b" }));
    assert_eq!(path(&*ours, &elsewhere), "603b/c/4917");
}

#[test]
fn a_mistake_is_refused_with_its_place() {
    let sender = sender(&json!({}));
    for (payload, expected) in [
        (json!(true), "the payload is a text, or a map"),
        (json!({ "txt": "x" }), "`txt`: it is not known; there are to, response_path, text"),
        (json!({ "text": "x", "card": {} }), "`card`: there is a `text` already"),
        (json!({ "text": " " }), "`text`: it is a text that is not empty"),
        (json!({ "text": null }), "`text`: it is a text that is not empty"),
        (json!({ "image": 5 }), "`image`: it is a URL, or a map with `url`"),
        (json!({ "image": "a.png" }), "`image.url`: it is a URL"),
        (json!({ "image": { "link": "https://a" } }), "`image.link`: it is not known"),
        (json!({ "media": "https://a" }), "`media`: it is a map with `type` and `url`"),
        (json!({ "media": { "url": "https://a" } }), "`media.type`: it is one of image"),
        (json!({ "card": "x" }), "`card`: it is a map"),
        (json!({ "card_set": null }), "`card_set`: it is a map"),
        (json!({ "custom": null }), "`custom`: it is what the platform takes"),
        (json!({ "response_path": "5" }), "`response_path`: it looks like `<bot>/c/<user>`"),
        (json!({ "to": [] }), "`to`: it is a text that is not empty"),
    ] {
        let reason = refused(&*sender, &with(payload.clone()));
        assert!(reason.starts_with(expected), "{payload}: {reason}");
    }
    let silent = call(facts("flowxo", BOT, USER, ""), Value::Null);
    for adapter in [&sender, &bot()] {
        let reason = refused(&**adapter, &silent);
        assert_eq!(reason, "`text`: the event has none, so it has to be said");
    }
    let nobody = call(Facts { contact: None, ..said() }, Value::Null);
    assert!(refused(&*sender, &nobody).starts_with("`to`: the event has no contact"));
    assert!(refused(&*bot(), &nobody).starts_with("`from`: the event has no contact"));
    for (payload, expected) in [
        (json!({ "from": {}, "text": "x" }), "`from`: it is an id, or a map"),
        (json!({ "metadata": "x", "text": "x" }), "`metadata`: it is a map"),
        (json!({ "image": "x" }), "`image`: it is not known; there are text, channel"),
    ] {
        let reason = refused(&*bot(), &with(payload.clone()));
        assert!(reason.starts_with(expected), "{payload}: {reason}");
    }
}

#[test]
fn no_payload_panics() {
    withstands(&*sender(&json!({})), &said(), super::send::NAMES);
    withstands(&*bot(), &said(), super::message::NAMES);
}

#[test]
fn a_bot_is_told_who_said_what_and_where() {
    let mut facts = facts("telegram", "77", "876631178", "hi");
    facts.contact.as_mut().unwrap().name = Some("Some User".to_owned());
    let outgoing = bot().request(&call(facts.clone(), Value::Null)).unwrap();
    assert_eq!(outgoing.url, format!("https://bm.flowxo.com/integration_http/{BOT}"));
    let header = outgoing.headers.iter().find(|it| it.0 == "authorization").unwrap();
    assert_eq!(header.1.expose(), "Bearer hunter2");
    let sent = body(&outgoing);
    assert_eq!(sent["channel"], json!({ "id": USER }));
    assert_eq!(sent["from"], json!({ "id": USER, "name": "Some User" }));
    assert_eq!(sent["message"], json!({ "text": "hi" }));
    assert_eq!(sent["metadata"]["provider"], "telegram");
    assert_eq!(sent["metadata"]["account"], "77");

    // In a group, the bot answers to the group.
    let group = Conversation { group: Some("-100".to_owned()), ..Conversation::default() };
    let grouped = Facts { conversation: group, ..facts.clone() };
    assert_eq!(body(&bot().request(&call(grouped, Value::Null)).unwrap())["channel"]["id"], "-100");
    let own = json!({ "text": "x", "channel": 9, "from": "me", "metadata": { "a": 1 } });
    let sent = body(&bot().request(&call(facts, own)).unwrap());
    assert_eq!(sent["channel"]["id"], "9");
    assert_eq!((&sent["from"], &sent["metadata"]), (&json!({ "id": "me" }), &json!({ "a": 1 })));
}

#[test]
fn what_a_bot_answers_is_addressed_to_whoever_wrote() {
    let mut flowxo = simulator();
    let callback = json!({ "callback_url": "https://gateway.example/hooks/bot/word" });
    flowxo.deed("bot", &callback, now()).unwrap();
    let call = call(facts("telegram", "77", USER, "hi"), Value::Null);
    let outgoing = bot().request(&call).unwrap();
    let answered = flowxo.answer(&Asked::of(&outgoing, flowxo::BOTS), now());
    let [(_, output)] = &answered.later[..] else { panic!("{answered:?}") };
    assert_eq!(output.url, "https://gateway.example/hooks/bot/word");
    let output: Value = serde_json::from_slice(&output.body).unwrap();
    assert_eq!((&output["message"], &output["to"]["id"]), (&json!("You said: hi"), &json!(USER)));
    assert_eq!(bot().outcome(&call, &answered.into()), Outcome::delivered());
    assert!(lenient::time(&output["timestamp"]).is_some());
}

#[test]
fn every_answer_means_what_the_table_says() {
    for adapter in [sender(&json!({})), bot()] {
        let scopes = adapter.scopes(&with(Value::Null));
        let [scope] = &scopes[..] else { panic!("{scopes:?}") };
        let hour = Some(Duration::from_hours(1));
        // Each strikes out its own secret.
        let secret = adapter.secrets()[0].expose().to_owned();
        let key = if secret == KEY { "***" } else { "eyJ.***" };
        let retry = |reason: &str, seconds: Option<u64>| Outcome::Retry {
            reason: reason.to_owned(),
            after: seconds.map(Duration::from_secs),
        };
        let expected = [
            ("taken", Outcome::delivered()),
            ("taken, with an id", Outcome::received("618dafd33546c5802fd7991c")),
            ("taken, with an id within", Outcome::received("m1")),
            ("taken, told strangely", Outcome::delivered()),
            ("request not valid", Outcome::refused("400: `message` is missing")),
            (
                "key not valid",
                Outcome::pause(scope.clone(), format!("401: the API key {key} is not valid"), None),
            ),
            ("not permitted", Outcome::pause(scope.clone(), "403: forbidden", hour)),
            ("no such conversation", Outcome::refused("404: Not Found")),
            ("took too long", retry("408: the answer is empty", None)),
            ("conflict", Outcome::refused("409: conflict")),
            ("gone", Outcome::refused("410: gone")),
            ("too early", retry("425: the answer is empty", None)),
            ("too many", retry("429: slow down", Some(11))),
            ("broken", retry("500: oops", None)),
            ("down", retry("503: <html>", Some(5))),
            ("moved", Outcome::refused("it answered 302")),
        ];
        means(&*adapter, &with(Value::Null), include_str!("../fixtures/answers.json"), &expected);
    }
}

#[test]
fn the_simulator_provokes_what_goes_wrong_at_flow_xo() {
    let sender = sender(&json!({}));
    let mut flowxo = simulator();
    let unknown = with(json!({ "to": "nobody", "text": "x" }));
    let outcome = made(&*sender, &unknown, &mut *flowxo, API);
    assert_eq!(outcome, Outcome::refused(format!("404: no conversation `{BOT}/c/nobody`")));
    for (status, is_retried) in [(429, true), (500, true), (422, false)] {
        flowxo.deed("refuse", &json!({ "status": status, "retry_after": 3 }), now()).unwrap();
        let outcome = made(&*sender, &with(Value::Null), &mut *flowxo, API);
        assert_eq!(
            matches!(outcome, Outcome::Retry { after: Some(_), .. }),
            is_retried,
            "{status}"
        );
    }
    let invalid = destination("flowxo.send", json!({ "api_key": "invalid" })).unwrap();
    let outcome = made(&*invalid, &with(Value::Null), &mut *flowxo, API);
    assert!(matches!(outcome, Outcome::Pause { duration: None, .. }), "{outcome:?}");
    let stranger = json!({ "bot_id": "stranger", "bot_secret": "x" });
    let stranger = destination("flowxo.message", stranger).unwrap();
    let outcome = made(&*stranger, &with(Value::Null), &mut *flowxo, flowxo::BOTS);
    assert_eq!(outcome, Outcome::refused("404: no bot `stranger`"));
}

#[test]
fn settings_that_cannot_work_are_refused() {
    for (kind, settings, expected) in [
        ("flowxo.send", json!({}), "`api_key` is missing"),
        (
            "flowxo.send",
            json!({ "api_key": "x", "base_url": "flowxo.com" }),
            "`base_url` is `flowxo.com`, no https:// URL",
        ),
        ("flowxo.message", json!({ "bot_secret": "x" }), "`bot_id` is missing"),
        ("flowxo.message", json!({ "bot_id": "x" }), "`bot_secret` is missing"),
        ("flowxo.trigger", json!({}), "`trigger_url` is missing"),
        ("flowxo.trigger", json!({ "trigger_url": "hunter2" }), "`trigger_url` is no https:// URL"),
    ] {
        assert_eq!(destination(kind, settings).err().as_deref(), Some(expected));
    }
}
