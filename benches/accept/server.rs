//! The servers under test: child processes that never outlive the bench.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::cpu::{Cpu, field};
use crate::messages::SECRET;

/// How long a server may take to start, and a journal to drain.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
    /// Where it takes requests.
    pub(crate) address: SocketAddr,
    /// Where the gateway shows what it did; of the limit, the same as `address`.
    pub(crate) admin: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended on its own.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Server {
    /// The limit: this very program, asked to serve.
    pub(crate) fn limit(directory: &Path, workers: usize) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--serve-limit", &address.to_string(), "--workers", &workers.to_string()]);
        Self::start(command, directory.join("limit.log"), address, address)
    }

    /// The gateway, with its default configuration and a journal of its own.
    pub(crate) fn gateway(directory: &Path, workers: usize) -> Result<Self> {
        Self::serve(directory, workers, Path::new(env!("CARGO_MANIFEST_DIR")))
    }

    /// The gateway with routes of its own; on the journal that is there, if there is one.
    pub(crate) fn routed(directory: &Path, workers: usize, routes: &str) -> Result<Self> {
        std::fs::write(directory.join("routes.yaml"), routes)?;
        Self::serve(directory, workers, directory)
    }

    /// The gateway with the `routes.yaml` of `current`.
    fn serve(directory: &Path, workers: usize, current: &Path) -> Result<Self> {
        let (address, admin) = (free_address()?, free_address()?);
        let data = directory.join("data");
        std::fs::create_dir_all(&data)?;
        std::fs::write(data.join("development.secret"), SECRET)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
        command
            .args(["serve", "--listen", &address.to_string()])
            .args(["--admin-listen", &admin.to_string(), "--workers", &workers.to_string()])
            .arg("--data")
            .arg(&data)
            // The configuration fills its gaps from the environment: nothing here may change it.
            .env_clear()
            .env("SLUICEGATE_DATA", &data)
            .current_dir(current);
        Self::start(command, directory.join("gateway.log"), address, admin)
    }

    fn start(
        mut command: Command,
        log: PathBuf,
        address: SocketAddr,
        admin: SocketAddr,
    ) -> Result<Self> {
        let file = File::create(&log)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().context("a server could not be started")?;
        let mut server = Self { child, log, address, admin };
        let began = Instant::now();
        while get(server.address, "/healthz").is_err() {
            if began.elapsed() > PATIENCE || server.child.try_wait()?.is_some() {
                bail!("a server did not start: {}", server.log());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// What it wrote so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The processor time it has used.
    pub(crate) fn cpu(&self) -> Result<Cpu> {
        Cpu::of(&self.child.id().to_string())
    }

    /// The memory it holds, in bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|it| it.starts_with("VmRSS:")).context("no `VmRSS`")?;
        Ok(field(line, 1)? * 1024)
    }

    /// Deliveries that the gateway has still to make.
    pub(crate) fn pending(&self) -> Result<u64> {
        let ready: serde_json::Value = serde_json::from_str(&get(self.admin, "/readyz")?)?;
        let lanes = ready["lanes"].as_array().context("`/readyz` lists no lanes")?;
        Ok(lanes.iter().filter_map(|it| it["pending"].as_u64()).sum())
    }

    /// Waits until the gateway has nothing left to deliver.
    pub(crate) async fn drained(&self) -> Result<()> {
        let began = Instant::now();
        loop {
            let pending = self.pending()?;
            if pending == 0 {
                return Ok(());
            }
            ensure!(began.elapsed() < PATIENCE, "{pending} deliveries are still pending");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// A counter of the gateway, summed over its labels.
    pub(crate) fn counter(&self, name: &str) -> Result<u64> {
        let text = get(self.admin, "/metrics")?;
        let lines = text.lines().filter(|it| it.starts_with(name) && !it.starts_with('#'));
        lines.map(|it| Ok(it.rsplit(' ').next().unwrap_or_default().parse::<u64>()?)).sum()
    }
}

/// The body of `path`, or why there is none. Any answer counts as a sign of life.
fn get(address: SocketAddr, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").context("the answer broke off")?;
    Ok(body.to_owned())
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
