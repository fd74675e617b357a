//! A route as it stands in the file.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::config::Period;
use crate::router::Collect;

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
    /// A condition on how the conversation stands right before the attempt, where `window`,
    /// `takeover`, `thread`, `suppressed` and `lookup` are known beside `event`: where it holds,
    /// the delivery is skipped, and says so. `unless: takeover or not window.open`.
    #[serde(default)]
    unless: Option<String>,
    /// What is asked elsewhere right before the attempt, by name: `unless` and payloads see the
    /// JSON that comes back as `lookup.name`.
    #[serde(default)]
    #[schemars(schema_with = "lookups")]
    lookup: Json,
    /// `fetch`: the files of its messages are fetched right before the attempt, and their `url` is
    /// a link of ours that anybody can follow for a day. A file that is no longer there, lies at a
    /// private address or is larger than 16 MiB stays as the provider told it; whatever else fails
    /// is tried again.
    #[serde(default)]
    pub(super) media: Option<Media>,
    /// A burst of messages of one conversation becomes one call: for how long nothing more has to
    /// come (`collect: 3s`), or a map that also says when it ends at the latest. Its destinations
    /// keep the order of a conversation.
    #[serde(default)]
    pub(super) collect: Option<Gather>,
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

/// What becomes of files.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum Media {
    /// They are fetched.
    Fetch,
}

/// How a burst is gathered: `3s`, or a map.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(super) enum Gather {
    /// For how long nothing more has to come.
    For(Period),
    /// That, and when it ends at the latest.
    Until(Burst),
}

/// How a burst is gathered.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(super) struct Burst {
    /// For how long nothing more has to come.
    quiet: Period,
    /// At the latest so long after the first message; four times `quiet` without it.
    #[serde(default)]
    max: Option<Period>,
    /// At the latest once so many messages have come; 50 without it, and at most.
    #[serde(default)]
    #[schemars(range(min = 1, max = 50))]
    messages: Option<u16>,
    /// Whether what comes while the other side thinks makes its answer stale: the call is made
    /// again with everything, and the first answer is kept, but not routed.
    #[serde(default)]
    supersede: bool,
}

impl Gather {
    /// What it means.
    pub(super) fn collect(self) -> Collect {
        match self {
            Self::For(quiet) => Collect::after(quiet.0),
            Self::Until(Burst { quiet, max, messages, supersede }) => {
                let usual = Collect::after(quiet.0);
                Collect {
                    max: max.map_or(usual.max, |it| it.0.max(quiet.0)),
                    messages: messages.map_or(usual.messages, |it| it.clamp(1, usual.messages)),
                    supersede,
                    ..usual
                }
            }
        }
    }
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

/// Each is checked by what its own `kind` says.
fn lookups(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "object"})
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
