//! The figures, and what they say.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::load::Load;

/// The least share of the limit's rate.
const RATE: f64 = 0.40;

/// The most CPU per event, in that of the limit.
const CPU: f64 = 2.6;

/// One server in one round.
#[derive(Serialize)]
pub(crate) struct Round {
    server: &'static str,
    number: usize,
    connections: usize,
    /// Requests per second.
    pub(crate) rate: f64,
    /// CPU of the server for each event, in microseconds.
    cpu_us: f64,
    /// The same, once everything was delivered.
    drained_us: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// CPU of the generator for each request, in microseconds.
    generator_us: f64,
}

impl Round {
    /// `cpu` is that of the server, of the server once drained, and of the generator.
    pub(crate) fn new(
        server: &'static str,
        number: usize,
        connections: usize,
        load: &Load,
        cpu: [Duration; 3],
    ) -> Self {
        let events = load.latencies.len() as f64;
        let [cpu_us, drained_us, generator_us] = cpu.map(|it| it.as_secs_f64() * 1e6 / events);
        Self {
            server,
            number,
            connections,
            rate: load.rate(),
            cpu_us,
            drained_us,
            p50_ms: load.percentile(0.5),
            p99_ms: load.percentile(0.99),
            generator_us,
        }
    }
}

/// The middle of several rounds, and the gateway's ratios to the limit of the same round.
#[derive(Serialize)]
pub(crate) struct Median {
    connections: usize,
    limit: Server,
    gateway: Server,
    rate_ratio: f64,
    cpu_ratio: f64,
}

/// The medians of one server.
#[derive(Serialize)]
pub(crate) struct Server {
    pub(crate) rate: f64,
    cpu_us: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// Latencies of an open loop, corrected for coordinated omission.
#[derive(Serialize)]
pub(crate) struct Latency {
    /// Requests per second.
    rate: f64,
    limit: Percentiles,
    gateway: Percentiles,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the unit is part of each name in the JSON")]
struct Percentiles {
    p50_ms: f64,
    p99_ms: f64,
    p999_ms: f64,
}

impl Latency {
    /// The median of each percentile over several loads.
    pub(crate) fn new(rate: f64, limit: &[Load], gateway: &[Load]) -> Self {
        let of = |loads: &[Load], share| median(loads.iter().map(|it| it.percentile(share)));
        let percentiles = |loads: &[Load]| Percentiles {
            p50_ms: of(loads, 0.5),
            p99_ms: of(loads, 0.99),
            p999_ms: of(loads, 0.999),
        };
        Self { rate, limit: percentiles(limit), gateway: percentiles(gateway) }
    }
}

/// One write and fdatasync of 64 KiB.
#[derive(Serialize)]
pub(crate) struct Sync {
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// Everything that was measured.
pub(crate) struct Figures {
    pub(crate) workers: usize,
    pub(crate) requests: usize,
    /// The thresholds apply to this number of connections.
    pub(crate) connections: usize,
    pub(crate) rounds: Vec<Round>,
    pub(crate) latency: Option<Latency>,
    pub(crate) sync: Sync,
    /// Whether enough was measured to hold against the thresholds.
    pub(crate) judged: bool,
}

impl Figures {
    /// The gateway's medians at the connections that count.
    pub(crate) fn gateway(&self) -> Server {
        self.median(self.connections).gateway
    }

    /// Whether both thresholds are met, or none applies.
    pub(crate) fn pass(&self) -> bool {
        if !self.judged {
            return true;
        }
        let median = self.median(self.connections);
        median.rate_ratio >= RATE && median.cpu_ratio <= CPU
    }

    fn median(&self, connections: usize) -> Median {
        let of = |server| {
            self.rounds
                .iter()
                .filter(move |it| it.server == server && it.connections == connections)
        };
        let server = |name| Server {
            rate: median(of(name).map(|it| it.rate)),
            cpu_us: median(of(name).map(|it| it.drained_us)),
            p50_ms: median(of(name).map(|it| it.p50_ms)),
            p99_ms: median(of(name).map(|it| it.p99_ms)),
        };
        // Within a round both met the same neighbours on the machine.
        let pairs = || of("gateway").zip(of("limit"));
        Median {
            connections,
            limit: server("limit"),
            gateway: server("gateway"),
            rate_ratio: median(pairs().map(|(it, limit)| it.rate / limit.rate)),
            cpu_ratio: median(pairs().map(|(it, limit)| it.drained_us / limit.drained_us)),
        }
    }

    fn medians(&self) -> Vec<Median> {
        let mut connections: Vec<usize> = self.rounds.iter().map(|it| it.connections).collect();
        connections.sort_unstable();
        connections.dedup();
        connections.into_iter().map(|it| self.median(it)).collect()
    }
}

impl Serialize for Figures {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::json!({
            "workers": self.workers,
            "requests": self.requests,
            "rounds": self.rounds,
            "medians": self.medians(),
            "open_loop": self.latency,
            "fdatasync": self.sync,
            "pass": self.pass(),
        })
        .serialize(serializer)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { workers, requests, rounds, sync, .. } = self;
        writeln!(f, "{workers} workers, {requests} requests a round, CPU per event\n")?;
        writeln!(
            f,
            "{:<8} {:>5} {:>5} {:>10} {:>10} {:>11} {:>9} {:>9} {:>13}",
            "server",
            "round",
            "conn",
            "requests/s",
            "CPU",
            "CPU drained",
            "p50",
            "p99",
            "generator CPU"
        )?;
        for it in rounds {
            writeln!(
                f,
                "{:<8} {:>5} {:>5} {:>10.0} {:>7.2} us {:>8.2} us {:>6.2} ms {:>6.2} ms {:>10.2} us",
                it.server,
                it.number,
                it.connections,
                it.rate,
                it.cpu_us,
                it.drained_us,
                it.p50_ms,
                it.p99_ms,
                it.generator_us,
            )?;
        }
        writeln!(f, "\nmedians")?;
        for it in self.medians() {
            for (name, server) in [("limit", &it.limit), ("gateway", &it.gateway)] {
                writeln!(
                    f,
                    "{name:<8} {:>11} {:>10.0} {:>19.2} us {:>6.2} ms {:>6.2} ms",
                    it.connections, server.rate, server.cpu_us, server.p50_ms, server.p99_ms
                )?;
            }
            writeln!(
                f,
                "{:<8} {:>11} {:>10.2} {:>19.2}",
                "ratio", "", it.rate_ratio, it.cpu_ratio
            )?;
        }
        if let Some(Latency { rate, limit, gateway }) = &self.latency {
            writeln!(f, "\nlatency at {rate:.0} requests/s, from the moment each was due")?;
            for (name, it) in [("limit", limit), ("gateway", gateway)] {
                let Percentiles { p50_ms, p99_ms, p999_ms } = it;
                writeln!(
                    f,
                    "{name:<8} p50 {p50_ms:.2} ms, p99 {p99_ms:.2} ms, p99.9 {p999_ms:.2} ms"
                )?;
            }
            writeln!(f, "p99 is {:.1} of the limit's", gateway.p99_ms / limit.p99_ms)?;
            writeln!(f, "p99 is {:.1} of one fdatasync's", gateway.p99_ms / sync.p99_ms)?;
        }
        let Sync { p50_ms, p99_ms } = sync;
        writeln!(f, "fdatasync of 64 KiB: p50 {p50_ms:.2} ms, p99 {p99_ms:.2} ms\n")?;
        if !self.judged {
            return write!(f, "everything works; too little was measured for a verdict");
        }
        let Median { rate_ratio, cpu_ratio, connections, .. } = self.median(self.connections);
        let verdict = |pass| if pass { "pass" } else { "fail" };
        writeln!(
            f,
            "rate at {connections} connections: {rate_ratio:.2} of the limit (needs {RATE:.2}): {}",
            verdict(rate_ratio >= RATE)
        )?;
        write!(
            f,
            "CPU per event: {cpu_ratio:.1} of the limit's (needs at most {CPU:.1}): {}",
            verdict(cpu_ratio <= CPU)
        )
    }
}

/// The middle value; of an even number, the mean of the two.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        it if it % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}
