//! Meta's payload, decoded leniently: every element on its own, whatever stands beside it.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::event::{Draft, Kind};

mod setting;
mod message;
mod status;
mod calls;
mod history;
mod contact;
mod groups;
mod account;

use crate::lenient::{Text, each};
use message::Writer;
use setting::Setting;

/// What a `WhatsApp` source can say.
pub(super) const KINDS: &[Kind] = &[
    Kind::MESSAGE_RECEIVED,
    Kind::MESSAGE_SENT,
    Kind::MESSAGE_STATUS,
    Kind::MESSAGE_REACTION,
    Kind::MESSAGE_EDITED,
    Kind::MESSAGE_DELETED,
    Kind::POSTBACK_RECEIVED,
    Kind::FLOW_COMPLETED,
    Kind::FLOW_HEALTH,
    Kind::ORDER_RECEIVED,
    Kind::CALL_CREATED,
    Kind::CALL_CONNECTED,
    Kind::CALL_ENDED,
    Kind::CALL_STATUS,
    Kind::CALL_PERMISSION,
    Kind::CONTACT_UPDATED,
    Kind::CONTACT_IDENTITY_CHANGED,
    Kind::PREFERENCE_CHANGED,
    Kind::TEMPLATE_STATUS,
    Kind::TEMPLATE_QUALITY,
    Kind::TEMPLATE_COMPONENTS,
    Kind::TEMPLATE_CATEGORY,
    Kind::ACCOUNT_UPDATED,
    Kind::ACCOUNT_ALERT,
    Kind::ACCOUNT_REVIEW,
    Kind::ACCOUNT_SETTINGS,
    Kind::ACCOUNT_CAPABILITY,
    Kind::ACCOUNT_USERNAME,
    Kind::ACCOUNT_SOLUTION,
    Kind::ACCOUNT_PAYMENT,
    Kind::ACCOUNT_CONVERSION,
    Kind::ACCOUNT_HISTORY,
    Kind::ACCOUNT_ERROR,
    Kind::NUMBER_NAME,
    Kind::NUMBER_QUALITY,
    Kind::SECURITY_CHANGED,
    Kind::GROUP_LIFECYCLE,
    Kind::GROUP_PARTICIPANTS,
    Kind::GROUP_SETTINGS,
    Kind::GROUP_STATUS,
    Kind::HANDOVER_CHANGED,
    UNMAPPED,
];

/// A payload with no kind of its own.
const UNMAPPED: Kind = Kind::named("whatsapp.unmapped");

/// The `object` of every payload of this product; other Meta products use other words.
const OBJECT: &str = "whatsapp_business_account";

#[derive(Deserialize)]
struct Envelope<'a, List> {
    #[serde(borrow, default)]
    object: Text<'a>,
    entry: List,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow, default)]
    time: Text<'a>,
    #[serde(borrow)]
    changes: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Change<'a> {
    #[serde(borrow, default)]
    field: Text<'a>,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
}

/// The value of a change, its lists not yet looked into.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Content<'a> {
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    display_phone_number: Text<'a>,
    #[serde(borrow)]
    contacts: Option<&'a RawValue>,
    #[serde(borrow)]
    messages: Option<&'a RawValue>,
    #[serde(borrow)]
    message_echoes: Option<&'a RawValue>,
    #[serde(borrow)]
    statuses: Option<&'a RawValue>,
    #[serde(borrow)]
    calls: Option<&'a RawValue>,
    #[serde(borrow)]
    errors: Option<&'a RawValue>,
    #[serde(borrow)]
    history: Option<&'a RawValue>,
    #[serde(borrow)]
    groups: Option<&'a RawValue>,
    #[serde(borrow)]
    state_sync: Option<&'a RawValue>,
    #[serde(borrow)]
    user_preferences: Option<&'a RawValue>,
    #[serde(borrow)]
    user_id_update: Option<&'a RawValue>,
    #[serde(borrow)]
    messaging_handovers: Option<&'a RawValue>,
    #[serde(borrow)]
    automatic_events: Option<&'a RawValue>,
}

/// Every event in a body, in its order; never empty.
pub(super) fn drafts(body: &[u8]) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let reason = match std::str::from_utf8(body) {
        Ok(text) => match envelope(text, &mut drafts) {
            Ok(()) => "nothing in it",
            Err(reason) => reason,
        },
        Err(_) => "not UTF-8",
    };
    if drafts.is_empty() {
        drafts.push(setting::whole(body, reason));
    }
    drafts
}

fn envelope(body: &str, drafts: &mut Vec<Draft>) -> Result<(), &'static str> {
    if let Ok(envelope) = serde_json::from_str::<Envelope<'_, Vec<Entry<'_>>>>(body) {
        for it in &envelope.entry {
            entry(body, &envelope.object, it, drafts);
        }
        return Ok(());
    }
    // Something in the list is not what it should be: each entry on its own.
    let envelope: Envelope<'_, Option<&RawValue>> = serde_json::from_str(body)
        .map_err(|it| if it.is_data() { "not an object" } else { "not JSON" })?;
    if envelope.entry.is_none() {
        return Err("without `entry`");
    }
    for raw in each(envelope.entry) {
        match serde_json::from_str(raw.get()) {
            Ok(it) => entry(body, &envelope.object, &it, drafts),
            Err(_) => {
                drafts.push(Setting::of_body(body).unmapped("an entry without `changes`", raw));
            }
        }
    }
    Ok(())
}

fn entry(body: &str, object: &Text<'_>, entry: &Entry<'_>, drafts: &mut Vec<Draft>) {
    for raw in &entry.changes {
        let Ok(change) = serde_json::from_str::<Change<'_>>(raw.get()) else {
            let setting = Setting::of_change(body, entry.id.or_empty(), entry.time.or_empty(), "");
            drafts.push(setting.unmapped("a change that is not an object", raw));
            continue;
        };
        let setting = Setting::of_change(
            body,
            entry.id.or_empty(),
            entry.time.or_empty(),
            change.field.or_empty(),
        );
        let Some(value) = change.value else {
            drafts.push(setting.unmapped("a change without a value", raw));
            continue;
        };
        if object.get() != Some(OBJECT) {
            let reason = format!("`object` is `{}`", object.or_empty());
            drafts.push(setting.unmapped(reason, value));
            continue;
        }
        let Ok(content) = serde_json::from_str::<Content<'_>>(value.get()) else {
            drafts.push(setting.unmapped("a value that is not readable", value));
            continue;
        };
        let setting =
            setting.with_value(content.metadata, &content.display_phone_number, content.contacts);
        let before = drafts.len();
        match dispatch(&setting, &content, value, drafts) {
            Ok(()) if drafts.len() == before => {
                drafts.push(setting.unmapped("nothing in it that this field has", value));
            }
            Ok(()) => {}
            Err(reason) => drafts.push(setting.unmapped(reason, value)),
        }
    }
}

/// Reads a change by its field.
fn dispatch(
    setting: &Setting<'_>,
    content: &Content<'_>,
    value: &RawValue,
    drafts: &mut Vec<Draft>,
) -> Result<(), &'static str> {
    let mut tell = |list, draft: &dyn Fn(&RawValue) -> Draft| {
        drafts.extend(each(list).into_iter().map(draft));
    };
    let errors = content.errors;
    let message = |writer| move |it: &RawValue| message::draft(setting, it, writer, None, errors);
    match setting.field {
        "messages" | "standby" => {
            tell(content.messages, &message(Writer::Either));
            tell(content.message_echoes, &message(Writer::Business));
            tell(content.statuses, &|it| status::draft(setting, it));
        }
        "smb_message_echoes" | "message_echoes" => {
            tell(content.message_echoes, &message(Writer::Business));
            tell(content.messages, &message(Writer::Business));
        }
        "calls" => {
            tell(content.calls, &|it| calls::draft(setting, it));
            tell(content.statuses, &|it| calls::status(setting, it));
        }
        "history" => {
            for chunk in each(content.history) {
                history::chunk(setting, chunk, drafts);
            }
            drafts.extend(each(content.messages).into_iter().map(message(Writer::Either)));
            drafts.extend(each(errors).into_iter().map(|it| history::error(setting, it)));
            return Ok(());
        }
        "smb_app_state_sync" => tell(content.state_sync, &|it| contact::book(setting, it)),
        "user_preferences" => {
            tell(content.user_preferences, &|it| contact::preference(setting, it));
        }
        "user_id_update" => tell(content.user_id_update, &|it| contact::renamed(setting, it)),
        "messaging_handovers" => {
            let handovers = content.messaging_handovers.unwrap_or(value);
            tell(Some(handovers), &|it| contact::handover(setting, it));
        }
        "automatic_events" => {
            tell(content.automatic_events, &|it| account::conversion(setting, it));
        }
        field => {
            let Some(kind) = groups::kind(field) else {
                // Whatever errors are in there are part of the notice.
                drafts.push(account::change(setting, value)?);
                return Ok(());
            };
            tell(content.groups, &|it| groups::draft(setting, kind.clone(), it));
        }
    }
    tell(errors, &|it| account::error(setting, it));
    Ok(())
}
