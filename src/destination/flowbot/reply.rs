//! `flowbot.reply`: an agent's message within one of FlowBot's conversations.
//!
//! FlowBot names a conversation by an identifier of its own. Where neither the route nor an earlier
//! reply says it, the first attempt looks for the conversation of the contact's number, and what it
//! finds is the reason of the next: see [`Step`].

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::access::Access;
use super::answer::Reading;
use super::said::{Said, what};
use super::{endpoint, prepare};
use crate::client::{Arguments, Outgoing, Response};
use crate::config::Secret;
use crate::destination::{
    Adapter, Call, Define, Means, Outcome, Policy, Scope, Session, Setup, Takes,
};

const NAMES: &[&str] = &[
    "conversation",
    "to",
    "messageType",
    "text",
    "mediaUrl",
    "caption",
    "templateName",
    "templateLanguage",
    "templateParams",
];

/// What a message holds beside its type.
const FIELDS: &[&str] =
    &["text", "mediaUrl", "caption", "templateName", "templateLanguage", "templateParams"];

/// How many of FlowBot's conversations are looked through.
const LOOKED_THROUGH: u32 = 1000;

/// The reason of an attempt that found the conversation, before its identifier.
const FOUND: &str = "found the contact's conversation ";

/// The reason of an attempt that came too late for its window, before the conversation's
/// identifier.
const CLOSED: &str = "the 24-hour window is closed, a template follows in conversation ";

/// Answers within conversations.
pub(in crate::destination) struct Reply {
    access: Access,
    thread: String,
    outside_window: Option<Map<String, Value>>,
}

/// What stands under a destination with `kind: flowbot.reply`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::destination) struct Config {
    /// Where FlowBot is: `https://bot.example`. Required.
    base_url: String,
    /// Whose session it is; a user who may answer, e.g. by their mail address. Required.
    username: String,
    /// Their password. Required.
    password: Secret,
    /// What is sent when WhatsApp's window of 24 hours has closed; without it such a message is
    /// refused.
    outside_window: Option<Fallback>,
}

/// What is sent in place of a message that comes too late.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
struct Fallback {
    /// An approved template.
    template: Template,
}

/// A template.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
struct Template {
    /// The template's name.
    name: String,
    /// Its language, such as `en`.
    language: Option<String>,
    /// Its values.
    params: Option<Vec<String>>,
}

/// What an attempt does.
#[derive(Debug, PartialEq)]
enum Step {
    /// It looks for the conversation of this number.
    Look(String),
    /// It sends this into the conversation of this identifier.
    Send(String, Map<String, Value>),
}

impl Define for Reply {
    const KIND: &'static str = "flowbot.reply";
    const SUMMARY: &'static str = "A message within a conversation of FlowBot AI, as its agent.";
    const PAYLOAD: Takes = Takes::Names(&[
        "conversation",
        "to",
        "messageType",
        "message_type",
        "text",
        "mediaUrl",
        "media_url",
        "caption",
        "templateName",
        "template_name",
        "templateLanguage",
        "template_language",
        "templateParams",
        "template_params",
    ]);
    const POLICY: Policy = Policy { concurrency: 4, ..Policy::CHAT };
    type Config = Config;

    fn new(config: Config, _setup: &Setup) -> Result<Self, String> {
        let access = Access::login(&config.base_url, &config.username, &config.password)?;
        let outside_window = config.outside_window.map(Fallback::message).transpose()?;
        let thread = format!("flowbot {}", access.host());
        Ok(Self { access, thread, outside_window })
    }

    fn means(self) -> Means {
        Means::Adapter(Arc::new(self))
    }
}

impl Fallback {
    fn message(self) -> Result<Map<String, Value>, String> {
        let Template { name, language, params } = self.template;
        if name.trim().is_empty() {
            return Err("`outside_window.template.name` is missing".to_owned());
        }
        let mut message = Map::new();
        message.insert("messageType".to_owned(), "template".into());
        message.insert("templateName".to_owned(), name.into());
        let language = language.filter(|it| !it.is_empty());
        message.extend(language.map(|it| ("templateLanguage".to_owned(), it.into())));
        message.extend(params.map(|it| ("templateParams".to_owned(), json!(it))));
        Ok(message)
    }
}

impl Reply {
    /// What this attempt does: it follows from the call alone, so that its answer can be read.
    fn step(&self, call: &Call) -> Result<Step, Outcome> {
        let payload = match &call.payload {
            Value::String(text) => json!({ "text": text }),
            other => other.clone(),
        };
        let said = Said::read(&payload, NAMES)?;
        let message = message(&said, call)?;
        let last = call.last.as_deref().unwrap_or_default();
        if let Some(conversation) = last.strip_prefix(CLOSED)
            && let Some(template) = &self.outside_window
        {
            return Ok(Step::Send(conversation.to_owned(), template.clone()));
        }
        if let Some(conversation) = said.text("conversation")? {
            if said.0.contains_key("to") {
                return Err(Outcome::refused(
                    "`to`: the conversation says already whom it is with",
                ));
            }
            return Ok(Step::Send(conversation, message));
        }
        if let Some(conversation) = last.strip_prefix(FOUND) {
            return Ok(Step::Send(conversation.to_owned(), message));
        }
        let elsewhere = said.0.contains_key("to");
        if let Some(thread) = call.standing.thread.as_ref().filter(|_| !elsewhere) {
            return Ok(Step::Send(thread.clone(), message));
        }
        let phone = said.phone(&["to"], call)?.ok_or_else(|| {
            Outcome::refused(
                "`conversation`: it is not said, and the event's contact has no phone number to \
                 find it by",
            )
        })?;
        Ok(Step::Look(phone))
    }

    /// The list of all conversations: which one is the contact's?
    fn found(&self, phone: &str, call: &Call, answer: &Response) -> Outcome {
        let read = self.reading().outcome(answer, call.now);
        let Outcome::Delivered { .. } = read else { return read };
        let Some(Value::Array(all)) = super::json(&answer.body) else {
            return Outcome::refused("the answer lists no conversations; is `base_url` right?");
        };
        let digits = |it: &str| it.trim_start_matches('+').to_owned();
        let theirs = |it: &&Value| {
            it["waPhoneNumber"].as_str().is_some_and(|it| digits(it) == digits(phone))
        };
        // ISO 8601 of one form: the order of the texts is that of the moments.
        let heard = |it: &&Value| it["lastCustomerMessageAt"].as_str().map(str::to_owned);
        let newest = all.iter().filter(theirs).max_by_key(heard);
        match newest.and_then(|it| it["id"].as_str()) {
            Some(id) => {
                Outcome::Retry { reason: format!("{FOUND}{id}"), after: Some(Duration::ZERO) }
            }
            None => Outcome::refused(format!("FlowBot has no conversation with {phone}")),
        }
    }

    fn reading(&self) -> Reading<'_> {
        Reading { credential: &self.access.id, there: false, told: false }
    }
}

/// The message: what the route says, or else what the event does.
fn message(said: &Said, call: &Call) -> Result<Map<String, Value>, Outcome> {
    let mut message = Map::new();
    for name in FIELDS {
        if *name != "templateParams" {
            message.extend(said.text(name)?.map(|it| ((*name).to_owned(), it.into())));
        }
    }
    match said.0.get("templateParams") {
        None => {}
        Some(params @ Value::Array(_)) => {
            message.insert("templateParams".to_owned(), params.clone());
        }
        Some(other) => {
            let what = what(other);
            return Err(Outcome::refused(format!("`templateParams`: it is a list, not {what}")));
        }
    }
    if message.is_empty() {
        message = of_event(call);
    }
    let kind = match said.text("messageType")? {
        Some(kind) => kind,
        None => kind(&message)?,
    };
    for (name, kinds) in [
        ("text", &["text"][..]),
        ("mediaUrl", &["image", "video", "document"]),
        ("caption", &["image", "video", "document"]),
        ("templateName", &["template"]),
        ("templateLanguage", &["template"]),
        ("templateParams", &["template"]),
    ] {
        if message.contains_key(name) && !kinds.contains(&&*kind) {
            return Err(Outcome::refused(format!("`{name}`: it belongs to no message `{kind}`")));
        }
    }
    message.insert("messageType".to_owned(), kind.into());
    Ok(message)
}

/// What the event says, as a message.
fn of_event(call: &Call) -> Map<String, Value> {
    let mut message = Map::new();
    let own = call.event().facts.message.as_ref();
    let media = own.and_then(|it| it.media.as_ref());
    if let Some(url) = media.and_then(|it| it.url.as_ref()) {
        message.insert("mediaUrl".to_owned(), url.clone().into());
        let caption = media.and_then(|it| it.caption.clone());
        let caption = caption.or_else(|| own.and_then(|it| it.text.clone()));
        message.extend(caption.map(|it| ("caption".to_owned(), it.into())));
        let main = media.and_then(|it| it.mime_type.as_deref()).unwrap_or_default();
        let kind = match main.split('/').next() {
            Some("image") => "image",
            Some("video") => "video",
            Some("") | None => return message,
            _ => "document",
        };
        message.insert("messageType".to_owned(), kind.into());
    } else if let Some(text) = Some(call.text()).filter(|it| !it.trim().is_empty()) {
        message.insert("text".to_owned(), text.into());
    }
    message
}

/// What a message is that does not say so.
fn kind(message: &Map<String, Value>) -> Result<String, Outcome> {
    if let Some(kind) = message.get("messageType").and_then(Value::as_str) {
        return Ok(kind.to_owned());
    }
    if message.contains_key("templateName") {
        return Ok("template".to_owned());
    }
    if let Some(url) = message.get("mediaUrl").and_then(Value::as_str) {
        let path = url.split(['?', '#']).next().unwrap_or_default();
        let ending = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        return Ok(match &*ending {
            "jpg" | "jpeg" | "png" | "webp" | "gif" => "image",
            "mp4" | "3gp" | "mov" | "webm" => "video",
            _ => "document",
        }
        .to_owned());
    }
    if message.contains_key("text") {
        return Ok("text".to_owned());
    }
    Err(Outcome::refused(
        "`text`: there is nothing to send; say `text`, `mediaUrl` or `templateName`",
    ))
}

/// Whether an answer says that the window is closed.
fn is_closed(answer: &Response) -> bool {
    let body = super::json(&answer.body).unwrap_or_default();
    let words = body["error"].as_str().unwrap_or_default().to_lowercase();
    let about = words.contains("window") && (words.contains("24") || words.contains("closed"));
    body["windowOpen"] == false || about
}

impl Adapter for Reply {
    fn request(&self, call: &Call) -> Result<Outgoing, Outcome> {
        let mut arguments = Arguments::default();
        let name = match self.step(call)? {
            Step::Look(_) => {
                arguments.values.insert("limit", LOOKED_THROUGH.to_string());
                "conversations"
            }
            Step::Send(conversation, message) => {
                arguments.values.insert("id", conversation);
                arguments.body = Some(message.into());
                "conversations reply"
            }
        };
        prepare(endpoint(name), &self.access.account(call)?, &arguments, call)
    }

    fn outcome(&self, call: &Call, answer: &Response) -> Outcome {
        let (conversation, message) = match self.step(call) {
            Ok(Step::Look(phone)) => return self.found(&phone, call, answer),
            Ok(Step::Send(conversation, message)) => (conversation, message),
            Err(outcome) => return outcome,
        };
        let reading = Reading { told: true, ..self.reading() };
        match reading.outcome(answer, call.now) {
            // The window may be closed by then: a template was sent all the same.
            Outcome::Delivered { receipt, replies, .. } => {
                Outcome::Delivered { receipt, thread: Some(conversation), replies }
            }
            Outcome::Refused { reason } if is_closed(answer) => {
                if message["messageType"] == "template" {
                    Outcome::Refused { reason }
                } else if self.outside_window.is_some() {
                    let reason = format!("{CLOSED}{conversation}");
                    Outcome::Retry { reason, after: Some(Duration::ZERO) }
                } else {
                    Outcome::refused(format!(
                        "{reason} (only a template may be sent now; `outside_window` of the \
                         destination can name one)"
                    ))
                }
            }
            other => other,
        }
    }

    fn scopes(&self, _call: &Call) -> Vec<Scope> {
        vec![self.access.scope()]
    }

    fn session(&self) -> Option<&dyn Session> {
        self.access.session()
    }

    fn thread(&self) -> Option<&str> {
        Some(&self.thread)
    }

    fn secrets(&self) -> Vec<Secret> {
        self.access.secrets()
    }
}
