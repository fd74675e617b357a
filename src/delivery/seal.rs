//! Secrets that have to be written down are sealed: AES-256-GCM under a key of the data directory.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::config::Secret;

/// Seals and opens. What is sealed under one name opens under no other.
pub(super) struct Seal(RandomizedNonceKey);

impl Seal {
    /// A seal whose key follows from the store's.
    pub(super) fn new(store_key: &Secret) -> Self {
        // The store's key serves other ends, too: each has a key of its own.
        let mut mac = Hmac::<Sha256>::new_from_slice(store_key.expose().as_bytes())
            .expect("HMAC takes a key of any length");
        mac.update(b"seal\0");
        let key = mac.finalize().into_bytes();
        Self(RandomizedNonceKey::new(&AES_256_GCM, &key).expect("the key has 32 bytes"))
    }

    /// What may be written down: the nonce, and after it what was sealed.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub(super) fn seal(&self, name: &str, plain: &Secret) -> Result<Vec<u8>, String> {
        let mut sealed = plain.expose().as_bytes().to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(name.as_bytes()), &mut sealed)
            .map_err(|_| "the system gives no random bytes")?;
        sealed.splice(..0, *nonce.as_ref());
        Ok(sealed)
    }

    /// What was sealed under this name; `None` when it was not, or was changed since.
    pub(super) fn open(&self, name: &str, sealed: &[u8]) -> Option<Secret> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = zeroize::Zeroizing::new(sealed.to_vec());
        let plain = self.0.open_in_place(nonce, Aad::from(name.as_bytes()), &mut sealed).ok()?;
        std::str::from_utf8(plain).ok().map(Secret::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_under_its_own_name_and_key_and_unchanged_only() {
        let (seal, other) = (Seal::new(&Secret::new("store")), Seal::new(&Secret::new("other")));
        let plain = Secret::new("token of the account");
        let sealed = seal.seal("a", &plain).unwrap();
        assert!(!String::from_utf8_lossy(&sealed).contains("token"));
        assert_ne!(sealed, seal.seal("a", &plain).unwrap(), "each time another nonce");
        assert_eq!(seal.open("a", &sealed), Some(plain));
        assert_eq!(seal.open("b", &sealed), None);
        assert_eq!(other.open("a", &sealed), None);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(seal.open("a", &changed), None, "at {at}");
            assert_eq!(seal.open("a", &sealed[..at]), None, "cut at {at}");
        }
    }
}
