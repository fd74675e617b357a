//! `docs/metrics.md`: names, types, labels and meaning.

use std::collections::BTreeSet;

use sluicegate::telemetry::metrics::{Attempt, Ingress, Lane, METRICS, Metrics, Poll, Source};

use super::{code, codes, table};

/// What a label says.
const LABELS: &[(&str, &str)] = &[
    ("source", "The source's name in `routes.yaml`; `unknown` for a request to no source of ours."),
    ("destination", "The destination's name in `routes.yaml`."),
    (
        "outcome",
        "Of a request: `accepted`, `unavailable`, `too_large`, `too_slow`, or why it was turned \
         away, e.g. `bad_signature`. Of an attempt: `delivered`, `retry`, `refused` or `dead`. \
         Of a question to a provider: `news`, `nothing`, `failed`, `busy` or `refused`.",
    ),
];

pub(super) fn page() -> String {
    let shown = shown();
    let mut seen = BTreeSet::new();
    let rows = METRICS.iter().map(|(name, meaning)| {
        let family = name.trim_end_matches("_total");
        let kind = shown.lines().find_map(|it| it.strip_prefix(&format!("# TYPE {family} ")));
        let labels = labels(&shown, family);
        seen.extend(labels.clone());
        [code(name), kind.unwrap().to_owned(), codes(labels), (*meaning).to_owned()]
    });
    let metrics = table(["Metric", "Type", "Labels", "Meaning"], rows.collect::<Vec<_>>());
    let described: BTreeSet<String> = LABELS.iter().map(|it| it.0.to_owned()).collect();
    assert_eq!(seen, described, "every label has its sentence in LABELS");
    let labels = table(
        ["Label", "What it says"],
        LABELS.iter().map(|(name, text)| [code(name), (*text).to_owned()]),
    );
    format!(
        "# Metrics\n\n\
         `GET /metrics` of the admin API, in the OpenMetrics text format. Times are in seconds. A \
         histogram `x` is the series `x_bucket`, `x_sum` and `x_count`.\n\n\
         {metrics}\n## Labels\n\n{labels}"
    )
}

/// Every metric once, as it is scraped.
fn shown() -> String {
    let metrics = Metrics::default();
    let name = String::new;
    metrics.requests.get_or_create(&Ingress { source: name(), outcome: "" }).inc();
    metrics.events.get_or_create(&Source { source: name() }).inc();
    metrics.duplicates.get_or_create(&Source { source: name() }).inc();
    metrics.polls.get_or_create(&Poll { source: name(), outcome: "" }).inc();
    metrics.staleness.get_or_create(&Source { source: name() }).set(1.0);
    metrics.attempts.get_or_create(&Attempt { destination: name(), outcome: "" }).inc();
    metrics.pending.get_or_create(&Lane { destination: name() }).set(1);
    metrics.render()
}

fn labels(shown: &str, family: &str) -> Vec<String> {
    let mut lines = shown.lines().filter(|it| !it.starts_with('#'));
    let series = |it: &str| {
        let rest = it.strip_prefix(family)?;
        let (suffix, rest) = rest.split_once('{')?;
        matches!(suffix, "" | "_total").then(|| rest.to_owned())
    };
    let Some(inside) = lines.find_map(series) else { return Vec::new() };
    inside.split("\",").filter_map(|it| Some(it.split_once('=')?.0.to_owned())).collect()
}
