//! Flow XO's API as far as polling knows it, and a poller that runs against it.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::SignedDuration;
use serde_json::Value;

use super::super::*;
use crate::event::Draft;
use crate::provider::flowxo::drafts;
use crate::provider::flowxo::map::Map;

pub(super) fn settings() -> Settings {
    Settings {
        api_key: Secret::new("eyJ.key"),
        base_url: "https://flowxo.example/api".to_owned(),
        every: Duration::from_secs(15),
        budget: Rate { count: 60, per: Duration::from_mins(1) },
        history: None,
        pages: Pages { limit: 6, overlap: 2, short: 3, held: 10 },
    }
}

/// One message, as the API writes it.
pub(super) fn message(id: &str, at: Timestamp) -> (String, String) {
    let json = format!(
        r#"{{ "id": "{id}", "role": "channel", "type": "text", "message": {{"text":  "caf\u00e9"}},
            "timestamp": "{at}" }}"#
    );
    (id.to_owned(), json)
}

#[derive(Default)]
pub(super) struct Talk {
    /// Oldest first: id and JSON.
    pub(super) messages: Vec<(String, String)>,
    pub(super) agent_mode: bool,
    /// Its messages are refused.
    pub(super) failing: Option<u16>,
    /// The list says nothing of its last message.
    pub(super) mute: bool,
    moved: u64,
}

/// The API.
pub(super) struct Fake {
    pub(super) now: Timestamp,
    pub(super) talks: BTreeMap<String, Talk>,
    /// The list stands in the order of names rather than of activity.
    pub(super) by_name: bool,
    /// The list does not say how long it is.
    pub(super) endless: bool,
    /// What stands among the messages besides.
    pub(super) strange: Vec<Value>,
    written: u64,
}

impl Fake {
    pub(super) fn get(&mut self, name: &str) -> &mut Talk {
        self.talks.entry(name.to_owned()).or_default()
    }

    pub(super) fn write(&mut self, name: &str, count: usize) {
        for _ in 0..count {
            self.written += 1;
            let (written, now) = (self.written, self.now);
            let talk = self.get(name);
            talk.moved = written;
            talk.messages.push(message(&format!("m{written}-{name}"), now));
        }
    }

    pub(super) fn ids(&self, name: &str) -> Vec<String> {
        self.talks[name].messages.iter().map(|it| it.0.clone()).collect()
    }

    pub(super) fn pass(&mut self, time: SignedDuration) {
        self.now += time;
    }

    fn answer(&self, asked: &Outgoing) -> Response {
        let (path, query) = asked.url.split_once('?').unwrap();
        let number = |name: &str| -> usize {
            let mut pairs = query.split('&').filter_map(|it| it.split_once('='));
            pairs.find(|it| it.0 == name).unwrap().1.parse().unwrap()
        };
        let (skip, limit) = (number("skip"), number("limit"));
        let path = path.strip_prefix("https://flowxo.example/api/conversations").unwrap();
        if path.is_empty() {
            return self.list(skip, limit);
        }
        let name = path.strip_prefix("/bot%2Fc%2F").unwrap().strip_suffix("/messages").unwrap();
        let talk = &self.talks[name];
        if let Some(status) = talk.failing {
            return Response { status, ..Response::default() };
        }
        let strange = self.strange.iter().map(Value::to_string);
        let newest_first = talk.messages.iter().rev().map(|it| it.1.clone()).chain(strange);
        let page: Vec<String> = newest_first.skip(skip).take(limit).collect();
        let body = Bytes::from(format!("[{}]", page.join(",\n")));
        Response { status: 200, body, ..Response::default() }
    }

    fn list(&self, skip: usize, limit: usize) -> Response {
        let mut talks: Vec<(&String, &Talk)> = self.talks.iter().collect();
        if !self.by_name {
            talks.sort_by_key(|it| std::cmp::Reverse(it.1.moved));
        }
        let record = |(name, talk): &(&String, &Talk)| {
            let last = match talk.messages.last().filter(|_| !talk.mute) {
                Some(it) => format!(r#""last_message":{},"#, it.1),
                None => String::new(),
            };
            format!(
                r#"{{"id":"bot/c/{name}","id_url_encoded":"bot%2Fc%2F{name}",{last}"bot_id":"bot",
                    "user_id":"{name}","agent_mode":{}}}"#,
                talk.agent_mode
            )
        };
        let page: Vec<String> = talks.iter().skip(skip).take(limit).map(record).collect();
        let total =
            if self.endless { String::new() } else { format!(r#""total":{},"#, talks.len()) };
        let body = format!(r#"{{{total}"skip":{skip},"conversations":[{}]}}"#, page.join(","));
        Response { status: 200, body: body.into(), ..Response::default() }
    }
}

/// A poller, what it wrote down, and what became of it.
pub(super) struct Run {
    pub(super) fake: Fake,
    pub(super) poller: Transcripts,
    pub(super) settings: Settings,
    pub(super) durable: BTreeMap<String, Vec<u8>>,
    pub(super) events: Vec<Draft>,
    pub(super) bodies: Vec<Bytes>,
    pub(super) asked: Vec<Outgoing>,
    pub(super) times: Vec<Timestamp>,
    pub(super) problems: Vec<Problem>,
}

/// What happens to one question.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Fate {
    Answered,
    /// The connection breaks.
    Lost,
    /// The API refuses.
    Refused(u16),
    /// The gateway dies before what was read is written.
    Crashed,
}

impl Run {
    pub(super) fn new(settings: Settings) -> Self {
        let fake = Fake {
            now: Timestamp::from_second(1_800_000_000).unwrap(),
            talks: BTreeMap::new(),
            by_name: false,
            endless: false,
            strange: Vec::new(),
            written: 0,
        };
        Self {
            fake,
            poller: Transcripts::new(settings.clone(), Vec::new()),
            settings,
            durable: BTreeMap::new(),
            events: Vec::new(),
            bodies: Vec::new(),
            asked: Vec::new(),
            times: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Asks what is due, or lets the time pass until something is.
    pub(super) fn step(&mut self) {
        self.step_with(Fate::Answered);
    }

    pub(super) fn step_with(&mut self, fate: Fate) {
        let now = self.fake.now;
        let asked = match self.poller.next(now) {
            Turn::Wait(time) => {
                assert!(time > Duration::ZERO && time <= Duration::from_mins(30), "{time:?}");
                return self.fake.pass(time.try_into().unwrap());
            }
            Turn::Ask(asked) => asked,
        };
        self.times.push(now);
        // What the budget allows.
        let Rate { count, per } = self.poller.budget();
        self.fake.pass((per / count).try_into().unwrap());
        let response = match fate {
            Fate::Lost => return self.asked.push(asked),
            Fate::Refused(status) => Response { status, ..Response::default() },
            Fate::Answered | Fate::Crashed => self.fake.answer(&asked),
        };
        self.asked.push(asked);
        match self.poller.read(&response, now) {
            Err(problem) => self.problems.push(problem),
            Ok(_) if fate == Fate::Crashed => self.crash(),
            Ok(Batch { body, cursors }) => {
                for Cursor { key, value } in cursors {
                    self.durable.insert(key, value.unwrap());
                }
                if let Some(body) = body {
                    self.events.extend(drafts(&body, false, None, &Map::default()));
                    self.bodies.push(body);
                }
            }
        }
    }

    /// The gateway starts again, from what was written.
    pub(super) fn crash(&mut self) {
        let cursor = |(key, value): (&String, &Vec<u8>)| Cursor {
            key: key.clone(),
            value: Some(value.clone()),
        };
        let cursors = self.durable.iter().map(cursor).collect();
        self.poller = Transcripts::new(self.settings.clone(), cursors);
    }

    /// Nothing happens for so long.
    pub(super) fn quiet(&mut self, time: SignedDuration) {
        let end = self.fake.now + time;
        while self.fake.now < end {
            self.step();
        }
    }

    /// The ids of a contact's messages, in the order they were told.
    pub(super) fn told(&self, name: &str) -> Vec<String> {
        let of = |it: &&Draft| it.facts.contact.as_ref().is_some_and(|it| it.id == name);
        let messages = self.events.iter().filter(of).filter_map(|it| it.facts.message.as_ref());
        messages.map(|it| it.id.clone()).collect()
    }

    /// Messages that are held in memory.
    pub(super) fn held(&self) -> usize {
        let reading = |it: &Conversation| it.reading.as_ref().map_or(0, reading::Reading::held);
        self.poller.conversations.values().map(reading).sum()
    }
}
