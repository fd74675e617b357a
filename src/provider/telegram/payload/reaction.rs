//! Reactions: who put which on a message, or how many there are.

use serde_json::Value;

use super::setting::{Chat, Setting, contact, date};
use crate::event::facts::{Message, Reaction};
use crate::event::{Draft, Kind};
use crate::lenient::{list, text};

/// Somebody changed their reactions on a message: an event for each that they took back or put.
pub(super) fn changed(setting: &Setting<'_>, value: &Value) -> Vec<Draft> {
    let (chat, message_id) = match place(value) {
        Ok(place) => place,
        Err(reason) => return vec![setting.unmapped(reason)],
    };
    let (old, new) = (list(&value["old_reaction"]), list(&value["new_reaction"]));
    let mut drafts: Vec<Draft> = Vec::new();
    let mut tell = |reactions: &[Value], but: &[Value], removed: bool| {
        for it in reactions.iter().filter(|it| !but.contains(it)) {
            let Some(emoji) = emoji(it) else {
                drafts.push(setting.unmapped_part("a reaction of a type nobody knows", it));
                continue;
            };
            let part = format!("{}{emoji}", if removed { "-" } else { "+" });
            let mut draft = setting.part(Kind::MESSAGE_REACTION, &part);
            draft.time = date(value);
            // Somebody who hides reacts as a chat.
            let actor = contact(&value["user"]).or_else(|| contact(&value["actor_chat"]));
            let actor = actor.or_else(|| chat.private.then(|| chat.contact.clone()));
            setting.place(&mut draft, &chat, actor);
            let reaction = Reaction { message_id: message_id.clone(), emoji: Some(emoji), removed };
            draft.facts.message =
                Some(Message { reaction: Some(reaction), ..setting.message("reaction") });
            drafts.push(draft);
        }
    };
    tell(old, new, true);
    tell(new, old, false);
    if drafts.is_empty() {
        drafts.push(setting.unmapped("a reaction that changes nothing"));
    }
    drafts
}

/// How many there are of each reaction, where Telegram does not say whose.
pub(super) fn counted(setting: &Setting<'_>, value: &Value) -> Draft {
    let (chat, message_id) = match place(value) {
        Ok(place) => place,
        Err(reason) => return setting.unmapped(reason),
    };
    let mut draft = setting.draft(Kind::MESSAGE_REACTIONS);
    draft.time = date(value);
    setting.place(&mut draft, &chat, None);
    draft.facts.message = Some(Message {
        original: Some(message_id),
        reactions: Some(&value["reactions"]).filter(|it| it.is_array()).cloned(),
        ..setting.message("reactions")
    });
    draft
}

fn place(value: &Value) -> Result<(Chat, String), &'static str> {
    let chat = Chat::of(&value["chat"], &Value::Null).ok_or("a reaction without a chat")?;
    let message_id = text(&value["message_id"]).ok_or("a reaction without a message")?;
    Ok((chat, message_id))
}

/// An emoji, or a word for what is none: `custom_emoji:` and its id, `paid`.
fn emoji(reaction: &Value) -> Option<String> {
    match reaction["type"].as_str()? {
        "emoji" => text(&reaction["emoji"]),
        "custom_emoji" => text(&reaction["custom_emoji_id"]).map(|it| format!("custom_emoji:{it}")),
        word => Some(word.to_owned()).filter(|it| !it.is_empty()),
    }
}
