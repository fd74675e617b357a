//! Credentials that others are exchanged for: a token for a key, a session for a password.

use jiff::civil::Date;

use super::{Account, Api, Arguments, Outgoing, Response, flowbot};
use crate::config::Secret;

/// How one credential is had for others.
#[derive(Clone, Copy)]
pub struct Exchange {
    /// What it brings.
    pub brings: &'static str,
    /// What it takes.
    pub takes: &'static [&'static str],
    /// The endpoint that is asked.
    pub call: &'static str,
    /// Finds the credential in the answer.
    pub read: fn(&Response) -> Option<Secret>,
}

/// The exchanges of each API that has some.
const EXCHANGES: &[(&str, &[Exchange])] = &[(flowbot::API.name, flowbot::exchange::EXCHANGES)];

impl Api {
    /// How credentials of this API are had for others.
    pub fn exchanges(&self) -> &'static [Exchange] {
        EXCHANGES.iter().find(|it| it.0 == self.name).map_or(&[], |it| it.1)
    }
}

impl Exchange {
    /// Whether what it takes is there.
    pub fn is_possible(&self, account: &Account) -> bool {
        self.takes.iter().all(|it| account.credentials.contains_key(it))
    }

    /// Asks.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub fn request(&self, api: &Api, account: &Account, today: Date) -> Result<Outgoing, String> {
        let endpoint = api.endpoints.iter().find(|it| it.call == self.call);
        let endpoint = endpoint.ok_or_else(|| format!("{} has no `{}`", api.name, self.call))?;
        endpoint.prepare(account, &Arguments::default(), today)
    }
}
