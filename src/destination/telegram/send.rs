//! `telegram.send`: messages of a bot.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::{self, Class};
use super::method::{METHODS, is_message};
use super::payload::{self, Message};
use crate::client::{Outgoing, Response};
use crate::config::{Rate, Secret};
use crate::destination::fingerprint::fingerprint;
use crate::destination::{
    Adapter, Call, Define, Limit, Means, Outcome, Policy, Scope, Setup, Takes,
};
use crate::http::Unanswered;

/// How a reason begins that says under which id a group goes on; the id follows.
const MOVED: &str = "the group became the supergroup ";
/// How a reason begins that says that the event's topic is gone.
const NO_TOPIC: &str = "the topic is gone";

/// Sends messages.
#[derive(Debug)]
pub(in crate::destination) struct Send {
    token: Secret,
    /// The bot's id: what stands before the colon of its token, and no secret.
    bot: String,
    base_url: String,
    marketing: bool,
}

/// What stands under a destination with `kind: telegram.send`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::destination) struct Config {
    /// The bot's token, as `@BotFather` gave it.
    bot_token: Secret,
    /// Where the Bot API is.
    base_url: String,
    /// Whether what is sent is marketing: it is not sent to contacts who want none. A payload can
    /// say so too, by `marketing`.
    marketing: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bot_token: Secret::default(),
            base_url: "https://api.telegram.org".to_owned(),
            marketing: false,
        }
    }
}

impl Define for Send {
    const KIND: &'static str = "telegram.send";
    const SUMMARY: &'static str =
        "A message of a Telegram bot: by default the event's text, to the chat it came from.";
    const PAYLOAD: Takes = Takes::Anything;
    const POLICY: Policy = Policy::CHAT;
    type Config = Config;

    fn new(config: Config, _setup: &Setup) -> Result<Self, String> {
        let Config { bot_token: token, base_url, marketing } = config;
        if token.is_empty() {
            return Err("`bot_token` is missing".to_owned());
        }
        // It stands in a path, so nothing in it may have a meaning there.
        let bot = match token.expose().split_once(':') {
            Some((bot, key)) if is_digits(bot) && is_key(key) => bot.to_owned(),
            _ => return Err("`bot_token` is a number, a colon, and letters and digits".to_owned()),
        };
        let base_url = base_url.trim_end_matches('/').to_owned();
        let is_url = ["https://", "http://"].iter().any(|it| base_url.starts_with(it));
        if !is_url || base_url.contains(['?', '#']) {
            return Err("`base_url` is a URL, as in https://api.telegram.org".to_owned());
        }
        Ok(Self { token, bot, base_url, marketing })
    }

    fn means(self) -> Means {
        Means::Adapter(Arc::new(self))
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit())
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it))
}

impl Send {
    /// What is called, with what earlier attempts found out.
    fn message(&self, call: &Call) -> Result<Message, String> {
        let mut message = payload::message(call)?;
        let last = call.last.as_deref().unwrap_or_default();
        if let Some(chat) = moved(last) {
            message.body.insert("chat_id".to_owned(), chat.into());
        }
        if message.topic_is_found && last.contains(NO_TOPIC) {
            message.body.remove("message_thread_id");
        }
        let is_marketing = message.marketing.unwrap_or(self.marketing);
        match &call.standing.suppressed {
            Some(why) if is_marketing && is_message(&message.method) => {
                Err(format!("the contact must not be sent marketing: {why}"))
            }
            _ => Ok(message),
        }
    }

    fn credential(&self) -> Scope {
        let Self { bot, token, .. } = self;
        // Another token of the same bot is another credential.
        Scope::Credential(format!("telegram {bot} {}", fingerprint(token.expose())))
    }
}

/// The id under which a group goes on, where the last attempt was told.
fn moved(last: &str) -> Option<i64> {
    let (_, rest) = last.split_once(MOVED)?;
    let end = rest.find(|it: char| it != '-' && !it.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// Keeps in mind what earlier attempts found out: it stands in front of the reason.
fn remembering(call: &Call, mut outcome: Outcome) -> Outcome {
    let last = call.last.as_deref().unwrap_or_default();
    let Outcome::Retry { reason, .. } = &mut outcome else { return outcome };
    if let Some(chat) = moved(last).filter(|_| !reason.contains(MOVED)) {
        *reason = format!("{MOVED}{chat}; {reason}");
    }
    if last.contains(NO_TOPIC) && !reason.contains(NO_TOPIC) {
        *reason = format!("{NO_TOPIC}; {reason}");
    }
    outcome
}

impl Adapter for Send {
    fn request(&self, call: &Call) -> Result<Outgoing, Outcome> {
        let Message { method, body, .. } = self.message(call).map_err(Outcome::refused)?;
        let url = format!("{}/bot{}/{method}", self.base_url, self.token.expose());
        let json = || Secret::new("application/json");
        let headers = vec![("accept".into(), json()), ("content-type".into(), json())];
        let body = serde_json::Value::from(body).to_string().into();
        Ok(Outgoing { method: "POST", url, headers, body })
    }

    fn outcome(&self, call: &Call, answer: &Response) -> Outcome {
        let (class, said) = answer::read(answer);
        let message = self.message(call).ok();
        let again = |reason: String| Outcome::Retry { reason, after: Some(Duration::ZERO) };
        let outcome = match class {
            Class::Done(receipt) => {
                let is_message = message.is_some_and(|it| is_message(&it.method));
                receipt.filter(|_| is_message).map_or_else(Outcome::delivered, Outcome::received)
            }
            Class::Retry(after) => Outcome::Retry { reason: said, after },
            Class::Token => Outcome::pause(self.credential(), said, None),
            // A method of the table is there, so it is the bot that is not.
            Class::Unknown => match message {
                Some(it) if METHODS.iter().any(|row| row.name == it.method) => {
                    Outcome::pause(self.credential(), format!("{said}: no such bot"), None)
                }
                _ => Outcome::refused(said),
            },
            Class::Moved(chat) => match message.as_ref().and_then(Message::chat) {
                Some(known) if known == chat.to_string() => Outcome::refused(said),
                _ => again(format!("{MOVED}{chat}")),
            },
            Class::Topic => match message {
                Some(it) if it.topic_is_found && it.body.contains_key("message_thread_id") => {
                    again(format!("{NO_TOPIC}; the message goes to the group itself"))
                }
                _ => Outcome::refused(said),
            },
            Class::Refused => Outcome::refused(said),
        };
        remembering(call, outcome)
    }

    fn unanswered(&self, call: &Call, why: Unanswered) -> Outcome {
        // There is neither an idempotency key nor a receipt to wait for: a message twice is
        // better than none.
        match why {
            Unanswered::Unsendable => Outcome::refused(why.to_string()),
            _ => remembering(call, Outcome::retry(why.to_string())),
        }
    }

    /// <https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this>
    fn limits(&self, call: &Call) -> Vec<Limit> {
        let Ok(message) = self.message(call) else { return Vec::new() };
        // 95 % of what is documented.
        let limit = |key, count, seconds| {
            let rate = Rate { count, per: Duration::from_secs(seconds) * 20 / 19 };
            Limit { key, rate, burst: 1 }
        };
        let bot = &self.bot;
        let mut limits = vec![limit(format!("telegram {bot}"), 30, 1)];
        if let Some(chat) = message.chat().filter(|_| is_message(&message.method)) {
            let key = format!("telegram {bot} to {}", fingerprint(&chat));
            // Groups and channels; evenly spaced, it is within the limit of a chat as well.
            let is_group = chat.starts_with(['-', '@']);
            limits.push(if is_group { limit(key, 20, 60) } else { limit(key, 1, 1) });
        }
        limits
    }

    fn scopes(&self, _call: &Call) -> Vec<Scope> {
        vec![self.credential()]
    }

    fn secrets(&self) -> Vec<Secret> {
        vec![self.token.clone()]
    }
}
