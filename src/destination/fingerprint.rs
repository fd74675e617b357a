//! What stands for a value that is shown nowhere itself.

use sha2::{Digest, Sha256};

/// Enough of a SHA-256 to tell values apart: for a credential's scope, and for a person within the
/// key of a limit. It is shown, so a person's number is not in it; whoever tries all numbers finds
/// it, as an id is no secret.
pub(super) fn fingerprint(value: &str) -> String {
    hex::encode(&Sha256::digest(value)[..6])
}
