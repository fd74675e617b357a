//! URLs that are minted for one call of ours, so that an unsigned answer can be believed.
//!
//! `/hooks/<destination>/callback/<token>`: the token binds destination, call, attempt and expiry
//! by an HMAC with a key of the store. It proves that the answer comes from whoever was given the
//! URL, in time; not that its body is as it was sent.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Rejection;
use crate::config::Secret;

/// What a callback URL was minted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The call whose answer is awaited.
    pub call: Uuid,
    /// Which attempt of it.
    pub attempt: u32,
    /// Not believed after this moment.
    pub expires: Timestamp,
}

/// Call, attempt and expiry.
const PLAIN: usize = 16 + 4 + 8;

/// How much of the HMAC a token holds: 128 bits.
const TAG: usize = 16;

impl Callback {
    /// A call that was never made, for samples: the same body has the same.
    pub(super) fn sample(body: &[u8], now: Timestamp) -> Self {
        let digest = Sha256::digest(body);
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        let call = uuid::Builder::from_custom_bytes(id).into_uuid();
        Self { call, attempt: 1, expires: now + SignedDuration::from_mins(15) }
    }

    fn plain(&self) -> [u8; PLAIN] {
        let mut plain = [0; PLAIN];
        plain[..16].copy_from_slice(self.call.as_bytes());
        plain[16..20].copy_from_slice(&self.attempt.to_be_bytes());
        plain[20..].copy_from_slice(&self.expires.as_second().to_be_bytes());
        plain
    }
}

/// The URL at which a destination's source takes the answer to a call: see
/// [`Source::callback`](super::Source::callback). It holds a secret.
///
/// `store_key` is that of [`Setup`](super::Setup).
pub fn callback_url(
    public_url: &str,
    store_key: &Secret,
    destination: &str,
    callback: &Callback,
) -> Secret {
    let home = home(destination);
    let path = path(&home, &mint(store_key, &home, callback));
    Secret::new([public_url.trim_end_matches('/'), &path].concat())
}

/// Where a source is reached.
pub(super) fn home(name: &str) -> String {
    format!("/hooks/{name}")
}

/// Where a token of a source is taken.
pub(super) fn path(home: &str, token: &str) -> String {
    format!("{home}/callback/{token}")
}

/// The token of a call, for the URL of a destination.
pub(super) fn mint(key: &Secret, home: &str, call: &Callback) -> String {
    let plain = call.plain();
    let tag = mac(key, home, &plain).finalize().into_bytes();
    URL_SAFE_NO_PAD.encode([&plain[..], &tag[..TAG]].concat())
}

/// What a token was minted for.
///
/// # Errors
/// That it is not ours for this destination, or has expired.
pub(super) fn open(
    key: &Secret,
    home: &str,
    token: &str,
    now: Timestamp,
) -> Result<Callback, Rejection> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| Rejection::BadSignature)?;
    let bytes: [u8; PLAIN + TAG] = bytes.try_into().map_err(|_| Rejection::BadSignature)?;
    let (plain, tag) = bytes.split_at(PLAIN);
    mac(key, home, plain).verify_truncated_left(tag).map_err(|_| Rejection::BadSignature)?;
    let part = |from: usize, to: usize| &plain[from..to];
    let call = Uuid::from_slice(part(0, 16)).map_err(|_| Rejection::BadSignature)?;
    let attempt = part(16, 20).iter().fold(0, |sum, it| sum << 8 | u32::from(*it));
    let seconds = part(20, PLAIN).iter().fold(0, |sum, it| sum << 8 | i64::from(*it));
    let expires = Timestamp::from_second(seconds).map_err(|_| Rejection::Stale)?;
    if now > expires { Err(Rejection::Stale) } else { Ok(Callback { call, attempt, expires }) }
}

fn mac(key: &Secret, home: &str, plain: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes())
        .expect("HMAC takes a key of any length");
    mac.update(b"callback\0");
    mac.update(&(home.len() as u64).to_be_bytes());
    mac.update(home.as_bytes());
    mac.update(plain);
    mac
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::provider::{self, Headers, Request, Setup};

    #[test]
    fn the_url_of_a_call_is_taken_by_the_source_of_its_destination_alone() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let key = Secret::new("of the store");
        let source = |name: &str, provider: &str, settings| {
            let setup = Setup {
                name: name.into(),
                public_url: "https://gateway.example".into(),
                store_key: key.clone(),
                development_secret: None,
            };
            (provider::find(provider).unwrap().build)(settings, &setup).unwrap()
        };
        let concierge = source("concierge", "flowgent", json!({}));
        let other = source("other", "flowgent", json!({}));
        let open = source("concierge", "webhook", json!({ "verify": { "preset": "none" } }));
        let request = |url: &str| {
            let target = url.strip_prefix("https://gateway.example").unwrap();
            Request::new("POST", target, Headers::default(), Bytes::from_static(b"{}"))
        };

        let call = Callback { attempt: 3, ..Callback::sample(b"{}", now) };
        let url = callback_url("https://gateway.example/", &key, "concierge", &call);
        assert!(url.expose().starts_with("https://gateway.example/hooks/concierge/callback/"));
        let verified = concierge.verify(request(url.expose()), now).unwrap();
        assert_eq!(concierge.callback(&verified), Some(call));
        assert!(other.verify(request(url.expose()), now).is_err());
        for changed in [
            url.expose().replace("/callback/", "/callback"),
            url.expose().replace("/callback/", "/"),
            format!("{}A", url.expose()),
            callback_url("https://gateway.example", &key, "other", &call).expose().to_owned(),
        ] {
            assert!(concierge.verify(request(&changed), now).is_err(), "{changed}");
        }

        // What was let in without a token answers no call.
        let let_in = open.verify(request("https://gateway.example/hooks/concierge"), now);
        assert_eq!(open.callback(&let_in.unwrap()), None);
    }

    #[test]
    fn a_token_is_bound_to_its_destination_and_expires() {
        let key = Secret::new("of the store");
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let call = Callback::sample(b"{}", now);
        let token = mint(&key, "/hooks/concierge", &call);
        assert_eq!(open(&key, "/hooks/concierge", &token, now), Ok(call));
        assert_eq!(open(&key, "/hooks/concierge", &token, call.expires), Ok(call));
        let late = call.expires + SignedDuration::from_secs(1);
        assert_eq!(open(&key, "/hooks/concierge", &token, late), Err(Rejection::Stale));
        let refused = Err(Rejection::BadSignature);
        assert_eq!(open(&key, "/hooks/other", &token, now), refused);
        assert_eq!(open(&Secret::new("other"), "/hooks/concierge", &token, now), refused);
        for at in 0..token.len() {
            let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
            let mut changed = token.clone();
            changed.replace_range(at..=at, other);
            assert_eq!(open(&key, "/hooks/concierge", &changed, now), refused, "at {at}");
        }
        for short in ["", "AAAA", &token[1..], &format!("{token}A")] {
            assert_eq!(open(&key, "/hooks/concierge", short, now), refused);
        }
    }
}
