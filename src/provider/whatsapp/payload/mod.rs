//! The value of a change of a `WhatsApp` account, decoded leniently: every element on its own,
//! whatever stands beside it.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::event::Draft;

mod setting;
mod message;
mod status;
mod calls;
mod history;
mod contact;
mod groups;
mod account;

use crate::lenient::{Text, each};
use crate::provider::meta::Place;
use message::Writer;
use setting::Setting;

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

/// Every event in the value of a change.
pub(in crate::provider) fn change(place: Place<'_>, value: &RawValue, drafts: &mut Vec<Draft>) {
    let setting = Setting::new(place);
    let Ok(content) = serde_json::from_str::<Content<'_>>(value.get()) else {
        drafts.push(setting.unmapped("a value that is not readable", value));
        return;
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
