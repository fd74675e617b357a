//! What only Telegram does: every sort of update, every content of a message.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::provider::Source;

/// Every key of an `Update` beside its id (core.telegram.org/bots/api#update).
const SORTS: &[&str] = &[
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
    "message_reaction",
    "message_reaction_count",
    "inline_query",
    "chosen_inline_result",
    "callback_query",
    "shipping_query",
    "pre_checkout_query",
    "purchased_paid_media",
    "poll",
    "poll_answer",
    "my_chat_member",
    "chat_member",
    "chat_join_request",
    "chat_boost",
    "removed_chat_boost",
];

/// Every content of a `Message` that has facts of its own, and what surrounds it.
const CONTENTS: &[&str] = &[
    "text",
    "photo",
    "audio",
    "voice",
    "video",
    "video_note",
    "animation",
    "document",
    "sticker",
    "contact",
    "location",
    "venue",
    "dice",
    "poll",
    "game",
    "invoice",
    "successful_payment",
    "refunded_payment",
    "story",
    "paid_media",
    "checklist",
    "new_chat_members",
    "left_chat_member",
    "new_chat_title",
    "new_chat_photo",
    "delete_chat_photo",
    "group_chat_created",
    "supergroup_chat_created",
    "channel_chat_created",
    "message_auto_delete_timer_changed",
    "pinned_message",
    "web_app_data",
    "users_shared",
    "chat_shared",
    "forum_topic_created",
    "forum_topic_edited",
    "forum_topic_closed",
    "forum_topic_reopened",
    "general_forum_topic_hidden",
    "general_forum_topic_unhidden",
    "boost_added",
    "migrate_to_chat_id",
    "migrate_from_chat_id",
    "caption",
    "forward_origin",
    "reply_to_message",
    "external_reply",
    "reply_to_story",
    "quote",
    "media_group_id",
    "message_thread_id",
    "sender_chat",
    "sender_business_bot",
    "via_bot",
];

/// Every row that the fixtures hold: `update:…`, `content:…`.
fn rows() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/provider/telegram/fixtures");
    let mut rows = BTreeSet::new();
    for file in fs::read_dir(folder).unwrap() {
        let body = fs::read(file.unwrap().path()).unwrap();
        let Ok(Value::Object(body)) = serde_json::from_slice(&body) else { continue };
        for (sort, content) in body {
            rows.extend(
                content.as_object().into_iter().flatten().map(|it| format!("content:{}", it.0)),
            );
            rows.insert(format!("update:{sort}"));
        }
    }
    rows
}

#[test]
fn every_row_of_the_catalogue_has_a_fixture() {
    let rows = rows();
    let missing: Vec<String> = SORTS
        .iter()
        .map(|it| format!("update:{it}"))
        .chain(CONTENTS.iter().map(|it| format!("content:{it}")))
        .filter(|it| !rows.contains(it))
        .collect();
    assert!(missing.is_empty(), "no fixture has {missing:#?}");
    assert_eq!(payload::sorts().collect::<Vec<_>>(), SORTS);
}

fn told(update: &Value) -> Vec<Draft> {
    payload::drafts("shopbot", update.to_string().as_bytes())
}

#[test]
fn each_deleted_message_has_a_key_of_its_own_whatever_stands_beside_it() {
    let update = |ids: Value| {
        json!({"update_id": 7, "deleted_business_messages":
            {"business_connection_id": "b", "chat": {"id": 1, "type": "private"}, "message_ids": ids}})
    };
    let keys =
        |ids: Value| told(&update(ids)).into_iter().map(|it| it.dedup_key).collect::<Vec<_>>();
    assert_eq!(keys(json!([3, 4])), ["update:shopbot:7:3", "update:shopbot:7:4"]);
    assert_eq!(keys(json!(["4"])), ["update:shopbot:7:4"]);
    assert_eq!(keys(json!(4)), ["update:shopbot:7:4"]);
    let odd = told(&update(json!([3, {}, []])));
    let kinds: Vec<&str> = odd.iter().map(|it| it.kind.as_str()).collect();
    assert_eq!(kinds, ["message.deleted", "telegram.unmapped", "telegram.unmapped"]);
    assert_ne!(odd[1].dedup_key, odd[2].dedup_key);
}

#[test]
fn a_chat_of_a_business_is_not_the_bots_own_with_the_same_person() {
    let message = json!({"message_id": 1, "date": 1, "text": "hi",
        "from": {"id": 5}, "chat": {"id": 5, "type": "private"}});
    let mut business = message.clone();
    business["business_connection_id"] = "b".into();
    let own = told(&json!({"update_id": 1, "message": message})).remove(0);
    let seen = told(&json!({"update_id": 2, "business_message": business})).remove(0);
    assert_ne!(own.candidates, seen.candidates);
    assert_eq!(own.facts.contact, seen.facts.contact);
}

#[test]
fn a_group_and_the_supergroup_it_became_are_one_conversation() {
    let chat = |id: i64| json!({"id": id, "type": "supergroup"});
    let to = json!({"message_id": 1, "date": 1, "chat": chat(-4), "migrate_to_chat_id": -1004});
    let from = json!({"message_id": 1, "date": 1, "chat": chat(-1004), "migrate_from_chat_id": -4});
    let to = told(&json!({"update_id": 1, "message": to})).remove(0);
    let from = told(&json!({"update_id": 2, "message": from})).remove(0);
    assert_eq!(to.candidates, from.candidates);
    let values: Vec<&str> = to.candidates.iter().map(|it| &*it.value).collect();
    assert_eq!(values, ["-4", "-1004"], "the old conversation goes on");
}

#[test]
fn somebody_named_like_the_source_is_not_the_bot() {
    for (is_bot, kind) in [(true, Kind::MESSAGE_SENT), (false, Kind::MESSAGE_RECEIVED)] {
        let from = json!({"id": 5, "username": "ShopBot", "is_bot": is_bot});
        let message = json!({"message_id": 1, "text": "hi", "from": from, "chat": {"id": 5}});
        assert_eq!(told(&json!({"update_id": 1, "message": message}))[0].kind, kind);
    }
}

#[test]
fn two_sorts_in_one_update_are_both_told() {
    let message = json!({"message_id": 1, "date": 1, "text": "hi", "chat": {"id": 5}});
    let poll = json!({"id": "9", "question": "?", "options": []});
    let drafts = told(&json!({"update_id": 1, "poll": poll, "message": message, "x": {}}));
    let keys: Vec<&str> = drafts.iter().map(|it| &*it.dedup_key).collect();
    assert_eq!(keys, ["update:shopbot:1", "update:shopbot:1:poll"]);
}

#[test]
fn nesting_without_end_is_told_and_kept() {
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let body = format!(r#"{{"update_id":1,"message":{{"message_id":1,"text":{deep}}}}}"#);
    let draft = payload::drafts("shopbot", body.as_bytes()).remove(0);
    assert_eq!(draft.facts.unmapped.unwrap().reason, "an update that is not readable");
    assert_eq!(draft.dedup_key, "update:shopbot:1");
}

fn setup(development_secret: Option<Secret>) -> Setup {
    Setup {
        name: "support".into(),
        public_url: "https://gateway.example".into(),
        store_key: Secret::new("store"),
        development_secret,
    }
}

fn source(config: Value) -> Result<Telegram, String> {
    Telegram::new(serde_json::from_value(config).unwrap(), &setup(None))
}

#[test]
fn a_token_that_telegram_would_not_take_is_refused() {
    for token in ["with space", "umlaut-ä", "a:b", &"x".repeat(257)] {
        let error = source(json!({"secret_tokens": [token]})).err().unwrap();
        assert!(error.contains("256"), "{token}");
    }
    assert!(source(json!({})).err().unwrap().contains("secret_tokens"));
    assert!(source(json!({"secret_tokens": ["aZ9_-"]})).is_ok());
}

#[test]
fn any_of_the_tokens_may_come_and_no_other() {
    let source = source(json!({"secret_tokens": ["old", "new"]})).unwrap();
    for (token, fits) in [("old", true), ("new", true), ("ne", false), ("News", false), ("", false)]
    {
        let headers = Headers::from_iter([("X-Telegram-Bot-Api-Secret-Token", token)]);
        let request = Request::new("POST", "", headers, Bytes::from_static(b"{}"));
        let verified = source.verifier.verify(&request, Timestamp::UNIX_EPOCH);
        assert_eq!(verified.is_ok(), fits, "`{token}`");
    }
}

#[test]
fn the_account_is_the_bot_or_else_the_source() {
    let body = br#"{"update_id":1,"message":{}}"#;
    for (config, account) in [
        (json!({"secret_tokens": ["a"]}), "support"),
        (json!({"secret_tokens": ["a"], "bot": "@shopbot"}), "shopbot"),
        (json!({"secret_tokens": ["a"], "bot": "6100000009"}), "6100000009"),
    ] {
        let source = source(config).unwrap();
        let headers = Headers::from_iter([("X-Telegram-Bot-Api-Secret-Token", "a")]);
        let request = Request::new("POST", "", headers, Bytes::from_static(body));
        let request = Source::verify(&source, request, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(Source::normalise(&source, &request)[0].facts.channel.account, account);
        assert_eq!(
            Source::answer(&source, &request, &[]).body,
            "",
            "a body would be a call of the Bot API"
        );
    }
}
