//! `flowxo.message`: what a contact said, to a Custom HTTP Bot.

use std::sync::Arc;

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{answer, base_url, filled, named, written};
use crate::client::{Account, Arguments, Outgoing, Response, flowxo};
use crate::config::Secret;
use crate::destination::{Adapter, Call, Define, Means, Outcome, Policy, Scope, Setup, Takes};
use crate::lenient::text;

pub(super) const NAMES: &[&str] = &["text", "channel", "from", "metadata"];

/// Tells a bot what a contact said.
pub(in crate::destination) struct FlowXoMessage {
    bot_id: String,
    secret: Secret,
    base_url: String,
}

/// What stands under a destination with `kind: flowxo.message`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::destination) struct Config {
    /// The bot's id: the last part of the URL that its page shows.
    bot_id: String,
    /// The bot's secret, from the same page.
    bot_secret: Secret,
    /// Where custom bots are spoken to.
    base_url: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bot_id: String::new(),
            bot_secret: Secret::default(),
            base_url: flowxo::BOTS.to_owned(),
        }
    }
}

impl Define for FlowXoMessage {
    const KIND: &'static str = "flowxo.message";
    const SUMMARY: &'static str = "What a contact said, to a Custom HTTP Bot of Flow XO; its output comes to a flowxo source.";
    const PAYLOAD: Takes = Takes::Names(NAMES);
    const POLICY: Policy = Policy::CHAT;
    type Config = Config;

    fn new(config: Config, _setup: &Setup) -> Result<Self, String> {
        if config.bot_id.is_empty() {
            return Err("`bot_id` is missing".to_owned());
        }
        if config.bot_secret.is_empty() {
            return Err("`bot_secret` is missing".to_owned());
        }
        let base_url = base_url(&config.base_url)?;
        Ok(Self { bot_id: config.bot_id, secret: config.bot_secret, base_url })
    }

    fn means(self) -> Means {
        Means::Adapter(Arc::new(self))
    }
}

/// The bot answers to the channel, so that it is the contact, or the group, unless the payload says
/// otherwise.
fn body(call: &Call) -> Result<Value, String> {
    let payload = named(&call.payload, NAMES)?;
    let said = written(&payload, call)?;
    let event = call.event();
    let contact = event.facts.contact.as_ref().filter(|it| !it.id.is_empty());
    let of_event = || contact.map(|it| named_person(&it.id, it.name.as_deref()));
    let from = payload.get("from").filter(|it| !it.is_null()).map(person).transpose()?;
    let missing = "`from`: the event has no contact, so it has to be said";
    let from = from.or_else(of_event).ok_or(missing)?;
    let group = event.facts.conversation.group.clone();
    let contact = || contact.map(|it| it.id.clone()).or_else(|| text(&from["id"]));
    let channel = filled(&payload, "channel")?.or(group).or_else(contact);
    let channel = channel.ok_or("`channel`: the event has no contact, so it has to be said")?;
    let metadata = match payload.get("metadata").filter(|it| !it.is_null()) {
        Some(own @ Value::Object(_)) => own.clone(),
        Some(_) => return Err("`metadata`: it is a map".to_owned()),
        None => metadata(call),
    };
    Ok(json!({
        "channel": { "id": channel },
        "from": from,
        "message": { "text": said },
        "metadata": metadata,
    }))
}

/// Where it comes from, for conditions within the flow.
fn metadata(call: &Call) -> Value {
    let event = call.event();
    let channel = &event.facts.channel;
    let mut metadata = Map::new();
    let mut say = |name: &str, value: String| drop(metadata.insert(name.to_owned(), value.into()));
    say("event", event.id.to_string());
    say("source", event.source.clone());
    say("provider", channel.provider.clone());
    say("account", channel.account.clone());
    say("conversation", event.conversation.map(|it| it.to_string()).unwrap_or_default());
    metadata.into()
}

fn person(value: &Value) -> Result<Value, String> {
    let id = text(value).or_else(|| text(&value["id"])).filter(|it| !it.trim().is_empty());
    let id = id.ok_or("`from`: it is an id, or a map with `id` and `name`")?;
    Ok(named_person(&id, text(&value["name"]).as_deref()))
}

fn named_person(id: &str, name: Option<&str>) -> Value {
    let mut person = json!({ "id": id });
    if let Some(name) = name {
        person["name"] = name.into();
    }
    person
}

impl Adapter for FlowXoMessage {
    fn request(&self, call: &Call) -> Result<Outgoing, Outcome> {
        let body = body(call).map_err(Outcome::refused)?;
        let credentials = [("bot_secret", self.secret.clone())].into();
        let account = Account { base_url: self.base_url.clone(), credentials };
        let values = [("bot_id", self.bot_id.clone())].into();
        let arguments = Arguments { values, body: Some(body), ..Arguments::default() };
        let today = call.now.to_zoned(TimeZone::UTC).date();
        flowxo::BOT.prepare(&account, &arguments, today).map_err(Outcome::refused)
    }

    fn outcome(&self, _call: &Call, answer: &Response) -> Outcome {
        answer::of_api(answer, &self.secret)
    }

    fn scopes(&self, _call: &Call) -> Vec<Scope> {
        vec![answer::scope(&self.secret)]
    }

    fn secrets(&self) -> Vec<Secret> {
        vec![self.secret.clone()]
    }
}
