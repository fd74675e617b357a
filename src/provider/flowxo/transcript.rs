//! What the poller read, as events: a conversation and its messages in Flow XO's own JSON, with
//! what the poller knows about them.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{PROVIDER, UNMAPPED, message};
use crate::event::facts::{Channel, Contact, Conversation, Handover, Unmapped};
use crate::event::{Candidate, Draft, Facts, Kind};
use crate::lenient::{each, first, object, text};
use crate::provider::fragment::{digest, range};

/// The body that the poller makes.
#[derive(Deserialize)]
struct Document<'a> {
    polled: Polled,
    #[serde(borrow, default)]
    conversation: Option<&'a RawValue>,
    #[serde(borrow, default)]
    messages: Option<&'a RawValue>,
}

/// What the poller knows, and Flow XO does not say.
#[derive(Deserialize, serde::Serialize)]
pub(super) struct Polled {
    /// When this source was polled for the first time: what is older is history.
    pub(super) began: Timestamp,
    /// The conversation was never read before.
    #[serde(default)]
    pub(super) first: bool,
    /// Whether a human held the conversation when it was last read.
    #[serde(default)]
    pub(super) agent_mode: Option<bool>,
}

/// A conversation, as far as it is known.
struct Transcript<'a> {
    body: &'a [u8],
    polled: Polled,
    record: Value,
}

/// Every event in a body of the poller's, oldest first. `None`: it is none of those.
pub(super) fn drafts(body: &[u8]) -> Option<Vec<Draft>> {
    let document: Document<'_> = serde_json::from_slice(body).ok()?;
    let record = document.conversation.and_then(|it| object(it).ok()).unwrap_or_default();
    let transcript = Transcript { body, polled: document.polled, record };
    let messages = each(document.messages);
    let mut drafts: Vec<Draft> = messages.iter().map(|it| transcript.draft(it)).collect();
    if let Some(raw) = document.conversation
        && let Some((now, handover)) = transcript.handover(raw)
    {
        // Before what was written after it, as far as the messages tell.
        let at = messages
            .iter()
            .position(|it| object(it).is_ok_and(|it| it["agent_mode"].as_bool() == Some(now)));
        drafts.insert(at.unwrap_or(drafts.len()), handover);
    }
    Some(drafts)
}

impl Transcript<'_> {
    fn draft(&self, raw: &RawValue) -> Draft {
        let value = match object(raw) {
            Ok(value) => value,
            Err(reason) => return self.unmapped(reason, raw),
        };
        let at = message::time(&value);
        let is_agent = value["agent_mode"].as_bool() == Some(true);
        let (kind, origin) = match text(&value["role"]).as_deref() {
            Some("channel") => (Kind::MESSAGE_RECEIVED, None),
            Some("bot") => (Kind::MESSAGE_SENT, Some(if is_agent { "agent" } else { "bot" })),
            Some(other) => return self.unmapped(format!("`role` is `{other}`"), raw),
            None => return self.unmapped("a message without a `role`", raw),
        };
        let path = self.path(&value);
        let key = match text(&value["id"]) {
            Some(id) => format!("message:{id}"),
            None => format!("message:{path}:{}", digest(raw.get().as_bytes())),
        };
        let mut draft = self.empty(kind, key, raw, &path);
        draft.time = at;
        draft.historical = at.map_or(self.polled.first, |it| it < self.polled.began);
        let mode = value["agent_mode"].as_bool().or(self.record["agent_mode"].as_bool());
        draft.facts.conversation = bot(mode);
        let mut message = message::read(&value);
        message.origin = origin.map(str::to_owned);
        draft.facts.message = Some(message);
        draft
    }

    /// Who holds the conversation now, if that changed: whether it is an agent, and the event.
    fn handover(&self, raw: &RawValue) -> Option<(bool, Draft)> {
        let now = self.record["agent_mode"].as_bool()?;
        let before = self.polled.agent_mode.filter(|it| *it != now)?;
        let path = self.path(&Value::Null);
        let last = text(&self.record["last_message"]["id"]).unwrap_or_default();
        let key = format!("handover:{path}:{now}:{last}");
        let mut draft = self.empty(Kind::HANDOVER_CHANGED, key, raw, &path);
        let holder = |it: bool| Some(if it { "agent" } else { "bot" }.to_owned());
        draft.facts.conversation = bot(Some(now));
        draft.facts.handover = Some(Handover {
            event: "agent_mode".to_owned(),
            previous: holder(before),
            current: holder(now),
        });
        Some((now, draft))
    }

    fn unmapped(&self, reason: impl Into<String>, raw: &RawValue) -> Draft {
        let path = self.path(&Value::Null);
        let key = format!("unmapped:{path}:{}", digest(raw.get().as_bytes()));
        let mut draft = self.empty(UNMAPPED, key, raw, &path);
        draft.facts.unmapped =
            Some(Unmapped { field: Some("messages".to_owned()), reason: reason.into() });
        draft
    }

    /// A draft with nothing in it but whose it is.
    fn empty(&self, kind: Kind, dedup_key: String, raw: &RawValue, path: &str) -> Draft {
        let (bot_id, user_id) = path.split_once("/c/").unwrap_or_default();
        let account = text(&self.record["bot_id"]).unwrap_or_else(|| bot_id.to_owned());
        let id = text(&self.record["user_id"])
            .or_else(|| Some(user_id.to_owned()).filter(|it| !it.is_empty()));
        let contact = id.map(|id| {
            let is_number = text(&self.record["platform"]).as_deref() == Some("whatsapp");
            let wa_id = Some(id.clone()).filter(|it| is_number && number(it).is_some());
            let phone = wa_id.as_deref().and_then(number);
            let name = first(&self.record, &["user_name"]);
            Contact { id, wa_id, phone, name, ..Contact::default() }
        });
        let candidate = || Candidate::new("response_path", &account, path);
        Draft {
            kind,
            dedup_key,
            time: None,
            historical: false,
            anonymous: false,
            candidates: if path.is_empty() { Vec::new() } else { vec![candidate()] },
            facts: Box::new(Facts {
                contact,
                channel: Channel { provider: PROVIDER.into(), account, ..Channel::default() },
                ..Facts::default()
            }),
            raw: range(self.body, raw),
        }
    }

    /// The response path: `<bot>/c/<user>`.
    fn path(&self, message: &Value) -> String {
        let own = || text(&message["conversation"]);
        text(&self.record["id"]).or_else(own).unwrap_or_default()
    }
}

/// Whether the bot answers.
fn bot(agent_mode: Option<bool>) -> Conversation {
    let bot = agent_mode.map(|it| if it { "paused" } else { "active" }.to_owned());
    Conversation { bot, ..Conversation::default() }
}

/// A `WhatsApp` user id as a phone number, if it can be one.
pub(super) fn number(id: &str) -> Option<String> {
    let fits = (7..=15).contains(&id.len()) && id.bytes().all(|it| it.is_ascii_digit());
    fits.then(|| ["+", id].concat())
}
