//! `sluicegate serve`: run the gateway.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, Global, say, setup};
use crate::gateway::{Gateway, Settings};
use crate::ingress::limits;
use crate::journal::Retention;

/// Run the gateway until SIGTERM or Ctrl-C; requests and attempts in flight end first.
#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    /// Where platforms call; overrides `listen`.
    #[arg(long, value_name = "ADDRESS", env = "SLUICEGATE_LISTEN")]
    listen: Option<SocketAddr>,
    /// Where the admin API listens; overrides `admin_listen`.
    #[arg(long, value_name = "ADDRESS", env = "SLUICEGATE_ADMIN_LISTEN")]
    admin_listen: Option<SocketAddr>,
    /// The data directory; overrides `data`.
    #[arg(long, value_name = "DIRECTORY", env = "SLUICEGATE_DATA")]
    data: Option<PathBuf>,
    /// Threads that serve HTTP; the number of processors by default.
    #[arg(long, value_name = "NUMBER", env = "SLUICEGATE_WORKERS")]
    workers: Option<usize>,
}

impl Serve {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let setup = setup::load(global)?;
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let gateway = Gateway::start(Settings {
            listen: self.listen.unwrap_or(setup.listen),
            admin_listen: self.admin_listen.unwrap_or(setup.admin_listen),
            data: self.data.unwrap_or(setup.data),
            workers: self.workers.unwrap_or(processors).max(1),
            limits: limits::Settings::default(),
            retention: Retention { age: Duration::from_hours(30 * 24), size: None },
            queues: setup.queues,
            plan: setup.plan,
        })
        .await?;
        say(&format!("listening on http://{}", gateway.address));
        say(&format!("admin API on http://{}", gateway.admin_address));
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => {}
            result = tokio::signal::ctrl_c() => result?,
        }
        say("stopping: requests and attempts in flight end first");
        gateway.stop().await;
        Ok(())
    }
}
