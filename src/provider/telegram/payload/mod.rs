//! Telegram's updates, decoded leniently: whatever cannot be read is kept and told.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

mod setting;
mod message;
mod content;
mod group;
mod query;
mod reaction;

use crate::event::{Draft, Kind};
use crate::lenient::object;
use setting::Setting;

/// What a Telegram source can say.
pub(super) const KINDS: &[Kind] = &[
    Kind::MESSAGE_RECEIVED,
    Kind::MESSAGE_SENT,
    Kind::MESSAGE_REACTION,
    Kind::MESSAGE_REACTIONS,
    Kind::MESSAGE_EDITED,
    Kind::MESSAGE_DELETED,
    Kind::POSTBACK_RECEIVED,
    Kind::QUERY_RECEIVED,
    Kind::FLOW_COMPLETED,
    Kind::POLL_UPDATED,
    Kind::POLL_ANSWERED,
    Kind::ORDER_CHECKOUT,
    Kind::ORDER_PAID,
    Kind::ORDER_REFUNDED,
    Kind::PREFERENCE_CHANGED,
    Kind::ACCOUNT_UPDATED,
    Kind::GROUP_LIFECYCLE,
    Kind::GROUP_PARTICIPANTS,
    Kind::GROUP_REQUESTED,
    Kind::GROUP_SETTINGS,
    Kind::GROUP_BOOSTED,
    UNMAPPED,
];

/// A payload with no kind of its own.
const UNMAPPED: Kind = Kind::named("telegram.unmapped");

/// Turns the content of an update into events; never none.
type Tell = fn(&Setting<'_>, &Value) -> Vec<Draft>;

/// Every sort of update, by its key in an `Update` (core.telegram.org/bots/api#update).
const UPDATES: &[(&str, Tell)] = &[
    ("message", |setting, it| vec![message::draft(setting, it)]),
    ("edited_message", |setting, it| vec![message::edited(setting, it)]),
    ("channel_post", |setting, it| vec![message::draft(setting, it)]),
    ("edited_channel_post", |setting, it| vec![message::edited(setting, it)]),
    ("business_connection", |setting, it| vec![query::connection(setting, it)]),
    ("business_message", |setting, it| vec![message::draft(setting, it)]),
    ("edited_business_message", |setting, it| vec![message::edited(setting, it)]),
    ("deleted_business_messages", message::deleted),
    ("message_reaction", reaction::changed),
    ("message_reaction_count", |setting, it| vec![reaction::counted(setting, it)]),
    ("inline_query", |setting, it| vec![query::inline(setting, it)]),
    ("chosen_inline_result", |setting, it| vec![query::chosen(setting, it)]),
    ("callback_query", |setting, it| vec![query::callback(setting, it)]),
    ("shipping_query", |setting, it| vec![query::checkout(setting, it)]),
    ("pre_checkout_query", |setting, it| vec![query::checkout(setting, it)]),
    ("purchased_paid_media", |setting, it| vec![query::purchased(setting, it)]),
    ("poll", |setting, it| vec![query::poll(setting, it)]),
    ("poll_answer", |setting, it| vec![query::answer(setting, it)]),
    ("my_chat_member", |setting, it| vec![group::own(setting, it)]),
    ("chat_member", |setting, it| vec![group::member(setting, it)]),
    ("chat_join_request", |setting, it| vec![group::requested(setting, it)]),
    ("chat_boost", |setting, it| vec![group::boosted(setting, it)]),
    ("removed_chat_boost", |setting, it| vec![group::boosted(setting, it)]),
];

/// Every event in a body; never empty.
pub(super) fn drafts(bot: &str, body: &[u8]) -> Vec<Draft> {
    let told = match std::str::from_utf8(body) {
        Ok(text) => update(bot, text),
        Err(_) => Err("not UTF-8"),
    };
    told.unwrap_or_else(|reason| vec![setting::whole(bot, body, reason)])
}

fn update(bot: &str, body: &str) -> Result<Vec<Draft>, &'static str> {
    let mut fields: BTreeMap<String, &RawValue> = serde_json::from_str(body)
        .map_err(|it| if it.is_data() { "not an object" } else { "not JSON" })?;
    let id = fields.remove("update_id").and_then(|it| serde_json::from_str(it.get()).ok());
    let id = id.as_ref().and_then(crate::lenient::text);
    fields.retain(|_, it| it.get() != "null");

    let mut drafts = Vec::new();
    for (name, tell) in UPDATES {
        let Some(raw) = fields.get(*name) else { continue };
        let setting = Setting::new(bot, body, id.as_deref(), name, raw, drafts.is_empty());
        drafts.extend(match object(raw) {
            Ok(value) => tell(&setting, &value),
            Err(reason) => vec![setting.unmapped(format!("an update that is {reason}"))],
        });
    }
    if drafts.is_empty() {
        // One that Telegram added later: exactly one key beside the id is its rule.
        for (name, raw) in &fields {
            let setting = Setting::new(bot, body, id.as_deref(), name, raw, drafts.is_empty());
            drafts.push(setting.unmapped("an update of a sort nobody knows"));
        }
    }
    if drafts.is_empty() { Err("nothing in it") } else { Ok(drafts) }
}

/// The sorts of update there are, for the tests.
#[cfg(test)]
pub(super) fn sorts() -> impl Iterator<Item = &'static str> {
    UPDATES.iter().map(|(name, _)| *name)
}
