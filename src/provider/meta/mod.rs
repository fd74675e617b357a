//! What every product of Meta shares: one callback URL, one signature, one handshake, one envelope.

use schemars::JsonSchema;
use serde::Deserialize;

use super::signature::{Verifier, Verify};
use super::{
    Answer, Download, Rejection, Request, Setup, handshake, instagram, messenger, whatsapp,
};
use crate::config::Secret;
use crate::event::Kind;
use crate::event::facts::{Facts, Media};

mod envelope;
mod kinds;
mod media;
mod place;
#[cfg(test)]
mod tests;

pub(super) use envelope::drafts;
pub(super) use kinds::KINDS;
pub(super) use place::Place;

/// What a body can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Product {
    WhatsApp,
    Messenger,
    Instagram,
}

impl Product {
    /// The product by the `object` of a payload.
    fn of_object(object: &str) -> Option<Self> {
        match object {
            "whatsapp_business_account" => Some(Self::WhatsApp),
            "page" => Some(Self::Messenger),
            "instagram" => Some(Self::Instagram),
            _ => None,
        }
    }

    /// The provider's name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::WhatsApp => "whatsapp",
            Self::Messenger => "messenger",
            Self::Instagram => "instagram",
        }
    }

    /// The kind of what nobody knows.
    const fn unmapped(self) -> Kind {
        Kind::named(match self {
            Self::WhatsApp => "whatsapp.unmapped",
            Self::Messenger => "messenger.unmapped",
            Self::Instagram => "instagram.unmapped",
        })
    }
}

/// A Meta app's callback URL.
pub(super) struct Meta {
    pub(super) verifier: Verifier,
    verify_token: Secret,
    files: media::Files,
}

/// What stands under a source of a Meta product.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    /// App secrets of the Meta apps that call this URL; any of them may sign. Found under App
    /// settings, Basic. Without one, a random development secret is used on loopback.
    pub(super) app_secrets: Vec<Secret>,
    /// The verify token you type into the dashboard beside the callback URL. Defaults to the
    /// development secret on loopback.
    pub(super) verify_token: Secret,
    /// An access token that may read the files customers send over WhatsApp: a system user's, with
    /// `whatsapp_business_messaging`. Needed where a route says `media: fetch`.
    pub(super) access_token: Secret,
    /// Where the Graph API is, with its version, if not at Meta's own address.
    pub(super) base_url: Option<String>,
}

impl Meta {
    /// # Errors
    /// A sentence for the operator.
    pub(super) fn new(config: Config, setup: &Setup) -> Result<Self, String> {
        let verifier =
            Verifier::new(&Verify::default(), "meta", config.app_secrets, "app_secrets", setup)?;
        let verify_token = if config.verify_token.is_empty() {
            setup.development_secret.clone().unwrap_or_default()
        } else {
            config.verify_token
        };
        let files = media::Files::new(config.access_token, config.base_url)?;
        Ok(Self { verifier, verify_token, files })
    }

    /// See [`handshake::hub`].
    pub(super) fn handshake(&self, request: &Request) -> Option<Result<Answer, Rejection>> {
        handshake::hub(request, &self.verify_token)
    }

    /// See [`Provider::download`](super::Provider::download).
    pub(super) fn download(&self, facts: &Facts, file: &Media) -> Result<Option<Download>, String> {
        self.files.download(facts, file)
    }
}
