//! `flowbot.outbound`: a flow is started with a customer, with a template first if need be.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::access::Access;
use super::answer::Reading;
use super::said::{Said, what};
use super::{PATIENT, endpoint, prepare, share};
use crate::client::{Arguments, Outgoing, Response};
use crate::config::{Period, Rate, Secret};
use crate::destination::{
    Adapter, Call, Define, Limit, Means, Outcome, Policy, Scope, Session, Setup, Takes,
};
use crate::http::Unanswered;

/// What the document allows.
const DOCUMENTED: Rate = Rate { count: 30, per: Duration::from_mins(1) };

/// How long a status of the message may take that shows an unanswered trigger to have arrived.
const SIGN: Duration = Duration::from_secs(30);

/// Of these at most one goes first.
const TEMPLATES: [&str; 3] = ["templateGroupId", "templateName", "templateId"];

const NAMES: &[&str] =
    &["to", "phone", "flowId", TEMPLATES[0], TEMPLATES[1], TEMPLATES[2], "queue", "data"];

/// Starts flows.
pub(in crate::destination) struct Outbound {
    access: Access,
    limit: Limit,
    config: Config,
}

/// What stands under a destination with `kind: flowbot.outbound`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::destination) struct Config {
    /// Where FlowBot is: `https://bot.example`. Required.
    base_url: String,
    /// The client ID, from Settings, API Access. Required, unless there is a `token`.
    client_id: String,
    /// The API key beside it, which is exchanged for a token.
    api_key: Secret,
    /// The legacy verify token, in place of `client_id` and `api_key`.
    token: Secret,
    /// How long a token shall live; as FlowBot has it by default.
    ttl: Option<Period>,
    /// The flow, which has a node Outbound Trigger; a route may name another as `flowId`.
    flow_id: String,
    /// Send this group of templates first, unless a route says otherwise. Of the three settings
    /// for templates one is enough.
    template_group_id: String,
    /// Send the template of this name first.
    template_name: String,
    /// Send the template of this ID first.
    template_id: String,
    /// Whether it goes through FlowBot's queue; as FlowBot has it by default.
    queue: Option<bool>,
    /// Variables of the flow that are the same for every event; those of a route come on top.
    data: Map<String, Value>,
    /// Whether the flow speaks from the WhatsApp number that the event came in on, where there is
    /// one; otherwise FlowBot chooses. `phoneNumberId` in `data` names another.
    same_number: bool,
    /// Whether it is marketing: it is then refused for contacts who do not want any.
    marketing: bool,
    /// How many triggers the account may make, as documented or agreed; 95 % of it are used, evenly
    /// spread over all destinations of the same client.
    limit: Rate,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            base_url: String::new(),
            client_id: String::new(),
            api_key: Secret::default(),
            token: Secret::default(),
            ttl: None,
            flow_id: String::new(),
            template_group_id: String::new(),
            template_name: String::new(),
            template_id: String::new(),
            queue: None,
            data: Map::new(),
            same_number: true,
            marketing: true,
            limit: DOCUMENTED,
        }
    }
}

impl Define for Outbound {
    const KIND: &'static str = "flowbot.outbound";
    const SUMMARY: &'static str = "A flow of FlowBot AI, started with the contact of the event.";
    const PAYLOAD: Takes = Takes::Names(&[
        "to",
        "phone",
        "flowId",
        "flow_id",
        "templateGroupId",
        "template_group_id",
        "templateName",
        "template_name",
        "templateId",
        "template_id",
        "queue",
        "data",
    ]);
    const POLICY: Policy = PATIENT;
    type Config = Config;

    fn new(config: Config, _setup: &Setup) -> Result<Self, String> {
        let templates = [&config.template_group_id, &config.template_name, &config.template_id];
        if templates.iter().filter(|it| !it.is_empty()).count() > 1 {
            return Err("only one of `template_group_id`, `template_name` and `template_id` goes \
                        first"
                .to_owned());
        }
        params(&config.data).map_err(|it| format!("`data`: {it}"))?;
        let seconds = seconds(config.ttl)?;
        let access = if config.token.is_empty() {
            Access::jwt(&config.base_url, &config.client_id, &config.api_key, seconds)?
        } else if !config.client_id.is_empty() || !config.api_key.is_empty() {
            return Err("either `token`, or `client_id` and `api_key`".to_owned());
        } else {
            let token = [("token", config.token.clone())];
            Access::fixed(&config.base_url, |host| format!("token of {host}"), token)?
        };
        let limit = trigger_limit(&access, config.limit);
        Ok(Self { access, limit, config })
    }

    fn means(self) -> Means {
        Means::Adapter(Arc::new(self))
    }
}

/// How many triggers there may be, all destinations of a client together.
fn trigger_limit(access: &Access, limit: Rate) -> Limit {
    let whose = if access.session().is_some() { &access.id } else { access.host() };
    Limit { key: format!("flowbot {whose}"), rate: share(limit), burst: 1 }
}

/// How long a token shall live, in seconds.
///
/// # Errors
/// That it is no time.
pub(super) fn seconds(ttl: Option<Period>) -> Result<Option<u32>, String> {
    let Some(Period(ttl)) = ttl else { return Ok(None) };
    let seconds = u32::try_from(ttl.as_secs()).ok().filter(|it| *it > 0);
    seconds.map(Some).ok_or_else(|| "`ttl` is at least a second".to_owned())
}

/// The values of a template are a list, wherever they come from.
fn params(data: &Map<String, Value>) -> Result<(), String> {
    match data.get("templateParams") {
        None | Some(Value::Array(_)) => Ok(()),
        Some(other) => Err(format!("`templateParams` is a list, not {}", what(other))),
    }
}

impl Outbound {
    /// The flow's variables: what is known of the event, then the settings, then the route.
    fn data(&self, said: &Said, call: &Call) -> Result<Map<String, Value>, Outcome> {
        let facts = &call.event().facts;
        let mut data = Map::new();
        // It comes back with the status of the message.
        if let Some(delivery) = call.deliveries.first() {
            data.insert("sourceRef".to_owned(), delivery.to_string().into());
        }
        let channel = &facts.channel;
        let is_number = ["whatsapp", "flowbot"].contains(&&*channel.provider);
        if self.config.same_number && is_number && !channel.account.is_empty() {
            data.insert("phoneNumberId".to_owned(), channel.account.clone().into());
        }
        let own = said.0.get("data");
        if own.is_none() && self.config.data.is_empty() {
            let name = facts.contact.as_ref().and_then(|it| it.name.clone());
            let text = Some(call.text()).filter(|it| !it.is_empty());
            let known = [("customerName", name), ("text", text)];
            data.extend(known.into_iter().filter_map(|it| Some((it.0.to_owned(), it.1?.into()))));
        }
        data.extend(self.config.data.clone());
        match own {
            None => {}
            Some(Value::Object(own)) => data.extend(own.clone()),
            Some(other) => {
                let what = what(other);
                return Err(Outcome::refused(format!(
                    "`data`: it is a map, the flow's variables, not {what}"
                )));
            }
        }
        params(&data).map_err(|it| Outcome::refused(format!("`data`: {it}")))?;
        Ok(data)
    }

    /// What goes first: the route's template, or else that of the settings.
    fn template(&self, said: &Said) -> Result<Option<(&'static str, String)>, Outcome> {
        let mut found = None;
        for name in TEMPLATES {
            let Some(text) = said.text(name)? else { continue };
            if let Some((other, _)) = found.replace((name, text)) {
                return Err(Outcome::refused(format!(
                    "`{name}`: only one template goes first, and `{other}` names one already"
                )));
            }
        }
        let Config { template_group_id, template_name, template_id, .. } = &self.config;
        let own = TEMPLATES.into_iter().zip([template_group_id, template_name, template_id]);
        let mut own = own.filter(|it| !it.1.is_empty()).map(|it| (it.0, it.1.clone()));
        Ok(found.or_else(|| own.next()))
    }
}

impl Adapter for Outbound {
    fn request(&self, call: &Call) -> Result<Outgoing, Outcome> {
        if self.config.marketing
            && let Some(why) = &call.standing.suppressed
        {
            return Err(Outcome::refused(format!("the contact must not be sent marketing: {why}")));
        }
        let said = Said::read(&call.payload, NAMES)?;
        let phone = said.phone(&["to", "phone"], call)?.ok_or_else(|| {
            Outcome::refused("`to`: the event's contact has no phone number; say whom to reach")
        })?;
        let own = Some(&self.config.flow_id).filter(|it| !it.is_empty()).cloned();
        let flow = said.text("flowId")?.or(own).ok_or_else(|| {
            Outcome::refused("`flowId`: no flow is named, here or as `flow_id` of the destination")
        })?;
        let mut body = json!({ "phone": phone, "flowId": flow, "data": self.data(&said, call)? });
        if let Some((name, template)) = self.template(&said)? {
            body[name] = template.into();
        }
        if let Some(queue) = said.flag("queue")?.or(self.config.queue) {
            body["queue"] = queue.into();
        }
        let arguments = Arguments { body: Some(body), ..Arguments::default() };
        let account = self.access.account(call)?;
        prepare(endpoint("webhook outbound"), &account, &arguments, call)
    }

    fn outcome(&self, call: &Call, answer: &Response) -> Outcome {
        let reading = Reading { credential: &self.access.id, there: true, told: true };
        reading.outcome(answer, call.now)
    }

    fn unanswered(&self, call: &Call, why: Unanswered) -> Outcome {
        match why {
            // It may have started the flow. A status with our reference would show it.
            Unanswered::TooSlow | Unanswered::Broken | Unanswered::TooLarge { .. } => {
                Outcome::Await { until: call.now.checked_add(SIGN).unwrap_or(call.now) }
            }
            _ => Outcome::retry(why.to_string()),
        }
    }

    fn overdue(&self, _call: &Call) -> Outcome {
        Outcome::retry("neither an answer came, nor a status that shows it to have arrived")
    }

    fn limits(&self, _call: &Call) -> Vec<Limit> {
        vec![self.limit.clone()]
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
