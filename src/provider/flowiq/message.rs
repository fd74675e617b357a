//! What a `FlowIQ` message and contact say, in either of the two forms its documents show, and
//! what of it can change later.
//!
//! A message has no id. It is known by a digest over what never changes about it, and a number
//! among those of its conversation that look the same.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::lenient::{first, integer, text, time};

/// The status of every message that left: too little to be told on its own.
const SENT: &str = "sent";

/// Between the parts of a reaction's name. No emoji and no name holds it.
const BETWEEN: char = '\u{1f}';

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writer {
    /// The contact.
    Contact,
    /// Our side: `bot`, `human` or `system`.
    Ours(&'static str),
}

impl Writer {
    /// `user-whatsapp`, `bot-whatsapp`, `human-whatsapp`, `system`; the overview's example says the
    /// same without the channel.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let word = first(value, &["sender_type", "sender", "senderType"])?.to_ascii_lowercase();
        Some(match word.split('-').next().unwrap_or_default() {
            "user" | "customer" | "contact" => Self::Contact,
            "bot" => Self::Ours("bot"),
            "human" | "agent" => Self::Ours("human"),
            "system" => Self::Ours("system"),
            _ => return None,
        })
    }
}

/// When a message was written.
pub(super) fn moment(value: &Value) -> Option<Timestamp> {
    ["created_at", "timestamp", "createdAt"].iter().find_map(|it| time(&value[*it]))
}

/// What a message says: its text, or the JSON of its structure.
pub(super) fn content(value: &Value) -> Option<String> {
    let found = ["message", "content", "text"].iter().map(|it| &value[*it]);
    found.filter(|it| !it.is_null()).find_map(|it| match it {
        Value::Object(_) | Value::Array(_) => Some(it.to_string()),
        _ => text(it),
    })
}

/// `image`, `video`, `audio`, `document`, `interactive`; `None` for a text.
pub(super) fn media_type(value: &Value) -> Option<String> {
    first(value, &["media_type", "mediaType"])
}

/// Where a message's file lies.
pub(super) fn media_url(value: &Value) -> Option<String> {
    first(value, &["media_url", "mediaUrl"])
}

/// What a voice note says.
pub(super) fn transcription(value: &Value) -> Option<String> {
    first(value, &["voice_note_transcription", "transcription", "voiceNoteTranscription"])
}

/// Who of our side is to answer.
pub(super) fn assignee(value: &Value) -> Option<String> {
    let of = &value["assignee"];
    text(of).or_else(|| first(of, &["name", "full_name", "email", "id"]))
}

/// A digest over what never changes about a message of a contact.
pub(super) fn digest(contact: &str, value: &Value) -> String {
    let sender = first(value, &["sender_type", "sender", "senderType"]);
    let at = moment(value).map(|it| it.as_microsecond().to_string());
    let at = at.or_else(|| first(value, &["created_at", "timestamp", "createdAt"]));
    let url = media_url(value);
    hash(&[Some(contact.to_owned()), sender, at, content(value), media_type(value), url])
}

/// A digest over parts, each with its length, so that they cannot flow into each other.
fn hash(parts: &[Option<String>]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        match part {
            None => hasher.update([0xff; 8]),
            Some(part) => {
                hasher.update((part.len() as u64).to_be_bytes());
                hasher.update(part);
            }
        }
    }
    hex::encode(&hasher.finalize()[..16])
}

/// What was told of that part of a message which changes later.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Told {
    /// Its status.
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    /// By reaction, how often it was put on or taken back: it is there when that is odd.
    #[serde(rename = "r", skip_serializing_if = "BTreeMap::is_empty")]
    reactions: BTreeMap<String, u32>,
    /// A digest over transcription and assignee.
    #[serde(rename = "e")]
    edit: String,
    /// How often those were changed.
    #[serde(rename = "c", skip_serializing_if = "is_zero")]
    edits: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Something about a message that is news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Its status.
    Status(String),
    /// A reaction: its emoji, whether it was taken back, and the name of this happening.
    Reaction(String, bool, String),
    /// Transcription or assignee changed; the name of this change.
    Edited(String),
}

/// Whether our side wrote it.
pub(super) fn is_ours(value: &Value) -> bool {
    Writer::of(value) != Some(Writer::Contact)
}

/// What is news about a message of which `before` was told, and what is told then. Nothing before:
/// the message itself is new, and what it comes with is no change.
pub(super) fn compare(before: Option<&Told>, value: &Value) -> (Told, Vec<News>) {
    let ours = is_ours(value);
    let mut told = before.cloned().unwrap_or_default();
    let mut news = Vec::new();
    let status = first(value, &["message_status", "status", "messageStatus"]);
    if let Some(status) = status.filter(|it| told.status.as_ref() != Some(it)) {
        // What a contact wrote arrives with whatever status it has; only a change of it is news.
        if before.is_some() || (ours && status != SENT) {
            news.push(News::Status(status.clone()));
        }
        told.status = Some(status);
    }
    let now = reactions(&value["reactions"]);
    let mut names: Vec<String> = told.reactions.keys().cloned().collect();
    names.extend(now.iter().filter(|it| !told.reactions.contains_key(*it)).cloned());
    for name in names {
        let turns = told.reactions.entry(name.clone()).or_default();
        if now.contains(&name) == (*turns % 2 == 1) {
            continue;
        }
        *turns += 1;
        let emoji = name.split(BETWEEN).next().unwrap_or_default().to_owned();
        news.push(News::Reaction(emoji, *turns % 2 == 0, format!("{name}:{turns}")));
    }
    let edit = hash(&[transcription(value), assignee(value)])[..16].to_owned();
    if before.is_some() && told.edit != edit {
        told.edits += 1;
        news.push(News::Edited(format!("{edit}:{}", told.edits)));
    }
    told.edit = edit;
    (told, news)
}

/// The names of the reactions on a message: emoji, whose it is where that is said, and a number
/// among those that are alike. The documents show an empty list only, so every form is taken.
fn reactions(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(value, 0, &mut found);
    let mut names: Vec<String> = Vec::new();
    for (emoji, by) in found {
        let alike = format!("{emoji}{BETWEEN}{by}{BETWEEN}");
        let number = names.iter().filter(|it| it.starts_with(&alike)).count();
        names.push(format!("{alike}{number}"));
    }
    names
}

/// How many reactions of one kind a count may stand for.
const MOST: i64 = 100;

fn collect(value: &Value, depth: u8, found: &mut Vec<(String, String)>) {
    let clean = |it: &str| it.replace(BETWEEN, " ");
    match value {
        Value::Array(list) if depth < 3 => {
            for it in list {
                collect(it, depth + 1, found);
            }
        }
        Value::String(it) if it.trim_start().starts_with(['[', '{']) && depth < 3 => {
            match serde_json::from_str(it) {
                Ok(inner) => collect(&inner, depth + 1, found),
                Err(_) => found.push((clean(it), String::new())),
            }
        }
        Value::Object(map) if !map.is_empty() => {
            let by = ["by", "from", "sender", "sender_type", "user", "user_id", "name"];
            let many = |it: &Value| integer(it).unwrap_or(1).clamp(0, MOST);
            match first(value, &["emoji", "reaction", "text", "value"]) {
                Some(emoji) => {
                    let by = first(value, &by).unwrap_or_default();
                    let of = (clean(&emoji), clean(&by));
                    found.extend((0..many(&value["count"])).map(|_| of.clone()));
                }
                // `{"👍": 2}`, or `{"👍": ["27123456789"]}`
                None => {
                    for (emoji, who) in map {
                        match who {
                            Value::Array(list) => found.extend(list.iter().map(|it| {
                                (clean(emoji), clean(&text(it).unwrap_or_else(|| it.to_string())))
                            })),
                            Value::Null | Value::Bool(false) => {}
                            _ if integer(who).is_some() => {
                                found.extend((0..many(who)).map(|_| (clean(emoji), String::new())));
                            }
                            _ => found.push((clean(emoji), text(who).unwrap_or_default())),
                        }
                    }
                }
            }
        }
        _ => found.extend(text(value).map(|it| (clean(&it), String::new()))),
    }
}

/// What is known of a contact, as far as a change of it is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Profile {
    /// The name.
    pub(super) name: Option<String>,
    /// The number, as it was typed.
    pub(super) phone: Option<String>,
    /// The address.
    pub(super) email: Option<String>,
    /// The tags, as JSON.
    pub(super) tags: Option<String>,
    /// `active` or `paused`; `None` where no bot answers.
    pub(super) bot: Option<String>,
}

impl Profile {
    pub(super) fn of(value: &Value) -> Self {
        let tags = &value["tags"];
        let tags = match tags {
            Value::Null => None,
            Value::Array(it) if it.is_empty() => None,
            _ => Some(tags.to_string()),
        };
        Self {
            name: first(value, &["full_name", "name", "fullName"]),
            phone: first(value, &["phone_number", "phone", "phoneNumber"]),
            email: first(value, &["email"]),
            tags,
            bot: first(value, &["bot_status", "botStatus"]),
        }
    }

    /// The words for what differs, the bot aside.
    pub(super) fn differences(&self, before: &Self) -> Vec<&'static str> {
        let pairs = [
            ("name", &self.name, &before.name),
            ("phone", &self.phone, &before.phone),
            ("email", &self.email, &before.email),
            ("tags", &self.tags, &before.tags),
        ];
        pairs.into_iter().filter(|it| it.1 != it.2).map(|it| it.0).collect()
    }

    /// Who holds the conversation now, when that changed: the bot's new word.
    pub(super) fn handover(&self, before: &Self) -> Option<&str> {
        let of = |it: &Option<String>| {
            let word = it.as_deref()?.to_ascii_lowercase();
            ["active", "paused"].into_iter().find(|it| *it == word)
        };
        let (now, then) = (of(&self.bot)?, of(&before.bot)?);
        (now != then).then_some(now)
    }
}

/// The contact's own id; the number where there is none.
pub(super) fn contact_key(value: &Value) -> Option<String> {
    first(value, &["id", "contact_id", "contactId"]).or_else(|| number(value))
}

/// The contact's number, in digits.
pub(super) fn number(value: &Value) -> Option<String> {
    let keys =
        ["whatsapp_id", "whatsappNumber", "whatsapp_number", "number", "phone_number", "phone"];
    let digits: String = first(value, &keys)?.chars().filter(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}
