//! `webhook`: any HTTP endpoint, signed as Standard Webhooks; `forward`: requests as they arrived.

mod answer;
mod forward;
mod oauth2;
mod sign;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use self::oauth2::{Client, OAuth2};
use self::sign::Signer;
use super::certificates::Tls;
use super::{
    Adapter, Call, Connection, Define, Means, Outcome, Policy, Scope, Session, Setup, Takes,
};
use crate::client::{Outgoing, Response};
use crate::config::Secret;
use crate::event::wire;
use crate::http::{self, Unanswered};

pub use forward::Forward;

/// Several events as one JSON array.
/// <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md#4-json-batch-format>
const BATCH: &str = "application/cloudevents-batch+json; charset=utf-8";

/// Says that somebody asked for this delivery to be made again.
const REPLAY: &str = "sluicegate-replay";

/// What a request needs for itself: a configured header of these names could only break it.
const OWN: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
    REPLAY,
];

type Headers = Vec<(Cow<'static, str>, Secret)>;

/// A configured receiver of webhooks.
pub struct Webhook {
    url: String,
    method: &'static str,
    headers: Headers,
    signer: Signer,
    oauth2: Option<Client>,
    secrets: Vec<Secret>,
    connection: Connection,
    public_url: String,
}

/// What stands under a destination with `kind: webhook`.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where events are sent.
    url: String,
    /// The method of the request.
    method: Method,
    /// Headers that are sent with each.
    headers: BTreeMap<String, Secret>,
    /// The secret that requests are signed with, as Standard Webhooks has it (`whsec_…`), or
    /// several while it is changed: each request then carries a signature of each.
    #[serde(deserialize_with = "one_or_many")]
    #[schemars(schema_with = "secrets_schema")]
    signing_secret: Vec<Secret>,
    /// A token for `Authorization: Bearer`.
    bearer_token: Secret,
    /// A user name and a password, for `Authorization: Basic`.
    basic: Basic,
    /// A client that is given tokens for `Authorization: Bearer`: OAuth 2.0 client credentials.
    oauth2: OAuth2,
    /// Certificates: those to trust, and our own.
    tls: Tls,
}

/// The method of the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
enum Method {
    /// The usual.
    #[default]
    Post,
    /// For receivers that put things in place.
    Put,
    /// For receivers that change things.
    Patch,
}

/// A user and what proves it.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Basic {
    /// The user's name.
    username: String,
    /// The user's password.
    password: Secret,
}

impl Basic {
    /// Whether nothing of it is set.
    fn is_empty(&self) -> bool {
        self.username.is_empty() && self.password.is_empty()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: String::new(),
            method: Method::Post,
            headers: BTreeMap::new(),
            signing_secret: Vec::new(),
            bearer_token: Secret::default(),
            basic: Basic::default(),
            oauth2: OAuth2::default(),
            tls: Tls::default(),
        }
    }
}

fn secrets_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let one = generator.subschema_for::<Secret>();
    schemars::json_schema!({ "oneOf": [one, {"type": "array", "items": one}] })
}

/// One secret or a list; those that are empty are not set.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Secret>, D::Error> {
    let texts = match Value::deserialize(deserializer)? {
        Value::Array(items) => items,
        one => vec![one],
    };
    let secrets = texts.into_iter().map(|it| match it {
        Value::String(text) => Ok(Secret::new(text)),
        _ => Err(serde::de::Error::custom("expected text or a list of texts")),
    });
    let secrets: Vec<Secret> = secrets.collect::<Result<_, _>>()?;
    Ok(secrets.into_iter().filter(|it| !it.is_empty()).collect())
}

/// A URL that can be sent to.
fn address(url: String) -> Result<String, String> {
    if url.is_empty() {
        return Err("`url` is missing".into());
    }
    http::verify_url(&url).map_err(|it| format!("`url` {it}"))?;
    Ok(url)
}

/// Configured headers, with lower-case names.
fn configured(headers: BTreeMap<String, Secret>) -> Result<Headers, String> {
    let checked = headers.into_iter().map(|(name, value)| {
        http::verify_header(&name, &value).map_err(|it| format!("`headers`: `{name}` {it}"))?;
        let name = name.to_ascii_lowercase();
        if OWN.contains(&&*name) {
            return Err(format!("`headers`: `{name}` is not for you to set; leave it out"));
        }
        Ok((name.into(), value))
    });
    checked.collect()
}

impl Config {
    /// What stands in `authorization`; `None` without anything, or with a token that is yet to be
    /// given.
    fn authorization(&self) -> Result<Option<Secret>, String> {
        let ways = [
            ("`bearer_token`", !self.bearer_token.is_empty()),
            ("`basic`", !self.basic.is_empty()),
            ("`oauth2`", !self.oauth2.is_empty()),
            (
                "`headers.authorization`",
                self.headers.keys().any(|it| it.eq_ignore_ascii_case("authorization")),
            ),
        ];
        let chosen: Vec<&str> = ways.iter().filter(|it| it.1).map(|it| it.0).collect();
        if let [first, second, ..] = *chosen {
            return Err(format!("there is one `authorization`: set {first} or {second}, not both"));
        }
        if !self.bearer_token.is_empty() {
            http::verify_header("authorization", &self.bearer_token)
                .map_err(|it| format!("`bearer_token` {it}"))?;
            return Ok(Some(Secret::new(format!("Bearer {}", self.bearer_token.expose()))));
        }
        if self.basic.is_empty() {
            return Ok(None);
        }
        let Basic { username, password } = &self.basic;
        if username.contains(':') {
            return Err("`basic.username` cannot hold a colon".into());
        }
        let pair = STANDARD.encode(format!("{username}:{}", password.expose()));
        Ok(Some(Secret::new(format!("Basic {pair}"))))
    }
}

impl Define for Webhook {
    const KIND: &'static str = "webhook";
    const SUMMARY: &'static str = "Any HTTP endpoint: events as CloudEvents or as you write them, signed as Standard Webhooks.";
    const PAYLOAD: Takes = Takes::Anything;
    const POLICY: Policy = Policy::WEBHOOK;
    type Config = Config;

    fn new(config: Config, setup: &Setup) -> Result<Self, String> {
        let authorization = config.authorization()?;
        let url = address(config.url)?;
        let connection = config.tls.connection(&url)?;
        let signer = Signer::new(&config.signing_secret)?;
        let oauth2 = (!config.oauth2.is_empty()).then(|| Client::new(config.oauth2)).transpose()?;
        let mut secrets: Vec<Secret> = config.headers.values().cloned().collect();
        secrets.extend(config.signing_secret.iter().cloned());
        secrets.extend([config.bearer_token, config.basic.password]);
        // What a header holds after its first word: `Basic <this>`.
        let encoded = authorization.as_ref().and_then(|it| it.expose().split_once(' '));
        secrets.extend(encoded.map(|it| Secret::new(it.1)));
        secrets.extend(oauth2.iter().flat_map(Client::secrets));
        secrets.retain(|it| !it.is_empty());
        let mut headers = configured(config.headers)?;
        headers.extend(authorization.map(|it| ("authorization".into(), it)));
        let method = match config.method {
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
        };
        Ok(Self {
            url,
            method,
            headers,
            signer,
            oauth2,
            secrets,
            connection,
            public_url: setup.public_url.clone(),
        })
    }

    fn means(self) -> Means {
        Means::Adapter(Arc::new(self))
    }
}

impl Webhook {
    /// The body and its media type: what the route says, or else the event; several are an array.
    fn body(&self, call: &Call) -> (Bytes, &'static str) {
        match (&call.payload, &*call.events) {
            (Value::Null, [event]) => (event.to_wire(&self.public_url).into(), wire::CONTENT_TYPE),
            (Value::Null, events) => {
                let events: Vec<_> = events.iter().map(|it| it.to_wire(&self.public_url)).collect();
                ([&b"["[..], &events.join(&b","[..]), b"]"].concat().into(), BATCH)
            }
            (payload, _) => (payload.to_string().into(), "application/json"),
        }
    }
}

/// What the receiver knows a repetition by: the same at every attempt.
fn id(call: &Call) -> String {
    match *call.deliveries {
        [delivery] => delivery,
        _ => call.id,
    }
    .to_string()
}

/// Adds headers that are not there yet.
fn add(headers: &mut Headers, name: impl Into<Cow<'static, str>>, value: impl Into<String>) {
    let name = name.into();
    if !headers.iter().any(|it| it.0 == name) {
        headers.push((name, Secret::new(value)));
    }
}

impl Adapter for Webhook {
    fn request(&self, call: &Call) -> Result<Outgoing, Outcome> {
        let (body, media) = self.body(call);
        let mut headers = self.headers.clone();
        add(&mut headers, "content-type", media);
        if let Some(token) = call.token.as_ref().filter(|_| self.oauth2.is_some()) {
            add(&mut headers, "authorization", format!("Bearer {}", token.expose()));
        }
        let id = id(call);
        if let Some(signature) = self.signer.sign(&id, call.now, &body) {
            add(&mut headers, "webhook-signature", signature);
        }
        add(&mut headers, "webhook-id", id);
        add(&mut headers, "webhook-timestamp", call.now.as_second().to_string());
        if let Some(traceparent) = &call.event().traceparent {
            add(&mut headers, "traceparent", traceparent.clone());
        }
        if call.replay {
            add(&mut headers, REPLAY, "true");
        }
        Ok(Outgoing { method: self.method, url: self.url.clone(), headers, body })
    }

    fn outcome(&self, call: &Call, answer: &Response) -> Outcome {
        answer::outcome(answer, call.now)
    }

    fn unanswered(&self, call: &Call, why: Unanswered) -> Outcome {
        answer::unanswered(why, call.now)
    }

    fn scopes(&self, _call: &Call) -> Vec<Scope> {
        self.oauth2.iter().map(Client::scope).collect()
    }

    fn session(&self) -> Option<&dyn Session> {
        self.oauth2.as_ref().map(|it| it as &dyn Session)
    }

    fn secrets(&self) -> Vec<Secret> {
        self.secrets.clone()
    }

    fn connection(&self) -> Connection {
        self.connection.clone()
    }
}
