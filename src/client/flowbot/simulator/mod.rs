//! `FlowBot` without `FlowBot`: the rows of the map, with the rules that the document gives.
//!
//! Any credentials are right but `invalid`; the user `admin` is an admin, `taken` is registered.
//! Every flow exists but `unknown`. Deeds: `approve {clientId, approved}`, `message {from, text}`
//! (a customer writes), `status_url {url}` (outbound statuses go there), `lead_auth {mode}` (what
//! flows ask for: `any`, `jwt`, `api_key`, `basic`, `bearer`, `hmac`, `none`), `fail {status,
//! times, error, retryAfter}`, `limit {most, seconds}` (of triggers), `forget` (tokens and sessions
//! end), `counts` (what was asked for so far). Secrets: `app-secret` signs as Meta, `hmac-secret` a
//! lead, `legacy-verify-token` is the legacy token.

mod admit;
mod flows;
mod messages;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::payload::{Conversation, Flow};
use super::table::{MAP, ROWS, Row};
use crate::client::inspect::{Rate, strange_field, unfit};
use crate::client::{Answered, Asked, Body, Place, Simulator};

/// A quarter of an hour.
const QUARTER: Duration = Duration::from_mins(15);
const MINUTE: Duration = Duration::from_mins(1);

/// Headers that some row reads.
const HEADERS: &[&str] = &[
    "authorization",
    "cookie",
    "x-api-key",
    "x-debug-key",
    "x-hub-signature-256",
    "x-signature-256",
    "x-telegram-bot-api-secret-token",
    "tiktok-signature",
];

const DEEDS: &[&str] = &[
    "approve {clientId, approved?}",
    "message {from, text}",
    "status_url {url}",
    "lead_auth {mode: any, jwt, api_key, basic, bearer, hmac or none}",
    "fail {status, times?, error?, retryAfter?}",
    "limit {most, seconds}",
    "forget {}",
    "counts {}",
];

/// Nobody has called yet.
pub(in crate::client::flowbot) fn fresh() -> Box<dyn Simulator> {
    Box::new(FlowBot {
        started: None,
        tokens: BTreeMap::new(),
        sessions: BTreeMap::new(),
        refused: BTreeSet::new(),
        lead_auth: "any".to_owned(),
        status_url: None,
        failing: None,
        counts: Counts::default(),
        flows: Vec::new(),
        conversations: Vec::new(),
        logins: Rate::new(10, QUARTER),
        exchanges: Rate::new(10, QUARTER),
        outbounds: Rate::new(30, MINUTE),
        generations: Rate::new(10, MINUTE),
        counter: 0,
    })
}

struct FlowBot {
    started: Option<Timestamp>,
    /// JWTs, and when they end.
    tokens: BTreeMap<String, Timestamp>,
    /// Cookies, and whose they are.
    sessions: BTreeMap<String, String>,
    /// Clients that no admin has approved.
    refused: BTreeSet<String>,
    lead_auth: String,
    status_url: Option<String>,
    failing: Option<Failing>,
    counts: Counts,
    flows: Vec<Flow>,
    conversations: Vec<Conversation>,
    logins: Rate,
    exchanges: Rate,
    outbounds: Rate,
    generations: Rate,
    counter: u64,
}

/// What the next requests are answered.
struct Failing {
    status: u16,
    times: u64,
    error: String,
    retry_after: Option<String>,
}

/// How often what is limited was asked for, and how often in vain.
#[derive(Default)]
struct Counts {
    tokens: u64,
    logins: u64,
    triggers: u64,
    refused: u64,
}

impl Counts {
    fn count(&mut self, path: &str, status: u16) {
        match path.trim_end_matches('/') {
            "/api/auth/api-token" => self.tokens += 1,
            "/api/auth/login" => self.logins += 1,
            "/api/webhook/outbound" if status == 200 => self.triggers += 1,
            _ => {}
        }
        self.refused += u64::from(status == 429);
    }

    fn shown(&self) -> Value {
        json!({
            "tokenCalls": self.tokens,
            "loginCalls": self.logins,
            "triggers": self.triggers,
            "tooMany": self.refused,
        })
    }
}

type Refused = Answered;

fn refused(status: u16, error: &str) -> Refused {
    Answered::json(status, &json!({ "error": error }))
}

/// What stands in the places of a path.
type Places = BTreeMap<String, String>;

impl Simulator for FlowBot {
    fn answer(&mut self, asked: &Asked, now: Timestamp) -> Answered {
        self.begin(now);
        let answered = self.route(asked, now).unwrap_or_else(|refused| refused);
        self.counts.count(&asked.path, answered.status);
        answered
    }

    fn deed(&mut self, deed: &str, arguments: &Value, now: Timestamp) -> Option<Value> {
        self.begin(now);
        self.perform(deed, arguments, now).or_else(|| unfit(DEEDS, deed))
    }
}

impl FlowBot {
    fn perform(&mut self, deed: &str, arguments: &Value, now: Timestamp) -> Option<Value> {
        let text = |name: &str| arguments[name].as_str().map(str::to_owned);
        match deed {
            "approve" => {
                let client = text("clientId")?;
                if arguments["approved"].as_bool().unwrap_or(true) {
                    self.refused.remove(&client);
                } else {
                    self.refused.insert(client);
                }
            }
            "message" => return Some(self.heard(&text("from")?, &text("text")?, now)),
            "status_url" => self.status_url = text("url"),
            "lead_auth" => {
                let modes = ["any", "jwt", "api_key", "basic", "bearer", "hmac", "none"];
                self.lead_auth = text("mode").filter(|it| modes.contains(&&**it))?;
            }
            "fail" => {
                let retry_after = &arguments["retryAfter"];
                self.failing = Some(Failing {
                    status: u16::try_from(arguments["status"].as_u64()?).ok()?,
                    times: arguments["times"].as_u64().unwrap_or(1),
                    error: text("error").unwrap_or_else(|| "Internal server error".to_owned()),
                    retry_after: text("retryAfter")
                        .or_else(|| retry_after.as_u64().map(|it| it.to_string())),
                });
            }
            "limit" => {
                let most = usize::try_from(arguments["most"].as_u64()?).ok()?;
                let seconds = arguments["seconds"].as_u64().filter(|it| *it > 0)?;
                self.outbounds = Rate::new(most, Duration::from_secs(seconds));
            }
            "forget" => {
                self.tokens.clear();
                self.sessions.clear();
            }
            "counts" => return Some(self.counts.shown()),
            _ => return None,
        }
        Some(json!({ "done": deed }))
    }

    /// Seeds a few rows, which are as old as they should be.
    fn begin(&mut self, now: Timestamp) {
        if self.started.is_some() {
            return;
        }
        self.started = Some(now);
        let ago = |hours| stamp(now.checked_sub(SignedDuration::from_hours(hours)).unwrap_or(now));
        let flow = |id: &str, name: &str, status: &str| Flow {
            id: id.to_owned(),
            name: name.to_owned(),
            description: "Handles customer inquiries".to_owned(),
            status: status.to_owned(),
            created_at: ago(240),
            updated_at: ago(120),
        };
        let conversation = |id: &str, phone: &str, hours| Conversation {
            id: id.to_owned(),
            wa_phone_number: phone.to_owned(),
            customer_name: Some("John Doe".to_owned()),
            flow_id: Some("flow-uuid".to_owned()),
            status: "active".to_owned(),
            last_message: Some("Hello, I need help".to_owned()),
            started_at: ago(hours + 1),
            last_customer_message_at: Some(ago(hours)),
        };
        self.flows.push(flow("flow-uuid", "Customer Support", "active"));
        self.flows.push(flow("flow-draft", "Pizza Support Flow", "draft"));
        self.conversations.push(conversation("conv-uuid", "+972501234567", 1));
        self.conversations.push(conversation("conv-closed", "+972507654321", 25));
    }

    fn route(&mut self, asked: &Asked, now: Timestamp) -> Result<Answered, Refused> {
        let fits = |row: &'static Row| Some((row, asked.matches(row.endpoint.path)?));
        // `/api/flows/generate` is no flow of that name.
        let found = ROWS.iter().filter_map(fits).min_by_key(|it| it.1.len());
        let Some((row, places)) = found else { return Err(refused(404, "Not found")) };
        let endpoint = &row.endpoint;
        if !endpoint.methods.contains(&&*asked.method) {
            return Err(refused(405, "Method not allowed"));
        }
        if let Some(name) = asked.strange_header(HEADERS) {
            return Err(refused(400, &format!("Unknown header: {name}")));
        }
        self.admit(row, asked, now)?;
        // Of the other rows the document does not say what they take.
        let queries = endpoint.parameters.iter().filter(|it| it.place == Place::Query);
        let known: Vec<&str> = queries.map(|it| it.name).collect();
        let is_told = endpoint.source != MAP;
        if let Some(name) = asked.strange_parameter(&known).filter(|_| is_told) {
            return Err(refused(400, &format!("Unknown parameter: {name}")));
        }
        if let Some(failing) = &mut self.failing {
            let Failing { status, times, error, retry_after } = failing;
            let mut answered = refused(*status, error);
            answered.headers.extend(retry_after.clone().map(|it| ("retry-after", it)));
            *times = times.saturating_sub(1);
            self.failing.take_if(|it| it.times == 0);
            return Err(answered);
        }
        let fields = match endpoint.body {
            Body::Json | Body::Open if !asked.body.is_empty() => {
                asked.fields().map_err(|it| refused(400, &it))?
            }
            _ => Map::new(),
        };
        let listed = endpoint.parameters.iter().filter(|it| it.place == Place::Field);
        let listed: Vec<&str> = listed.map(|it| it.name).collect();
        if endpoint.body == Body::Json
            && let Some(name) = strange_field(&fields, &listed)
        {
            return Err(refused(400, &format!("Unknown field: {name}")));
        }
        match (endpoint.call, &*asked.method) {
            ("auth login", _) => self.login(&fields, now),
            ("auth api-token", _) => self.exchange(&fields, now),
            ("auth register", _) => register(&fields),
            ("auth logout", _) => self.logout(asked),
            ("auth me", _) => Ok(self.me(asked)),
            ("flows", "GET") => Ok(Answered::json(200, &json!(self.flows))),
            ("flows", _) => self.create(&fields, now),
            ("flows by-id", method) => self.flow(&places["id"], method, &fields, now),
            ("flows generate", _) => self.generate(asked, now),
            ("conversations", _) => self.list(asked),
            ("conversations by-id", _) => self.conversation(&places["id"]),
            ("conversations reply", _) => self.reply(&places["id"], &fields, now),
            ("webhook outbound", _) => self.outbound(&fields, now),
            ("webhook flow lead", _) => lead(&places["flowId"], asked, &fields),
            _ => other(row, asked, &places),
        }
    }

    fn next(&mut self, prefix: &str) -> String {
        self.counter += 1;
        format!("{prefix}{:06}", self.counter)
    }
}

/// As JavaScript writes a moment.
fn stamp(moment: Timestamp) -> String {
    format!("{moment:.3}")
}

/// A text that says something.
///
/// # Errors
/// That it is missing.
fn needed<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a str, Refused> {
    let text = fields.get(name).and_then(Value::as_str).filter(|it| !it.trim().is_empty());
    text.ok_or_else(|| refused(400, &format!("{name} is required")))
}

fn register(fields: &Map<String, Value>) -> Result<Answered, Refused> {
    match fields.get("username").and_then(Value::as_str) {
        Some("taken") => Err(refused(409, "Username already exists")),
        name => Ok(Answered::json(201, &json!({ "user": { "username": name, "role": "user" } }))),
    }
}

/// The names of an object in the order they were written.
struct Names(Vec<String>);

impl<'de> serde::Deserialize<'de> for Names {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Names;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some((name, _)) = map.next_entry::<String, serde::de::IgnoredAny>()? {
                    names.push(name);
                }
                Ok(Names(names))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

fn lead(flow: &str, asked: &Asked, fields: &Map<String, Value>) -> Result<Answered, Refused> {
    if flow == "unknown" {
        return Err(refused(404, "Flow not found"));
    }
    if fields.is_empty() {
        return Err(refused(400, "The lead is empty"));
    }
    let names = serde_json::from_slice::<Names>(&asked.body).map_or_else(|_| Vec::new(), |it| it.0);
    let message = "Lead received and flow started";
    Ok(Answered::json(200, &json!({ "success": true, "message": message, "variables": names })))
}

/// Rows that the map has one line for.
fn other(row: &Row, asked: &Asked, places: &Places) -> Result<Answered, Refused> {
    if asked.method == "GET"
        && let Some(mode) = asked.parameter("hub.mode")
    {
        let token = asked.parameter("hub.verify_token").filter(|it| *it != "invalid");
        return match (mode, token, asked.parameter("hub.challenge")) {
            ("subscribe", Some(_), Some(challenge)) => {
                let body = challenge.to_owned().into();
                Ok(Answered { body, ..Answered::json(200, &Value::Null) })
            }
            _ => Err(refused(403, "Verification failed")),
        };
    }
    let word = row.endpoint.path.rsplit('/').find(|it| !it.starts_with('{')).unwrap_or_default();
    let mut body = json!({ "success": true });
    match places.first_key_value() {
        Some((name, _)) if places[name] == "unknown" => return Err(refused(404, "Not found")),
        Some((name, value)) => body[name] = value.clone().into(),
        None if asked.method == "GET" => body[word] = json!([]),
        None => {}
    }
    Ok(Answered::json(200, &body))
}
