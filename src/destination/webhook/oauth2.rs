//! Tokens for a receiver that wants OAuth 2.0: client credentials, RFC 6749 §4.4.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::Serializer;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer;
use crate::client::{Outgoing, Response};
use crate::config::{Rate, Secret};
use crate::destination::{Grant, Outcome, Scope, Session};
use crate::http;

/// How long a token is good where its answer does not say.
const LIFE: u64 = 10 * 60;

/// The longest life that is believed, in seconds.
const LONGEST: u64 = 30 * 24 * 60 * 60;

/// What stands under `oauth2:`.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct OAuth2 {
    /// Where tokens are given.
    pub(super) token_url: String,
    /// Who we are there.
    pub(super) client_id: String,
    /// What proves it.
    pub(super) client_secret: Secret,
    /// What the token is to be good for, separated by spaces, if the receiver wants that.
    pub(super) scope: String,
    /// Whom the token is for, if whoever gives it wants that.
    pub(super) audience: String,
    /// Where the secret stands in the request: in the header `authorization`, or among the fields
    /// of the form.
    pub(super) client_authentication: Authentication,
}

impl OAuth2 {
    /// Whether nothing of it is set.
    pub(super) fn is_empty(&self) -> bool {
        let Self { token_url, client_id, client_secret, scope, audience, .. } = self;
        let texts = [token_url, client_id, scope, audience];
        client_secret.is_empty() && texts.iter().all(|it| it.is_empty())
    }
}

/// How a client proves itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum Authentication {
    /// `Authorization: Basic`: `client_secret_basic` in RFC 7591.
    #[default]
    Header,
    /// Fields of the form: `client_secret_post` in RFC 7591.
    Form,
}

/// A client, and the account it asks tokens for.
pub(super) struct Client(OAuth2);

impl Client {
    /// # Errors
    /// A sentence for the operator.
    pub(super) fn new(settings: OAuth2) -> Result<Self, String> {
        for (name, is_empty) in [
            ("token_url", settings.token_url.is_empty()),
            ("client_id", settings.client_id.is_empty()),
            ("client_secret", settings.client_secret.is_empty()),
        ] {
            if is_empty {
                return Err(format!("`oauth2.{name}` is missing"));
            }
        }
        http::verify_url(&settings.token_url).map_err(|it| format!("`oauth2.token_url` {it}"))?;
        Ok(Self(settings))
    }

    /// What may be seen nowhere.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        vec![self.0.client_secret.clone(), Secret::new(self.pair())]
    }

    /// Client and secret as `Authorization: Basic` has them: encoded as in a form before they are
    /// joined (RFC 6749 §2.3.1).
    fn pair(&self) -> String {
        let encoded = |it: &str| form_urlencoded::byte_serialize(it.as_bytes()).collect::<String>();
        let OAuth2 { client_id, client_secret, .. } = &self.0;
        STANDARD.encode(format!("{}:{}", encoded(client_id), encoded(client_secret.expose())))
    }

    /// What a pause for its sake stands still.
    pub(super) fn scope(&self) -> Scope {
        Scope::Credential(self.key())
    }
}

impl Session for Client {
    fn key(&self) -> String {
        let OAuth2 { token_url, client_id, scope, audience, .. } = &self.0;
        let place = token_url.split('?').next().unwrap_or_default();
        let mut key = format!("oauth2 {client_id} at {place}");
        for it in [audience, scope] {
            if !it.is_empty() {
                key.push_str(" for ");
                key.push_str(it);
            }
        }
        key
    }

    fn request(&self, _now: Timestamp) -> Result<Outgoing, Outcome> {
        let OAuth2 { token_url, client_id, client_secret, scope, audience, .. } = &self.0;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        for (name, value) in [("scope", scope), ("audience", audience)] {
            if !value.is_empty() {
                form.append_pair(name, value);
            }
        }
        let text = |it: &str| Secret::new(it);
        let mut headers: Vec<(Cow<'static, str>, Secret)> = vec![
            ("content-type".into(), text("application/x-www-form-urlencoded")),
            ("accept".into(), text("application/json")),
        ];
        match self.0.client_authentication {
            Authentication::Header => {
                let value = Secret::new(format!("Basic {}", self.pair()));
                headers.push(("authorization".into(), value));
            }
            Authentication::Form => {
                form.append_pair("client_id", client_id);
                form.append_pair("client_secret", client_secret.expose());
            }
        }
        let body = form.finish().into();
        Ok(Outgoing { method: "POST", url: token_url.clone(), headers, body })
    }

    fn read(&self, answer: &Response, now: Timestamp) -> Result<Grant, Outcome> {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let status = answer.status;
        if !(200..=299).contains(&status) {
            return Err(self.refused(answer, &body, now));
        }
        let kind = body["token_type"].as_str().unwrap_or("bearer");
        let token = body["access_token"].as_str().filter(|it| !it.is_empty());
        let Some(token) = token else {
            let reason = format!("{status}: the answer of `oauth2.token_url` holds no token");
            return Err(Outcome::retry(reason));
        };
        if !kind.eq_ignore_ascii_case("bearer") {
            let reason = "`oauth2.token_url` gives tokens that are no bearer tokens";
            return Err(Outcome::pause(self.scope(), reason, None));
        }
        // Some write the number as text.
        let life = &body["expires_in"];
        let life = life.as_u64().or_else(|| life.as_str()?.parse().ok()).unwrap_or(LIFE);
        let life = Duration::from_secs(life.min(LONGEST));
        let after = |it: Duration| now.checked_add(it).unwrap_or(Timestamp::MAX);
        Ok(Grant { token: Secret::new(token), renew: after(life * 4 / 5), expires: after(life) })
    }

    /// Tokens may be good for a minute only.
    fn at_most(&self) -> Rate {
        Rate { count: 60, per: Duration::from_mins(15) }
    }
}

impl Client {
    /// What becomes of the calls when no token is given: RFC 6749 §5.2.
    fn refused(&self, answer: &Response, body: &Value, now: Timestamp) -> Outcome {
        let status = answer.status;
        // One of the few words of the RFC, or nothing: whatever else stands there may be anything.
        let word = body["error"].as_str().filter(|it| {
            it.len() <= 64 && it.bytes().all(|it| it.is_ascii_lowercase() || it == b'_')
        });
        let word = word.map(|it| format!(" ({it})")).unwrap_or_default();
        let reason = format!("{status}: `oauth2.token_url` gives no token{word}");
        match status {
            400 | 401 | 403 => Outcome::pause(self.scope(), reason, None),
            _ => Outcome::Retry { reason, after: answer::after(answer, now) },
        }
    }
}
