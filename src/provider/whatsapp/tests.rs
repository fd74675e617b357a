//! What only `WhatsApp` does: its challenge, and the rows of Meta's catalogue.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::*;

/// Every `field` that Meta's catalogue has, and those seen in dashboards.
const FIELDS: &[&str] = &[
    "messages",
    "calls",
    "smb_message_echoes",
    "smb_app_state_sync",
    "history",
    "standby",
    "messaging_handovers",
    "user_preferences",
    "account_update",
    "account_alerts",
    "account_review_update",
    "account_settings_update",
    "automatic_events",
    "business_capability_update",
    "business_username_updates",
    "flows",
    "group_lifecycle_update",
    "group_participants_update",
    "group_participant_update",
    "group_settings_update",
    "group_status_update",
    "message_template_status_update",
    "message_template_quality_update",
    "message_template_components_update",
    "template_category_update",
    "partner_solutions",
    "payment_configuration_update",
    "phone_number_name_update",
    "phone_number_quality_update",
    "security",
    "user_id_update",
    "message_echoes",
    "business_status_update",
    "template_correct_category_detection",
    "tracking_events",
    "consumer_profile",
];

/// Every type of message, with the type within it where it has one.
const MESSAGES: &[&str] = &[
    "text",
    "image",
    "audio",
    "voice",
    "video",
    "document",
    "sticker",
    "location",
    "contacts",
    "interactive",
    "interactive/button_reply",
    "interactive/list_reply",
    "interactive/nfm_reply",
    "interactive/call_permission_reply",
    "interactive/payment_method",
    "interactive/payment_notification",
    "button",
    "reaction",
    "order",
    "system/user_changed_number",
    "system/customer_changed_number",
    "system/user_changed_user_id",
    "system/customer_identity_changed",
    "system/user_preference_changed",
    "request_welcome",
    "edit",
    "revoke",
    "unsupported",
    "unknown",
    "ephemeral",
    "media_placeholder",
    "poll",
    "gif",
];

/// Every word of a status, of a message and of a call.
const STATUSES: &[&str] = &[
    "sent",
    "delivered",
    "read",
    "played",
    "failed",
    "deleted",
    "warning",
    "RINGING",
    "ACCEPTED",
    "REJECTED",
];

/// The events of the fields that have many.
const EVENTS: &[(&str, &[&str])] = &[
    (
        "account_update",
        &[
            "ACCOUNT_DELETED",
            "ACCOUNT_RESTRICTION",
            "ACCOUNT_VIOLATION",
            "DISABLED_UPDATE",
            "VERIFIED_ACCOUNT",
            "AD_ACCOUNT_LINKED",
            "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE",
            "BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE",
            "MM_LITE_TERMS_SIGNED",
            "PARTNER_ADDED",
            "PARTNER_REMOVED",
            "PARTNER_APP_INSTALLED",
            "PARTNER_APP_UNINSTALLED",
            "PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE",
            "VOLUME_BASED_PRICING_TIER_UPDATE",
            "ACCOUNT_OFFBOARDED",
            "ACCOUNT_RECONNECTED",
        ],
    ),
    (
        "flows",
        &[
            "FLOW_STATUS_CHANGE",
            "CLIENT_ERROR_RATE",
            "ENDPOINT_ERROR_RATE",
            "ENDPOINT_LATENCY",
            "ENDPOINT_AVAILABILITY",
            "FLOW_VERSION_EXPIRY_WARNING",
        ],
    ),
    (
        "message_template_status_update",
        &[
            "APPROVED",
            "REJECTED",
            "PENDING",
            "PAUSED",
            "DISABLED",
            "FLAGGED",
            "REINSTATED",
            "PENDING_DELETION",
            "LOCKED",
            "ARCHIVED",
        ],
    ),
    ("calls", &["call_created", "connect", "terminate"]),
];

/// Every row that the fixtures hold: `field:…`, `message:…`, `status:…`, `event:<field>:…`.
fn rows() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/provider/whatsapp/fixtures");
    let mut rows = BTreeSet::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let body = fs::read(&path).unwrap();
        if let Ok(body) = serde_json::from_slice::<Value>(&body) {
            for entry in body["entry"].as_array().into_iter().flatten() {
                for change in entry["changes"].as_array().into_iter().flatten() {
                    let field = change["field"].as_str().unwrap_or_default();
                    rows.insert(format!("field:{field}"));
                    collect(&change["value"], "", field, &mut rows);
                }
            }
        }
    }
    rows
}

fn collect(value: &Value, key: &str, field: &str, rows: &mut BTreeSet<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|it| collect(it, key, field, rows)),
        Value::Object(fields) => {
            let kind = value["type"].as_str().unwrap_or_default();
            if key == "messages" {
                let within = value[kind]["type"].as_str().map(|it| format!("/{it}"));
                rows.insert(format!("message:{kind}{}", within.unwrap_or_default()));
            }
            if let (true, Some(status)) = (key == "statuses", value["status"].as_str()) {
                rows.insert(format!("status:{status}"));
            }
            if let Some(event) = value["event"].as_str() {
                rows.insert(format!("event:{field}:{event}"));
            }
            fields.iter().for_each(|(key, it)| collect(it, key, field, rows));
        }
        _ => {}
    }
}

#[test]
fn every_row_of_the_catalogue_has_a_fixture() {
    let rows = rows();
    let wanted = FIELDS
        .iter()
        .map(|it| format!("field:{it}"))
        .chain(MESSAGES.iter().map(|it| format!("message:{it}")))
        .chain(STATUSES.iter().map(|it| format!("status:{it}")))
        .chain(EVENTS.iter().flat_map(|(field, events)| {
            events.iter().map(move |it| format!("event:{field}:{it}"))
        }));
    let missing: Vec<String> = wanted.filter(|it| !rows.contains(it)).collect();
    assert!(missing.is_empty(), "no fixture has {missing:#?}");
}

fn source(verify_token: &str) -> WhatsApp {
    let config = Config {
        app_secrets: vec![Secret::new("retired"), Secret::new(""), Secret::new("current")],
        verify_token: Secret::new(verify_token),
    };
    let setup = Setup { name: "whatsapp".into(), development_secret: None };
    WhatsApp::new(config, &setup).unwrap()
}

fn get(source: &WhatsApp, query: &str) -> Option<Result<Answer, Rejection>> {
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
        let tag = signature::sign_hmac_sha256_hex(&Secret::new(secret), b"{}");
        let request = signed(&format!("sha256={tag}"), b"{}");
        assert_eq!(source.verify(&request, Timestamp::UNIX_EPOCH), expected, "`{secret}`");
        let bare = source.verify(&signed(&tag, b"{}"), Timestamp::UNIX_EPOCH);
        assert_eq!(bare, Err(Rejection::BadSignature));
    }
}

#[test]
fn the_published_vector_verifies() {
    let config = Config { app_secrets: vec![Secret::new("secret")], ..Config::default() };
    let setup = Setup { name: "whatsapp".into(), development_secret: None };
    let source = WhatsApp::new(config, &setup).unwrap();
    let tag = "sha256=0329a06b62cd16b33eb6792be8c60b158d89a2ee3a876fce9a881ebb488c0914";
    assert_eq!(source.verify(&signed(tag, b"test"), Timestamp::UNIX_EPOCH), Ok(()));
}

#[test]
fn the_signature_covers_the_escapes_and_not_what_they_mean() {
    let source = source("token");
    let tag = signature::sign_hmac_sha256_hex(&Secret::new("current"), br#"{"a":"\u00e4\/"}"#);
    let tag = format!("sha256={tag}");
    let at = Timestamp::UNIX_EPOCH;
    assert_eq!(source.verify(&signed(&tag, br#"{"a":"\u00e4\/"}"#), at), Ok(()));
    let decoded = signed(&tag, "{\"a\":\"ä/\"}".as_bytes());
    assert_eq!(source.verify(&decoded, at), Err(Rejection::BadSignature));
}

#[test]
fn without_a_secret_there_must_be_a_development_secret() {
    let build = |development_secret: Option<Secret>| {
        let config = Config { app_secrets: vec![Secret::new("")], ..Config::default() };
        WhatsApp::new(config, &Setup { name: "whatsapp".into(), development_secret })
    };
    assert!(build(None).err().unwrap().contains("app_secrets"));
    let source = build(Some(Secret::new("random"))).unwrap();
    assert!(Provider::is_development(&source));
    let query = "hub.mode=subscribe&hub.challenge=1&hub.verify_token=random";
    assert!(get(&source, query).unwrap().is_ok());
}

fn first(field: &str, list: &str) -> Draft {
    let body = format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"{field}",
        "value":{{"metadata":{{"phone_number_id":"2"}},{list}}}}}]}}]}}"#
    );
    payload::drafts(body.as_bytes()).remove(0)
}

#[test]
fn a_live_message_and_its_import_are_one() {
    let message = r#"{"from":"16505551234","id":"wamid.1","timestamp":"1749416400","type":"text","text":{"body":"hi"}}"#;
    let live = first("messages", &format!(r#""messages":[{message}]"#));
    let thread = format!(r#"{{"id":"16505551234","messages":[{message}]}}"#);
    let import = first("history", &format!(r#""history":[{{"threads":[{thread}]}}]"#));
    assert_eq!(live.dedup_key, import.dedup_key);
    assert_eq!(live.facts, import.facts);
    assert!(import.historical && !live.historical);
}

#[test]
fn nesting_without_end_is_told_and_kept() {
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    for (list, reason) in [
        (
            format!(r#""messages":[{{"id":"wamid.1","type":"text","text":{deep}}}]"#),
            "a message that is not readable",
        ),
        (format!(r#""messages":{deep}"#), "a message that is not readable"),
        (format!(r#""contacts":{deep}"#), "nothing in it that this field has"),
    ] {
        let draft = first("messages", &list);
        assert_eq!(draft.kind.as_str(), "whatsapp.unmapped");
        assert_eq!(draft.facts.unmapped.unwrap().reason, reason);
    }
}

#[test]
fn what_is_odd_beside_a_message_does_not_cost_the_message() {
    let message = r#"{"from":"16505551234","id":"wamid.1","timestamp":"1749416400","type":"text","text":{"body":"hi"}}"#;
    for odd in ["null", "7", "-0.5", "true", r#""odd""#, "[]", "{}", "[[null]]", r#"[{"a":{}}]"#] {
        for key in ["contacts", "statuses", "errors", "message_echoes", "display_phone_number"] {
            let draft = first("messages", &format!(r#""messages":[{message}],"{key}":{odd}"#));
            assert_eq!(draft.dedup_key, "message:wamid.1", "{key}: {odd}");
            assert_eq!(draft.facts.channel.account, "2");
            assert_eq!(draft.facts.contact.unwrap().phone.as_deref(), Some("+16505551234"));
        }
        for beside in [
            r#""metadata":ODD,"messaging_product":ODD"#,
            r#""contacts":[{"wa_id":ODD,"profile":ODD},ODD]"#,
        ] {
            let value = format!(r#"{{"messages":[{message}],{}}}"#, beside.replace("ODD", odd));
            let body = format!(
                r#"{{"object":"whatsapp_business_account","entry":[{{"id":{odd},"time":{odd},"changes":[{{"field":"messages","value":{value}}}]}}]}}"#
            );
            let draft = payload::drafts(body.as_bytes()).remove(0);
            assert_eq!(draft.dedup_key, "message:wamid.1", "{beside}: {odd}");
        }
    }
}
