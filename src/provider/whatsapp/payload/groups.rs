//! `groups[]`: groups that we created, their members and settings.

use serde_json::Value;
use serde_json::value::RawValue;

use super::account;
use super::setting::Setting;
use crate::event::facts::Group;
use crate::event::{Draft, Kind};
use crate::lenient::{first, list, object, text, time};

/// The kind of a field about groups.
pub(super) fn kind(field: &str) -> Option<Kind> {
    Some(match field {
        "group_lifecycle_update" => Kind::GROUP_LIFECYCLE,
        // Meta's own description has it in the singular, its example in the plural.
        "group_participants_update" | "group_participant_update" => Kind::GROUP_PARTICIPANTS,
        "group_settings_update" => Kind::GROUP_SETTINGS,
        "group_status_update" => Kind::GROUP_STATUS,
        _ => return None,
    })
}

/// One change of a group.
pub(super) fn draft(setting: &Setting<'_>, kind: Kind, raw: &RawValue) -> Draft {
    let value = match object(raw) {
        Ok(value) => value,
        Err(reason) => return setting.unmapped(format!("a group that is {reason}"), raw),
    };
    let Some(id) = text(&value["group_id"]) else {
        return setting.unmapped("a group without an id", raw);
    };
    let key = setting.fragment_key(setting.field, text(&value["timestamp"]).as_deref(), raw);
    let mut draft = setting.draft(kind, key, raw);
    draft.time = time(&value["timestamp"]).or(draft.time);
    setting.place(&mut draft, None, Some(id.clone()));
    draft.facts.group = Some(Group {
        id,
        event: text(&value["type"]).unwrap_or_default(),
        request_id: text(&value["request_id"]),
        subject: wording(&value, "subject", "group_subject"),
        description: wording(&value, "description", "group_description"),
        added: members(&value["added_participants"]),
        removed: members(&value["removed_participants"]),
        errors: account::failures(&value["errors"]),
    });
    draft
}

/// A setting that stands flat when a group is made, and in an object when it is changed.
fn wording(value: &Value, flat: &str, nested: &str) -> Option<String> {
    text(&value[flat]).or_else(|| text(&value[nested])).or_else(|| text(&value[nested]["text"]))
}

fn members(value: &Value) -> Vec<String> {
    let member = |it: &Value| text(it).or_else(|| first(it, &["wa_id", "user_id", "input"]));
    list(value).iter().filter_map(member).collect()
}
