//! The gateway: every part put together, started and stopped in the right order.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer};
use anyhow::{Context, Result};
use arc_swap::ArcSwap;
use tokio::task::JoinHandle;

use crate::admin::{self, Admin};
use crate::clock;
use crate::delivery::Engine;
use crate::ingress::limits::{self, Limits};
use crate::ingress::{self, Ingress};
use crate::journal::{Acceptor, History, Journal, Options, Queues, Retention, Sqlite};
use crate::keys;
use crate::media::Shelf;
use crate::plan::Plan;
use crate::poll::Polls;
use crate::telemetry::metrics::Metrics;

/// How often old events are looked for.
const PRUNE_EVERY: Duration = Duration::from_mins(10);

/// The directory of media, within that of the data.
const MEDIA: &str = "media";

/// How long a medium is kept after it was last fetched.
const MEDIA_AGE: Duration = Duration::from_hours(7 * 24);

/// How long requests and attempts in flight may take to end on shutdown.
const GRACE: Duration = Duration::from_secs(25);

/// What the gateway is started with.
pub struct Settings {
    /// Where platforms call.
    pub listen: SocketAddr,
    /// Where the admin API listens.
    pub admin_listen: SocketAddr,
    /// The data directory.
    pub data: PathBuf,
    /// Threads that serve HTTP.
    pub workers: usize,
    /// Limits before verification.
    pub limits: limits::Settings,
    /// How long and how much is kept.
    pub retention: Retention,
    /// Queues of the embedded broker, each with its delivery limit.
    pub queues: Vec<(String, u32)>,
    /// Sources, destinations and routes.
    pub plan: Plan,
}

/// A running gateway.
pub struct Gateway {
    /// Where platforms call.
    pub address: SocketAddr,
    /// Where the admin API listens.
    pub admin_address: SocketAddr,
    store: Arc<Sqlite>,
    engine: Arc<Engine>,
    polls: Arc<Polls>,
    servers: Vec<(ServerHandle, JoinHandle<std::io::Result<()>>)>,
    chores: Vec<JoinHandle<()>>,
}

impl Gateway {
    /// Opens the journal, starts the lanes, then lets requests in.
    ///
    /// # Errors
    /// What could not be opened or bound.
    pub async fn start(settings: Settings) -> Result<Self> {
        let Settings { data, limits, retention, queues, plan, workers, .. } = settings;
        let token = keys::read_or_make(&data, keys::ADMIN_TOKEN)?;
        let store_key = keys::read_or_make(&data, keys::STORE_KEY)?;
        let media = Arc::new(Shelf::new(data.join(MEDIA)));
        let store = Arc::new(Sqlite::open(&Options { directory: data })?);
        store.declare(&queues).await?;
        let plan = Arc::new(ArcSwap::from_pointee(plan));
        let metrics = Arc::new(Metrics::default());
        let journal: Arc<dyn Journal> = Arc::clone(&store) as _;
        let (of_engine, of_metrics) = (Arc::clone(&journal), Arc::clone(&metrics));
        let (of_plan, key, shelf) = (Arc::clone(&plan), store_key.clone(), Arc::clone(&media));
        let engine = Engine::open(of_engine, of_plan, of_metrics, key, shelf).await?;
        let engine = Arc::new(engine);
        engine.start().await?;
        let polls =
            Arc::new(Polls::new(Arc::clone(&journal), Arc::clone(&plan), Arc::clone(&metrics))?);
        let limits = Arc::new(Limits::new(limits));
        let of_ingress = Ingress {
            plan: Arc::clone(&plan),
            history: Arc::clone(&store) as _,
            limits: Arc::clone(&limits),
            metrics: Arc::clone(&metrics),
            media: Arc::clone(&media),
            store_key,
        };
        let of_admin = Admin {
            store: Arc::clone(&store),
            engine: Arc::clone(&engine),
            polls: Arc::clone(&polls),
            plan,
            limits,
            metrics,
            deeds: Arc::default(),
            token,
        };
        let listener = bind(settings.listen, "listen")?;
        let admin_listener = bind(settings.admin_listen, "admin_listen")?;
        let (address, admin_address) = (listener.local_addr()?, admin_listener.local_addr()?);
        let admin_server =
            HttpServer::new(move || App::new().configure(admin::routes(of_admin.clone())))
                .workers(1)
                .disable_signals()
                .shutdown_timeout(5)
                .listen(admin_listener)?
                .run();
        let server = HttpServer::new(move || {
            // Each worker is a thread with a runtime of its own, and has an acceptor of its own.
            let (acceptor, pump) = Acceptor::new(Arc::clone(&journal));
            drop(actix_web::rt::spawn(pump));
            App::new().configure(ingress::routes(of_ingress.clone(), acceptor))
        })
        .workers(workers)
        .backlog(4_096)
        .keep_alive(Duration::from_secs(75))
        .client_request_timeout(Duration::from_secs(10))
        .disable_signals()
        .shutdown_timeout(GRACE.as_secs())
        .listen(listener)?
        .run();
        let servers = vec![
            (server.handle(), tokio::spawn(server)),
            (admin_server.handle(), tokio::spawn(admin_server)),
        ];
        // Last, so that a start which fails has asked nobody.
        polls.start().await?;
        let chores = vec![
            tokio::spawn(check(Arc::clone(&store))),
            tokio::spawn(prune(Arc::clone(&store), retention)),
            tokio::spawn(sweep(media)),
        ];
        Ok(Self { address, admin_address, store, engine, polls, servers, chores })
    }

    /// Ends in the order of the data path, so that nothing accepted is forgotten: no more
    /// requests, no more questions, attempts in flight end, the journal closes.
    pub async fn stop(self) {
        for (handle, server) in self.servers {
            handle.stop(true).await;
            drop(server.await);
        }
        self.polls.stop(GRACE).await;
        self.engine.stop(GRACE).await;
        for chore in self.chores {
            chore.abort();
        }
        self.store.close().await;
    }
}

fn bind(address: SocketAddr, setting: &str) -> Result<TcpListener> {
    let listener = TcpListener::bind(address)
        .with_context(|| format!("cannot listen on {address} (`{setting}`)"))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// After an unclean stop the whole file is read once, beside everything else.
async fn check(store: Arc<Sqlite>) {
    if !store.was_unclean() {
        return;
    }
    tracing::info!("the journal was not closed; it is being checked");
    match store.check().await {
        Ok(()) => tracing::info!("the journal is sound"),
        Err(error) => tracing::error!(%error, "the journal is damaged; restore a backup"),
    }
}

/// Removes what is old, again and again.
async fn prune(store: Arc<Sqlite>, retention: Retention) {
    let mut turn = tokio::time::interval(PRUNE_EVERY);
    loop {
        turn.tick().await;
        match store.prune(retention, clock::now()).await {
            Ok(0) => {}
            Ok(events) => tracing::info!(events, "old events were removed"),
            Err(error) => tracing::warn!(%error, "old events could not be removed"),
        }
    }
}

/// Removes media that are old, again and again.
async fn sweep(media: Arc<Shelf>) {
    let mut turn = tokio::time::interval(PRUNE_EVERY);
    loop {
        turn.tick().await;
        let media = Arc::clone(&media);
        match tokio::task::spawn_blocking(move || media.sweep(MEDIA_AGE, clock::now())).await {
            Ok(Ok(0)) | Err(_) => {}
            Ok(Ok(files)) => tracing::info!(files, "old media were removed"),
            Ok(Err(error)) => tracing::warn!(%error, "old media could not be removed"),
        }
    }
}
