//! Who may: cookies, JWTs, signatures and keys, and how both of the first are come by.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::{FlowBot, Refused, needed, refused};
use crate::client::flowbot::column::Column;
use crate::client::flowbot::table::Row;
use crate::client::{Answered, Asked};

/// The legacy token, which every flow takes.
const LEGACY: &str = "legacy-verify-token";

const TOO_MANY: &str = "Too many requests, please try again later";

impl FlowBot {
    pub(super) fn admit(&self, row: &Row, asked: &Asked, now: Timestamp) -> Result<(), Refused> {
        let needed = || refused(401, "Authentication required");
        let key = |name: &str| match asked.header(name) {
            None | Some("") => Err(refused(401, "Authentication required")),
            Some("invalid") => Err(refused(401, "Invalid token")),
            Some(_) => Ok(()),
        };
        let sent = |name: &str| asked.header(name).is_some();
        let column = row.column;
        let is_open = match column {
            Column::Public => true,
            Column::PublicCookie => !sent("cookie"),
            // The handshake proves itself by its verify token.
            Column::Meta => asked.method == "GET",
            Column::DebugKey => self.session(asked) == Some("admin"),
            Column::Provider => !sent("authorization"),
            _ => false,
        };
        if is_open {
            return Ok(());
        }
        match column {
            Column::Admin if self.session(asked).ok_or_else(needed)? != "admin" => {
                Err(refused(403, "Insufficient permissions"))
            }
            Column::Bearer | Column::Provider | Column::BearerCookie
                if column != Column::BearerCookie || sent("authorization") =>
            {
                self.bearer(asked, now)
            }
            Column::Meta => signed(asked, "x-hub-signature-256", "sha256=", "app-secret"),
            Column::TikTok => key("tiktok-signature"),
            Column::Telegram => key("x-telegram-bot-api-secret-token"),
            Column::DebugKey => key("x-debug-key"),
            Column::Configurable => self.configured(asked, now),
            _ => self.session(asked).map(drop).ok_or_else(needed),
        }
    }

    /// A JWT always, and what the flow is set up with.
    fn configured(&self, asked: &Asked, now: Timestamp) -> Result<(), Refused> {
        let mode = &*self.lead_auth;
        let takes = |it: &str| mode == it || mode == "any";
        let header = asked.header("authorization").unwrap_or_default();
        if let Some(pair) = header.strip_prefix("Basic ").filter(|_| takes("basic")) {
            let pair = STANDARD.decode(pair).ok().and_then(|it| String::from_utf8(it).ok());
            let pair = pair.as_deref().and_then(|it| it.split_once(':'));
            let good = pair.is_some_and(|it| !it.0.is_empty() && it.1 != "invalid");
            return if good { Ok(()) } else { Err(refused(401, "Invalid credentials")) };
        }
        if header.strip_prefix("Bearer ") == Some(LEGACY) && !takes("bearer") {
            return Err(refused(401, "Invalid or expired token"));
        }
        if !header.is_empty() {
            return self.bearer(asked, now);
        }
        if let Some(key) = asked.header("x-api-key").filter(|_| takes("api_key")) {
            let good = !key.is_empty() && key != "invalid";
            return if good { Ok(()) } else { Err(refused(401, "Invalid API key")) };
        }
        if asked.header("x-signature-256").is_some() && takes("hmac") {
            return signed(asked, "x-signature-256", "", "hmac-secret");
        }
        if mode == "none" { Ok(()) } else { Err(refused(401, "Authentication required")) }
    }

    fn bearer(&self, asked: &Asked, now: Timestamp) -> Result<(), Refused> {
        let header = asked.header("authorization").unwrap_or_default();
        match header.strip_prefix("Bearer ") {
            None => Err(refused(401, "Authentication required")),
            Some(LEGACY) => Ok(()),
            Some(token) if self.tokens.get(token).is_some_and(|ends| now < *ends) => Ok(()),
            Some(_) => Err(refused(401, "Invalid or expired token")),
        }
    }

    /// Whose session it is.
    fn session(&self, asked: &Asked) -> Option<&str> {
        self.sessions.get(cookie(asked)?).map(String::as_str)
    }

    pub(super) fn login(
        &mut self,
        fields: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Answered, Refused> {
        self.logins.take(now).map_err(|_| refused(429, TOO_MANY))?;
        let username = needed(fields, "username")?;
        if needed(fields, "password")? == "invalid" {
            return Err(refused(401, "Invalid username or password"));
        }
        let session = self.next("session-");
        self.sessions.insert(session.clone(), username.to_owned());
        let mut answered = Answered::json(200, &json!({ "user": user(username) }));
        let cookie = format!("wdf_token={session}; Path=/; HttpOnly; SameSite=Lax");
        answered.headers.push(("set-cookie", cookie));
        Ok(answered)
    }

    pub(super) fn logout(&mut self, asked: &Asked) -> Result<Answered, Refused> {
        let session = cookie(asked).and_then(|it| self.sessions.remove(it));
        session.ok_or_else(|| refused(401, "Authentication required"))?;
        let mut answered = Answered::json(200, &json!({ "success": true }));
        answered.headers.push(("set-cookie", "wdf_token=; Path=/; Max-Age=0".to_owned()));
        Ok(answered)
    }

    pub(super) fn me(&self, asked: &Asked) -> Answered {
        let name = self.session(asked).unwrap_or_default();
        Answered::json(200, &json!({ "user": user(name) }))
    }

    pub(super) fn exchange(
        &mut self,
        fields: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Answered, Refused> {
        self.exchanges.take(now).map_err(|_| refused(429, TOO_MANY))?;
        let client = needed(fields, "clientId")?;
        if needed(fields, "apiKey")? == "invalid" {
            return Err(refused(401, "Invalid client credentials"));
        }
        let seconds = match fields.get("ttlSec") {
            None => 3600,
            Some(seconds) => seconds
                .as_u64()
                .and_then(|it| u32::try_from(it).ok())
                .filter(|it| *it > 0)
                .ok_or_else(|| refused(400, "ttlSec must be a positive number"))?,
        };
        if self.refused.contains(client) {
            return Err(refused(403, "API access is not approved for this client"));
        }
        let token = self.next("simulated.jwt.");
        let ends = now.checked_add(SignedDuration::from_secs(seconds.into()));
        self.tokens.insert(token.clone(), ends.unwrap_or(Timestamp::MAX));
        Ok(Answered::json(
            200,
            &json!({
                "success": true,
                "tokenType": "Bearer",
                "accessToken": token,
                "expiresInSec": seconds,
                "clientNumber": format!("user-of-{client}"),
                "clientId": client,
            }),
        ))
    }
}

fn user(name: &str) -> Value {
    json!({
        "id": format!("user-{name}"),
        "username": name,
        "displayName": name,
        "email": format!("{name}@example.com"),
        "role": if name == "admin" { "admin" } else { "user" },
    })
}

fn cookie(asked: &Asked) -> Option<&str> {
    let mut cookies = asked.header("cookie")?.split(';');
    cookies.find_map(|it| it.trim().strip_prefix("wdf_token="))
}

fn signed(asked: &Asked, header: &str, prefix: &str, secret: &str) -> Result<(), Refused> {
    let sent = asked.header(header).ok_or_else(|| refused(401, "Authentication required"))?;
    let tag = sent.strip_prefix(prefix).and_then(|it| hex::decode(it).ok()).unwrap_or_default();
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(&asked.body);
    mac.verify_slice(&tag).map_err(|_| refused(401, "Invalid signature"))
}
