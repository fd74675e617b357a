//! How an installation lets us in: where it is, what each call proves itself with, and what that is
//! exchanged for first.

use std::collections::BTreeMap;

use super::session::{Exchanged, Life};
use crate::client::Account;
use crate::config::Secret;
use crate::destination::{Call, Outcome, Scope, Session};

/// What every call of a destination is made with.
pub(super) struct Access {
    account: Account,
    session: Option<Exchanged>,
    /// Names the credential, and gives nothing of it away.
    pub(super) id: String,
}

impl Access {
    /// A JWT, had for client id and API key.
    ///
    /// # Errors
    /// What is missing.
    pub(super) fn jwt(
        base_url: &str,
        client_id: &str,
        api_key: &Secret,
        seconds: Option<u32>,
    ) -> Result<Self, String> {
        let client = needed("client_id", client_id)?;
        if api_key.is_empty() {
            return Err("`api_key` is missing".to_owned());
        }
        let credentials = [("clientId", Secret::new(client)), ("apiKey", api_key.clone())];
        Self::exchanged(base_url, client, &credentials, Life::Jwt { seconds })
    }

    /// The cookie that a login sets.
    ///
    /// # Errors
    /// What is missing.
    pub(super) fn login(base_url: &str, user: &str, password: &Secret) -> Result<Self, String> {
        let user = needed("username", user)?;
        if password.is_empty() {
            return Err("`password` is missing".to_owned());
        }
        let credentials = [("username", Secret::new(user)), ("password", password.clone())];
        Self::exchanged(base_url, user, &credentials, Life::Cookie)
    }

    fn exchanged(
        base_url: &str,
        id: &str,
        credentials: &[(&'static str, Secret)],
        life: Life,
    ) -> Result<Self, String> {
        let account = account(base_url, credentials.iter().cloned())?;
        let session = Exchanged::new(id, account.clone(), life);
        // What is exchanged proves nothing to any other endpoint.
        let account = Account { credentials: BTreeMap::new(), ..account };
        Ok(Self { account, session: Some(session), id: id.to_owned() })
    }

    /// Credentials that are sent as they are. The id names them.
    ///
    /// # Errors
    /// What is wrong with the base URL.
    pub(super) fn fixed(
        base_url: &str,
        id: impl FnOnce(&str) -> String,
        credentials: impl IntoIterator<Item = (&'static str, Secret)>,
    ) -> Result<Self, String> {
        let account = account(base_url, credentials)?;
        let id = id(host(&account.base_url));
        Ok(Self { account, session: None, id })
    }

    /// What this call is made with.
    ///
    /// # Errors
    /// That the token is not there.
    pub(super) fn account(&self, call: &Call) -> Result<Account, Outcome> {
        let mut account = self.account.clone();
        if let Some(session) = &self.session {
            let token =
                call.token.clone().ok_or_else(|| Outcome::retry("there is no token yet"))?;
            account.credentials.insert(session.brings(), token);
        }
        Ok(account)
    }

    pub(super) fn session(&self) -> Option<&dyn Session> {
        self.session.as_ref().map(|it| it as &dyn Session)
    }

    pub(super) fn scope(&self) -> Scope {
        Scope::Credential(self.id.clone())
    }

    pub(super) fn secrets(&self) -> Vec<Secret> {
        let exchanged = self.session.iter().flat_map(Exchanged::secrets);
        let own = self.account.credentials.iter().filter(|it| !it.0.ends_with("username"));
        exchanged.chain(own.map(|it| it.1.clone())).collect()
    }

    pub(super) fn host(&self) -> &str {
        host(&self.account.base_url)
    }
}

/// The account at a base URL.
///
/// # Errors
/// What is wrong with it.
fn account(
    base_url: &str,
    credentials: impl IntoIterator<Item = (&'static str, Secret)>,
) -> Result<Account, String> {
    let base_url = base(base_url)?;
    Ok(Account { base_url, credentials: credentials.into_iter().collect() })
}

/// The text of a setting.
///
/// # Errors
/// That there is none.
pub(super) fn needed<'a>(name: &str, value: &'a str) -> Result<&'a str, String> {
    let value = value.trim();
    if value.is_empty() { Err(format!("`{name}` is missing")) } else { Ok(value) }
}

/// A base URL without a slash at its end. Everybody hosts their own, so there is no other.
fn base(url: &str) -> Result<String, String> {
    let url = needed("base_url", url)?;
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let unfit = |it: char| it.is_whitespace() || it.is_control() || "?#@".contains(it);
    let fits = rest.is_some_and(|it| !it.starts_with(['/', ':']) && !it.is_empty());
    if !fits || url.contains(unfit) {
        return Err("`base_url` is where FlowBot is, such as `https://bot.example`".to_owned());
    }
    // The paths of the map begin with it.
    let url = url.trim_end_matches('/');
    Ok(url.strip_suffix("/api").unwrap_or(url).to_owned())
}

/// The host of a base URL, with its port.
pub(super) fn host(base_url: &str) -> &str {
    let rest = base_url.split_once("://").map_or(base_url, |it| it.1);
    rest.split('/').next().unwrap_or_default()
}
