//! The reference pages in `docs/`, written from the code. They fail here when they are stale.

mod adapters;
mod calls;
mod cli;
mod events;
mod expressions;
mod links;
mod metrics;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use sluicegate::{config, event};

use crate::wire;

/// How to write the pages again.
const REFRESH: &str = "run UPDATE=1 cargo test docs";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// Whether the pages are being written, so that nothing can be said about them yet.
fn updating() -> bool {
    std::env::var_os("UPDATE").is_some()
}

/// Compares a page with the committed one, or with `UPDATE=1` writes it.
fn page(name: &str, content: &str) {
    let text = format!("<!-- Generated from the code. To refresh it, {REFRESH}. -->\n\n{content}");
    compare(name, &text);
}

/// As [`page`], for a JSON schema.
fn schema(name: &str, mut schema: Value) {
    schema["$comment"] = format!("Generated from the code. To refresh it, {REFRESH}.").into();
    compare(name, &format!("{}\n", serde_json::to_string_pretty(&schema).unwrap()));
}

fn compare(name: &str, text: &str) {
    for place in [env!("CARGO_MANIFEST_DIR"), "/home/", "/root/", "/Users/"] {
        assert!(!text.contains(place), "docs/{name} names a place of this machine: {place}");
    }
    let path = folder().join(name);
    let committed = fs::read_to_string(&path).unwrap_or_default();
    if updating() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        return fs::write(path, text).unwrap();
    }
    let differ = committed.lines().zip(text.lines()).find(|(a, b)| a != b);
    let (was, is) = differ.unwrap_or(("", "…"));
    assert!(committed == text, "docs/{name} is stale: {REFRESH}\n- {was}\n+ {is}");
}

/// A Markdown table.
fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let line = |cells: &[String; N]| {
        let cells: Vec<String> = cells.iter().map(|it| it.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let mut text = line(&head.map(str::to_owned)) + &line(&head.map(|_| "---".to_owned()));
    rows.into_iter().for_each(|it| text.push_str(&line(&it)));
    text
}

/// Text as code.
fn code(text: impl std::fmt::Display) -> String {
    format!("`{text}`")
}

/// A list of words as code, with commas.
fn codes(words: impl IntoIterator<Item = impl std::fmt::Display>) -> String {
    words.into_iter().map(code).collect::<Vec<_>>().join(", ")
}

/// A doc comment as one line, which must be there and be a sentence.
fn sentence(of: &str, text: Option<&str>) -> String {
    let text = text.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.ends_with(['.', '…']), "`{of}` needs a doc comment with a full stop: `{text}`");
    text
}

#[test]
fn events_are_described() {
    page("events.md", &events::page());
}

#[test]
fn providers_are_described() {
    page("providers.md", &adapters::providers());
}

#[test]
fn destinations_are_described() {
    page("destinations.md", &adapters::destinations());
}

#[test]
fn settings_are_described() {
    page("config.md", &config::reference());
}

#[test]
fn expressions_are_described() {
    page("expressions.md", &expressions::page());
}

#[test]
fn commands_are_described() {
    page("cli.md", &cli::page());
}

#[test]
fn calls_are_described() {
    page("calls.md", &calls::page());
}

#[test]
fn metrics_are_described() {
    page("metrics.md", &metrics::page());
}

#[test]
fn the_schema_of_the_configuration_is_kept() {
    schema("routes.schema.json", config::schema());
}

#[test]
fn an_editor_tells_right_from_wrong_by_the_schema() {
    let schema = jsonschema::validator_for(&config::schema()).unwrap();
    let right = json!({
        "broker": "${RABBITMQ_URL:-embedded}",
        "stale_after": "${STALE_AFTER:-1h}",
        "limits": { "in_flight": "${IN_FLIGHT}", "max_body": "3MiB", "per_address": "60/min" },
        "sources": { "whatsapp": { "provider": "whatsapp", "app_secrets": ["${SECRET:-}"] } },
        "destinations": {
            "events": { "kind": "queue", "queues": { "all": ["#"] }, "queue_type": "classic" },
            "log": { "kind": "log" },
        },
        "routes": [
            { "name": "a", "to": "events", "history": "include" },
            { "name": "b", "from": ["whatsapp"], "on": "message.*", "to": ["log", { "events": {} }] },
        ],
    });
    assert!(schema.is_valid(&right), "{:?}", schema.validate(&right));
    for (place, wrong) in [
        ("/stale_after", json!(3600)),
        ("/limits/max_body", json!({})),
        ("/sources/whatsapp", json!({ "provider": "whatsup" })),
        ("/sources/whatsapp", json!({ "provider": "whatsapp", "secret": "x" })),
        ("/destinations/events", json!({ "kind": "queue", "queues": ["#"] })),
        ("/destinations/events", json!({ "queues": {} })),
        ("/routes/0", json!({ "name": "a" })),
        ("/routes/1/on", json!([])),
        ("/routes", json!({})),
    ] {
        let mut config = right.clone();
        *config.pointer_mut(place).unwrap() = wrong;
        assert!(!schema.is_valid(&config), "{place}");
    }
}

#[test]
fn the_schema_of_every_kind_is_kept() {
    let mut names = BTreeSet::new();
    for kind in wire::kinds() {
        let name = format!("{kind}.json");
        schema(&format!("schemas/{name}"), event::schema::of(kind.as_str()).unwrap());
        names.insert(name);
    }
    let files = fs::read_dir(folder().join("schemas")).unwrap();
    let kept: BTreeSet<String> =
        files.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(kept, names, "docs/schemas has a file for each kind and no other");
}
