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

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};

use super::callback::{self, Callback};
use super::{Proof, Rejection, Request, Setup};
use crate::config::Secret;
use compare::same;
use content::Part;
pub(crate) use scheme::{Encoding, Form, Hash, KeyForm, Method, TOLERANCE, Unit, Verify};
pub use scheme::{PRESETS, Preset};
use signed::{Signature, key};

/// Checks requests of one source, and signs like its sender.
pub struct Verifier {
    check: Check,
    headers: Vec<Box<str>>,
    proof: Proof,
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
        let text =
            |own: &Option<String>, preset: &str| Box::<str>::from(own.as_deref().unwrap_or(preset));
        let header = |own: &Option<String>, preset: &str| {
            let name: Box<str> = own.as_deref().unwrap_or(preset).to_ascii_lowercase().into();
            Some(name).filter(|it| !it.is_empty())
        };
        let main = header(&verify.header, preset.header);
        let prefix = text(&verify.prefix, preset.prefix);
        let missing = || "`verify.header` is missing: where does the proof stand?".to_owned();
        let mut headers: Vec<Box<str>> = main.iter().cloned().collect();
        let mut proof = Proof::Sender;
        let check = match method {
            Method::None => {
                proof = Proof::Nothing;
                headers.clear();
                Check::Nothing
            }
            Method::Path => {
                headers.clear();
                for secret in &secrets {
                    let fits = |it: u8| it.is_ascii_alphanumeric() || b"-_.~".contains(&it);
                    if !secret.expose().bytes().all(fits) {
                        return Err(format!(
                            "`{setting}`: a secret of the URL has letters, digits and `-_.~` only"
                        ));
                    }
                }
                Check::Path(secrets)
            }
            Method::Token => Check::Token(main.ok_or_else(missing)?, prefix, secrets),
            Method::Basic => {
                let encoded = |it: &Secret| Secret::new(STANDARD.encode(it.expose()));
                if secrets.iter().any(|it| !it.expose().contains(':')) {
                    return Err(format!("`{setting}` holds `user:password` for HTTP Basic"));
                }
                let secrets = secrets.iter().map(encoded).collect();
                Check::Token(main.ok_or_else(missing)?, prefix, secrets)
            }
            Method::Signature => {
                let template = verify.signed.as_deref().unwrap_or(preset.signed);
                let signed = content::parse(template, verify.app_key.as_deref())?;
                let timestamp_header = header(&verify.timestamp_header, preset.timestamp_header);
                let id_header = header(&verify.id_header, preset.id_header);
                let form = verify.form.unwrap_or(preset.form);
                let is_timed = signed.contains(&Part::Timestamp);
                if is_timed && timestamp_header.is_none() && form != Form::Pairs {
                    return Err("`verify.timestamp_header` is missing: `{ts}` is signed".into());
                }
                if signed.contains(&Part::Id) && id_header.is_none() {
                    return Err("`verify.id_header` is missing: `{id}` is signed".into());
                }
                let whole = |it: &Part| matches!(it, Part::Body | Part::SortedForm);
                if !signed.iter().any(whole) {
                    return Err("`verify.signed` lacks `{body}`: anything could be sent".into());
                }
                proof = if is_timed { Proof::BodyAndTime } else { Proof::Body };
                headers.extend(timestamp_header.iter().chain(&id_header).cloned());
                headers.extend(signed.iter().filter_map(|it| match it {
                    Part::Header(name) => Some(name.clone()),
                    Part::SortedForm => Some("content-type".into()),
                    _ => None,
                }));
                let form_of_key = verify.key.unwrap_or(preset.key);
                let key = |it: &Secret| {
                    key(it, form_of_key, hash).map_err(|it| format!("`{setting}`: {it}"))
                };
                let tolerance = verify.tolerance.map_or(TOLERANCE, |it| it.0);
                Check::Signature(Signature {
                    header: main.ok_or_else(missing)?,
                    prefix,
                    form,
                    separator: text(&verify.separator, preset.separator),
                    signature: text(&verify.signature, preset.signature),
                    timestamp: text(&verify.timestamp, preset.timestamp),
                    timestamp_header,
                    unit: verify.timestamp_unit.unwrap_or(preset.timestamp_unit),
                    tolerance: SignedDuration::try_from(tolerance).unwrap_or(SignedDuration::MAX),
                    is_timed,
                    id_header,
                    encoding: verify.encoding.unwrap_or(preset.encoding),
                    signed,
                    keys: secrets.iter().map(key).collect::<Result<_, _>>()?,
                })
            }
        };
        let mut this = Self::made(check, proof, setup);
        headers.sort();
        headers.dedup();
        (this.headers, this.development) = (headers, development);
        Ok(this)
    }

    /// For answers to calls of ours: the URL was minted for one call, and expires.
    pub(super) fn callback(setup: &Setup) -> Self {
        Self::made(Check::Callback(setup.store_key.clone()), Proof::SenderAndTime, setup)
    }

    /// For sources that nobody calls: whatever arrives is turned away.
    pub(super) fn polled(setup: &Setup) -> Self {
        Self::made(Check::Polled, Proof::Polled, setup)
    }

    fn made(check: Check, proof: Proof, setup: &Setup) -> Self {
        Self {
            check,
            headers: Vec::new(),
            proof,
            development: false,
            home: format!("/hooks/{}", setup.name),
            public_url: setup.public_url.trim_end_matches('/').to_owned(),
        }
    }

    /// What a passed check proves.
    pub fn proof(&self) -> Proof {
        self.proof
    }

    /// The headers it reads, in lower case.
    pub fn headers(&self) -> &[Box<str>] {
        &self.headers
    }

    /// Whether it runs on the development secret.
    pub fn is_development(&self) -> bool {
        self.development
    }

    /// Whether the part of the URL after the source's name is its business.
    pub fn reads_path(&self) -> bool {
        matches!(self.check, Check::Path(_) | Check::Callback(_))
    }

    /// Checks a request.
    ///
    /// # Errors
    /// Why it is turned away.
    pub(super) fn verify(&self, request: &Request, now: Timestamp) -> Result<(), Rejection> {
        match &self.check {
            Check::Signature(it) => it.verify(request, &self.url(request), now),
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

    /// What a minted URL was minted for.
    ///
    /// # Errors
    /// That it was not minted by us, or has expired.
    pub(super) fn call(&self, request: &Request, now: Timestamp) -> Result<Callback, Rejection> {
        match &self.check {
            Check::Callback(key) => self.opened(key, request, now),
            _ => Err(Rejection::BadSignature),
        }
    }

    fn opened(
        &self,
        key: &Secret,
        request: &Request,
        now: Timestamp,
    ) -> Result<Callback, Rejection> {
        let token = self.tail(request).strip_prefix("callback/").ok_or(Rejection::BadSignature)?;
        callback::open(key, &self.home, token, now)
    }

    /// Signs a request as the sender would.
    ///
    /// # Errors
    /// That only the sender can, because we hold but a public key.
    pub(super) fn sign(&self, request: Request, now: Timestamp) -> Result<Request, String> {
        let mut request = request;
        if request.target.is_empty() {
            request.target.clone_from(&self.home);
        }
        match &self.check {
            Check::Signature(it) => {
                let url = self.url(&request).into_owned();
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
                request.target = format!("{}/callback/{token}", self.home);
            }
            Check::Nothing => {}
            Check::Polled => return Err("nobody calls this source: the gateway asks".into()),
        }
        Ok(request)
    }

    /// The URL as the sender knows it: from `public_url`, never from what the request says.
    fn url(&self, request: &Request) -> Cow<'_, str> {
        Cow::Owned([&self.public_url, &*request.target].concat())
    }

    /// What stands after `/hooks/<source>/` in the path.
    fn tail<'a>(&self, request: &'a Request) -> &'a str {
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
