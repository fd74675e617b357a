//! `flowbot.call`: any other row of FlowBot's map.

use std::slice;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::access::Access;
use super::answer::Reading;
use super::outbound::seconds;
use super::said::{camel, number, what, word};
use super::{PATIENT, prepare, share, unflagged};
use crate::client::flowbot::API;
use crate::client::{
    Account, Arguments, Auth, Body, Endpoint, Kind, Outgoing, Parameter, Place, Response, unchecked,
};
use crate::config::{Period, Rate, Secret};
use crate::destination::{
    Adapter, Call as Attempt, Define, Limit, Means, Outcome, Policy, Scope, Session, Setup, Takes,
};

/// Rows that have a kind of their own, which knows their rules.
const OTHERS: &[(&str, &str)] = &[
    ("webhook outbound", "flowbot.outbound"),
    ("webhook flow lead", "flowbot.lead"),
    ("conversations reply", "flowbot.reply"),
];

/// Rows that the gateway itself calls.
const OURS: &[&str] = &["auth login", "auth api-token", "auth logout"];

/// How many flows may be generated, says the document: for each user.
const GENERATIONS: Rate = Rate { count: 10, per: Duration::from_mins(1) };

/// Calls one row of the map.
pub(in crate::destination) struct Call {
    endpoint: &'static Endpoint,
    method: &'static str,
    arguments: Map<String, Value>,
    access: Access,
}

/// What stands under a destination with `kind: flowbot.call`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::destination) struct Config {
    /// Where FlowBot is: `https://bot.example`. Required.
    base_url: String,
    /// Which row of its map, as `sluicegate call flowbot` names them: `leads`, `templates
    /// bulk-send`, `calendar appointments`. Required.
    call: String,
    /// Which of the row's methods; the first of them by default.
    method: Option<String>,
    /// Arguments that are the same for every event; those of a route come on top.
    arguments: Map<String, Value>,
    /// For rows that take a token: the client ID, from Settings, API Access.
    client_id: String,
    /// The API key beside it.
    api_key: Secret,
    /// How long a token shall live; as FlowBot has it by default.
    ttl: Option<Period>,
    /// For rows that take a token: the legacy one, in place of `client_id` and `api_key`.
    token: Secret,
    /// For rows that take a cookie: whose session it is.
    username: String,
    /// Their password.
    password: Secret,
    /// For triggers of a flow: the flow's own key.
    flow_api_key: Secret,
    /// For triggers of a flow: the flow's own user.
    flow_username: String,
    /// Their password.
    flow_password: Secret,
    /// For triggers of a flow: the flow's own secret, which signs.
    hmac_secret: Secret,
    /// For Meta's webhooks: the app's secret, which signs.
    app_secret: Secret,
    /// For Telegram's webhooks: the secret token.
    telegram_secret: Secret,
    /// For the diagnostics: their key.
    debug_key: Secret,
}

impl Define for Call {
    const KIND: &'static str = "flowbot.call";
    const SUMMARY: &'static str = "Any other call of FlowBot AI's map, with the route's arguments.";
    const PAYLOAD: Takes = Takes::Anything;
    const POLICY: Policy = PATIENT;
    type Config = Config;

    fn new(config: Config, _setup: &Setup) -> Result<Self, String> {
        let endpoint = row(&config.call)?;
        let method = match &config.method {
            None => endpoint.methods[0],
            Some(own) => {
                let mut methods = endpoint.methods.iter();
                *methods.find(|it| it.eq_ignore_ascii_case(own)).ok_or_else(|| {
                    format!("`{}` takes {}, not {own}", endpoint.call, endpoint.methods.join(", "))
                })?
            }
        };
        for (name, value) in &config.arguments {
            fits(endpoint, method, name, value).map_err(|it| format!("`arguments`: {it}"))?;
        }
        let access = access(&config, endpoint)?;
        Ok(Self { endpoint, method, arguments: config.arguments, access })
    }

    fn means(self) -> Means {
        Means::Adapter(Arc::new(self))
    }
}

fn row(call: &str) -> Result<&'static Endpoint, String> {
    let call = super::access::needed("call", call)?;
    if let Some((_, kind)) = OTHERS.iter().find(|it| it.0 == call) {
        return Err(format!("`call`: `{call}` has a kind of its own, `{kind}`"));
    }
    if OURS.contains(&call) {
        return Err(format!("`call`: the gateway logs in and out by itself, without `{call}`"));
    }
    API.endpoints.iter().find(|it| it.call == call).ok_or_else(|| {
        format!("`call`: FlowBot has no `{call}`; `sluicegate call flowbot` lists them all")
    })
}

/// What the row asks for, of what the settings offer.
fn access(config: &Config, endpoint: &Endpoint) -> Result<Access, String> {
    let base_url = &*config.base_url;
    let secret = |name: &str| match name {
        "token" => config.token.clone(),
        "flow_api_key" => config.flow_api_key.clone(),
        "flow_username" => Secret::new(&*config.flow_username),
        "flow_password" => config.flow_password.clone(),
        "hmac_secret" => config.hmac_secret.clone(),
        "app_secret" => config.app_secret.clone(),
        "telegram_secret" => config.telegram_secret.clone(),
        "debug_key" => config.debug_key.clone(),
        // A cookie is had by a login only, and a signature of TikTok's covers the moment.
        _ => Secret::default(),
    };
    let needs = endpoint.auth.needs();
    for set in &needs {
        if set.iter().all(|it| !secret(it).is_empty()) {
            let named = |host: &str| match set.first() {
                Some(name) => format!("{name} of {host}"),
                None => format!("nobody at {host}"),
            };
            return Access::fixed(base_url, named, set.iter().map(|it| (*it, secret(it))));
        }
        if set == &["token"] && !(config.client_id.is_empty() && config.api_key.is_empty()) {
            let seconds = seconds(config.ttl)?;
            return Access::jwt(base_url, &config.client_id, &config.api_key, seconds);
        }
        if set == &["session"] && !(config.username.is_empty() && config.password.is_empty()) {
            return Access::login(base_url, &config.username, &config.password);
        }
    }
    let words = |set: &Vec<&'static str>| match &**set {
        ["token"] => "`client_id` and `api_key`".to_owned(),
        ["session"] => "`username` and `password`".to_owned(),
        ["tiktok_signature"] => "a signature that only TikTok makes".to_owned(),
        names => names.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(" and "),
    };
    let all: Vec<String> = needs.iter().map(words).collect();
    Err(format!("`{}` asks for {}", endpoint.call, all.join(", or ")))
}

fn parameter(endpoint: &Endpoint, name: &str) -> Option<&'static Parameter> {
    endpoint.parameters.iter().find(|it| it.name == name).or_else(|| {
        let name = camel(name);
        endpoint.parameters.iter().find(|it| it.name == name)
    })
}

/// Whether an argument of that name may hold the value, as far as the table says.
fn fits(
    endpoint: &Endpoint,
    method: &'static str,
    name: &str,
    value: &Value,
) -> Result<(), String> {
    let Some(parameter) = parameter(endpoint, name) else {
        return stray(endpoint, method, name, value);
    };
    let one = Endpoint {
        path: if parameter.place == Place::Path { endpoint.path } else { "/" },
        auth: Auth::Public,
        parameters: slice::from_ref(parameter),
        check: unchecked,
        ..*endpoint
    };
    let mut arguments = Arguments { method: Some(method), ..Arguments::default() };
    give(parameter, value, &mut arguments)?;
    one.prepare(&Account::default(), &arguments, Date::ZERO).map(drop).map_err(|it| unflagged(&it))
}

/// Whether the row takes an argument that the document does not list.
fn stray(endpoint: &Endpoint, method: &str, name: &str, value: &Value) -> Result<(), String> {
    if is_query(endpoint, method) && endpoint.parameters.iter().all(|it| it.place == Place::Path) {
        return match word(value) {
            Some(_) => Ok(()),
            None => {
                Err(format!("`{name}`: it goes into the URL and is a text, not {}", what(value)))
            }
        };
    }
    if endpoint.body == Body::Open && method != "GET" {
        return Ok(());
    }
    Err(format!("`{name}`: `{}` has no such parameter", endpoint.call))
}

/// Of most rows the document does not say what a GET takes: that is a query.
fn is_query(endpoint: &Endpoint, method: &str) -> bool {
    method == "GET" && matches!(endpoint.body, Body::None | Body::Open)
}

/// Puts a value where its parameter belongs.
fn give(
    parameter: &'static Parameter,
    value: &Value,
    arguments: &mut Arguments,
) -> Result<(), String> {
    let name = parameter.name;
    if parameter.place == Place::Part && name == "file" {
        return Err("`file`: a route has no files to send".to_owned());
    }
    let text = word(value);
    if parameter.place == Place::Field {
        let is_text = matches!(parameter.kind, Kind::Text(_) | Kind::Choice(_));
        let value = text.filter(|_| is_text).map_or_else(|| value.clone(), Value::String);
        let body = arguments.body.get_or_insert_with(|| Map::new().into());
        body[name] = value;
        return Ok(());
    }
    let text = text.ok_or_else(|| format!("`{name}`: it is a text, not {}", what(value)))?;
    arguments.values.insert(name, text);
    Ok(())
}

impl Call {
    /// The settings' arguments and the route's, each in its place; and what goes into the query
    /// without being listed.
    fn arguments(&self, call: &Attempt) -> Result<(Arguments, Vec<(String, String)>), String> {
        let endpoint = self.endpoint;
        let mut all = self.arguments.clone();
        let mut whole = None;
        match &call.payload {
            Value::Null => {}
            Value::Object(own) => all.extend(own.clone()),
            own @ Value::Array(_) if endpoint.body == Body::Open && self.method != "GET" => {
                whole = Some(own.clone());
            }
            other => return Err(format!("the payload is a map of arguments, not {}", what(other))),
        }
        let mut arguments = Arguments { method: Some(self.method), ..Arguments::default() };
        let mut query = Vec::new();
        let mut body = Map::new();
        for (name, value) in all {
            match parameter(endpoint, &name) {
                Some(_) if value.is_null() => {}
                Some(it) => give(it, &value, &mut arguments)?,
                None => {
                    stray(endpoint, self.method, &name, &value)?;
                    if is_query(endpoint, self.method) {
                        query.extend(word(&value).map(|it| (name, it)));
                    } else {
                        body.insert(name, value);
                    }
                }
            }
        }
        let phone = endpoint.parameters.iter().find(|it| it.name == "phone" && it.required);
        if let Some(phone) = phone.filter(|it| !arguments.values.contains_key(it.name))
            && let Some(number) = number(&call.event().facts)
        {
            arguments.values.insert(phone.name, number);
        }
        match whole {
            Some(whole) if arguments.body.is_none() && body.is_empty() => {
                arguments.body = Some(whole);
            }
            Some(_) => {
                return Err("the payload is a list, which leaves no place for `arguments`".into());
            }
            None if body.is_empty() => {}
            None => match &mut arguments.body {
                Some(Value::Object(listed)) => listed.extend(body),
                none => *none = Some(body.into()),
            },
        }
        Ok((arguments, query))
    }
}

impl Adapter for Call {
    fn request(&self, call: &Attempt) -> Result<Outgoing, Outcome> {
        let (arguments, query) = self.arguments(call).map_err(Outcome::refused)?;
        let account = self.access.account(call)?;
        let mut outgoing = prepare(self.endpoint, &account, &arguments, call)?;
        if !query.is_empty() {
            let mark = if outgoing.url.contains('?') { '&' } else { '?' };
            let mut pairs = form_urlencoded::Serializer::new(String::new());
            outgoing.url.push(mark);
            outgoing.url.push_str(&pairs.extend_pairs(query).finish());
        }
        Ok(outgoing)
    }

    fn outcome(&self, call: &Attempt, answer: &Response) -> Outcome {
        // What is there already may come of an attempt whose answer was lost.
        let there = call.attempt > 1 || call.replay;
        let reading = Reading { credential: &self.access.id, there, told: false };
        reading.outcome(answer, call.now)
    }

    fn limits(&self, _call: &Attempt) -> Vec<Limit> {
        if self.endpoint.call != "flows generate" {
            return Vec::new();
        }
        let key = format!("flowbot generate {}", self.access.id);
        vec![Limit { key, rate: share(GENERATIONS), burst: 1 }]
    }

    fn scopes(&self, _call: &Attempt) -> Vec<Scope> {
        vec![self.access.scope()]
    }

    fn session(&self) -> Option<&dyn Session> {
        self.access.session()
    }

    fn secrets(&self) -> Vec<Secret> {
        self.access.secrets()
    }
}
