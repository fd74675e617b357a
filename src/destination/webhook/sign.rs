//! Signatures as Standard Webhooks has them.
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use std::fmt::Write;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::config::Secret;

/// The fewest bytes of a secret, as the specification asks.
const SHORTEST: usize = 24;

/// Signs with every secret: the receiver that still has the old one, and the receiver that already
/// has the new one, each find a signature of theirs.
pub(super) struct Signer(Vec<Zeroizing<Vec<u8>>>);

impl Signer {
    /// # Errors
    /// A sentence for the operator that does not repeat the secret.
    pub(super) fn new(secrets: &[Secret]) -> Result<Self, String> {
        secrets.iter().map(key).collect::<Result<_, _>>().map(Self)
    }

    /// The value of `webhook-signature`; `None` without a secret.
    pub(super) fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> Option<String> {
        let mut signatures = String::new();
        for key in &self.0 {
            let mut mac =
                Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
            mac.update(format!("{id}.{}.", at.as_second()).as_bytes());
            mac.update(body);
            let space = if signatures.is_empty() { "" } else { " " };
            let signature = STANDARD.encode(mac.finalize().into_bytes());
            let _ = write!(signatures, "{space}v1,{signature}");
        }
        (!signatures.is_empty()).then_some(signatures)
    }
}

/// The key that a secret holds: Base64, usually after `whsec_`.
fn key(secret: &Secret) -> Result<Zeroizing<Vec<u8>>, String> {
    let text = secret.expose();
    if text.starts_with("whsk_") {
        return Err("`signing_secret`: this is a private key for Ed25519; only shared secrets \
                    (`whsec_…`) are supported"
            .into());
    }
    let text = text.strip_prefix("whsec_").unwrap_or(text);
    let key = STANDARD_NO_PAD.decode(text.trim_end_matches('='));
    let key = key.map(Zeroizing::new).ok().filter(|it| it.len() >= SHORTEST);
    key.ok_or_else(|| {
        format!(
            "`signing_secret` must be `whsec_` and the Base64 of at least {SHORTEST} bytes; make \
             one with `openssl rand -base64 32`"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_over_id_seconds_and_body() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signer = Signer::new(&[secret]).unwrap();
        let (id, at) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", Timestamp::from_second(1_614_265_330));
        let signature = signer.sign(id, at.unwrap(), br#"{"test": 2432232314}"#);
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signature.as_deref(), Some(expected));
    }
}
