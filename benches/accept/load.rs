//! The generator: raw HTTP/1.1 over keep-alive connections, cheap enough to leave the processors
//! to the servers.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Barrier, Semaphore};
use tokio::task::JoinSet;

use crate::messages::Requests;

/// No load takes longer than this.
const PATIENCE: Duration = Duration::from_mins(2);

/// What was seen; every request was answered 200.
pub(crate) struct Load {
    /// From the first request to the last answer.
    pub(crate) took: Duration,
    /// Of each request, in ascending order.
    pub(crate) latencies: Vec<Duration>,
}

impl Load {
    /// The latency that this share of the requests did not exceed, in milliseconds.
    pub(crate) fn percentile(&self, share: f64) -> f64 {
        percentile(&self.latencies, share)
    }

    /// Answers per second.
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }
}

/// A percentile of ascending durations, in milliseconds.
pub(crate) fn percentile(ascending: &[Duration], share: f64) -> f64 {
    let last = ascending.len().saturating_sub(1);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is an index")]
    let index = (last as f64 * share).round() as usize;
    ascending.get(index).map_or(0.0, |it| it.as_secs_f64() * 1e3)
}

/// When requests are sent.
enum Pace {
    /// Each as soon as its connection is free.
    Closed,
    /// Each at its moment, whatever became of those before.
    Open { due: Semaphore, interval: Duration, tick: Duration, began: OnceLock<Instant> },
}

/// What the connections of one load share.
struct Run {
    requests: Arc<Requests>,
    next: AtomicUsize,
    pace: Pace,
    start: Barrier,
}

/// Sends every request, each connection the next as soon as it has its answer.
pub(crate) async fn closed(
    address: SocketAddr,
    requests: &Arc<Requests>,
    connections: usize,
) -> Result<Load> {
    run(address, requests, connections, Pace::Closed).await
}

/// Sends `rate` requests per second. A latency counts from the moment its request was due, so that
/// a server that stalls is charged for the requests it held up. What falls due within a `tick` goes
/// together at its end: whoever asks for no latency need not pay a wake-up for each request.
pub(crate) async fn open(
    address: SocketAddr,
    requests: &Arc<Requests>,
    connections: usize,
    rate: f64,
    tick: Duration,
) -> Result<Load> {
    let interval = Duration::from_secs_f64(1.0 / rate);
    let pace = Pace::Open { due: Semaphore::new(0), interval, tick, began: OnceLock::new() };
    run(address, requests, connections, pace).await
}

async fn run(
    address: SocketAddr,
    requests: &Arc<Requests>,
    connections: usize,
    pace: Pace,
) -> Result<Load> {
    let run = Arc::new(Run {
        requests: Arc::clone(requests),
        next: AtomicUsize::new(0),
        pace,
        start: Barrier::new(connections + 1),
    });
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(address).await.context("no connection")?;
        stream.set_nodelay(true)?;
        tasks.spawn(connection(stream, Arc::clone(&run)));
    }
    run.start.wait().await;
    let began = Instant::now();
    if let Pace::Open { began: shared, .. } = &run.pace {
        shared.get_or_init(|| began);
        let run = Arc::clone(&run);
        std::thread::spawn(move || ring(&run, connections));
    }
    let mut latencies = Vec::with_capacity(requests.len());
    let all = async {
        while let Some(result) = tasks.join_next().await {
            let sent: Vec<(Instant, Instant)> = result??;
            latencies.extend(sent.into_iter().map(|(due, answered)| answered - due));
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, all).await.context("the load did not end")??;
    let took = began.elapsed();
    ensure!(latencies.len() == requests.len(), "some requests were never answered");
    latencies.sort_unstable();
    Ok(Load { took, latencies })
}

/// Lets each request go at its moment. A thread of its own: the runtime's timer has milliseconds.
fn ring(run: &Run, connections: usize) {
    let Pace::Open { due, interval, tick, began } = &run.pace else { return };
    let moment_of = |index: usize| *began.wait() + interval.mul_f64(index as f64);
    let mut rung = 0;
    while rung < run.requests.len() {
        let mut moment = moment_of(rung);
        let now = Instant::now();
        let before = rung;
        while moment <= now && rung < run.requests.len() {
            rung += 1;
            moment = moment_of(rung);
        }
        due.add_permits(rung - before);
        std::thread::sleep(moment.saturating_duration_since(now).max(*tick));
    }
    // One more for each connection, which then finds that nothing is left.
    due.add_permits(connections);
}

/// One connection: when each of its requests was due, and when it was answered.
async fn connection(mut stream: TcpStream, run: Arc<Run>) -> Result<Vec<(Instant, Instant)>> {
    let mut sent = Vec::new();
    let mut buffer = Vec::with_capacity(4_096);
    run.start.wait().await;
    loop {
        if let Pace::Open { due, .. } = &run.pace {
            due.acquire().await?.forget();
        }
        let index = run.next.fetch_add(1, Ordering::Relaxed);
        let Some(request) = run.requests.get(index) else { return Ok(sent) };
        let due = match &run.pace {
            Pace::Closed => Instant::now(),
            Pace::Open { interval, began, .. } => *began.wait() + interval.mul_f64(index as f64),
        };
        stream.write_all(request).await?;
        buffer.clear();
        while !is_complete(&buffer)? {
            ensure!(stream.read_buf(&mut buffer).await? > 0, "the connection was closed");
        }
        sent.push((due, Instant::now()));
    }
}

/// Whether a whole answer is there; anything but a 200 is an error.
fn is_complete(answer: &[u8]) -> Result<bool> {
    let Some(end) = answer.windows(4).position(|it| it == b"\r\n\r\n") else { return Ok(false) };
    let head = str::from_utf8(&answer[..end])?;
    ensure!(head.starts_with("HTTP/1.1 200 "), "answered `{}`", head.lines().next().unwrap_or(""));
    let length = head
        .lines()
        .filter_map(|it| it.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .context("an answer without a length")?;
    Ok(answer.len() >= end + 4 + length.1.trim().parse::<usize>()?)
}

/// One answer as it came, without its date: to see that two servers answer the same.
pub(crate) async fn probe(address: SocketAddr, request: &[u8]) -> Result<Vec<String>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request).await?;
    let mut buffer = Vec::new();
    while !is_complete(&buffer)? {
        ensure!(stream.read_buf(&mut buffer).await? > 0, "the connection was closed");
    }
    let mut lines: Vec<String> = String::from_utf8(buffer)?
        .lines()
        .filter(|it| !it.starts_with("date:"))
        .map(str::to_owned)
        .collect();
    lines.sort_unstable();
    Ok(lines)
}
