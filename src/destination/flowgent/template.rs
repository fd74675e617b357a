//! `flowgent.template`: a WhatsApp template, sent through an agent.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::answer::{self, Asked, Verdict};
use super::{Access, BASE_URL, describe, named, text};
use crate::client::flowgent::API;
use crate::client::{Outgoing, Response};
use crate::config::Secret;
use crate::destination::{Adapter, Call, Define, Means, Outcome, Policy, Scope, Setup, Takes};

/// The names of a payload: those of the API.
const NAMES: &[&str] =
    &["recipient_phone_number", "template_name", "language", "customer_name", "parameters"];

/// A configured sender of templates.
pub(in crate::destination) struct Template {
    access: Access,
    agent: String,
    name: String,
    language: String,
    marketing: bool,
}

/// What stands under a destination with `kind: flowgent.template`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::destination) struct Config {
    /// The agent whose WhatsApp connection sends.
    agent_id: String,
    /// An API key, from FlowGent's settings.
    api_key: Secret,
    /// Where FlowGent is: another address for a simulator.
    base_url: String,
    /// The template that is sent where the route names none.
    template_name: String,
    /// Its language where the route names none: `en_US`, `nl_NL`.
    language: String,
    /// Whether it is advertising: then contacts who asked for none get none.
    marketing: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            agent_id: String::new(),
            api_key: Secret::default(),
            base_url: BASE_URL.to_owned(),
            template_name: String::new(),
            language: String::new(),
            marketing: false,
        }
    }
}

impl Define for Template {
    const KIND: &'static str = "flowgent.template";
    const SUMMARY: &'static str =
        "Sends a WhatsApp template through the connection of a FlowGent agent.";
    const PAYLOAD: Takes = Takes::Names(NAMES);
    // A notice is still worth something where an answer in a chat no longer is.
    const POLICY: Policy = Policy { max_age: Some(Duration::from_hours(1)), ..Policy::CHAT };
    type Config = Config;

    fn new(config: Config, _: &Setup) -> Result<Self, String> {
        Ok(Self {
            access: Access::new(&config.base_url, config.api_key)?.of_agent(&config.agent_id)?,
            agent: config.agent_id,
            name: config.template_name,
            language: config.language,
            marketing: config.marketing,
        })
    }

    fn means(self) -> Means {
        Means::Adapter(Arc::new(self))
    }
}

/// Digits with the country code, as the API takes them; people write more around them.
fn digits(number: &str) -> Option<String> {
    let number = number.trim();
    let number = number.strip_prefix('+').or_else(|| number.strip_prefix("00")).unwrap_or(number);
    if !number.bytes().all(|it| it.is_ascii_digit() || b" -().".contains(&it)) {
        return None;
    }
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    ((7..=15).contains(&digits.len()) && !digits.starts_with('0')).then_some(digits)
}

/// Whom the event is from.
fn contact(call: &Call) -> Result<String, Outcome> {
    let contact = call.event().facts.contact.as_ref();
    let known = contact.and_then(|it| it.wa_id.as_deref().or(it.phone.as_deref()));
    known.and_then(digits).ok_or_else(|| {
        Outcome::refused(
            "`recipient_phone_number`: the event's contact has no phone number; say one in the route",
        )
    })
}

impl Template {
    /// A name of the template that the route or else the settings say.
    fn required(
        fields: &Map<String, Value>,
        name: &str,
        otherwise: &str,
    ) -> Result<String, Outcome> {
        let otherwise = || Some(otherwise.to_owned()).filter(|it| !it.is_empty());
        text(fields, name)?.or_else(otherwise).ok_or_else(|| {
            Outcome::refused(format!("`{name}`: say it in the route or under the destination"))
        })
    }
}

impl Adapter for Template {
    fn request(&self, call: &Call) -> Result<Outgoing, Outcome> {
        if let Some(why) = call.standing.suppressed.as_ref().filter(|_| self.marketing) {
            return Err(Outcome::refused(format!("the contact wants no marketing: {why}")));
        }
        let nothing = Map::new();
        let fields = named(&call.payload, NAMES)?.unwrap_or(&nothing);
        let number = match text(fields, "recipient_phone_number")? {
            None => contact(call)?,
            Some(number) => digits(&number).ok_or_else(|| {
                Outcome::refused(format!(
                    "`recipient_phone_number`: `{number}` is no number with its country code"
                ))
            })?,
        };
        let mut body = Map::new();
        body.insert("recipient_phone_number".to_owned(), number.into());
        let template_name = Self::required(fields, "template_name", &self.name)?;
        body.insert("template_name".to_owned(), template_name.into());
        let language = Self::required(fields, "language", &self.language)?;
        body.insert("language".to_owned(), language.into());
        let contact = call.event().facts.contact.as_ref();
        let known = || contact.and_then(|it| it.name.clone()).filter(|it| !it.trim().is_empty());
        if let Some(name) = text(fields, "customer_name")?.or_else(known) {
            body.insert("customer_name".to_owned(), name.into());
        }
        match fields.get("parameters") {
            None | Some(Value::Null) => {}
            Some(Value::Array(components)) => {
                if let Some(at) = components.iter().position(|it| !it["type"].is_string()) {
                    return Err(Outcome::refused(format!(
                        "`parameters.{at}`: a component has a `type`: `header`, `body` or `button`"
                    )));
                }
                if !components.is_empty() {
                    body.insert("parameters".to_owned(), components.clone().into());
                }
            }
            Some(other) => {
                let found = describe(other);
                return Err(Outcome::refused(format!(
                    "`parameters`: expected a list of components, found {found}"
                )));
            }
        }
        self.access.request("template", call, None, Some(body))
    }

    fn outcome(&self, call: &Call, answer: &Response) -> Outcome {
        if let Some(problem) = (API.problem)(answer) {
            // The document shows this answer without its status.
            let verdict = if problem.message.contains("WhatsApp connection not found") {
                Verdict::Destination
            } else {
                answer::verdict(Asked::Template, problem.status, call.attempt)
            };
            return answer::outcome(verdict, &problem, call, &self.access, Some(&self.agent));
        }
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let id = body["messages"][0]["id"].as_str();
        id.map_or_else(Outcome::delivered, Outcome::received)
    }

    fn scopes(&self, _: &Call) -> Vec<Scope> {
        vec![self.access.credential(), Scope::Agent(self.agent.clone())]
    }

    fn secrets(&self) -> Vec<Secret> {
        self.access.secrets()
    }
}
