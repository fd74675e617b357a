//! `cargo bench --bench publish`: from the journal to RabbitMQ and back. See docs/bench.md.

#![expect(clippy::cast_precision_loss, reason = "figures are rounded for people")]

mod broker;
mod clients;
mod lapin_alone;
mod parcels;
mod pending;
mod raw;
mod report;
mod sustained;
#[path = "../cpu.rs"]
mod cpu;
#[path = "../accept/load.rs"]
#[allow(dead_code, reason = "the rest is for the other bench")]
mod load;
#[path = "../accept/messages.rs"]
mod messages;
#[path = "../accept/server.rs"]
#[allow(dead_code, reason = "the rest is for the other bench")]
mod server;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};
use broker::Broker;
use clap::{Parser, ValueEnum};
use report::Figures;
use tokio::signal::unix::{SignalKind, signal};

/// The gateway's own allocator, so that every client has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// From the journal to RabbitMQ and back.
#[derive(Debug, Parser)]
struct Arguments {
    /// What to measure.
    #[arg(long, value_delimiter = ',', default_value = "publish,sustained,pending")]
    parts: Vec<Part>,
    /// Rounds of publishing; each measures every client.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Batches of 256 messages that a client publishes in one round.
    #[arg(long, default_value_t = 80)]
    batches: usize,
    /// `quorum` or `classic`.
    #[arg(long, default_value = "quorum")]
    queue_type: String,
    /// Events per second to try, until the backlog stays flat.
    #[arg(long, value_delimiter = ',', default_value = "20000,16000,12000,8000")]
    rates: Vec<u32>,
    /// How long each rate lasts, in seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Deliveries to be pending.
    #[arg(long, default_value_t = 1_000_000)]
    pending: usize,
    /// Workers of the gateway; the number of processors by default.
    #[arg(long)]
    workers: Option<usize>,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
    /// Only see that everything works, within seconds: no thresholds.
    #[arg(long)]
    quick: bool,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// CPU of a confirmed message.
    Publish,
    /// The rate at which the backlog stays flat.
    Sustained,
    /// Memory and start-up with very many deliveries pending.
    Pending,
}

fn main() -> Result<ExitCode> {
    let mut arguments = Arguments::parse();
    if arguments.quick {
        (arguments.rounds, arguments.batches) = (1, 8);
        (arguments.rates, arguments.seconds, arguments.pending) = (vec![1_000], 2, 20_000);
    }
    ensure!(arguments.rounds > 0 && arguments.batches > 0, "at least one round and one batch");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let figures = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            figures = measure(&arguments) => figures,
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
async fn measure(arguments: &Arguments) -> Result<Figures> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = arguments.workers.unwrap_or(processors);
    // Inside the target directory, which is on a real disk where a temporary one may not be.
    let directory = || {
        let mut builder = tempfile::Builder::new();
        builder.prefix("publish").tempdir_in(env!("CARGO_TARGET_TMPDIR"))
    };
    let wanted = |part| arguments.parts.contains(&part);
    let before = load_average()?;
    let (mut rounds, mut sustained) = (Vec::new(), Vec::new());
    if wanted(Part::Publish) || wanted(Part::Sustained) {
        let broker = Broker::new(&arguments.queue_type).await?;
        let measuring = async {
            if wanted(Part::Publish) {
                rounds = clients::measure(&broker, arguments.rounds, arguments.batches).await?;
            }
            if wanted(Part::Sustained) {
                let (directory, time) = (directory()?, Duration::from_secs(arguments.seconds));
                let (path, rates) = (directory.path(), &arguments.rates);
                sustained = sustained::measure(&broker, path, workers, rates, time).await?;
            }
            anyhow::Ok(())
        };
        let measured = measuring.await;
        broker.clean().await?;
        measured?;
    }
    let mut pending = None;
    if wanted(Part::Pending) {
        let directory = directory()?;
        pending = Some(pending::measure(directory.path(), workers, arguments.pending).await?);
    }
    Ok(Figures {
        queue_type: arguments.queue_type.clone(),
        load: [before, load_average()?],
        rounds,
        sustained,
        pending,
        judged: !arguments.quick,
    })
}

/// How busy the machine was over the last minute.
fn load_average() -> Result<String> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').next().unwrap_or_default().to_owned())
}
