//! How far one conversation is read: what was told of it, and what a page of it brings.
//!
//! Pages are asked for oldest first, so that what is new comes at the end and the pages before it
//! stay as they are. They shift when an older message turns up late. Then, and for what changes
//! about messages that were told, each visit begins again at the oldest message still watched and
//! holds what it finds against what it remembers.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::message::{self, Profile, Told};

/// Messages of a page; the most that are given.
pub(super) const LIMIT: u64 = 100;

/// The most messages of a conversation that are watched.
const WATCHED: usize = 300;

/// The fewest, so that there is something to recognise the place by.
const REMEMBERED: usize = 8;

/// Where nobody dates messages, they are all of one moment; not even then are more remembered.
const BOUND: usize = 2_000;

/// A message that was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// See [`message::digest`].
    #[serde(rename = "d")]
    digest: String,
    /// Which of those that look the same.
    #[serde(rename = "n", default, skip_serializing_if = "is_zero")]
    twin: u32,
    /// When it was written, in microseconds since 1970; -1 where that is not said.
    #[serde(rename = "t")]
    at: i64,
    /// What was told of it beside.
    #[serde(rename = "m")]
    told: Told,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A conversation, as its cursor keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Conversation {
    /// The contact's record, verbatim.
    pub(super) record: String,
    /// What of it was told.
    pub(super) profile: Profile,
    /// How often the record changed.
    pub(super) revision: u32,
    /// Messages that were read, from the first on.
    told: u64,
    /// The last of them. It begins with the first of its moment, so that those which look the same
    /// can be counted.
    tail: Vec<Entry>,
    /// In the middle of a visit: what the last one remembered, and this one has not met yet.
    rest: Vec<Entry>,
    /// A visit is under way: the next page follows the last.
    pub(super) walking: bool,
    /// It was read to its end once.
    pub(super) read: bool,
    /// When something happened last, in microseconds since 1970.
    pub(super) active: i64,
    /// Messages there were, when the visit saw them last. A visit that spans a restart asks anew.
    #[serde(skip)]
    total: Option<u64>,
    /// A page that may begin with what the page before it ended with.
    #[serde(skip)]
    held: Option<Page>,
}

/// A page of messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// The messages, verbatim.
    pub(super) messages: Vec<String>,
    /// Whether another page follows.
    pub(super) more: bool,
    /// How many messages there are, if that is said.
    pub(super) total: Option<u64>,
}

/// What a page brought.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// What is to be told, in order.
    pub(super) news: Vec<News>,
    /// The visit has ended.
    pub(super) ended: bool,
}

/// A message to tell of.
#[derive(Debug)]
pub(super) struct News {
    /// Which of those that look the same.
    pub(super) twin: u32,
    /// It was written before the source was set up.
    pub(super) historical: bool,
    /// What was told of it before; nothing of one that is new.
    pub(super) before: Option<Told>,
    /// The message, verbatim.
    pub(super) message: String,
}

/// A message on a page, read.
struct Read<'a> {
    raw: &'a str,
    value: Value,
    digest: String,
    at: i64,
}

/// For how long messages are watched, and before which moment they are history.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    pub(super) now: Timestamp,
    pub(super) watch: Duration,
    pub(super) began: i64,
}

impl Conversation {
    /// Which page to ask for.
    pub(super) fn page(&self) -> u64 {
        match (&self.held, self.walking) {
            (Some(_), _) => self.told / LIMIT,
            (None, true) => self.told / LIMIT + 1,
            (None, false) => self.base() / LIMIT + 1,
        }
    }

    /// The place of the first message that is remembered.
    fn base(&self) -> u64 {
        self.told.saturating_sub(self.tail.len() as u64)
    }

    /// Whether it is held up by a page that is looked at twice.
    pub(super) fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// Reads the page that [`page`](Self::page) named.
    pub(super) fn read(&mut self, contact: &str, page: Page, view: View) -> Found {
        match self.held.take() {
            // The page before was asked for again: did it move?
            Some(held) if self.ends_as_remembered(contact, &page) => {
                self.walk(read(contact, &held.messages), (held.more, held.total), view)
            }
            Some(_) => self.again(),
            None => self.arrive(contact, page, view),
        }
    }

    fn arrive(&mut self, contact: &str, page: Page, view: View) -> Found {
        let messages = read(contact, &page.messages);
        if self.walking {
            let shrunk = page.total.is_some_and(|it| self.total.is_some_and(|was| it < was));
            if shrunk {
                return self.again();
            }
            // A page that shifted by some begins with the last ones of the page before. So may one
            // that has not, where a message was sent twice: only the page before can tell.
            if let Some(last) = self.tail.last()
                && messages.iter().any(|it| it.digest == last.digest)
            {
                drop(messages);
                self.held = Some(page);
                return Found::default();
            }
            return self.walk(messages, (page.more, page.total), view);
        }
        let (base, number) = (self.base(), self.page());
        let skip = usize::try_from(base - (number - 1) * LIMIT).unwrap_or(0);
        self.rest = std::mem::take(&mut self.tail);
        (self.told, self.walking) = (base, true);
        let mut messages = messages;
        if let Some(first) = self.rest.first() {
            let moment = self.rest.iter().take_while(|it| it.at == first.at);
            let remembered: Vec<&str> = moment.map(|it| &*it.digest).collect();
            let place = messages.iter().position(|it| remembered.contains(&&*it.digest));
            if place != Some(skip) {
                if number > 1 {
                    return self.again();
                }
                self.told = 0;
                return self.walk(messages, (page.more, page.total), view);
            }
        }
        messages.drain(..skip.min(messages.len()));
        self.walk(messages, (page.more, page.total), view)
    }

    /// Begins the visit again, from the first page. What was told is recognised, or has the same
    /// key as before.
    fn again(&mut self) -> Found {
        let mut tail = std::mem::take(&mut self.tail);
        tail.append(&mut self.rest);
        self.rest = tail;
        (self.told, self.total, self.walking) = (0, None, true);
        Found::default()
    }

    /// Whether a page, the last that was read, still ends with what it ended with.
    fn ends_as_remembered(&self, contact: &str, page: &Page) -> bool {
        let count = self.tail.len().min(page.messages.len());
        let sorted = |mut it: Vec<String>| {
            it.sort_unstable();
            it
        };
        let from = page.messages.len() - count;
        let there = read(contact, &page.messages[from..]).into_iter().map(|it| it.digest);
        let remembered = self.tail[self.tail.len() - count..].iter().map(|it| it.digest.clone());
        page.messages.len() as u64 == LIMIT
            && sorted(there.collect()) == sorted(remembered.collect())
    }

    /// Takes messages, the next after those that were read.
    fn walk(
        &mut self,
        messages: Vec<Read<'_>>,
        (more, total): (bool, Option<u64>),
        view: View,
    ) -> Found {
        let mut found = Found::default();
        for Read { raw, value, digest, at } in messages {
            let alike = self.tail.iter().filter(|it| it.at == at && it.digest == digest);
            let twin = u32::try_from(alike.count()).unwrap_or(u32::MAX);
            let same = |it: &Entry| it.at == at && it.twin == twin && it.digest == digest;
            let known = self.rest.iter().position(same).map(|it| self.rest.remove(it).told);
            let (told, changes) = message::compare(known.as_ref(), &value);
            if known.is_none() || !changes.is_empty() {
                let historical = if at < 0 { !self.read } else { at < view.began };
                // A change is news, however old the message is.
                let historical = historical && known.is_none();
                let message = raw.to_owned();
                found.news.push(News { twin, historical, before: known, message });
            }
            self.active = self.active.max(at);
            self.told += 1;
            self.tail.push(Entry { digest, twin, at, told });
        }
        self.total = total;
        if !more {
            // What was not met any more has vanished.
            self.rest.clear();
            (self.walking, self.read, self.total) = (false, true, None);
            found.ended = true;
        }
        self.trim(view);
        found
    }

    /// Forgets what is no longer watched, in whole moments.
    fn trim(&mut self, view: View) {
        let watch = i64::try_from(view.watch.as_micros()).unwrap_or(i64::MAX);
        let since = view.now.as_microsecond().saturating_sub(watch);
        let len = self.tail.len();
        let watched = self.tail.iter().position(|it| it.at >= since).unwrap_or(len);
        let mut from = watched.max(len.saturating_sub(WATCHED)).min(len.saturating_sub(REMEMBERED));
        while from > 0 && self.tail[from - 1].at == self.tail[from].at {
            from -= 1;
        }
        self.tail.drain(..from.max(len.saturating_sub(BOUND)));
    }

    /// Gives a visit up that cannot go on; what was read stays read.
    pub(super) fn give_up(&mut self) {
        self.held = None;
    }
}

fn read<'a>(contact: &str, messages: &'a [String]) -> Vec<Read<'a>> {
    messages.iter().map(|raw| Read::of(contact, raw)).collect()
}

impl<'a> Read<'a> {
    fn of(contact: &str, raw: &'a str) -> Self {
        let fragment = serde_json::from_str(raw).ok();
        let value = fragment.and_then(|it| crate::lenient::object(it).ok());
        // What cannot be read is itself what identifies it.
        let value = value.unwrap_or_else(|| Value::String(raw.to_owned()));
        let digest = match &value {
            Value::Object(_) => message::digest(contact, &value),
            _ => message::digest(contact, &serde_json::json!({ "message": raw })),
        };
        let at = message::moment(&value).map_or(-1, Timestamp::as_microsecond);
        Self { raw, value, digest, at }
    }
}
