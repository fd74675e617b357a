//! `flowxo.trigger`: starts a flow by its webhook.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{answer, fields};
use crate::client::{Outgoing, Response};
use crate::config::Secret;
use crate::destination::{Adapter, Call, Define, Means, Outcome, Policy, Scope, Setup, Takes};

/// Starts a flow.
pub(in crate::destination) struct FlowXoTrigger {
    url: Secret,
    public_url: String,
}

/// What stands under a destination with `kind: flowxo.trigger`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::destination) struct Config {
    /// The address that the flow's webhook trigger shows. Whoever knows it can start the flow.
    trigger_url: Secret,
}

impl Define for FlowXoTrigger {
    const KIND: &'static str = "flowxo.trigger";
    const SUMMARY: &'static str =
        "A flow of Flow XO, started by its webhook with every fact of the event as a flat field.";
    const PAYLOAD: Takes = Takes::Anything;
    const POLICY: Policy = Policy::WEBHOOK;
    type Config = Config;

    fn new(config: Config, setup: &Setup) -> Result<Self, String> {
        let url = config.trigger_url;
        if url.is_empty() {
            return Err("`trigger_url` is missing".to_owned());
        }
        let is_url = url
            .expose()
            .split_once("://")
            .is_some_and(|(scheme, rest)| ["https", "http"].contains(&scheme) && !rest.is_empty());
        if !is_url {
            return Err("`trigger_url` is no https:// URL".to_owned());
        }
        Ok(Self { url, public_url: setup.public_url.clone() })
    }

    fn means(self) -> Means {
        Means::Adapter(Arc::new(self))
    }
}

impl Adapter for FlowXoTrigger {
    fn request(&self, call: &Call) -> Result<Outgoing, Outcome> {
        let mut fields = fields::of(call, &self.public_url);
        match &call.payload {
            Value::Null => {}
            // Fields of the route's own stand beside, as flat as the others.
            Value::Object(own) => {
                let own = own.iter().map(|(name, it)| (name.clone(), fields::flat(it).into()));
                fields.extend(own);
            }
            _ => return Err(Outcome::refused("the payload is a map of fields")),
        }
        let headers = vec![("content-type".into(), Secret::new("application/json"))];
        let body = Value::Object(fields).to_string().into();
        Ok(Outgoing { method: "POST", url: self.url.expose().to_owned(), headers, body })
    }

    fn outcome(&self, _call: &Call, answer: &Response) -> Outcome {
        answer::of_trigger(answer, &self.url, &self.secrets())
    }

    fn scopes(&self, _call: &Call) -> Vec<Scope> {
        vec![answer::scope(&self.url)]
    }

    /// The whole address, and the part of it that is unguessable.
    fn secrets(&self) -> Vec<Secret> {
        let path = self.url.expose().split(['?', '#']).next().unwrap_or_default();
        let tail = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let tail = Some(tail).filter(|it| it.len() >= 6).map(Secret::new);
        [self.url.clone()].into_iter().chain(tail).collect()
    }
}
