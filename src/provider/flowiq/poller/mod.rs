//! Asks `FlowIQ` for what is new: contacts first, then the conversations in which something may
//! have happened.

mod answer;
mod conversation;
mod schedule;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Account;
use super::message::{self, Profile};
use crate::client::{Outgoing, Problem, Response};
use crate::config::{Rate, Secret};
use crate::lenient::text;
use crate::provider::{Batch, Cursor, Poller, Progress, Turn};
use answer::{Changed, List};
use conversation::{Conversation, LIMIT, Page, View};
use schedule::{Pick, Stand, period, pick};

/// The key of the cursor that belongs to no conversation.
const RUN: &str = "run";

/// Before the key of a contact.
const CONTACT: &str = "contact:";

/// How often one page of a conversation is asked for before the others get their turn.
const TRIES: u32 = 5;

/// What is remembered beside the conversations.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Run {
    /// When the source was first asked, in microseconds since 1970. What was written before is
    /// history.
    began: i64,
}

/// A conversation, and what is known of it since the start of the gateway only.
#[derive(Default)]
struct Place {
    conversation: Conversation,
    /// Its record changed since the last visit.
    hot: bool,
    visited: Option<Timestamp>,
    /// It could not be read; not before this moment again.
    aside: Option<Timestamp>,
}

/// What was asked and not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    Contacts(u64),
    Messages(String, u64),
}

/// Asks one tenant.
pub(super) struct Asker {
    account: Account,
    run: Option<Run>,
    places: BTreeMap<String, Place>,
    asked: Option<Asked>,
    tries: u32,
    turn: u64,
    /// Pages of contacts that are to be asked for now.
    listing: VecDeque<u64>,
    /// Every page of contacts was read once.
    listed: bool,
    /// Pages of contacts there were, and which of them is next beside the first.
    pages: u64,
    cycle: u64,
    /// When contacts are asked for again.
    due: Option<Timestamp>,
}

impl Asker {
    /// An asker that goes on where the cursors say. One that cannot be read is as good as none.
    pub(super) fn new(account: Account, cursors: Vec<Cursor>) -> Self {
        let mut places = BTreeMap::new();
        let mut run = None;
        for Cursor { key, value } in cursors {
            let value = value.unwrap_or_default();
            if key == RUN {
                run = serde_json::from_slice(&value).ok();
            } else if let Some(contact) = key.strip_prefix(CONTACT)
                && let Ok(conversation) = serde_json::from_slice(&value)
            {
                places.insert(contact.to_owned(), Place { conversation, ..Place::default() });
            }
        }
        Self {
            account,
            run,
            places,
            asked: None,
            tries: 0,
            turn: 0,
            listing: VecDeque::from([1]),
            listed: false,
            pages: 1,
            cycle: 1,
            due: None,
        }
    }

    /// What to ask next, or how long nothing is due.
    fn choose(&mut self, now: Timestamp) -> Result<Asked, Duration> {
        if let Some((key, it)) = self.places.iter().find(|it| it.1.conversation.is_held()) {
            return Ok(Asked::Messages(key.clone(), it.conversation.page()));
        }
        if self.listing.is_empty() && self.due.is_none_or(|it| it <= now) {
            // They are in no order that is documented: the first page most often, and the others
            // one after the other.
            self.listing.push_back(1);
            if self.pages > 1 {
                self.cycle = if self.cycle >= self.pages { 2 } else { self.cycle + 1 };
                self.listing.push_back(self.cycle);
            }
        }
        self.turn += 1;
        // Where the budget is small, contacts must not use up all of it.
        let first = !self.listed || self.turn.is_multiple_of(2);
        let contacts = self.listing.front().map(|it| Asked::Contacts(*it));
        match contacts {
            Some(contacts) if first => Ok(contacts),
            Some(contacts) => Ok(self.visit(now).unwrap_or(contacts)),
            None => self.visit(now).map_err(|rest| {
                let listing = self.due.map_or(Duration::ZERO, |it| until(it, now));
                rest.min(listing)
            }),
        }
    }

    /// Which conversation to visit now, or how long none is due.
    fn visit(&self, now: Timestamp) -> Result<Asked, Duration> {
        let stands = self.places.iter().map(|(key, it)| {
            let of = &it.conversation;
            let active = Timestamp::from_microsecond(of.active).unwrap_or(Timestamp::UNIX_EPOCH);
            let stand = Stand {
                hot: it.hot || (of.walking && of.read),
                read: of.read,
                walking: of.walking,
                aside: it.aside.filter(|it| *it > now).map(|it| until(it, now)),
                visited: it.visited.map(|it| until(now, it)),
                quiet: until(now, active),
            };
            (key, stand)
        });
        match pick(stands, self.turn / 2, self.account.every, self.account.idle) {
            Pick::Visit(key) => {
                Ok(Asked::Messages(key.clone(), self.places[key].conversation.page()))
            }
            Pick::Rest(rest) => Err(rest),
        }
    }

    fn outgoing(&self, asked: &Asked) -> Outgoing {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("tenantId", &self.account.tenant);
        let page = match asked {
            Asked::Contacts(page) => {
                query.append_pair("action", "contacts");
                page
            }
            Asked::Messages(key, page) => {
                let record = self.places.get(key).map_or("", |it| &it.conversation.record);
                let record: serde_json::Value = serde_json::from_str(record).unwrap_or_default();
                match text(&record["id"]) {
                    Some(id) => query.append_pair("contactId", &id),
                    None => query.append_pair("whatsappNumber", key),
                };
                query.append_pair("ascending", "true");
                page
            }
        };
        query.append_pair("limit", &LIMIT.to_string()).append_pair("page", &page.to_string());
        let token = Secret::new(format!("Bearer {}", self.account.token.expose()));
        Outgoing {
            method: "GET",
            url: format!("{}/conversations?{}", self.account.base_url, query.finish()),
            headers: vec![
                ("authorization".into(), token),
                ("accept".into(), Secret::new("application/json")),
            ],
            body: Bytes::new(),
        }
    }

    /// A page of contacts: new ones, and what changed about those that are known.
    fn contacts(&mut self, number: u64, page: &Page, now: Timestamp) -> Batch {
        let mut changed = Vec::new();
        let mut cursors = Vec::new();
        if self.run.is_none() {
            let run = Run { began: now.as_microsecond() };
            let value = serde_json::to_vec(&run).expect("a number is JSON");
            cursors.push(Cursor { key: RUN.into(), value: Some(value) });
            self.run = Some(run);
        }
        for record in &page.messages {
            let value: Option<serde_json::Value> =
                serde_json::from_str(record).ok().and_then(|it| crate::lenient::object(it).ok());
            let Some((key, value)) = value.and_then(|it| Some((message::contact_key(&it)?, it)))
            else {
                continue;
            };
            let profile = Profile::of(&value);
            let is_new = !self.places.contains_key(&key);
            let place = self.places.entry(key.clone()).or_default();
            if place.conversation.record == *record {
                continue;
            }
            let of = &mut place.conversation;
            if is_new {
                // One that turns up later has just written, or was just written to.
                place.hot = self.listed;
            } else {
                place.hot = true;
                place.aside = None;
                of.active = of.active.max(now.as_microsecond());
                if !profile.differences(&of.profile).is_empty()
                    || profile.handover(&of.profile).is_some()
                {
                    of.revision += 1;
                    let (before, revision) = (of.profile.clone(), of.revision);
                    changed.push(Changed { revision, before, record: record.clone() });
                }
            }
            // Between `active` and `paused` lies no bot at all, if only for a moment.
            let bot = profile.bot.clone().or(of.profile.bot.take());
            of.profile = Profile { bot, ..profile };
            of.record.clone_from(record);
            cursors.push(cursor(&key, of));
        }
        self.listing.pop_front();
        self.pages = if page.more { self.pages.max(number + 1) } else { number };
        if !self.listed && page.more {
            self.listing.push_back(number + 1);
        }
        if self.listing.is_empty() {
            self.listed |= !page.more;
            self.due = now.checked_add(self.account.every).ok();
        }
        Batch { body: answer::of_contacts(&changed), cursors }
    }

    fn messages(&mut self, key: &str, page: Page, now: Timestamp) -> Batch {
        let began = self.run.as_ref().map_or(i64::MAX, |it| it.began);
        let view = View { now, watch: self.account.watch, began };
        let Some(place) = self.places.get_mut(key) else { return Batch::default() };
        let before = place.conversation.clone();
        let found = place.conversation.read(key, page, view);
        if found.ended {
            place.visited = Some(now);
            place.hot = false;
        }
        let of = &place.conversation;
        // A visit that found nothing writes nothing.
        let same = *of == before || (of.is_held() && before.walking == of.walking);
        let cursors = if same { Vec::new() } else { vec![cursor(key, of)] };
        Batch { body: answer::of_messages(&of.record, &found.news), cursors }
    }

    /// Lets the others have their turn.
    fn set_aside(&mut self, key: &str, now: Timestamp) {
        if let Some(place) = self.places.get_mut(key) {
            place.conversation.give_up();
            place.aside = now.checked_add(self.account.idle).ok();
            place.hot = false;
        }
        (self.asked, self.tries) = (None, 0);
    }
}

/// How long it is until a moment; nothing if it has passed.
fn until(moment: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(moment.duration_since(now)).unwrap_or_default()
}

fn cursor(key: &str, conversation: &Conversation) -> Cursor {
    let value = serde_json::to_vec(conversation).expect("its keys are text");
    Cursor { key: format!("{CONTACT}{key}"), value: Some(value) }
}

impl Poller for Asker {
    fn next(&mut self, now: Timestamp) -> Turn {
        if self.tries >= TRIES {
            match self.asked.clone() {
                Some(Asked::Messages(key, _)) => self.set_aside(&key, now),
                // The conversations that are known can be asked meanwhile.
                Some(Asked::Contacts(_)) if !self.places.is_empty() => {
                    self.listing.clear();
                    self.due = now.checked_add(self.account.every).ok();
                    (self.asked, self.tries) = (None, 0);
                }
                _ => {}
            }
        }
        let asked = match self.asked.clone() {
            Some(asked) => asked,
            None => match self.choose(now) {
                Ok(asked) => asked,
                Err(rest) => return Turn::Wait(rest),
            },
        };
        self.tries += 1;
        let outgoing = self.outgoing(&asked);
        self.asked = Some(asked);
        Turn::Ask(outgoing)
    }

    fn read(&mut self, response: &Response, now: Timestamp) -> Result<Batch, Problem> {
        let Some(asked) = self.asked.clone() else { return Ok(Batch::default()) };
        let batch = match &asked {
            Asked::Contacts(number) => {
                let page = answer::page(response, List::Contacts)?;
                self.contacts(*number, &page, now)
            }
            // The contact is gone; its conversation with it.
            Asked::Messages(key, _) if response.status == 404 => {
                let key = key.clone();
                self.set_aside(&key, now);
                Batch::default()
            }
            Asked::Messages(key, _) => {
                let page = answer::page(response, List::Messages)?;
                self.messages(key, page, now)
            }
        };
        (self.asked, self.tries) = (None, 0);
        Ok(batch)
    }

    fn budget(&self) -> Rate {
        self.account.budget
    }

    fn progress(&self, now: Timestamp) -> Progress {
        let every = self.account.every;
        let read = self.places.values().filter(|it| it.conversation.read);
        let live = |it: &&Place| {
            let active = Timestamp::from_microsecond(it.conversation.active).unwrap_or_default();
            period(until(now, active), every, self.account.idle) == every
        };
        Progress {
            known: self.places.len(),
            read: read.clone().count(),
            live: read.clone().filter(live).count(),
            stalest: read.filter_map(|it| it.visited).map(|it| until(now, it)).max(),
        }
    }
}
