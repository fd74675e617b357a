//! `sluicegate simulate`: every API on this machine.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, FromArgMatches, value_parser};
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, Global, call, print, say};
use crate::client::{self, Account, Api, Arguments, Auth, Endpoint};
use crate::config::Secret;
use crate::simulate::{Faults, Quota, Settings, Simulation};
use crate::{clock, http, provider};

/// Where a simulation listens where nothing else is said.
const LISTEN: &str = "127.0.0.1:8090";

/// Serve every API's simulator on this machine: the same paths, limits and errors.
///
/// What is called there is answered as the documents say, and whatever they do not list is
/// refused. It goes wrong as often as you ask for: equal seeds make equal faults.
///
///   sluicegate simulate
///   sluicegate simulate --fail 0.1 --broken 0.05 --slow 200ms --seed 7
///   sluicegate simulate --limit 60/min
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Simulate {
    #[command(flatten)]
    listen: Listen,
    /// The part of the calls that is answered 500 or 429, from 0 to 1.
    #[arg(long, value_name = "PART", default_value_t = 0.0, value_parser = part)]
    fail: f64,
    /// The part of the calls whose answer breaks off or never comes, from 0 to 1.
    #[arg(long, value_name = "PART", default_value_t = 0.0, value_parser = part)]
    broken: f64,
    /// How long every answer takes, as in 50ms.
    #[arg(long, value_name = "DURATION", default_value = "0ms", value_parser = period)]
    latency: Duration,
    /// How much longer an answer takes at most, at random.
    #[arg(long, value_name = "DURATION", default_value = "0ms", value_parser = period)]
    slow: Duration,
    /// How often each API may be called, as in 60/min; more is answered 429.
    #[arg(long, value_name = "RATE", value_parser = quota)]
    limit: Option<Quota>,
    /// What the faults follow from; another one each time by default.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Do(Outside),
}

/// Do in a running simulation what only the outside world does: a customer writes, a message is
/// read.
///
///   sluicegate simulate do flowiq populate
///   sluicegate simulate do flowiq message --data '{"from": "27821234567", "text": "…"}'
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
struct Outside {
    /// The API.
    api: String,
    /// What happens, e.g. message.
    deed: String,
    #[command(flatten)]
    data: Data,
    /// Where the simulation is.
    #[arg(long, value_name = "URL", default_value_t = format!("http://{LISTEN}"))]
    at: String,
}

impl Simulate {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        if let Some(Command::Do(outside)) = self.command {
            return outside.run(global).await;
        }
        let listen = match self.listen.0 {
            Some(address) => address,
            None => SocketAddr::from_str(LISTEN)?,
        };
        let seed = self.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
        let Self { fail, broken, latency, slow, limit, .. } = self;
        let faults = Faults { fail, broken, latency, slow, limit };
        let apis = client::REGISTRY;
        let simulation = Simulation::start(Settings { listen, apis, faults, seed })?;
        say(&format!("simulating on http://{}", simulation.address));
        if fail + broken > 0.0 || !slow.is_zero() {
            say(&format!("the same faults again: --seed {seed}"));
        }
        for line in apis.iter().flat_map(|it| advice(it, simulation.address)) {
            say(&line);
        }
        say("");
        say("Ctrl-C ends it");
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => {}
            result = tokio::signal::ctrl_c() => result?,
        }
        simulation.stop().await;
        Ok(())
    }
}

/// How to use one of them.
fn advice(api: &Api, address: SocketAddr) -> Vec<String> {
    let url = format!("http://{address}/{}", api.name);
    let mut export = format!("  export {}={url}", call::variable(api, "url"));
    for credential in api.credentials.iter().filter(|it| is_believed(api, it.name)) {
        let _ = write!(export, " {}=any", call::variable(api, credential.name));
    }
    let mut lines = vec![String::new(), format!("{}: {}", api.name, api.summary), export];
    // What can be called as it stands; a list, where there is one.
    let credentials = api.credentials.iter().map(|it| (it.name, Secret::new("any"))).collect();
    let account = Account { base_url: url.clone(), credentials };
    let today = clock::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let is_ready = |it: &&Endpoint| it.prepare(&account, &Arguments::default(), today).is_ok();
    let readers = api.endpoints.iter().filter(|it| it.methods[0] == "GET");
    let ready = readers.filter(is_ready);
    if let Some(endpoint) = ready.min_by_key(|it| it.paging.is_none()) {
        lines.push(format!("  sluicegate call {} {}", api.name, endpoint.call));
    }
    if let Some(entry) = provider::find(api.name) {
        lines.push(format!("  at a source of it in routes.yaml: base_url: {url}"));
        if let Some(sample) = entry.samples.first() {
            lines.push(format!("  sluicegate send {} {} \"Hello\"", api.name, sample.name));
        }
    }
    lines
}

/// Whether a simulator takes whatever stands there: what it gives away itself, and what signs, is
/// checked.
fn is_believed(api: &Api, credential: &str) -> bool {
    fn signs(auth: &Auth, credential: &str) -> bool {
        match auth {
            Auth::Signed(_, _, name) => *name == credential,
            Auth::Any(choices) => choices.iter().any(|it| signs(it, credential)),
            _ => false,
        }
    }
    let is_given = api.exchanges().iter().any(|it| it.brings == credential);
    !is_given && !api.endpoints.iter().any(|it| signs(&it.auth, credential))
}

impl Outside {
    async fn run(self, global: &Global) -> Result<(), Failure> {
        let Self { api, deed, data, at } = self;
        let text = data.0.unwrap_or_else(|| "{}".to_owned());
        let arguments: Value = serde_json::from_str(&text)
            .map_err(|it| Failure::Usage(format!("`--data` is not JSON: {it}")))?;
        let url = format!("{}/_/{api}/{deed}", at.trim_end_matches('/'));
        let value = perform(&url, &arguments).await?;
        print(&if global.json {
            value.to_string()
        } else {
            serde_json::to_string_pretty(&value)?
        })?;
        Ok(())
    }
}

/// Asks a simulation for a deed.
pub(super) async fn perform(url: &str, arguments: &Value) -> Result<Value, Failure> {
    let unreachable = |it: reqwest::Error| {
        let context = format!("no answer from {url}; is `sluicegate simulate` running?");
        Failure::Unreachable(anyhow::Error::new(it.without_url()).context(context))
    };
    let http = http::client(Duration::from_secs(15))?;
    let answer = http.post(url).json(arguments).send().await.map_err(unreachable)?;
    let status = answer.status();
    let body = answer.bytes().await.map_err(unreachable)?;
    let value: Value = serde_json::from_slice(&body).unwrap_or_default();
    if !status.is_success() {
        let reason = value["error"].as_str().unwrap_or("this is no simulation");
        return Err(Failure::Refused(format!("the simulation answered {status}: {reason}")));
    }
    Ok(value)
}

fn part(text: &str) -> Result<f64, String> {
    let part: f64 = text.parse().map_err(|_| "it is a number from 0 to 1")?;
    if (0.0..=1.0).contains(&part) { Ok(part) } else { Err("it is from 0 to 1".to_owned()) }
}

fn period(text: &str) -> Result<Duration, String> {
    let period: crate::config::Period = word(text)?;
    Ok(period.0)
}

fn quota(text: &str) -> Result<Quota, String> {
    let rate: crate::config::Rate = word(text)?;
    Ok(Quota { count: rate.count, per: rate.per })
}

/// A quantity as the configuration writes it.
fn word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|it| it.to_string())
}

/// `--listen`, which every command has, means something else here: neither the variable nor the
/// configuration of the gateway says where a simulation listens.
#[derive(Debug)]
struct Listen(Option<SocketAddr>);

/// `--data`, likewise.
#[derive(Debug)]
struct Data(Option<String>);

impl FromArgMatches for Listen {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = matches.value_source("listen") == Some(ValueSource::CommandLine);
        Ok(Self(matches.get_one("listen").copied().filter(|_| given)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for Listen {
    fn augment_args(command: clap::Command) -> clap::Command {
        command.arg(
            Arg::new("listen")
                .long("listen")
                .value_name("ADDRESS")
                .value_parser(value_parser!(SocketAddr))
                .help(format!("Where to listen, on this machine only; {LISTEN} by default.")),
        )
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Data {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(call::value(matches, "data")))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for Data {
    fn augment_args(command: clap::Command) -> clap::Command {
        command.arg(
            Arg::new("data")
                .long("data")
                .value_name("JSON")
                .value_parser(value_parser!(PathBuf))
                .help("What the deed is about, as JSON."),
        )
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}
