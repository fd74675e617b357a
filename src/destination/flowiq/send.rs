//! `flowiq.send`: a message into a conversation of FlowIQ's.

use std::sync::Arc;

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::answer;
use super::content::{NAMES, body};
use crate::client::{Account, Arguments, Outgoing, Response, flowiq};
use crate::config::Secret;
use crate::destination::{Adapter, Call, Define, Means, Outcome, Policy, Scope, Setup, Takes};
use crate::lenient::text;

/// Sends into a conversation.
pub(in crate::destination) struct FlowIqSend {
    tenant_id: String,
    token: Secret,
    base_url: String,
}

/// What stands under a destination with `kind: flowiq.send`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::destination) struct Config {
    /// The tenant's id, from Settings.
    tenant_id: String,
    /// The bearer token, from Settings, API Keys.
    token: Secret,
    /// Where the API is.
    base_url: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tenant_id: String::new(),
            token: Secret::default(),
            base_url: flowiq::API.base_url.unwrap_or_default().to_owned(),
        }
    }
}

impl Define for FlowIqSend {
    const KIND: &'static str = "flowiq.send";
    const SUMMARY: &'static str =
        "A WhatsApp message through FlowIQ, to a contact that it knows already.";
    const PAYLOAD: Takes = Takes::Names(NAMES);
    const POLICY: Policy = Policy::CHAT;
    type Config = Config;

    fn new(config: Config, _setup: &Setup) -> Result<Self, String> {
        if config.tenant_id.is_empty() {
            return Err("`tenant_id` is missing".to_owned());
        }
        if config.token.is_empty() {
            return Err("`token` is missing".to_owned());
        }
        let base_url = config.base_url.trim_end_matches('/').to_owned();
        if !base_url.starts_with("https://") && !base_url.starts_with("http://") {
            return Err(format!("`base_url` is `{base_url}`, no https:// URL"));
        }
        Ok(Self { tenant_id: config.tenant_id, token: config.token, base_url })
    }

    fn means(self) -> Means {
        Means::Adapter(Arc::new(self))
    }
}

impl FlowIqSend {
    fn body(&self, call: &Call) -> Result<Value, String> {
        let payload = match &call.payload {
            Value::Null => Map::new(),
            bare @ (Value::String(_) | Value::Number(_)) => {
                Map::from_iter([("text".to_owned(), bare.clone())])
            }
            Value::Object(payload) => payload.clone(),
            _ => return Err("the payload is a text, or a map".to_owned()),
        };
        if let Some(name) = payload.keys().find(|it| !NAMES.contains(&&***it)) {
            return Err(format!("`{name}`: it is not known; there are {}", NAMES.join(", ")));
        }
        let mut body = body(&payload, call)?;
        let to = payload.get("to").filter(|it| !it.is_null());
        if to.is_none() {
            self.open(call)?;
        }
        body.insert("phone_number".to_owned(), number(to, call)?.into());
        Ok(body.into())
    }

    /// `WhatsApp` takes a message after a day only as a template, and there are none here: FlowIQ
    /// would take it, and it would fail where nobody looks. Of a conversation on another number
    /// nothing is known.
    fn open(&self, call: &Call) -> Result<(), String> {
        let channel = &call.event().facts.channel;
        let is_ours = channel.provider == "flowiq" && channel.account == self.tenant_id;
        match call.standing.closes() {
            Some(closed) if is_ours && closed <= call.now => Err(format!(
                "the 24-hour window closed at {closed:.0}, and FlowIQ sends no templates"
            )),
            _ => Ok(()),
        }
    }
}

/// The number to write to, with `+`: as the payload says, or else the contact's.
fn number(to: Option<&Value>, call: &Call) -> Result<String, String> {
    let contact = call.event().facts.contact.as_ref();
    let (given, place) = match to {
        Some(to) => (text(to), "it is a phone number with its country code"),
        None => (
            contact.and_then(|it| {
                let id = Some(&it.id).filter(|it| it.bytes().all(|it| it.is_ascii_digit()));
                it.phone.clone().or_else(|| it.wa_id.clone()).or_else(|| id.cloned())
            }),
            "the contact has no phone number, so it has to be said",
        ),
    };
    let unfit = || format!("`to`: {place}");
    let given = given.ok_or_else(unfit)?;
    let digits: String = given.chars().filter(char::is_ascii_digit).collect();
    let rest = given.chars().all(|it| it.is_ascii_digit() || "+ -().".contains(it));
    if !rest || !(7..=15).contains(&digits.len()) {
        return Err(unfit());
    }
    Ok(format!("+{digits}"))
}

impl Adapter for FlowIqSend {
    fn request(&self, call: &Call) -> Result<Outgoing, Outcome> {
        let body = self.body(call).map_err(Outcome::refused)?;
        let credentials = [("token", self.token.clone())].into();
        let account = Account { base_url: self.base_url.clone(), credentials };
        let endpoint = flowiq::API.endpoints.iter().find(|it| it.call == "send");
        let endpoint = endpoint.expect("the table has what destinations call");
        let values = [("tenantId", self.tenant_id.clone())].into();
        let arguments = Arguments { values, body: Some(body), ..Arguments::default() };
        let today = call.now.to_zoned(TimeZone::UTC).date();
        endpoint.prepare(&account, &arguments, today).map_err(Outcome::refused)
    }

    fn outcome(&self, _call: &Call, answer: &Response) -> Outcome {
        answer::outcome(answer, &self.token, &self.tenant_id)
    }

    fn scopes(&self, _call: &Call) -> Vec<Scope> {
        vec![answer::scope(&self.token), Scope::Account(self.tenant_id.clone())]
    }

    fn secrets(&self) -> Vec<Secret> {
        vec![self.token.clone()]
    }
}
