//! `sluicegate call`: one call of an API, from the tables in [`crate::client`].

mod account;
mod arguments;
mod command;
mod send;

use std::io::IsTerminal as _;

use clap::{ArgMatches, Args, Command, FromArgMatches};
use serde_json::Value;

use super::{Failure, Global, print, say};
use crate::client::{self, Api, Endpoint};
use crate::config::{Environment as _, Process};

pub use account::variable;
pub(super) use command::value;

/// A call: which endpoint, with what. Its options are made from the tables when it is parsed.
#[derive(Clone)]
pub struct Call {
    api: &'static Api,
    endpoint: &'static Endpoint,
    given: arguments::Given,
    base_url: Option<String>,
    all: bool,
}

/// Where the value of a variable comes from.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Args for Call {
    fn augment_args(command: Command) -> Command {
        command::root(command, client::REGISTRY)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Call {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Self::read(client::REGISTRY, matches)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The arguments may be personal.
        write!(f, "Call({} {})", self.api.name, self.endpoint.call)
    }
}

impl Call {
    fn read(registry: &'static [Api], matches: &ArgMatches) -> Result<Self, clap::Error> {
        let missing = || clap::Error::new(clap::error::ErrorKind::MissingSubcommand);
        let (name, mut matches) = matches.subcommand().ok_or_else(missing)?;
        let api = registry.iter().find(|it| it.name == name).ok_or_else(missing)?;
        let mut words = Vec::new();
        while let Some((word, below)) = matches.subcommand() {
            words.push(word);
            matches = below;
        }
        let call = words.join(" ");
        let endpoint = api.endpoints.iter().find(|it| it.call == call).ok_or_else(missing)?;
        Ok(Self {
            api,
            endpoint,
            given: arguments::Given::read(endpoint, matches),
            base_url: command::value(matches, command::BASE_URL),
            all: endpoint.paging.is_some() && matches.get_flag(command::ALL),
        })
    }

    /// Which endpoint it calls.
    pub fn endpoint(&self) -> &'static Endpoint {
        self.endpoint
    }

    /// Calls, and hands over the answer; with `--all` each element of every page as it comes.
    ///
    /// # Errors
    /// What is missing or wrong in what was given, that nobody answers, or what the API says is
    /// wrong.
    pub async fn perform(
        &self,
        environment: Environment<'_>,
        each: &mut dyn FnMut(Value) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let account = account::read(self.api, self.base_url.as_deref(), environment)?;
        let line = send::Line::open(self.api, self.endpoint, account).await?;
        let arguments = self.given.arguments(self.endpoint)?;
        if self.all { line.pages(arguments, each).await } else { each(line.ask(&arguments).await?) }
    }

    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let environment = |name: &str| Process.variable(name);
        let is_list = self.all && !global.json;
        let mut seen = 0_usize;
        let result = self
            .perform(&environment, &mut |value| {
                seen += 1;
                if is_list {
                    let text = serde_json::to_string_pretty(&value)?.replace('\n', "\n  ");
                    let before = if seen == 1 { "[\n  " } else { ",\n  " };
                    return Ok(write(&format!("{before}{text}"))?);
                }
                match &value {
                    Value::Null => say("done; the answer is empty"),
                    _ if global.json => print(&value.to_string())?,
                    Value::String(text) => print(text)?,
                    _ => print(&serde_json::to_string_pretty(&value)?)?,
                }
                Ok(())
            })
            .await;
        if is_list && (seen > 0 || result.is_ok()) {
            // What was printed stays JSON, even where a later page did not come.
            print(if seen > 0 { "\n]" } else { "[]" })?;
        }
        result
    }
}

/// Text without an end of line.
fn write(text: &str) -> std::io::Result<()> {
    use std::io::Write;
    std::io::stdout().write_all(text.as_bytes())
}

/// How far it is, for somebody who looks on.
fn progress(line: &str) {
    if std::io::stderr().is_terminal() {
        say(line);
    }
}

#[cfg(test)]
mod tests;
