//! `cargo bench`: the accept path beside a bare handler that does the least it could.
//!
//! Both servers get the same bytes from the same generator, in turn, within one run. What counts
//! are the ratios: they hold on any machine. See docs/bench.md.

#![expect(clippy::cast_precision_loss, reason = "figures are rounded for people")]

#[path = "../cpu.rs"]
mod cpu;
mod limit;
mod load;
#[allow(dead_code, reason = "the rest is for the other bench")]
mod messages;
mod report;
#[allow(dead_code, reason = "the rest is for the other bench")]
mod server;

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use cpu::Cpu;
use load::{Load, percentile};
use messages::Requests;
use report::{Figures, Latency, Round, Sync};
use server::Server;
use tokio::signal::unix::{SignalKind, signal};

/// The gateway's own allocator, so that the limit has it too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long the open loop lasts.
const OPEN: Duration = Duration::from_secs(4);

/// The accept path beside its limit.
#[derive(Debug, Parser)]
struct Arguments {
    /// Rounds for each number of connections; each measures the limit, then the gateway.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Requests of one round.
    #[arg(long, default_value_t = 60_000)]
    requests: usize,
    /// Connections at once; the thresholds apply to the last.
    #[arg(long, value_delimiter = ',', default_value = "64,256")]
    connections: Vec<usize>,
    /// Workers of both servers; the number of processors by default.
    #[arg(long)]
    workers: Option<usize>,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
    /// Only see that everything works, within seconds: no thresholds.
    #[arg(long)]
    quick: bool,
    /// Serve the limit at this address; how the bench starts its own child.
    #[arg(long, hide = true)]
    serve_limit: Option<SocketAddr>,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<ExitCode> {
    let mut arguments = Arguments::parse();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = arguments.workers.unwrap_or(processors);
    if let Some(address) = arguments.serve_limit {
        limit::serve(address, workers)?;
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.quick {
        (arguments.rounds, arguments.requests, arguments.connections) = (1, 5_000, vec![64]);
    }
    ensure!(arguments.rounds > 0 && arguments.requests > 0, "at least one round and one request");
    ensure!(arguments.connections.iter().all(|it| *it > 0), "at least one connection");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let figures = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            figures = measure(&arguments, workers) => figures,
            // Dropping what is measured ends the servers.
            _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
            _ = terminate.recv() => Err(anyhow::anyhow!("interrupted")),
        }
    })?;
    let shown =
        if arguments.json { serde_json::to_string_pretty(&figures)? } else { figures.to_string() };
    writeln!(std::io::stdout(), "{shown}")?;
    Ok(if figures.pass() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The whole run.
async fn measure(arguments: &Arguments, workers: usize) -> Result<Figures> {
    // Inside the target directory, which is on a real disk where a temporary one may not be.
    let directory =
        tempfile::Builder::new().prefix("accept").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let sync = fdatasync(directory.path())?;
    let limit = Server::limit(directory.path(), workers)?;
    let gateway = Server::gateway(directory.path(), workers)?;
    let mut bench = Bench { limit, gateway, built: 0, accepted: 0 };
    bench.warm_up(arguments.requests.min(5_000)).await.context("while warming up")?;
    let mut rounds = Vec::new();
    for round in 1..=arguments.rounds {
        for &connections in &arguments.connections {
            let requests = bench.requests(arguments.requests);
            let pair = bench.round(&requests, round, connections).await;
            rounds.extend(pair.with_context(|| bench.failure())?);
        }
    }
    let connections = *arguments.connections.last().context("no number of connections")?;
    let mut figures = Figures {
        workers,
        requests: arguments.requests,
        connections,
        rounds,
        latency: None,
        sync,
        judged: !arguments.quick,
    };
    let rate = figures.gateway().rate / 2.0;
    let repeats = arguments.rounds.min(3);
    let latency = bench.latency(rate, connections, repeats).await;
    figures.latency = Some(latency.with_context(|| bench.failure())?);
    bench.check_stored()?;
    Ok(figures)
}

/// Both servers, and what they were sent.
struct Bench {
    limit: Server,
    gateway: Server,
    /// Messages made so far: the next has this number.
    built: usize,
    /// Requests the gateway answered 200.
    accepted: usize,
}

impl Bench {
    fn requests(&mut self, count: usize) -> Arc<Requests> {
        let requests = Requests::build(self.built, count, sluicegate::clock::now().as_second());
        self.built += count;
        Arc::new(requests)
    }

    /// Lets both servers reach their pace, and sees that they answer the same.
    async fn warm_up(&mut self, count: usize) -> Result<()> {
        let requests = self.requests(count);
        load::closed(self.limit.address, &requests, 64).await.context("the limit")?;
        load::closed(self.gateway.address, &requests, 64).await.context("the gateway")?;
        self.accepted += requests.len();
        let first = requests.get(0).context("no request")?;
        let of_limit = load::probe(self.limit.address, first).await?;
        let of_gateway = load::probe(self.gateway.address, first).await?;
        ensure!(of_limit == of_gateway, "not the same answer: {of_limit:?} and {of_gateway:?}");
        Ok(())
    }

    async fn round(
        &mut self,
        requests: &Arc<Requests>,
        round: usize,
        connections: usize,
    ) -> Result<[Round; 2]> {
        let before = (self.limit.cpu()?, Cpu::of("self")?);
        let load = load::closed(self.limit.address, requests, connections).await?;
        let cpu = self.limit.cpu()?.since(before.0);
        let generator = Cpu::of("self")?.since(before.1);
        let limit = Round::new("limit", round, connections, &load, [cpu, cpu, generator]);

        let before = (self.gateway.cpu()?, Cpu::of("self")?);
        let load = load::closed(self.gateway.address, requests, connections).await?;
        self.accepted += requests.len();
        let cpu = self.gateway.cpu()?.since(before.0);
        let generator = Cpu::of("self")?.since(before.1);
        self.gateway.drained().await?;
        let drained = self.gateway.cpu()?.since(before.0);
        let gateway = Round::new("gateway", round, connections, &load, [cpu, drained, generator]);
        Ok([limit, gateway])
    }

    /// Latencies at a rate that the gateway bears easily.
    async fn latency(&mut self, rate: f64, connections: usize, repeats: usize) -> Result<Latency> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is small")]
        let count = (rate * OPEN.as_secs_f64()) as usize / repeats;
        let (mut of_limit, mut of_gateway): (Vec<Load>, Vec<Load>) = (Vec::new(), Vec::new());
        for _ in 0..repeats {
            let requests = self.requests(count.max(1));
            let limit = &self.limit;
            of_limit.push(
                load::open(limit.address, &requests, connections, rate, Duration::ZERO).await?,
            );
            of_gateway.push(
                load::open(self.gateway.address, &requests, connections, rate, Duration::ZERO)
                    .await?,
            );
            self.accepted += requests.len();
            self.gateway.drained().await?;
        }
        Ok(Latency::new(rate, &of_limit, &of_gateway))
    }

    /// Every 200 must be an event, and no event may be there twice.
    fn check_stored(&self) -> Result<()> {
        let stored = self.gateway.counter("sluicegate_events_total")?;
        let accepted = u64::try_from(self.accepted)?;
        ensure!(stored == accepted, "{accepted} requests were answered 200, {stored} were stored");
        Ok(())
    }

    /// What the servers said, for the one who has to find out what went wrong.
    fn failure(&self) -> String {
        format!("the bench failed; the servers said:\n{}{}", self.limit.log(), self.gateway.log())
    }
}

/// What one sync of 64 KiB costs on this disk, where the file need not grow.
fn fdatasync(directory: &Path) -> Result<Sync> {
    const PIECE: usize = 64 * 1024;
    let mut file = std::fs::File::create(directory.join("sync"))?;
    let piece = vec![1; PIECE];
    file.write_all(&piece.repeat(64))?;
    file.sync_all()?;
    let mut took = Vec::new();
    for index in 0_u64..128 {
        std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(index % 64 * PIECE as u64))?;
        let began = Instant::now();
        file.write_all(&piece)?;
        file.sync_data()?;
        took.push(began.elapsed());
    }
    took.sort_unstable();
    Ok(Sync { p50_ms: percentile(&took, 0.5), p99_ms: percentile(&took, 0.99) })
}
