//! `FlowGent` without `FlowGent`: every agent is yours and repeats what you say, but `other`.
//!
//! Any key is right but `invalid`. The agent `no-whatsapp` has no WhatsApp connection. Deeds:
//! `credits {left}`, `fail {status, times}` (402, 500 and 503 come inside a 200 where an agent is
//! asked), `slow {ms}` for answers to a callback URL, `limit {items}` of knowledge.

mod chat;
mod knowledge;
mod usage;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::payload::{Item, Message};
use crate::client::inspect::{strange_field, unfit};
use crate::client::{Answered, Asked, Simulator};

/// Nothing was said, used or known yet.
pub(super) fn fresh() -> Box<dyn Simulator> {
    Box::new(FlowGent {
        threads: BTreeMap::new(),
        used: BTreeMap::new(),
        items: BTreeMap::new(),
        credits: 1000,
        failing: None,
        slow: 50,
        limit: 1000,
        counter: 0,
    })
}

struct FlowGent {
    /// By agent and thread.
    threads: BTreeMap<(String, String), Vec<Message>>,
    /// Credits by agent and day.
    used: BTreeMap<(String, Date), u64>,
    items: BTreeMap<String, Item>,
    credits: u64,
    /// The status, and how many more times.
    failing: Option<(u16, u64)>,
    /// Milliseconds before a callback.
    slow: u64,
    limit: usize,
    counter: u64,
}

const DEEDS: &[&str] = &["credits {left}", "fail {status, times?}", "slow {ms}", "limit {items}"];

/// What is refused, in the document's words.
type Refused = Answered;

fn refused(status: u16, error: &str, message: &str) -> Refused {
    Answered::json(status, &json!({ "error": error, "message": message }))
}

fn told(status: u16, error: &str) -> Refused {
    Answered::json(status, &json!({ "error": error }))
}

impl Simulator for FlowGent {
    fn answer(&mut self, asked: &Asked, now: Timestamp) -> Answered {
        self.route(asked, now).unwrap_or_else(|refused| refused)
    }

    fn deed(&mut self, deed: &str, arguments: &Value, _: Timestamp) -> Option<Value> {
        self.perform(deed, arguments).or_else(|| unfit(DEEDS, deed))
    }
}

impl FlowGent {
    fn perform(&mut self, deed: &str, arguments: &Value) -> Option<Value> {
        let number = |name: &str| arguments[name].as_u64();
        match deed {
            "credits" => self.credits = number("left")?,
            "fail" => {
                let status = u16::try_from(number("status")?).ok()?;
                self.failing = Some((status, number("times").unwrap_or(1)));
            }
            "slow" => self.slow = number("ms")?,
            "limit" => self.limit = usize::try_from(number("items")?).ok()?,
            _ => return None,
        }
        Some(json!({ "done": deed }))
    }

    fn route(&mut self, asked: &Asked, now: Timestamp) -> Result<Answered, Refused> {
        match asked.header("authorization").map(str::trim) {
            None | Some("") => {
                return Err(refused(
                    401,
                    "API key is required",
                    "Please provide an API key in the Authorization header",
                ));
            }
            // A key has no spaces: whoever sends `Bearer …` has not read the document.
            Some(key) if key == "invalid" || key.contains(' ') => {
                let message = "The provided API key is not valid";
                return Err(refused(401, "Invalid API key", message));
            }
            Some(_) => {}
        }
        if let Some(name) = asked.strange_header(&["authorization"]) {
            return Err(refused(400, "Unknown header", name));
        }
        // The same paths, whether the base URL was written with the prefix or without.
        let path = asked.path.strip_prefix("/api/public").unwrap_or(&asked.path);
        let asked = &Asked { path: path.to_owned(), ..asked.clone() };
        let place = |template: &str| asked.matches(template);
        let method = &*asked.method;
        if let Some(mut at) = place("/agent/{id}/chat").filter(|_| method == "POST") {
            let agent = agent(at.remove("id"))?;
            parameters(asked, &[])?;
            return self.chat(&agent, asked, now);
        }
        let usage = place("/agent/{id}/usage").filter(|_| method == "GET");
        let waba = place("/agent/{id}/waba").filter(|_| method == "POST");
        let item = place("/knowledge/{id}");
        let all = place("/knowledge").is_some();
        if usage.is_none() && waba.is_none() && item.is_none() && !all {
            return Err(told(404, "Not found"));
        }
        if let Some(status) = self.fails() {
            return Err(told(status, "Internal server error"));
        }
        if let Some(mut at) = usage {
            let agent = agent(at.remove("id"))?;
            parameters(asked, &["start_date", "end_date"])?;
            return self.usage(&agent, asked, now);
        }
        if let Some(mut at) = waba {
            let agent = agent(at.remove("id"))?;
            parameters(asked, &[])?;
            return self.waba(&agent, asked);
        }
        let id = item.and_then(|mut it| it.remove("id"));
        match (method, id) {
            ("GET", None) => self.list(asked),
            ("POST", None) => self.add(asked, now),
            ("GET", Some(id)) => self.get(&id, asked),
            ("PATCH", Some(id)) => self.update(&id, asked, now),
            ("DELETE", Some(id)) => self.delete(&id, asked),
            _ => Err(told(405, "Method not allowed")),
        }
    }

    /// The status to fail with now.
    fn fails(&mut self) -> Option<u16> {
        let (status, times) = self.failing?;
        self.failing = times.checked_sub(1).filter(|it| *it > 0).map(|times| (status, times));
        (times > 0).then_some(status)
    }

    fn next(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    fn waba(&mut self, agent: &str, asked: &Asked) -> Result<Answered, Refused> {
        const KNOWN: &[&str] =
            &["recipient_phone_number", "template_name", "language", "customer_name", "parameters"];
        let fields = fields(asked, KNOWN)?;
        let said =
            |name: &str| fields.get(name).and_then(Value::as_str).filter(|it| !it.is_empty());
        let missing = |message| refused(400, "Missing required fields", message);
        let (Some(number), Some(_)) = (said("recipient_phone_number"), said("template_name"))
        else {
            return Err(missing("recipient_phone_number and template_name are required"));
        };
        if said("language").is_none() {
            return Err(missing("language is required"));
        }
        if fields.get("parameters").is_some_and(|it| !it.is_array()) {
            return Err(refused(400, "Validation failed", "parameters must be an array"));
        }
        if agent == "no-whatsapp" {
            let message = "No WhatsApp connection found for this agent";
            return Err(refused(404, "WhatsApp connection not found", message));
        }
        let id = format!("wamid.simulated{:08}", self.next());
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        Ok(Answered::json(
            200,
            &json!({
                "messaging_product": "whatsapp",
                "contacts": [{ "input": number, "wa_id": digits }],
                "messages": [{ "id": id }],
            }),
        ))
    }
}

/// An agent of yours.
fn agent(id: Option<String>) -> Result<String, Refused> {
    match id.filter(|it| !it.trim().is_empty()) {
        None => Err(told(400, "agent_id is required and must be a non-empty string")),
        Some(id) if id == "other" => {
            let message = "This agent does not belong to your organisation";
            Err(refused(403, "Access denied", message))
        }
        Some(id) => Ok(id),
    }
}

fn parameters(asked: &Asked, known: &[&str]) -> Result<(), Refused> {
    asked.strange_parameter(known).map_or(Ok(()), |it| Err(refused(400, "Unknown parameter", it)))
}

fn fields(asked: &Asked, known: &[&str]) -> Result<Map<String, Value>, Refused> {
    let fields = asked.fields().map_err(|it| refused(400, "Invalid JSON body", &it))?;
    match strange_field(&fields, known) {
        Some(name) => Err(refused(400, "Validation failed", &format!("Unknown field \"{name}\"."))),
        None => Ok(fields),
    }
}
