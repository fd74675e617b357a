//! `flowxo.conversation` and `flowxo.messages`: what Flow XO keeps of a conversation.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Ask, Define, Failure, Wording, answer_of, base_url, needed};
use crate::client::{Account, Arguments, Outgoing, Response, flowxo};
use crate::config::Secret;
use crate::expression::Subject;

/// A conversation.
pub(super) struct Conversation(Asked);

/// The messages of a conversation.
pub(super) struct Messages {
    asked: Asked,
    limit: u16,
}

/// What both ask with.
struct Asked {
    account: Account,
    id: Wording,
}

/// What stands under a lookup with `kind: flowxo.conversation`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConversationConfig {
    /// The API key, which the owner of the account finds in their profile.
    token: Secret,
    /// The conversation's `id`, which Flow XO also calls its response path.
    id: Wording,
    /// Where the API is.
    #[serde(default = "url")]
    base_url: String,
}

/// What stands under a lookup with `kind: flowxo.messages`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MessagesConfig {
    /// The API key, which the owner of the account finds in their profile.
    token: Secret,
    /// The conversation's `id`, which Flow XO also calls its response path.
    id: Wording,
    /// How many messages, the newest first.
    #[serde(default = "usual")]
    #[schemars(range(min = 1, max = 100))]
    limit: u16,
    /// Where the API is.
    #[serde(default = "url")]
    base_url: String,
}

fn url() -> String {
    flowxo::API.base_url.unwrap_or_default().to_owned()
}

fn usual() -> u16 {
    25
}

impl Asked {
    fn new(token: Secret, id: Wording, url: &str) -> Result<Self, String> {
        let credentials = [("token", needed(token, "token")?)].into();
        Ok(Self { account: Account { base_url: base_url(url)?, credentials }, id })
    }

    fn request(
        &self,
        call: &str,
        subject: &Subject,
        limit: Option<u16>,
        now: Timestamp,
    ) -> Result<Outgoing, String> {
        let endpoint = flowxo::API.endpoints.iter().find(|it| it.call == call);
        let endpoint = endpoint.expect("the table has what lookups call");
        let id = self.id.render(subject)?;
        if id.trim().is_empty() {
            // Without it, the path is that of the list of all conversations.
            return Err("`id` is empty".to_owned());
        }
        let limit = limit.map(|it| ("limit", it.to_string()));
        let values = [("id", id)].into_iter().chain(limit).collect();
        let arguments = Arguments { values, ..Arguments::default() };
        endpoint.prepare(&self.account, &arguments, now.to_zoned(TimeZone::UTC).date())
    }

    fn secrets(&self) -> Vec<Secret> {
        self.account.credentials.values().cloned().collect()
    }
}

impl Define for Conversation {
    const KIND: &'static str = "flowxo.conversation";
    const SUMMARY: &'static str = "What Flow XO knows of a conversation.";
    type Config = ConversationConfig;

    fn new(config: ConversationConfig) -> Result<Self, String> {
        Asked::new(config.token, config.id, &config.base_url).map(Self)
    }
}

impl Ask for Conversation {
    fn request(&self, subject: &Subject, now: Timestamp) -> Result<Outgoing, String> {
        self.0.request("conversation", subject, None, now)
    }

    fn read(&self, answer: &Response) -> Result<Option<Value>, Failure> {
        answer_of(&flowxo::API, answer)
    }

    fn secrets(&self) -> Vec<Secret> {
        self.0.secrets()
    }
}

impl Define for Messages {
    const KIND: &'static str = "flowxo.messages";
    const SUMMARY: &'static str = "The newest messages of a conversation at Flow XO.";
    type Config = MessagesConfig;

    fn new(config: MessagesConfig) -> Result<Self, String> {
        let asked = Asked::new(config.token, config.id, &config.base_url)?;
        Ok(Self { asked, limit: config.limit })
    }
}

impl Ask for Messages {
    fn request(&self, subject: &Subject, now: Timestamp) -> Result<Outgoing, String> {
        self.asked.request("messages", subject, Some(self.limit), now)
    }

    fn read(&self, answer: &Response) -> Result<Option<Value>, Failure> {
        answer_of(&flowxo::API, answer)
    }

    fn secrets(&self) -> Vec<Secret> {
        self.asked.secrets()
    }
}
