//! Comparing what was sent with a secret, or with what a secret makes of it: in constant time,
//! and nowhere else.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

/// A key that signatures are checked with, made ready once.
#[derive(Clone)]
pub(super) enum Key {
    Sha1(Box<Hmac<Sha1>>),
    Sha256(Box<Hmac<Sha256>>),
    Sha512(Box<Hmac<Sha512>>),
    /// A public key: who has it can check, and cannot sign.
    Ed25519([u8; 32]),
}

const ANY: &str = "HMAC takes a key of any length";

impl Key {
    pub(super) fn sha1(key: &[u8]) -> Self {
        Self::Sha1(Box::new(Hmac::new_from_slice(key).expect(ANY)))
    }

    pub(super) fn sha256(key: &[u8]) -> Self {
        Self::Sha256(Box::new(Hmac::new_from_slice(key).expect(ANY)))
    }

    pub(super) fn sha512(key: &[u8]) -> Self {
        Self::Sha512(Box::new(Hmac::new_from_slice(key).expect(ANY)))
    }

    /// Whether a signature is of these parts, one after the other.
    pub(super) fn verifies(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        match self {
            Self::Sha1(mac) => fed(&**mac, parts).verify_slice(tag).is_ok(),
            Self::Sha256(mac) => fed(&**mac, parts).verify_slice(tag).is_ok(),
            Self::Sha512(mac) => fed(&**mac, parts).verify_slice(tag).is_ok(),
            Self::Ed25519(key) => {
                use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
                UnparsedPublicKey::new(&ED25519, key).verify(&parts.concat(), tag).is_ok()
            }
        }
    }

    /// The signature of these parts; `None` where the key can only check.
    pub(super) fn sign(&self, parts: &[&[u8]]) -> Option<Vec<u8>> {
        Some(match self {
            Self::Sha1(mac) => fed(&**mac, parts).finalize().into_bytes().to_vec(),
            Self::Sha256(mac) => fed(&**mac, parts).finalize().into_bytes().to_vec(),
            Self::Sha512(mac) => fed(&**mac, parts).finalize().into_bytes().to_vec(),
            Self::Ed25519(_) => return None,
        })
    }
}

fn fed<M: Mac + Clone>(mac: &M, parts: &[&[u8]]) -> M {
    let mut mac = mac.clone();
    for part in parts {
        mac.update(part);
    }
    mac
}

/// Whether a shared word is the one that was given. An empty word is nobody's.
pub(super) fn same(expected: &[u8], given: &[u8]) -> bool {
    let equal: bool = expected.ct_eq(given).into();
    equal & !expected.is_empty()
}
