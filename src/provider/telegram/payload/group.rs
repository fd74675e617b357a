//! Groups and channels: who comes and goes, what is changed, and who blocks the bot.

use serde_json::Value;

use super::message::writer;
use super::setting::{Chat, Setting, contact, date};
use crate::event::facts::{Group, Identity, Preference};
use crate::event::{Draft, Kind};
use crate::lenient::{first, flag, list, text, time};

/// The words of a member that is in the chat (core.telegram.org/bots/api#chatmember).
const INSIDE: &[&str] = &["creator", "administrator", "member"];

/// The bot itself was added, removed or promoted; in a private chat, blocked or unblocked.
pub(super) fn own(setting: &Setting<'_>, value: &Value) -> Draft {
    let Some(chat) = Chat::of(&value["chat"], &Value::Null) else {
        return setting.unmapped("a membership without a chat");
    };
    if !chat.private {
        return member(setting, value);
    }
    let Some(status) = text(&value["new_chat_member"]["status"]) else {
        return setting.unmapped("a membership without a status");
    };
    let mut draft = setting.draft(Kind::PREFERENCE_CHANGED);
    draft.time = date(value);
    let user = contact(&value["from"]).unwrap_or_else(|| chat.contact.clone());
    setting.place(&mut draft, &chat, Some(user));
    draft.facts.preference =
        Some(Preference { category: "messages".to_owned(), value: status, text: None });
    draft
}

/// A member's status changed: they came, went, or have other rights.
pub(super) fn member(setting: &Setting<'_>, value: &Value) -> Draft {
    let new = &value["new_chat_member"];
    let (Some(chat), Some(event)) = (Chat::of(&value["chat"], &Value::Null), text(&new["status"]))
    else {
        return setting.unmapped("a membership without a chat or a status");
    };
    let id = first(&new["user"], &["id"]);
    let (was, is) = (is_inside(&value["old_chat_member"]), is_inside(new));
    let mut group = group(&chat, event);
    group.added.extend(id.clone().filter(|_| is && !was));
    group.removed.extend(id.filter(|_| was && !is));
    told(setting, Kind::GROUP_PARTICIPANTS, value, &chat, group)
}

/// Whether a status means being in the chat; a restricted member says so itself.
fn is_inside(member: &Value) -> bool {
    let status = member["status"].as_str().unwrap_or_default();
    INSIDE.contains(&status) || (status == "restricted" && flag(&member["is_member"]))
}

/// Somebody asks to be let in.
pub(super) fn requested(setting: &Setting<'_>, value: &Value) -> Draft {
    let (Some(chat), Some(user)) =
        (Chat::of(&value["chat"], &Value::Null), contact(&value["from"]))
    else {
        return setting.unmapped("a request without a chat or a user");
    };
    let group = group(&chat, setting.sort.to_owned());
    let mut draft = told(setting, Kind::GROUP_REQUESTED, value, &chat, group);
    draft.facts.contact = Some(user);
    draft
}

/// Somebody boosted a chat, or a boost ended.
pub(super) fn boosted(setting: &Setting<'_>, value: &Value) -> Draft {
    let Some(chat) = Chat::of(&value["chat"], &Value::Null) else {
        return setting.unmapped("a boost without a chat");
    };
    let boost = if value["boost"].is_object() { &value["boost"] } else { value };
    let group = group(&chat, setting.sort.to_owned());
    let mut draft = told(setting, Kind::GROUP_BOOSTED, value, &chat, group);
    draft.time = time(&boost["add_date"]).or_else(|| time(&value["remove_date"]));
    draft.facts.contact = contact(&boost["source"]["user"]);
    draft
}

/// A message that nobody wrote: what happened in a group. `None` where it is a message after all.
pub(super) fn service(
    setting: &Setting<'_>,
    value: &Value,
    word: &str,
    chat: &Chat,
) -> Option<Draft> {
    let inner = &value[word];
    let mut group = group(chat, word.to_owned());
    if matches!(word, "migrate_to_chat_id" | "migrate_from_chat_id") {
        return migrated(setting, value, word, chat, group);
    }
    if chat.private {
        return None;
    }
    let kind = match word {
        "new_chat_members" => {
            group.added = list(inner).iter().filter_map(|it| text(&it["id"])).collect();
            Kind::GROUP_PARTICIPANTS
        }
        "left_chat_member" => {
            group.removed.extend(text(&inner["id"]));
            Kind::GROUP_PARTICIPANTS
        }
        "group_chat_created" | "supergroup_chat_created" | "channel_chat_created" => {
            Kind::GROUP_LIFECYCLE
        }
        "boost_added" => {
            let mut draft = told(setting, Kind::GROUP_BOOSTED, value, chat, group);
            draft.facts.contact = Some(writer(value, chat));
            return Some(draft);
        }
        "new_chat_title" => {
            group.subject = text(inner).or(group.subject);
            Kind::GROUP_SETTINGS
        }
        "new_chat_photo"
        | "delete_chat_photo"
        | "message_auto_delete_timer_changed"
        | "pinned_message"
        | "chat_background_set" => Kind::GROUP_SETTINGS,
        _ if word.starts_with("forum_topic_") || word.starts_with("general_forum_topic_") => {
            Kind::GROUP_SETTINGS
        }
        _ => return None,
    };
    Some(told(setting, kind, value, chat, group))
}

/// A group became a supergroup, which has another id: the conversation goes on under both.
fn migrated(
    setting: &Setting<'_>,
    value: &Value,
    word: &str,
    chat: &Chat,
    mut group: Group,
) -> Option<Draft> {
    let other = text(&value[word])?;
    let (old, new) = if word == "migrate_to_chat_id" {
        (chat.id.clone(), other)
    } else {
        (other, chat.id.clone())
    };
    group.id.clone_from(&new);
    let mut draft = told(setting, Kind::GROUP_LIFECYCLE, value, chat, group);
    draft.candidates = vec![setting.candidate(chat, &old), setting.candidate(chat, &new)];
    draft.facts.conversation.group = Some(new.clone());
    draft.facts.identity = Some(Identity {
        event: word.to_owned(),
        previous: Some(old),
        current: Some(new),
        ..Identity::default()
    });
    Some(draft)
}

fn group(chat: &Chat, event: String) -> Group {
    Group { id: chat.id.clone(), event, subject: chat.title.clone(), ..Group::default() }
}

fn told(setting: &Setting<'_>, kind: Kind, value: &Value, chat: &Chat, group: Group) -> Draft {
    let mut draft = setting.draft(kind);
    draft.time = date(value);
    setting.place(&mut draft, chat, None);
    draft.facts.group = Some(group);
    draft
}
