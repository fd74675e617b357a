//! What a long outage costs: memory and start-up with very many deliveries still to be made.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::load;
use crate::messages::Requests;
use crate::report::Pending;
use crate::server::Server;
use crate::sustained::routes;

/// Messages of one request, as platforms send them after an outage of ours.
const EACH: usize = 100;

/// Requests at once.
const CONNECTIONS: usize = 8;

/// Nobody listens there: the destination is held from the beginning.
const NOWHERE: &str = "amqp://127.0.0.1:1";

/// Fills a gateway, then starts it anew.
pub(crate) async fn measure(directory: &Path, workers: usize, count: usize) -> Result<Pending> {
    let routes = routes(NOWHERE, "bench", "bench.events", "quorum");
    let gateway = Server::routed(directory, workers, &routes)?;
    let empty = gateway.memory()?;
    let now = sluicegate::clock::now().as_second();
    let requests = Arc::new(Requests::batches(count, EACH, now));
    load::closed(gateway.address, &requests, CONNECTIONS).await.with_context(|| gateway.log())?;
    drop(requests);
    let pending = gateway.pending()?;
    ensure!(pending == count as u64, "{count} messages were sent, {pending} are pending");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let full = gateway.memory()?;
    drop(gateway);
    let (bytes, scan) = scan(&directory.join("data"))?;
    let began = Instant::now();
    let gateway = Server::routed(directory, workers, &routes)?;
    let start = began.elapsed();
    let again = gateway.pending()?;
    ensure!(again == pending, "{pending} were pending, after the start {again} are");
    let restarted = gateway.memory()?;
    Ok(Pending { count: pending, empty, full, restarted, bytes, scan, start })
}

/// Reads every file of a directory from beginning to end: how many bytes, and how long it took.
fn scan(directory: &Path) -> Result<(u64, Duration)> {
    let began = Instant::now();
    let mut buffer = vec![0; 1024 * 1024];
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if !entry.file_type()?.is_file() {
            continue;
        }
        let mut file = File::open(entry.path())?;
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            bytes += count as u64;
        }
    }
    Ok((bytes, began.elapsed()))
}
