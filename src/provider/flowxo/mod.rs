//! Flow XO: what flows and custom bots push, and the conversations that have to be polled.

mod bot;
mod flow;
mod map;
mod message;
mod poller;
mod samples;
#[cfg(test)]
mod tests;
mod transcript;

use std::time::Duration;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::fragment::{self, range};
use super::signature::{Method, Verifier, Verify};
use super::{
    Answer, Cursor, Fresh, Headers, Poller, Proof, Provider, Request, Sample, Setup, Verified,
};
use crate::client::deeds;
use crate::config::{Period, Rate, Secret};
use crate::event::{Draft, Kind};
use crate::lenient::{each, object};

const PROVIDER: &str = "flowxo";

/// A payload with no kind of its own.
const UNMAPPED: Kind = Kind::named("flowxo.unmapped");

/// Whatever proves something without signing: Flow XO signs nothing.
const PRESETS: &[&str] = &["token", "bearer", "basic", "path"];

/// A configured Flow XO source.
pub(super) struct FlowXo {
    verifier: Verifier,
    bot: Option<String>,
    map: map::Map,
    polling: Option<poller::Settings>,
    reads: [Box<str>; 1],
}

/// What stands under a Flow XO source. With `api_key` it is polled; with `secrets`, `verify` or
/// `bot` it is called; it may be both.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    /// How calls prove themselves: the preset `token`, `bearer`, `basic` or `path`, or one of
    /// these with another header. Without it `token`, and for a bot `path`.
    verify: Option<Verify>,
    /// What calls prove themselves with; any of them may match, the last is the current one.
    /// Without one, a random development secret is used on loopback.
    secrets: Vec<Secret>,
    /// A Custom HTTP Bot whose output arrives here. All that is pushed is then read as its output.
    bot: Option<Bot>,
    /// Where things stand in what flows send. Without it, they are found by their names.
    map: map::Map,
    /// The API key of the account, from the owner's profile. With it, conversations are polled.
    api_key: Secret,
    /// Where the API is.
    base_url: String,
    /// How often the list of conversations is looked at, and those that are live.
    every: Period,
    /// How many questions the API is asked at most.
    budget: Rate,
    /// How far back the first look goes; what it finds is history. Without it, all the way.
    history: Option<Period>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            verify: None,
            secrets: Vec::new(),
            bot: None,
            map: map::Map::default(),
            api_key: Secret::default(),
            base_url: "https://flowxo.com/api".to_owned(),
            every: Period(Duration::from_secs(15)),
            budget: Rate { count: 60, per: Duration::from_mins(1) },
            history: None,
        }
    }
}

/// A Custom HTTP Bot.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Bot {
    /// Its id: the last part of the URL that the bot's page shows.
    id: String,
    /// Its secret. A call that carries it as `Authorization: Bearer` is believed.
    secret: Secret,
}

impl Provider for FlowXo {
    const NAME: &'static str = PROVIDER;
    const SUMMARY: &'static str =
        "Flow XO: requests of flows, output of a Custom HTTP Bot, and conversations, polled.";
    const KINDS: &'static [Kind] = &[
        Kind::MESSAGE_RECEIVED,
        Kind::MESSAGE_SENT,
        Kind::FLOW_TRIGGERED,
        Kind::HANDOVER_CHANGED,
        UNMAPPED,
    ];
    const PROOFS: &'static [Proof] = &[Proof::Sender, Proof::Polled];
    const SAMPLES: &'static [Sample] = samples::SAMPLES;
    type Config = Config;

    fn new(config: Config, setup: &Setup) -> Result<Self, String> {
        let is_polled = !config.api_key.is_empty();
        let is_called = config.verify.is_some()
            || config.bot.is_some()
            || config.secrets.iter().any(|it| !it.is_empty());
        let verifier = if is_polled && !is_called {
            Verifier::polled(setup)
        } else {
            verifier(&config, setup)?
        };
        config.map.check()?;
        let is_url =
            config.base_url.starts_with("https://") || config.base_url.starts_with("http://");
        if !is_url {
            return Err(format!("`base_url` is `{}`, no https:// URL", config.base_url));
        }
        let polling = is_polled.then(|| {
            let base_url = config.base_url.trim_end_matches('/').to_owned();
            poller::Settings {
                api_key: config.api_key,
                base_url,
                every: config.every.0,
                budget: config.budget,
                history: config.history.map(|it| it.0),
                pages: poller::Pages::default(),
            }
        });
        let bot = config.bot.map(|it| it.id);
        Ok(Self { verifier, bot, map: config.map, polling, reads: ["content-type".into()] })
    }

    fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    fn reads(&self) -> &[Box<str>] {
        &self.reads
    }

    fn normalise(&self, request: &Request<Verified>) -> Vec<Draft> {
        let media = request.headers.get("content-type").unwrap_or_default().to_ascii_lowercase();
        let is_form = media.trim_start().starts_with("application/x-www-form-urlencoded");
        drafts(&request.body, is_form, self.bot.as_deref(), &self.map)
    }

    fn answer(&self, _: &Request<Verified>, drafts: &[Draft]) -> Answer {
        if self.bot.is_none() {
            return Answer::ok();
        }
        // The bot wants an id for what it said, or it counts as failed.
        let body = json!({ "message_id": drafts.first().map(bot::answered) }).to_string();
        Answer { content_type: "application/json", body }
    }

    fn simulated(&self) -> Option<String> {
        deeds(&self.polling.as_ref()?.base_url)
    }

    fn poller(&self, cursors: Vec<Cursor>) -> Option<Box<dyn Poller>> {
        let settings = self.polling.clone()?;
        Some(Box::new(poller::Transcripts::new(settings, cursors)))
    }

    fn compose(&self, sample: &Sample, fresh: &Fresh<'_>) -> Request {
        let body = Bytes::from(samples::freshen(sample.body, fresh));
        let headers = Headers::from_iter([("content-type", "application/json")]);
        Request::new("POST", "", headers, body)
    }
}

/// What calls are checked with. A bot may prove itself with its own secret as well: whether it
/// sends it along is not documented.
fn verifier(config: &Config, setup: &Setup) -> Result<Verifier, String> {
    let verify = config.verify.clone().unwrap_or_default();
    let preset = verify.preset.as_deref();
    if preset.is_some_and(|it| !PRESETS.contains(&it))
        || matches!(verify.method, Some(Method::Signature | Method::None))
    {
        let given = preset.unwrap_or("signature");
        return Err(format!(
            "`verify` is `{given}`: Flow XO signs nothing; there are {}",
            PRESETS.join(", ")
        ));
    }
    let secrets = config.secrets.clone();
    let Some(bot) = &config.bot else {
        return Verifier::new(&verify, "token", secrets, "secrets", setup);
    };
    if bot.id.is_empty() {
        return Err("`bot.id` is missing: it stands at the end of the bot's URL".into());
    }
    let own = vec![bot.secret.clone()];
    let own = || Verifier::new(&Verify::default(), "bearer", own.clone(), "bot.secret", setup);
    match (bot.secret.is_empty(), secrets.iter().all(Secret::is_empty)) {
        // Nothing but its own secret: that has to do.
        (false, true) => own(),
        (false, false) => Ok(Verifier::new(&verify, "path", secrets, "secrets", setup)?.or(own()?)),
        (true, _) => Verifier::new(&verify, "path", secrets, "secrets", setup),
    }
}

/// Every event in a body; never empty.
fn drafts(body: &[u8], is_form: bool, bot: Option<&str>, map: &map::Map) -> Vec<Draft> {
    let told = transcript::drafts(body).map_or_else(|| pushed(body, is_form, bot, map), Ok);
    match told {
        Ok(drafts) if !drafts.is_empty() => drafts,
        other => {
            let reason = other.err().unwrap_or("nothing in it");
            vec![fragment::unmapped(PROVIDER, UNMAPPED, body, 0..body.len(), reason)]
        }
    }
}

/// What a flow or a bot sent.
fn pushed(
    body: &[u8],
    is_form: bool,
    bot: Option<&str>,
    map: &map::Map,
) -> Result<Vec<Draft>, &'static str> {
    let told = |fields: &Value, raw| match bot {
        Some(bot) => bot::draft(fields, bot, body, raw),
        None => flow::draft(fields, map, body, raw),
    };
    if is_form {
        let fields = form_urlencoded::parse(body);
        let fields: Value =
            fields.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        let is_empty = fields.as_object().is_none_or(serde_json::Map::is_empty);
        return if is_empty {
            Err("a form without a field")
        } else {
            Ok(vec![told(&fields, 0..body.len())])
        };
    }
    let element = |raw: &RawValue| match object(raw) {
        Ok(fields) => told(&fields, range(body, raw)),
        Err(reason) => fragment::unmapped(PROVIDER, UNMAPPED, body, range(body, raw), reason),
    };
    Ok(each(Some(fragment::json(body)?)).into_iter().map(element).collect())
}
