//! Signatures: finding them in a request, checking them, and making them.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::compare::{Key, same};
use super::content::{self, Part};
use super::{Encoding, Form, Hash, KeyForm, Preset, TOLERANCE, Unit, Verify, after};
use crate::config::Secret;
use crate::provider::{Rejection, Request};

/// Signatures of one header that are looked at; more is no sender's rotation.
const MAX_SIGNATURES: usize = 8;

/// How one sender signs, and the keys.
pub(super) struct Signature {
    header: Box<str>,
    prefix: Box<str>,
    form: Form,
    separator: Box<str>,
    /// The name or version of the signature in a list.
    tag: Box<str>,
    timestamp: Box<str>,
    timestamp_header: Option<Box<str>>,
    unit: Unit,
    tolerance: SignedDuration,
    id_header: Option<Box<str>>,
    encoding: Encoding,
    signed: Vec<Part>,
    keys: Vec<Key>,
}

impl Signature {
    /// What `verify` says, completed by a preset.
    ///
    /// # Errors
    /// A sentence for the operator; `setting` is where the secrets stand.
    pub(super) fn new(
        verify: &Verify,
        preset: &Preset,
        secrets: &[Secret],
        setting: &str,
    ) -> Result<Self, String> {
        let text =
            |own: &Option<String>, preset: &str| Box::<str>::from(own.as_deref().unwrap_or(preset));
        let optional = |own: &Option<String>, preset: &str| header(own.as_deref(), preset).ok();
        let own = header(verify.header.as_deref(), preset.header)?;
        let template = verify.signed.as_deref().unwrap_or(preset.signed);
        let signed = content::parse(template, verify.app_key.as_deref())?;
        if !signed.iter().any(|it| matches!(it, Part::Body | Part::SortedForm)) {
            return Err("`verify.signed` lacks `{body}`: anything could be sent".into());
        }
        let form = verify.key.unwrap_or(preset.key);
        let hash = verify.hash.unwrap_or(preset.hash);
        let key = |it| key(it, form, hash).map_err(|it| format!("`{setting}`: {it}"));
        let tolerance = verify.tolerance.map_or(TOLERANCE, |it| it.0);
        let this = Self {
            header: own,
            prefix: text(&verify.prefix, preset.prefix),
            form: verify.form.unwrap_or(preset.form),
            separator: text(&verify.separator, preset.separator),
            tag: text(&verify.signature, preset.signature),
            timestamp: text(&verify.timestamp, preset.timestamp),
            timestamp_header: optional(&verify.timestamp_header, preset.timestamp_header),
            unit: verify.timestamp_unit.unwrap_or(preset.timestamp_unit),
            tolerance: SignedDuration::try_from(tolerance).unwrap_or(SignedDuration::MAX),
            id_header: optional(&verify.id_header, preset.id_header),
            encoding: verify.encoding.unwrap_or(preset.encoding),
            signed,
            keys: secrets.iter().map(key).collect::<Result<_, _>>()?,
        };
        if this.is_timed() && this.timestamp_header.is_none() && this.form != Form::Pairs {
            return Err("`verify.timestamp_header` is missing: `{ts}` is signed".into());
        }
        if this.signed.contains(&Part::Id) && this.id_header.is_none() {
            return Err("`verify.id_header` is missing: `{id}` is signed".into());
        }
        Ok(this)
    }

    /// Whether the timestamp is signed too.
    pub(super) fn is_timed(&self) -> bool {
        self.signed.contains(&Part::Timestamp)
    }

    /// The headers it reads, each once.
    pub(super) fn headers(&self) -> Vec<Box<str>> {
        let own = [Some(&self.header), self.timestamp_header.as_ref(), self.id_header.as_ref()];
        let signed = self.signed.iter().filter_map(|it| match it {
            Part::Header(name) => Some(name.clone()),
            Part::SortedForm => Some("content-type".into()),
            _ => None,
        });
        let mut headers: Vec<_> = own.into_iter().flatten().cloned().chain(signed).collect();
        headers.sort();
        headers.dedup();
        headers
    }

    /// Whether the URL is signed too.
    pub(super) fn reads_url(&self) -> bool {
        self.signed.iter().any(|it| matches!(it, Part::Url | Part::SortedForm))
    }

    /// Checks a request.
    pub(super) fn verify(
        &self,
        request: &Request,
        url: &str,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        let header = request.require(&self.header)?;
        let (timestamp, found) = self.found(request, header)?;
        if let Some(timestamp) = timestamp {
            self.is_recent(timestamp, now)?;
        }
        let form = self.form(request, url)?;
        let parts = self.parts(request, timestamp, url, &form)?;
        let mut matched = false;
        for tag in found {
            // Every key is tried, so that the time taken does not tell which one matched.
            for key in &self.keys {
                matched |= key.verifies(&parts, &tag);
            }
        }
        if matched { Ok(()) } else { Err(Rejection::BadSignature) }
    }

    /// The timestamp and the signatures that a header holds.
    fn found<'a>(
        &self,
        request: &'a Request,
        header: &'a str,
    ) -> Result<(Option<&'a str>, Vec<Vec<u8>>), Rejection> {
        let mut timestamp = match &self.timestamp_header {
            Some(name) => Some(request.require(name)?.trim()),
            None => None,
        };
        let mut written = Vec::new();
        match self.form {
            Form::Value => written.extend(after(header.trim(), &self.prefix)),
            Form::Pairs => {
                let mut times = Vec::new();
                for pair in header.split(&*self.separator).take(2 * MAX_SIGNATURES) {
                    let Some((name, value)) = pair.trim().split_once('=') else { continue };
                    if *name.trim() == *self.timestamp {
                        times.push(value.trim());
                    } else if *name.trim() == *self.tag {
                        written.extend(after(value.trim(), &self.prefix));
                    }
                }
                if self.is_timed() && timestamp.is_none() {
                    // Two of them: which one was signed would be a guess.
                    let [only] = *times else { return Err(Rejection::BadSignature) };
                    timestamp = Some(only);
                }
            }
            Form::Versions => written.extend(header.split_ascii_whitespace().filter_map(|it| {
                let (version, value) = it.split_once(',')?;
                (*version == *self.tag).then_some(value)
            })),
        }
        let decode = |it: &str| match self.encoding {
            Encoding::Hex => hex::decode(it).ok(),
            Encoding::Base64 => STANDARD.decode(it).ok(),
        };
        Ok((timestamp, written.into_iter().take(MAX_SIGNATURES).filter_map(decode).collect()))
    }

    fn is_recent(&self, timestamp: &str, now: Timestamp) -> Result<(), Rejection> {
        // A sign or a blank would be read as the same moment, but is not what was signed.
        if !timestamp.bytes().all(|it| it.is_ascii_digit()) {
            return Err(Rejection::BadSignature);
        }
        let number: i64 = timestamp.parse().map_err(|_| Rejection::Stale)?;
        let at = match self.unit {
            Unit::Seconds => Timestamp::from_second(number),
            Unit::Milliseconds => Timestamp::from_millisecond(number),
        };
        let off = at.map_err(|_| Rejection::Stale)?.duration_since(now).abs();
        if off <= self.tolerance { Ok(()) } else { Err(Rejection::Stale) }
    }

    /// The form that is signed with the URL. Where the URL states `bodySHA256`, that covers the
    /// body, whatever the body is called: Twilio's libraries decide by the URL too, and a form
    /// without fields would otherwise pass for the JSON that was signed.
    fn form(&self, request: &Request, url: &str) -> Result<String, Rejection> {
        if !self.signed.contains(&Part::SortedForm) {
            return Ok(String::new());
        }
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let stated = form_urlencoded::parse(query.as_bytes()).find(|it| it.0 == "bodySHA256");
        let Some((_, stated)) = stated else {
            let is_form = content::is_form(request);
            let form = || content::sorted_form(&request.body);
            return is_form.then(form).ok_or(Rejection::BadSignature);
        };
        let digest = hex::encode(Sha256::digest(&request.body));
        if same(digest.as_bytes(), stated.to_ascii_lowercase().as_bytes()) {
            Ok(String::new())
        } else {
            Err(Rejection::BadSignature)
        }
    }

    fn parts<'a>(
        &'a self,
        request: &'a Request,
        timestamp: Option<&'a str>,
        url: &'a str,
        form: &'a str,
    ) -> Result<Vec<&'a [u8]>, Rejection> {
        let part = |it: &'a Part| -> Result<&'a [u8], Rejection> {
            Ok(match it {
                Part::Text(text) => text.as_bytes(),
                Part::Body => &request.body,
                Part::Timestamp => timestamp.unwrap_or_default().as_bytes(),
                Part::Id => {
                    request.require(self.id_header.as_deref().unwrap_or_default())?.as_bytes()
                }
                Part::Url => url.as_bytes(),
                Part::Method => request.method.as_bytes(),
                Part::Header(name) => request.require(name)?.as_bytes(),
                Part::SortedForm => form.as_bytes(),
            })
        };
        self.signed.iter().map(part).collect()
    }

    /// Signs a request as the sender would.
    pub(super) fn sign(
        &self,
        request: &mut Request,
        url: &str,
        now: Timestamp,
    ) -> Result<(), String> {
        let timestamp = match self.unit {
            Unit::Seconds => now.as_second().to_string(),
            Unit::Milliseconds => now.as_millisecond().to_string(),
        };
        if let Some(name) = &self.timestamp_header {
            request.headers.push(name, &timestamp);
        }
        if let Some(name) = &self.id_header {
            let id = hex::encode(&Sha256::digest(&request.body)[..12]);
            request.headers.push(name, &format!("msg_{id}"));
        }
        let mut url = Cow::Borrowed(url);
        if self.signed.contains(&Part::SortedForm) && !content::is_form(request) {
            let mark = if url.contains('?') { '&' } else { '?' };
            let digest = hex::encode(Sha256::digest(&request.body));
            let query = format!("{mark}bodySHA256={digest}");
            request.target.push_str(&query);
            url.to_mut().push_str(&query);
        }
        let form = self.form(request, &url).map_err(|it| it.to_string())?;
        let parts =
            self.parts(request, Some(&timestamp), &url, &form).map_err(|it| it.to_string())?;
        let key = self.keys.last().ok_or("there is no secret")?;
        let tag = key.sign(&parts).ok_or("only the sender has the private key")?;
        let tag = match self.encoding {
            Encoding::Hex => hex::encode(tag),
            Encoding::Base64 => STANDARD.encode(tag),
        };
        let value = match self.form {
            Form::Value => format!("{}{tag}", self.prefix),
            Form::Pairs => {
                let Self { timestamp: t, separator, tag: name, prefix, .. } = self;
                match self.timestamp_header {
                    None if self.is_timed() => {
                        format!("{t}={timestamp}{separator}{name}={prefix}{tag}")
                    }
                    _ => format!("{name}={prefix}{tag}"),
                }
            }
            Form::Versions => format!("{},{tag}", self.tag),
        };
        request.headers.push(&self.header, &value);
        Ok(())
    }
}

/// The name of a header that has to be there, in lower case.
///
/// # Errors
/// That there is none.
pub(super) fn header(own: Option<&str>, preset: &str) -> Result<Box<str>, String> {
    let name: Box<str> = own.unwrap_or(preset).to_ascii_lowercase().into();
    if name.is_empty() {
        return Err("`verify.header` is missing: where does the proof stand?".to_owned());
    }
    Ok(name)
}

/// The key that a secret holds.
pub(super) fn key(secret: &Secret, form: KeyForm, hash: Hash) -> Result<Key, &'static str> {
    let text = secret.expose();
    let bytes = match form {
        KeyForm::Text => text.as_bytes().to_vec(),
        KeyForm::Hex => hex::decode(text).map_err(|_| "a key that is not hexadecimal")?,
        KeyForm::Base64 => {
            let text = text.strip_prefix("whsec_").unwrap_or(text);
            STANDARD_NO_PAD
                .decode(text.trim_end_matches('='))
                .map_err(|_| "a key that is not Base64")?
        }
    };
    if bytes.is_empty() {
        return Err("a key that is empty: anybody could sign with it");
    }
    Ok(match hash {
        Hash::Sha1 => Key::sha1(&bytes),
        Hash::Sha256 => Key::sha256(&bytes),
        Hash::Sha512 => Key::sha512(&bytes),
        Hash::Ed25519 => Key::Ed25519(
            bytes.try_into().map_err(|_| "an Ed25519 public key that is not 32 bytes long")?,
        ),
    })
}
