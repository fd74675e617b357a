//! What the document lets be exchanged: client credentials for a JWT, a login for a session.

use super::payload::TokenAnswer;
use crate::client::{Exchange, Response};
use crate::config::Secret;

/// Either may be asked for ten times in a quarter of an hour, says the document.
pub(in crate::client) const EXCHANGES: &[Exchange] = &[
    Exchange {
        brings: "token",
        takes: &["clientId", "apiKey"],
        call: "auth api-token",
        read: |response| {
            let answer: TokenAnswer = serde_json::from_slice(&response.body).ok()?;
            Some(Secret::new(answer.access_token))
        },
    },
    Exchange {
        brings: "session",
        takes: &["username", "password"],
        call: "auth login",
        read: session,
    },
];

/// The cookie that a login sets.
fn session(response: &Response) -> Option<Secret> {
    let cookies = response.headers.iter().filter(|it| it.0 == "set-cookie");
    let mut found = cookies.filter_map(|it| it.1.trim().strip_prefix("wdf_token="));
    let value = found.next()?.split(';').next()?.trim();
    (!value.is_empty()).then(|| Secret::new(value))
}
