//! What the simulated FlowIQ knows, and how it writes it.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde_json::{Value, json};

/// Everything.
#[derive(Default)]
pub(super) struct Store {
    /// In the order of their first message.
    pub(super) conversations: Vec<Conversation>,
    /// The numbers of Shopify orders by their ids.
    pub(super) orders: BTreeMap<String, String>,
    by_number: HashMap<String, usize>,
    by_id: HashMap<String, usize>,
    /// Indices of conversations; the one that was active last stands last.
    active: Vec<usize>,
}

/// A contact and what was said.
pub(super) struct Conversation {
    pub(super) id: String,
    /// Digits.
    pub(super) number: String,
    /// As it was first written.
    pub(super) phone: String,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) unread: bool,
    pub(super) bot_status: Option<&'static str>,
    /// Oldest first.
    pub(super) messages: Vec<Message>,
}

#[derive(Clone)]
pub(super) struct Message {
    pub(super) text: String,
    pub(super) sender: &'static str,
    /// To the second.
    pub(super) created_at: Timestamp,
    pub(super) status: &'static str,
    pub(super) media: Option<&'static str>,
    pub(super) media_url: Option<String>,
    pub(super) assignee: Option<&'static str>,
    pub(super) transcription: Option<String>,
    pub(super) reactions: Vec<Value>,
}

impl Message {
    /// A text that nothing has happened to.
    pub(super) fn new(text: String, sender: &'static str, created_at: Timestamp) -> Self {
        Self {
            text,
            sender,
            created_at,
            status: "sent",
            media: None,
            media_url: None,
            assignee: None,
            transcription: None,
            reactions: Vec::new(),
        }
    }

    /// The reference's example has exactly these keys.
    pub(super) fn json(&self) -> Value {
        json!({
            "message": self.text,
            "sender_type": self.sender,
            "created_at": self.created_at.to_string(),
            "message_status": self.status,
            "media_type": self.media,
            "media_url": self.media_url,
            "assignee": self.assignee,
            "voice_note_transcription": self.transcription,
            "reactions": self.reactions,
        })
    }

    /// Whether one of these words occurs, in any case. The document does not say whether one
    /// or all of several must; the overview speaks of alternatives.
    pub(super) fn matches(&self, terms: &[String]) -> bool {
        let text = self.text.to_lowercase();
        terms.iter().any(|it| text.contains(&it.to_lowercase()))
    }
}

impl Conversation {
    pub(super) fn new(id: String, phone: &str) -> Self {
        Self {
            id,
            number: normalised(phone),
            phone: phone.to_owned(),
            name: None,
            email: None,
            tags: Vec::new(),
            unread: false,
            bot_status: None,
            messages: Vec::new(),
        }
    }

    /// The contact alone, by the fields of Flowapt's `OpenAPI` document.
    pub(super) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "full_name": self.name,
            "whatsapp_id": self.number,
            "phone_number": self.phone,
            "email": self.email,
            "tags": self.tags,
            "has_unread_messages": self.unread,
            "bot_status": self.bot_status,
            "archived": false,
        })
    }

    pub(super) fn matches(&self, search: &str) -> bool {
        let name = self.name.as_deref().unwrap_or_default().to_lowercase();
        let digits = normalised(search);
        name.contains(&search.trim().to_lowercase())
            || (!digits.is_empty() && self.number.contains(&digits))
    }
}

impl Store {
    /// The index of a conversation by its number, in any form.
    pub(super) fn by_number(&self, number: &str) -> Option<usize> {
        self.by_number.get(&normalised(number)).copied()
    }

    /// The index of a conversation by its contact's id.
    pub(super) fn by_id(&self, id: &str) -> Option<usize> {
        self.by_id.get(&id.to_lowercase()).copied()
    }

    /// Conversations, the one that was active last first.
    pub(super) fn active(
        &self,
    ) -> impl DoubleEndedIterator<Item = &Conversation> + ExactSizeIterator {
        self.active.iter().rev().map(|it| &self.conversations[*it])
    }

    /// Adds a conversation that is active from now on.
    pub(super) fn add(&mut self, conversation: Conversation) -> usize {
        let index = self.conversations.len();
        self.by_number.insert(conversation.number.clone(), index);
        self.by_id.insert(conversation.id.clone(), index);
        self.conversations.push(conversation);
        self.active.push(index);
        index
    }

    /// Adds a message. Time never runs backwards within a conversation.
    pub(super) fn append(&mut self, index: usize, mut message: Message) {
        let conversation = &mut self.conversations[index];
        if let Some(last) = conversation.messages.last() {
            message.created_at = message.created_at.max(last.created_at);
        }
        conversation.unread = message.sender == "user-whatsapp";
        conversation.messages.push(message);
        // Nearly always near the end: people write in bursts.
        if let Some(at) = self.active.iter().rposition(|it| *it == index) {
            self.active.remove(at);
        }
        self.active.push(index);
    }

    /// Brings the list of active conversations in order, after many were added at once.
    pub(super) fn sort(&mut self) {
        let conversations = &self.conversations;
        self.active.sort_by_key(|it| conversations[*it].messages.last().map(|it| it.created_at));
    }
}

/// A number as FlowIQ keeps it: its digits.
pub(super) fn normalised(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}
