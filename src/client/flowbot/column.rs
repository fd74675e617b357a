//! The map's column of what a row asks for, and what a call of ours proves itself with.
//!
//! Where the document names no header, the name here is an assumption: `X-Api-Key` of a flow's own
//! key, `X-Debug-Key` of the diagnostics.

use crate::client::Auth;

/// What a row of the map asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Public,
    Cookie,
    Admin,
    System,
    PublicCookie,
    Bearer,
    BearerCookie,
    Meta,
    TikTok,
    Telegram,
    Provider,
    Configurable,
    DebugKey,
}

const COOKIE: Auth = Auth::Cookie("wdf_token", "session");
const BEARER: Auth = Auth::Bearer("token");
/// What a flow may be set up with; the JWT is preferred.
const CONFIGURABLE: Auth = Auth::Any(&[
    BEARER,
    Auth::Header("x-api-key", "flow_api_key"),
    Auth::Basic("flow_username", "flow_password"),
    // Bare hexadecimal: the document's own `openssl | awk` prints no prefix.
    Auth::Signed("x-signature-256", "", "hmac_secret"),
    Auth::Public,
]);

impl Column {
    pub(super) const fn auth(self) -> Auth {
        match self {
            Self::Public => Auth::Public,
            Self::Cookie | Self::Admin | Self::System => COOKIE,
            Self::PublicCookie => Auth::Any(&[COOKIE, Auth::Public]),
            Self::Bearer => BEARER,
            Self::BearerCookie => Auth::Any(&[BEARER, COOKIE]),
            Self::Meta => Auth::Signed("x-hub-signature-256", "sha256=", "app_secret"),
            // It covers the moment, so it is made elsewhere: `t=1633174587,s=…`.
            Self::TikTok => Auth::Header("tiktok-signature", "tiktok_signature"),
            Self::Telegram => Auth::Header("x-telegram-bot-api-secret-token", "telegram_secret"),
            Self::Provider | Self::Configurable => CONFIGURABLE,
            Self::DebugKey => Auth::Any(&[Auth::Header("x-debug-key", "debug_key"), COOKIE]),
        }
    }

    /// As the map has it.
    #[cfg(test)]
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Public => "Public",
            Self::Cookie => "Cookie",
            Self::Admin => "Cookie/Admin",
            Self::System => "Cookie/System",
            Self::PublicCookie => "Public/Cookie",
            Self::Bearer => "Bearer",
            Self::BearerCookie => "Bearer/Cookie",
            Self::Meta => "Meta Signature",
            Self::TikTok => "TikTok Signature",
            Self::Telegram => "Telegram Secret",
            Self::Provider => "Provider/Config",
            Self::Configurable => "Configurable",
            Self::DebugKey => "Debug key",
        }
    }
}
