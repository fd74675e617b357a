//! A route as it stands in the file.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

/// Settings of a route that are on their way.
pub(super) const PLANNED: &[(&str, &str)] = &[
    ("unless", "for now, leave it out; `when` sees the event alone"),
    ("collect", "for now, leave it out; every event is delivered on its own"),
];

/// Which events go where: one line of the routing table.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "what has a place of its own is read from the tree instead")]
pub(super) struct Settings {
    /// What it is called wherever its deliveries are shown. Unique.
    pub(super) name: String,
    /// Which sources, providers or accounts it listens to, one or a list; all of them without it.
    #[serde(default)]
    #[schemars(schema_with = "one_or_many")]
    from: Json,
    /// Which kinds of event it takes, one or a list: `message.received`, or `message.*` for all
    /// that begin so; every kind without it.
    #[serde(default)]
    #[schemars(schema_with = "one_or_many")]
    on: Json,
    /// A condition on the event: `event.text is matching("(?i)refund")`. What is missing is false.
    #[serde(default)]
    when: Option<String>,
    /// Where its events go: a destination, a map from destinations to payloads, or a list of both.
    #[schemars(schema_with = "targets")]
    to: Json,
    /// Later routes are not asked once this one matched.
    #[serde(default)]
    pub(super) stop: bool,
    /// Only asked when no other route matched.
    #[serde(default)]
    pub(super) otherwise: bool,
    /// Whether it takes events that are told long after they happened, too.
    #[serde(default)]
    history: History,
}

/// Whether a route takes events that are told after the fact.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum History {
    /// They pass it by.
    #[default]
    Skip,
    /// It takes them like any other.
    Include,
}

impl Settings {
    /// See [`Settings::history`].
    pub(super) fn takes_history(&self) -> bool {
        self.history == History::Include
    }
}

fn one_or_many(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]
    })
}

fn targets(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let one = schemars::json_schema!({"oneOf": [{"type": "string"}, {"type": "object"}]});
    schemars::json_schema!({
        "oneOf": [{"type": "string"}, {"type": "object"}, {"type": "array", "items": one}]
    })
}

/// The schema of one route.
pub(crate) fn schema() -> Json {
    schemars::schema_for!(Settings).to_value()
}
