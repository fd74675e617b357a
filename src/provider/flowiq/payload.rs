//! What the poller hands over, as events. Its document holds the contact's record and the messages
//! verbatim:
//!
//! `{"contact": {…}, "messages": [{"twin": 0, "historical": false, "before": {…}, "message": {…}}],
//! "contacts": [{"revision": 1, "before": {…}, "contact": {…}}]}`
//!
//! `twin` counts the messages of the contact before it that look the same; `before` is what was told
//! of it earlier, and absent for what is new.

use std::ops::Range;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::message::{self, News, Profile, Told, Writer};
use crate::event::facts::{
    Channel, Contact, Conversation, Handover, Media, Message, Notice, Reaction, Status, Unmapped,
};
use crate::event::{Candidate, Draft, Facts, Kind};
use crate::lenient::{each, flag, integer, object, text};

/// What a `FlowIQ` source can say.
pub(super) const KINDS: &[Kind] = &[
    Kind::MESSAGE_RECEIVED,
    Kind::MESSAGE_SENT,
    Kind::MESSAGE_STATUS,
    Kind::MESSAGE_REACTION,
    Kind::MESSAGE_EDITED,
    Kind::CONTACT_UPDATED,
    Kind::HANDOVER_CHANGED,
    UNMAPPED,
];

/// A message with no kind of its own.
const UNMAPPED: Kind = Kind::named("flowiq.unmapped");

#[derive(Deserialize, Default)]
#[serde(default)]
struct Document<'a> {
    #[serde(borrow)]
    contact: Option<&'a RawValue>,
    #[serde(borrow)]
    messages: Option<&'a RawValue>,
    #[serde(borrow)]
    contacts: Option<&'a RawValue>,
}

/// What stands around a fragment.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Element<'a> {
    twin: Value,
    historical: Value,
    revision: Value,
    before: Value,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    contact: Option<&'a RawValue>,
}

/// Every event in a document, in its order; never empty.
pub(super) fn drafts(body: &[u8], tenant: &str) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let document = std::str::from_utf8(body).map_err(|_| "not UTF-8").and_then(|body| {
        let document: Document<'_> = serde_json::from_str(body).map_err(|_| "not readable")?;
        Ok((body, document))
    });
    let reason = match document {
        Ok((body, document)) => {
            let contact = document.contact.and_then(|it| object(it).ok()).unwrap_or_default();
            let setting = Setting { body, tenant, contact };
            for raw in each(document.messages) {
                setting.message(raw, &mut drafts);
            }
            for raw in each(document.contacts) {
                setting.contact(raw, &mut drafts);
            }
            "nothing in it"
        }
        Err(reason) => reason,
    };
    if drafts.is_empty() {
        drafts.push(Draft {
            kind: UNMAPPED,
            dedup_key: format!("unmapped:{}", digest(body)),
            anonymous: false,
            time: None,
            historical: false,
            candidates: Vec::new(),
            facts: Box::new(Facts {
                channel: channel(tenant),
                unmapped: Some(Unmapped { field: None, reason: reason.into() }),
                ..Facts::default()
            }),
            raw: 0..body.len(),
        });
    }
    drafts
}

fn channel(tenant: &str) -> Channel {
    Channel { provider: "flowiq".into(), account: tenant.to_owned(), ..Channel::default() }
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes)[..16])
}

/// What surrounds an element: whose conversation it is.
struct Setting<'a> {
    body: &'a str,
    tenant: &'a str,
    contact: Value,
}

impl Setting<'_> {
    /// A draft about a contact with nothing in it but that.
    fn draft(&self, kind: Kind, dedup_key: String, contact: &Value, raw: &RawValue) -> Draft {
        let id = message::contact_key(contact);
        let number = message::number(contact);
        let own = text(&contact["id"]);
        let candidate = |scheme, value: &String| Candidate::new(scheme, self.tenant, value);
        let profile = Profile::of(contact);
        let start = raw.get().as_ptr().addr() - self.body.as_ptr().addr();
        let raw: Range<usize> = start..start + raw.get().len();
        Draft {
            kind,
            dedup_key,
            anonymous: false,
            time: None,
            historical: false,
            candidates: [
                own.as_ref().map(|it| candidate("contact", it)),
                number.as_ref().map(|it| candidate("wa_id", it)),
            ]
            .into_iter()
            .flatten()
            .collect(),
            facts: Box::new(Facts {
                contact: id.map(|id| Contact {
                    id,
                    phone: number
                        .as_ref()
                        .filter(|it| (7..=15).contains(&it.len()))
                        .map(|it| format!("+{it}")),
                    wa_id: number,
                    name: profile.name,
                    ..Contact::default()
                }),
                channel: channel(self.tenant),
                conversation: Conversation { bot: profile.bot, ..Conversation::default() },
                ..Facts::default()
            }),
            raw,
        }
    }

    fn unmapped(&self, reason: &str, field: &str, contact: &Value, raw: &RawValue) -> Draft {
        let whose = message::contact_key(contact).unwrap_or_default();
        let key = format!("unmapped:{field}:{whose}:{}", digest(raw.get().as_bytes()));
        let mut draft = self.draft(UNMAPPED, key, contact, raw);
        draft.facts.unmapped =
            Some(Unmapped { field: Some(field.to_owned()), reason: reason.to_owned() });
        draft
    }

    /// A message that is new, or what changed about one.
    fn message(&self, raw: &RawValue, drafts: &mut Vec<Draft>) {
        let contact = &self.contact;
        let element: Element<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
        let Some(fragment) = element.message else {
            drafts.push(self.unmapped("an element without `message`", "messages", contact, raw));
            return;
        };
        let historical = flag(&element.historical);
        let value = match object(fragment) {
            Ok(value) => value,
            Err(reason) => {
                let reason = format!("a message that is {reason}");
                let mut draft = self.unmapped(&reason, "messages", contact, fragment);
                draft.historical = historical;
                drafts.push(draft);
                return;
            }
        };
        let whose = message::contact_key(contact).unwrap_or_default();
        let twin = integer(&element.twin).unwrap_or(0).max(0);
        let id = format!("{}.{twin}", message::digest(&whose, &value));
        let before: Option<Told> = serde_json::from_value(element.before).ok();
        let mut tell = |mut draft: Draft| {
            draft.historical = historical;
            drafts.push(draft);
        };
        if before.is_none() {
            tell(self.written(&id, &value, fragment));
        }
        for news in message::compare(before.as_ref(), &value).1 {
            let (kind, key) = match &news {
                News::Status(it) => (Kind::MESSAGE_STATUS, format!("status:{id}:{it}")),
                News::Reaction(_, _, it) => (Kind::MESSAGE_REACTION, format!("reaction:{id}:{it}")),
                News::Edited(it) => (Kind::MESSAGE_EDITED, format!("edited:{id}:{it}")),
            };
            let mut draft = self.draft(kind, key, contact, fragment);
            match news {
                News::Status(status) => {
                    draft.facts.status = Some(Status {
                        message_id: id.clone(),
                        status,
                        // What a contact wrote was received by us.
                        recipient: message::number(contact).filter(|_| message::is_ours(&value)),
                        ..Status::default()
                    });
                }
                News::Reaction(emoji, removed, _) => {
                    draft.facts.message = Some(Message {
                        id: id.clone(),
                        kind: "reaction".into(),
                        reaction: Some(Reaction {
                            message_id: id.clone(),
                            emoji: Some(emoji),
                            removed,
                        }),
                        ..Message::default()
                    });
                }
                News::Edited(_) => {
                    let said = said(&id, &value);
                    draft.facts.message = Some(Message { original: Some(id.clone()), ..said });
                }
            }
            tell(draft);
        }
    }

    fn written(&self, id: &str, value: &Value, raw: &RawValue) -> Draft {
        let kind = match message::Writer::of(value) {
            Some(Writer::Contact) => Kind::MESSAGE_RECEIVED,
            Some(Writer::Ours(_)) => Kind::MESSAGE_SENT,
            None => {
                let reason = "a message whose writer nobody knows";
                let mut draft = self.unmapped(reason, "messages", &self.contact, raw);
                draft.dedup_key = format!("unmapped:{id}");
                draft.time = message::moment(value);
                return draft;
            }
        };
        let mut draft = self.draft(kind, format!("message:{id}"), &self.contact, raw);
        draft.time = message::moment(value);
        draft.facts.message = Some(said(id, value));
        draft
    }

    /// A contact whose record changed.
    fn contact(&self, raw: &RawValue, drafts: &mut Vec<Draft>) {
        let element: Element<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
        let Some(fragment) = element.contact else {
            let reason = "an element without `contact`";
            drafts.push(self.unmapped(reason, "contacts", &Value::Null, raw));
            return;
        };
        let found = object(fragment).ok().and_then(|it| Some((message::contact_key(&it)?, it)));
        let Some((id, value)) = found else {
            let reason = "a contact without an id";
            drafts.push(self.unmapped(reason, "contacts", &Value::Null, fragment));
            return;
        };
        let revision = integer(&element.revision).unwrap_or(0);
        let before: Profile = serde_json::from_value(element.before).unwrap_or_default();
        let now = Profile::of(&value);
        let differences = now.differences(&before);
        let handover = now.handover(&before);
        if !differences.is_empty() || handover.is_none() {
            let key = format!("contact:{id}:{revision}:{}", digest(fragment.get().as_bytes()));
            let mut draft = self.draft(Kind::CONTACT_UPDATED, key, &value, fragment);
            draft.facts.notice = Some(Notice {
                field: "contacts".into(),
                value: Some(differences.join(", ")).filter(|it| !it.is_empty()),
                ..Notice::default()
            });
            drafts.push(draft);
        }
        if let Some(word) = handover {
            let key = format!("bot:{id}:{revision}:{word}");
            let mut draft = self.draft(Kind::HANDOVER_CHANGED, key, &value, fragment);
            let (previous, current) =
                if word == "paused" { ("bot", "human") } else { ("human", "bot") };
            draft.facts.handover = Some(Handover {
                event: word.to_owned(),
                previous: Some(previous.into()),
                current: Some(current.into()),
            });
            drafts.push(draft);
        }
    }
}

/// What a message says, whoever wrote it.
fn said(id: &str, value: &Value) -> Message {
    let content = message::content(value);
    let structure = content.as_deref().and_then(structure);
    let media_type = message::media_type(value);
    let url = message::media_url(value);
    let kind = match &media_type {
        Some(it) => it.clone(),
        None if structure.is_some() => "interactive".into(),
        None if url.is_some() => "document".into(),
        None => "text".into(),
    };
    let origin = match Writer::of(value) {
        Some(Writer::Ours(it)) => Some(it.to_owned()),
        _ => None,
    };
    let (text, options) = match &structure {
        Some(it) => (spoken(it), choices(it)),
        None => (content, None),
    };
    let transcription = message::transcription(value);
    Message {
        id: id.to_owned(),
        kind,
        text,
        media: url.map(|url| Media {
            url: Some(url),
            voice: transcription.is_some(),
            ..Media::default()
        }),
        origin,
        assignee: message::assignee(value),
        transcription,
        options,
        ..Message::default()
    }
}

/// The parts of a structured message, by which it is told from a text that happens to be JSON.
const PARTS: &[&str] = &["body", "header", "buttons", "sections", "footer", "action"];

/// The structure of a message, which is JSON in its text: `{"header": …, "body": …, "buttons": […]}`.
fn structure(content: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(content).ok().filter(Value::is_object)?;
    PARTS.iter().any(|it| !value[*it].is_null()).then_some(value)
}

/// What a person reads of a structured message.
fn spoken(value: &Value) -> Option<String> {
    let part = |it: &Value| text(it).or_else(|| text(&it["text"]));
    ["body", "text", "header", "footer"].iter().find_map(|it| part(&value[*it]))
}

/// What a structured message lets choose from.
fn choices(value: &Value) -> Option<Value> {
    let places = [&value["buttons"], &value["action"]["buttons"], &value["sections"]];
    let places = places.into_iter().chain([&value["action"]["sections"], &value["options"]]);
    places.into_iter().find(|it| !it.is_null()).cloned()
}
