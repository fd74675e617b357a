//! What the simulated Flow XO knows, and how it writes it.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Value, json};

/// Everything.
#[derive(Default)]
pub(super) struct Store {
    /// In the order in which they began to exist.
    pub(super) conversations: Vec<Conversation>,
    by_id: HashMap<String, usize>,
    /// Indices of conversations in the order of their activity; the last stands last.
    active: Vec<usize>,
    /// Messages so far, for their ids.
    count: u64,
}

/// A conversation and what was said.
pub(super) struct Conversation {
    pub(super) bot: Bot,
    pub(super) user: String,
    pub(super) name: Option<String>,
    pub(super) agent_mode: bool,
    /// Not always said.
    pub(super) unreachable: Option<bool>,
    pub(super) created_at: Timestamp,
    /// Oldest first.
    pub(super) messages: Vec<Message>,
}

/// A bot on one platform.
#[derive(Clone, Copy)]
pub(super) struct Bot {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) platform: &'static str,
}

/// A message, before it has an id.
pub(super) struct Message {
    pub(super) id: String,
    pub(super) role: &'static str,
    pub(super) agent_mode: bool,
    pub(super) kind: &'static str,
    /// What stands under the type's own key.
    pub(super) body: Value,
    pub(super) options: Value,
    pub(super) at: Timestamp,
}

impl Message {
    pub(super) fn new(role: &'static str, kind: &'static str, body: Value, at: Timestamp) -> Self {
        let (id, options) = (String::new(), Value::Null);
        Self { id, role, agent_mode: false, kind, body, options, at }
    }
}

impl Conversation {
    /// The response path.
    pub(super) fn id(&self) -> String {
        format!("{}/c/{}", self.bot.id, self.user)
    }

    /// When something happened last.
    fn activity(&self) -> Timestamp {
        self.messages.last().map_or(self.created_at, |it| it.at)
    }

    /// As the document shows it. Without messages there is no `last_message`.
    pub(super) fn json(&self) -> Value {
        let id = self.id();
        let mut json = json!({
            "agent_mode": self.agent_mode,
            "created_at": moment(self.created_at),
            "id_url_encoded": id.replace('/', "%2F"),
            "id": id,
            "bot_id": self.bot.id,
            "bot_name": self.bot.name,
            "platform": self.bot.platform,
            "user_id": self.user,
            "user_name": self.name,
        });
        if let Some(unreachable) = self.unreachable {
            json["unreachable"] = unreachable.into();
        }
        if let Some(message) = self.messages.last() {
            json["last_message"] = self.message(message);
        }
        json
    }

    /// One of its messages. The document shows a text (`message`, `options`) and a custom request
    /// (`custom`); other types are named there, but not shown, and stand under their name here.
    pub(super) fn message(&self, message: &Message) -> Value {
        let mut json = json!({
            "id": message.id,
            "role": message.role,
            "conversation": self.id(),
            "from": if message.role == "bot" { self.bot.id } else { &self.user },
            "agent_mode": message.agent_mode,
            "type": message.kind,
            "timestamp": moment(message.at),
        });
        if message.kind == "text" {
            json["message"] = message.body.clone();
            json["options"] = message.options.clone();
        } else {
            json[message.kind] = message.body.clone();
        }
        json
    }
}

impl Store {
    /// The index of a conversation by its response path.
    pub(super) fn by_id(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// Adds a conversation.
    pub(super) fn add(&mut self, conversation: Conversation) -> usize {
        let index = self.conversations.len();
        self.by_id.insert(conversation.id(), index);
        self.conversations.push(conversation);
        self.activate(index);
        index
    }

    /// Adds a message, and brings its conversation to the front.
    pub(super) fn append(&mut self, index: usize, message: Message) {
        self.write(index, message);
        if let Some(at) = self.active.iter().rposition(|it| *it == index) {
            self.active.remove(at);
        }
        self.activate(index);
    }

    /// Adds a message without a look at the order, and gives it an id that is greater than all
    /// before in its second. [`sort`](Self::sort) afterwards.
    pub(super) fn write(&mut self, index: usize, mut message: Message) {
        let conversation = &mut self.conversations[index];
        if let Some(last) = conversation.messages.last() {
            message.at = message.at.max(last.at);
        }
        self.count += 1;
        // As an `ObjectId`: seconds, five bytes of the machine, three of a counter.
        let (second, count) = (message.at.as_second(), self.count % 0x100_0000);
        message.id = format!("{second:08x}5051d9c0de{count:06x}");
        conversation.messages.push(message);
    }

    /// Brings conversations in the order of their activity, after many were written.
    pub(super) fn sort(&mut self) {
        let conversations = &self.conversations;
        self.active.sort_by_key(|it| conversations[*it].activity());
    }

    /// Puts it where it belongs in the order of activity.
    fn activate(&mut self, index: usize) {
        let at = self.after(self.conversations[index].activity());
        self.active.insert(at, index);
    }

    /// How many were active for the last time at this moment or before.
    fn after(&self, moment: Timestamp) -> usize {
        self.active.partition_point(|it| self.conversations[*it].activity() <= moment)
    }

    /// Conversations that were active last within these moments, the last one first. The document
    /// does not say which of its moments counts; the order is one of activity, so that does.
    pub(super) fn within(
        &self,
        start: Option<Timestamp>,
        end: Option<Timestamp>,
    ) -> impl ExactSizeIterator<Item = &Conversation> {
        let start = start.map_or(0, |start| {
            self.active.partition_point(|it| self.conversations[*it].activity() < start)
        });
        let end = end.map_or(self.active.len(), |it| self.after(it)).max(start);
        self.active[start..end].iter().rev().map(|it| &self.conversations[*it])
    }
}

/// Always with milliseconds.
fn moment(at: Timestamp) -> String {
    format!("{at:.3}")
}
