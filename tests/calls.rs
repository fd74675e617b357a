//! Every endpoint of every API, called as the command line calls it, at the real `simulate`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use clap::{Args, CommandFactory, FromArgMatches};
use serde_json::Value;
use sluicegate::cli::call::{Call, variable};
use sluicegate::cli::{Cli, Failure};
use sluicegate::client::{Api, Auth, Endpoint, Kind, Parameter, Place, REGISTRY};

/// What must have happened before an API can be asked: deeds, and what they are about.
const DEEDS: &[(&str, &str, &str)] = &[];

/// Calls whose arguments depend on another, in their order; `{name}` is what an earlier answer
/// held. Whatever is not here is called with an example of each required parameter.
const LINES: &[Line] = &[
    ("flowgent", "knowledge add --content Opening-hours --agent-ids agent-1", &[("item", "/id")]),
    ("flowgent", "knowledge get --id {item}", &[]),
    ("flowgent", "knowledge update --id {item} --name Hours", &[]),
    ("flowgent", "knowledge delete --id {item}", &[]),
];

/// An API, the words and options of a call, and what to keep of the answer: a name and a pointer.
type Line = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// The real binary's simulation, on a free port.
struct Simulation {
    child: Child,
    url: String,
    said: Vec<String>,
}

impl Simulation {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sluicegate"))
            .args(["simulate", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .env("SLUICEGATE_LISTEN", "0.0.0.0:1")
            .env_remove("RUST_LOG")
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|it| drop(sender.send(it)))
        });
        let next = || receiver.recv_timeout(std::time::Duration::from_secs(30)).unwrap();
        let first = next();
        let url = first.strip_prefix("simulating on ").unwrap_or_else(|| panic!("{first}"));
        let mut simulation = Self { child, url: url.to_owned(), said: Vec::new() };
        while simulation.said.last().is_none_or(|it| it != "Ctrl-C ends it") {
            simulation.said.push(next());
        }
        simulation
    }

    /// A command of the same binary.
    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
        for api in REGISTRY {
            command.env(variable(api, "url"), format!("{}/{}", self.url, api.name));
            for credential in api.credentials {
                command.env(variable(api, credential.name), SECRET);
            }
        }
        command.args(arguments).env_remove("RUST_LOG").output().unwrap()
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What every credential is; no simulator knows better.
const SECRET: &str = "a-credential-of-a-test";

/// The call that these words make.
fn parse(words: &[String]) -> Call {
    let words = std::iter::once("call").chain(words.iter().map(String::as_str));
    let matches = Call::augment_args(clap::Command::new("call"))
        .try_get_matches_from(words)
        .unwrap_or_else(|it| panic!("{it}"));
    Call::from_arg_matches(&matches).unwrap()
}

/// Calls, and answers what came back.
async fn perform(url: &str, api: &Api, words: &[String]) -> Result<Value, Failure> {
    let environment = |name: &str| {
        if name == variable(api, "url") {
            return Some(format!("{url}/{}", api.name));
        }
        api.credentials.iter().any(|it| name == variable(api, it.name)).then(|| SECRET.to_owned())
    };
    let mut answer = Value::Null;
    parse(words)
        .perform(&environment, &mut |it| {
            answer = it;
            Ok(())
        })
        .await?;
    Ok(answer)
}

/// A value that the parameter takes.
fn example(parameter: &Parameter) -> String {
    match parameter.kind {
        Kind::Integer(least, most) => 1.clamp(least, most).to_string(),
        Kind::Flag => "true".to_owned(),
        Kind::Day => "2026-01-02".to_owned(),
        Kind::Moment => "2026-01-02T03:04:05Z".to_owned(),
        Kind::Choice(words) => words[0].to_owned(),
        Kind::Uuid => "0198c2f0-0000-7000-8000-000000000001".to_owned(),
        _ if parameter.name.to_lowercase().contains("phone") => "27821234567".to_owned(),
        _ if parameter.name.to_lowercase().contains("email") => "ada@example.com".to_owned(),
        _ => "example".to_owned(),
    }
}

/// The least that an endpoint is called with.
fn least(api: &Api, endpoint: &Endpoint, method: &str) -> Vec<String> {
    let mut words = vec![api.name.to_owned()];
    words.extend(endpoint.call.split(' ').map(str::to_owned));
    for parameter in endpoint.parameters.iter().filter(|it| it.required) {
        words.push(parameter.flag());
        words.push(match parameter.place {
            Place::Part => "text of the part".to_owned(),
            _ => example(parameter),
        });
    }
    if endpoint.methods.len() > 1 {
        words.extend(["--method".to_owned(), method.to_owned()]);
    }
    words
}

fn reason(failure: &Failure) -> String {
    match failure {
        Failure::Failed(error) | Failure::Unreachable(error) => format!("{error:#}"),
        Failure::Usage(text) | Failure::Refused(text) => text.clone(),
        Failure::Configuration => "the configuration".to_owned(),
    }
}

#[tokio::test]
async fn every_endpoint_of_every_api_works_at_its_simulator() {
    let simulation = Simulation::start(&[]);
    let http = sluicegate::http::client(std::time::Duration::from_secs(10)).unwrap();
    for (api, deed, arguments) in DEEDS {
        let url = format!("{}/_/{api}/{deed}", simulation.url);
        let answer = http.post(url).body(*arguments).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{api} {deed}");
    }
    let mut failures = Vec::new();
    let mut called = BTreeSet::new();
    let mut kept: BTreeMap<&str, String> = BTreeMap::new();
    for (name, line, keep) in LINES {
        let api = REGISTRY.iter().find(|it| it.name == *name).unwrap();
        let mut words = vec![api.name.to_owned()];
        for word in line.split(' ') {
            let found = word.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
            words.push(found.map_or_else(|| word.to_owned(), |it| kept[it].clone()));
        }
        called.insert((api.name, parse(&words).endpoint().call));
        match perform(&simulation.url, api, &words).await {
            Ok(answer) => kept.extend(keep.iter().map(|(name, pointer)| {
                let value = answer.pointer(pointer).unwrap_or_else(|| panic!("{line}: {answer}"));
                (*name, value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            })),
            Err(failure) => failures.push(format!("{line}: {}", reason(&failure))),
        }
    }
    let endpoints = REGISTRY.iter().flat_map(|api| api.endpoints.iter().map(move |it| (api, it)));
    for (api, endpoint) in endpoints.filter(|(api, it)| !called.contains(&(api.name, it.call))) {
        for method in endpoint.methods {
            let words = least(api, endpoint, method);
            if let Err(failure) = perform(&simulation.url, api, &words).await {
                failures.push(format!("{}: {}", words.join(" "), reason(&failure)));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_endpoint_is_reached_by_its_words_and_none_stands_behind_another() {
    let mut command = Cli::command();
    command.build();
    // An option that is there twice, or clashes with one of every command.
    command.debug_assert();
    for api in REGISTRY {
        let mut seen = BTreeSet::new();
        for endpoint in api.endpoints {
            let Endpoint { call, path, methods, .. } = *endpoint;
            let words = least(api, endpoint, methods[0]);
            let reached = parse(&words).endpoint();
            assert_eq!((reached.call, reached.path, reached.methods), (call, path, methods));
            assert!(seen.insert(call), "{} has two endpoints called `{call}`", api.name);
            let mut line = vec!["sluicegate".to_owned(), "call".to_owned()];
            line.extend(words);
            if let Err(error) = <Cli as clap::Parser>::try_parse_from(&line) {
                panic!("{line:?}: {error}");
            }
        }
    }
}

#[test]
fn the_real_commands_print_what_people_and_machines_read() {
    let simulation = Simulation::start(&["--seed", "7", "--fail", "1"]);
    let text = |it: &[u8]| String::from_utf8_lossy(it).into_owned();
    for api in REGISTRY {
        let name = variable(api, "url");
        let expected = format!("export {name}={}/{}", simulation.url, api.name);
        assert!(simulation.said.iter().any(|it| it.contains(&expected)), "{expected}");
        // Everything fails here, in the words of the simulation.
        let Some(endpoint) = api.endpoints.iter().find(|it| it.methods[0] == "GET") else {
            continue;
        };
        let mut words = vec!["call".to_owned()];
        words.extend(least(api, endpoint, "GET"));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = simulation.run(&words);
        let (code, error) = (output.status.code(), text(&output.stderr));
        assert_eq!(code, Some(5), "{words:?}: {error}");
        assert!(error.starts_with(&format!("error: {} answered ", api.name)), "{error}");
        assert!(!error.contains(SECRET) && output.stdout.is_empty(), "{error}");
    }
    let output = simulation.run(&["simulate", "--listen", "0.0.0.0:8090"]);
    assert!(text(&output.stderr).contains("listen on 127.0.0.1:8090 instead"));
    assert_eq!(output.status.code(), Some(1));
    let wrong = ["simulate", "do", "nobody", "message", "--data", "{}", "--at", &simulation.url];
    let output = simulation.run(&wrong);
    assert!(text(&output.stderr).contains("`nobody` is not simulated here"));
    assert_eq!(output.status.code(), Some(5));
    let output = simulation.run(&["simulate", "do", "a", "b", "--at", "http://127.0.0.1:9"]);
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
}

#[test]
fn a_missing_credential_is_named_by_its_variable() {
    for api in REGISTRY {
        let secured = |it: &&Endpoint| {
            matches!(it.auth, Auth::Bearer(_) | Auth::Bare(_) | Auth::Cookie(..) | Auth::Header(..))
        };
        let Some(endpoint) = api.endpoints.iter().find(secured) else { continue };
        let words = least(api, endpoint, endpoint.methods[0]);
        let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
        for credential in api.credentials {
            command.env_remove(variable(api, credential.name));
        }
        let url = "http://127.0.0.1:9";
        let output = command.arg("call").args(&words).args(["--base-url", url]).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {error}");
        let prefix = variable(api, "");
        assert!(error.contains("needs a credential: set ") && error.contains(&prefix), "{error}");
    }
}
