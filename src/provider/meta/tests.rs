//! The check and the handshake, tested with vectors; and what the products share.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::provider::handshake::MAX_CHALLENGE;
use crate::provider::{Fresh, Headers, Sample, Source, find};

fn setup(development_secret: Option<Secret>) -> Setup {
    Setup {
        name: "whatsapp".into(),
        public_url: "https://gateway.example".into(),
        store_key: Secret::new("store"),
        development_secret,
    }
}

fn tag(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

fn source(verify_token: &str) -> Meta {
    let config = Config {
        app_secrets: vec![Secret::new("retired"), Secret::new(""), Secret::new("current")],
        verify_token: Secret::new(verify_token),
        ..Config::default()
    };
    Meta::new(config, &setup(None)).unwrap()
}

fn get(source: &Meta, query: &str) -> Option<Result<Answer, Rejection>> {
    let target = format!("/hooks/whatsapp?{query}");
    source.handshake(&Request::new("GET", &target, Headers::default(), Bytes::new()))
}

#[test]
fn the_challenge_is_answered_exactly() {
    let source = source("to ken&");
    for (challenge, expected) in [
        ("1158201444", "1158201444"),
        ("%3Cscript%3E", "<script>"),
        ("0012", "0012"),
        ("a+b%20c", "a b c"),
    ] {
        let query =
            format!("hub.mode=subscribe&hub.challenge={challenge}&hub.verify_token=to%20ken%26");
        let answer = get(&source, &query).unwrap().unwrap();
        assert_eq!(answer.body, expected);
        assert!(answer.content_type.starts_with("text/plain"));
    }
    let post = Request::new("POST", "/hooks/whatsapp", Headers::default(), Bytes::new());
    assert!(source.handshake(&post).is_none());
}

#[test]
fn a_challenge_that_is_not_ours_is_refused() {
    let ours = source("token");
    let nobodys = source("");
    let long = "9".repeat(MAX_CHALLENGE + 1);
    let too_long = format!("hub.mode=subscribe&hub.challenge={long}&hub.verify_token=token");
    for (source, query) in [
        (&ours, "hub.mode=subscribe&hub.challenge=1&hub.verify_token=Token"),
        (&ours, "hub.mode=subscribe&hub.challenge=1&hub.verify_token="),
        (&ours, "hub.mode=subscribe&hub.challenge=1"),
        (&ours, "hub.mode=subscribe&hub.verify_token=token"),
        (&ours, "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=token"),
        (&ours, "hub.challenge=1&hub.verify_token=token"),
        (&ours, "hub_mode=subscribe&hub_challenge=1&hub_verify_token=token"),
        (&ours, ""),
        (&ours, &too_long),
        (&nobodys, "hub.mode=subscribe&hub.challenge=1&hub.verify_token="),
        (&nobodys, "hub.mode=subscribe&hub.challenge=1&hub.verify_token=token"),
    ] {
        assert_eq!(get(source, query), Some(Err(Rejection::BadHandshake)), "{query}");
    }
}

fn signed(tag: &str, body: &'static [u8]) -> Request {
    let headers = Headers::from_iter([("X-Hub-Signature-256", tag)]);
    Request::new("POST", "", headers, Bytes::from_static(body))
}

#[test]
fn any_of_the_secrets_may_sign_and_an_empty_one_may_not() {
    let source = source("token");
    for (secret, expected) in [
        ("retired", Ok(())),
        ("current", Ok(())),
        ("", Err(Rejection::BadSignature)),
        ("other", Err(Rejection::BadSignature)),
    ] {
        let tag = tag(secret, b"{}");
        let request = signed(&format!("sha256={tag}"), b"{}");
        assert_eq!(source.verifier.verify(&request, Timestamp::UNIX_EPOCH), expected, "`{secret}`");
        let bare = source.verifier.verify(&signed(&tag, b"{}"), Timestamp::UNIX_EPOCH);
        assert_eq!(bare, Err(Rejection::BadSignature));
    }
}

#[test]
fn the_published_vector_verifies() {
    let config = Config { app_secrets: vec![Secret::new("secret")], ..Config::default() };
    let source = Meta::new(config, &setup(None)).unwrap();
    let tag = "sha256=0329a06b62cd16b33eb6792be8c60b158d89a2ee3a876fce9a881ebb488c0914";
    assert_eq!(source.verifier.verify(&signed(tag, b"test"), Timestamp::UNIX_EPOCH), Ok(()));
}

#[test]
fn the_signature_covers_the_escapes_and_not_what_they_mean() {
    let source = source("token");
    let tag = tag("current", br#"{"a":"\u00e4\/"}"#);
    let tag = format!("sha256={tag}");
    let at = Timestamp::UNIX_EPOCH;
    assert_eq!(source.verifier.verify(&signed(&tag, br#"{"a":"\u00e4\/"}"#), at), Ok(()));
    let decoded = signed(&tag, "{\"a\":\"ä/\"}".as_bytes());
    assert_eq!(source.verifier.verify(&decoded, at), Err(Rejection::BadSignature));
}

#[test]
fn without_a_secret_there_must_be_a_development_secret() {
    let build = |development_secret: Option<Secret>| {
        let config = Config { app_secrets: vec![Secret::new("")], ..Config::default() };
        Meta::new(config, &setup(development_secret))
    };
    assert!(build(None).err().unwrap().contains("app_secrets"));
    let source = build(Some(Secret::new("random"))).unwrap();
    assert!(source.verifier.is_development());
    let query = "hub.mode=subscribe&hub.challenge=1&hub.verify_token=random";
    assert!(get(&source, query).unwrap().is_ok());
}

const PRODUCTS: [Product; 3] = [Product::WhatsApp, Product::Messenger, Product::Instagram];

/// A product's source and its samples.
fn built(product: Product) -> (&'static [Sample], Box<dyn Source>) {
    let entry = find(product.name()).unwrap();
    let settings = json!({ "app_secrets": ["secret"], "verify_token": "token" });
    (entry.samples, (entry.build)(settings, &setup(None)).unwrap())
}

/// A sample as it is sent at a fixed moment, with the text and the contact given.
fn composed(source: &dyn Source, sample: &Sample, seed: u128, given: [Option<&str>; 2]) -> Bytes {
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let [text, from] = given;
    source.compose(sample, &Fresh { seed: Uuid::from_u128(seed), now, text, from }).unwrap().body
}

#[test]
fn a_payload_is_told_the_same_whichever_source_of_the_app_takes_it() {
    for product in PRODUCTS {
        let (samples, source) = built(product);
        for sample in samples {
            let body = composed(&*source, sample, 7, [None; 2]);
            let told = drafts(product, &body);
            for other in PRODUCTS {
                assert_eq!(told, drafts(other, &body), "{} on {other:?}", sample.name);
            }
            assert_eq!(told[0].facts.channel.provider, product.name(), "{}", sample.name);
        }
    }
}

#[test]
fn what_belongs_to_no_product_is_the_sources_own() {
    let strange = r#"{"object":"user","entry":[{"id":"1","time":1739321024,
        "changes":[{"field":"photos","value":{"verb":"update"}}],"messaging":[{"message":{}}]}]}"#;
    for product in PRODUCTS {
        for body in [strange, "[]", "odd", r#"{"entry":[{"messaging":[{}]}]}"#] {
            for draft in drafts(product, body.as_bytes()) {
                assert_eq!(draft.kind, product.unmapped(), "{body}");
                assert_eq!(draft.facts.channel.provider, product.name(), "{body}");
            }
        }
        assert_eq!(drafts(product, strange.as_bytes()).len(), 2, "each element is told");
    }
}

#[test]
fn every_sample_is_new_each_time_and_happens_now() {
    for product in PRODUCTS {
        let (samples, source) = built(product);
        for sample in samples {
            let told = |seed| drafts(product, &composed(&*source, sample, seed, [None; 2]));
            let (first, second) = (told(0x1_0000_0000_0000_0007), told(0x2_0000_0000_8000_0000));
            let name = format!("{} {}", product.name(), sample.name);
            for (a, b) in first.iter().zip(&second) {
                assert_eq!(a.kind, b.kind, "{name}");
                let by_time = a.dedup_key.contains(":1800000000");
                assert!(a.dedup_key != b.dedup_key || by_time, "{name}: {}", a.dedup_key);
                if let Some(time) = a.time {
                    assert_eq!(time.as_second(), 1_800_000_000, "{name}");
                }
            }
        }
    }
}

#[test]
fn the_text_and_the_contact_of_a_sample_can_be_chosen() {
    for (product, name) in [
        (Product::Messenger, "text"),
        (Product::Messenger, "postback"),
        (Product::Messenger, "echo"),
        (Product::Messenger, "edit"),
        (Product::Messenger, "comment"),
        (Product::Messenger, "standby"),
        (Product::Instagram, "text"),
        (Product::Instagram, "story_reply"),
        (Product::Instagram, "postback"),
        (Product::Instagram, "comment"),
    ] {
        let (samples, source) = built(product);
        let sample = samples.iter().find(|it| it.name == name).unwrap();
        let body = composed(&*source, sample, 1, [Some("refund!"), Some("777")]);
        let facts = *drafts(product, &body).remove(0).facts;
        let message = facts.message.and_then(|it| it.text);
        let text = message.or_else(|| facts.comment.and_then(|it| it.text));
        assert_eq!(text.as_deref(), Some("refund!"), "{product:?} {name}");
        assert_eq!(facts.contact.unwrap().id, "777", "{product:?} {name}");
    }
}

#[test]
fn ids_that_no_float_can_hold_are_kept_to_the_digit() {
    let id = 9_007_199_254_740_993_u64;
    let body = format!(
        r#"{{"object":"page","entry":[{{"id":{id},"time":1,"changes":[{{"field":"leadgen",
        "value":{{"leadgen_id":{id},"form_id":{id},"page_id":{id},"ad_id":{id}}}}}]}}]}}"#
    );
    let draft = drafts(Product::WhatsApp, body.as_bytes()).remove(0);
    let (lead, id) = (draft.facts.lead.unwrap(), id.to_string());
    assert_eq!(draft.facts.channel.account, id);
    for told in [lead.id, lead.form, lead.page, lead.ad] {
        assert_eq!(told.unwrap(), id);
    }
}

/// What the references of the Messenger and Instagram platforms list: keys of messaging events,
/// types of attachments, fields of changes, and what a page's feed is told of.
const ROWS: &[(&str, &[&str])] = &[
    (
        "messenger",
        &[
            "event:message",
            "event:postback",
            "event:delivery",
            "event:read",
            "event:reaction",
            "event:optin",
            "event:referral",
            "event:account_linking",
            "event:game_play",
            "event:message_edit",
            "event:pass_thread_control",
            "event:take_thread_control",
            "event:request_thread_control",
            "event:app_roles",
            "event:policy_enforcement",
            "event:prior_message",
            "event:messaging_feedback",
            "list:standby",
            "attachment:image",
            "attachment:audio",
            "attachment:video",
            "attachment:file",
            "attachment:location",
            "attachment:fallback",
            "attachment:template",
            "attachment:reel",
            "attachment:ig_reel",
            "field:feed",
            "field:mention",
            "field:ratings",
            "field:leadgen",
            "field:live_videos",
            "field:videos",
            "field:messages",
            "feed:comment/add",
            "feed:comment/edited",
            "feed:comment/hide",
            "feed:comment/remove",
            "feed:status/add",
            "feed:photo/add",
            "feed:post/edited",
            "feed:post/remove",
            "feed:reaction/add",
            "feed:reaction/edit",
            "feed:reaction/remove",
            "feed:like/add",
        ],
    ),
    (
        "instagram",
        &[
            "event:message",
            "event:postback",
            "event:read",
            "event:reaction",
            "event:optin",
            "event:referral",
            "event:message_edit",
            "event:pass_thread_control",
            "list:standby",
            "attachment:image",
            "attachment:audio",
            "attachment:video",
            "attachment:share",
            "attachment:story_mention",
            "attachment:reel",
            "attachment:ig_reel",
            "attachment:like_heart",
            "attachment:template",
            "field:comments",
            "field:live_comments",
            "field:mentions",
            "field:story_insights",
            "field:messages",
        ],
    ),
];

#[test]
fn every_row_of_the_references_has_a_fixture() {
    for (name, wanted) in ROWS {
        let mut rows = BTreeSet::new();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/provider").join(name);
        for file in fs::read_dir(folder.join("fixtures")).unwrap() {
            let body = fs::read(file.unwrap().path()).unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            for entry in body["entry"].as_array().into_iter().flatten() {
                collect(entry, &mut rows);
            }
        }
        let missing: Vec<_> = wanted.iter().filter(|it| !rows.contains(**it)).collect();
        assert!(missing.is_empty(), "no fixture of {name} has {missing:#?}");
    }
}

fn collect(entry: &Value, rows: &mut BTreeSet<String>) {
    for list in ["messaging", "standby"] {
        for event in entry[list].as_array().into_iter().flatten() {
            rows.insert(format!("list:{list}"));
            let keys = event.as_object().into_iter().flatten();
            rows.extend(keys.map(|(key, _)| format!("event:{key}")));
            let attachments = event["message"]["attachments"].as_array().into_iter().flatten();
            rows.extend(
                attachments.map(|it| format!("attachment:{}", it["type"].as_str().unwrap())),
            );
        }
    }
    for change in entry["changes"].as_array().into_iter().flatten() {
        let (field, value) = (change["field"].as_str().unwrap_or_default(), &change["value"]);
        rows.insert(format!("field:{field}"));
        if let (Some(item), Some(verb)) = (value["item"].as_str(), value["verb"].as_str()) {
            rows.insert(format!("{field}:{item}/{verb}"));
        }
    }
}
