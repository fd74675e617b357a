//! A value that must not be seen: it neither prints nor serialises.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A secret. `Debug` shows `***`; there is no `Display` and no `Serialize`.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(
    with = "String",
    description = "A secret, best written as `${NAME}` or `${file:/path}`. It is never printed.",
    extend("writeOnly" = true)
)]
pub struct Secret(#[serde(with = "zeroizing")] Zeroizing<String>);

impl Secret {
    /// Hides a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// The value itself. Every call is a place to look at when secrets leak.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to hide: an empty string counts as not set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// In constant time, so that no comparison anywhere tells how far it got.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

mod zeroizing {
    use serde::{Deserialize, Deserializer};
    use zeroize::Zeroizing;

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Zeroizing<String>, D::Error> {
        String::deserialize(deserializer).map(Zeroizing::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "***");
    }
}
