//! The commands of `sluicegate call`, made from the tables.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args as _, Command, value_parser};

use super::{Global, account};
use crate::client::{Api, Body, Endpoint, Kind, Parameter, Place};

/// The identifiers of what is no parameter of the API.
pub(super) const BASE_URL: &str = "base_url";
pub(super) const METHOD: &str = "method";
pub(super) const ALL: &str = "all";
/// The option that takes a body; a field of that name takes its place, see [`body`].
const DATA: &str = "data";

const ABOUT: &str = "Call an API: whatever its document lists, with its limits checked before \
                     anything is sent.";

const LONG: &str = "\
Call an API: whatever its document lists, with its limits checked before anything is sent.

Credentials come from the environment, and none is ever printed. Each command tells what it takes, \
and which document says so: `--help` at any depth. The answer is printed as it came; with `--json` \
on one line.";

/// `call` with everything below it.
pub(super) fn root(command: Command, registry: &'static [Api]) -> Command {
    command
        .about(ABOUT)
        .long_about(LONG)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommands(registry.iter().map(|it| quiet(api(it))))
}

/// Options of every command are understood here too, but a call has no use for most, and those
/// that it has are enough to read.
fn quiet(command: Command) -> Command {
    let taken = |command: &Command, id: &str| command.get_arguments().any(|it| it.get_id() == id);
    let globals = Global::augment_args(Command::new(""));
    let useless = globals.get_arguments().filter(|it| it.get_id() != "json");
    let hidden = useless.filter(|it| !taken(&command, it.get_id().as_str()));
    let hidden: Vec<Arg> = hidden.map(|it| it.clone().global(false).hide(true)).collect();
    command.args(hidden)
}

fn api(api: &'static Api) -> Command {
    below(Command::new(api.name), api, "")
        .about(api.summary)
        .long_about(api.summary)
        .after_help(environment(api, &|_| true))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
}

/// The commands that begin with these words, each by the word that follows.
fn below(mut command: Command, api: &'static Api, words: &str) -> Command {
    let mut seen: Vec<&str> = Vec::new();
    for endpoint in api.endpoints {
        let rest = match words {
            "" => Some(endpoint.call),
            _ => endpoint.call.strip_prefix(words).and_then(|it| it.strip_prefix(' ')),
        };
        let Some(word) = rest.and_then(|it| it.split(' ').next()) else { continue };
        if !seen.contains(&word) {
            seen.push(word);
            let words = if words.is_empty() { word.to_owned() } else { format!("{words} {word}") };
            command = command.subcommand(quiet(node(api, word, &words)));
        }
    }
    command
}

fn node(api: &'static Api, word: &'static str, words: &str) -> Command {
    let command = below(Command::new(word).disable_help_subcommand(true), api, words);
    let endpoint = api.endpoints.iter().find(|it| it.call == words);
    let Some(endpoint) = endpoint else {
        let inner: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
        let about = format!("{}.", inner.join(", "));
        return command.about(about).subcommand_required(true).arg_required_else_help(true);
    };
    let methods = endpoint.methods.join(" or ");
    let long = format!(
        "{}\n\n{methods} {}\nfrom {}",
        endpoint.summary,
        endpoint.path,
        endpoint.source.trim_end_matches('.')
    );
    command
        .about(endpoint.summary)
        .long_about(long)
        .after_help(environment(api, &|it| matters(api, endpoint, it)))
        .args(endpoint.parameters.iter().map(parameter))
        .args(own(api, endpoint))
}

/// Whether a credential has to do with an endpoint.
fn matters(api: &Api, endpoint: &Endpoint, credential: &str) -> bool {
    let sets = endpoint.auth.needs();
    let asked = |name: &str| sets.iter().flatten().any(|it| *it == name);
    let mut exchanges = api.exchanges().iter().filter(|it| asked(it.brings));
    asked(credential)
        || endpoint.parameters.iter().any(|it| it.name == credential)
        || exchanges.any(|it| it.takes.contains(&credential))
}

/// What identifies the account, by the variables it is read from.
fn environment(api: &Api, matters: &dyn Fn(&str) -> bool) -> String {
    let mut rows = vec![(
        account::variable(api, "url"),
        match api.base_url {
            Some(url) => format!("Where it is, instead of {url}."),
            None => "Where it is: there is no common address.".to_owned(),
        },
    )];
    let credential =
        |it: &crate::client::Credential| (account::variable(api, it.name), it.summary.to_owned());
    rows.extend(api.credentials.iter().filter(|it| matters(it.name)).map(credential));
    let width = rows.iter().map(|it| it.0.len()).max().unwrap_or_default();
    let rows = rows.iter().map(|(name, text)| format!("  {name:width$}  {text}"));
    format!("Environment:\n{}", rows.collect::<Vec<_>>().join("\n"))
}

/// The identifier of a parameter. `data` is an option of every command, which this one replaces
/// only under the same identifier.
pub(super) fn id(parameter: &Parameter) -> String {
    match parameter.name {
        DATA => DATA.to_owned(),
        name => format!("parameter {name}"),
    }
}

/// The option that takes a body: `--data`, or `--body` where a field is called `data`.
pub(super) fn body(endpoint: &Endpoint) -> &'static str {
    let is_field = endpoint.parameters.iter().any(|it| it.name == DATA);
    if is_field { "body" } else { DATA }
}

fn parameter(parameter: &'static Parameter) -> Arg {
    let flag = parameter.flag();
    let arg = Arg::new(id(parameter))
        .long(flag.trim_start_matches('-').to_owned())
        .value_name(unit(parameter.kind))
        .allow_negative_numbers(true)
        .help_heading("Parameters")
        .help(help(parameter));
    let arg = match parameter.kind {
        // Alone it means yes.
        Kind::Flag => arg.num_args(0..=1).default_missing_value("true"),
        _ => arg,
    };
    // The type that the option of every command has.
    if parameter.name == DATA { arg.value_parser(value_parser!(PathBuf)) } else { arg }
}

/// What is no parameter of the API.
fn own(api: &Api, endpoint: &'static Endpoint) -> Vec<Arg> {
    let variable = account::variable(api, "url");
    let mut args = vec![
        Arg::new(BASE_URL)
            .long("base-url")
            .value_name("URL")
            .help(format!("Where the API is; overrides {variable}.")),
    ];
    if matches!(endpoint.body, Body::Json | Body::Open) {
        let name = body(endpoint);
        let alias = if name == DATA { &["body"][..] } else { &[] };
        args.push(
            Arg::new(name)
                .long(name)
                .visible_aliases(alias.iter().copied())
                .value_name("JSON")
                .value_parser(value_parser!(PathBuf))
                .help(
                    "The body, or fields of it: JSON, `@` and a file that holds it, or `-` for \
                     standard input.",
                ),
        );
    }
    if endpoint.methods.len() > 1 {
        let first = endpoint.methods[0];
        args.push(
            Arg::new(METHOD)
                .long("method")
                .value_name("METHOD")
                .ignore_case(true)
                .value_parser(PossibleValuesParser::new(endpoint.methods))
                .help(format!("Which of its methods; {first} by default.")),
        );
    }
    if endpoint.paging.is_some() {
        args.push(Arg::new(ALL).long("all").action(ArgAction::SetTrue).help(
            "Every page: one list of all elements, or with `--json` one element on each line.",
        ));
    }
    args
}

/// What was written after an option; nothing that a variable or a default says.
pub(in crate::cli) fn value(matches: &ArgMatches, id: &str) -> Option<String> {
    // Which options there are depends on the endpoint.
    let given = matches.try_contains_id(id).unwrap_or(false)
        && matches.value_source(id) == Some(ValueSource::CommandLine);
    let value = given.then(|| matches.get_raw(id))??.next()?;
    Some(value.to_string_lossy().into_owned())
}

const fn unit(kind: Kind) -> &'static str {
    match kind {
        Kind::Integer(..) => "NUMBER",
        Kind::Flag => "TRUE|FALSE",
        Kind::Day => "DAY",
        Kind::Moment => "MOMENT",
        Kind::Choice(_) => "WORD",
        Kind::Uuid => "UUID",
        Kind::Json => "JSON",
        _ => "TEXT",
    }
}

fn help(parameter: &Parameter) -> String {
    let mut text = if parameter.required { "Required. " } else { "" }.to_owned();
    text.push_str(parameter.summary.trim_end_matches('.'));
    text.push('.');
    if let Some(limits) = limits(parameter) {
        text.push(' ');
        text.push_str(&limits);
    }
    if parameter.place == Place::Part {
        text.push_str(" `@` and a file sends its content.");
    }
    text
}

/// What a value must be like, as a sentence; `None` where anything goes.
fn limits(parameter: &Parameter) -> Option<String> {
    Some(match parameter.kind {
        // The length of an identifier or of anything at all is no news.
        Kind::Text(most) if parameter.place != Place::Path && most < 1 << 20 => {
            format!("At most {most} characters.")
        }
        Kind::Integer(least, i64::MAX) if least > i64::MIN => format!("At least {least}."),
        Kind::Integer(least, most) if most < i64::MAX => format!("From {least} to {most}."),
        Kind::Day => "A day, as in 2026-11-24.".to_owned(),
        Kind::Moment => "A day or a moment in ISO 8601.".to_owned(),
        Kind::Choice(words) => format!("One of {}.", words.join(", ")),
        Kind::Uuid => "A UUID.".to_owned(),
        // Its unit says all there is.
        _ => return None,
    })
}
