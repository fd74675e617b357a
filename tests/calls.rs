//! Every endpoint of every API, called as the command line calls it, at the real `simulate`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Output};

use clap::{Args, CommandFactory, FromArgMatches};
use serde_json::{Value, json};
use sluicegate::cli::call::{Call, variable};
use sluicegate::cli::{Cli, Failure};
use sluicegate::client::{Api, Auth, Endpoint, Kind, Parameter, Place, REGISTRY};

use crate::support::simulation::Simulation;

/// What must have happened before an API can be asked: deeds, and what they are about.
const DEEDS: &[(&str, &str, &str)] = &[
    ("flowiq", "message", r#"{"from":"27821234567","text":"Hello"}"#),
    ("flowxo", "populate", r#"{"conversations":3,"messages":2}"#),
];

/// Credentials that a simulator tells from others, by their variable.
const CREDENTIALS: &[(&str, &str)] =
    &[("FLOWBOT_APP_SECRET", "app-secret"), ("FLOWBOT_HMAC_SECRET", "hmac-secret")];

/// Values of parameters that an example would not do for: API, call (or any), parameter, value.
const VALUES: &[(&str, &str, &str, &str)] = &[
    ("flowbot", "", "phone", "+27821234567"),
    ("flowbot", "flows by-id", "id", "flow-uuid"),
    ("flowbot", "conversations by-id", "id", "conv-uuid"),
];

/// Calls whose arguments depend on another or on each other, in their order; `{name}` is what an
/// earlier answer held. Whatever is not here is called with an example of what is required.
const LINES: &[Line] = &[
    ("flowbot", "conversations reply --id conv-uuid --message-type text --text Hello", &[]),
    ("flowbot", "webhook flow lead --flow-id flow-uuid --phone +27821234567", &[]),
    ("flowgent", "knowledge add --content Opening-hours --agent-ids agent-1", &[("item", "/id")]),
    ("flowgent", "knowledge get --id {item}", &[]),
    ("flowgent", "knowledge update --id {item} --name Hours", &[]),
    ("flowgent", "knowledge delete --id {item}", &[]),
    ("flowiq", "messages --whatsapp-number 27821234567", &[]),
    ("flowiq", "contact --whatsapp-number +27821234567", &[]),
    ("flowiq", "send --phone-number 27821234567 --message-type text --text Hello", &[]),
    ("graph", r#"messages --to 27821234567 --text {"body":"Hi"}"#, &[]),
    ("graph", "read --message-id wamid.1", &[]),
    ("graph", "media upload --type image/png --file content", &[("file", "/id")]),
    ("graph", "media --media-id {file}", &[]),
    ("graph", "media --media-id {file} --method DELETE", &[]),
    ("graph", "lead --leadgen-id 2000001", &[]),
    ("graph", r#"page-messages --recipient {"id":"1"} --message {"text":"Hi"}"#, &[]),
    ("flowxo", "conversations", &[("path", "/conversations/0/id")]),
    ("flowxo", "conversation --id {path}", &[]),
    ("flowxo", "messages --id {path}", &[]),
    ("flowxo", r#"send --response-path {path} --type text --message {"body":"Hi"}"#, &[]),
];

/// An API, the words and options of a call, and what to keep of the answer: a name and a pointer.
type Line = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

impl Simulation {
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

/// What every other credential is; no simulator knows better.
const SECRET: &str = "a-credential-of-a-test";

/// The call that these words make.
fn parse(words: &[String]) -> Call {
    let words = std::iter::once("call").chain(words.iter().map(String::as_str));
    let matches = Call::augment_args(clap::Command::new("call"))
        .try_get_matches_from(words)
        .unwrap_or_else(|it| panic!("{it}"));
    Call::from_arg_matches(&matches).unwrap()
}

/// Calls with these variables, and answers what came back.
async fn perform(
    url: &str,
    variables: &BTreeMap<String, String>,
    words: &[String],
) -> Result<Value, Failure> {
    let name = variable(api(&words[0]), "url");
    let url = format!("{url}/{}", words[0]);
    let environment =
        |it: &str| if it == name { Some(url.clone()) } else { variables.get(it).cloned() };
    let mut answer = Value::Null;
    parse(words)
        .perform(&environment, &mut |it| {
            answer = it;
            Ok(())
        })
        .await?;
    Ok(answer)
}

fn api(name: &str) -> &'static Api {
    REGISTRY.iter().find(|it| it.name == name).unwrap()
}

/// Every credential of every API. What is only given by `FlowBot` itself is asked for.
async fn credentials(url: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for api in REGISTRY {
        for credential in api.credentials {
            let name = variable(api, credential.name);
            let special = CREDENTIALS.iter().find(|it| it.0 == name);
            all.insert(name, special.map_or(SECRET, |it| it.1).to_owned());
        }
    }
    let http = sluicegate::http::client(std::time::Duration::from_secs(10)).unwrap();
    if all.contains_key("FLOWBOT_TOKEN") {
        let post = |path: &str, body: Value| http.post(format!("{url}/flowbot{path}")).json(&body);
        let token = json!({ "clientId": "client", "apiKey": "key" });
        let token: Value =
            post("/api/auth/api-token", token).send().await.unwrap().json().await.unwrap();
        all.insert("FLOWBOT_TOKEN".to_owned(), token["accessToken"].as_str().unwrap().to_owned());
        let login = json!({ "username": "admin", "password": "password" });
        let login = post("/api/auth/login", login).send().await.unwrap();
        let cookie = login.headers()["set-cookie"].to_str().unwrap();
        let session = cookie.split(['=', ';']).nth(1).unwrap();
        all.insert("FLOWBOT_SESSION".to_owned(), session.to_owned());
    }
    all
}

/// A value that the parameter takes.
fn example(api: &Api, endpoint: &Endpoint, parameter: &Parameter) -> String {
    let fits = |it: &&(&str, &str, &str, &str)| {
        it.0 == api.name && it.2 == parameter.name && (it.1.is_empty() || it.1 == endpoint.call)
    };
    if let Some(special) = VALUES.iter().find(fits) {
        return special.3.to_owned();
    }
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
            _ => example(api, endpoint, parameter),
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
    let variables = credentials(&simulation.url).await;
    let mut failures = Vec::new();
    let mut called = BTreeSet::new();
    let mut kept: BTreeMap<&str, String> = BTreeMap::new();
    for (name, line, keep) in LINES {
        let mut words = vec![(*name).to_owned()];
        for word in line.split(' ') {
            let found = word.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
            words.push(found.and_then(|it| kept.get(it).cloned()).unwrap_or(word.to_owned()));
        }
        called.insert((*name, parse(&words).endpoint().call));
        match perform(&simulation.url, &variables, &words).await {
            Ok(answer) => kept.extend(keep.iter().map(|(name, pointer)| {
                let value = answer.pointer(pointer).unwrap_or_else(|| panic!("{line}: {answer}"));
                (*name, value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            })),
            Err(failure) => failures.push(format!("{line}: {}", reason(&failure))),
        }
    }
    let endpoints = REGISTRY.iter().flat_map(|api| api.endpoints.iter().map(move |it| (api, it)));
    let left = endpoints.filter(|(api, it)| !called.contains(&(api.name, it.call)));
    // What ends a session comes last.
    let (last, first): (Vec<_>, Vec<_>) = left.partition(|it| it.1.call.ends_with("logout"));
    for (api, endpoint) in first.into_iter().chain(last) {
        for method in endpoint.methods {
            let words = least(api, endpoint, method);
            if let Err(failure) = perform(&simulation.url, &variables, &words).await {
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
        let readers = api.endpoints.iter().filter(|it| it.methods[0] == "GET");
        let Some(endpoint) = readers.min_by_key(|it| it.parameters.len()) else { continue };
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

#[tokio::test]
async fn one_credential_is_exchanged_for_another() {
    let simulation = Simulation::start(&[]);
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let given = |all: &[(&str, &str)]| {
        all.iter().map(|it| (it.0.to_owned(), it.1.to_owned())).collect::<BTreeMap<_, _>>()
    };
    let key = given(&[("FLOWBOT_CLIENT_ID", "client"), ("FLOWBOT_API_KEY", "key")]);
    let login = given(&[("FLOWBOT_USERNAME", "ada"), ("FLOWBOT_PASSWORD", "pw")]);
    let outbound = words("flowbot webhook outbound --phone +27821234567 --flow-id flow-uuid");
    perform(&simulation.url, &key, &outbound).await.unwrap();
    // Who has a key uses it, also where a flow may ask for nothing.
    let lead = words("flowbot webhook flow lead --flow-id flow-uuid --phone +27821234567");
    perform(&simulation.url, &key, &lead).await.unwrap();
    let me = perform(&simulation.url, &login, &words("flowbot auth me")).await.unwrap();
    assert_eq!(me["user"]["username"], "ada");
    let wrong = given(&[("FLOWBOT_CLIENT_ID", "client"), ("FLOWBOT_API_KEY", "invalid")]);
    let failure = perform(&simulation.url, &wrong, &outbound).await.unwrap_err();
    assert_eq!(reason(&failure), "flowbot answered 401: Invalid client credentials");
    let failure = perform(&simulation.url, &given(&[]), &outbound).await.unwrap_err();
    let text = reason(&failure);
    assert!(text.contains("FLOWBOT_CLIENT_ID") && text.contains("; or FLOWBOT_TOKEN"), "{text}");
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
