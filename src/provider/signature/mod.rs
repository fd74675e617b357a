//! The one verifier: whatever a sender does to prove itself, described and checked in one place.
//!
//! A provider builds a [`Verifier`] from a [`Verify`] (its own preset, or what the operator wrote),
//! and neither checks nor compares anything itself.

mod compare;
mod content;
mod preset;
mod scheme;
mod signed;
#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::callback::{self, Callback};
use super::{Proof, Rejection, Request, Setup, Verified};
use crate::config::Secret;
use compare::same;
pub(crate) use scheme::{Encoding, Form, Hash, KeyForm, Method, TOLERANCE, Unit, Verify};
pub use scheme::{PRESETS, Preset};
use signed::{Signature, header};

/// Checks requests of one source, and signs like its sender.
pub struct Verifier {
    check: Check,
    alternative: Option<Check>,
    headers: Vec<Box<str>>,
    development: bool,
    home: String,
    public_url: String,
}

enum Check {
    Signature(Signature),
    /// The header, what stands before the token, and the tokens.
    Token(Box<str>, Box<str>, Vec<Secret>),
    Path(Vec<Secret>),
    Callback(Secret),
    Nothing,
    Polled,
}

impl Check {
    fn proof(&self) -> Proof {
        match self {
            Self::Signature(it) if it.is_timed() => Proof::BodyAndTime,
            Self::Signature(_) => Proof::Body,
            Self::Token(..) | Self::Path(_) => Proof::Sender,
            Self::Callback(_) => Proof::SenderAndTime,
            Self::Nothing => Proof::Nothing,
            Self::Polled => Proof::Polled,
        }
    }

    fn headers(&self) -> Vec<Box<str>> {
        match self {
            Self::Signature(it) => it.headers(),
            Self::Token(header, ..) => vec![header.clone()],
            Self::Path(_) | Self::Callback(_) | Self::Nothing | Self::Polled => Vec::new(),
        }
    }
}

impl Verifier {
    /// A verifier as `verify` says; what it leaves out comes from its preset, or else from the
    /// preset named here. `setting` is where the secrets stand, for sentences.
    ///
    /// Without any secret, the development secret checks and signs.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(super) fn new(
        verify: &Verify,
        preset: &str,
        secrets: Vec<Secret>,
        setting: &str,
        setup: &Setup,
    ) -> Result<Self, String> {
        let name = verify.preset.as_deref().unwrap_or(preset);
        let preset = scheme::preset(name).ok_or_else(|| {
            let names: Vec<&str> = PRESETS.iter().map(|it| it.name).collect();
            format!("`verify.preset` is `{name}`; there are {}", names.join(", "))
        })?;
        let method = verify.method.unwrap_or(preset.method);
        let hash = verify.hash.unwrap_or(preset.hash);
        let mut secrets: Vec<Secret> = secrets.into_iter().filter(|it| !it.is_empty()).collect();
        let development = secrets.is_empty() && method != Method::None;
        if development {
            let secret = setup.development_secret.clone().ok_or_else(|| {
                format!(
                    "needs at least one of `{setting}`: development secrets work on loopback only"
                )
            })?;
            if hash == Hash::Ed25519 {
                return Err(format!("needs a public key in `{setting}`: nobody can make one up"));
            }
            secrets.push(match method {
                Method::Basic => Secret::new(format!("sluicegate:{}", secret.expose())),
                _ => secret,
            });
        }
        let header = || header(verify.header.as_deref(), preset.header);
        let prefix = verify.prefix.as_deref().unwrap_or(preset.prefix);
        let check = match method {
            Method::None => Check::Nothing,
            Method::Path => {
                let fits = |it: u8| it.is_ascii_alphanumeric() || b"-_.~".contains(&it);
                if !secrets.iter().all(|it| it.expose().bytes().all(fits)) {
                    return Err(format!(
                        "`{setting}`: a secret of the URL has letters, digits and `-_.~` only"
                    ));
                }
                Check::Path(secrets)
            }
            Method::Token => Check::Token(header()?, prefix.into(), secrets),
            Method::Basic => {
                let encoded = |it: &Secret| Secret::new(STANDARD.encode(it.expose()));
                let fits = |it: &Secret| {
                    it.expose().split_once(':').is_some_and(|(_, password)| !password.is_empty())
                };
                if !secrets.iter().all(fits) {
                    return Err(format!("`{setting}` holds `user:password` for HTTP Basic"));
                }
                Check::Token(header()?, prefix.into(), secrets.iter().map(encoded).collect())
            }
            Method::Signature => {
                Check::Signature(Signature::new(verify, preset, &secrets, setting)?)
            }
        };
        Ok(Self { development, ..Self::made(check, setup) })
    }

    /// For answers to calls of ours: the URL was minted for one call, and expires.
    pub(super) fn callback(setup: &Setup) -> Self {
        Self::made(Check::Callback(setup.store_key.clone()), setup)
    }

    /// For sources that nobody calls: whatever arrives is turned away.
    pub(super) fn polled(setup: &Setup) -> Self {
        Self::made(Check::Polled, setup)
    }

    /// The same, which believes what another verifier of the same source believes as well. It
    /// proves what the weaker of the two proves, and signs as it did.
    pub(super) fn or(mut self, other: Self) -> Self {
        self.headers.extend(other.headers);
        self.headers.sort();
        self.headers.dedup();
        self.alternative = Some(other.check);
        self
    }

    fn made(check: Check, setup: &Setup) -> Self {
        Self {
            headers: check.headers(),
            check,
            alternative: None,
            development: false,
            home: callback::home(&setup.name),
            public_url: setup.public_url.trim_end_matches('/').to_owned(),
        }
    }

    /// What a passed check proves.
    pub fn proof(&self) -> Proof {
        self.checks().map(Check::proof).min().unwrap_or(Proof::Nothing)
    }

    /// The headers it reads, in lower case.
    pub fn headers(&self) -> &[Box<str>] {
        &self.headers
    }

    /// Whether it runs on the development secret.
    pub fn is_development(&self) -> bool {
        self.development
    }

    /// Whether some of the headers it reads are themselves what proves the sender.
    pub fn has_tokens(&self) -> bool {
        self.checks().any(|it| matches!(it, Check::Token(..)))
    }

    /// Whether this header is itself what proves the sender.
    pub fn is_token(&self, name: &str) -> bool {
        self.checks().any(|it| matches!(it, Check::Token(header, ..) if **header == *name))
    }

    fn checks(&self) -> impl Iterator<Item = &Check> {
        std::iter::once(&self.check).chain(&self.alternative)
    }

    /// Whether the part of the URL after the source's name is its business.
    pub fn reads_path(&self) -> bool {
        self.checks().any(|it| matches!(it, Check::Path(_) | Check::Callback(_)))
    }

    /// Checks a request.
    ///
    /// # Errors
    /// Why it is turned away.
    pub(super) fn verify(&self, request: &Request, now: Timestamp) -> Result<(), Rejection> {
        let checked = self.passes(&self.check, request, now);
        match &self.alternative {
            Some(other) if checked.is_err() => self.passes(other, request, now).or(checked),
            _ => checked,
        }
    }

    fn passes(&self, check: &Check, request: &Request, now: Timestamp) -> Result<(), Rejection> {
        match check {
            // Only few senders sign the URL; the others' hot path is spared building it.
            Check::Signature(it) if it.reads_url() => it.verify(request, &self.url(request), now),
            Check::Signature(it) => it.verify(request, "", now),
            Check::Token(header, prefix, secrets) => {
                let given = after(request.require(header)?.trim(), prefix);
                any(secrets, given.ok_or(Rejection::BadSignature)?)
            }
            Check::Path(secrets) => any(secrets, self.tail(request)),
            Check::Callback(key) => self.opened(key, request, now).map(drop),
            Check::Nothing => Ok(()),
            Check::Polled => Err(Rejection::Polled),
        }
    }

    /// The call of ours that a request answers; `None` where another check let it pass.
    pub(super) fn answered(&self, request: &Request<Verified>) -> Option<Callback> {
        self.checks().find_map(|it| match it {
            // That it had not expired was checked when it arrived.
            Check::Callback(key) => self.opened(key, request, Timestamp::MIN).ok(),
            _ => None,
        })
    }

    fn opened<State>(
        &self,
        key: &Secret,
        request: &Request<State>,
        now: Timestamp,
    ) -> Result<Callback, Rejection> {
        let token = self.tail(request).strip_prefix("callback/").ok_or(Rejection::BadSignature)?;
        callback::open(key, &self.home, token, now)
    }

    /// Signs a request as the sender would.
    ///
    /// # Errors
    /// That only the sender can, because we hold but a public key.
    pub fn sign(&self, request: Request, now: Timestamp) -> Result<Request, String> {
        let mut request = request;
        if request.target.is_empty() {
            request.target.clone_from(&self.home);
        }
        match &self.check {
            Check::Signature(it) => {
                let url = self.url(&request);
                it.sign(&mut request, &url, now)?;
            }
            Check::Token(header, prefix, secrets) => {
                let secret = secrets.last().map(Secret::expose).unwrap_or_default();
                request.headers.push(header, &format!("{prefix}{secret}"));
            }
            Check::Path(secrets) => {
                let secret = secrets.last().map(Secret::expose).unwrap_or_default();
                request.target = format!("{}/{secret}", self.home);
            }
            Check::Callback(key) => {
                let call = Callback::sample(&request.body, now);
                let token = callback::mint(key, &self.home, &call);
                request.target = callback::path(&self.home, &token);
            }
            Check::Nothing => {}
            Check::Polled => return Err("nobody calls this source: the gateway asks".into()),
        }
        Ok(request)
    }

    /// The URL as the sender knows it: from `public_url`, never from what the request says.
    fn url(&self, request: &Request) -> String {
        [&self.public_url, &*request.target].concat()
    }

    /// What stands after `/hooks/<source>/` in the path.
    fn tail<'a, State>(&self, request: &'a Request<State>) -> &'a str {
        let path = request.target.split('?').next().unwrap_or_default();
        after(path, &self.home).and_then(|it| it.strip_prefix('/')).unwrap_or_default()
    }
}

/// Checks a shared word against any of several; each is tried.
pub(super) fn any(secrets: &[Secret], given: &str) -> Result<(), Rejection> {
    let mut matched = false;
    for secret in secrets {
        matched |= same(secret.expose().as_bytes(), given.as_bytes());
    }
    if matched { Ok(()) } else { Err(Rejection::BadSignature) }
}

/// What follows a prefix, whose letters may have either case.
fn after<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}
