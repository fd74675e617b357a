//! Every metric, declared once; `docs/metrics.md` is generated from this file.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// The media type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A request's source and what became of it.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Ingress {
    /// The source's name, or `unknown`.
    pub source: String,
    /// `accepted`, `unavailable`, `too_large`, `too_slow`, or a rejection's label.
    pub outcome: &'static str,
}

/// A source.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Source {
    /// The source's name.
    pub source: String,
}

/// A polled source and what a question ended with.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Poll {
    /// The source's name.
    pub source: String,
    /// `news`, `nothing`, `failed`, `busy`, `refused`.
    pub outcome: &'static str,
}

/// A destination and what an attempt ended with.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Attempt {
    /// The destination's name.
    pub destination: String,
    /// `delivered`, `retry`, `refused`, `dead`.
    pub outcome: &'static str,
}

/// A destination.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Lane {
    /// The destination's name.
    pub destination: String,
}

/// Every metric of the gateway.
pub struct Metrics {
    registry: Registry,
    /// `sluicegate_requests_total`.
    pub requests: Family<Ingress, Counter>,
    /// `sluicegate_events_total`.
    pub events: Family<Source, Counter>,
    /// `sluicegate_duplicates_total`.
    pub duplicates: Family<Source, Counter>,
    /// `sluicegate_accept_seconds`.
    pub accept_seconds: Histogram,
    /// `sluicegate_requests_in_flight`.
    pub in_flight: Gauge,
    /// `sluicegate_polls_total`.
    pub polls: Family<Poll, Counter>,
    /// `sluicegate_poll_staleness_seconds`.
    pub staleness: Family<Source, Gauge<f64, AtomicU64>>,
    /// `sluicegate_attempts_total`.
    pub attempts: Family<Attempt, Counter>,
    /// `sluicegate_pending`.
    pub pending: Family<Lane, Gauge>,
    /// `sluicegate_journal_commits`.
    pub commits: Gauge<u64, AtomicU64>,
    /// `sluicegate_journal_rollbacks`.
    pub rollbacks: Gauge<u64, AtomicU64>,
}

/// Name and meaning of every metric, for `docs/metrics.md`; the names are those of the registry.
pub const METRICS: &[(&str, &str)] = &[
    ("sluicegate_requests_total", "Requests by source and outcome."),
    ("sluicegate_events_total", "Events written, by source."),
    ("sluicegate_duplicates_total", "Events that were known already, by source."),
    ("sluicegate_accept_seconds", "Time from the last byte of a request to its durability."),
    ("sluicegate_requests_in_flight", "Requests between their first byte and their answer."),
    ("sluicegate_polls_total", "Questions to providers that do not push, by source and outcome."),
    (
        "sluicegate_poll_staleness_seconds",
        "How long ago the conversation was asked that has waited longest, by source.",
    ),
    ("sluicegate_attempts_total", "Attempts by destination and outcome."),
    ("sluicegate_pending", "Deliveries that are still to be made, by destination."),
    ("sluicegate_journal_commits", "Transactions since start."),
    ("sluicegate_journal_rollbacks", "Transactions that could not be written, since start."),
];

fn help(name: &str) -> &'static str {
    let found = METRICS.iter().find(|it| it.0.trim_end_matches("_total") == name);
    found.map_or("", |it| it.1.trim_end_matches('.'))
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("sluicegate");
        let buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
        let this = Self {
            registry: Registry::default(),
            requests: Family::default(),
            events: Family::default(),
            duplicates: Family::default(),
            accept_seconds: Histogram::new(buckets),
            in_flight: Gauge::default(),
            polls: Family::default(),
            staleness: Family::default(),
            attempts: Family::default(),
            pending: Family::default(),
            commits: Gauge::default(),
            rollbacks: Gauge::default(),
        };
        let name = |it: &str| help(&format!("sluicegate_{it}"));
        registry.register("requests", name("requests"), this.requests.clone());
        registry.register("events", name("events"), this.events.clone());
        registry.register("duplicates", name("duplicates"), this.duplicates.clone());
        registry.register("accept_seconds", name("accept_seconds"), this.accept_seconds.clone());
        registry.register("requests_in_flight", name("requests_in_flight"), this.in_flight.clone());
        registry.register("polls", name("polls"), this.polls.clone());
        let staleness = "poll_staleness_seconds";
        registry.register(staleness, name(staleness), this.staleness.clone());
        registry.register("attempts", name("attempts"), this.attempts.clone());
        registry.register("pending", name("pending"), this.pending.clone());
        registry.register("journal_commits", name("journal_commits"), this.commits.clone());
        registry.register("journal_rollbacks", name("journal_rollbacks"), this.rollbacks.clone());
        Self { registry, ..this }
    }
}

impl Metrics {
    /// Everything, in the OpenMetrics text format.
    pub fn render(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a string cannot fail");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_listed_and_no_other() {
        let metrics = Metrics::default();
        // A family shows nothing before its first label.
        let name = String::new;
        let ingress = Ingress { source: name(), outcome: "accepted" };
        metrics.requests.get_or_create(&ingress).inc();
        metrics.events.get_or_create(&Source { source: name() }).inc();
        metrics.duplicates.get_or_create(&Source { source: name() }).inc();
        metrics.polls.get_or_create(&Poll { source: name(), outcome: "news" }).inc();
        metrics.staleness.get_or_create(&Source { source: name() }).set(1.0);
        let attempt = Attempt { destination: name(), outcome: "delivered" };
        metrics.attempts.get_or_create(&attempt).inc();
        metrics.pending.get_or_create(&Lane { destination: name() }).set(1);
        let text = metrics.render();
        let shown: Vec<&str> = text
            .lines()
            .filter_map(|it| it.strip_prefix("# TYPE "))
            .filter_map(|it| it.split(' ').next())
            .collect();
        let listed: Vec<&str> = METRICS.iter().map(|it| it.0.trim_end_matches("_total")).collect();
        assert_eq!(shown, listed);
        assert!(METRICS.iter().all(|it| it.1.ends_with('.')));
    }
}
