//! A `FlowIQ` of a test: contacts that write, messages that change and turn up late.

use std::collections::BTreeMap;

use fastrand::Rng;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::TENANT;
use crate::client::{Outgoing, Response};
use crate::provider::flowiq::message;

/// What is really there.
pub(super) struct World {
    pub(super) random: Rng,
    pub(super) now: Timestamp,
    pub(super) contacts: Vec<Contact>,
}

pub(super) struct Contact {
    pub(super) record: Value,
    pub(super) messages: Vec<Value>,
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + second).unwrap()
}

impl World {
    /// Nobody has written yet.
    pub(super) fn empty() -> Self {
        Self { random: Rng::with_seed(0), now: at(0), contacts: Vec::new() }
    }

    /// Three conversations.
    pub(super) fn new(seed: u64) -> Self {
        let mut world = Self { random: Rng::with_seed(seed), ..Self::empty() };
        for _ in 0..3 {
            world.contact();
            for _ in 0..world.random.usize(..330) {
                let last = world.contacts.len() - 1;
                world.writes(last);
            }
        }
        world
    }

    pub(super) fn contact(&mut self) {
        let number = 27_600_000_000_u64 + self.contacts.len() as u64;
        let record = json!({ "id": format!("c{number}"), "whatsapp_id": number.to_string(),
            "full_name": "A", "bot_status": "active" });
        self.contacts.push(Contact { record, messages: Vec::new() });
    }

    pub(super) fn message(&mut self, created: Timestamp) -> Value {
        let who = ["user-whatsapp", "bot-whatsapp", "human-whatsapp"][self.random.usize(..3)];
        let text = ["ok", "yes", "hm"][self.random.usize(..3)];
        json!({ "message": text, "sender_type": who, "created_at": created.to_string(),
            "message_status": "sent", "media_type": null, "assignee": null, "reactions": [] })
    }

    /// Somebody writes; often within the same second, often the same.
    pub(super) fn writes(&mut self, contact: usize) {
        if self.random.u8(..3) == 0 {
            let seconds = self.random.i64(0..40);
            self.pass(seconds);
        }
        let message = self.message(self.now);
        self.contacts[contact].messages.push(message);
    }

    /// A message turns up late: somewhere among the last ones, or anywhere.
    fn late(&mut self, contact: usize) {
        let len = self.contacts[contact].messages.len();
        if len < 2 {
            return;
        }
        let back = if self.random.bool() { 1 + self.random.usize(..len.min(5)) } else { len / 2 };
        let place = len - back;
        let created =
            message::moment(&self.contacts[contact].messages[place - usize::from(place > 0)]);
        let message = self.message(created.unwrap());
        self.contacts[contact].messages.insert(place, message);
    }

    fn changes(&mut self, contact: usize) {
        let len = self.contacts[contact].messages.len();
        if len == 0 {
            return;
        }
        let place = len - 1 - self.random.usize(..len.min(40));
        let draw = self.random.u8(..4);
        let message = &mut self.contacts[contact].messages[place];
        match draw {
            0 | 1 => {
                // What a contact wrote has a test of its own: its first status is not told.
                if message["sender_type"] == "user-whatsapp" {
                    return;
                }
                let next = if message["message_status"] == "sent" { "delivered" } else { "read" };
                message["message_status"] = json!(next);
            }
            2 => {
                let empty = message["reactions"] == json!([]);
                message["reactions"] = if empty { json!(["👍"]) } else { json!([]) };
            }
            _ => {
                let lerato = message["assignee"] == "Lerato";
                message["assignee"] = json!(if lerato { "Pieter" } else { "Lerato" });
            }
        }
    }

    pub(super) fn pass(&mut self, seconds: i64) {
        self.now = self.now.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap();
    }

    pub(super) fn step(&mut self) {
        let contact = self.random.usize(..self.contacts.len());
        match self.random.u8(..20) {
            0..8 => self.writes(contact),
            8..14 => self.changes(contact),
            14..16 => self.late(contact),
            16 if self.contacts.len() < 5 => self.contact(),
            17 => {
                let paused = self.contacts[contact].record["bot_status"] == "paused";
                let word = if paused { "active" } else { "paused" };
                self.contacts[contact].record["bot_status"] = json!(word);
            }
            _ => self.pass(3),
        }
    }

    pub(super) fn answer(&self, outgoing: &Outgoing) -> Response {
        let (path, query) = outgoing.url.split_once('?').unwrap();
        assert_eq!(path, "https://flowiq.example/conversations");
        let query: BTreeMap<String, String> =
            form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        assert_eq!(query["tenantId"], TENANT);
        let (limit, page): (usize, usize) =
            (query["limit"].parse().unwrap(), query["page"].parse().unwrap());
        let list: Vec<&Value> = if query.get("action").is_some_and(|it| it == "contacts") {
            self.contacts.iter().map(|it| &it.record).collect()
        } else {
            assert_eq!(query["ascending"], "true");
            let contact = self.contacts.iter().find(|it| it.record["id"] == *query["contactId"]);
            contact.unwrap().messages.iter().collect()
        };
        let part: Vec<&Value> = list.iter().skip((page - 1) * limit).take(limit).copied().collect();
        let name = if query.contains_key("action") { "contacts" } else { "messages" };
        ok(&json!({ "success": true, name: part,
            "pagination": { "hasNextPage": page * limit < list.len(), "totalMessages": list.len() } }))
    }
}

pub(super) fn ok(body: &Value) -> Response {
    Response { status: 200, headers: Vec::new(), body: body.to_string().into() }
}
