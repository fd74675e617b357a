//! `FlowGent`: an agent that is asked, the WhatsApp templates it sends, and what it knows.

mod answer;
pub mod chat;
mod knowledge;
mod message;
mod template;
#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{Call, Outcome, Scope};
use crate::client::flowgent::API;
use crate::client::{Account, Arguments, Outgoing};
use crate::config::Secret;

pub(super) use chat::Chat;
pub(super) use knowledge::Knowledge;
pub(super) use template::Template;

/// Where `FlowGent` is.
const BASE_URL: &str = "https://flowgent.ai/api/public";

/// Whose `FlowGent` it is, and where.
struct Access {
    account: Account,
    /// Tells keys apart without telling them.
    key: String,
}

impl Access {
    /// An access with what the settings say.
    ///
    /// # Errors
    /// Which of them is missing or wrong.
    fn new(base_url: &str, api_key: Secret) -> Result<Self, String> {
        if api_key.is_empty() {
            return Err("`api_key` is missing".to_owned());
        }
        // A header holds it; what it cannot hold was never a key.
        if !api_key.expose().bytes().all(|it| it.is_ascii_graphic()) {
            return Err("`api_key` has spaces or characters that no key has".to_owned());
        }
        if !["https://", "http://"].iter().any(|it| base_url.starts_with(it)) {
            return Err("`base_url` begins with `https://` or `http://`".to_owned());
        }
        let digest = hex::encode(&Sha256::digest(api_key.expose())[..4]);
        let base_url = base_url.trim_end_matches('/').to_owned();
        let credentials = [("api_key", api_key)].into();
        Ok(Self { account: Account { base_url, credentials }, key: format!("flowgent {digest}") })
    }

    /// The same, for one agent.
    ///
    /// # Errors
    /// That there is none.
    fn of_agent(mut self, agent: &str) -> Result<Self, String> {
        if agent.trim().is_empty() {
            return Err("`agent_id` is missing".to_owned());
        }
        self.account.credentials.insert("agent_id", Secret::new(agent));
        Ok(self)
    }

    /// A request to one of the calls in the client's table. `item` is the item of knowledge.
    fn request(
        &self,
        name: &str,
        call: &Call,
        item: Option<String>,
        body: Option<Map<String, Value>>,
    ) -> Result<Outgoing, Outcome> {
        let endpoint = API.endpoints.iter().find(|it| it.call == name);
        let endpoint = endpoint.expect("the tests make every call of this folder");
        let values = item.map(|it| ("id", it)).into_iter().collect();
        let body = body.map(Value::Object);
        let arguments = Arguments { values, body, ..Arguments::default() };
        let today = call.now.to_zoned(TimeZone::UTC).date();
        // The client's sentences are for the command line.
        let refuse = |it: String| Outcome::refused(it.replace("`--", "`"));
        endpoint.prepare(&self.account, &arguments, today).map_err(refuse)
    }

    fn credential(&self) -> Scope {
        Scope::Credential(self.key.clone())
    }

    fn secrets(&self) -> Vec<Secret> {
        self.account.credentials.get("api_key").cloned().into_iter().collect()
    }

    /// Words of the other side, without what must be seen nowhere: it may repeat what it was sent.
    fn clean(&self, call: &Call, words: &str) -> String {
        let mut words = words.to_owned();
        let own = self.secrets();
        for secret in own.iter().chain(&call.callback).filter(|it| !it.is_empty()) {
            words = words.replace(secret.expose(), "***");
        }
        words
    }
}

/// The names of a payload, each of them known; `None` without a payload.
fn named<'a>(
    payload: &'a Value,
    known: &[&str],
) -> Result<Option<&'a Map<String, Value>>, Outcome> {
    let list = || known.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
    match payload {
        Value::Null => Ok(None),
        Value::Object(fields) => match fields.keys().find(|it| !known.contains(&&***it)) {
            None => Ok(Some(fields)),
            Some(name) => Err(Outcome::refused(format!("`{name}`: the payload takes {}", list()))),
        },
        other => {
            let found = describe(other);
            Err(Outcome::refused(format!("the payload is {found}; it is a map of {}", list())))
        }
    }
}

/// A text, or a number in its place; `None` where there is nothing.
fn text(fields: &Map<String, Value>, name: &str) -> Result<Option<String>, Outcome> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => {
            Err(Outcome::refused(format!("`{name}`: it is empty")))
        }
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(other) => {
            Err(Outcome::refused(format!("`{name}`: expected a text, found {}", describe(other))))
        }
    }
}

fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "`true` or `false`",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}
