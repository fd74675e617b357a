//! Providers that are not there: every API's simulator, served on this machine.
//!
//! Each is reached under its name, `/flowiq/…`; what only the outside world does, such as a
//! customer who writes, is `POST /_/flowiq/message`. Faults are applied at this edge: the
//! simulators know nothing of them.

mod answer;
mod fault;
mod later;

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};
use anyhow::{Context, Result, bail};
use tokio::task::JoinHandle;

pub use fault::{Faults, Quota};

use crate::client::{Api, Simulator};
use later::Later;

/// What a simulation is started with.
#[derive(Clone, Copy)]
pub struct Settings {
    /// Where to listen; on this machine only.
    pub listen: SocketAddr,
    /// Which APIs.
    pub apis: &'static [Api],
    /// What goes wrong, and how often.
    pub faults: Faults,
    /// Equal seeds make equal faults.
    pub seed: u64,
}

/// A running simulation.
pub struct Simulation {
    /// Where it listens.
    pub address: SocketAddr,
    stage: Arc<Stage>,
    handle: ServerHandle,
    server: JoinHandle<std::io::Result<()>>,
}

/// The simulators, and what stands between them and whoever calls.
struct Stage {
    /// Where the simulation is reached.
    url: String,
    simulators: HashMap<&'static str, Mutex<Box<dyn Simulator>>>,
    dice: Mutex<fault::Dice>,
    later: Later,
}

impl Simulation {
    /// Lets requests in, on the runtime that it is called on.
    ///
    /// # Errors
    /// That others could reach the address, or that it cannot be bound.
    pub fn start(settings: Settings) -> Result<Self> {
        let Settings { listen, apis, faults, seed } = settings;
        if !listen.ip().is_loopback() {
            bail!(
                "a simulation is for this machine alone: it believes everybody; listen on \
                 127.0.0.1:{} instead of {listen}",
                listen.port()
            );
        }
        let listener =
            TcpListener::bind(listen).with_context(|| format!("cannot listen on {listen}"))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let simulators = apis.iter().map(|it| (it.name, Mutex::new((it.simulator)())));
        let stage = Arc::new(Stage {
            url: format!("http://{address}"),
            simulators: simulators.collect(),
            dice: Mutex::new(fault::Dice::new(faults, seed)),
            later: Later::new()?,
        });
        let of_server = web::Data::from(Arc::clone(&stage));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(of_server.clone())
                .app_data(web::PayloadConfig::new(answer::MAX_BODY))
                .default_service(web::to(answer::answer))
        })
        .workers(1)
        .disable_signals()
        .shutdown_timeout(1)
        .listen(listener)?
        .run();
        Ok(Self { address, stage, handle: server.handle(), server: tokio::spawn(server) })
    }

    /// Lets no more requests in, and forgets what was still to be sent.
    pub async fn stop(self) {
        self.stage.later.stop();
        self.handle.stop(true).await;
        drop(self.server.await);
    }
}

/// A simulator that panicked has shown it already; the others go on.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
