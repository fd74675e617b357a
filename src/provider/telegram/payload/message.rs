//! Messages: in private chats, groups and channels, and of businesses the bot is connected to.

use serde_json::Value;

use super::setting::{Chat, Setting, contact, date};
use super::{content, group};
use crate::event::facts::{Contact, Context, Message};
use crate::event::{Draft, Kind};
use crate::lenient::{first, flag, text, time};

/// A new message, whoever wrote it.
pub(super) fn draft(setting: &Setting<'_>, value: &Value) -> Draft {
    let (chat, message) = match read(value) {
        Ok(read) => read,
        Err(reason) => return setting.unmapped(reason),
    };
    if let Some(draft) = group::service(setting, value, &message.kind, &chat) {
        return draft;
    }
    let ours = is_ours(setting, value, &chat);
    let kind = match &*message.kind {
        "successful_payment" => Kind::ORDER_PAID,
        "refunded_payment" => Kind::ORDER_REFUNDED,
        "web_app_data" => Kind::FLOW_COMPLETED,
        "users_shared" | "user_shared" | "chat_shared" => Kind::POSTBACK_RECEIVED,
        _ if ours => Kind::MESSAGE_SENT,
        _ => Kind::MESSAGE_RECEIVED,
    };
    let mut draft = setting.draft(kind);
    draft.time = date(value);
    written(setting, draft, value, &chat, message, ours)
}

/// A message as it is now.
pub(super) fn edited(setting: &Setting<'_>, value: &Value) -> Draft {
    let (chat, mut message) = match read(value) {
        Ok(read) => read,
        Err(reason) => return setting.unmapped(reason),
    };
    message.original = Some(message.id.clone());
    let ours = is_ours(setting, value, &chat);
    let mut draft = setting.draft(Kind::MESSAGE_EDITED);
    draft.time = time(&value["edit_date"]).or_else(|| date(value));
    written(setting, draft, value, &chat, message, ours)
}

/// Messages of a business that were deleted: an event for each.
pub(super) fn deleted(setting: &Setting<'_>, value: &Value) -> Vec<Draft> {
    let Some(chat) = Chat::of(&value["chat"], &value["business_connection_id"]) else {
        return vec![setting.unmapped("deleted messages without a chat")];
    };
    let ids = match &value["message_ids"] {
        Value::Array(ids) if !ids.is_empty() => ids.as_slice(),
        // An id where a list of them should be.
        it if text(it).is_some() => std::slice::from_ref(it),
        _ => return vec![setting.unmapped("deleted messages without ids")],
    };
    let tell = |it: &Value| {
        let Some(id) = text(it) else {
            return setting.unmapped_part("a deleted message without an id", it);
        };
        let mut draft = setting.part(Kind::MESSAGE_DELETED, &id);
        setting.place(&mut draft, &chat, chat.private.then(|| chat.contact.clone()));
        let message = setting.message("deleted_business_messages");
        draft.facts.message = Some(Message { original: Some(id), ..message });
        draft
    };
    ids.iter().map(tell).collect()
}

fn read(value: &Value) -> Result<(Chat, Message), &'static str> {
    let chat = Chat::of(&value["chat"], &value["business_connection_id"]);
    let chat = chat.ok_or("a message without a chat")?;
    let id = text(&value["message_id"]).ok_or("a message without an id")?;
    let mut message = content::message(value, id);
    message.topic = text(&value["message_thread_id"]);
    message.album = text(&value["media_group_id"]);
    message.context = context(value);
    Ok((chat, message))
}

/// Whether the message left our side: written by the bot, or by the business it is connected to.
fn is_ours(setting: &Setting<'_>, value: &Value, chat: &Chat) -> bool {
    let from = text(&value["from"]["id"]);
    let business =
        chat.connection.is_some() && chat.private && from.is_some_and(|from| from != chat.id);
    business || !value["sender_business_bot"].is_null() || setting.is_bot(&value["from"])
}

fn written(
    setting: &Setting<'_>,
    mut draft: Draft,
    value: &Value,
    chat: &Chat,
    mut message: Message,
    ours: bool,
) -> Draft {
    if ours {
        let person = chat.connection.is_some() && value["sender_business_bot"].is_null();
        message.origin = Some(if person { "business_app" } else { "api" }.to_owned());
    }
    let contact =
        if ours { chat.private.then(|| chat.contact.clone()) } else { Some(writer(value, chat)) };
    setting.place(&mut draft, chat, contact);
    draft.facts.message = Some(message);
    draft
}

/// Who wrote a message. A channel, and an administrator who hides, write as a chat; `from` is a
/// user made up for them.
pub(super) fn writer(value: &Value, chat: &Chat) -> Contact {
    contact(&value["sender_chat"])
        .or_else(|| contact(&value["from"]))
        .unwrap_or_else(|| chat.contact.clone())
}

/// What a message answers or forwards. The answered message may stand in another chat.
fn context(value: &Value) -> Option<Context> {
    let answered = &value["reply_to_message"];
    // Whatever stands in a topic answers the message that opened it, unless it answers another.
    let answered =
        if answered["forum_topic_created"].is_object() { &Value::Null } else { answered };
    let elsewhere = &value["external_reply"];
    let origin = &elsewhere["origin"];
    let writer = [
        &answered["sender_chat"]["id"],
        &answered["from"]["id"],
        &origin["sender_user"]["id"],
        &origin["sender_chat"]["id"],
        &origin["chat"]["id"],
        &elsewhere["chat"]["id"],
        &value["reply_to_story"]["chat"]["id"],
    ];
    let forwarded = ["forward_origin", "forward_from", "forward_from_chat", "forward_sender_name"];
    let context = Context {
        message_id: text(&answered["message_id"]).or_else(|| first(elsewhere, &["message_id"])),
        from: writer.into_iter().find_map(text),
        story: text(&value["reply_to_story"]["id"]),
        forwarded: forwarded.iter().any(|it| !value[*it].is_null())
            || flag(&value["is_automatic_forward"]),
        ..Context::default()
    };
    (context != Context::default()).then_some(context)
}
