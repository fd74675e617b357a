//! What happens at the simulated FlowIQ without being asked: customers write, messages are read.

use std::collections::BTreeMap;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::store::{Conversation, Message, Store};
use super::{FlowIq, refused};

const SENDERS: [&str; 4] = ["user-whatsapp", "bot-whatsapp", "human-whatsapp", "system"];
const NAMES: [&str; 8] = ["Amahle", "Ben", "Chipo", "Dineo", "Émile", "Farida", "Gugu", "John"];
const FAMILIES: [&str; 6] = ["Adams", "Botha", "Dlamini", "Khumalo", "Naidoo", "Smith"];
const AGENTS: [&str; 3] = ["Lerato", "Pieter", "Zanele"];
const TEXTS: [&str; 12] = [
    "Hello! How can I help you today?",
    "Hi",
    "Ok",
    "👍",
    "Thank you",
    "Where is my order #4275?",
    "This is urgent, please help",
    "One moment please",
    "We open at 8:00",
    "Is it still in stock?",
    "The parcel left our depot this morning.\nYou will get a message when it is near.",
    "Ngiyabonga kakhulu",
];
const EMOJIS: [&str; 4] = ["👍", "❤️", "😂", "🙏"];
/// The document's own example, and what `TEXTS` speaks of.
const ORDER: (&str, &str) = ("1234567890", "#4275");
/// More than this is a slip of the hand.
const MOST: u64 = 5_000_000;

/// The API's moments have no fraction.
pub(super) fn to_the_second(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment)
}

impl FlowIq {
    pub(super) fn perform(
        &mut self,
        deed: &str,
        arguments: &Value,
        now: Timestamp,
    ) -> Option<Value> {
        let number = |name: &str, default| arguments[name].as_u64().unwrap_or(default);
        let now = to_the_second(now);
        let mut random = Rng::with_seed(number("seed", 1));
        Some(match deed {
            "populate" => {
                let (conversations, messages) =
                    (number("conversations", 10), number("messages", 20));
                if conversations.saturating_mul(messages.max(1)) > MOST {
                    return Some(json!({ "error": format!("at most {MOST} messages") }));
                }
                self.store.populate(conversations, messages, &mut random, now)
            }
            "message" => self.store.written(arguments, now),
            "advance" => self.store.advance(number("count", 1).min(MOST), &mut random, now),
            "truth" => self.store.truth(),
            "refuse" => {
                let status = number("status", 429).try_into().unwrap_or(429);
                let mut answered = refused(status, "Too many requests", "Refused by a deed");
                if let Some(seconds) = arguments["retry_after"].as_u64() {
                    answered.headers.push(("retry-after", seconds.to_string()));
                }
                let times = number("times", 1).min(MOST);
                self.refusals.extend((0..times).map(|_| answered.clone()));
                json!({ "refusals": self.refusals.len() })
            }
            _ => return None,
        })
    }
}

impl Store {
    /// `{conversations, messages, seed}`: so many conversations of so many messages each, the last
    /// ones up to `now`, most of them within the last days.
    fn populate(
        &mut self,
        conversations: u64,
        messages: u64,
        random: &mut Rng,
        now: Timestamp,
    ) -> Value {
        self.orders.insert(ORDER.0.to_owned(), ORDER.1.to_owned());
        for nth in 0..conversations {
            let index = self.newcomer(random);
            // Few were active a moment ago, most within three days, some within a month.
            let mut ago = if nth == 0 { 0 } else { within(random, 30 * 86_400, 4) };
            let mut list: Vec<Message> = Vec::new();
            for _ in 0..messages {
                let at = now.saturating_sub(SignedDuration::from_secs(ago)).unwrap_or(now);
                match list.last() {
                    Some(later) if random.u8(..100) < 15 => list.push(twin(later, random)),
                    _ => list.push(said(random, at)),
                }
                if random.u8(..100) >= 20 {
                    ago += 1 + within(random, 86_400, 5);
                }
            }
            list.reverse();
            let conversation = &mut self.conversations[index];
            conversation.unread = list.last().is_some_and(|it| it.sender == SENDERS[0]);
            conversation.messages = list;
        }
        self.sort();
        json!({ "conversations": self.conversations.len() })
    }

    /// A contact that is new, of a number that no other has.
    fn newcomer(&mut self, random: &mut Rng) -> usize {
        let digits = |nth: usize| format!("27{:09}", 600_000_000 + nth * 7 % 400_000_000);
        let mut nth = self.conversations.len();
        while self.by_number(&digits(nth)).is_some() {
            nth += 1;
        }
        let digits = digits(nth);
        let written = if random.bool() { format!("+{digits}") } else { digits };
        self.stranger(random, &written)
    }

    fn stranger(&mut self, random: &mut Rng, phone: &str) -> usize {
        let id = uuid::Builder::from_random_bytes(random.u128(..).to_be_bytes()).into_uuid();
        let mut conversation = Conversation::new(id.to_string(), phone);
        if random.u8(..100) < 90 {
            conversation.name = Some(name(random));
        }
        if random.u8(..100) < 30 {
            conversation.email = Some(format!("customer{}@example.com", conversation.number));
        }
        if random.u8(..100) < 20 {
            conversation.tags.push("vip".to_owned());
        }
        conversation.bot_status =
            pick(random, &[Some("active"), Some("active"), Some("paused"), None]);
        self.add(conversation)
    }

    /// `{from, text, sender_type?, name?, bot_status?}`: somebody writes, now. `bot_status`: whether
    /// the bot answers from now on.
    fn written(&mut self, arguments: &Value, now: Timestamp) -> Value {
        let Some(from) =
            arguments["from"].as_str().filter(|it| it.contains(|it: char| it.is_ascii_digit()))
        else {
            return json!({ "error": "`from` is a number, as in \"27123456789\"" });
        };
        let sender = arguments["sender_type"].as_str().unwrap_or(SENDERS[0]);
        let Some(sender) = SENDERS.into_iter().find(|it| *it == sender) else {
            return json!({ "error": format!("`sender_type` is one of {}", SENDERS.join(", ")) });
        };
        let index = self.by_number(from).unwrap_or_else(|| {
            // The same stranger is the same contact in every run.
            let seed = from.bytes().fold(7, |all: u64, it| all.wrapping_mul(31) + u64::from(it));
            self.stranger(&mut Rng::with_seed(seed), from)
        });
        if let Some(name) = arguments["name"].as_str() {
            self.conversations[index].name = Some(name.to_owned());
        }
        let status = arguments["bot_status"].as_str();
        if let Some(status) = ["active", "paused"].into_iter().find(|it| status == Some(*it)) {
            self.conversations[index].bot_status = Some(status);
        }
        let text = arguments["text"].as_str().unwrap_or_default().to_owned();
        self.append(index, Message::new(text, sender, now));
        let conversation = &self.conversations[index];
        json!({ "contact": conversation.json(), "message": conversation.messages.last().map(Message::json) })
    }

    /// `{count, seed}`: so many random changes. The answer counts them by kind.
    fn advance(&mut self, count: u64, random: &mut Rng, now: Timestamp) -> Value {
        let mut changes: BTreeMap<&str, u64> = BTreeMap::new();
        if self.conversations.is_empty() {
            return json!({ "changes": changes });
        }
        for _ in 0..count {
            let index = random.usize(..self.conversations.len());
            let kind = self.change(index, random).unwrap_or_else(|| {
                let last = self.conversations[index].messages.last();
                // Twice within one second, where it is the same second still.
                let message = match last {
                    Some(last) if last.created_at == now && random.u8(..100) < 50 => {
                        twin(last, random)
                    }
                    _ => said(random, now),
                };
                self.append(index, message);
                "message"
            });
            *changes.entry(kind).or_default() += 1;
        }
        json!({ "changes": changes })
    }

    /// A change to what is there; `None` when a message is due instead.
    fn change(&mut self, index: usize, random: &mut Rng) -> Option<&'static str> {
        let conversation = &mut self.conversations[index];
        let number = conversation.number.clone();
        let draw = random.u8(..100);
        let kind = match draw {
            0..25 => "status",
            25..32 => "reaction",
            32..40 => "transcription",
            40..45 => "assignee",
            45..50 => {
                let paused = conversation.bot_status == Some("paused");
                conversation.bot_status = Some(if paused { "active" } else { "paused" });
                return Some("bot_status");
            }
            50..55 => {
                conversation.name = Some(name(random));
                return Some("name");
            }
            _ => return None,
        };
        // What changes is recent.
        let fits = |it: &&mut Message| match kind {
            "status" => matches!(it.status, "sent" | "delivered"),
            "transcription" => it.media == Some("audio") && it.transcription.is_none(),
            _ => true,
        };
        let skip = random.usize(..4);
        let message = conversation.messages.iter_mut().rev().filter(fits).take(skip + 1).last()?;
        match kind {
            "status" => {
                message.status = match message.status {
                    "sent" if random.u8(..100) < 5 => "failed",
                    "sent" => "delivered",
                    _ => "read",
                };
            }
            "reaction" => {
                let emoji = pick(random, &EMOJIS);
                // One of each person, so that a second one changes the first.
                message.reactions = vec![json!({ "emoji": emoji, "from": number })];
            }
            "transcription" => message.transcription = Some(pick(random, &TEXTS).to_owned()),
            _ => message.assignee = Some(pick(random, &AGENTS)),
        }
        Some(kind)
    }

    /// Every contact with every message, oldest first, as each would be answered now.
    fn truth(&self) -> Value {
        let list = self.conversations.iter().map(|it| {
            let messages: Vec<Value> = it.messages.iter().map(Message::json).collect();
            json!({ "contact": it.json(), "messages": messages })
        });
        json!({ "conversations": list.collect::<Vec<_>>() })
    }
}

/// Seconds up to a most, short ones the likelier the higher the power.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "below a month")]
fn within(random: &mut Rng, most: i64, power: i32) -> i64 {
    (random.f64().powi(power) * most as f64) as i64
}

fn pick<T: Copy>(random: &mut Rng, list: &[T]) -> T {
    list[random.usize(..list.len())]
}

fn name(random: &mut Rng) -> String {
    format!("{} {}", pick(random, &NAMES), pick(random, &FAMILIES))
}

/// The same sender and text within the same second: only its status may tell them apart.
fn twin(message: &Message, random: &mut Rng) -> Message {
    Message { status: pick(random, &["sent", "delivered", message.status]), ..message.clone() }
}

fn said(random: &mut Rng, at: Timestamp) -> Message {
    let sender = match random.u8(..100) {
        0..50 => SENDERS[0],
        50..80 => SENDERS[1],
        80..97 => SENDERS[2],
        _ => SENDERS[3],
    };
    let mut message = Message::new(pick(random, &TEXTS).to_owned(), sender, at);
    message.status = pick(random, &["sent", "delivered", "read", "read"]);
    if sender == "human-whatsapp" {
        message.assignee = Some(pick(random, &AGENTS));
    }
    let media = match random.u8(..100) {
        0..4 => "image",
        4..12 => "audio",
        12..14 => "document",
        14..15 => "video",
        15..18 if sender == "bot-whatsapp" => {
            message.media = Some("interactive");
            let body = json!({ "body": message.text, "buttons": ["Yes", "No"] });
            message.text = body.to_string();
            return message;
        }
        _ => return message,
    };
    message.media = Some(media);
    message.media_url = Some(format!("https://media.example.com/{:016x}", random.u64(..)));
    if media != "document" {
        message.text.clear();
    }
    message
}
