//! What concerns the business account, its numbers, templates and forms.

use serde_json::Value;
use serde_json::value::RawValue;

use super::setting::Setting;
use crate::event::facts::{Failure, Notice, Template};
use crate::event::{Draft, Kind};
use crate::lenient::{integer, list, object, text, time};

/// Where a field's notice keeps what; the first pointer that leads to something wins.
struct Shape {
    field: &'static str,
    kind: Kind,
    event: &'static [&'static str],
    value: &'static [&'static str],
    reason: &'static [&'static str],
    subject: &'static [&'static str],
}

const NOTICES: &[Shape] = &[
    Shape {
        field: "account_update",
        kind: Kind::ACCOUNT_UPDATED,
        event: &["/event"],
        value: &[
            "/ban_info/waba_ban_state",
            "/ban_info/waba_ban_state/0",
            "/restriction_info/0/restriction_type",
            "/auth_international_rate_eligibility/exception_countries/0/country_code",
            "/partner_client_certification_info/status",
            "/volume_tier_info/tier",
            "/country",
        ],
        reason: &[
            "/violation_info/violation_type",
            "/disconnection_info/reason",
            "/rejection_reason",
        ],
        subject: &[
            "/waba_info/ad_account_linked",
            "/waba_info/partner_app_id",
            "/partner_client_certification_info/client_business_id",
            "/waba_info/waba_id",
            "/phone_number",
        ],
    },
    Shape {
        field: "business_status_update",
        kind: Kind::ACCOUNT_UPDATED,
        event: &["/event"],
        value: &["/status", "/decision"],
        reason: &["/reason"],
        subject: &["/business_id"],
    },
    Shape {
        field: "account_alerts",
        kind: Kind::ACCOUNT_ALERT,
        event: &["/alert_type", "/alert_info/alert_type"],
        value: &[
            "/alert_status",
            "/alert_info/alert_status",
            "/alert_severity",
            "/alert_info/alert_severity",
        ],
        reason: &["/alert_description", "/alert_info/alert_description"],
        subject: &["/entity_id", "/alert_info/entity_id"],
    },
    Shape {
        field: "account_review_update",
        kind: Kind::ACCOUNT_REVIEW,
        event: &[],
        value: &["/decision"],
        reason: &["/rejection_reason"],
        subject: &[],
    },
    Shape {
        field: "account_settings_update",
        kind: Kind::ACCOUNT_SETTINGS,
        event: &["/type"],
        value: &["/phone_number_settings/calling/status"],
        reason: &[],
        subject: &["/phone_number_settings/phone_number_id"],
    },
    Shape {
        field: "business_capability_update",
        kind: Kind::ACCOUNT_CAPABILITY,
        event: &[],
        value: &["/max_daily_conversations_per_business", "/max_daily_conversation_per_phone"],
        reason: &[],
        subject: &[],
    },
    Shape {
        field: "business_username_updates",
        kind: Kind::ACCOUNT_USERNAME,
        event: &["/status"],
        value: &["/username"],
        reason: &[],
        subject: &["/display_phone_number"],
    },
    Shape {
        field: "partner_solutions",
        kind: Kind::ACCOUNT_SOLUTION,
        event: &["/event"],
        value: &["/solution_status"],
        reason: &[],
        subject: &["/solution_id"],
    },
    Shape {
        field: "payment_configuration_update",
        kind: Kind::ACCOUNT_PAYMENT,
        event: &[],
        value: &["/status"],
        reason: &[],
        subject: &["/configuration_name"],
    },
    Shape {
        field: "phone_number_name_update",
        kind: Kind::NUMBER_NAME,
        event: &["/decision"],
        value: &["/requested_verified_name"],
        reason: &["/rejection_reason"],
        subject: &["/display_phone_number"],
    },
    Shape {
        field: "phone_number_quality_update",
        kind: Kind::NUMBER_QUALITY,
        event: &["/event"],
        value: &["/max_daily_conversations_per_business", "/current_limit"],
        reason: &[],
        subject: &["/display_phone_number"],
    },
    Shape {
        field: "security",
        kind: Kind::SECURITY_CHANGED,
        event: &["/event"],
        value: &["/requester"],
        reason: &[],
        subject: &["/display_phone_number"],
    },
    Shape {
        field: "flows",
        kind: Kind::FLOW_HEALTH,
        event: &["/event"],
        value: &["/new_status", "/alert_state"],
        reason: &["/message", "/warning"],
        subject: &["/flow_id"],
    },
];

/// A change whose value is one notice, or one word about a template.
///
/// # Errors
/// Why it is neither.
pub(super) fn change(setting: &Setting<'_>, raw: &RawValue) -> Result<Draft, &'static str> {
    let field = setting.field;
    let template = template_kind(field);
    let shape = NOTICES.iter().find(|it| it.field == field);
    if template.is_none() && shape.is_none() {
        return Err("a field that nobody knows");
    }
    let value = object(raw)?;
    let key = setting.fragment_key(field, None, raw);
    if let Some(kind) = template {
        let mut draft = setting.draft(kind, key, raw);
        draft.facts.template = Some(self::template(field, &value));
        return Ok(draft);
    }
    let shape = shape.ok_or("a field that nobody knows")?;
    let mut draft = setting.draft(shape.kind.clone(), key, raw);
    let read = |pointers: &[&str]| {
        pointers.iter().find_map(|it| text(value.pointer(it)?).filter(is_something))
    };
    draft.time = draft.time.or_else(|| time(&value["timestamp"]));
    draft.facts.notice = Some(Notice {
        field: field.to_owned(),
        event: read(shape.event),
        value: read(shape.value),
        reason: read(shape.reason),
        subject: read(shape.subject),
    });
    Ok(draft)
}

fn template_kind(field: &str) -> Option<Kind> {
    Some(match field {
        "message_template_status_update" => Kind::TEMPLATE_STATUS,
        "message_template_quality_update" => Kind::TEMPLATE_QUALITY,
        "message_template_components_update" => Kind::TEMPLATE_COMPONENTS,
        "template_category_update" | "template_correct_category_detection" => {
            Kind::TEMPLATE_CATEGORY
        }
        _ => return None,
    })
}

fn template(field: &str, value: &Value) -> Template {
    let read = |key: &str| text(&value[key]);
    let (now, previous) = match field {
        "message_template_status_update" => (read("event"), None),
        "message_template_quality_update" => {
            (read("new_quality_score"), read("previous_quality_score"))
        }
        "message_template_components_update" => (None, None),
        // An announcement: the category it will have, beside the one it has.
        _ if !value["correct_category"].is_null() => {
            (read("correct_category"), read("new_category").or_else(|| read("previous_category")))
        }
        _ => (read("new_category"), read("previous_category")),
    };
    let reason = read("reason")
        .filter(is_something)
        .or_else(|| text(&value["rejection_info"]["reason"]))
        .or_else(|| text(&value["other_info"]["description"]));
    Template {
        id: read("message_template_id"),
        name: read("message_template_name"),
        language: read("message_template_language"),
        value: now,
        previous,
        reason,
    }
}

/// Meta writes `NONE` where there is no reason, or nothing to say.
fn is_something(word: &String) -> bool {
    word != "NONE"
}

/// The errors in a list.
pub(super) fn failures(errors: &Value) -> Vec<Failure> {
    list(errors).iter().map(failure).collect()
}

/// One of `automatic_events[]`: what Meta believes it saw in a conversation.
pub(super) fn conversion(setting: &Setting<'_>, raw: &RawValue) -> Draft {
    let value = match object(raw) {
        Ok(value) => value,
        Err(reason) => return setting.unmapped(format!("an event that is {reason}"), raw),
    };
    let key = setting.fragment_key(setting.field, text(&value["timestamp"]).as_deref(), raw);
    let mut draft = setting.draft(Kind::ACCOUNT_CONVERSION, key, raw);
    draft.time = time(&value["timestamp"]).or(draft.time);
    let contact = setting.contact(text(&value["wa_id"]), text(&value["user_id"]));
    setting.place(&mut draft, contact, None);
    let data = &value["custom_data"];
    let amount: Vec<String> =
        [&data["value"], &data["currency"]].into_iter().filter_map(text).collect();
    draft.facts.notice = Some(Notice {
        field: setting.field.to_owned(),
        event: text(&value["event_name"]),
        value: Some(amount.join(" ")).filter(|it| !it.is_empty()),
        subject: text(&value["id"]),
        ..Notice::default()
    });
    draft
}

/// One of `errors[]` of a value: an error that belongs to no message.
pub(super) fn error(setting: &Setting<'_>, raw: &RawValue) -> Draft {
    let value = match object(raw) {
        Ok(value) => value,
        Err(reason) => return setting.unmapped(format!("an error that is {reason}"), raw),
    };
    let failure = failure(&value);
    let key = setting.fragment_key("errors", None, raw);
    let mut draft = setting.draft(Kind::ACCOUNT_ERROR, key, raw);
    draft.facts.notice = Some(Notice {
        field: setting.field.to_owned(),
        event: Some("error".to_owned()),
        value: Some(failure.code.to_string()),
        reason: failure.details.or(failure.title),
        ..Notice::default()
    });
    draft
}

/// An error object, wherever it stands.
pub(super) fn failure(value: &Value) -> Failure {
    let title = text(&value["title"]);
    let details = text(&value["error_data"]["details"])
        .or_else(|| text(&value["details"]))
        .or_else(|| text(&value["message"]).filter(|it| title.as_ref() != Some(it)));
    Failure { code: integer(&value["code"]).unwrap_or_default(), title, details }
}
