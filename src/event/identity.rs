//! Identity: deterministic ids, and the candidates by which a conversation is found.

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// One identifier of a conversation, as a provider knows it.
///
/// A phone number is not an identity: `WhatsApp` may send a business-scoped id alone, and that id
/// changes with the number. A draft therefore carries every identifier it saw, and the journal
/// resolves them through its alias table to one surrogate conversation id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// What sort of identifier it is: `wa_id`, `bsuid`, `group`, …
    pub scheme: &'static str,
    /// The account it is valid within, e.g. a phone number id.
    pub account: String,
    /// The identifier, verbatim.
    pub value: String,
}

impl Candidate {
    /// A candidate of a scheme, valid within an account.
    pub fn new(scheme: &'static str, account: &str, value: &str) -> Self {
        Self { scheme, account: account.to_owned(), value: value.to_owned() }
    }

    /// The key of the alias table: a digest over source, account, scheme and value.
    pub fn key(&self, source: &str) -> Uuid {
        digest_id(&[
            b"alias",
            source.as_bytes(),
            self.account.as_bytes(),
            self.scheme.as_bytes(),
            self.value.as_bytes(),
        ])
    }
}

/// The id of the conversation that is minted when none of a draft's candidates is known: it
/// follows from the key of the strongest.
pub fn mint(key: Uuid) -> Uuid {
    digest_id(&[b"conversation", key.as_bytes()])
}

/// The id of an event: `UUIDv8` of SHA-256 over its source and dedup key.
pub fn event_id(source: &str, dedup_key: &str) -> Uuid {
    digest_id(&[b"event", source.as_bytes(), dedup_key.as_bytes()])
}

/// The id of a delivery: `UUIDv8` over its key. A retry keeps it; a replay has its own ordinal.
pub fn delivery_id(event: Uuid, route: &str, destination: &str, index: u16, replay: u64) -> Uuid {
    digest_id(&[
        b"delivery",
        event.as_bytes(),
        route.as_bytes(),
        destination.as_bytes(),
        &index.to_be_bytes(),
        &replay.to_be_bytes(),
    ])
}

/// The id of a call that takes the place of another.
pub fn successor(call: Uuid) -> Uuid {
    digest_id(&[b"successor", call.as_bytes()])
}

/// The key by which a message of ours is found again: a digest of the provider's id of it.
pub fn receipt_key(message: &str) -> Uuid {
    digest_id(&[b"receipt", message.as_bytes()])
}

/// SHA-256 over length-prefixed parts, as a `UUIDv8`. The prefix keeps `("a", "bc")` and
/// `("ab", "c")` apart.
fn digest_id(parts: &[&[u8]]) -> Uuid {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let digest = hasher.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_has_the_same_id_for_ever() {
        // Golden: ids are a promise to receivers, who use them to deduplicate.
        let id = event_id("whatsapp", "message:wamid.1");
        assert_eq!(id.to_string(), event_id("whatsapp", "message:wamid.1").to_string());
        assert_eq!(id.get_version_num(), 8);
        assert_ne!(id, event_id("other", "message:wamid.1"));
        assert_ne!(event_id("a", "bc"), event_id("ab", "c"));
    }
}
