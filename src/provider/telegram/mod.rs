//! Telegram's Bot API: updates of one bot, as `setWebhook` has them sent.

mod payload;
mod samples;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Deserialize;

use super::signature::{Verifier, Verify};
use super::{Fresh, Headers, Proof, Provider, Request, Sample, Setup, Verified};
use crate::config::Secret;
use crate::event::{Draft, Kind};

/// A configured Telegram bot.
pub(super) struct Telegram {
    verifier: Verifier,
    bot: String,
}

/// What stands under a source of a Telegram bot.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    /// The bot's user name or id: the account of its events. No update names its bot, so without
    /// it the account is the name of the source.
    bot: String,
    /// What you gave `setWebhook` as `secret_token`; any of them may come. 1 to 256 letters,
    /// digits, `_` and `-`. Without one, a random development secret is used on loopback.
    secret_tokens: Vec<Secret>,
}

/// The longest `secret_token` that `setWebhook` takes (core.telegram.org/bots/api#setwebhook).
const LONGEST: usize = 256;

impl Provider for Telegram {
    const NAME: &'static str = "telegram";
    const SUMMARY: &'static str = "Updates of a Telegram bot, sent with a secret token.";
    const KINDS: &'static [Kind] = payload::KINDS;
    const PROOFS: &'static [Proof] = &[Proof::Sender];
    const SAMPLES: &'static [Sample] = samples::SAMPLES;
    type Config = Config;

    fn new(config: Config, setup: &Setup) -> Result<Self, String> {
        let fits = |it: u8| it.is_ascii_alphanumeric() || it == b'_' || it == b'-';
        for token in &config.secret_tokens {
            if token.expose().len() > LONGEST || !token.expose().bytes().all(fits) {
                return Err(
                    "`secret_tokens`: Telegram takes 1 to 256 letters, digits, `_` and `-`"
                        .to_owned(),
                );
            }
        }
        let bot = match config.bot.trim().trim_start_matches('@') {
            "" => setup.name.clone(),
            bot => bot.to_owned(),
        };
        let tokens = config.secret_tokens;
        let verifier =
            Verifier::new(&Verify::default(), "telegram", tokens, "secret_tokens", setup)?;
        Ok(Self { verifier, bot })
    }

    fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    fn normalise(&self, request: &Request<Verified>) -> Vec<Draft> {
        payload::drafts(&self.bot, &request.body)
    }

    // The answer stays an empty 200: a body would be taken for a call of the Bot API.

    fn compose(&self, sample: &Sample, fresh: &Fresh<'_>) -> Request {
        let body = Bytes::from(samples::freshen(sample.body, fresh));
        let headers = Headers::from_iter([("content-type", "application/json")]);
        Request::new("POST", "", headers, body)
    }
}
