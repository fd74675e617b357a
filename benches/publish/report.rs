//! The figures, and what they say.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::load::Load;

/// The most CPU of a confirmed message, in microseconds.
const CPU_US: f64 = 8.0;

/// The least rate at which the backlog must stay flat, in events per second.
const RATE: u32 = 20_000;

/// The most memory with a million deliveries pending, in bytes.
const MEMORY: u64 = 200 * 1024 * 1024;

/// The longest start, in scans of the file.
const START: f64 = 10.0;

/// One client in one round.
#[derive(Serialize)]
pub(crate) struct Round {
    client: &'static str,
    number: usize,
    /// Confirmed messages per second.
    rate: f64,
    /// CPU of the whole process for each, in microseconds.
    cpu_us: f64,
}

impl Round {
    pub(crate) fn new(
        client: &'static str,
        number: usize,
        messages: usize,
        took: Duration,
        cpu: Duration,
    ) -> Self {
        let messages = messages as f64;
        let (rate, cpu_us) = (messages / took.as_secs_f64(), cpu.as_secs_f64() * 1e6 / messages);
        Self { client, number, rate, cpu_us }
    }
}

/// A load at a given rate.
#[derive(Serialize)]
pub(crate) struct Sustained {
    /// Events offered per second.
    offered: u32,
    /// Events answered 200 per second.
    answered: f64,
    /// By how much the backlog grew, in deliveries per second.
    growth: f64,
    /// The backlog when the last request was answered.
    left: u64,
    /// 99th percentile of the answers, from the moment each request was due.
    p99_ms: f64,
    /// CPU of the gateway for each event, until everything was settled, in microseconds.
    gateway_us: f64,
    /// The same of the broker.
    broker_us: f64,
    /// The same of the generator.
    generator_us: f64,
}

impl Sustained {
    /// `backlog` is what was pending at which second; `cpu` of gateway, broker, generator.
    pub(crate) fn new(
        offered: u32,
        load: &Load,
        backlog: &[(f64, u64)],
        cpu: [Duration; 3],
    ) -> Self {
        let events = load.latencies.len() as f64;
        let [gateway_us, broker_us, generator_us] = cpu.map(|it| it.as_secs_f64() * 1e6 / events);
        Self {
            offered,
            answered: load.rate(),
            growth: slope(&backlog[backlog.len() / 4..]),
            left: backlog.last().map_or(0, |it| it.1),
            p99_ms: load.percentile(0.99),
            gateway_us,
            broker_us,
            generator_us,
        }
    }

    /// Whether everything was taken at once, and the backlog did not grow by more than a hundredth.
    pub(crate) fn holds(&self) -> bool {
        let offered = f64::from(self.offered);
        self.answered >= 0.97 * offered && self.growth <= 0.01 * offered
    }
}

/// The slope of the line that fits these points best.
fn slope(points: &[(f64, u64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, u64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|it| it.0), mean(|it| it.1 as f64));
    let above: f64 = points.iter().map(|it| (it.0 - x) * (it.1 as f64 - y)).sum();
    let below: f64 = points.iter().map(|it| (it.0 - x).powi(2)).sum();
    if below > 0.0 { above / below } else { 0.0 }
}

/// Very many deliveries that cannot be made.
#[derive(Serialize)]
pub(crate) struct Pending {
    pub(crate) count: u64,
    /// Memory before the first event, in bytes.
    pub(crate) empty: u64,
    /// Memory with all of them pending.
    pub(crate) full: u64,
    /// The same after a start.
    pub(crate) restarted: u64,
    /// The size of the journal.
    pub(crate) bytes: u64,
    /// How long it takes to read it.
    pub(crate) scan: Duration,
    /// How long it takes to start on it.
    pub(crate) start: Duration,
}

/// Everything that was measured.
#[derive(Serialize)]
pub(crate) struct Figures {
    pub(crate) queue_type: String,
    /// What else this machine had to do, as `/proc/loadavg` has it.
    pub(crate) load: [String; 2],
    pub(crate) rounds: Vec<Round>,
    pub(crate) sustained: Vec<Sustained>,
    pub(crate) pending: Option<Pending>,
    /// Whether enough was measured to hold against the thresholds.
    pub(crate) judged: bool,
}

/// What was measured, whether that is enough, and how it is said.
struct Verdict {
    pass: bool,
    words: String,
}

impl Figures {
    /// Whether every threshold that applies is met.
    pub(crate) fn pass(&self) -> bool {
        !self.judged || self.verdicts().iter().all(|it| it.pass)
    }

    fn verdicts(&self) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        if !self.rounds.is_empty() {
            let cpu = self.median("gateway", |it| it.cpu_us);
            let words = format!("CPU of a confirmed message: {cpu:.1} us (needs {CPU_US:.0})");
            verdicts.push(Verdict { pass: cpu <= CPU_US, words });
        }
        if !self.sustained.is_empty() {
            let held = self.sustained.iter().filter(|it| it.holds()).map(|it| it.offered).max();
            let held = held.unwrap_or_default();
            let words = format!("flat backlog: at {held} events/s (needs {RATE})");
            verdicts.push(Verdict { pass: held >= RATE, words });
        }
        if let Some(it) = &self.pending {
            let most = it.full.max(it.restarted);
            let words = format!(
                "memory with {} pending: {} MB (needs {})",
                it.count,
                megabytes(most),
                megabytes(MEMORY)
            );
            verdicts.push(Verdict { pass: most <= MEMORY, words });
            let scans = it.start.as_secs_f64() / it.scan.as_secs_f64();
            let words = format!("start: {scans:.1} scans of the journal (needs {START:.0})");
            verdicts.push(Verdict { pass: scans <= START, words });
        }
        verdicts
    }

    fn median(&self, client: &str, of: fn(&Round) -> f64) -> f64 {
        let rounds = self.rounds.iter().filter(|it| it.client == client);
        let mut values: Vec<f64> = rounds.map(of).collect();
        values.sort_unstable_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    }
}

fn megabytes(bytes: u64) -> u64 {
    bytes / (1024 * 1024)
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [before, after] = &self.load;
        writeln!(f, "{} queue; load average {before} before, {after} after\n", self.queue_type)?;
        if !self.rounds.is_empty() {
            writeln!(f, "{:<15} {:>5} {:>11} {:>13}", "client", "round", "messages/s", "CPU each")?;
            for it in &self.rounds {
                let Round { client, number, rate, cpu_us } = it;
                writeln!(f, "{client:<15} {number:>5} {rate:>11.0} {cpu_us:>10.2} us")?;
            }
            writeln!(f, "\nmedians")?;
            for client in ["limit", "lapin, awaited", "lapin, polled", "gateway"] {
                let (rate, cpu) =
                    (self.median(client, |it| it.rate), self.median(client, |it| it.cpu_us));
                writeln!(f, "{client:<21} {rate:>11.0} {cpu:>10.2} us")?;
            }
            writeln!(f)?;
        }
        for it in &self.sustained {
            writeln!(
                f,
                "{} events/s offered: {:.0} answered, p99 {:.1} ms; backlog grew by {:.0}/s to {}; \
                 CPU of an event {:.1} us, of the broker {:.1} us, of the generator {:.1} us",
                it.offered,
                it.answered,
                it.p99_ms,
                it.growth,
                it.left,
                it.gateway_us,
                it.broker_us,
                it.generator_us
            )?;
        }
        if let Some(it) = &self.pending {
            writeln!(
                f,
                "{} pending: {} MB of memory, {} empty, {} after a start; the start took {:.2} s, \
                 reading the {} MB of the journal {:.2} s",
                it.count,
                megabytes(it.full),
                megabytes(it.empty),
                megabytes(it.restarted),
                it.start.as_secs_f64(),
                megabytes(it.bytes),
                it.scan.as_secs_f64()
            )?;
        }
        writeln!(f)?;
        if !self.judged {
            return write!(f, "everything works; too little was measured for a verdict");
        }
        for it in self.verdicts() {
            writeln!(f, "{}: {}", it.words, if it.pass { "pass" } else { "fail" })?;
        }
        Ok(())
    }
}
