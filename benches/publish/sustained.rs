//! Accepted, confirmed by RabbitMQ and settled, at a given rate: does the backlog grow?

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::broker::Broker;
use crate::cpu::Cpu;
use crate::load::{self, Load};
use crate::messages::{Requests, SECRET};
use crate::report::Sustained;
use crate::server::Server;

/// Connections of the generator.
const CONNECTIONS: usize = 256;

/// What falls due within this goes together.
const TICK: Duration = Duration::from_millis(1);

/// How often the backlog is read.
const LOOK: Duration = Duration::from_millis(250);

/// How long what is left may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// The gateway's routes: everything goes to the bus.
pub(crate) fn routes(url: &str, exchange: &str, queue: &str, queue_type: &str) -> String {
    let secret = String::from_utf8_lossy(SECRET);
    format!(
        "broker: \"{url}\"\n\
         sources:\n  whatsapp: {{ provider: whatsapp, app_secrets: [\"{secret}\"], verify_token: t }}\n\
         destinations:\n  events: {{ kind: queue, exchange: {exchange}, queue_type: {queue_type}, \
         queues: {{ {queue}: [\"#\"] }} }}\n\
         routes:\n  - {{ name: everything to the bus, to: events }}\n"
    )
}

/// One rate after another, until the backlog stays flat.
pub(crate) async fn measure(
    broker: &Broker,
    directory: &Path,
    workers: usize,
    rates: &[u32],
    time: Duration,
) -> Result<Vec<Sustained>> {
    let routes = routes(&broker.url, &broker.exchange(), &broker.queue(), &broker.queue_type);
    let gateway = Server::routed(directory, workers, &routes)?;
    broker.queue_appears().await.with_context(|| gateway.log())?;
    let mut run = Run { broker, gateway, built: 0 };
    run.at(2_000, Duration::from_secs(2)).await.with_context(|| run.gateway.log())?;
    let mut measured = Vec::new();
    for &rate in rates {
        let one = run.at(rate, time).await.with_context(|| run.gateway.log())?;
        let holds = one.holds();
        measured.push(one);
        if holds {
            break;
        }
    }
    Ok(measured)
}

struct Run<'a> {
    broker: &'a Broker,
    gateway: Server,
    /// Messages made so far.
    built: usize,
}

impl Run<'_> {
    async fn at(&mut self, rate: u32, time: Duration) -> Result<Sustained> {
        let count = rate as usize * usize::try_from(time.as_secs())?;
        let now = sluicegate::clock::now().as_second();
        let requests = Arc::new(Requests::build(self.built, count, now));
        self.built += count;
        let (gateway, broker) = (&self.gateway, self.broker);
        let cpu = || anyhow::Ok([gateway.cpu()?, rabbitmq()?, Cpu::of("self")?]);
        let before = cpu()?;
        let over = AtomicBool::new(false);
        let loading = async {
            let address = gateway.address;
            let load = tokio::task::spawn_blocking(move || generate(address, &requests, rate));
            let load = load.await;
            over.store(true, Ordering::Relaxed);
            load?
        };
        let looking = async {
            let began = Instant::now();
            let mut backlog = Vec::new();
            while !over.load(Ordering::Relaxed) {
                backlog.push((began.elapsed().as_secs_f64(), gateway.pending()?));
                // Nobody consumes: a queue that grows would be measured too.
                broker.purge().await?;
                tokio::time::sleep(LOOK).await;
            }
            anyhow::Ok(backlog)
        };
        let (load, backlog) = tokio::join!(loading, looking);
        let (load, backlog) = (load?, backlog?);
        let began = Instant::now();
        while gateway.pending()? > 0 {
            ensure!(began.elapsed() < PATIENCE, "{} deliveries are left", gateway.pending()?);
            broker.purge().await?;
            tokio::time::sleep(LOOK).await;
        }
        let [gateway, broker, own] = cpu()?;
        let cpu = [gateway.since(before[0]), broker.since(before[1]), own.since(before[2])];
        Ok(Sustained::new(rate, &load, &backlog, cpu))
    }
}

/// The load, on one thread: what the generator uses is not there for those that are measured.
fn generate(address: SocketAddr, requests: &Arc<Requests>, rate: u32) -> Result<Load> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(load::open(address, requests, CONNECTIONS, f64::from(rate), TICK))
}

/// The processor time of the broker, if it runs here.
fn rabbitmq() -> Result<Cpu> {
    let named = |pid: &str| {
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm"));
        name.is_ok_and(|it| it.trim() == "beam.smp")
    };
    let processes = std::fs::read_dir("/proc")?
        .filter_map(|it| it.ok()?.file_name().into_string().ok())
        .filter(|it| it.bytes().all(|it| it.is_ascii_digit()) && named(it));
    let mut sum = Cpu::default();
    for pid in processes {
        sum = sum.and(Cpu::of(&pid)?);
    }
    Ok(sum)
}
