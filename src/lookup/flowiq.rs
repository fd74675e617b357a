//! `flowiq.contact` and `flowiq.messages`: what FlowIQ knows of a contact.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Ask, Define, Failure, Wording, answer_of, base_url, needed};
use crate::client::{Account, Arguments, Outgoing, Response, flowiq};
use crate::config::Secret;
use crate::expression::Subject;

/// The contact of a number.
pub(super) struct Contact(Asked);

/// What was written to and by the contact of a number.
pub(super) struct Messages {
    asked: Asked,
    limit: u8,
}

/// What both ask with.
struct Asked {
    account: Account,
    phone: Wording,
}

/// What stands under a lookup with `kind: flowiq.contact`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ContactConfig {
    /// The tenant's id, from Settings.
    tenant_id: String,
    /// The bearer token, from Settings, API Keys.
    token: Secret,
    /// Whose: the number in any form.
    #[serde(default = "phone")]
    phone: Wording,
    /// Where the API is.
    #[serde(default = "url")]
    base_url: String,
}

/// What stands under a lookup with `kind: flowiq.messages`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MessagesConfig {
    /// The tenant's id, from Settings.
    tenant_id: String,
    /// The bearer token, from Settings, API Keys.
    token: Secret,
    /// Whose: the number in any form.
    #[serde(default = "phone")]
    phone: Wording,
    /// How many messages, the newest first.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 100))]
    limit: u8,
    /// Where the API is.
    #[serde(default = "url")]
    base_url: String,
}

fn phone() -> Wording {
    Wording::fixed("{{ event.contact.phone }}")
}

fn url() -> String {
    flowiq::API.base_url.unwrap_or_default().to_owned()
}

fn ten() -> u8 {
    10
}

impl Asked {
    fn new(tenant: String, token: Secret, phone: Wording, url: &str) -> Result<Self, String> {
        let token = needed(token, "token")?;
        let tenant = needed(Secret::new(tenant), "tenant_id")?;
        let credentials = [("tenantId", tenant), ("token", token)].into();
        Ok(Self { account: Account { base_url: base_url(url)?, credentials }, phone })
    }

    fn request(
        &self,
        call: &str,
        subject: &Subject,
        limit: Option<u8>,
        now: Timestamp,
    ) -> Result<Outgoing, String> {
        let endpoint = flowiq::API.endpoints.iter().find(|it| it.call == call);
        let endpoint = endpoint.expect("the table has what lookups call");
        let limit = limit.map(|it| ("limit", it.to_string()));
        let phone = ("whatsappNumber", self.phone.render(subject)?);
        let values = [phone].into_iter().chain(limit).collect();
        let arguments = Arguments { values, ..Arguments::default() };
        endpoint.prepare(&self.account, &arguments, now.to_zoned(TimeZone::UTC).date())
    }

    fn secrets(&self) -> Vec<Secret> {
        self.account.credentials.get("token").cloned().into_iter().collect()
    }
}

impl Define for Contact {
    const KIND: &'static str = "flowiq.contact";
    const SUMMARY: &'static str = "What FlowIQ knows of the contact with a number.";
    type Config = ContactConfig;

    fn new(config: ContactConfig) -> Result<Self, String> {
        let ContactConfig { tenant_id, token, phone, base_url } = config;
        Asked::new(tenant_id, token, phone, &base_url).map(Self)
    }
}

impl Ask for Contact {
    fn request(&self, subject: &Subject, now: Timestamp) -> Result<Outgoing, String> {
        self.0.request("contact", subject, None, now)
    }

    fn read(&self, answer: &Response) -> Result<Option<Value>, Failure> {
        answer_of(&flowiq::API, answer)
    }

    fn secrets(&self) -> Vec<Secret> {
        self.0.secrets()
    }
}

impl Define for Messages {
    const KIND: &'static str = "flowiq.messages";
    const SUMMARY: &'static str = "The newest messages of FlowIQ's conversation with a number.";
    type Config = MessagesConfig;

    fn new(config: MessagesConfig) -> Result<Self, String> {
        let MessagesConfig { tenant_id, token, phone, limit, base_url } = config;
        Ok(Self { asked: Asked::new(tenant_id, token, phone, &base_url)?, limit })
    }
}

impl Ask for Messages {
    fn request(&self, subject: &Subject, now: Timestamp) -> Result<Outgoing, String> {
        self.asked.request("messages", subject, Some(self.limit), now)
    }

    fn read(&self, answer: &Response) -> Result<Option<Value>, Failure> {
        answer_of(&flowiq::API, answer)
    }

    fn secrets(&self) -> Vec<Secret> {
        self.asked.secrets()
    }
}
