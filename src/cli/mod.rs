//! The commands; `docs/cli.md` and `docs/calls.md` are generated from here.

pub mod call;
mod check;
mod client;
mod consume;
mod deliveries;
mod events;
mod health;
mod pauses;
mod send;
mod serve;
mod setup;
mod simulate;
mod sources;
mod story;
mod takeover;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::telemetry::LogFormat;

/// One gateway between chat platforms and everything behind them.
///
/// Platforms call its webhook; it verifies, normalises and writes down what they say, and routes
/// it to queues and other destinations by a table in routes.yaml.
///
///   sluicegate serve                          run it
///   sluicegate send whatsapp text "hi"        send it a signed sample
///   sluicegate consume sluicegate.events      read what came out
#[derive(Debug, Parser)]
#[command(name = "sluicegate", version, verbatim_doc_comment, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Documented in `--help` and in `docs/cli.md`.
const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the configuration has \
                          mistakes, 4 nobody answers: the gateway or the API cannot be reached, \
                          5 the gateway or the API refused";

/// What every command takes.
#[derive(Debug, clap::Args)]
pub struct Global {
    /// The configuration.
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        default_value = "routes.yaml",
        env = "SLUICEGATE_CONFIG"
    )]
    config: PathBuf,
    /// Print JSON, for machines.
    #[arg(long, global = true)]
    json: bool,
    /// What is logged, as in `info` or `sluicegate=debug`.
    #[arg(
        long,
        global = true,
        value_name = "FILTER",
        default_value = "warn,sluicegate=info",
        env = "RUST_LOG"
    )]
    log: String,
    /// How log lines look.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        default_value_t,
        env = "SLUICEGATE_LOG_FORMAT"
    )]
    log_format: LogFormat,
    #[command(flatten)]
    overrides: setup::Overrides,
}

/// What a command is for stands at its arguments, with its examples.
#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Check(check::Check),
    /// Print the JSON Schema of the configuration, for editors.
    #[command(verbatim_doc_comment)]
    Schema,
    Send(send::Send),
    Call(call::Call),
    Simulate(simulate::Simulate),
    Consume(consume::Consume),
    #[command(subcommand)]
    Events(events::Events),
    #[command(subcommand)]
    Deliveries(deliveries::Deliveries),
    Replay(deliveries::Replay),
    #[command(subcommand)]
    Pauses(pauses::Pauses),
    #[command(subcommand)]
    Takeover(takeover::Takeover),
    /// List the sources: what their check proves, and how far those are that the gateway asks itself.
    #[command(verbatim_doc_comment)]
    Sources,
    /// Ask a running gateway whether it is ready.
    Health,
    /// Print a completion script for a shell.
    #[command(verbatim_doc_comment)]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// How a command ended when it did not end well.
#[derive(Debug)]
pub enum Failure {
    /// Something did not work.
    Failed(anyhow::Error),
    /// What was asked for is not possible; a sentence that says why.
    Usage(String),
    /// The configuration has mistakes; they were printed.
    Configuration,
    /// The gateway or the API cannot be reached.
    Unreachable(anyhow::Error),
    /// The gateway or the API answered, and said no.
    Refused(String),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Failure {
    fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Configuration => 3,
            Self::Unreachable(_) => 4,
            Self::Refused(_) => 5,
        })
    }
}

/// Reads the arguments, runs the command, says what went wrong.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    crate::telemetry::start_logging(cli.global.log_format, &cli.global.log);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report(&Failure::Failed(error.into())),
    };
    let result = runtime.block_on(async {
        match cli.command {
            Command::Serve(command) => command.run(&cli.global).await,
            Command::Check(command) => command.run(&cli.global),
            Command::Schema => {
                print(&serde_json::to_string_pretty(&crate::config::schema())?)?;
                Ok(())
            }
            Command::Send(command) => command.run(&cli.global).await,
            Command::Call(command) => command.run(&cli.global).await,
            Command::Simulate(command) => command.run(&cli.global).await,
            Command::Consume(command) => command.run(&cli.global).await,
            Command::Events(command) => command.run(&cli.global).await,
            Command::Deliveries(command) => command.run(&cli.global).await,
            Command::Replay(command) => command.run(&cli.global).await,
            Command::Pauses(command) => command.run(&cli.global).await,
            Command::Takeover(command) => command.run(&cli.global).await,
            Command::Sources => sources::run(&cli.global).await,
            Command::Health => health::run(&cli.global).await,
            Command::Completions { shell } => {
                clap_complete::generate(
                    shell,
                    &mut Cli::command(),
                    "sluicegate",
                    &mut std::io::stdout(),
                );
                Ok(())
            }
        }
    });
    // A check of a large journal would hold the end up; it is begun again after the next start.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure),
    }
}

fn report(failure: &Failure) -> ExitCode {
    match failure {
        Failure::Configuration => {}
        Failure::Failed(error) | Failure::Unreachable(error) => say(&format!("error: {error:#}")),
        Failure::Refused(reason) | Failure::Usage(reason) => say(&format!("error: {reason}")),
    }
    failure.code()
}

/// A line for the person at the terminal, on standard error.
#[allow(clippy::print_stderr)]
fn say(line: &str) {
    eprintln!("{line}");
}

/// A line of the command's result, on standard output. A closed pipe ends the command quietly.
fn print(line: &str) -> std::io::Result<()> {
    use std::io::Write;
    writeln!(std::io::stdout(), "{line}")
}
