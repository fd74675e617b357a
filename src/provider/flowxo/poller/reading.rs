//! Reading one conversation, page by page: down to a message that was told, and told upwards.
//!
//! Pages are counted from the newest message, so every new one moves the others on. Two pages
//! overlap for that, and a place is found again by a message's id, never by counting.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::Pages;
use super::conversation::Place;
use crate::lenient::{object, text};
use crate::provider::flowxo::message;
use crate::provider::fragment::digest;

/// Messages that a place remembers: any of them is enough to find it again, and one that turns up
/// between them is told too.
const RECENT: usize = 12;

/// Pages in a row without anything new, after which the API is taken to repeat itself.
const REPEATS: u32 = 3;

/// A place is looked for in so many pages, and then anew from the top.
const SEARCHES: u32 = 20;

/// Bytes of one conversation that are held at once.
const MAX_BYTES: usize = 2 << 20;

/// How far reading is.
#[derive(Debug)]
pub(super) enum Reading {
    /// Down, holding what was met; past the bound nothing is held.
    Down(Down),
    /// Up again from where it begins, a page at a time: there was too much to hold.
    Up(Up),
}

/// See [`Reading::Down`].
#[derive(Debug, Default)]
pub(super) struct Down {
    skip: usize,
    held: Vec<Message>,
    bytes: usize,
    is_over: bool,
    /// The messages held; past the bound those of the last page.
    names: HashSet<String>,
    bottom: Option<String>,
    longest: usize,
    repeats: u32,
}

/// See [`Reading::Up`].
#[derive(Debug)]
pub(super) struct Up {
    anchor: String,
    /// The anchor itself was not told.
    inclusive: bool,
    /// Where the anchor was met.
    offset: usize,
    longest: usize,
    searches: u32,
}

/// A message and what is read of it here.
#[derive(Clone, Debug)]
struct Message {
    name: String,
    time: Option<Timestamp>,
    raw: Box<RawValue>,
}

/// What a page leads to.
#[derive(Debug)]
pub(super) enum Step {
    /// The next page.
    More,
    /// These are told.
    Told(Told),
}

/// Messages that are told, and where that leaves the conversation.
#[derive(Debug)]
pub(super) struct Told {
    /// Oldest first.
    pub(super) messages: Vec<Box<RawValue>>,
    /// The newest that are told now, newest first.
    pub(super) top: Vec<String>,
    pub(super) newest: Option<Timestamp>,
    /// Everything was told.
    pub(super) is_done: bool,
}

impl Default for Reading {
    fn default() -> Self {
        Self::Down(Down::default())
    }
}

impl Reading {
    /// Where the next page begins.
    pub(super) fn skip(&self, pages: Pages) -> usize {
        match self {
            Self::Down(it) => it.skip,
            Self::Up(it) => it.skip(pages),
        }
    }

    /// Reads a page.
    pub(super) fn step(
        self,
        page: &[&RawValue],
        place: &Place,
        oldest: Option<Timestamp>,
        pages: Pages,
    ) -> (Option<Self>, Step) {
        let page: Vec<Message> = page.iter().map(|it| Message::read(it)).collect();
        let wanted = Wanted { place, oldest: oldest.filter(|_| place.recent.is_empty()) };
        match self {
            Self::Down(it) => it.step(&page, &wanted, pages),
            Self::Up(it) => it.step(&page, &wanted, pages),
        }
    }
}

/// What is to be told, and what was told already.
struct Wanted<'a> {
    place: &'a Place,
    oldest: Option<Timestamp>,
}

impl Wanted<'_> {
    fn knows(&self, it: &Message) -> bool {
        self.place.recent.contains(&it.name)
    }

    fn is_too_old(&self, it: &Message) -> bool {
        self.oldest.is_some_and(|oldest| it.time.is_some_and(|at| at < oldest))
    }

    /// Older than everything that was told, by a day: whatever was told last has been removed.
    fn is_past(&self, it: &Message) -> bool {
        const DAY: Duration = Duration::from_hours(24);
        let is_before = |at: Timestamp, newest: Timestamp| at + DAY < newest;
        self.place.newest.is_some_and(|newest| it.time.is_some_and(|at| is_before(at, newest)))
            && !self.place.recent.is_empty()
    }

    /// These messages, newest first, as they are told.
    fn told(&self, messages: &[Message], top: &[Message], is_done: bool) -> Told {
        let is_fresh = |it: &&Message| !(self.knows(it) || self.is_too_old(it) || self.is_past(it));
        let fresh = messages.iter().filter(is_fresh);
        Told {
            messages: fresh.rev().map(|it| it.raw.clone()).collect(),
            top: top.iter().take(RECENT).map(|it| it.name.clone()).collect(),
            newest: top.iter().filter_map(|it| it.time).max(),
            is_done,
        }
    }
}

impl Down {
    fn step(
        mut self,
        page: &[Message],
        wanted: &Wanted<'_>,
        pages: Pages,
    ) -> (Option<Reading>, Step) {
        let count = page.len();
        self.longest = self.longest.max(count);
        let is_repeat = count > 0 && page.iter().all(|it| self.names.contains(&it.name));
        self.repeats = if is_repeat { self.repeats + 1 } else { 0 };
        let ends = count < pages.short
            || self.repeats >= REPEATS
            || page.iter().any(|it| wanted.knows(it))
            || page.last().is_some_and(|it| wanted.is_too_old(it))
            || page.iter().all(|it| wanted.is_past(it));
        if self.is_over {
            if ends {
                return (self.turn(page, wanted), Step::More);
            }
            self.names = page.iter().map(|it| it.name.clone()).collect();
        } else {
            let met = page.iter().position(|it| self.names.contains(&it.name));
            let Some(from) = met.or(self.held.is_empty().then_some(0)) else {
                // So many came meanwhile that they fill the page; or what was held is gone.
                self.repeats += 1;
                if count < pages.short || self.repeats > SEARCHES {
                    return (Some(Reading::default()), Step::More);
                }
                self.skip += count - pages.overlap;
                return (Some(Reading::Down(self)), Step::More);
            };
            // What stands above came meanwhile: its turn is next.
            for it in &page[from..] {
                if self.names.insert(it.name.clone()) {
                    self.bytes += it.raw.get().len();
                    self.held.push(it.clone());
                }
            }
            if ends {
                let known = self.held.iter().rposition(|it| wanted.knows(it));
                let fresh = &self.held[..known.unwrap_or(self.held.len())];
                return (None, Step::Told(wanted.told(fresh, &self.held, true)));
            }
            if self.held.len() > pages.held || self.bytes > MAX_BYTES {
                self.is_over = true;
                self.held = Vec::new();
                self.names = page.iter().map(|it| it.name.clone()).collect();
            }
        }
        self.bottom = page.last().map(|it| it.name.clone());
        self.skip += count - pages.overlap;
        (Some(Reading::Down(self)), Step::More)
    }

    /// Turns round, at the message that is told next or was told last.
    fn turn(self, page: &[Message], wanted: &Wanted<'_>) -> Option<Reading> {
        let known = page.iter().position(|it| wanted.knows(it));
        let at = known.or_else(|| {
            let old = page.iter().position(|it| wanted.is_too_old(it));
            old.map(|it| it.saturating_sub(1)).or(page.len().checked_sub(1))
        });
        let (anchor, index) = match at {
            Some(at) => (page[at].name.clone(), at),
            None => (self.bottom?, 0),
        };
        Some(Reading::Up(Up {
            anchor,
            inclusive: known.is_none(),
            offset: self.skip + index,
            longest: self.longest,
            searches: 0,
        }))
    }
}

impl Up {
    fn stride(&self, pages: Pages) -> usize {
        self.longest.saturating_sub(pages.overlap).max(1)
    }

    fn skip(&self, pages: Pages) -> usize {
        self.offset.saturating_sub(self.stride(pages))
    }

    fn step(
        mut self,
        page: &[Message],
        wanted: &Wanted<'_>,
        pages: Pages,
    ) -> (Option<Reading>, Step) {
        let skip = self.skip(pages);
        let Some(at) = page.iter().position(|it| it.name == self.anchor) else {
            // Messages that came meanwhile have moved it on.
            self.searches += 1;
            if page.len() < pages.short || self.searches > SEARCHES {
                return (Some(Reading::default()), Step::More);
            }
            self.offset += self.stride(pages);
            return (Some(Reading::Up(self)), Step::More);
        };
        let fresh = &page[..at + usize::from(self.inclusive)];
        let told = wanted.told(fresh, page, skip == 0);
        if skip == 0 {
            return (None, Step::Told(told));
        }
        if at == 0 {
            self.offset = skip;
            self.searches = 0;
            let step = if self.inclusive { Step::Told(told) } else { Step::More };
            self.inclusive = false;
            return (Some(Reading::Up(self)), step);
        }
        let up = Self {
            anchor: page[0].name.clone(),
            inclusive: false,
            offset: skip,
            searches: 0,
            longest: self.longest,
        };
        (Some(Reading::Up(up)), Step::Told(told))
    }
}

impl Message {
    fn read(raw: &RawValue) -> Self {
        let time = object(raw).ok().and_then(|it| message::time(&it));
        Self { name: name(raw), time, raw: raw.to_owned() }
    }
}

/// What a message is known by: its id, or else what it says.
pub(super) fn name(raw: &RawValue) -> String {
    let id = object(raw).ok().and_then(|it| text(&it["id"]));
    id.unwrap_or_else(|| format!("#{}", digest(raw.get().as_bytes())))
}

#[cfg(test)]
impl Reading {
    /// Messages that are held.
    pub(super) fn held(&self) -> usize {
        match self {
            Self::Down(it) => it.held.len(),
            Self::Up(_) => 0,
        }
    }
}
