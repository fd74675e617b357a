//! `flowbot.lead`: somebody's details go to a flow, which begins with them.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::access::{Access, needed};
use super::answer::Reading;
use super::outbound::seconds;
use super::said::{number, what, word};
use super::{PATIENT, endpoint, prepare};
use crate::client::{Arguments, Outgoing, Response};
use crate::config::{Period, Secret};
use crate::destination::{
    Adapter, Call, Define, Means, Outcome, Policy, Scope, Session, Setup, Takes,
};
use crate::event::phone::e164;

/// Sends leads.
pub(in crate::destination) struct Lead {
    access: Access,
    flow: String,
}

/// What stands under a destination with `kind: flowbot.lead`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::destination) struct Config {
    /// Where FlowBot is: `https://bot.example`. Required.
    base_url: String,
    /// The flow, which has a node API Lead Trigger. Required.
    flow_id: String,
    /// What the flow asks for: a token of the API, or what the flow itself is set up with.
    auth: Auth,
    /// With `auth: jwt`, the client ID, from Settings, API Access.
    client_id: String,
    /// With `auth: jwt`, the API key beside it; with `auth: api_key`, the flow's own, which goes
    /// into the header `X-Api-Key`.
    api_key: Secret,
    /// With `auth: jwt`, how long a token shall live; as FlowBot has it by default.
    ttl: Option<Period>,
    /// With `auth: basic`, the flow's user.
    username: String,
    /// With `auth: basic`, the flow's password.
    password: Secret,
    /// With `auth: bearer`, the flow's token.
    token: Secret,
    /// With `auth: hmac`, the flow's secret; the body's HMAC-SHA256 goes into the header
    /// `X-Signature-256`, in hexadecimal and without a prefix.
    hmac_secret: Secret,
}

/// What a flow asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Auth {
    /// A token of the API, had for `client_id` and `api_key`. Every flow takes it.
    #[default]
    Jwt,
    /// A key of the flow's own.
    ApiKey,
    /// A user and a password of the flow's own.
    Basic,
    /// A token of the flow's own.
    Bearer,
    /// A signature with a secret of the flow's own.
    Hmac,
    /// Nothing.
    None,
}

impl Define for Lead {
    const KIND: &'static str = "flowbot.lead";
    const SUMMARY: &'static str = "A lead for a flow of FlowBot AI: any fields, as its variables.";
    const PAYLOAD: Takes = Takes::Anything;
    const POLICY: Policy = PATIENT;
    type Config = Config;

    fn new(config: Config, _setup: &Setup) -> Result<Self, String> {
        let flow = needed("flow_id", &config.flow_id)?.to_owned();
        strangers(&config)?;
        let base_url = &*config.base_url;
        let secret = |name: &str, it: &Secret| {
            if it.is_empty() { Err(format!("`{name}` is missing")) } else { Ok(it.clone()) }
        };
        let proof = match config.auth {
            Auth::Jwt => {
                let (client, key) = (&config.client_id, &config.api_key);
                let access = Access::jwt(base_url, client, key, seconds(config.ttl)?)?;
                return Ok(Self { access, flow });
            }
            Auth::ApiKey => vec![("flow_api_key", secret("api_key", &config.api_key)?)],
            Auth::Basic => vec![
                ("flow_username", Secret::new(needed("username", &config.username)?)),
                ("flow_password", secret("password", &config.password)?),
            ],
            Auth::Bearer => vec![("token", secret("token", &config.token)?)],
            Auth::Hmac => vec![("hmac_secret", secret("hmac_secret", &config.hmac_secret)?)],
            Auth::None => Vec::new(),
        };
        // It belongs to the flow and to nothing else.
        let access = Access::fixed(base_url, |host| format!("flow {flow} at {host}"), proof)?;
        Ok(Self { access, flow })
    }

    fn means(self) -> Means {
        Means::Adapter(Arc::new(self))
    }
}

/// Refuses settings that belong to another `auth`: whoever wrote them expects them to be used.
fn strangers(config: &Config) -> Result<(), String> {
    let fits = |ways: &[Auth]| ways.contains(&config.auth);
    for (name, is_set, fits) in [
        ("client_id", !config.client_id.is_empty(), fits(&[Auth::Jwt])),
        ("api_key", !config.api_key.is_empty(), fits(&[Auth::Jwt, Auth::ApiKey])),
        ("ttl", config.ttl.is_some(), fits(&[Auth::Jwt])),
        ("username", !config.username.is_empty(), fits(&[Auth::Basic])),
        ("password", !config.password.is_empty(), fits(&[Auth::Basic])),
        ("token", !config.token.is_empty(), fits(&[Auth::Bearer])),
        ("hmac_secret", !config.hmac_secret.is_empty(), fits(&[Auth::Hmac])),
    ] {
        if is_set && !fits {
            return Err(format!("`{name}` belongs to another `auth`"));
        }
    }
    Ok(())
}

/// What is known of the event: the details that were left, and who left them.
fn known(call: &Call) -> Map<String, Value> {
    let facts = &call.event().facts;
    let contact = facts.contact.as_ref();
    let lead = facts.lead.as_ref();
    let mut fields = lead.map(|it| it.fields.clone()).unwrap_or_default();
    let source = lead.and_then(|it| it.origin.clone());
    let source = source.or_else(|| Some(facts.channel.provider.clone()));
    for (name, value) in [
        ("name", contact.and_then(|it| it.name.clone())),
        ("email", lead.and_then(|it| it.email.clone())),
        ("source", source),
        ("text", Some(call.text())),
    ] {
        if let Some(value) = value.filter(|it| !it.is_empty()) {
            fields.insert(name.to_owned(), value.into());
        }
    }
    fields
}

/// The lead's number, as FlowBot takes it.
fn phone(said: Option<&Value>, call: &Call) -> Result<Option<String>, Outcome> {
    let said = match said {
        None => return Ok(number(&call.event().facts)),
        Some(Value::Null) => return Ok(None),
        Some(said) => said,
    };
    let Some(text) = word(said) else {
        return Err(Outcome::refused(format!("`phone`: it is a text, not {}", what(said))));
    };
    let number = e164(&text, None);
    number.map(Some).ok_or_else(|| {
        Outcome::refused(format!("`phone`: a number with plus and country code, not `{text}`"))
    })
}

/// What the document lists is text; whatever else a lead says may be anything.
fn texts(fields: &mut Map<String, Value>) -> Result<(), Outcome> {
    for name in ["name", "email", "source", "product"] {
        let Some(value) = fields.remove(name).filter(|it| !it.is_null()) else { continue };
        let Some(text) = word(&value) else {
            let what = what(&value);
            return Err(Outcome::refused(format!("`{name}`: it is a text, not {what}")));
        };
        fields.insert(name.to_owned(), text.into());
    }
    Ok(())
}

impl Adapter for Lead {
    fn request(&self, call: &Call) -> Result<Outgoing, Outcome> {
        let mut fields = match &call.payload {
            Value::Null => known(call),
            Value::Object(fields) => fields.clone(),
            other => {
                let what = what(other);
                return Err(Outcome::refused(format!("a lead is a map of fields, not {what}")));
            }
        };
        let said = fields.remove("phone").filter(|_| call.payload.is_object());
        if let Some(phone) = phone(said.as_ref(), call)? {
            fields.insert("phone".to_owned(), phone.into());
        }
        texts(&mut fields)?;
        if fields.is_empty() {
            return Err(Outcome::refused("`phone`: the lead says nothing at all"));
        }
        let mut arguments = Arguments { body: Some(fields.into()), ..Arguments::default() };
        arguments.values.insert("flowId", self.flow.clone());
        let account = self.access.account(call)?;
        prepare(endpoint("webhook flow lead"), &account, &arguments, call)
    }

    fn outcome(&self, call: &Call, answer: &Response) -> Outcome {
        let reading = Reading { credential: &self.access.id, there: true, told: true };
        reading.outcome(answer, call.now)
    }

    fn scopes(&self, _call: &Call) -> Vec<Scope> {
        vec![self.access.scope()]
    }

    fn session(&self) -> Option<&dyn Session> {
        self.access.session()
    }

    fn secrets(&self) -> Vec<Secret> {
        self.access.secrets()
    }
}
