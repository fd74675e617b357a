//! What FlowIQ answers, by the names of both of its pages: the overview's `content`, `sender`,
//! `timestamp`, `status`, `mediaType` are the reference's `message`, `sender_type`, `created_at`,
//! `message_status`, `media_type`.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::lenient;

/// The answer to `messages`.
#[derive(Debug)]
pub struct Messages {
    /// In the order of the answer.
    pub messages: Vec<Message>,
    /// `None` where the answer has none: then it is the only page.
    pub pagination: Option<Pagination>,
    /// What was looked for.
    pub search_terms: Vec<String>,
    /// Whether something was looked for.
    pub filtered: bool,
}

/// The answer to `contacts`.
#[derive(Debug)]
pub struct Contacts {
    /// In the order of the answer.
    pub contacts: Vec<Contact>,
    /// `None` where the answer has none: then it is the only page.
    pub pagination: Option<Pagination>,
}

/// The answer to `contact`.
#[derive(Debug)]
pub struct Found {
    /// The contact.
    pub contact: Contact,
    /// The number as it was given.
    pub original: Option<String>,
    /// The number as FlowIQ keeps it: digits.
    pub normalised: Option<String>,
}

/// A message. It has no id: two may be equal in every field.
#[derive(Debug)]
pub struct Message {
    /// The text; of a structured message, JSON in a string.
    pub text: Option<String>,
    /// `user-whatsapp`, `bot-whatsapp`, `human-whatsapp`, `system`.
    pub sender: Option<String>,
    /// When it was written, to the second.
    pub created_at: Option<Timestamp>,
    /// `sent`, `delivered`, `read`, `failed`.
    pub status: Option<String>,
    /// `image`, `video`, `audio`, `document`, `interactive`; `None` for text.
    pub media: Option<String>,
    /// Where the media are.
    pub media_url: Option<String>,
    /// The agent who has the conversation.
    pub assignee: Option<String>,
    /// What was said in a voice note.
    pub transcription: Option<String>,
    /// Reactions, as FlowIQ writes them; no page shows one.
    pub reactions: Vec<Value>,
    /// All of it, verbatim.
    pub raw: Box<RawValue>,
}

/// A contact.
#[derive(Debug)]
pub struct Contact {
    /// Its UUID.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its WhatsApp number: digits.
    pub whatsapp_id: Option<String>,
    /// Its number as somebody wrote it.
    pub phone_number: Option<String>,
    /// Its address.
    pub email: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Whether something was not read.
    pub unread: bool,
    /// `active`, `paused`; `None` where there is no bot.
    pub bot_status: Option<String>,
    /// Whether it is put away.
    pub archived: bool,
    /// All of it, verbatim.
    pub raw: Box<RawValue>,
}

/// Which page this is of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pagination {
    /// The number of the page; the first is 1.
    pub page: u64,
    /// How many pages there are.
    pub pages: u64,
    /// How many elements there are on all of them.
    pub total: u64,
    /// How many a page has.
    pub limit: u64,
    /// Whether there is a next page.
    pub has_next: bool,
    /// Whether there is a page before.
    pub has_previous: bool,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    messages: Option<&'a RawValue>,
    #[serde(borrow)]
    contacts: Option<&'a RawValue>,
    #[serde(borrow)]
    contact: Option<&'a RawValue>,
    #[serde(default)]
    pagination: Value,
    #[serde(default, rename = "searchTerms")]
    search_terms: Value,
    #[serde(default)]
    filtered: Value,
    #[serde(default)]
    original_phone: Value,
    #[serde(default)]
    normalized_phone: Value,
}

impl Envelope<'_> {
    fn read(body: &[u8]) -> Result<Envelope<'_>, String> {
        serde_json::from_slice(body).map_err(|it| format!("the answer is not readable: {it}"))
    }
}

impl Messages {
    /// Reads an answer. A message that is strange is still there, in `raw`.
    ///
    /// # Errors
    /// When it is not an answer to `messages` at all.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let envelope = Envelope::read(body)?;
        let messages = envelope.messages.ok_or("the answer has no `messages`")?;
        Ok(Self {
            messages: lenient::each(Some(messages)).into_iter().map(Message::read).collect(),
            pagination: Pagination::read(&envelope.pagination),
            search_terms: texts(&envelope.search_terms),
            filtered: lenient::flag(&envelope.filtered),
        })
    }
}

impl Contacts {
    /// Reads an answer. A contact that is strange is still there, in `raw`.
    ///
    /// # Errors
    /// When it is not an answer to `contacts` at all.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let envelope = Envelope::read(body)?;
        let contacts = envelope.contacts.ok_or("the answer has no `contacts`")?;
        Ok(Self {
            contacts: lenient::each(Some(contacts)).into_iter().map(Contact::read).collect(),
            pagination: Pagination::read(&envelope.pagination),
        })
    }
}

impl Found {
    /// Reads an answer.
    ///
    /// # Errors
    /// When it is not an answer to `contact` at all.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let envelope = Envelope::read(body)?;
        Ok(Self {
            contact: Contact::read(envelope.contact.ok_or("the answer has no `contact`")?),
            original: lenient::text(&envelope.original_phone),
            normalised: lenient::text(&envelope.normalized_phone),
        })
    }
}

impl Message {
    /// Reads one message, whatever it is.
    pub fn read(raw: &RawValue) -> Self {
        let it = lenient::object(raw).unwrap_or_default();
        Self {
            text: lenient::first(&it, &["message", "content"]),
            sender: lenient::first(&it, &["sender_type", "sender"]),
            created_at: ["created_at", "timestamp"].iter().find_map(|key| lenient::time(&it[key])),
            status: lenient::first(&it, &["message_status", "status"]),
            media: lenient::first(&it, &["media_type", "mediaType"]),
            media_url: lenient::first(&it, &["media_url", "mediaUrl"]),
            assignee: lenient::first(&it, &["assignee"]),
            transcription: lenient::first(&it, &["voice_note_transcription", "transcription"]),
            reactions: lenient::list(&it["reactions"]).to_vec(),
            raw: raw.to_owned(),
        }
    }
}

impl Contact {
    /// Reads one contact, whatever it is.
    pub fn read(raw: &RawValue) -> Self {
        let it = lenient::object(raw).unwrap_or_default();
        Self {
            id: lenient::first(&it, &["id", "contactId", "contact_id"]),
            name: lenient::first(&it, &["full_name", "name"]),
            whatsapp_id: lenient::first(&it, &["whatsapp_id", "whatsappNumber", "number"]),
            phone_number: lenient::first(&it, &["phone_number", "phoneNumber", "number"]),
            email: lenient::first(&it, &["email"]),
            tags: texts(&it["tags"]),
            unread: lenient::flag(&it["has_unread_messages"])
                || ["unread_count", "unreadCount"]
                    .iter()
                    .any(|key| lenient::integer(&it[key]).is_some_and(|it| it > 0)),
            bot_status: lenient::first(&it, &["bot_status"]),
            archived: lenient::flag(&it["archived"]),
            raw: raw.to_owned(),
        }
    }
}

impl Pagination {
    fn read(value: &Value) -> Option<Self> {
        let count = |keys: &[&str]| {
            let found = keys.iter().find_map(|key| lenient::integer(&value[*key]))?;
            u64::try_from(found).ok()
        };
        let flag = |keys: &[&str]| keys.iter().any(|key| lenient::flag(&value[*key]));
        value.as_object()?;
        Some(Self {
            page: count(&["currentPage"]).unwrap_or(1),
            pages: count(&["totalPages"]).unwrap_or_default(),
            total: count(&["totalMessages", "totalContacts"]).unwrap_or_default(),
            limit: count(&["messagesPerPage", "contactsPerPage"]).unwrap_or_default(),
            has_next: flag(&["hasNextPage"]),
            has_previous: flag(&["hasPrevPage", "hasPreviousPage"]),
        })
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(lenient::text).collect()
}
