//! `messenger.send`: a message of a page or an Instagram account.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::{self, Refusal};
use super::content::{Content, content};
use super::recipient::{
    MESSAGING_TYPES, NOTIFICATION_TYPES, filled, is_ours, optional, recipient, word,
};
use crate::client::{Account, Arguments, Outgoing, Response, graph};
use crate::config::{Rate, Secret};
use crate::destination::{
    Adapter, Call, Define, Limit, Means, Outcome, Policy, Scope, Setup, Takes, credential,
};
use crate::http::Unanswered;

/// How the reason begins of what is tried again with the tag of `outside_window`: the next attempt
/// knows by it what to do.
const OUTSIDE_WINDOW: &str = "outside the 24-hour window";

pub(super) const NAMES: &[&str] = &[
    "to",
    "from",
    "text",
    "image",
    "audio",
    "video",
    "file",
    "attachment",
    "attachments",
    "template",
    "quick_replies",
    "sender_action",
    "reply_to",
    "metadata",
    "messaging_type",
    "tag",
    "notification_type",
];

/// Sends messages of Messenger and Instagram.
pub(in crate::destination) struct MessengerSend {
    tokens: Tokens,
    account: Option<String>,
    base_url: String,
    tag: Option<String>,
}

/// What stands under a destination with `kind: messenger.send`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::destination) struct Config {
    /// The page's access token; or one for each page and Instagram account, by its id.
    access_token: Tokens,
    /// The page or Instagram account that sends: its id, or `me` for the one of the token. Without
    /// it, the one that the event arrived at.
    account: String,
    /// Where the API is: `https://graph.instagram.com/v25.0` for tokens of the Instagram login.
    base_url: String,
    /// What to do when the contact's last message is more than a day old. Without it, such a
    /// message is refused.
    outside_window: Option<OutsideWindow>,
}

/// What to do when the contact's last message is more than a day old.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct OutsideWindow {
    /// The tag to send with. `HUMAN_AGENT` is for answers of people, within seven days, and needs
    /// Meta's approval.
    tag: String,
}

impl Default for OutsideWindow {
    fn default() -> Self {
        Self { tag: "HUMAN_AGENT".to_owned() }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            access_token: Tokens::One(Secret::default()),
            account: String::new(),
            base_url: graph::API.base_url.unwrap_or_default().to_owned(),
            outside_window: None,
        }
    }
}

/// One access token, or one for each account.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
enum Tokens {
    One(Secret),
    Each(BTreeMap<String, Secret>),
}

impl Tokens {
    fn all(&self) -> Vec<&Secret> {
        let all: Vec<&Secret> = match self {
            Self::One(token) => vec![token],
            Self::Each(tokens) => tokens.values().collect(),
        };
        all.into_iter().filter(|it| !it.is_empty()).collect()
    }

    fn of(&self, account: &str) -> Option<&Secret> {
        let token = match self {
            Self::One(token) => Some(token),
            Self::Each(tokens) => tokens.get(account),
        };
        token.filter(|it| !it.is_empty())
    }
}

/// What a call comes to.
struct Plan<'a> {
    account: String,
    token: &'a Secret,
    recipient: Value,
    content: Content,
    /// Why it is sent: `messaging_type` and the tag.
    because: (String, Option<String>),
    /// The tag of `outside_window` is sent along.
    tagged: bool,
    /// The tag of `outside_window` could be sent along.
    taggable: bool,
    notification_type: Option<String>,
}

impl Define for MessengerSend {
    const KIND: &'static str = "messenger.send";
    const SUMMARY: &'static str = "A message of Messenger or Instagram, through Meta's Send API.";
    const PAYLOAD: Takes = Takes::Names(NAMES);
    const POLICY: Policy = Policy::CHAT;
    type Config = Config;

    fn new(config: Config, _setup: &Setup) -> Result<Self, String> {
        if config.access_token.all().is_empty() {
            return Err("`access_token` is missing".to_owned());
        }
        let base_url = config.base_url.trim_end_matches('/').to_owned();
        if !base_url.starts_with("https://") && !base_url.starts_with("http://") {
            return Err(format!("`base_url` is `{base_url}`, no https:// URL"));
        }
        let tag = config.outside_window.map(|it| it.tag);
        if tag.as_ref().is_some_and(|it| it.trim().is_empty()) {
            return Err("`outside_window.tag` is empty".to_owned());
        }
        let account = Some(config.account).filter(|it| !it.is_empty());
        if let (Some(account), Tokens::Each(_)) = (&account, &config.access_token)
            && config.access_token.of(account).is_none()
        {
            return Err(format!("`access_token` has none for `{account}`"));
        }
        Ok(Self { tokens: config.access_token, account, base_url, tag })
    }

    fn means(self) -> Means {
        Means::Adapter(Arc::new(self))
    }
}

impl MessengerSend {
    fn plan(&self, call: &Call) -> Result<Plan<'_>, String> {
        let text;
        let none = Map::new();
        let payload = match &call.payload {
            Value::Null => &none,
            Value::Object(payload) => payload,
            bare @ (Value::String(_) | Value::Number(_)) => {
                text = Map::from_iter([("text".to_owned(), bare.clone())]);
                &text
            }
            _ => return Err("the payload is a text, or a map".to_owned()),
        };
        if let Some(name) = payload.keys().find(|it| !NAMES.contains(&&***it)) {
            return Err(format!("`{name}`: it is not known; there are {}", NAMES.join(", ")));
        }
        let account = self.sender(payload, call)?;
        let token = self.tokens.of(&account);
        let token = token.ok_or_else(|| format!("`access_token` has none for `{account}`"))?;
        let is_instagram = call.event().facts.channel.provider == "instagram";
        let content = content(payload, call, is_instagram)?;
        let recipient = recipient(payload, call)?;
        let said = word(payload, "messaging_type", MESSAGING_TYPES)?;
        let tag = filled(payload, "tag")?;
        let mut because = match (said, tag) {
            (Some(why), None) if why == "MESSAGE_TAG" => {
                return Err("`tag`: a message of the type MESSAGE_TAG needs one".to_owned());
            }
            (why, None) => (why.unwrap_or_else(|| "RESPONSE".to_owned()), None),
            (None, tag) => ("MESSAGE_TAG".to_owned(), tag),
            (Some(why), tag) if why == "MESSAGE_TAG" => (why, tag),
            (Some(why), _) => return Err(format!("`tag`: it does not go with `{why}`")),
        };
        let is_plain = !["messaging_type", "tag"].iter().any(|it| optional(payload, it).is_some());
        let taggable = is_plain
            && recipient.get("id").is_some()
            && matches!(content, Content::Message(_))
            && self.tag.is_some();
        let remembered = call.last.as_ref().is_some_and(|it| it.starts_with(OUTSIDE_WINDOW));
        let own = !["to", "from"].iter().any(|it| optional(payload, it).is_some());
        let known = own && is_ours(call) && call.standing.inbound.is_some();
        let tagged = taggable && (remembered || known && !call.standing.is_open(call.now));
        if tagged {
            because = ("MESSAGE_TAG".to_owned(), self.tag.clone());
        }
        let notification_type = word(payload, "notification_type", NOTIFICATION_TYPES)?;
        Ok(Plan {
            account,
            token,
            recipient,
            content,
            because,
            tagged,
            taggable,
            notification_type,
        })
    }

    /// As the payload says, or the settings, or the event.
    fn sender(&self, payload: &Map<String, Value>, call: &Call) -> Result<String, String> {
        let said = filled(payload, "from")?.or_else(|| self.account.clone());
        let arrived = || Some(call.event().facts.channel.account.clone()).filter(|_| is_ours(call));
        let account = said.or_else(arrived).filter(|it| !it.is_empty());
        let missing = "`from`: the event did not arrive at a page or an Instagram account, so it \
                       has to be said, here or as the destination's `account`";
        account.ok_or_else(|| missing.to_owned())
    }

    fn secrets_within(&self, said: &str) -> String {
        credential::struck(said, self.tokens.all())
    }
}

impl Plan<'_> {
    fn body(&self) -> Value {
        let mut body = json!({ "recipient": self.recipient });
        match &self.content {
            Content::Action(action) => body["sender_action"] = action.as_str().into(),
            Content::Message(message) => {
                body["message"] = message.clone().into();
                body["messaging_type"] = self.because.0.as_str().into();
                if let Some(tag) = &self.because.1 {
                    body["tag"] = tag.as_str().into();
                }
                if let Some(notified) = &self.notification_type {
                    body["notification_type"] = notified.as_str().into();
                }
            }
        }
        body
    }

    fn scope(&self) -> Scope {
        Scope::Credential(credential::name(self.token))
    }
}

impl Adapter for MessengerSend {
    fn request(&self, call: &Call) -> Result<Outgoing, Outcome> {
        let plan = self.plan(call).map_err(Outcome::refused)?;
        let endpoint = graph::API.endpoints.iter().find(|it| it.call == "page-messages");
        let endpoint = endpoint.expect("the table has the Send API");
        let credentials = [("token", plan.token.clone())].into();
        let account = Account { base_url: self.base_url.clone(), credentials };
        let values = [("page_id", plan.account.clone())].into();
        let arguments = Arguments { values, body: Some(plan.body()), ..Arguments::default() };
        let today = call.now.to_zoned(TimeZone::UTC).date();
        endpoint.prepare(&account, &arguments, today).map_err(Outcome::refused)
    }

    fn outcome(&self, call: &Call, answer: &Response) -> Outcome {
        let refusal = match answer::read(answer) {
            Ok(id) => return id.map_or_else(Outcome::delivered, Outcome::received),
            Err(refusal) => refusal,
        };
        let plan = match self.plan(call) {
            Ok(plan) => plan,
            Err(reason) => return Outcome::refused(reason),
        };
        match refusal {
            Refusal::Later(said, after) => {
                Outcome::Retry { reason: self.remembering(&plan, &said), after }
            }
            Refusal::Never(said) => Outcome::refused(self.secrets_within(&said)),
            Refusal::Credential(said, duration) => {
                Outcome::pause(plan.scope(), self.secrets_within(&said), duration)
            }
            Refusal::Account(said, duration) => Outcome::pause(
                Scope::Account(plan.account),
                self.secrets_within(&said),
                Some(duration),
            ),
            Refusal::Window(said) => {
                let said = self.secrets_within(&said);
                if plan.taggable && !plan.tagged {
                    let reason = format!("{OUTSIDE_WINDOW}: {said}");
                    return Outcome::Retry { reason, after: Some(Duration::ZERO) };
                }
                let hint =
                    if self.tag.is_none() { "; `outside_window` can name a tag" } else { "" };
                Outcome::refused(format!("{OUTSIDE_WINDOW}: {said}{hint}"))
            }
        }
    }

    fn unanswered(&self, call: &Call, why: Unanswered) -> Outcome {
        match self.plan(call) {
            Ok(plan) => Outcome::retry(self.remembering(&plan, &why.to_string())),
            Err(_) => Outcome::retry(why.to_string()),
        }
    }

    /// Per account, and 95 % of what is documented: 300 messages a second at Messenger, 100 at
    /// Instagram; 10 with sound or moving pictures; 750 private replies an hour.
    /// <https://developers.facebook.com/docs/graph-api/overview/rate-limiting#messenger>
    fn limits(&self, call: &Call) -> Vec<Limit> {
        let Ok(plan) = self.plan(call) else { return Vec::new() };
        let whose = match &*plan.account {
            "me" => format!("me {}", credential::name(plan.token)),
            account => account.to_owned(),
        };
        let limit = |key: String, count, seconds| {
            let rate = Rate { count, per: Duration::from_secs(seconds) };
            Limit { key, rate, burst: 1 }
        };
        let is_instagram = call.event().facts.channel.provider == "instagram";
        let count = if is_instagram { 95 } else { 285 };
        let mut limits = vec![limit(format!("messenger {whose}"), count, 1)];
        if plan.content.is_heavy() {
            limits.push(limit(format!("messenger media {whose}"), 95, 10));
        }
        if ["comment_id", "post_id"].iter().any(|it| plan.recipient.get(it).is_some()) {
            limits.push(limit(format!("messenger private replies {whose}"), 712, 3600));
        }
        limits
    }

    fn scopes(&self, call: &Call) -> Vec<Scope> {
        let Ok(plan) = self.plan(call) else { return Vec::new() };
        vec![plan.scope(), Scope::Account(plan.account)]
    }

    fn secrets(&self) -> Vec<Secret> {
        self.tokens.all().into_iter().cloned().collect()
    }
}

impl MessengerSend {
    /// A reason that keeps in mind that the window was closed.
    fn remembering(&self, plan: &Plan<'_>, said: &str) -> String {
        let said = self.secrets_within(said);
        if plan.tagged { format!("{OUTSIDE_WINDOW}: {said}") } else { said }
    }
}
