//! `whatsapp.send`: messages from a number of ours.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::answer::{self, BURST, Class, PAIR, Whole};
use super::config::{Config, Tokens};
use super::payload::{self, Message, Sort};
use crate::client::graph::{self, payload::Sent};
use crate::client::{Account, Arguments, Outgoing, Response};
use crate::config::{Rate, Secret};
use crate::destination::fingerprint::fingerprint;
use crate::destination::{
    Adapter, Call, Define, Limit, Means, Outcome, Policy, Scope, Setup, Takes,
};
use crate::expression::{Payload, Subject};
use crate::http::Unanswered;

/// How the reason of an attempt begins that met a closed window: the next one sends the template.
pub(super) const WINDOW_CLOSED: &str = "the 24-hour window closed";

/// How long a status may take that tells what became of a message whose answer was lost.
const STATUS: Duration = Duration::from_secs(30);

/// Sends messages.
#[derive(Debug)]
pub(in crate::destination) struct Send {
    tokens: Tokens,
    number: Option<String>,
    base_url: String,
    fallback: Option<Payload>,
    marketing: bool,
    limit: Rate,
}

impl Define for Send {
    const KIND: &'static str = "whatsapp.send";
    const SUMMARY: &'static str =
        "A WhatsApp message, by Meta's Cloud API: by default the event's text, to its contact.";
    const PAYLOAD: Takes = Takes::Anything;
    const POLICY: Policy = Policy::CHAT;
    type Config = Config;

    fn new(config: Config, setup: &Setup) -> Result<Self, String> {
        let _ = setup;
        let fallback = config.checked()?;
        Ok(Self {
            tokens: config.access_token,
            number: config.number,
            base_url: config.base_url,
            fallback,
            marketing: config.marketing,
            limit: config.limit,
        })
    }

    fn means(self) -> Means {
        Means::Adapter(Arc::new(self))
    }
}

impl Send {
    /// The id of the number to send from.
    fn number(&self, call: &Call) -> Result<String, String> {
        let channel = &call.event().facts.channel;
        let received = || {
            let account = Some(&channel.account).filter(|it| !it.is_empty()).cloned();
            account.filter(|_| channel.provider == "whatsapp")
        };
        payload::number(&call.payload).or_else(|| self.number.clone()).or_else(received).ok_or_else(
            || "`number`: the event arrived at no WhatsApp number; say which one sends".to_owned(),
        )
    }

    /// What goes out, by which number.
    fn message(&self, call: &Call) -> Result<(Message, String), String> {
        let number = self.number(call)?;
        let mut message = payload::message(call)?;
        if message.sort == Sort::Read {
            return Ok((message, number));
        }
        if self.is_retry_of_template(call, &message) {
            message = self.template(call, &message)?;
        } else if is_outside(call, &message, &number) {
            if message.sort == Sort::Reaction {
                return Err(format!("{WINDOW_CLOSED}: no reaction can be sent"));
            }
            message = self.template(call, &message)?;
        }
        let is_marketing = message.marketing.unwrap_or(self.marketing);
        if let (true, Some(why)) = (is_marketing, &call.standing.suppressed) {
            return Err(format!("the contact must not be sent marketing: {why}"));
        }
        let delivery = call.deliveries.first().unwrap_or(&call.id).to_string();
        message.body.insert("biz_opaque_callback_data".to_owned(), delivery.into());
        Ok((message, number))
    }

    /// Whether an earlier attempt met a closed window. It is remembered in the reason of each
    /// attempt since.
    fn is_retry_of_template(&self, call: &Call, message: &Message) -> bool {
        let closed = call.last.as_ref().is_some_and(|it| it.starts_with(WINDOW_CLOSED));
        closed && self.fallback.is_some() && message.sort == Sort::Free
    }

    fn template(&self, call: &Call, message: &Message) -> Result<Message, String> {
        let fallback = self.fallback.as_ref().ok_or_else(|| {
            let since = call.standing.inbound.map(|it| format!("; they wrote last at {it:.0}"));
            let since = since.unwrap_or_default();
            format!("{WINDOW_CLOSED} for this contact{since}; configure `outside_window`")
        })?;
        let event = call.events.last().expect("a call has an event");
        let template = fallback
            .render(&Subject::event(Arc::clone(event)))
            .map_err(|it| format!("`outside_window.template`: {it}"))?;
        payload::instead(message, template)
    }

    fn prepare(&self, call: &Call) -> Result<Outgoing, String> {
        let (message, number) = self.message(call)?;
        let token = self.tokens.of(&number)?.clone();
        let credentials = [("token", token), ("phone_number_id", Secret::new(number))].into();
        let account = Account { base_url: self.base_url.clone(), credentials };
        let name = if message.sort == Sort::Read { "read" } else { "messages" };
        let endpoint = graph::API.endpoints.iter().find(|it| it.call == name);
        let endpoint = endpoint.expect("the table has both");
        let arguments = Arguments { body: Some(message.body.into()), ..Arguments::default() };
        let today = call.now.to_zoned(TimeZone::UTC).date();
        endpoint.prepare(&account, &arguments, today)
    }

    fn scope(&self, whole: Whole, call: &Call) -> Scope {
        let number = self.number(call).unwrap_or_default();
        match whole {
            Whole::Credential => {
                let token = self.tokens.of(&number).map(Secret::expose).unwrap_or_default();
                Scope::Credential(format!("graph {}", fingerprint(token)))
            }
            Whole::Number => Scope::Number(number),
            // Another number may belong to another account.
            Whole::Account => match &call.event().facts.channel {
                it if it.provider == "whatsapp" && it.account == number => {
                    it.business.clone().map_or(Scope::Number(number), Scope::Account)
                }
                _ => Scope::Number(number),
            },
        }
    }

    /// Keeps in mind that a template goes in place of the message.
    fn remembering(&self, call: &Call, mut outcome: Outcome) -> Outcome {
        let is_template =
            payload::message(call).is_ok_and(|it| self.is_retry_of_template(call, &it));
        if let (true, Outcome::Retry { reason, .. } | Outcome::Pause { reason, .. }) =
            (is_template, &mut outcome)
        {
            *reason = format!("{WINDOW_CLOSED}; {reason}");
        }
        outcome
    }

    fn failed(&self, call: &Call, answer: &Response) -> Outcome {
        let answer::Fault { class, said } = answer::fault(answer);
        match class {
            Class::Refused => Outcome::refused(said),
            Class::Retry(wait) => {
                Outcome::Retry { reason: said, after: answer::wait(wait, answer, call.attempt) }
            }
            Class::Pause(whole, duration) => {
                Outcome::pause(self.scope(whole, call), said, duration)
            }
            Class::Window => {
                let message = payload::message(call);
                let is_first = message
                    .is_ok_and(|it| it.sort == Sort::Free && !self.is_retry_of_template(call, &it));
                if is_first && self.fallback.is_some() {
                    let reason = format!("{WINDOW_CLOSED}: the template goes in its place");
                    return Outcome::Retry { reason, after: Some(Duration::ZERO) };
                }
                Outcome::refused(format!("{WINDOW_CLOSED}; configure `outside_window`: {said}"))
            }
        }
    }
}

/// Whether it is known that only a template may go to the contact. Where nothing is known, Meta
/// decides.
fn is_outside(call: &Call, message: &Message, number: &str) -> bool {
    let is_known = call.standing.inbound.is_some() && !call.standing.is_open(call.now);
    let channel = &call.event().facts.channel;
    let is_answer = message.to_contact && channel.account == number;
    is_known && is_answer && message.sort != Sort::Template
}

fn is_read(call: &Call) -> bool {
    payload::message(call).is_ok_and(|it| it.sort == Sort::Read)
}

impl Adapter for Send {
    fn request(&self, call: &Call) -> Result<Outgoing, Outcome> {
        self.prepare(call).map_err(Outcome::refused)
    }

    fn outcome(&self, call: &Call, answer: &Response) -> Outcome {
        let is_success = (200..300).contains(&answer.status);
        let outcome = match (is_success, (graph::API.problem)(answer)) {
            (true, None) if is_read(call) => Outcome::delivered(),
            (true, None) => {
                let sent = serde_json::from_slice::<Sent>(&answer.body).ok();
                match sent.and_then(|it| it.messages.into_iter().next()) {
                    Some(message) => Outcome::received(message.id),
                    // It was taken, under an id that the status will tell.
                    None => self.unanswered(call, Unanswered::Broken),
                }
            }
            // A proxy of Meta's that lost sight of it.
            (false, _) if answer.status == 504 && !says_why(answer) => {
                self.unanswered(call, Unanswered::TooSlow)
            }
            _ => self.failed(call, answer),
        };
        self.remembering(call, outcome)
    }

    fn unanswered(&self, call: &Call, why: Unanswered) -> Outcome {
        let may_be_sent =
            matches!(why, Unanswered::TooSlow | Unanswered::Broken | Unanswered::TooLarge { .. });
        let outcome = if why == Unanswered::Unsendable {
            Outcome::refused(why.to_string())
        } else if may_be_sent && !is_read(call) {
            // There is no idempotency key; the status webhook holds our id instead.
            let until = call.now.checked_add(STATUS).unwrap_or(call.now);
            Outcome::Await { until }
        } else {
            Outcome::retry(why.to_string())
        };
        self.remembering(call, outcome)
    }

    fn overdue(&self, call: &Call) -> Outcome {
        let reason = "Meta's answer was lost, and no status of the message came";
        self.remembering(call, Outcome::retry(reason))
    }

    fn limits(&self, call: &Call) -> Vec<Limit> {
        let Ok((message, number)) = self.message(call) else { return Vec::new() };
        let Rate { count, per } = self.limit;
        let rate = Rate { count, per: spared(per) };
        let mut limits = vec![Limit { key: format!("whatsapp {number}"), rate, burst: 1 }];
        let whom = ["to", "recipient"].iter().find_map(|it| message.body.get(*it)?.as_str());
        if let (true, Some(whom)) = (message.sort != Sort::Read, whom) {
            let whom = fingerprint(&whom.replace(['+', ' ', '-', '(', ')'], ""));
            let rate = Rate { count: 1, per: spared(PAIR) };
            let key = format!("whatsapp {number} to {whom}");
            limits.push(Limit { key, rate, burst: BURST * 95 / 100 });
        }
        limits
    }

    fn scopes(&self, call: &Call) -> Vec<Scope> {
        if self.number(call).is_err() {
            return Vec::new();
        }
        let all = [Whole::Credential, Whole::Number, Whole::Account];
        let mut scopes: Vec<Scope> = all.into_iter().map(|it| self.scope(it, call)).collect();
        scopes.dedup();
        scopes
    }

    fn secrets(&self) -> Vec<Secret> {
        self.tokens.all().into_iter().cloned().collect()
    }
}

/// So much more time that 95 % of a rate remain.
fn spared(per: Duration) -> Duration {
    per * 20 / 19
}

fn says_why(answer: &Response) -> bool {
    serde_json::from_slice::<graph::payload::Failure>(&answer.body).is_ok()
}
