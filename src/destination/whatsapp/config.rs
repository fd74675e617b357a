//! The settings of `whatsapp.send`.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::graph;
use crate::config::{Rate, Secret};
use crate::expression::Payload;

/// What stands under a destination with `kind: whatsapp.send`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::destination) struct Config {
    /// The access token of a system user with `whatsapp_business_messaging`; or a map of phone
    /// number ids, each with its own.
    pub(super) access_token: Tokens,
    /// The id of the number to send from. Without it, messages leave from the number that the
    /// event arrived at.
    pub(super) number: Option<String>,
    /// Where the Graph API is, with its version.
    pub(super) base_url: String,
    /// What is sent in place of a message whose contact has not written for 24 hours.
    outside_window: Option<OutsideWindow>,
    /// Whether what is sent is marketing: it is not sent to contacts who want none. A payload can
    /// say so too, by `marketing` or by the `category` of its template.
    pub(super) marketing: bool,
    /// How many messages a number may send. The gateway stays at 95 % of it. A number that the
    /// Business app shares has 20/s, a large one up to 1000/s.
    pub(super) limit: Rate,
}

/// One access token, or one for each number.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(super) enum Tokens {
    /// For every number.
    One(Secret),
    /// By phone number id.
    Each(BTreeMap<String, Secret>),
}

/// What is sent in place of a message whose contact has not written for 24 hours.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct OutsideWindow {
    /// An approved template.
    template: Fallback,
}

/// A template. Every text may be a template over the event.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct Fallback {
    /// Its name.
    name: String,
    /// The code of its language, as in `en_US`.
    language: String,
    /// What fills its places, in the words of the Cloud API.
    #[serde(default)]
    components: Vec<Value>,
    /// Its category, such as `utility`: `marketing` is not sent to contacts who want none.
    #[serde(default)]
    category: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            access_token: Tokens::One(Secret::default()),
            number: None,
            base_url: graph::API.base_url.unwrap_or_default().to_owned(),
            outside_window: None,
            marketing: false,
            limit: Rate { count: 80, per: Duration::from_secs(1) },
        }
    }
}

impl Config {
    /// Refuses what could never work, and compiles the template that goes outside the window.
    ///
    /// # Errors
    /// What is wrong, in a sentence for the operator.
    pub(super) fn checked(&self) -> Result<Option<Payload>, String> {
        let is_id = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
        let mut numbers = self.access_token.numbers().chain(self.number.as_deref());
        if let Some(number) = numbers.find(|it| !is_id(it)) {
            return Err(format!(
                "`{number}` is no phone number id: Meta shows it beside the number"
            ));
        }
        let all = self.access_token.all();
        if all.is_empty() || all.iter().any(|it| it.is_empty()) {
            return Err("`access_token` is missing".to_owned());
        }
        if all.iter().any(|it| !it.expose().bytes().all(|it| it.is_ascii_graphic())) {
            return Err("`access_token` holds what no token does: a space, or a line break".into());
        }
        if let Some(number) = &self.number {
            self.access_token.of(number)?;
        }
        if !["https://", "http://"].iter().any(|it| self.base_url.starts_with(it)) {
            return Err("`base_url` is a URL, as in https://graph.facebook.com/v25.0".to_owned());
        }
        self.outside_window.as_ref().map(|it| it.template.compile()).transpose()
    }
}

impl Tokens {
    /// The token of a number.
    ///
    /// # Errors
    /// That there is none.
    pub(super) fn of(&self, number: &str) -> Result<&Secret, String> {
        match self {
            Self::One(it) => Ok(it),
            Self::Each(all) => {
                all.get(number).ok_or_else(|| format!("`access_token` has none for {number}"))
            }
        }
    }

    /// Every token.
    pub(super) fn all(&self) -> Vec<&Secret> {
        match self {
            Self::One(it) => vec![it],
            Self::Each(all) => all.values().collect(),
        }
    }

    fn numbers(&self) -> impl Iterator<Item = &str> {
        let each = match self {
            Self::One(_) => None,
            Self::Each(all) => Some(all.keys().map(String::as_str)),
        };
        each.into_iter().flatten()
    }
}

impl Fallback {
    fn compile(&self) -> Result<Payload, String> {
        let Self { name, language, components, category } = self;
        let mut template = json!({ "name": name, "language": language });
        if !components.is_empty() {
            template["components"] = json!(components);
        }
        if let Some(category) = category {
            template["category"] = json!(category);
        }
        Payload::compile(&template).map_err(|it| format!("`outside_window.template`: {it}"))
    }
}
