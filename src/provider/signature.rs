//! The signature checks that providers share. All comparisons take constant time.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::Rejection;
use crate::config::Secret;

/// Checks an HMAC-SHA256 of `body`, written as hexadecimal, against any of several secrets.
///
/// Every secret is tried, so that the time taken does not tell which one matched.
pub(super) fn hmac_sha256_hex(
    secrets: &[Secret],
    body: &[u8],
    hex_tag: &str,
) -> Result<(), Rejection> {
    let mut tag = [0; 32];
    hex::decode_to_slice(hex_tag, &mut tag).map_err(|_| Rejection::BadSignature)?;
    let mut matched = false;
    for secret in secrets.iter().filter(|it| !it.is_empty()) {
        matched |= mac(secret, body).verify_slice(&tag).is_ok();
    }
    if matched { Ok(()) } else { Err(Rejection::BadSignature) }
}

/// The HMAC-SHA256 of `body` in lower-case hexadecimal, as a sender would write it.
pub(super) fn sign_hmac_sha256_hex(secret: &Secret, body: &[u8]) -> String {
    hex::encode(mac(secret, body).finalize().into_bytes())
}

/// Checks a shared token.
pub(super) fn token(expected: &Secret, given: &str) -> Result<(), Rejection> {
    let equal: bool = expected.expose().as_bytes().ct_eq(given.as_bytes()).into();
    if equal && !expected.is_empty() { Ok(()) } else { Err(Rejection::BadSignature) }
}

fn mac(secret: &Secret, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes())
        .expect("HMAC takes a key of any length");
    mac.update(body);
    mac
}
