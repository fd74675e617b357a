//! How lookups are made: what stands under every lookup beside its own settings.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Period;

/// How a lookup is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long an answer is good for whoever asks the same.
    pub cache: Duration,
    /// What follows when there is no answer.
    pub on_error: OnError,
    /// How long it may take.
    pub timeout: Duration,
    /// Whether it may go to a private network or to this machine.
    pub allow_private: bool,
}

/// What follows when a lookup fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum OnError {
    /// The delivery goes on without it.
    #[default]
    Proceed,
    /// The delivery is tried again later.
    Retry,
    /// The delivery is skipped.
    Skip,
}

/// What may stand under any lookup beside its own settings.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Common {
    /// How long an answer is good for every delivery that asks the same; `0s`: for this one alone.
    pub cache: Period,
    /// What follows when there is no answer: `proceed` without it, so that its name is missing in
    /// expressions; `retry` the delivery; or `skip` it.
    pub on_error: OnError,
    /// How long it may take.
    pub timeout: Period,
    /// Whether it may lie in a private network or on this machine. Without it, that is refused
    /// unless `public_url` is this machine, too.
    pub allow_private: Option<bool>,
}

impl Default for Common {
    fn default() -> Self {
        Self {
            cache: Period(Duration::from_mins(1)),
            on_error: OnError::default(),
            timeout: Period(Duration::from_secs(5)),
            allow_private: None,
        }
    }
}

impl Common {
    /// The names that belong to it, in the order they are documented.
    pub const NAMES: &'static [&'static str] = &["cache", "on_error", "timeout", "allow_private"];

    /// What it means. `at_home`: the gateway is reached on this machine only, so that a private
    /// address is nothing odd.
    pub fn policy(&self, at_home: bool) -> Policy {
        Policy {
            cache: self.cache.0,
            on_error: self.on_error,
            timeout: self.timeout.0,
            allow_private: self.allow_private.unwrap_or(at_home),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_common_setting_is_named() {
        let schema = schemars::schema_for!(Common).to_value();
        let mut names: Vec<&str> =
            schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = Common::NAMES.to_vec();
        names.sort_unstable();
        expected.sort_unstable();
        assert_eq!(names, expected);
    }

    #[test]
    fn only_a_gateway_at_home_may_ask_at_home_unless_it_is_said() {
        let common = |text: &str| serde_json::from_str::<Common>(text).unwrap();
        assert!(common("{}").policy(true).allow_private);
        assert!(!common("{}").policy(false).allow_private);
        assert!(common(r#"{"allow_private": true}"#).policy(false).allow_private);
        assert!(!common(r#"{"allow_private": false}"#).policy(true).allow_private);
    }
}
