//! `flowgent.chat` against the simulator.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{
    BASE, KEY, Other, PUBLIC, agent, body, call, call_of, delivered, heard, now, refused, setup,
    text, wrote,
};
use crate::client::Response;
use crate::config::Secret;
use crate::destination::{Adapter, Call, Outcome, Scope};
use crate::event::facts::{Comment, Location, Media, Message};
use crate::http::Unanswered;
use crate::provider::{self, Callback, Headers, Request, callback_url};

#[test]
fn what_a_contact_says_is_answered_in_the_thread_of_the_conversation() {
    let (chat, mut other) = (agent(&json!({})), Other::new());
    let first = call("Where is my order?", Value::Null);
    let outgoing = chat.request(&first).unwrap();
    assert_eq!((outgoing.method, &*outgoing.url), ("POST", &*format!("{BASE}/agent/agent/chat")));
    assert_eq!(body(&outgoing), json!({ "messages": "Where is my order?" }));
    let key = outgoing.headers.iter().find(|it| it.0 == "authorization").unwrap();
    assert_eq!(key.1.expose(), KEY, "without Bearer");

    let (receipt, thread, replies) = delivered(other.make(&chat, &first));
    assert_eq!(heard(&replies), [("agent.replied", Some("You said: Where is my order?"))]);
    assert_eq!(receipt.as_deref(), Some("meta_000001"));
    let told = replies[0].draft.facts.agent.as_ref().unwrap();
    assert_eq!((told.credits, &told.thread), (Some(1.0), &thread));
    let raw: Value =
        serde_json::from_slice(&replies[0].body[replies[0].draft.raw.clone()]).unwrap();
    assert_eq!(raw["statusCode"], 200);

    let mut second = call("And now?", Value::Null);
    second.standing.thread.clone_from(&thread);
    assert_eq!(body(&chat.request(&second).unwrap())["thread_id"], json!(thread));
    let (_, again, replies) = delivered(other.make(&chat, &second));
    assert_eq!(again, thread);
    let raw: Value = serde_json::from_slice(&replies[0].body).unwrap();
    let history = raw["body"]["conversation_history"].as_array().unwrap();
    assert_eq!(history.len(), 4, "the agent knows what was said before");
    assert_eq!(chat.thread(), Some("agent"));
    assert_eq!(chat.calls_back(), None);
}

#[test]
fn a_burst_of_messages_is_one_text() {
    let events = vec![wrote(text("Hello")), wrote(text("where is")), wrote(text("my order?"))];
    let call = call_of(events, Value::Null);
    let sent = body(&agent(&json!({})).request(&call).unwrap());
    assert_eq!(sent, json!({ "messages": "Hello\nwhere is\nmy order?" }));
    assert_eq!(sent["messages"], call.text());
}

#[test]
fn a_message_has_each_of_the_three_forms() {
    let list =
        json!([{ "role": "assistant", "content": "Hi" }, { "role": "user", "content": "a" }]);
    let parts = json!({ "role": "user", "content": [{ "type": "text", "text": "a" }] });
    for (payload, expected) in [
        (json!({}), json!("said")),
        (json!({ "message": "42" }), json!("42")),
        (json!({ "message": "[1]" }), json!("[1]")),
        (json!({ "message": 42 }), json!("42")),
        (json!("bare"), json!("bare")),
        (json!({ "message": list }), list.clone()),
        (json!({ "message": parts }), parts.clone()),
    ] {
        let (chat, mut other) = (agent(&json!({})), Other::new());
        let call = call("said", payload.clone());
        assert_eq!(body(&chat.request(&call).unwrap())["messages"], expected, "{payload}");
        let (.., replies) = delivered(other.make(&chat, &call));
        assert_eq!(replies[0].draft.kind.as_str(), "agent.replied", "{payload}");
    }
}

#[test]
fn a_payload_that_no_agent_takes_is_refused_at_its_place() {
    for (payload, expected) in [
        (json!({ "text": "a" }), "`text`: the payload takes `message`"),
        (json!([1]), "the payload is a list; it is a map of `message`"),
        (json!({ "message": " " }), "`message`: it is empty"),
        (json!(""), "`message`: it is empty"),
        (json!({ "message": null }), "`message`: there is nothing in it"),
        (json!({ "message": [] }), "`message`: the list is empty"),
        (json!({ "message": ["a"] }), "`message.0`: expected `{role, content}`, found a text"),
        (json!({ "message": { "content": "a" } }), "`message.role`: say who speaks"),
        (json!({ "message": { "role": "user" } }), "`message.content`: expected a text or a list"),
        (
            json!({ "message": [{ "role": "user", "content": "a" }, { "role": "user", "content": [] }] }),
            "`message.1.content`: it is empty",
        ),
        (
            json!({ "message": { "role": "user", "content": "a", "image": 1 } }),
            "`message.image`: a message has `role` and `content`",
        ),
    ] {
        let sentence = refused(agent(&json!({})).request(&call("x", payload.clone())).unwrap_err());
        assert!(sentence.starts_with(expected), "{payload}: {sentence}");
    }
    let silent = call_of(vec![wrote(Message::default())], Value::Null);
    let sentence = refused(agent(&json!({})).request(&silent).unwrap_err());
    assert!(sentence.contains("`message: …`"), "{sentence}");
}

#[test]
fn what_is_no_text_has_a_word_in_its_place_and_keeps_its_url() {
    let media = |kind: &str, media: Media, text: Option<&str>| Message {
        kind: kind.into(),
        text: text.map(Into::into),
        media: Some(Media { url: Some("https://lookaside.example/secret".into()), ..media }),
        ..Message::default()
    };
    let of = |mime_type: &str| Media { mime_type: Some(mime_type.into()), ..Media::default() };
    let named = Media { filename: Some("invoice.pdf".into()), ..of("application/pdf") };
    let voice = Media { voice: true, ..of("audio/ogg") };
    let heard =
        Message { transcription: Some("Call me".into()), ..media("audio", voice.clone(), None) };
    let place = Location { latitude: 52.5, longitude: 4.0, ..Location::default() };
    let at = Location { name: Some("Museum".into()), ..place.clone() };
    let location = |it: Location| Message {
        kind: "location".into(),
        location: Some(it),
        ..Message::default()
    };
    let two = Message { more: vec![of("image/png")], ..media("image", of("image/png"), None) };
    for (message, expected) in [
        (media("image", of("image/jpeg"), Some("is this it?")), "[image]\nis this it?"),
        (media("document", named, None), "[document: invoice.pdf]"),
        (media("audio", voice, None), "[voice]"),
        (media("attachment", of("video/mp4"), None), "[video]"),
        (media("attachment", of("application/zip"), None), "[file]"),
        (media("sticker", of("image/webp"), None), "[sticker]"),
        (heard, "Call me"),
        (two, "[image]\n[image]"),
        (location(place), "[location: (52.5, 4)]"),
        (location(at), "[location: Museum (52.5, 4)]"),
    ] {
        let call = call_of(vec![wrote(message)], Value::Null);
        assert_eq!(body(&agent(&json!({})).request(&call).unwrap())["messages"], expected);
    }
    let mut comment = wrote(Message::default());
    comment.facts.message = None;
    comment.facts.comment = Some(Comment { text: Some("Nice!".into()), ..Comment::default() });
    let call = call_of(vec![comment], Value::Null);
    assert_eq!(body(&agent(&json!({})).request(&call).unwrap())["messages"], "Nice!");
}

/// What the engine does around a call whose answer comes later.
#[test]
fn an_answer_that_comes_later_is_let_in_and_leads_back_to_its_call() {
    let chat = agent(&json!({ "reply": "callback", "deadline": "90s" }));
    let mut other = Other::new();
    assert_eq!(chat.calls_back(), Some(Duration::from_secs(90)));
    let key = Secret::new("of the store");
    let mut call = Call { attempt: 2, ..call("Hello", Value::Null) };
    assert!(refused(chat.request(&call).unwrap_err()).contains("no URL was minted"));
    let until = now() + SignedDuration::from_secs(90);
    let minted = Callback { call: call.id, attempt: call.attempt, expires: until };
    call.callback = Some(callback_url(PUBLIC, &key, &setup().name, &minted));
    assert_eq!(other.make(&chat, &call), Outcome::Await { until });

    let later = other.later.remove(0);
    let source = chat.source(&provider::Setup {
        name: setup().name,
        public_url: PUBLIC.into(),
        store_key: key,
        development_secret: None,
    });
    let source = source.unwrap();
    assert!(source.verifier().reads_path(), "its URLs have a tail");
    let target = later.url.strip_prefix(PUBLIC).unwrap();
    let request = Request::new("POST", target, Headers::default(), later.body.clone());
    let verified = source.verify(request, now()).unwrap();
    assert_eq!(source.callback(&verified), Some(minted));
    let drafts = source.normalise(&verified);
    assert_eq!(drafts[0].facts.agent.as_ref().unwrap().id.as_deref(), Some("agent"));

    let answer = Response { status: 200, headers: vec![], body: later.body };
    let (receipt, thread, replies) = delivered(chat.outcome(&call, &answer));
    assert_eq!(heard(&replies), [("agent.replied", Some("You said: Hello"))]);
    assert_eq!(
        (receipt.as_deref(), thread.as_deref()),
        (Some("meta_000001"), Some("thread_000001"))
    );
    assert_eq!(replies[0].draft.facts, drafts[0].facts);

    // The status within counts there, too.
    other.deed("credits", &json!({ "left": 0 }));
    assert_eq!(other.make(&chat, &call), Outcome::Await { until });
    let answer = Response { status: 200, headers: vec![], body: other.later.remove(0).body };
    let outcome = chat.outcome(&call, &answer);
    assert!(
        matches!(&outcome, Outcome::Pause { scope, .. } if *scope == Scope::Agent("agent".into())),
        "{outcome:?}"
    );
}

#[test]
fn whoever_waits_in_vain_is_told_something() {
    for (fallback, expected) in [
        (None, vec![("agent.timeout", None)]),
        (Some(""), vec![("agent.timeout", None)]),
        (
            Some("A colleague will write to you."),
            vec![
                ("agent.timeout", None),
                ("agent.replied", Some("A colleague will write to you.")),
            ],
        ),
    ] {
        let chat = agent(&json!({ "reply": "callback", "fallback": fallback }));
        let mut call = call("Hello", Value::Null);
        call.standing.thread = Some("thread_1".into());
        let (receipt, thread, replies) = delivered(chat.overdue(&call));
        assert_eq!((receipt, thread), (None, None));
        assert_eq!(heard(&replies), expected);
        let told = replies[0].draft.facts.agent.as_ref().unwrap();
        assert_eq!(told.error.as_deref(), Some("no answer came in 2min"));
        assert_eq!((told.id.as_deref(), told.thread.as_deref()), (Some("agent"), Some("thread_1")));
        for it in &replies {
            let raw = &it.body[it.draft.raw.clone()];
            assert!(serde_json::from_slice::<Value>(raw).unwrap().is_object());
        }
        if let Some(reply) = replies.get(1) {
            let message = reply.draft.facts.message.as_ref().unwrap();
            assert_eq!(message.origin.as_deref(), Some("fallback"), "no agent wrote it");
        }
    }
}

#[test]
fn without_an_answer_it_depends_on_whether_one_may_still_come() {
    let sync = agent(&json!({ "fallback": "Later" }));
    let callback = agent(&json!({ "reply": "callback" }));
    let at = |attempt| Call { attempt, ..call("Hello", Value::Null) };
    for why in
        [Unanswered::TooSlow, Unanswered::Broken, Unanswered::TooLarge { limit: 9, status: 200 }]
    {
        let until = now() + SignedDuration::from_mins(2);
        assert_eq!(callback.unanswered(&at(1), why), Outcome::Await { until }, "{why}");
        assert_eq!(sync.unanswered(&at(2), why), Outcome::retry(why.to_string()));
        let (.., replies) = delivered(sync.unanswered(&at(3), why));
        assert_eq!(heard(&replies), [("agent.timeout", None), ("agent.replied", Some("Later"))]);
    }
    let nobody = Unanswered::Unreachable;
    for chat in [&sync, &callback] {
        assert_eq!(chat.unanswered(&at(9), nobody), Outcome::retry(nobody.to_string()));
    }
}
