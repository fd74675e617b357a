//! What is exchanged first: client id and API key for a JWT, a login for its cookie.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

use super::access::host;
use super::{answer, share};
use crate::client::flowbot::{API, token};
use crate::client::{Account, Exchange, Outgoing, Response};
use crate::config::{Rate, Secret};
use crate::destination::{Grant, Outcome, Session};

/// How often a token or a login may be asked for, says the document: from one address.
const DOCUMENTED: Rate = Rate { count: 10, per: Duration::from_mins(15) };

/// How long a cookie is used that does not say when it ends.
const COOKIE_LIFE: Duration = Duration::from_hours(24);

/// The part of its life after which the next cookie is asked for, as for a JWT.
const REFRESH_PERCENT: u32 = 80;

/// What is exchanged, and how long what it brings lives.
#[derive(Clone, Copy, Debug)]
pub(super) enum Life {
    /// A JWT, asked for so many seconds.
    Jwt { seconds: Option<u32> },
    /// The session's cookie.
    Cookie,
}

/// Something that is exchanged.
pub(super) struct Exchanged {
    id: String,
    account: Account,
    life: Life,
}

impl Exchanged {
    pub(super) fn new(id: &str, account: Account, life: Life) -> Self {
        Self { id: id.to_owned(), account, life }
    }

    /// Under which name a call takes what it brings.
    pub(super) fn brings(&self) -> &'static str {
        match self.life {
            Life::Jwt { .. } => "token",
            Life::Cookie => "session",
        }
    }

    /// What is secret of it: neither client id nor user name.
    pub(super) fn secrets(&self) -> impl Iterator<Item = Secret> + '_ {
        let secret = ["apiKey", "password"];
        secret.into_iter().filter_map(|it| self.account.credentials.get(it).cloned())
    }

    fn exchange(&self) -> &'static Exchange {
        let found = API.exchanges().iter().find(|it| it.brings == self.brings());
        found.expect("it stands in the table")
    }
}

impl Session for Exchanged {
    fn key(&self) -> String {
        let login = if matches!(self.life, Life::Cookie) { "login " } else { "" };
        format!("flowbot {} {login}{}", host(&self.account.base_url), self.id)
    }

    fn request(&self, _now: Timestamp) -> Result<Outgoing, Outcome> {
        let request = match self.life {
            Life::Jwt { seconds } => token::request(&self.account, seconds),
            // The day matters to no rule of this endpoint.
            Life::Cookie => self.exchange().request(&API, &self.account, Date::ZERO),
        };
        request.map_err(|it| Outcome::refused(super::unflagged(&it)))
    }

    fn read(&self, answer: &Response, now: Timestamp) -> Result<Grant, Outcome> {
        if let Some(outcome) = answer::of_session(answer, &self.id, now) {
            return Err(outcome);
        }
        if let Life::Jwt { .. } = self.life {
            let token = token::read(answer, now).map_err(|it| Outcome::retry(it.message))?;
            return Ok(Grant { token: token.value, renew: token.refresh, expires: token.expires });
        }
        let cookie = (self.exchange().read)(answer);
        let token = cookie.ok_or_else(|| Outcome::retry("the login set no cookie"))?;
        let life = cookie_life(answer).or_else(|| jwt_life(&token, now)).unwrap_or(COOKIE_LIFE);
        let after = |it: Duration| now.checked_add(it).unwrap_or(Timestamp::MAX);
        Ok(Grant { token, renew: after(life * REFRESH_PERCENT / 100), expires: after(life) })
    }

    fn at_most(&self) -> Rate {
        share(DOCUMENTED)
    }
}

/// What the cookie itself says.
fn cookie_life(answer: &Response) -> Option<Duration> {
    let cookies = answer.headers.iter().filter(|it| it.0 == "set-cookie");
    let mut ours = cookies.filter(|it| it.1.trim().starts_with("wdf_token="));
    let mut attributes = ours.next()?.1.split(';').filter_map(|it| it.trim().split_once('='));
    let seconds = attributes.find(|it| it.0.eq_ignore_ascii_case("max-age"))?.1;
    let seconds = seconds.trim().parse::<u32>().ok().filter(|it| *it > 0)?;
    Some(Duration::from_secs(seconds.into()))
}

/// What the JWT says that the cookie is. It is read and not believed: whoever refuses it decides.
fn jwt_life(token: &Secret, now: Timestamp) -> Option<Duration> {
    let claims = URL_SAFE_NO_PAD.decode(token.expose().split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let ends = Timestamp::from_second(claims["exp"].as_i64()?).ok()?;
    Duration::try_from(ends.duration_since(now)).ok().filter(|it| !it.is_zero())
}
