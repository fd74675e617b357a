//! What a webhook source asks of its settings, and how it answers a platform's questions.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::config::Secret;
use crate::provider::{Fresh, Headers, PRESETS, Rejection, Request, Setup, Source, find};

fn build(settings: Value, development: bool) -> Result<Box<dyn Source>, String> {
    let setup = Setup {
        name: "shop".into(),
        public_url: "https://gateway.example".into(),
        store_key: Secret::new("store"),
        development_secret: development.then(|| Secret::new("development")),
    };
    (find("webhook").unwrap().build)(settings, &setup)
}

fn source(settings: Value) -> Box<dyn Source> {
    build(settings, false).unwrap()
}

fn request(method: &str, query: &str, body: &'static str) -> Request {
    let target = format!("/hooks/shop?{query}");
    Request::new(method, &target, Headers::default(), Bytes::from(body))
}

#[test]
fn settings_that_could_never_work_are_refused_with_what_to_do() {
    for (settings, reason) in [
        (json!({}), "needs at least one of `secrets`"),
        (json!({"verify": {"preset": "strip"}, "secrets": ["s"]}), "`verify.preset` is `strip`"),
        (json!({"secrets": ["s"], "handshake": "hub"}), "`verify_token` is missing"),
        (json!({"secrets": ["s"], "verify_token": "t"}), "`verify_token` belongs to"),
        (json!({"verify": {"preset": "none"}, "handshake": "crc"}), "at least one of `secrets`"),
        (json!({"secrets": ["s"], "map": {"kind": "Order"}}), "`Order` is no kind"),
        (
            json!({"verify": {"preset": "bearer"}, "secrets": ["s"],
                   "map": {"fields": {"a": "header:Authorization"}}}),
            "`authorization`, which holds the secret",
        ),
    ] {
        let error = build(settings.clone(), false).err().unwrap_or_default();
        assert!(error.contains(reason), "{settings}: {error}");
    }
    // Nobody gets an open door by leaving something out.
    assert!(build(json!({}), true).unwrap().verifier().is_development());
}

#[test]
fn a_preset_proves_what_the_reference_page_says() {
    for preset in PRESETS {
        let secret = match preset.name {
            "basic" => "user:password",
            "standard_webhooks" | "svix" => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "discord" => "e7a1c3d5e7a1c3d5e7a1c3d5e7a1c3d5e7a1c3d5e7a1c3d5e7a1c3d5e7a1c3d5",
            _ => "secret",
        };
        let verify = match preset.name {
            "tiktok_shop" => json!({"preset": preset.name, "app_key": "app"}),
            name => json!({ "preset": name }),
        };
        let source = source(json!({ "verify": verify, "secrets": [secret] }));
        assert_eq!(source.verifier().proof(), preset.proof(), "{}", preset.name);
        let header = preset.header().map(|it| it.split(':').next().unwrap().to_ascii_lowercase());
        let reads = source.verifier().headers();
        assert!(header.is_none_or(|it| reads.iter().any(|own| **own == *it)), "{}", preset.name);
    }
}

#[test]
fn each_platform_is_answered_in_its_own_way() {
    let set = |handshake: &str| json!({"secrets": ["retired", "secret"], "handshake": handshake});
    let get = |settings: Value, query: &str| {
        let answer = source(settings).handshake(&request("GET", query, ""));
        answer.map(|it| it.map(|it| it.body))
    };
    assert_eq!(get(json!({"secrets": ["s"]}), "challenge=1"), None);
    assert_eq!(get(set("echo"), "challenge=1"), Some(Ok("1".into())));
    assert_eq!(get(set("crc"), "x=1"), Some(Err(Rejection::BadHandshake)));
    let crc = get(set("crc"), "crc_token=foo").unwrap().unwrap();
    assert!(crc.contains("dzukRpPHVT1u4g9h6l0nV6mk9KRNKEGuTpW1LkzWLbQ="), "the current secret");
    let hub = json!({"secrets": ["s"], "handshake": "hub", "verify_token": "t"});
    let asked = "hub.mode=subscribe&hub.challenge=7&hub.verify_token=";
    assert_eq!(get(hub.clone(), &format!("{asked}t")), Some(Ok("7".into())));
    assert_eq!(get(hub, &format!("{asked}s")), Some(Err(Rejection::BadHandshake)));

    let post = |handshake: &str, body: &'static str| {
        let mut settings = set(handshake);
        settings["verify"] = json!({"preset": "none"});
        let source = source(settings);
        let request = source.verify(request("POST", "", body), Timestamp::UNIX_EPOCH).unwrap();
        source.challenge(&request).map(|it| it.body)
    };
    let slack = r#"{"type":"url_verification","challenge":"c"}"#;
    let zoom = r#"{"event":"endpoint.url_validation","payload":{"plainToken":"p"}}"#;
    assert_eq!(post("slack", slack), Some("c".into()));
    assert_eq!(post("echo", slack), Some(r#"{"challenge":"c"}"#.into()));
    assert_eq!(post("pong", r#"{"type":1}"#), Some(r#"{"type":1}"#.into()));
    assert!(post("zoom", zoom).unwrap().contains("encryptedToken"));
    for other in ["none", "crc", "pong"] {
        assert_eq!(post(other, slack), None, "{other}");
    }
}

#[test]
fn a_sample_fits_what_the_operator_mapped() {
    for settings in [
        json!({"kind": "order.created", "key": "/order/id", "text": "Order: {/order/note}",
               "contact": {"phone": "/order/phone"}}),
        json!({"kind": "shop.{/topic}", "items": "/orders", "key": "{body:/shop}-{/id}",
               "text": "/note", "contact": {"phone": "/phone"}}),
    ] {
        let source = source(json!({"secrets": ["s"], "map": settings}));
        let sample = &find("webhook").unwrap().samples[0];
        let drafts = |seed: u128| {
            let fresh = Fresh {
                seed: Uuid::from_u128(seed),
                now: Timestamp::UNIX_EPOCH,
                text: Some("refund!"),
                from: Some("+4915112345678"),
            };
            let request = source.compose(sample, &fresh).unwrap();
            source.normalise(&source.verify(request, fresh.now).unwrap())
        };
        let draft = &drafts(1)[0];
        assert_ne!(draft.dedup_key, drafts(2)[0].dedup_key, "each is new");
        assert!(["order.created", "shop.sample"].contains(&draft.kind.as_str()), "{}", draft.kind);
        let facts = &draft.facts;
        assert!(facts.message.as_ref().unwrap().text.as_ref().unwrap().ends_with("refund!"));
        assert_eq!(facts.contact.as_ref().unwrap().phone.as_deref(), Some("+4915112345678"));
    }
}

#[test]
fn a_list_at_the_root_is_one_event_until_it_is_mapped() {
    let drafts = |map: Value, body: &'static str| {
        let source = source(json!({"verify": {"preset": "none"}, "map": map}));
        let request = request("POST", "", body);
        source.normalise(&source.verify(request, Timestamp::UNIX_EPOCH).unwrap())
    };
    let body = r#"{"events":[{"id":1},{"id":1},{"id":2}]}"#;
    assert_eq!(drafts(json!({}), r#"[{"id":1},{"id":2}]"#).len(), 1);
    let mapped = drafts(json!({"items": "/events", "key": "/id"}), body);
    assert_eq!(mapped.len(), 3);
    assert_eq!(mapped[0].dedup_key, mapped[1].dedup_key);
    assert_ne!(mapped[0].dedup_key, mapped[2].dedup_key);
    assert_eq!(&body[mapped[2].raw.clone()], r#"{"id":2}"#);
}
