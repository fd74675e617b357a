//! `flowgent.chat`: what a contact says goes to an agent, and its answer comes back as an event.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use super::answer::{self, ATTEMPTS, Asked, Verdict};
use super::{Access, BASE_URL, message};
use crate::client::flowgent::API;
use crate::client::{Outgoing, Problem, Response};
use crate::config::{Period, Secret, is_loopback};
use crate::destination::{
    Adapter, Call, Define, Means, Outcome, Policy, Reply, Scope, Setup, Takes,
};
use crate::event::facts::{Agent, Channel, Message};
use crate::event::{Draft, Facts, Kind};
use crate::http::Unanswered;
use crate::provider::{self, Source, flowgent};

/// A configured agent.
pub struct Chat {
    access: Access,
    agent: String,
    /// For how long an answer is awaited; `None`: it is in the response.
    deadline: Option<Duration>,
    fallback: Option<String>,
}

/// What stands under a destination with `kind: flowgent.chat`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The agent that answers.
    agent_id: String,
    /// An API key, from FlowGent's settings.
    api_key: Secret,
    /// Where FlowGent is: another address for a simulator.
    base_url: String,
    /// How the answer comes: `sync`, in the response, within `timeout`; or `callback`, at a URL
    /// that is minted for each call, within `deadline`. Choose `callback` for an agent that uses
    /// tools or takes its time.
    reply: How,
    /// For how long an answer that comes by `callback` is awaited; then there is an
    /// `agent.timeout`.
    deadline: Period,
    /// What the contact is told when the agent does not answer: beside `agent.failed` and
    /// `agent.timeout` it becomes an `agent.replied` whose `message.origin` is `fallback`.
    fallback: Option<String>,
}

/// How an answer comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum How {
    /// In the response.
    #[default]
    Sync,
    /// At a URL that is minted for the call.
    Callback,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            agent_id: String::new(),
            api_key: Secret::default(),
            base_url: BASE_URL.to_owned(),
            reply: How::Sync,
            deadline: Period(Duration::from_mins(2)),
            fallback: None,
        }
    }
}

impl Define for Chat {
    const KIND: &'static str = "flowgent.chat";
    const SUMMARY: &'static str =
        "Asks a FlowGent agent, in the thread of the conversation; its answer is an event.";
    const PAYLOAD: Takes = Takes::Names(message::NAMES);
    const REPLIES: &'static [Kind] = &[
        Kind::AGENT_REPLIED,
        Kind::AGENT_FAILED,
        Kind::AGENT_TIMEOUT,
        Kind::named("flowgent.unmapped"),
    ];
    // An agent that uses tools thinks for longer than a database.
    const POLICY: Policy = Policy { timeout: Duration::from_mins(1), ..Policy::CHAT };
    type Config = Config;

    fn new(config: Config, setup: &Setup) -> Result<Self, String> {
        let access = Access::new(&config.base_url, config.api_key)?.of_agent(&config.agent_id)?;
        let deadline = (config.reply == How::Callback).then_some(config.deadline.0);
        if deadline.is_some_and(|it| it.is_zero()) {
            return Err("`deadline` is no time at all".to_owned());
        }
        if deadline.is_some() && is_loopback(&setup.public_url) && !is_loopback(&config.base_url) {
            return Err(
                "`reply: callback` needs a `public_url` that FlowGent can reach; this one \
                        is known on this machine only"
                    .to_owned(),
            );
        }
        Ok(Self {
            access,
            agent: config.agent_id,
            deadline,
            fallback: config.fallback.filter(|it| !it.trim().is_empty()),
        })
    }

    fn means(self) -> Means {
        Means::Adapter(Arc::new(self))
    }
}

impl Chat {
    /// What is wrong with an answer: what stands inside it counts, as the decoder reads it.
    fn problem(answer: &Response, drafts: &[Draft]) -> Option<Problem> {
        let is_good = |status: u16| (200..300).contains(&status);
        let has_failed = drafts.iter().all(|it| it.kind == Kind::AGENT_FAILED);
        if is_good(answer.status) && !has_failed {
            return None;
        }
        let agent = drafts.first().filter(|_| has_failed).and_then(|it| it.facts.agent.clone());
        let agent = agent.unwrap_or_default();
        let inside = agent.status.filter(|it| is_good(answer.status) || !is_good(*it));
        let said = || (API.problem)(answer).map(|it| it.message);
        Some(Problem {
            status: inside.unwrap_or(answer.status),
            message: agent.error.or_else(said).unwrap_or_else(|| "it did not say why".to_owned()),
            retry_after: answer.retry_after(),
        })
    }

    /// The answer arrived, and these are its events.
    fn answered(answer: &Response, drafts: Vec<Draft>) -> Outcome {
        let receipt = |it: &Draft| Some(it.facts.message.as_ref()?.id.clone());
        let thread = |it: &Draft| it.facts.agent.as_ref()?.thread.clone();
        Outcome::Delivered {
            receipt: drafts.iter().find_map(receipt).filter(|it| !it.is_empty()),
            thread: drafts.iter().find_map(thread),
            replies: drafts
                .into_iter()
                .map(|draft| Reply { draft, body: answer.body.clone() })
                .collect(),
        }
    }

    /// The agent was asked often enough.
    fn failed(
        &self,
        call: &Call,
        answer: &Response,
        told: &Problem,
        drafts: Vec<Draft>,
    ) -> Outcome {
        let is_told = drafts.iter().any(|it| it.kind == Kind::AGENT_FAILED);
        let drafts = if is_told {
            drafts
        } else {
            // A page of whatever stands in between, which the decoder cannot make out.
            let error = self.access.clean(call, &told.message);
            let mut draft = self.draft(call, Kind::AGENT_FAILED, error, answer.body.len());
            if let Some(agent) = &mut draft.facts.agent {
                agent.status = Some(told.status);
            }
            vec![draft]
        };
        self.without_answer(call, Self::answered(answer, drafts))
    }

    /// Nothing came.
    fn silent(&self, call: &Call, error: String) -> Outcome {
        let body = Bytes::from(json!({ "agent_id": self.agent, "error": error }).to_string());
        let draft = self.draft(call, Kind::AGENT_TIMEOUT, error, body.len());
        let replies = vec![Reply { draft, body }];
        self.without_answer(call, Outcome::Delivered { receipt: None, thread: None, replies })
    }

    /// Adds what the contact is told all the same.
    fn without_answer(&self, call: &Call, mut outcome: Outcome) -> Outcome {
        if let (Some(text), Outcome::Delivered { replies, .. }) = (&self.fallback, &mut outcome) {
            let body = Bytes::from(json!({ "fallback": text }).to_string());
            let mut draft = self.draft(call, Kind::AGENT_REPLIED, String::new(), body.len());
            draft.facts.message = Some(Message {
                kind: "text".to_owned(),
                text: Some(text.clone()),
                origin: Some("fallback".to_owned()),
                ..Message::default()
            });
            replies.push(Reply { draft, body });
        }
        outcome
    }

    /// An event that is no answer of the agent's.
    fn draft(&self, call: &Call, kind: Kind, error: String, length: usize) -> Draft {
        let dedup_key = format!("{kind}:{}", call.id);
        let agent = Agent {
            id: Some(self.agent.clone()),
            thread: call.standing.thread.clone(),
            error: Some(error).filter(|it| !it.is_empty()),
            ..Agent::default()
        };
        let provider = "flowgent".to_owned();
        let channel = Channel { provider, account: self.agent.clone(), ..Channel::default() };
        Draft {
            kind,
            dedup_key,
            anonymous: false,
            time: None,
            historical: false,
            candidates: Vec::new(),
            facts: Box::new(Facts { channel, agent: Some(agent), ..Facts::default() }),
            raw: 0..length,
        }
    }

    /// Waiting for the callback of a call that was made just now.
    fn awaiting(call: &Call, deadline: Duration) -> Outcome {
        let until = call.now.checked_add(deadline).unwrap_or(jiff::Timestamp::MAX);
        Outcome::Await { until }
    }
}

impl Adapter for Chat {
    fn request(&self, call: &Call) -> Result<Outgoing, Outcome> {
        let mut body = Map::new();
        body.insert("messages".to_owned(), message::messages(call)?);
        if let Some(thread) = call.standing.thread.as_ref().filter(|it| !it.is_empty()) {
            body.insert("thread_id".to_owned(), thread.as_str().into());
        }
        if self.deadline.is_some() {
            let Some(url) = &call.callback else {
                return Err(Outcome::refused("no URL was minted for the answer"));
            };
            body.insert("callback_url".to_owned(), url.expose().into());
        }
        self.access.request("chat", call, None, Some(body))
    }

    /// Both of what the call is answered and of what arrives at its callback.
    fn outcome(&self, call: &Call, answer: &Response) -> Outcome {
        let drafts = flowgent::drafts(&answer.body, &call.id.to_string(), &self.agent);
        let Some(told) = Self::problem(answer, &drafts) else {
            // Whatever says neither an answer nor an error says at most that one will come.
            let is_open = drafts.iter().all(|it| it.facts.unmapped.is_some());
            return match self.deadline {
                Some(deadline) if is_open => Self::awaiting(call, deadline),
                None if is_open => self.without_answer(call, Self::answered(answer, drafts)),
                _ => Self::answered(answer, drafts),
            };
        };
        match answer::verdict(Asked::Chat, told.status, call.attempt) {
            Verdict::Failed => self.failed(call, answer, &told, drafts),
            verdict => answer::outcome(verdict, &told, call, &self.access, Some(&self.agent)),
        }
    }

    fn unanswered(&self, call: &Call, why: Unanswered) -> Outcome {
        match (why, self.deadline) {
            // It may have been taken: then the answer comes to the callback.
            (
                Unanswered::TooSlow | Unanswered::Broken | Unanswered::TooLarge { .. },
                Some(deadline),
            ) => Self::awaiting(call, deadline),
            // Asking again costs credits again.
            (Unanswered::TooSlow | Unanswered::Broken | Unanswered::TooLarge { .. }, None)
                if call.attempt >= ATTEMPTS =>
            {
                self.silent(call, why.to_string())
            }
            _ => Outcome::retry(why.to_string()),
        }
    }

    fn overdue(&self, call: &Call) -> Outcome {
        let within = self.deadline.map_or_else(|| "time".to_owned(), |it| Period(it).to_string());
        self.silent(call, format!("no answer came in {within}"))
    }

    fn scopes(&self, _: &Call) -> Vec<Scope> {
        vec![self.access.credential(), Scope::Agent(self.agent.clone())]
    }

    fn thread(&self) -> Option<&str> {
        Some(&self.agent)
    }

    fn calls_back(&self) -> Option<Duration> {
        self.deadline
    }

    /// Also where answers come in the response: what was awaited when the settings were other ones
    /// still comes to its callback.
    fn source(&self, setup: &provider::Setup) -> Option<Box<dyn Source>> {
        let entry = provider::find("flowgent")?;
        (entry.build)(json!({ "agent_id": self.agent }), setup).ok()
    }

    fn secrets(&self) -> Vec<Secret> {
        self.access.secrets()
    }
}
