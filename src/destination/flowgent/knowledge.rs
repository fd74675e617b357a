//! `flowgent.knowledge`: what agents know is added to, changed and deleted as events tell.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::answer::{self, Asked};
use super::{Access, BASE_URL, describe, named, text};
use crate::client::flowgent::{API, MAX_CONTENT};
use crate::client::{Outgoing, Response};
use crate::config::Secret;
use crate::destination::{
    Adapter, Call, Define, Means, Order, Outcome, Policy, Scope, Setup, Takes,
};

/// The names of a payload: what is to be done, to which item, and those of the API.
const NAMES: &[&str] = &["action", "id", "name", "content", "agent_ids", "description_to_index_on"];

/// A configured knowledge base.
pub(in crate::destination) struct Knowledge {
    access: Access,
    agent_ids: Vec<String>,
}

/// What stands under a destination with `kind: flowgent.knowledge`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::destination) struct Config {
    /// The agents that shall know what is added, where the route names none.
    agent_ids: Vec<String>,
    /// An API key, from FlowGent's settings.
    api_key: Secret,
    /// Where FlowGent is: another address for a simulator.
    base_url: String,
}

impl Default for Config {
    fn default() -> Self {
        Self { agent_ids: Vec::new(), api_key: Secret::default(), base_url: BASE_URL.to_owned() }
    }
}

impl Define for Knowledge {
    const KIND: &'static str = "flowgent.knowledge";
    const SUMMARY: &'static str =
        "Adds, updates and deletes what FlowGent agents know, as `action` of the payload says.";
    const PAYLOAD: Takes = Takes::Names(NAMES);
    // An item that is added and then changed is not changed and then added.
    const POLICY: Policy = Policy { order: Order::Conversation, concurrency: 4, ..Policy::WEBHOOK };
    type Config = Config;

    fn new(config: Config, _: &Setup) -> Result<Self, String> {
        if config.agent_ids.iter().any(|it| it.trim().is_empty()) {
            return Err("`agent_ids` has an empty one".to_owned());
        }
        let access = Access::new(&config.base_url, config.api_key)?;
        Ok(Self { access, agent_ids: config.agent_ids })
    }

    fn means(self) -> Means {
        Means::Adapter(Arc::new(self))
    }
}

/// What a payload wants done.
fn asked(fields: &Map<String, Value>) -> Result<Asked, Outcome> {
    match text(fields, "action")?.as_deref() {
        None | Some("add") => Ok(Asked::Add),
        Some("update") => Ok(Asked::Update),
        Some("delete") => Ok(Asked::Delete),
        Some(other) => {
            let message = format!("`action`: `{other}` is none of `add`, `update`, `delete`");
            Err(Outcome::refused(message))
        }
    }
}

/// The agents that a payload names.
fn agents(fields: &Map<String, Value>) -> Result<Option<Value>, Outcome> {
    let one = |it: &Value| match it {
        Value::String(id) if !id.trim().is_empty() => Some(Value::from(id.as_str())),
        Value::Number(id) => Some(id.to_string().into()),
        _ => None,
    };
    let found = match fields.get("agent_ids") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(several)) if several.is_empty() => None,
        Some(Value::Array(several)) => several.iter().map(one).collect::<Option<Vec<_>>>(),
        Some(single) => one(single).map(|it| vec![it]),
    };
    let message = "`agent_ids`: expected an agent's id or a list of them";
    found.map(|it| Some(it.into())).ok_or_else(|| Outcome::refused(message))
}

impl Knowledge {
    /// The request's body.
    fn body(
        &self,
        asked: Asked,
        fields: &Map<String, Value>,
        call: &Call,
    ) -> Result<Map<String, Value>, Outcome> {
        let mut body = Map::new();
        for name in ["name", "content", "description_to_index_on"] {
            if let Some(text) = text(fields, name)? {
                body.insert(name.to_owned(), text.into());
            }
        }
        if let Some(agents) = agents(fields)? {
            body.insert("agent_ids".to_owned(), agents);
        }
        if asked == Asked::Add && !body.contains_key("content") {
            let text = call.text();
            if text.trim().is_empty() {
                let message = "`content`: the event has no text; say in the route what to add";
                return Err(Outcome::refused(message));
            }
            body.insert("content".to_owned(), text.into());
        }
        if asked == Asked::Add && !body.contains_key("agent_ids") {
            if self.agent_ids.is_empty() {
                let message =
                    "`agent_ids`: say in the route or under the destination who is to know it";
                return Err(Outcome::refused(message));
            }
            body.insert("agent_ids".to_owned(), self.agent_ids.clone().into());
        }
        let content = body.get("content").and_then(Value::as_str).unwrap_or_default();
        let length = content.chars().count();
        if length > MAX_CONTENT {
            return Err(Outcome::refused(format!(
                "`content`: it has {length} characters; FlowGent takes {MAX_CONTENT}"
            )));
        }
        Ok(body)
    }
}

impl Adapter for Knowledge {
    fn request(&self, call: &Call) -> Result<Outgoing, Outcome> {
        let nothing = Map::new();
        let fields = named(&call.payload, NAMES)?.unwrap_or(&nothing);
        let asked = asked(fields)?;
        let id = text(fields, "id")?;
        let others = ["name", "content", "agent_ids", "description_to_index_on"];
        let other = others.into_iter().find(|it| fields.get(*it).is_some_and(|it| !it.is_null()));
        let refuse = |message: &str| Err(Outcome::refused(message));
        match (asked, id) {
            (Asked::Add, Some(_)) => refuse(
                "`id`: FlowGent gives it when something is added; to change it, say `action: update`",
            ),
            (Asked::Add, None) => {
                let body = self.body(asked, fields, call)?;
                self.access.request("knowledge add", call, None, Some(body))
            }
            (_, None) => refuse("`id`: say which item is meant"),
            (Asked::Delete, Some(id)) => match other {
                Some(name) => {
                    let found = fields.get(name).map_or("nothing", describe);
                    refuse(&format!(
                        "`{name}`: a deletion takes `id` alone, found {found} beside it"
                    ))
                }
                None => self.access.request("knowledge delete", call, Some(id), None),
            },
            (_, Some(_)) if other.is_none() => refuse(
                "`content`: nothing to change; say `content`, `name`, `agent_ids` or `description_to_index_on`",
            ),
            (_, Some(id)) => {
                let body = self.body(asked, fields, call)?;
                self.access.request("knowledge update", call, Some(id), Some(body))
            }
        }
    }

    fn outcome(&self, call: &Call, answer: &Response) -> Outcome {
        if let Some(problem) = (API.problem)(answer) {
            let fields = call.payload.as_object();
            let asked = fields.and_then(|it| asked(it).ok()).unwrap_or(Asked::Add);
            let verdict = answer::verdict(asked, problem.status, call.attempt);
            return answer::outcome(verdict, &problem, call, &self.access, None);
        }
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        body["id"].as_str().map_or_else(Outcome::delivered, Outcome::received)
    }

    fn scopes(&self, _: &Call) -> Vec<Scope> {
        vec![self.access.credential()]
    }

    fn secrets(&self) -> Vec<Secret> {
        self.access.secrets()
    }
}
