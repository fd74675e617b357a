//! The calls and their answers, with the simulator as the other side.

mod answers;
mod calls;
mod leads;
mod outbounds;
mod payloads;
mod replies;
mod sessions;
mod settings;

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::{Adapter, Broker, Call, Destination, Means, Outcome, Setup, Standing, find};
use crate::client::flowbot::API;
use crate::client::{Asked, Outgoing, Response, Simulator};
use crate::config::Secret;
use crate::event::facts::{Channel, Contact, Message};
use crate::event::{Event, Facts, Kind};

const BASE: &str = "http://simulator.example";

const PHONE: &str = "+972501234567";

fn build(kind: &str, settings: &Value) -> Result<Destination, String> {
    let setup = Setup {
        name: "bot".into(),
        public_url: "https://gateway.example".into(),
        broker: Broker::Embedded,
    };
    let mut all = json!({ "base_url": BASE });
    all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    find(kind).unwrap().destination(all, &setup)
}

fn adapter(kind: &str, settings: &Value) -> Arc<dyn Adapter> {
    match build(kind, settings).unwrap_or_else(|it| panic!("{kind}: {it}")).means {
        Means::Adapter(it) => it,
        Means::Transport(_) => panic!("{kind} is no adapter"),
    }
}

fn at(moment: &str) -> Timestamp {
    moment.parse().unwrap()
}

/// John writes on WhatsApp.
fn facts() -> Facts {
    Facts {
        contact: Some(Contact {
            id: "972501234567".into(),
            phone: Some(PHONE.into()),
            name: Some("John Doe".into()),
            ..Contact::default()
        }),
        channel: Channel {
            provider: "whatsapp".into(),
            account: "106540352242922".into(),
            ..Channel::default()
        },
        message: Some(Message {
            id: "wamid.1".into(),
            kind: "text".into(),
            text: Some("A refund, please".into()),
            ..Message::default()
        }),
        ..Facts::default()
    }
}

fn event(facts: Facts) -> Event {
    Event {
        id: Uuid::from_u128(1),
        sequence: 1,
        source: "whatsapp".into(),
        kind: Kind::MESSAGE_RECEIVED,
        conversation: Some(Uuid::from_u128(2)),
        time: at("2026-11-24T11:59:00Z"),
        received: at("2026-11-24T11:59:01Z"),
        historical: false,
        cause: None,
        correlation: Uuid::from_u128(1),
        hops: 0,
        traceparent: None,
        facts: facts.into(),
        raw: Bytes::from_static(b"{}"),
    }
}

fn call_of(facts: Facts, payload: Value) -> Call {
    Call {
        id: Uuid::from_u128(7),
        attempt: 1,
        deliveries: vec![Uuid::from_u128(8)],
        events: vec![Arc::new(event(facts))],
        payload,
        request: None,
        standing: Standing::default(),
        token: None,
        callback: None,
        replay: false,
        last: None,
        now: at("2026-11-24T12:00:00Z"),
    }
}

fn call(payload: Value) -> Call {
    call_of(facts(), payload)
}

/// The same with a token, for requests that go nowhere.
fn with_token(payload: Value) -> Call {
    Call { token: Some(Secret::new("a-token")), ..call(payload) }
}

fn answer(status: u16, body: impl Into<Bytes>) -> Response {
    Response { status, headers: Vec::new(), body: body.into() }
}

fn body(outgoing: &Outgoing) -> Value {
    serde_json::from_slice(&outgoing.body).unwrap()
}

fn header<'a>(outgoing: &'a Outgoing, name: &str) -> Option<&'a str> {
    let found = outgoing.headers.iter().find(|it| it.0 == name)?;
    Some(found.1.expose())
}

fn reason(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Retry { reason, .. }
        | Outcome::Refused { reason }
        | Outcome::Pause { reason, .. } => reason,
        other => panic!("{other:?} has no reason"),
    }
}

/// What a call is refused for, before anything is sent.
fn refusal(adapter: &Arc<dyn Adapter>, call: &Call) -> String {
    match adapter.request(call) {
        Err(Outcome::Refused { reason }) => reason,
        Err(other) => panic!("{other:?}"),
        Ok(outgoing) => panic!("{} was sent", String::from_utf8_lossy(&outgoing.body)),
    }
}

/// A destination and the simulator, with nothing between them but the bytes; tokens and attempts
/// as the engine has them.
struct Ends {
    adapter: Arc<dyn Adapter>,
    simulator: Box<dyn Simulator>,
    now: Timestamp,
    token: Option<Secret>,
    sent: Vec<Outgoing>,
}

impl Ends {
    fn new(kind: &str, settings: &Value) -> Self {
        Self {
            adapter: adapter(kind, settings),
            simulator: (API.simulator)(),
            now: at("2026-11-24T12:00:00Z"),
            token: None,
            sent: Vec::new(),
        }
    }

    fn send(&mut self, outgoing: Outgoing) -> Response {
        assert!(outgoing.url.starts_with(BASE), "{}", outgoing.url);
        let answered = self.simulator.answer(&Asked::of(&outgoing, BASE), self.now);
        self.sent.push(outgoing);
        answered.into()
    }

    fn deed(&mut self, deed: &str, arguments: &Value) -> Value {
        let done = self.simulator.deed(deed, arguments, self.now).unwrap();
        assert!(done["error"].is_null(), "{done}");
        done
    }

    /// One attempt: with the token that is there, or a new one where it is no longer good.
    fn attempt(&mut self, call: &Call) -> Outcome {
        let adapter = Arc::clone(&self.adapter);
        for is_last in [false, true] {
            if let Some(session) = adapter.session().filter(|_| self.token.is_none()) {
                let answer = self.send(session.request(self.now).unwrap());
                match session.read(&answer, self.now) {
                    Ok(grant) => self.token = Some(grant.token),
                    Err(outcome) => return outcome,
                }
            }
            let call = Call { token: self.token.clone(), now: self.now, ..call.clone() };
            let answer = match adapter.request(&call) {
                Ok(outgoing) => self.send(outgoing),
                Err(outcome) => return outcome,
            };
            let is_stale = adapter.session().is_some_and(|it| it.is_stale(&answer));
            if is_last || !is_stale {
                return adapter.outcome(&call, &answer);
            }
            self.token = None;
        }
        unreachable!("the last attempt returns")
    }

    /// Attempts until nothing is left to be tried at once; every outcome, in order.
    fn attempts(&mut self, call: &Call) -> Vec<Outcome> {
        let mut call = call.clone();
        let mut outcomes = Vec::new();
        loop {
            let outcome = self.attempt(&call);
            let again = matches!(&outcome, Outcome::Retry { after: Some(it), .. } if it.is_zero());
            if again {
                call.last = Some(reason(&outcome).to_owned());
                call.attempt += 1;
            }
            outcomes.push(outcome);
            assert!(outcomes.len() < 9, "{outcomes:?}");
            if !again {
                return outcomes;
            }
        }
    }
}
