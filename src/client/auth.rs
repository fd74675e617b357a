//! What a call proves itself with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Account;
use crate::config::Secret;

/// What a call is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Nothing.
    Public,
    /// `Authorization: Bearer <credential>`.
    Bearer(&'static str),
    /// `Authorization: <credential>`.
    Bare(&'static str),
    /// `Authorization: Basic`, with the credentials of these names as user and password.
    Basic(&'static str, &'static str),
    /// A cookie of this name, whose value is the credential.
    Cookie(&'static str, &'static str),
    /// A header of this name, whose value is the credential.
    Header(&'static str, &'static str),
    /// A header of this name with an HMAC-SHA256 of the body in hexadecimal after the prefix.
    Signed(&'static str, &'static str, &'static str),
    /// The first of these whose credential is there.
    Any(&'static [Auth]),
}

impl Auth {
    /// The header that it becomes; `None` for none.
    pub(super) fn header(
        self,
        account: &Account,
        body: &[u8],
    ) -> Result<Option<(&'static str, Secret)>, String> {
        let credential = |name: &str| {
            let found = account.credentials.get(name).filter(|it| !it.is_empty());
            found.map(Secret::expose).ok_or_else(|| format!("the credential `{name}` is missing"))
        };
        Ok(match self {
            Self::Public => None,
            Self::Bearer(name) => {
                Some(("authorization", Secret::new(format!("Bearer {}", credential(name)?))))
            }
            Self::Bare(name) => Some(("authorization", Secret::new(credential(name)?))),
            Self::Basic(user, password) => {
                let pair = format!("{}:{}", credential(user)?, credential(password)?);
                Some(("authorization", Secret::new(format!("Basic {}", STANDARD.encode(pair)))))
            }
            Self::Cookie(cookie, name) => {
                Some(("cookie", Secret::new(format!("{cookie}={}", credential(name)?))))
            }
            Self::Header(header, name) => Some((header, Secret::new(credential(name)?))),
            Self::Signed(header, prefix, name) => {
                let mut mac = Hmac::<Sha256>::new_from_slice(credential(name)?.as_bytes())
                    .expect("HMAC takes a key of any length");
                mac.update(body);
                let tag = hex::encode(mac.finalize().into_bytes());
                Some((header, Secret::new(format!("{prefix}{tag}"))))
            }
            Self::Any(choices) => {
                let mut first = None;
                for choice in choices {
                    match choice.header(account, body) {
                        Ok(header) => return Ok(header),
                        Err(error) => drop(first.get_or_insert(error)),
                    }
                }
                return Err(first.unwrap_or_default());
            }
        })
    }
}

impl Auth {
    /// Sets of credentials, the usual first, of which one has to be there; an empty one stands for
    /// nothing at all.
    pub fn needs(self) -> Vec<Vec<&'static str>> {
        match self {
            Self::Public => vec![Vec::new()],
            Self::Bearer(name)
            | Self::Bare(name)
            | Self::Cookie(_, name)
            | Self::Header(_, name)
            | Self::Signed(_, _, name) => vec![vec![name]],
            Self::Basic(user, password) => vec![vec![user, password]],
            Self::Any(choices) => {
                let mut sets = Vec::new();
                for set in choices.iter().flat_map(|it| it.needs()) {
                    if !sets.contains(&set) {
                        sets.push(set);
                    }
                }
                sets
            }
        }
    }
}
