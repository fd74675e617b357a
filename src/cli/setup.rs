//! What commands share: the configuration, read and built.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Failure, Global, print, say};
use crate::config::{self, Config, Diagnostics, Process, Secrets};
use crate::destination::Broker;
use crate::ingress::limits;
use crate::journal::Retention;
use crate::keys;
use crate::plan::Plan;

/// What the command line says over the file.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Overrides {
    /// Where platforms call; overrides `listen`.
    #[arg(long, global = true, value_name = "ADDRESS", env = "SLUICEGATE_LISTEN")]
    listen: Option<SocketAddr>,
    /// Where the admin API listens; overrides `admin_listen`.
    #[arg(long, global = true, value_name = "ADDRESS", env = "SLUICEGATE_ADMIN_LISTEN")]
    admin_listen: Option<SocketAddr>,
    /// The data directory; overrides `data`.
    #[arg(long, global = true, value_name = "DIRECTORY", env = "SLUICEGATE_DATA")]
    data: Option<PathBuf>,
}

/// The configuration, built.
pub(super) struct Setup {
    pub(super) plan: Plan,
    pub(super) data: PathBuf,
    pub(super) listen: SocketAddr,
    pub(super) admin_listen: SocketAddr,
    pub(super) limits: limits::Settings,
    pub(super) retention: Retention,
    /// Queues of the embedded broker, in the order of their names, with their delivery limits.
    pub(super) queues: Vec<(String, u32)>,
    /// Whether queues live in the journal.
    pub(super) is_embedded: bool,
    /// The names of the sources, in the order of the file.
    pub(super) sources: Vec<String>,
}

/// Reads the configuration, printing every mistake and warning.
pub(super) fn read(global: &Global) -> Result<Config, Failure> {
    let path = &global.config;
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|it| {
        anyhow::anyhow!("cannot read {shown}: {it}; name another file with --config")
    })?;
    match config::load(&text, &shown, &Process) {
        Ok(loaded) => {
            if !loaded.warnings.is_empty() {
                show(global, &loaded.warnings)?;
            }
            Ok(loaded.config)
        }
        Err(diagnostics) => {
            show(global, &diagnostics)?;
            Err(Failure::Configuration)
        }
    }
}

/// Where the admin API listens. The configuration is read only where nothing overrides it: one that
/// is being edited says nothing about the gateway that runs.
pub(super) fn admin_listen(global: &Global) -> Result<SocketAddr, Failure> {
    match global.overrides.admin_listen {
        Some(address) => Ok(address),
        None => Ok(read(global)?.admin_listen),
    }
}

/// Prints diagnostics: to people on standard error, to machines as JSON on standard output.
fn show(global: &Global, diagnostics: &Diagnostics) -> Result<(), Failure> {
    if global.json {
        print(&diagnostics.to_json().to_string())?;
    } else {
        let color = std::io::IsTerminal::is_terminal(&std::io::stderr())
            && std::env::var_os("NO_COLOR").is_none();
        say(diagnostics.render(color).trim_end());
    }
    Ok(())
}

/// Builds the sources and destinations of a configuration, printing every mistake.
pub(super) fn build(global: &Global, config: Config, secrets: &Secrets) -> Result<Setup, Failure> {
    let parts = match config.build(secrets) {
        Ok(parts) => parts,
        Err(diagnostics) => {
            show(global, &diagnostics)?;
            return Err(Failure::Configuration);
        }
    };
    let is_embedded = config.broker == Broker::Embedded;
    let queues = config
        .queues
        .values()
        .filter(|_| is_embedded)
        .flat_map(|it| it.queues.keys().map(|name| (name.clone(), it.delivery_limit)))
        .collect();
    let Config { limits, retention, .. } = config;
    Ok(Setup {
        plan: Plan {
            sources: parts
                .sources
                .into_iter()
                .map(|(name, it)| (name, Arc::from(it)))
                .collect::<HashMap<_, _>>(),
            destinations: parts
                .destinations
                .into_iter()
                .map(|(name, it)| (Arc::from(name), it))
                .collect(),
            table: config.routes,
            lookups: parts.lookups,
            stale_after: config.stale_after,
            takeover: config.takeover,
            public_url: config.public_url,
            fingerprint: config.fingerprint,
        },
        data: global.overrides.data.clone().unwrap_or(config.data),
        listen: global.overrides.listen.unwrap_or(config.listen),
        admin_listen: global.overrides.admin_listen.unwrap_or(config.admin_listen),
        limits: limits::Settings {
            max_body: usize::try_from(limits.max_body.0).unwrap_or(usize::MAX),
            read_timeout: limits.read_timeout.0,
            in_flight: limits.in_flight as usize,
            per_address: limits.per_address,
            trusted_proxies: limits.trusted_proxies,
        },
        retention: Retention { age: retention.events.0, size: retention.max_size.map(|it| it.0) },
        queues,
        is_embedded,
        sources: config.sources.into_iter().map(|it| it.name).collect(),
    })
}

/// Reads and builds the configuration. The secrets are made on the first run.
pub(super) fn load(global: &Global) -> Result<Setup, Failure> {
    let config = read(global)?;
    let data = global.overrides.data.clone().unwrap_or_else(|| config.data.clone());
    let secrets = Secrets {
        development: keys::read_or_make(&data, keys::DEVELOPMENT_SECRET)?,
        store_key: keys::read_or_make(&data, keys::STORE_KEY)?,
    };
    build(global, config, &secrets)
}
