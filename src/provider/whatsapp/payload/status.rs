//! `statuses[]`: what became of the messages we sent.

use serde_json::Value;
use serde_json::value::RawValue;

use super::setting::Setting;
use super::{account, calls};
use crate::event::facts::{Contact, Status};
use crate::event::{Draft, Kind};
use crate::lenient::{first, object, text, time};

/// Whom a status is about.
pub(super) struct Recipient {
    /// The contact: the recipient, or the group's member.
    pub(super) contact: Option<Contact>,
    /// The id of the recipient, which may be a group.
    pub(super) id: Option<String>,
    /// The member, in a group.
    pub(super) participant: Option<String>,
    /// The group.
    pub(super) group: Option<String>,
}

/// One status of a message, or of a call where its type says so.
pub(super) fn draft(setting: &Setting<'_>, raw: &RawValue) -> Draft {
    let value = match object(raw) {
        Ok(value) => value,
        Err(reason) => return setting.unmapped(format!("a status that is {reason}"), raw),
    };
    if value["type"] == "call" {
        return calls::status(setting, raw);
    }
    let (Some(message_id), Some(status)) = (text(&value["id"]), text(&value["status"])) else {
        return setting.unmapped("a status without an id or a word", raw);
    };
    let recipient = recipient(setting, &value);
    let about = recipient.participant.as_ref().or(recipient.id.as_ref());
    let about = about.map_or("", String::as_str);
    let key = format!("status:{message_id}:{status}:{about}");
    let mut draft = setting.draft(Kind::MESSAGE_STATUS, key, raw);
    draft.time = time(&value["timestamp"]).or(draft.time);
    setting.place(&mut draft, recipient.contact, recipient.group);
    draft.facts.status = Some(Status {
        message_id,
        status,
        recipient: recipient.id,
        participant: recipient.participant,
        callback_data: text(&value["biz_opaque_callback_data"]),
        pricing: Some(&value["pricing"]).filter(|it| it.is_object()).cloned(),
        errors: account::failures(&value["errors"]),
        ..Status::default()
    });
    draft
}

/// Whom the status of a message or a call is about.
pub(super) fn recipient(setting: &Setting<'_>, value: &Value) -> Recipient {
    let id = text(&value["recipient_id"]);
    let user_id = text(&value["recipient_user_id"]);
    if value["recipient_type"] == "group" {
        let participant = text(&value["recipient_participant_id"]);
        let participant_user = text(&value["recipient_participant_user_id"]);
        return Recipient {
            participant: participant.clone().or_else(|| participant_user.clone()),
            contact: setting.contact(participant, participant_user),
            group: id.clone().or_else(|| first(value, &["group_id"])),
            id,
        };
    }
    Recipient {
        id: id.clone().or_else(|| user_id.clone()),
        contact: setting.contact(id, user_id),
        participant: None,
        group: None,
    }
}
