//! What only `WhatsApp` does: the rows of Meta's catalogue.

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

fn first(field: &str, list: &str) -> Draft {
    let body = format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"{field}",
        "value":{{"metadata":{{"phone_number_id":"2"}},{list}}}}}]}}]}}"#
    );
    meta::drafts(Product::WhatsApp, body.as_bytes()).remove(0)
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
            let draft = meta::drafts(Product::WhatsApp, body.as_bytes()).remove(0);
            assert_eq!(draft.dedup_key, "message:wamid.1", "{beside}: {odd}");
        }
    }
}
