//! What people press, choose, look for, vote and pay, and the businesses that connect the bot.

use serde_json::Value;

use super::content::{self, interactive, location};
use super::setting::{Chat, Setting, contact, date};
use crate::event::facts::{Context, Interactive, Message, Notice};
use crate::event::{Draft, Kind};
use crate::lenient::{first, flag, list, text};

/// Somebody pressed a button under a message.
pub(super) fn callback(setting: &Setting<'_>, value: &Value) -> Draft {
    let (Some(id), Some(user)) = (text(&value["id"]), contact(&value["from"])) else {
        return setting.unmapped("a pressed button without an id or a user");
    };
    let under = &value["message"];
    let data = text(&value["data"]);
    let title = label(under, &value["data"]);
    let mut draft = setting.draft(Kind::POSTBACK_RECEIVED);
    match Chat::of(&under["chat"], &under["business_connection_id"]) {
        Some(chat) => setting.place(&mut draft, &chat, Some(user)),
        None => setting.place_user(&mut draft, &value["from"]),
    }
    let message_id = text(&under["message_id"]).or_else(|| text(&value["inline_message_id"]));
    draft.facts.message = Some(Message {
        id,
        kind: setting.sort.to_owned(),
        text: title.clone(),
        topic: text(&under["message_thread_id"]),
        context: message_id.map(|it| Context { message_id: Some(it), ..Context::default() }),
        interactive: Some(Interactive {
            kind: setting.sort.to_owned(),
            id: data,
            title,
            name: text(&value["game_short_name"]),
            ..Interactive::default()
        }),
        ..Message::default()
    });
    draft
}

/// What stands on the button that was pressed.
fn label(message: &Value, data: &Value) -> Option<String> {
    let rows = list(&message["reply_markup"]["inline_keyboard"]).iter();
    let mut buttons = rows.flat_map(list);
    let pressed = buttons.find(|it| !data.is_null() && it["callback_data"] == *data)?;
    text(&pressed["text"])
}

/// Somebody types the bot's name and a question, in any chat.
pub(super) fn inline(setting: &Setting<'_>, value: &Value) -> Draft {
    let Some(id) = text(&value["id"]) else {
        return setting.unmapped("a query without an id");
    };
    let message = Message {
        text: text(&value["query"]),
        location: location(&value["location"]),
        ..of(setting, id)
    };
    by_user(setting, Kind::QUERY_RECEIVED, value, message)
}

/// Somebody took one of the bot's answers to their query.
pub(super) fn chosen(setting: &Setting<'_>, value: &Value) -> Draft {
    let Some(id) = text(&value["result_id"]) else {
        return setting.unmapped("a result without an id");
    };
    let chosen = Interactive {
        kind: setting.sort.to_owned(),
        id: Some(id),
        description: text(&value["query"]),
        ..Interactive::default()
    };
    let message_id = text(&value["inline_message_id"]);
    let message = Message {
        location: location(&value["location"]),
        context: message_id.map(|it| Context { message_id: Some(it), ..Context::default() }),
        interactive: Some(chosen),
        ..setting.message(setting.sort)
    };
    by_user(setting, Kind::POSTBACK_RECEIVED, value, message)
}

/// Somebody is about to pay: the bot has ten seconds to say whether and how it delivers.
pub(super) fn checkout(setting: &Setting<'_>, value: &Value) -> Draft {
    let Some(id) = text(&value["id"]) else {
        return setting.unmapped("a checkout without an id");
    };
    let payload = text(&value["invoice_payload"]);
    let answers = [&value["order_info"], &value["shipping_address"]];
    let answer = answers.into_iter().find(|it| it.is_object()).unwrap_or(&Value::Null);
    let message = Message {
        interactive: Some(interactive(setting.sort, payload, answer)),
        ..of(setting, id)
    };
    by_user(setting, Kind::ORDER_CHECKOUT, value, message)
}

/// Somebody bought media that the bot had put a price on.
pub(super) fn purchased(setting: &Setting<'_>, value: &Value) -> Draft {
    let payload = first(value, &["paid_media_payload", "payload"]);
    let message = Message {
        interactive: Some(interactive(setting.sort, payload, &Value::Null)),
        ..setting.message(setting.sort)
    };
    by_user(setting, Kind::ORDER_PAID, value, message)
}

/// The state of a poll that the bot sent. Telegram does not say in which chat.
pub(super) fn poll(setting: &Setting<'_>, value: &Value) -> Draft {
    if text(&value["id"]).is_none() {
        return setting.unmapped("a poll without an id");
    }
    let mut draft = setting.draft(Kind::POLL_UPDATED);
    draft.facts.message = Some(content::poll(setting.message(setting.sort), value));
    draft
}

/// Somebody voted, or took their vote back: then nothing is chosen.
pub(super) fn answer(setting: &Setting<'_>, value: &Value) -> Draft {
    let Some(id) = text(&value["poll_id"]) else {
        return setting.unmapped("a vote without a poll");
    };
    let mut draft = setting.draft(Kind::POLL_ANSWERED);
    // Beside a chat that votes, `user` is one made up for it.
    draft.facts.contact = contact(&value["voter_chat"]);
    if draft.facts.contact.is_none() {
        setting.place_user(&mut draft, &value["user"]);
    }
    let chosen = Interactive {
        kind: setting.sort.to_owned(),
        id: Some(id),
        response: Some(&value["option_ids"]).filter(|it| it.is_array()).cloned(),
        ..Interactive::default()
    };
    draft.facts.message =
        Some(Message { interactive: Some(chosen), ..setting.message(setting.sort) });
    draft
}

/// A business connected the bot to its account, changed what it may do, or took it away.
pub(super) fn connection(setting: &Setting<'_>, value: &Value) -> Draft {
    let Some(id) = text(&value["id"]) else {
        return setting.unmapped("a connection without an id");
    };
    let event = if flag(&value["is_enabled"]) { "enabled" } else { "disabled" };
    let mut draft = setting.draft(Kind::ACCOUNT_UPDATED);
    draft.time = date(value);
    draft.facts.channel.business = Some(id.clone());
    draft.facts.notice = Some(Notice {
        field: setting.sort.to_owned(),
        event: Some(event.to_owned()),
        value: text(&value["user"]["id"]),
        subject: Some(id),
        ..Notice::default()
    });
    draft
}

fn of(setting: &Setting<'_>, id: String) -> Message {
    Message { id, ..setting.message(setting.sort) }
}

fn by_user(setting: &Setting<'_>, kind: Kind, value: &Value, message: Message) -> Draft {
    if contact(&value["from"]).is_none() {
        return setting.unmapped("an update without a user");
    }
    let mut draft = setting.draft(kind);
    setting.place_user(&mut draft, &value["from"]);
    draft.facts.message = Some(message);
    draft
}
