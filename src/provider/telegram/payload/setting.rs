//! What surrounds the content of an update: its id, its bot, and the chat it belongs to.

use std::ops::Range;

use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::UNMAPPED;
use crate::event::facts::{Channel, Contact, Message, Unmapped};
use crate::event::{Candidate, Draft, Facts, Kind};
use crate::lenient::{flag, text, time};

/// The surroundings of an update's content.
pub(super) struct Setting<'a> {
    bot: &'a str,
    /// The update's id; empty where it has none.
    id: &'a str,
    /// The sort of update: the key its content stands under.
    pub(super) sort: &'a str,
    /// The dedup key of the update.
    key: String,
    range: Range<usize>,
}

/// A chat: a person, a group or a channel.
pub(super) struct Chat {
    /// Telegram's id; negative for groups and channels. A private chat has the person's.
    pub(super) id: String,
    /// Whether only one person is in it.
    pub(super) private: bool,
    /// The group's name.
    pub(super) title: Option<String>,
    /// The chat as somebody who writes: channels and anonymous administrators do.
    pub(super) contact: Contact,
    /// The business connection through which the bot sees it.
    pub(super) connection: Option<String>,
}

impl<'a> Setting<'a> {
    /// The surroundings of what stands under `sort`. An update has one sort, and that is the
    /// `first`; should there be more, the others have keys of their own.
    pub(super) fn new(
        bot: &'a str,
        body: &'a str,
        id: Option<&'a str>,
        sort: &'a str,
        raw: &'a RawValue,
        first: bool,
    ) -> Self {
        let raw = raw.get();
        let start = raw.as_ptr().addr() - body.as_ptr().addr();
        let key = match id {
            Some(id) if first => format!("update:{bot}:{id}"),
            Some(id) => format!("update:{bot}:{id}:{sort}"),
            None => format!("update:{bot}::{sort}:{}", digest(raw.as_bytes())),
        };
        let id = id.unwrap_or_default();
        Self { bot, id, sort, key, range: start..start + raw.len() }
    }

    /// A draft with nothing in it but where it came from.
    pub(super) fn draft(&self, kind: Kind) -> Draft {
        Draft {
            kind,
            dedup_key: self.key.clone(),
            time: None,
            historical: false,
            anonymous: false,
            candidates: Vec::new(),
            facts: Box::new(Facts { channel: channel(self.bot), ..Facts::default() }),
            raw: self.range.clone(),
        }
    }

    /// One of several drafts of the update, by what tells it from the others.
    pub(super) fn part(&self, kind: Kind, part: &str) -> Draft {
        let mut draft = self.draft(kind);
        draft.dedup_key = format!("{}:{part}", self.key);
        draft
    }

    /// A draft of what nobody knows.
    pub(super) fn unmapped(&self, reason: impl Into<String>) -> Draft {
        let mut draft = self.draft(UNMAPPED);
        let field = Some(self.sort.to_owned()).filter(|it| !it.is_empty());
        draft.facts.unmapped = Some(Unmapped { field, reason: reason.into() });
        draft
    }

    /// A draft of what nobody knows, one of several of the update.
    pub(super) fn unmapped_part(&self, reason: &str, part: &Value) -> Draft {
        let mut draft = self.unmapped(reason);
        draft.dedup_key = format!("{}:{}", self.key, digest(part.to_string().as_bytes()));
        draft
    }

    /// A message that has no id of its own: the update's stands for it.
    pub(super) fn message(&self, kind: &str) -> Message {
        Message { id: self.id.to_owned(), kind: kind.to_owned(), ..Message::default() }
    }

    /// Whether a user is the bot itself, as far as the configuration tells. A person may have the
    /// name that the source has.
    pub(super) fn is_bot(&self, user: &Value) -> bool {
        let name = text(&user["username"]);
        let is_it = text(&user["id"]).as_deref() == Some(self.bot)
            || name.is_some_and(|it| it.eq_ignore_ascii_case(self.bot));
        is_it && flag(&user["is_bot"])
    }

    /// The conversation of a chat, and who said something there.
    pub(super) fn place(&self, draft: &mut Draft, chat: &Chat, contact: Option<Contact>) {
        draft.candidates = vec![self.candidate(chat, &chat.id)];
        draft.facts.contact = contact;
        draft.facts.conversation.group = (!chat.private).then(|| chat.id.clone());
        draft.facts.channel.business.clone_from(&chat.connection);
    }

    /// The conversation of somebody outside any chat: the private chat with the bot, whose id is
    /// the person's.
    pub(super) fn place_user(&self, draft: &mut Draft, user: &Value) {
        if let Some(contact) = contact(user) {
            draft.candidates = vec![Candidate::new("chat", self.bot, &contact.id)];
            draft.facts.contact = Some(contact);
        }
    }

    /// The identifier of a chat. One that is seen through a business connection is another chat
    /// than the bot's own with the same person.
    pub(super) fn candidate(&self, chat: &Chat, id: &str) -> Candidate {
        match &chat.connection {
            Some(it) => Candidate::new("chat", self.bot, &format!("{it}:{id}")),
            None => Candidate::new("chat", self.bot, id),
        }
    }
}

impl Chat {
    /// A chat, if it has an id.
    pub(super) fn of(value: &Value, connection: &Value) -> Option<Self> {
        let id = text(&value["id"])?;
        let private = match value["type"].as_str() {
            Some(word) => word == "private",
            None => !id.starts_with('-'),
        };
        let contact = contact(value)?;
        let title = text(&value["title"]);
        Some(Self { id, private, title, contact, connection: text(connection) })
    }
}

/// A user, or a chat that writes.
pub(super) fn contact(value: &Value) -> Option<Contact> {
    let names = [text(&value["first_name"]), text(&value["last_name"])];
    let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    Some(Contact {
        id: text(&value["id"])?,
        username: text(&value["username"]).map(|it| it.trim_start_matches('@').to_owned()),
        name: Some(name).filter(|it| !it.is_empty()).or_else(|| text(&value["title"])),
        ..Contact::default()
    })
}

/// When something happened; `date` in seconds.
pub(super) fn date(value: &Value) -> Option<jiff::Timestamp> {
    time(&value["date"])
}

/// A body of which nothing is known.
pub(super) fn whole(bot: &str, body: &[u8], reason: &str) -> Draft {
    Draft {
        kind: UNMAPPED,
        dedup_key: format!("unmapped:{bot}:{}", digest(body)),
        time: None,
        historical: false,
        anonymous: false,
        candidates: Vec::new(),
        facts: Box::new(Facts {
            channel: channel(bot),
            unmapped: Some(Unmapped { field: None, reason: reason.to_owned() }),
            ..Facts::default()
        }),
        raw: 0..body.len(),
    }
}

fn channel(bot: &str) -> Channel {
    Channel { provider: "telegram".into(), account: bot.to_owned(), ..Channel::default() }
}

/// Enough of a SHA-256 to tell fragments apart.
fn digest(fragment: &[u8]) -> String {
    hex::encode(&Sha256::digest(fragment)[..16])
}
