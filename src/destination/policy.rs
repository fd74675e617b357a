//! How deliveries to a destination are made: what stands under every destination beside its own
//! settings, and what counts where it says nothing.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Period, Rate};

/// How deliveries are made, retried and given up.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Whether order matters, and along what.
    pub order: Order,
    /// Calls in flight at once.
    pub concurrency: usize,
    /// How often it is called at most, beside the limits of the other side.
    pub rate: Option<Rate>,
    /// How long one call may take.
    pub timeout: Duration,
    /// When a delivery is tried again.
    pub retry: Retry,
    /// Older deliveries are given up; `None`: never.
    pub max_age: Option<Duration>,
    /// What becomes of a conversation whose delivery is dead.
    pub on_dead: OnDead,
    /// Whether it may lie in a private network or on this machine.
    pub allow_private: bool,
}

/// The order in which a lane's deliveries are attempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Order {
    /// In the journal's order as far as batches allow; a retry does not hold up the others.
    None,
    /// In the journal's order within a conversation; its head holds the rest of it.
    Conversation,
}

/// What becomes of the rest of a conversation when a delivery of it is given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum OnDead {
    /// It goes on.
    #[default]
    Continue,
    /// It waits until somebody retries or drops the dead delivery.
    Hold,
}

/// When a delivery is tried again. Each wait is a random part of what stands here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Doubling from the first to the cap, for as long as `max_age` allows.
    Backoff {
        /// The first wait is at most this.
        first: Duration,
        /// No wait is longer than this.
        cap: Duration,
    },
    /// One wait after each attempt; after the last of them the delivery is given up.
    Steps(&'static [Duration]),
}

const fn minutes(it: u64) -> Duration {
    Duration::from_secs(it * 60)
}

const fn hours(it: u64) -> Duration {
    minutes(it * 60)
}

impl Retry {
    /// The schedule that Standard Webhooks recommends: about four days in all.
    /// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
    pub const STANDARD_WEBHOOKS: Self = Self::Steps(&[
        Duration::from_secs(5),
        minutes(5),
        minutes(30),
        hours(2),
        hours(5),
        hours(10),
        hours(14),
        hours(20),
        hours(24),
    ]);
}

impl Policy {
    /// For connections of our own: queues, files, logs. Never given up.
    pub const TRANSPORT: Self = Self {
        order: Order::None,
        concurrency: 4,
        rate: None,
        timeout: Duration::from_secs(30),
        retry: Retry::Backoff { first: Duration::from_millis(500), cap: Duration::from_secs(30) },
        max_age: None,
        on_dead: OnDead::Continue,
        allow_private: true,
    };

    /// For what a person waits for: an answer that comes hours late is worse than none.
    pub const CHAT: Self = Self {
        order: Order::Conversation,
        concurrency: 16,
        rate: None,
        timeout: Duration::from_secs(30),
        retry: Retry::Backoff { first: Duration::from_secs(1), cap: Duration::from_secs(30) },
        max_age: Some(minutes(10)),
        on_dead: OnDead::Continue,
        allow_private: false,
    };

    /// For webhooks of other systems: they may be down for days.
    pub const WEBHOOK: Self = Self {
        order: Order::None,
        concurrency: 8,
        rate: None,
        timeout: Duration::from_secs(20),
        retry: Retry::STANDARD_WEBHOOKS,
        max_age: None,
        on_dead: OnDead::Continue,
        allow_private: false,
    };
}

/// What may stand under any destination beside its own settings. What is left out is as the
/// destination's kind has it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Common {
    /// `conversation`: one after the other within a conversation, in the order of arrival; a
    /// delivery that has to be tried again holds the rest of its conversation, and no other.
    /// `none`: no delivery waits for another.
    pub order: Option<Order>,
    /// How many calls are in flight at once.
    #[schemars(range(min = 1, max = 1024))]
    pub concurrency: Option<u32>,
    /// How often it is called at most, spread evenly; beside the limits that are known of the
    /// other side.
    pub rate: Option<Rate>,
    /// How long one call may take.
    pub timeout: Option<Period>,
    /// When a delivery is tried again.
    pub retry: Option<RetryWords>,
    /// How old a delivery may become before it is given up; time during which the destination was
    /// paused does not count.
    pub max_age: Option<Period>,
    /// What becomes of the rest of a conversation when a delivery is given up: `continue`, or
    /// `hold` it until somebody retries or drops the dead one.
    pub on_dead: Option<OnDead>,
    /// Whether it may lie in a private network or on this machine. Without it, that is refused
    /// unless `public_url` is this machine, too.
    pub allow_private: Option<bool>,
}

/// `retry: standard`, or `{ first, cap }`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct RetryWords {
    /// The first wait is a random part of this; each further one doubles.
    pub first: Period,
    /// No wait is longer than this.
    pub cap: Period,
}

impl Default for RetryWords {
    fn default() -> Self {
        Self { first: Period(Duration::from_secs(1)), cap: Period(Duration::from_secs(30)) }
    }
}

impl Common {
    /// The names that belong to it, in the order they are documented.
    pub const NAMES: &'static [&'static str] = &[
        "order",
        "concurrency",
        "rate",
        "timeout",
        "retry",
        "max_age",
        "on_dead",
        "allow_private",
    ];

    /// The policy of a destination whose kind has this one. `at_home`: the gateway is reached on
    /// this machine only, so that a private destination is nothing odd.
    pub fn over(&self, policy: &Policy, at_home: bool) -> Policy {
        Policy {
            order: self.order.unwrap_or(policy.order),
            concurrency: self
                .concurrency
                .and_then(|it| usize::try_from(it).ok())
                .unwrap_or(policy.concurrency),
            rate: self.rate.or(policy.rate),
            timeout: self.timeout.map_or(policy.timeout, |it| it.0),
            retry: self.retry.as_ref().map_or_else(
                || policy.retry.clone(),
                |it| Retry::Backoff { first: it.first.0, cap: it.cap.0 },
            ),
            max_age: self.max_age.map(|it| it.0).or(policy.max_age),
            on_dead: self.on_dead.unwrap_or(policy.on_dead),
            allow_private: self.allow_private.unwrap_or(policy.allow_private || at_home),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_common_setting_is_named() {
        let schema = schemars::schema_for!(Common).to_value();
        let names: Vec<&str> =
            schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = Common::NAMES.to_vec();
        expected.sort_unstable();
        let mut names = names;
        names.sort_unstable();
        assert_eq!(names, expected);
    }

    #[test]
    fn what_is_left_out_is_as_the_kind_has_it() {
        assert_eq!(Common::default().over(&Policy::CHAT, false), Policy::CHAT);
        let at_home = Common::default().over(&Policy::CHAT, true);
        assert!(at_home.allow_private);
        let common: Common =
            serde_json::from_str(r#"{"order": "none", "allow_private": false, "max_age": "1h"}"#)
                .unwrap();
        let policy = common.over(&Policy::CHAT, true);
        assert_eq!((policy.order, policy.allow_private), (Order::None, false));
        assert_eq!(policy.max_age, Some(Duration::from_hours(1)));
    }
}
