//! What happens at the simulated Flow XO without being asked: users write, agents take over.

use std::collections::BTreeMap;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::store::{Bot, Conversation, Message, Store};
use super::{FlowXo, refused};

const BOTS: [Bot; 3] = [
    Bot { id: "603be93db1331d55a2e1b291", name: "whatsapp", platform: "whatsapp" },
    Bot { id: "60105b74d2b084f0b80bd45a", name: "nathanbot local", platform: "telegram" },
    Bot { id: "61a2b3c4d5e6f708192a3b4c", name: "shop", platform: "messenger" },
];
const NAMES: [&str; 8] =
    ["Nathan", "Secret Dude", "Aïcha", "Bo", "Chiara", "Dmitri", "Eun-ji", "Fatima"];
const TEXTS: [&str; 9] = [
    "Hi!",
    "Text me",
    "Command: \nMessage: Text me",
    "Where is my parcel?",
    "Ok",
    "👍",
    "Can I talk to a person?",
    "What are your opening hours?",
    "Thanks",
];
/// More than this is a slip of the hand.
const MOST: u64 = 5_000_000;

/// The API's moments have no more.
pub(super) fn to_the_millisecond(moment: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(moment.as_millisecond()).unwrap_or(moment)
}

impl FlowXo {
    pub(super) fn perform(
        &mut self,
        deed: &str,
        arguments: &Value,
        now: Timestamp,
    ) -> Option<Value> {
        let number = |name: &str, default| arguments[name].as_u64().unwrap_or(default);
        let now = to_the_millisecond(now);
        let mut random = Rng::with_seed(number("seed", 1));
        Some(match deed {
            "populate" => {
                let conversations = number("conversations", 10);
                let messages = number("messages", 20);
                if conversations.saturating_mul(messages.max(1)) > MOST {
                    return Some(json!({ "error": format!("at most {MOST} messages") }));
                }
                self.store.populate(conversations, messages, &mut random, now)
            }
            "message" => self.store.written(arguments, now),
            "advance" => self.store.advance(number("count", 1).min(MOST), &mut random, now),
            "truth" => self.store.truth(),
            "bot" => self.set_callback(arguments),
            "refuse" => {
                let status = number("status", 429).try_into().unwrap_or(429);
                let mut answered = refused(status, "refused by a deed");
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
        for nth in 0..conversations {
            let mut ago = if nth == 0 { 0 } else { within(random, 30 * 86_400_000, 4) };
            let mut times = Vec::new();
            for _ in 0..messages.max(1) {
                times.push(now.saturating_sub(SignedDuration::from_millis(ago)).unwrap_or(now));
                // A bot answers at once, and often twice.
                let most = if random.u8(..100) < 60 { 4_000 } else { 86_400_000 };
                ago += 1 + within(random, most, 3);
            }
            let bot = pick(random, &BOTS);
            let (mut user, mut taken) = (String::new(), true);
            while taken {
                user = random.u64(10_000_000_000..20_000_000_000).to_string();
                taken = self.by_id(&format!("{}/c/{user}", bot.id)).is_some();
            }
            let began = times.last().copied().unwrap_or(now);
            let index = self.newcomer(random, bot, user, began);
            if messages > 0 {
                for at in times.into_iter().rev() {
                    self.write(index, said(random, at));
                }
            }
        }
        self.sort();
        json!({ "conversations": self.conversations.len() })
    }

    fn newcomer(&mut self, random: &mut Rng, bot: Bot, user: String, at: Timestamp) -> usize {
        self.add(Conversation {
            bot,
            user,
            name: (random.u8(..100) < 90).then(|| pick(random, &NAMES).to_owned()),
            agent_mode: random.u8(..100) < 10,
            unreachable: pick(random, &[None, Some(false), Some(false), None]),
            created_at: at,
            messages: Vec::new(),
        })
    }

    /// `{from, text, role?, name?, agent_mode?}`: somebody writes, now. `from` is the user's id at
    /// the first bot, or a whole response path. `agent_mode`: who answers from now on.
    fn written(&mut self, arguments: &Value, now: Timestamp) -> Value {
        let Some(from) = arguments["from"].as_str().filter(|it| !it.is_empty()) else {
            return json!({ "error": "`from` is a user's id, as in \"17074777548\"" });
        };
        let role = match arguments["role"].as_str() {
            None | Some("channel") => "channel",
            Some("bot") => "bot",
            Some(_) => return json!({ "error": "`role` is `bot` or `channel`" }),
        };
        let (bot, user) = match from.split_once("/c/") {
            None => (BOTS[0], from),
            Some((id, user)) => match BOTS.into_iter().find(|it| it.id == id) {
                Some(bot) => (bot, user),
                None => return json!({ "error": format!("there is no bot `{id}`") }),
            },
        };
        let index = self.by_id(&format!("{}/c/{user}", bot.id)).unwrap_or_else(|| {
            // The same stranger is the same user in every run.
            let seed = user.bytes().fold(7, |all: u64, it| all.wrapping_mul(31) + u64::from(it));
            self.newcomer(&mut Rng::with_seed(seed), bot, user.to_owned(), now)
        });
        if let Some(name) = arguments["name"].as_str() {
            self.conversations[index].name = Some(name.to_owned());
        }
        if let Some(agent_mode) = arguments["agent_mode"].as_bool() {
            self.conversations[index].agent_mode = agent_mode;
        }
        let text = arguments["text"].as_str().unwrap_or_default();
        let mut message = Message::new(role, "text", text.into(), now);
        message.agent_mode = self.conversations[index].agent_mode;
        self.append(index, message);
        self.conversations[index].json()
    }

    /// `{count, seed}`: so many random changes. The answer counts them by kind.
    fn advance(&mut self, count: u64, random: &mut Rng, now: Timestamp) -> Value {
        let mut changes: BTreeMap<&str, u64> = BTreeMap::new();
        if self.conversations.is_empty() {
            return json!({ "changes": changes });
        }
        for _ in 0..count {
            let index = random.usize(..self.conversations.len());
            let draw = random.u8(..100);
            let conversation = &mut self.conversations[index];
            let kind = match draw {
                0..12 => {
                    conversation.agent_mode = !conversation.agent_mode;
                    "agent_mode"
                }
                12..22 => {
                    conversation.name = Some(format!("{} {}", pick(random, &NAMES), random.u8(..)));
                    "name"
                }
                22..30 => {
                    conversation.unreachable = Some(conversation.unreachable != Some(true));
                    "unreachable"
                }
                _ => {
                    let mut message = said(random, now);
                    message.agent_mode = conversation.agent_mode;
                    self.append(index, message);
                    "message"
                }
            };
            *changes.entry(kind).or_default() += 1;
        }
        json!({ "changes": changes })
    }

    /// Every conversation with every message, oldest first, as each would be answered now.
    fn truth(&self) -> Value {
        let list = self.conversations.iter().map(|conversation| {
            let messages = conversation.messages.iter().map(|it| conversation.message(it));
            json!({ "conversation": conversation.json(), "messages": messages.collect::<Vec<_>>() })
        });
        json!({ "conversations": list.collect::<Vec<_>>() })
    }
}

/// Milliseconds up to a most, short ones the likelier the higher the power.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "below a month")]
fn within(random: &mut Rng, most: i64, power: i32) -> i64 {
    (random.f64().powi(power) * most as f64) as i64
}

fn pick<T: Copy>(random: &mut Rng, list: &[T]) -> T {
    list[random.usize(..list.len())]
}

fn said(random: &mut Rng, at: Timestamp) -> Message {
    let text = pick(random, &TEXTS);
    let mut message = Message::new("channel", "text", text.into(), at);
    if random.bool() {
        return message;
    }
    message.role = "bot";
    let card = json!({ "title": text, "buttons": [{ "label": "Yes" }, { "label": "No" }] });
    (message.kind, message.body) = match random.u8(..100) {
        0..60 => {
            if random.u8(..100) < 20 {
                message.options = json!(["Yes", "No"]);
            }
            return message;
        }
        60..80 => {
            let custom = json!({ "text": text, "parse_mode": "MarkdownV2" });
            ("custom", custom.to_string().into())
        }
        80..90 => ("card", card),
        90..95 => ("card_set", json!([card])),
        _ => {
            let url = format!("https://media.example.com/{:016x}", random.u64(..));
            ("media", json!({ "type": "image", "url": url }))
        }
    };
    message
}
