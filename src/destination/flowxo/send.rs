//! `flowxo.send`: writes into a conversation of a bot.

use std::sync::Arc;

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{answer, base_url, endpoint, filled, named, written};
use crate::client::{Account, Arguments, Outgoing, Response, flowxo};
use crate::config::Secret;
use crate::destination::{Adapter, Call, Define, Means, Outcome, Policy, Scope, Setup, Takes};

pub(super) const NAMES: &[&str] = &[
    "to",
    "response_path",
    "text",
    "image",
    "video",
    "file",
    "media",
    "card",
    "card_set",
    "custom",
];

/// What stands for a message. There is one of them, or the event's text is sent.
const CONTENTS: &[&str] =
    &["text", "image", "video", "file", "media", "card", "card_set", "custom"];

/// What a file may be.
const MEDIA: &[&str] = &["image", "video", "file"];

/// Writes into a conversation.
pub(in crate::destination) struct FlowXoSend {
    api_key: Secret,
    bot_id: Option<String>,
    base_url: String,
}

/// What stands under a destination with `kind: flowxo.send`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::destination) struct Config {
    /// The API key of the account, from the owner's profile.
    api_key: Secret,
    /// The bot that writes, by its id. Without it, the one that the event arrived at.
    bot_id: String,
    /// Where the API is.
    base_url: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            api_key: Secret::default(),
            bot_id: String::new(),
            base_url: flowxo::API.base_url.unwrap_or_default().to_owned(),
        }
    }
}

impl Define for FlowXoSend {
    const KIND: &'static str = "flowxo.send";
    const SUMMARY: &'static str = "A message into a conversation that a bot of Flow XO has.";
    const PAYLOAD: Takes = Takes::Names(NAMES);
    const POLICY: Policy = Policy::CHAT;
    type Config = Config;

    fn new(config: Config, _setup: &Setup) -> Result<Self, String> {
        if config.api_key.is_empty() {
            return Err("`api_key` is missing".to_owned());
        }
        let bot_id = Some(config.bot_id).filter(|it| !it.is_empty());
        Ok(Self { api_key: config.api_key, bot_id, base_url: base_url(&config.base_url)? })
    }

    fn means(self) -> Means {
        Means::Adapter(Arc::new(self))
    }
}

impl FlowXoSend {
    fn body(&self, call: &Call) -> Result<Value, String> {
        let payload = named(&call.payload, NAMES)?;
        let path = self.response_path(&payload, call)?;
        let (kind, message) = message(&payload, call)?;
        Ok(json!({ "response_path": path, "type": kind, "message": message }))
    }

    /// Where the conversation is: `<bot>/c/<user>`.
    fn response_path(&self, payload: &Map<String, Value>, call: &Call) -> Result<String, String> {
        if let Some(path) = filled(payload, "response_path")? {
            let is_path = path.split_once("/c/").is_some_and(|it| !it.0.is_empty());
            let unfit = || "`response_path`: it looks like `<bot>/c/<user>`".to_owned();
            return Some(path).filter(|_| is_path).ok_or_else(unfit);
        }
        let facts = &call.event().facts;
        let own = || facts.channel.provider == "flowxo" && !facts.channel.account.is_empty();
        let bot = self.bot_id.clone().or_else(|| own().then(|| facts.channel.account.clone()));
        let bot = bot.ok_or(
            "`response_path`: the event did not arrive at a bot of Flow XO, so it has to be said, \
             or the destination needs a `bot_id`",
        )?;
        let contact = facts.contact.as_ref().map(|it| it.id.clone()).filter(|it| !it.is_empty());
        let user = filled(payload, "to")?.or(contact);
        let user = user.ok_or("`to`: the event has no contact, so it has to be said")?;
        Ok(format!("{bot}/c/{user}"))
    }
}

/// What is sent, and of what type it is.
/// <https://support.flowxo.com/article/295-sending-messages-via-api>
fn message(payload: &Map<String, Value>, call: &Call) -> Result<(&'static str, Value), String> {
    let mut given = CONTENTS.iter().copied().filter(|it| payload.contains_key(*it));
    let name = given.next();
    if let (Some(name), Some(other)) = (name, given.next()) {
        return Err(format!(
            "`{other}`: there is a `{name}` already, and a message is one of them"
        ));
    }
    let value = name.map_or(&Value::Null, |it| &payload[it]);
    Ok(match name {
        None | Some("text") => ("text", json!({ "body": written(payload, call)? })),
        Some("media") => ("media", medium(value, "media")?),
        Some(kind @ ("image" | "video" | "file")) => {
            let mut fields = match value {
                Value::String(url) => Map::from_iter([("url".to_owned(), url.as_str().into())]),
                Value::Object(fields) => fields.clone(),
                _ => return Err(format!("`{kind}`: it is a URL, or a map with `url`")),
            };
            fields.insert("type".to_owned(), kind.into());
            ("media", medium(&Value::Object(fields), kind)?)
        }
        Some("custom") if value.is_null() => {
            return Err("`custom`: it is what the platform takes".to_owned());
        }
        Some("custom") => ("custom", value.clone()),
        Some("card") if value.is_object() => ("card", value.clone()),
        Some("card_set") if value.is_object() || value.is_array() => ("card_set", value.clone()),
        Some(name) => return Err(format!("`{name}`: it is a map, as Flow XO shows it")),
    })
}

fn medium(value: &Value, place: &str) -> Result<Value, String> {
    const FIELDS: &[&str] = &["type", "url", "filename", "thumbnail", "caption"];
    let Value::Object(fields) = value else {
        return Err(format!("`{place}`: it is a map with `type` and `url`"));
    };
    if let Some(name) = fields.keys().find(|it| !FIELDS.contains(&&***it)) {
        return Err(format!("`{place}.{name}`: it is not known; there are {}", FIELDS.join(", ")));
    }
    if !value["type"].as_str().is_some_and(|it| MEDIA.contains(&it)) {
        return Err(format!("`{place}.type`: it is one of {}", MEDIA.join(", ")));
    }
    let url = value["url"].as_str().unwrap_or_default();
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(format!("`{place}.url`: it is a URL"));
    }
    Ok(value.clone())
}

impl Adapter for FlowXoSend {
    fn request(&self, call: &Call) -> Result<Outgoing, Outcome> {
        let body = self.body(call).map_err(Outcome::refused)?;
        let credentials = [("token", self.api_key.clone())].into();
        let account = Account { base_url: self.base_url.clone(), credentials };
        let arguments = Arguments { body: Some(body), ..Arguments::default() };
        let today = call.now.to_zoned(TimeZone::UTC).date();
        endpoint("send").prepare(&account, &arguments, today).map_err(Outcome::refused)
    }

    fn outcome(&self, _call: &Call, answer: &Response) -> Outcome {
        answer::of_api(answer, &self.api_key)
    }

    fn scopes(&self, _call: &Call) -> Vec<Scope> {
        vec![answer::scope(&self.api_key)]
    }

    fn secrets(&self) -> Vec<Secret> {
        vec![self.api_key.clone()]
    }
}
