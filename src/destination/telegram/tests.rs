//! What a call becomes, and what each answer means.

mod shapes;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::Response;
use crate::destination::example::{body, call as call_about};
use crate::destination::{Adapter, Broker, Call, Means, Outcome, Scope, Setup, Standing, find};
use crate::event::facts::{Channel, Contact, Facts, Message};
use crate::http::Unanswered;

const TOKEN: &str = "7123456789:AAH-token_of-tests";

fn built(mut settings: Value) -> Result<Arc<dyn Adapter>, String> {
    let fields = settings.as_object_mut().unwrap();
    fields.entry("bot_token").or_insert_with(|| TOKEN.into());
    let setup = Setup {
        name: "bot".into(),
        public_url: "https://gateway.example".into(),
        broker: Broker::Embedded,
    };
    let built = find("telegram.send").unwrap().destination(settings, &setup)?;
    let Means::Adapter(adapter) = built.means else { panic!("not an adapter") };
    Ok(adapter)
}

fn adapter() -> Arc<dyn Adapter> {
    built(json!({})).unwrap()
}

/// A person wrote to the bot.
fn facts() -> Facts {
    Facts {
        contact: Some(Contact { id: "1111".into(), ..Contact::default() }),
        channel: Channel {
            provider: "telegram".into(),
            account: "shop_bot".into(),
            ..Channel::default()
        },
        message: Some(Message {
            id: "1365".into(),
            kind: "text".into(),
            text: Some("Is it open?".into()),
            ..Message::default()
        }),
        ..Facts::default()
    }
}

/// Somebody wrote in a topic of a group.
fn group() -> Facts {
    let mut facts = facts();
    facts.conversation.group = Some("-1001".into());
    facts.message.as_mut().unwrap().topic = Some("7".into());
    facts
}

fn call(payload: Value) -> Call {
    call_about(facts(), payload)
}

/// The method that is called, and with what.
fn sent(call: &Call) -> (String, Value) {
    let outgoing = adapter().request(call).unwrap();
    let method = outgoing.url.rsplit_once('/').unwrap().1.to_owned();
    (method, body(&outgoing))
}

fn refusal(outcome: Outcome) -> String {
    match outcome {
        Outcome::Refused { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[derive(Clone, Deserialize)]
struct Answer {
    status: u16,
    body: Value,
}

fn answer(name: &str) -> Response {
    let all: BTreeMap<String, Answer> =
        serde_json::from_str(include_str!("fixtures/answers.json")).unwrap();
    let Answer { status, body } = all[name].clone();
    Response { status, headers: Vec::new(), body: body.to_string().into() }
}

#[test]
fn a_text_goes_to_the_chat_it_answers() {
    let outgoing = adapter().request(&call(Value::Null)).unwrap();
    assert_eq!(outgoing.method, "POST");
    assert_eq!(outgoing.url, format!("https://api.telegram.org/bot{TOKEN}/sendMessage"));
    assert_eq!(body(&outgoing), json!({ "chat_id": 1111, "text": "Is it open?" }));
    let local = built(json!({ "base_url": "http://127.0.0.1:8081/" })).unwrap();
    let url = local.request(&call(Value::Null)).unwrap().url;
    assert_eq!(url, format!("http://127.0.0.1:8081/bot{TOKEN}/sendMessage"));
    let secrets = local.secrets();
    assert_eq!(secrets.len(), 1);
    assert!(url.contains(secrets[0].expose()));
}

#[test]
fn settings_that_could_never_work_are_refused() {
    for (settings, sentence) in [
        (json!({ "bot_token": "" }), "`bot_token` is missing"),
        (json!({ "bot_token": "bot" }), "`bot_token` is a number"),
        (json!({ "bot_token": "12:a/b" }), "`bot_token` is a number"),
        (json!({ "bot_token": "12:" }), "`bot_token` is a number"),
        (json!({ "base_url": "api.telegram.org" }), "`base_url` is a URL"),
        (json!({ "base_url": "https://a?b" }), "`base_url` is a URL"),
    ] {
        let told = built(settings.clone()).err().unwrap_or_default();
        assert!(told.starts_with(sentence) && !told.contains("a/b"), "{settings}: {told}");
    }
}

#[test]
fn every_answer_has_its_consequence() {
    let retry = |reason: &str, seconds: Option<u64>| Outcome::Retry {
        reason: reason.into(),
        after: seconds.map(Duration::from_secs),
    };
    let refused = |reason: &str| Outcome::refused(reason);
    let pause =
        |reason: &str| Outcome::pause(adapter().scopes(&call(Value::Null)).remove(0), reason, None);
    let conflict = "Telegram answered 409: Conflict: terminated by other getUpdates request; \
                    make sure that only one bot instance is running";
    for (name, expected) in [
        ("sent", Outcome::received("815")),
        ("album", Outcome::received("816")),
        ("done", Outcome::delivered()),
        ("unread", retry("Telegram's answer cannot be read", None)),
        ("bad", refused("Telegram answered 400: Bad Request: chat not found")),
        ("link", retry("Telegram answered 400: Bad Request: failed to get HTTP URL content", None)),
        ("thread", refused("Telegram answered 400: Bad Request: message thread not found")),
        ("moved", retry("the group became the supergroup -1001234567890", Some(0))),
        ("revoked", pause("Telegram answered 401: Unauthorized")),
        ("blocked", refused("Telegram answered 403: Forbidden: bot was blocked by the user")),
        ("unknown", pause("Telegram answered 404: Not Found: no such bot")),
        ("conflict", retry(conflict, None)),
        ("large", refused("Telegram answered 413: Request Entity Too Large")),
        ("flood", retry("Telegram answered 429: Too Many Requests: retry after 35", Some(35))),
        ("broken", retry("Telegram answered 500: Internal Server Error", None)),
        ("restart", retry("Telegram answered 502: Bad Gateway", Some(5))),
        ("hidden", refused("Telegram answered 403: Forbidden: user is deactivated")),
    ] {
        assert_eq!(adapter().outcome(&call("hi".into()), &answer(name)), expected, "{name}");
    }
    let plain = |status: u16, after: Option<&str>| {
        let after = after.map(|it| ("retry-after".to_owned(), it.to_owned()));
        let response =
            Response { status, headers: after.into_iter().collect(), body: "<html>".into() };
        adapter().outcome(&call("hi".into()), &response)
    };
    for status in [408, 425, 429, 500, 503] {
        let reason = format!("Telegram answered {status}: it did not say why");
        assert_eq!(plain(status, None), retry(&reason, None));
        assert_eq!(plain(status, Some("9")), retry(&reason, Some(9)));
    }
    assert_eq!(plain(418, None), refused("Telegram answered 418: it did not say why"));
    // A method that we do not know may well be missing.
    let other = call(json!({ "method": "sendPoem" }));
    assert_eq!(
        adapter().outcome(&other, &answer("unknown")),
        refused("Telegram answered 404: Not Found")
    );
    // What is only shown has no receipt.
    assert_eq!(
        adapter().outcome(&call(json!({ "typing": true })), &answer("sent")),
        Outcome::delivered()
    );
}

#[test]
fn a_group_is_followed_and_a_topic_that_is_gone_is_left() {
    let adapter = adapter();
    let mut call = call_about(group(), "hi".into());
    let mut next = |answer: &Response| {
        let Outcome::Retry { reason, .. } = adapter.outcome(&call, answer) else { panic!() };
        call.last = Some(reason);
        body(&adapter.request(&call).unwrap())
    };
    let topic = json!({ "chat_id": -1001, "message_thread_id": 7, "text": "hi" });
    assert_eq!(next(&answer("flood")), topic);
    let moved = json!({ "chat_id": -1_001_234_567_890_i64, "message_thread_id": 7, "text": "hi" });
    assert_eq!(next(&answer("moved")), moved);
    // Nothing that happens in between makes it forget.
    assert_eq!(next(&answer("flood")), moved);
    let plain = json!({ "chat_id": -1_001_234_567_890_i64, "text": "hi" });
    assert_eq!(next(&answer("thread")), plain);
    assert_eq!(next(&answer("broken")), plain);
    for why in [Unanswered::TooSlow, Unanswered::Unreachable] {
        let Outcome::Retry { reason, .. } = adapter.unanswered(&call, why) else { panic!() };
        call.last = Some(reason);
        assert_eq!(body(&adapter.request(&call).unwrap()), plain);
    }
    // Told the same again, there is nothing more to try.
    for name in ["moved", "thread"] {
        refusal(adapter.outcome(&call, &answer(name)));
    }
    // A topic that the payload names is meant.
    let named = call_about(group(), json!({ "text": "hi", "topic": 9 }));
    refusal(adapter.outcome(&named, &answer("thread")));
}

#[test]
fn the_limits_are_those_of_the_bot_and_of_the_chat() {
    let adapter = adapter();
    let limits = |call: &Call| -> Vec<(String, u32, u128)> {
        let all = adapter.limits(call).into_iter();
        all.map(|it| {
            assert_eq!(it.burst, 1);
            (it.key, it.rate.count, it.rate.per.as_millis())
        })
        .collect()
    };
    let private = limits(&call("hi".into()));
    assert_eq!(private[0], ("telegram 7123456789".into(), 30, 1052));
    assert_eq!((private[1].1, private[1].2), (1, 1052));
    assert!(!private[1].0.contains("1111"), "a person's id is shown");
    let in_group = limits(&call_about(group(), "hi".into()));
    assert_eq!((in_group[1].1, in_group[1].2), (20, 63157));
    assert_ne!(in_group[1].0, private[1].0);
    let channel = limits(&call(json!({ "to": "@news", "text": "hi" })));
    assert_eq!((channel[1].1, channel[1].2), (20, 63157));
    assert_eq!(limits(&call(json!({ "typing": true }))), private[..1]);
    assert_eq!(limits(&call(json!([]))), []);
}

#[test]
fn a_new_token_of_the_same_bot_is_not_held_up_by_the_old_one() {
    let scopes = adapter().scopes(&call(Value::Null));
    let [Scope::Credential(id)] = &*scopes else { panic!() };
    assert!(id.starts_with("telegram 7123456789 ") && !id.contains("AAH"), "{id}");
    let other = built(json!({ "bot_token": "7123456789:AAH-new" })).unwrap();
    assert_ne!(other.scopes(&call(Value::Null)), scopes);
}

#[test]
fn marketing_goes_to_nobody_who_wants_none() {
    let standing = Standing { suppressed: Some("they wrote STOP".into()), ..Standing::default() };
    for (settings, payload, refused) in [
        (json!({}), json!("hi"), false),
        (json!({ "marketing": true }), json!("hi"), true),
        (json!({ "marketing": true }), json!({ "text": "hi", "marketing": false }), false),
        (json!({ "marketing": true }), json!({ "typing": true }), false),
        (json!({}), json!({ "photo": "id", "marketing": true }), true),
    ] {
        let call = Call { standing: standing.clone(), ..call(payload.clone()) };
        let told = built(settings).unwrap().request(&call).map_err(refusal).err();
        let sentence = "the contact must not be sent marketing: they wrote STOP".to_owned();
        assert_eq!(told, refused.then_some(sentence), "{payload}");
    }
}

#[test]
fn without_an_answer_it_is_sent_again() {
    for why in [Unanswered::TooSlow, Unanswered::Broken, Unanswered::Unreachable] {
        let outcome = adapter().unanswered(&call("hi".into()), why);
        assert_eq!(outcome, Outcome::retry(why.to_string()));
    }
    refusal(adapter().unanswered(&call("hi".into()), Unanswered::Unsendable));
}
