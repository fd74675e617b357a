//! `FlowBot` AI: everything that its document maps, outbound flows and conversations foremost.
//!
//! Everybody hosts their own, so there is no common base URL.

mod column;
pub(super) mod exchange;
mod fields;
pub mod payload;
mod simulator;
mod table;
#[cfg(test)]
mod tests;
pub mod token;

use std::time::Duration;

use serde_json::Value;

use super::{Api, Credential, Problem, Response};

/// The API.
pub const API: Api = Api {
    name: "flowbot",
    summary: "FlowBot AI: trigger flows, send leads, answer conversations, and all else it maps.",
    base_url: None,
    credentials: &[
        Credential { name: "token", summary: "A JWT of `auth api-token`, or the legacy token." },
        Credential { name: "clientId", summary: "The client ID, from Settings, API Access." },
        Credential { name: "apiKey", summary: "The API key beside it." },
        Credential { name: "session", summary: "The cookie `wdf_token` that `auth login` sets." },
        Credential { name: "username", summary: "Whom `auth login` logs in." },
        Credential { name: "password", summary: "With what." },
        Credential { name: "flow_api_key", summary: "A flow's own API key, the legacy way." },
        Credential { name: "flow_username", summary: "A flow's own user, the legacy way." },
        Credential { name: "flow_password", summary: "A flow's own password, the legacy way." },
        Credential { name: "hmac_secret", summary: "A flow's own secret, which signs a lead." },
        Credential { name: "app_secret", summary: "The Meta app's secret, to act as Meta." },
        Credential { name: "tiktok_signature", summary: "A signature, to act as TikTok." },
        Credential { name: "telegram_secret", summary: "The secret token, to act as Telegram." },
        Credential { name: "debug_key", summary: "The key of the diagnostics." },
    ],
    endpoints: table::ENDPOINTS,
    problem,
    simulator: simulator::fresh,
};

/// All errors are `{error}` with a status.
fn problem(response: &Response) -> Option<Problem> {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let error = body["error"].as_str();
    if (200..300).contains(&response.status) && error.is_none() && body["success"] != false {
        return None;
    }
    let message = error.or(body["message"].as_str()).unwrap_or("it did not say why").to_owned();
    let wait = response.header("retry-after").and_then(|it| it.parse().ok());
    let retry_after = wait.map(Duration::from_secs);
    Some(Problem { status: response.status, message, retry_after })
}
