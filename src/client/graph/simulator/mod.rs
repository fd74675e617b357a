//! Meta without Meta: messages are checked and go nowhere; their statuses and whatever customers
//! write go to the gateway, signed.
//!
//! Any token is right but `invalid`. Deeds: `webhook {url, app_secret, verify_token?}` (where
//! webhooks go; with a verify token the handshake is made first), `message {from, text, name?}` (a
//! customer writes), `window {open}` (whether those are reached who have not written for a day),
//! `limits {per_second?, per_pair?}`, `unreachable {to}`, `fail {code, subcode?, times?, later?}`
//! (refused at once, or told by a status later), `media {id?, mime_type, content}`, `lead {id?,
//! field_data}`.

mod errors;
mod objects;
mod page;
mod send;
mod webhook;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::errors::{Refused, error, refused};
use self::webhook::Webhook;
use super::rules;
use crate::client::inspect::{Rate, unfit};
use crate::client::{Answered, Asked, Outgoing, Simulator};

const DEEDS: &[&str] = &[
    "webhook {url, app_secret, verify_token?}",
    "message {from, text, name?}",
    "window {open}",
    "limits {per_second?, per_pair?}",
    "unreachable {to}",
    "fail {code, subcode?, times?, later?}",
    "media {id?, mime_type?, content}",
    "lead {id?, field_data}",
];

/// Nobody has written yet.
pub(in crate::client::graph) fn fresh() -> Box<dyn Simulator> {
    let mut graph = Graph {
        webhook: None,
        heard: BTreeMap::new(),
        window_open: true,
        per_second: 80,
        per_pair: 45,
        numbers: BTreeMap::new(),
        pairs: BTreeMap::new(),
        unreachable: BTreeSet::new(),
        failing: None,
        media: BTreeMap::new(),
        leads: BTreeMap::new(),
        due: Vec::new(),
        counter: 0,
    };
    graph.seed();
    Box::new(graph)
}

/// What goes wrong next.
#[derive(Clone, Copy)]
struct Failing {
    code: i64,
    /// Of Messenger and Instagram.
    subcode: Option<i64>,
    times: u64,
    later: bool,
}

struct File {
    mime_type: String,
    content: Vec<u8>,
}

struct Graph {
    webhook: Option<Webhook>,
    /// When a customer last wrote, by their number.
    heard: BTreeMap<String, Timestamp>,
    window_open: bool,
    per_second: usize,
    per_pair: usize,
    /// By number of ours.
    numbers: BTreeMap<String, Rate>,
    /// When all that was sent is paid back, by number of ours and the customer.
    pairs: BTreeMap<(String, String), Timestamp>,
    unreachable: BTreeSet<String>,
    failing: Option<Failing>,
    media: BTreeMap<String, File>,
    leads: BTreeMap<String, Value>,
    due: Vec<(Duration, Outgoing)>,
    counter: u64,
}

impl Simulator for Graph {
    fn answer(&mut self, asked: &Asked, now: Timestamp) -> Answered {
        let mut answered = self.route(asked, now).unwrap_or_else(|refused| refused);
        answered.later.append(&mut self.due);
        answered
    }

    fn deed(&mut self, deed: &str, arguments: &Value, now: Timestamp) -> Option<Value> {
        self.perform(deed, arguments, now).or_else(|| unfit(DEEDS, deed))
    }

    fn due(&mut self) -> Vec<(Duration, Outgoing)> {
        std::mem::take(&mut self.due)
    }
}

impl Graph {
    fn perform(&mut self, deed: &str, arguments: &Value, now: Timestamp) -> Option<Value> {
        let text = |name: &str| arguments[name].as_str().map(str::to_owned);
        let count = |name: &str| arguments[name].as_u64().and_then(|it| usize::try_from(it).ok());
        match deed {
            "webhook" => {
                let webhook = Webhook { url: text("url")?, app_secret: text("app_secret")? };
                let handshake = text("verify_token").map(|it| webhook.handshake(&it));
                self.due.extend(handshake.map(|it| (Duration::ZERO, it)));
                self.webhook = Some(webhook);
            }
            "message" => {
                let from = text("from").filter(|it| !it.is_empty())?;
                return Some(self.hear(&from, &text("text")?, arguments["name"].as_str(), now));
            }
            "window" => self.window_open = arguments["open"].as_bool()?,
            "limits" => {
                self.per_second = count("per_second").unwrap_or(self.per_second);
                self.per_pair = count("per_pair").unwrap_or(self.per_pair);
                self.numbers.clear();
                self.pairs.clear();
            }
            "unreachable" => drop(self.unreachable.insert(digits(&text("to")?))),
            "fail" => {
                let code = arguments["code"].as_i64()?;
                let times = arguments["times"].as_u64().unwrap_or(1);
                let later = arguments["later"].as_bool().unwrap_or(false);
                let subcode = arguments["subcode"].as_i64();
                self.failing = Some(Failing { code, subcode, times, later });
            }
            "media" => {
                let id = text("id").unwrap_or_else(|| self.id());
                let file = File {
                    mime_type: text("mime_type").unwrap_or_else(|| "text/plain".to_owned()),
                    content: text("content")?.into_bytes(),
                };
                self.media.insert(id.clone(), file);
                return Some(json!({ "id": id }));
            }
            "lead" => {
                let id = text("id").unwrap_or_else(|| self.id());
                let fields = arguments["field_data"].as_array()?;
                self.leads.insert(id.clone(), lead(&id, fields, now));
                return Some(json!({ "id": id }));
            }
            _ => return None,
        }
        Some(json!({ "done": deed }))
    }

    /// A file and a lead to begin with: `1000001` and `2000001`.
    fn seed(&mut self) {
        let content = b"a picture".to_vec();
        self.media.insert("1000001".into(), File { mime_type: "image/jpeg".into(), content });
        let fields = [json!({ "name": "email", "values": ["john@example.com"] })];
        self.leads.insert("2000001".into(), lead("2000001", &fields, Timestamp::UNIX_EPOCH));
    }

    fn route(&mut self, asked: &Asked, now: Timestamp) -> Result<Answered, Refused> {
        match asked.header("authorization").and_then(|it| it.strip_prefix("Bearer ")) {
            Some("invalid") => return Err(refused(190, "")),
            Some(token) if !token.trim().is_empty() => {}
            _ => return Err(refused(104, "")),
        }
        if let Some(name) = asked.strange_header(&["authorization"]) {
            return Err(refused(100, &format!("Unexpected header \"{name}\".")));
        }
        let asked = &Asked { path: unversioned(&asked.path).to_owned(), ..asked.clone() };
        let place = |template: &str| asked.matches(template).and_then(|mut it| it.remove("id"));
        let known: &[&str] = match &*asked.method {
            "GET" => &["fields", "phone_number_id"],
            "DELETE" => &["phone_number_id"],
            _ => &[],
        };
        if let Some(name) = asked.strange_parameter(known) {
            return Err(refused(100, &format!("Unexpected parameter \"{name}\".")));
        }
        let object = place("/{id}");
        match &*asked.method {
            "POST" if place("/{id}/messages").is_some() => {
                self.messages(&place("/{id}/messages").unwrap_or_default(), asked, now)
            }
            "POST" if place("/{id}/media").is_some() => self.upload(asked),
            "GET" if place("/simulated-media/{id}").is_some() => {
                self.content(&place("/simulated-media/{id}").unwrap_or_default())
            }
            "GET" if object.is_some() => self.show(&object.unwrap_or_default(), asked),
            "DELETE" if object.is_some() => self.delete(&object.unwrap_or_default()),
            method => {
                let path = &asked.path;
                Err(refused(2500, &format!("Unknown path components: {method} {path}")))
            }
        }
    }

    fn messages(&mut self, from: &str, asked: &Asked, now: Timestamp) -> Result<Answered, Refused> {
        let fields = asked.fields().map_err(|it| refused(100, &it))?;
        let is_page = fields.get("recipient").is_some_and(Value::is_object);
        let checked = if is_page { rules::page(&fields) } else { rules::whatsapp(&fields) };
        checked.map_err(|it| refused(it.code, &it.details))?;
        let fields = &Value::Object(fields);
        match (is_page, fields.get("status").is_some()) {
            (true, _) => self.page(fields, now),
            (_, true) => Ok(Answered::json(200, &json!({ "success": true }))),
            _ => self.send(from, fields, now),
        }
    }

    /// What goes wrong now.
    fn fails(&mut self) -> Option<Failing> {
        let failing = self.failing?;
        let left = failing.times.saturating_sub(1);
        self.failing = (left > 0).then_some(Failing { times: left, ..failing });
        (failing.times > 0).then_some(failing)
    }

    fn next(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    fn id(&mut self) -> String {
        format!("30{:05}", self.next())
    }
}

/// Without `/v25.0`: unversioned calls take the app's oldest version.
fn unversioned(path: &str) -> &str {
    let is_version = |it: &str| {
        it.strip_prefix('v').and_then(|it| it.split_once('.')).is_some_and(|(major, minor)| {
            [major, minor].iter().all(|it| !it.is_empty() && it.bytes().all(|b| b.is_ascii_digit()))
        })
    };
    match path.trim_start_matches('/').split_once('/') {
        Some((first, rest)) if is_version(first) => &path[path.len() - rest.len() - 1..],
        _ => path,
    }
}

fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

fn lead(id: &str, fields: &[Value], now: Timestamp) -> Value {
    // Meta writes the offset without a colon.
    let created = now.strftime("%Y-%m-%dT%H:%M:%S+0000").to_string();
    json!({ "id": id, "created_time": created, "field_data": fields })
}
