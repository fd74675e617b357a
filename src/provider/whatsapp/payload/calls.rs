//! `calls[]`, and the statuses of calls.

use serde_json::value::RawValue;

use super::account;
use super::setting::Setting;
use super::status::recipient;
use crate::event::facts::Call;
use crate::event::{Draft, Kind};
use crate::lenient::{integer, object, text, time};

/// One event of a call.
pub(super) fn draft(setting: &Setting<'_>, raw: &RawValue) -> Draft {
    let value = match object(raw) {
        Ok(value) => value,
        Err(reason) => return setting.unmapped(format!("a call that is {reason}"), raw),
    };
    let (Some(id), Some(event)) = (text(&value["id"]), text(&value["event"])) else {
        return setting.unmapped("a call without an id or an event", raw);
    };
    let kind = match &*event {
        "call_created" => Kind::CALL_CREATED,
        "connect" => Kind::CALL_CONNECTED,
        "terminate" => Kind::CALL_ENDED,
        _ => return setting.unmapped(format!("a call's event `{event}`"), raw),
    };
    let status = text(&value["status"]);
    let suffix = status.as_ref().map(|it| format!(":{it}")).unwrap_or_default();
    let mut draft = setting.draft(kind, format!("call:{id}:{event}{suffix}"), raw);
    draft.time = time(&value["timestamp"]).or(draft.time);

    let direction = text(&value["direction"]);
    let from = text(&value["from"]);
    let ours =
        direction.as_deref() == Some("BUSINESS_INITIATED") || setting.is_ours(from.as_deref());
    let contact = if ours {
        setting.contact(text(&value["to"]), text(&value["to_user_id"]))
    } else {
        setting.contact(from, text(&value["from_user_id"]))
    };
    setting.place(&mut draft, contact, None);
    draft.facts.call = Some(Call {
        id,
        event,
        direction,
        status,
        duration: integer(&value["duration"]).and_then(|it| it.try_into().ok()),
        callback_data: text(&value["biz_opaque_callback_data"]),
        errors: account::failures(&value["errors"]),
    });
    draft
}

/// One status of a call that we placed.
pub(super) fn status(setting: &Setting<'_>, raw: &RawValue) -> Draft {
    let value = match object(raw) {
        Ok(value) => value,
        Err(reason) => return setting.unmapped(format!("a status that is {reason}"), raw),
    };
    let (Some(id), Some(event)) = (text(&value["id"]), text(&value["status"])) else {
        return setting.unmapped("a call's status without an id or a word", raw);
    };
    let mut draft = setting.draft(Kind::CALL_STATUS, format!("call:{id}:{event}"), raw);
    draft.time = time(&value["timestamp"]).or(draft.time);
    let recipient = recipient(setting, &value);
    setting.place(&mut draft, recipient.contact, recipient.group);
    draft.facts.call = Some(Call {
        id,
        status: Some(event.clone()),
        event,
        callback_data: text(&value["biz_opaque_callback_data"]),
        errors: account::failures(&value["errors"]),
        ..Call::default()
    });
    draft
}
