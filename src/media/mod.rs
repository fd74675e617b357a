//! Media that were fetched: files under the digest of their content, and links of ours to them.

mod link;
mod shelf;

pub use link::{Link, Unlinked};
pub use shelf::{Refused, Shelf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The SHA-256 of a content: what its file is called.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// A digest as providers write it: in hexadecimal, or in base64 as `WhatsApp` does.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let bytes = hex::decode(text).ok().or_else(|| STANDARD.decode(text).ok())?;
        bytes.try_into().ok().map(Self)
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_as_providers_write_it() {
        // FIPS 180-4, the example of "abc".
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let base64 = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
        for text in [hex, &hex.to_uppercase(), base64, &format!(" {base64}\n")] {
            assert_eq!(Digest::parse(text), Some(Digest::of(b"abc")), "{text}");
        }
        assert_eq!(Digest::of(b"abc").to_string(), hex);
        for text in ["", "ab", &hex[2..], "../../etc/passwd", &base64[1..]] {
            assert_eq!(Digest::parse(text), None, "{text}");
        }
    }
}
