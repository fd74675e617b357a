//! What concerns a contact rather than one message: identity, wishes, and who talks to them.

use serde_json::Value;
use serde_json::value::RawValue;

use super::setting::{Setting, digits};
use crate::event::facts::{Contact, Handover, Identity, Notice, Preference};
use crate::event::{Draft, Kind};
use crate::lenient::{first, object, text, time};

/// A contact before and after a change of its identifiers.
struct Renamed {
    old_id: Option<String>,
    old_user: Option<String>,
    new_id: Option<String>,
    new_user: Option<String>,
}

/// A message that nobody wrote: a contact changed its number, its user id, its keys or its wishes.
pub(super) fn system(setting: &Setting<'_>, value: &Value, id: &str, raw: &RawValue) -> Draft {
    let system = &value["system"];
    let event = text(&system["type"]).unwrap_or_else(|| "system".to_owned());
    let key = format!("message:{id}");
    let from = text(&value["from"]);
    let from_user = text(&value["from_user_id"]);

    if event == "user_preference_changed" {
        let mut draft = setting.draft(Kind::PREFERENCE_CHANGED, key, raw);
        draft.time = time(&value["timestamp"]).or(draft.time);
        setting.place(&mut draft, setting.contact(from, from_user), None);
        draft.facts.preference = Some(Preference {
            category: "marketing_messages".to_owned(),
            value: text(&system["marketing"]).unwrap_or_default(),
            text: text(&system["body"]),
        });
        return draft;
    }

    let renamed = Renamed {
        old_id: from.or_else(|| text(&system["customer"])),
        old_user: text(&system["previous_user_id"]).or(from_user),
        new_id: first(system, &["wa_id", "new_wa_id"]),
        new_user: text(&system["user_id"]),
    };
    let mut draft = setting.draft(Kind::CONTACT_IDENTITY_CHANGED, key, raw);
    draft.time = time(&value["timestamp"]).or(draft.time);
    let identity = Identity {
        event,
        text: text(&system["body"]),
        hash: text(&value["identity"]["hash"]).or_else(|| text(&system["identity"])),
        ..Identity::default()
    };
    renamed.place(setting, &mut draft, identity);
    draft
}

/// One of `user_id_update[]`.
pub(super) fn renamed(setting: &Setting<'_>, raw: &RawValue) -> Draft {
    let value = match object(raw) {
        Ok(value) => value,
        Err(reason) => return setting.unmapped(format!("an update that is {reason}"), raw),
    };
    let user = &value["user_id"];
    let renamed = Renamed {
        old_id: text(&value["wa_id"]),
        old_user: first(user, &["previous", "old"]).or_else(|| text(&value["previous_user_id"])),
        new_id: None,
        new_user: first(user, &["current", "new"]).or_else(|| text(user)),
    };
    if renamed.old_user.is_none() && renamed.new_user.is_none() {
        return setting.unmapped("an update without user ids", raw);
    }
    let key = setting.fragment_key(setting.field, text(&value["timestamp"]).as_deref(), raw);
    let mut draft = setting.draft(Kind::CONTACT_IDENTITY_CHANGED, key, raw);
    draft.time = time(&value["timestamp"]).or(draft.time);
    let identity = Identity {
        event: setting.field.to_owned(),
        text: text(&value["detail"]),
        ..Identity::default()
    };
    renamed.place(setting, &mut draft, identity);
    draft
}

impl Renamed {
    /// Ties old and new together: the old identifiers first, so that their conversation goes on.
    fn place(self, setting: &Setting<'_>, draft: &mut Draft, mut identity: Identity) {
        let Self { old_id, old_user, new_id, new_user } = self;
        (identity.previous, identity.current) = if new_id.is_some() {
            (old_id.clone().or_else(|| old_user.clone()), new_id.clone())
        } else {
            (new_user.as_ref().and(old_user.clone()), new_user.clone())
        };
        let old = setting.contact(old_id.clone(), old_user.clone());
        let new = setting.contact(new_id.or(old_id), new_user.or(old_user));
        for candidate in old.iter().chain(&new).flat_map(|it| setting.candidates(it)) {
            if !draft.candidates.contains(&candidate) {
                draft.candidates.push(candidate);
            }
        }
        draft.facts.contact = new;
        draft.facts.identity = Some(identity);
    }
}

/// One of `user_preferences[]`.
pub(super) fn preference(setting: &Setting<'_>, raw: &RawValue) -> Draft {
    let value = match object(raw) {
        Ok(value) => value,
        Err(reason) => return setting.unmapped(format!("a preference that is {reason}"), raw),
    };
    let (Some(category), Some(wish)) = (text(&value["category"]), text(&value["value"])) else {
        return setting.unmapped("a preference without category or value", raw);
    };
    let key = setting.fragment_key(setting.field, text(&value["timestamp"]).as_deref(), raw);
    let mut draft = setting.draft(Kind::PREFERENCE_CHANGED, key, raw);
    draft.time = time(&value["timestamp"]).or(draft.time);
    let contact = setting.contact(text(&value["wa_id"]), text(&value["user_id"]));
    setting.place(&mut draft, contact, None);
    draft.facts.preference =
        Some(Preference { category, value: wish, text: text(&value["detail"]) });
    draft
}

/// One of `state_sync[]`: the address book of the business app.
pub(super) fn book(setting: &Setting<'_>, raw: &RawValue) -> Draft {
    let value = match object(raw) {
        Ok(value) => value,
        Err(reason) => return setting.unmapped(format!("an entry that is {reason}"), raw),
    };
    let card = &value["contact"];
    let id = text(&card["phone_number"]).and_then(|it| digits(&it));
    let user_id = text(&card["user_id"]);
    let Some(contact) = setting.contact(id, user_id) else {
        return setting.unmapped("an entry without a contact", raw);
    };
    let at = &value["metadata"]["timestamp"];
    let key = setting.fragment_key(setting.field, text(at).as_deref(), raw);
    let mut draft = setting.draft(Kind::CONTACT_UPDATED, key, raw);
    draft.time = time(at).or(draft.time);
    let name = first(card, &["full_name", "first_name"]).or(contact.name.clone());
    setting.place(&mut draft, Some(Contact { name, ..contact }), None);
    draft.facts.notice = Some(Notice {
        field: setting.field.to_owned(),
        event: text(&value["action"]),
        subject: text(&value["type"]),
        ..Notice::default()
    });
    draft
}

/// One change of who holds a conversation. Its shape is not documented: several words are tried.
pub(super) fn handover(setting: &Setting<'_>, raw: &RawValue) -> Draft {
    let value = match object(raw) {
        Ok(value) => value,
        Err(reason) => return setting.unmapped(format!("a handover that is {reason}"), raw),
    };
    let event = first(&value, &["event", "type", "action", "status"]);
    let previous = first(&value, &["previous_owner", "from_owner", "previous_controller"]);
    let current = first(&value, &["new_owner", "to_owner", "owner", "controller"]);
    if event.is_none() && current.is_none() {
        return setting.unmapped("a handover without an event or an owner", raw);
    }
    let key = setting.fragment_key(setting.field, text(&value["timestamp"]).as_deref(), raw);
    let mut draft = setting.draft(Kind::HANDOVER_CHANGED, key, raw);
    draft.time = time(&value["timestamp"]).or(draft.time);
    let id = first(&value, &["wa_id", "recipient_id", "from"]);
    let user_id = first(&value, &["user_id", "recipient_user_id", "from_user_id"]);
    setting.place(&mut draft, setting.contact(id, user_id), text(&value["group_id"]));
    draft.facts.handover = Some(Handover { event: event.unwrap_or_default(), previous, current });
    draft
}

/// Whose conversation a thread of the import is.
pub(super) fn of_thread(thread: &Value) -> (Option<String>, Option<String>) {
    (first(thread, &["wa_id", "id"]), text(&thread["user_id"]))
}
