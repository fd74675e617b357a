//! `routes.yaml` and its mistakes: `tests/config/{valid,invalid}/*.yaml`.
//!
//! Beside each invalid file stands what is said about it. `UPDATE=1 cargo test config` writes that
//! anew; read it before you commit it.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use sluicegate::config::{self, Diagnostics, Environment, Loaded, Parts, Secrets};
use sluicegate::destination::Broker;
use sluicegate::provider::{Callback, Headers, Request, callback_url};
use sluicegate::router::Target;

/// Variables of the tests; a secret among them must never be seen.
struct Fixed;

impl Environment for Fixed {
    fn variable(&self, name: &str) -> Option<String> {
        match name {
            "SECRET" => Some("hunter2-from-the-environment".into()),
            "NUMBER" => Some("7".into()),
            _ => None,
        }
    }

    fn file(&self, path: &str) -> Result<String, String> {
        if path == "/run/secrets/app" {
            Ok("hunter2-from-a-file\n".into())
        } else {
            Err("no such file".into())
        }
    }
}

/// An environment with nothing in it.
struct Empty;

impl Environment for Empty {
    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, _: &str) -> Result<String, String> {
        Err("no such file".into())
    }
}

fn check(text: &str, name: &str) -> Result<(Loaded, Parts), Diagnostics> {
    let loaded = config::load(text, name, &Fixed)?;
    let parts = loaded.config.build(&Secrets::placeholder())?;
    // No destination takes a payload yet, and the form of one is to be read all the same.
    let unused = |it: &String| it.contains("what stands here is not used");
    if loaded.warnings.messages().iter().all(unused) {
        Ok((loaded, parts))
    } else {
        Err(loaded.warnings)
    }
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(folder);
    let files = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|it| it.extension().is_some_and(|it| it == "yaml")).collect();
    files.sort();
    files
}

#[test]
fn every_mistake_is_told_with_its_place_and_what_to_do() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = Vec::new();
    for path in files("invalid") {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let said = match check(&text, name) {
            Ok(_) => "nothing\n".to_owned(),
            Err(diagnostics) => format!("{diagnostics}\n"),
        };
        assert!(!said.contains("hunter2"), "{name} gives a secret away:\n{said}");
        let golden = path.with_extension("txt");
        if update {
            fs::write(&golden, &said).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if said != expected {
            wrong.push(format!("{name}: expected\n{expected}\nbut was told\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn valid_files_are_read_without_a_word() {
    for path in files("valid") {
        let text = fs::read_to_string(&path).unwrap();
        if let Err(diagnostics) = check(&text, &path.display().to_string()) {
            panic!("{diagnostics}");
        }
    }
}

#[test]
fn the_repositorys_own_file_runs_with_an_empty_environment() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("routes.yaml");
    let text = fs::read_to_string(path).unwrap();
    let loaded = config::load(&text, "routes.yaml", &Empty).unwrap();
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    let config = &loaded.config;
    assert_eq!(config.public_url, "http://127.0.0.1:8080");
    assert_eq!(config.broker, Broker::Embedded);
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.stale_after.as_secs(), 3600);
    let queues: Vec<_> = config.queues["events"].queues.keys().collect();
    assert_eq!(queues, ["sluicegate.events", "sluicegate.messages"]);
    let parts = config.build(&Secrets::placeholder()).unwrap();
    assert!(parts.sources["whatsapp"].verifier().is_development());
}

#[test]
fn every_form_means_what_it_says() {
    let (loaded, parts) = check(include_str!("config/valid/every_form.yaml"), "a.yaml").unwrap();
    let config = &loaded.config;
    assert_eq!(config.public_url, "https://gateway.example", "without the slash at the end");
    assert!(matches!(config.broker, Broker::RabbitMq(_)));
    assert_eq!(config.limits.max_body.0, 1 << 20);
    assert_eq!(config.limits.in_flight, 7, "a variable may be a number");
    assert_eq!(config.limits.per_address.unwrap().count, 600);
    assert!(config.limits.trusted_proxies[0].contains([10, 1, 2, 3].into()));
    assert_eq!(config.retention.events.0.as_secs(), 8 * 24 * 3600);
    assert!(!parts.sources["whatsapp"].verifier().is_development());

    let routes = config.routes.routes();
    let named = |name: &str| routes.iter().find(|it| &*it.name == name).unwrap();
    let targets = |name: &str| -> Vec<(String, bool)> {
        let target = |it: &Target| (it.destination.to_string(), it.payload.is_some());
        named(name).to.iter().map(target).collect()
    };
    assert_eq!(targets("one"), [("log".into(), false)]);
    assert_eq!(targets("list"), [("log".into(), false), ("events".into(), false)]);
    assert_eq!(targets("map"), [("log".into(), true)]);
    assert_eq!(targets("mixed"), [("log".into(), false), ("events".into(), true)]);
    let mixed = named("mixed");
    assert_eq!(mixed.on, ["message.*", "whatsapp.unmapped", "account.updated"]);
    assert!(mixed.from.contains("106540352242922") && mixed.when.is_some());
    assert!(mixed.stop && mixed.history && !mixed.otherwise);
    assert!(named("rest").otherwise);
}

#[test]
fn a_destination_that_answers_is_a_source_of_its_name() {
    let (loaded, parts) = check(include_str!("config/valid/answers.yaml"), "a.yaml").unwrap();
    assert!(!parts.sources.contains_key("log"), "it answers nothing");
    let now: jiff::Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    let call = Callback { call: uuid::Uuid::from_u128(7), attempt: 2, expires: now };
    let public_url = &loaded.config.public_url;
    let url = callback_url(public_url, &Secrets::placeholder().store_key, "concierge", &call);
    let target = url.expose().strip_prefix(&**public_url).unwrap();
    let request = |target: &str| Request::new("POST", target, Headers::default(), "{}".into());
    let concierge = &parts.sources["concierge"];
    let verified = concierge.verify(request(target), now).unwrap();
    assert_eq!(concierge.callback(&verified), Some(call));
    assert!(concierge.verify(request("/hooks/concierge"), now).is_err());
}

#[test]
fn a_development_secret_is_refused_where_the_world_can_reach_it() {
    let text = "public_url: https://gateway.example\n\
                sources: { whatsapp: { provider: whatsapp } }\n\
                destinations: { log: { kind: log } }\n\
                routes: [{ name: all, to: log }]\n";
    let loaded = config::load(text, "routes.yaml", &Empty).unwrap();
    let refused = loaded.config.build(&Secrets::placeholder()).err().unwrap();
    assert!(refused.to_string().contains("routes.yaml:2:12"), "{refused}");
}

#[test]
fn diagnostics_are_objects_for_programs() {
    let refused = config::load("routes: 1\nlisten: here", "routes.yaml", &Empty).err().unwrap();
    let json = refused.to_json();
    assert_eq!(json[0]["line"], 1);
    assert_eq!(json[0]["severity"], "error");
    assert_eq!(json[1]["line"], 2);
    assert_eq!(json[1]["column"], 9);
    assert_eq!(json[1]["message"], "expected an address, such as `127.0.0.1:8080`");
}

proptest! {
    #[test]
    fn no_text_makes_the_loader_panic(text in "(?s).{0,200}") {
        let _ = check(&text, "a.yaml").map_err(|it| (it.to_string(), it.to_json()));
    }

    #[test]
    fn no_yaml_like_text_makes_the_loader_panic(
        text in r#"([a-z]{1,3}|routes|sources|name|to|from|on|when|kind|provider|queue|\$\{A\}|\{\{|\}\}|[-:\[\]{}"'&*!|>#%ü\t ,.0-9]|: |\n|\n  |- ){0,60}"#,
    ) {
        let _ = check(&text, "a.yaml").map_err(|it| (it.to_string(), it.to_json()));
    }

    #[test]
    fn no_damaged_file_makes_the_loader_panic_or_tell_secrets(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0usize..6, "[^a-z]{0,3}"), 1..5),
    ) {
        let mut text = include_str!("config/valid/every_form.yaml").to_owned();
        for (at, length, with) in cuts {
            let start = text.floor_char_boundary(at.index(text.len()));
            let end = text.ceil_char_boundary((start + length).min(text.len()));
            text.replace_range(start..end, &with);
        }
        if let Err(said) = check(&text, "a.yaml") {
            let said = format!("{said}{}", said.to_json());
            prop_assert!(!said.contains("-from-"), "{said}");
        }
    }
}
