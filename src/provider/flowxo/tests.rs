//! What the fixtures do not show: answers, settings and samples.

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::*;

fn build(settings: Value) -> Result<FlowXo, String> {
    let setup = Setup {
        name: "flowxo".to_owned(),
        public_url: "https://gateway.example".to_owned(),
        store_key: Secret::new("store"),
        development_secret: None,
    };
    let config = serde_json::from_value(settings).map_err(|it| it.to_string())?;
    FlowXo::new(config, &setup)
}

fn request(body: &'static str) -> Request<Verified> {
    Request::polled(Bytes::from_static(body.as_bytes()))
}

fn answer(settings: Value, body: &'static str) -> Answer {
    let source = build(settings).unwrap();
    let request = request(body);
    source.answer(&request, &source.normalise(&request))
}

#[test]
fn a_bot_is_answered_with_the_id_of_what_it_said_and_again_with_the_same() {
    let bot = || json!({ "bot": { "id": "b1", "secret": "s" } });
    let said = answer(bot(), r#"{"message":"Hi!"}"#);
    assert_eq!(said.content_type, "application/json");
    let id = |it: &Answer| -> String {
        let body: Value = serde_json::from_str(&it.body).unwrap();
        body["message_id"].as_str().unwrap().to_owned()
    };
    assert_eq!(id(&said).len(), 32);
    assert_eq!(answer(bot(), r#"{"message":"Hi!"}"#), said);
    assert_ne!(id(&answer(bot(), r#"{"message":"Hello!"}"#)), id(&said));
    assert_eq!(id(&answer(bot(), r#"{"message_id":"m-1","message":"Hi!"}"#)), "m-1");
    for strange in ["nonsense", "[]", "7", r#"{"message_type":"action"}"#] {
        assert!(!id(&answer(bot(), strange)).is_empty(), "{strange}");
    }
    let request = request(r#"{"message":"Hi!"}"#);
    let drafts = build(bot()).unwrap().normalise(&request);
    assert_eq!(drafts[0].facts.message.as_ref().unwrap().id, id(&said));
}

#[test]
fn a_flow_is_answered_with_nothing() {
    assert_eq!(answer(json!({ "secrets": ["s"] }), "{}"), Answer::ok());
}

#[test]
fn settings_that_could_never_work_are_refused() {
    for (settings, reason) in [
        (json!({}), "at least one of `secrets`"),
        (json!({ "secrets": [""] }), "at least one of `secrets`"),
        (json!({ "verify": { "preset": "meta" }, "secrets": ["s"] }), "Flow XO signs nothing"),
        (json!({ "verify": { "preset": "none" } }), "Flow XO signs nothing"),
        (json!({ "verify": { "method": "none" } }), "Flow XO signs nothing"),
        (json!({ "verify": { "method": "signature" } }), "Flow XO signs nothing"),
        (json!({ "verify": {}, "api_key": "k" }), "at least one of `secrets`"),
        (json!({ "bot": { "secret": "s" } }), "`bot.id` is missing"),
        (json!({ "bot": { "id": "b1" } }), "at least one of `secrets`"),
        (json!({ "api_key": "k", "base_url": "flowxo.com" }), "no https:// URL"),
        (json!({ "secrets": ["s"], "map": { "text": "said" } }), "`said` is no JSON pointer"),
        (json!({ "secrets": ["s"], "map": { "kind": "order.created" } }), "unknown variant"),
        (json!({ "every": "often" }), "expected a duration"),
    ] {
        let error = build(settings.clone()).err().unwrap_or_default();
        assert!(error.contains(reason), "{settings}: {error}");
    }
}

#[test]
fn a_source_is_polled_called_or_both() {
    let source = |settings| build(settings).unwrap();
    for (settings, proof, is_polled) in [
        (json!({ "api_key": "k" }), Proof::Polled, true),
        (json!({ "api_key": "k", "secrets": ["s"] }), Proof::Sender, true),
        (json!({ "secrets": ["s"] }), Proof::Sender, false),
        (json!({ "bot": { "id": "b1", "secret": "s" } }), Proof::Sender, false),
    ] {
        let source = source(settings.clone());
        assert_eq!(source.verifier.proof(), proof, "{settings}");
        assert_eq!(Provider::poller(&source, Vec::new()).is_some(), is_polled, "{settings}");
    }
}

#[test]
fn a_bot_may_prove_itself_with_its_secret_or_by_the_url() {
    let source = build(json!({ "bot": { "id": "b1", "secret": "own" }, "secrets": ["word"] }));
    let source = source.unwrap();
    for (target, header, accepted) in [
        ("/hooks/flowxo/word", "", true),
        ("/hooks/flowxo", "Bearer own", true),
        ("/hooks/flowxo/word", "Bearer other", true),
        ("/hooks/flowxo", "Bearer word", false),
        ("/hooks/flowxo/own", "", false),
    ] {
        let headers = Headers::from_iter([("authorization", header)]);
        let request = Request::new("POST", target, headers, Bytes::new());
        let checked = source.verifier.verify(&request, Timestamp::UNIX_EPOCH);
        assert_eq!(checked.is_ok(), accepted, "{target} {header}");
    }
}

#[test]
fn the_text_and_the_contact_of_a_sample_can_be_chosen() {
    let fresh = |seed| Fresh {
        seed: Uuid::from_u128(seed),
        now: Timestamp::from_second(1_800_000_000).unwrap(),
        text: Some("refund!"),
        from: Some("+4915112345678"),
    };
    for sample in samples::SAMPLES {
        let told = |seed| {
            let body = samples::freshen(sample.body, &fresh(seed));
            let bot = sample.name.strip_prefix("bot_").map(|_| "b1");
            drafts(body.as_bytes(), false, bot, &map::Map::default()).remove(0)
        };
        let (first, second) = (told(1 << 70 | 1), told(2));
        assert_ne!(first.dedup_key, second.dedup_key, "{}", sample.name);
        assert_eq!(first.time.unwrap().as_second(), 1_800_000_000, "{}", sample.name);
        let text = first.facts.message.and_then(|it| it.text);
        if ["text", "bot_message", "bot_question"].contains(&sample.name) {
            assert_eq!(text.as_deref(), Some("refund!"), "{}", sample.name);
        }
        if sample.name == "text" {
            let contact = first.facts.contact.unwrap();
            assert_eq!(contact.phone.as_deref(), Some("+4915112345678"));
        }
    }
}
