//! What Dockerfile, compose file and systemd unit name must exist: nothing else checks them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|it| panic!("{}: {it}", path.display()))
}

/// The lines that are not comments.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|it| !it.starts_with('#'))
}

/// What a line sets at its beginning: `NAME=`, `NAME:`, `ENV NAME=`, `Environment=NAME=`.
fn set(line: &str) -> Option<&str> {
    let line = line.strip_prefix("ENV ").unwrap_or(line);
    let line = line.strip_prefix("Environment=").unwrap_or(line);
    let (name, _) = line.split_once(['=', ':'])?;
    let is_variable = name.len() > 1
        && name.bytes().all(|it| it.is_ascii_uppercase() || it == b'_' || it.is_ascii_digit());
    is_variable.then_some(name)
}

#[test]
fn every_variable_is_read_by_somebody() {
    let help =
        Command::new(env!("CARGO_BIN_EXE_sluicegate")).args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (routes, compose) = (read("routes.yaml"), read("deploy/compose.yaml"));
    let mut found = BTreeSet::new();
    for file in
        ["Dockerfile", "deploy/compose.yaml", "deploy/sluicegate.service", "deploy/env.example"]
    {
        for name in lines(&read(file)).filter_map(set) {
            // RabbitMQ's own image reads these.
            let is_read = name.starts_with("RABBITMQ_DEFAULT_")
                || help.contains(&format!("[env: {name}="))
                || routes.contains(&format!("${{{name}:"))
                || compose.contains(&format!("${{{name}:"));
            assert!(is_read, "{file} sets `{name}`, which nothing reads");
            found.insert(name.to_owned());
        }
    }
    for name in ["SLUICEGATE_DATA", "SLUICEGATE_CONFIG", "RABBITMQ_URL", "WHATSAPP_APP_SECRET"] {
        assert!(found.contains(name), "nothing sets `{name}`: {found:?}");
    }
}

#[test]
fn every_file_that_is_named_exists() {
    let exists = |path: &Path| assert!(path.exists(), "{} is missing", path.display());
    let ignored = read(".dockerignore");
    let mut copied = 0;
    for line in lines(&read("Dockerfile")).filter_map(|it| it.strip_prefix("COPY ")) {
        if line.starts_with("--from=") {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        for source in &words[..words.len() - 1] {
            exists(&root().join(source));
            let kept = ignored.lines().any(|it| it == format!("!{source}"));
            assert!(kept, ".dockerignore hides `{source}` from the build");
            copied += 1;
        }
    }
    assert!(copied > 3, "the Dockerfile copies nothing");
    for line in lines(&read("deploy/compose.yaml")).filter_map(|it| it.strip_prefix("- ../")) {
        exists(&root().join(line.split(':').next().unwrap()));
    }
    // One place for the configuration, whoever names it.
    for file in ["Dockerfile", "deploy/compose.yaml", "deploy/sluicegate.service"] {
        assert!(read(file).contains("/etc/sluicegate/routes.yaml"), "{file}");
    }
}

/// The words after a mark that begins a line, written plainly or as a JSON list.
fn words(text: &str, mark: &str) -> Vec<String> {
    let line = text.lines().find_map(|it| it.strip_prefix(mark));
    let line = line.unwrap_or_else(|| panic!("no line begins with `{mark}`"));
    let line = line.replace(['[', ']', '"', ','], " ");
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn every_command_that_is_run_exists() {
    let docker = read("Dockerfile");
    let mut health = words(&docker, "HEALTHCHECK ");
    health.drain(..=health.iter().position(|it| it == "CMD").unwrap());
    let serve = [words(&docker, "ENTRYPOINT "), words(&docker, "CMD ")].concat();
    for command in [health, serve, words(&read("deploy/sluicegate.service"), "ExecStart=")] {
        assert!(command[0].ends_with("sluicegate"), "{command:?}");
        let mut run = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
        let output = run.args(&command[1..]).arg("--help").output().unwrap();
        assert!(output.status.success(), "{command:?}: {output:?}");
    }
}
