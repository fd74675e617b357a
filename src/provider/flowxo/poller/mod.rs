//! Reading conversations out of Flow XO's API: what to ask next, and what the answers mean.
//!
//! The list of conversations tells which have news, by the id of their last message. A short look
//! at its head comes every few seconds; a sweep through all of it now and then, because nothing
//! says in which order the list stands. A conversation is read from its newest message down to one
//! that was told before ([`reading`]), and told from the oldest up.
//!
//! Nothing counts as told before the [`Batch`] that holds it: cursors stand beside their events.

mod api;
mod conversation;
mod pace;
mod reading;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::client::{Outgoing, Problem, Response};
use crate::config::{Rate, Secret};
use crate::provider::{Batch, Cursor, Poller, Progress, Turn};
use api::{Page, Question};
use conversation::Conversation;
use pace::{after, since};
use reading::Step;

/// How a source is polled.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) api_key: Secret,
    /// Without a trailing slash.
    pub(super) base_url: String,
    /// How often the head of the list is looked at.
    pub(super) every: Duration,
    /// How many questions are asked at most.
    pub(super) budget: Rate,
    /// How far back the first look goes.
    pub(super) history: Option<Duration>,
    pub(super) pages: Pages,
}

/// How pages are asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pages {
    /// Elements that are asked for. The API may give fewer.
    pub(super) limit: usize,
    /// Elements that two pages share: what is removed meanwhile moves the rest up.
    pub(super) overlap: usize,
    /// A page with fewer elements than this is the last. More than `overlap`.
    pub(super) short: usize,
    /// Messages of one conversation that are held at once.
    pub(super) held: usize,
}

impl Default for Pages {
    /// A limit of 100 is taken by the API in the wild; its pages were never seen smaller than 25.
    fn default() -> Self {
        Self { limit: 100, overlap: 5, short: 10, held: 1_000 }
    }
}

/// Between two sweeps, in multiples of `every`.
const SWEEP: u32 = 20;

/// One question in so many goes to what can wait, however much cannot.
const FAIR: u32 = 3;

/// The cursor of the whole source: when it was polled for the first time.
const BEGAN: &str = "began";

/// A look through the list.
#[derive(Debug, Default)]
struct Pass {
    skip: usize,
}

/// Reads conversations, one question at a time.
pub(super) struct Transcripts {
    settings: Settings,
    began: Option<Timestamp>,
    conversations: BTreeMap<String, Conversation>,
    head: Option<Pass>,
    head_due: Option<Timestamp>,
    sweep: Option<Pass>,
    sweep_due: Option<Timestamp>,
    swept: bool,
    open: Option<Question>,
    turn: u32,
}

impl Transcripts {
    /// Goes on where the cursors say.
    pub(super) fn new(settings: Settings, cursors: Vec<Cursor>) -> Self {
        let mut this = Self {
            settings,
            began: None,
            conversations: BTreeMap::new(),
            head: None,
            head_due: None,
            sweep: None,
            sweep_due: None,
            swept: false,
            open: None,
            turn: 0,
        };
        for Cursor { key, value } in cursors {
            let Some(value) = value else { continue };
            if key == BEGAN {
                this.began = std::str::from_utf8(&value).ok().and_then(|it| it.parse().ok());
            } else if let Some(id) = key.strip_prefix("conversation:") {
                this.conversations.insert(id.to_owned(), Conversation::resumed(&value));
            }
        }
        this
    }

    /// What is most worth asking now.
    fn choose(&mut self, now: Timestamp) -> Option<Question> {
        self.turn = self.turn.wrapping_add(1);
        let can_wait = |this: &mut Self| this.swept_next(now).or_else(|| this.history_next(now));
        let pressing = |this: &mut Self| {
            this.news_next(now).or_else(|| this.head_next(now)).or_else(|| this.live_next(now))
        };
        if self.turn.is_multiple_of(FAIR) {
            can_wait(self).or_else(|| pressing(self))
        } else {
            pressing(self).or_else(|| can_wait(self))
        }
    }

    /// A conversation that has news, and was read before: the one that moved last.
    fn news_next(&self, now: Timestamp) -> Option<Question> {
        let news = self.conversations.iter().filter(|(_, it)| it.is_due(now) && it.is_pressing());
        self.messages(news.max_by_key(|(_, it)| it.moved)?.0)
    }

    /// A conversation that was never read to its end, or may have nothing: one that was begun, or
    /// else the one that moved last.
    fn history_next(&self, now: Timestamp) -> Option<Question> {
        let rest = self.conversations.iter().filter(|(_, it)| it.is_due(now) && !it.is_pressing());
        self.messages(rest.max_by_key(|(_, it)| (it.reading.is_some(), it.moved))?.0)
    }

    /// A live conversation that the list has not shown for its period.
    fn live_next(&self, now: Timestamp) -> Option<Question> {
        let every = self.settings.every;
        let live = self.conversations.iter().filter(|(_, it)| {
            it.record.is_some() && it.live_due(every, now).is_some_and(|due| due <= now)
        });
        self.messages(live.min_by_key(|(_, it)| it.seen).map(|(id, _)| id)?)
    }

    fn messages(&self, id: &str) -> Option<Question> {
        let conversation = self.conversations.get(id)?;
        let skip = conversation.reading.as_ref().map_or(0, |it| it.skip(self.settings.pages));
        Some(Question::Messages { id: id.to_owned(), skip })
    }

    fn head_next(&mut self, now: Timestamp) -> Option<Question> {
        if self.head.is_none() && self.head_due.is_none_or(|it| it <= now) {
            self.head = Some(Pass::default());
        }
        self.head.as_ref().map(|it| Question::List { skip: it.skip, sweep: false })
    }

    fn swept_next(&mut self, now: Timestamp) -> Option<Question> {
        if self.sweep.is_none() && self.sweep_due.is_none_or(|it| it <= now) {
            self.sweep = Some(Pass::default());
        }
        self.sweep.as_ref().map(|it| Question::List { skip: it.skip, sweep: true })
    }

    /// When something will be due that is not due now.
    fn due(&self, now: Timestamp) -> Duration {
        let conversations = self.conversations.values();
        let waiting = conversations.flat_map(|it| {
            let live = it.live_due(self.settings.every, now).filter(|_| it.record.is_some());
            [it.not_before.filter(|_| it.wanted), live]
        });
        let dues = waiting.chain([self.head_due, self.sweep_due]).flatten();
        let next = dues.filter(|it| *it > now).min();
        next.map_or(self.settings.every, |it| since(now, it)).max(Duration::from_millis(10))
    }

    fn question(&self, question: &Question) -> Option<Outgoing> {
        let path = match question {
            Question::List { .. } => String::new(),
            Question::Messages { id, .. } => {
                format!("/{}/messages", self.conversations.get(id)?.encoded(id))
            }
        };
        Some(api::get(&self.settings, &path, question.skip()))
    }

    /// A page of the list.
    fn listed(&mut self, page: &Page<'_>, sweep: bool, now: Timestamp) -> Batch {
        let mut cursors = Vec::new();
        if self.began.is_none() {
            self.began = Some(now);
            let value = Some(now.to_string().into_bytes());
            cursors.push(Cursor { key: BEGAN.to_owned(), value });
        }
        let oldest = self.oldest();
        let mut moved = false;
        for raw in &page.elements {
            let Some((id, record)) = api::record(raw) else { continue };
            let conversation = self.conversations.entry(id.clone()).or_default();
            moved |= conversation.show(raw, &record, sweep, now);
            let is_old = oldest.is_some_and(|it| conversation.moved.is_some_and(|at| at < it));
            if !conversation.cursor.read && is_old && conversation.pass_over() {
                cursors.push(conversation.place(&id));
            }
        }
        let Pages { overlap, short, .. } = self.settings.pages;
        let count = page.elements.len();
        let slot = if sweep { &mut self.sweep } else { &mut self.head };
        let skip = slot.as_ref().map_or(0, |it| it.skip);
        let is_last = count < short || page.total.is_some_and(|it| skip + count >= it);
        // Until a sweep has been through, the head has nothing to follow: the sweep comes there.
        let goes_on = sweep || (moved && self.swept);
        if is_last || !goes_on {
            *slot = None;
            if sweep {
                self.swept = true;
                self.sweep_due = Some(after(now, self.settings.every * SWEEP));
            }
            if !sweep {
                self.head_due = Some(after(now, self.settings.every));
            }
        } else {
            *slot = Some(Pass { skip: skip + count - overlap });
        }
        Batch { body: None, cursors }
    }

    /// What is older is not told at all.
    fn oldest(&self) -> Option<Timestamp> {
        let span = jiff::SignedDuration::try_from(self.settings.history?).ok()?;
        self.began?.checked_sub(span).ok()
    }

    /// A page of a conversation.
    fn told(&mut self, id: &str, page: &Page<'_>, now: Timestamp) -> Batch {
        let (oldest, pages) = (self.oldest(), self.settings.pages);
        let began = self.began.unwrap_or(now);
        let Some(conversation) = self.conversations.get_mut(id) else { return Batch::default() };
        let Step::Told(told) = conversation.read(&page.elements, oldest, pages) else {
            return Batch::default();
        };
        let before = conversation.place(id);
        let body = conversation.body(&told, began);
        conversation.advance(told, self.settings.every, now);
        let place = conversation.place(id);
        let cursors = if place == before { Vec::new() } else { vec![place] };
        Batch { body, cursors }
    }
}

impl Poller for Transcripts {
    fn next(&mut self, now: Timestamp) -> Turn {
        let question = match self.open.take() {
            Some(open) => Some(open),
            None => self.choose(now),
        };
        let Some(question) = question else { return Turn::Wait(self.due(now)) };
        let Some(outgoing) = self.question(&question) else {
            return Turn::Wait(self.settings.every);
        };
        self.open = Some(question);
        Turn::Ask(outgoing)
    }

    fn read(&mut self, response: &Response, now: Timestamp) -> Result<Batch, Problem> {
        let Some(question) = self.open.take() else { return Ok(Batch::default()) };
        match (api::page(response, &question), question) {
            (Ok(page), Question::List { sweep, .. }) => Ok(self.listed(&page, sweep, now)),
            (Ok(page), Question::Messages { id, .. }) => Ok(self.told(&id, &page, now)),
            (Err(problem), Question::Messages { id, .. })
                if !api::concerns_all(&problem) && self.conversations.contains_key(&id) =>
            {
                // The others go on: this one has to wait, the longer the more often it failed.
                let every = self.settings.every;
                let is_gone = matches!(problem.status, 404 | 410);
                if let Some(conversation) = self.conversations.get_mut(&id) {
                    let wait = if is_gone { Conversation::gone } else { Conversation::fail };
                    wait(conversation, every, now);
                }
                if is_gone { Ok(Batch::default()) } else { Err(problem) }
            }
            (Err(problem), question) => {
                self.open = Some(question);
                Err(problem)
            }
        }
    }

    fn budget(&self) -> Rate {
        self.settings.budget
    }

    fn progress(&self, now: Timestamp) -> Progress {
        let every = self.settings.every;
        let all = || self.conversations.values();
        Progress {
            known: all().len(),
            read: all().filter(|it| it.cursor.read).count(),
            live: all().filter(|it| it.is_live(every, now)).count(),
            stalest: all().filter_map(|it| it.seen).min().map(|it| since(it, now)),
        }
    }
}
