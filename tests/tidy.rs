//! House rules that no lint knows. Each says what to do, not only what is wrong.

use std::fs;
use std::path::{Path, PathBuf};

use sluicegate::{destination, lookup, provider};

/// What each module may import from this crate. Arrows point down the data path, never up.
const LAYERS: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("http", &["client"]),
    ("lenient", &[]),
    ("event", &[]),
    ("expression", &["event"]),
    ("client", &["config", "lenient"]),
    ("provider", &["event", "config", "client", "lenient"]),
    ("router", &["event", "expression"]),
    ("destination", &["event", "expression", "config", "client", "http", "provider", "lenient"]),
    ("lookup", &["client", "config", "event", "expression", "http"]),
    ("plan", &["event", "expression", "lookup", "provider", "router", "destination", "journal"]),
    ("journal", &["event", "clock", "destination", "provider", "router"]),
    (
        "delivery",
        &[
            "client",
            "clock",
            "config",
            "destination",
            "event",
            "expression",
            "http",
            "journal",
            "lookup",
            "plan",
            "provider",
            "router",
            "telemetry",
            "media",
        ],
    ),
    ("ingress", &["config", "event", "clock", "journal", "media", "plan", "provider", "telemetry"]),
    ("poll", &["client", "clock", "config", "http", "journal", "plan", "provider", "telemetry"]),
    ("config", &["event", "expression", "lookup", "provider", "destination", "router"]),
    ("simulate", &["client", "clock", "config", "http"]),
    ("keys", &["config"]),
    ("media", &["config"]),
    ("telemetry", &[]),
];

/// Modules that do no I/O and read no clock.
const PURE: &[&str] =
    &["event", "expression", "provider", "client", "router", "lookup", "plan", "config", "lenient"];

/// Files of pure modules that are the edge themselves: they are handed in from outside.
const EDGES: &[&str] = &["config/environment.rs"];

/// What reaches outside.
const EFFECTS: &[&str] = &[
    "std::fs",
    "net::Tcp",
    "net::Udp",
    "ToSocketAddrs",
    "std::env",
    "std::time::Instant",
    "std::time::SystemTime",
    "tokio::",
    "reqwest::",
    "lapin::",
    "rusqlite::",
    "clock::now",
    "actix_web::",
    "getrandom::",
];

/// Which modules may name a crate that reaches the outside.
const OUTSIDE: &[(&str, &[&str])] = &[
    ("actix_web", &["ingress", "admin", "gateway", "simulate"]),
    ("reqwest", &["http", "cli", "simulate", "poll"]),
    ("rusqlite", &["journal"]),
    ("lapin", &["destination"]),
    ("redis", &["destination"]),
    ("governor", &["delivery", "ingress", "poll"]),
];

const MAX_LINES: usize = 400;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a directory whose name ends so.
pub(crate) fn files(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Every Rust file under `src`, with its path below it.
fn each_source(mut check: impl FnMut(&Path, &str)) {
    let source = root().join("src");
    for path in files(&source, ".rs") {
        check(path.strip_prefix(&source).unwrap(), &fs::read_to_string(&path).unwrap());
    }
}

/// The lines that are neither comments nor tests.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default()
        .lines()
        .filter(|it| !it.trim_start().starts_with("//"))
}

/// The first component of a path under `src/`, without `.rs`.
fn module(path: &Path) -> String {
    path.iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_owned()
}

#[test]
fn imports_point_down_the_data_path() {
    each_source(|path, text| {
        let module = module(path);
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == module) else { return };
        for (name, _) in LAYERS.iter().filter(|(name, _)| *name != module) {
            let import = format!("crate::{name}");
            let imports = code(text).any(|line| {
                line.split(&import)
                    .skip(1)
                    .any(|it| !it.starts_with(|next: char| next.is_alphanumeric() || next == '_'))
                    || line.contains("use crate::{")
            });
            assert!(
                !imports || allowed.contains(name),
                "src/{} imports `{name}`; if that is right, change LAYERS and ARCHITECTURE.md",
                path.display(),
            );
        }
    });
}

#[test]
fn the_pure_modules_reach_nothing() {
    each_source(|path, text| {
        let exempt = path.ends_with("tests.rs") || EDGES.iter().any(|it| path == Path::new(it));
        if !PURE.contains(&&*module(path)) || exempt {
            return;
        }
        for line in code(text) {
            for effect in EFFECTS {
                assert!(
                    !line.contains(effect),
                    "src/{}: `{effect}` in a pure module; take what you need as an argument\n{line}",
                    path.display()
                );
            }
        }
    });
}

#[test]
fn only_the_edges_reach_outside() {
    each_source(|path, text| {
        for (name, allowed) in OUTSIDE {
            let uses = code(text).any(|it| it.contains(&format!("{name}::")));
            assert!(
                !uses || allowed.contains(&&*module(path)),
                "src/{} uses `{name}`; ask one of {allowed:?}",
                path.display()
            );
        }
    });
}

#[test]
fn files_say_what_they_are_and_stay_short() {
    let mut paths = files(&root().join("src"), ".rs");
    paths.extend(files(&root().join("tests"), ".rs"));
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let shown = path.display();
        assert!(text.starts_with("//! "), "{shown} does not start with a `//!` sentence");
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{shown} has {lines} lines; split it by what changes together");
    }
}

#[test]
fn nothing_is_named_for_what_is_left_over() {
    for path in files(&root().join("src"), ".rs") {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let folder = path.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        for name in ["utils", "util", "common", "helpers", "helper", "manager", "types", "misc"] {
            assert!(stem != name && folder != name, "{}: name it for what it does", path.display());
        }
    }
}

#[test]
fn unfinished_work_names_its_issue() {
    each_source(|path, text| {
        for line in text.lines().filter(|it| it.contains("TODO") || it.contains("FIXME")) {
            assert!(
                line.contains("TODO(#"),
                "src/{}: write `TODO(#12): …`\n{line}",
                path.display()
            );
        }
    });
}

#[test]
fn messages_begin_in_lower_case_and_end_without_a_full_stop() {
    each_source(|path, text| {
        for message in text.split("#[error(\"").skip(1).filter_map(|it| it.split('"').next()) {
            let first = message.chars().next().unwrap();
            let good = !first.is_uppercase() && !message.ends_with('.');
            assert!(good, "src/{}: `{message}`", path.display());
        }
    });
}

#[test]
fn logs_carry_fields_not_sentences() {
    const LOGS: [&str; 5] = ["trace!(", "debug!(", "info!(", "warn!(", "error!("];
    each_source(|path, text| {
        for line in code(text).filter(|line| LOGS.iter().any(|it| line.contains(it))) {
            assert!(
                !line.contains('{'),
                "src/{}: name the value as a field\n{line}",
                path.display()
            );
        }
    });
}

#[test]
fn only_tests_skip_verification() {
    each_source(|path, text| {
        let calls = code(text).any(|it| it.contains(".assume_verified()"));
        assert!(!calls, "src/{} skips verification", path.display());
    });
}

/// The files that hold what was sent against a secret: there, nothing at all is compared.
const COMPARERS: &[&str] = &["provider/signature/compare.rs", "admin/mod.rs"];

#[test]
fn secrets_are_compared_in_constant_time() {
    const COMPARISONS: [&str; 6] = ["==", "!=", ".eq(", ".ne(", ".starts_with(", ".cmp("];
    const SECRETS: [&str; 2] = [".expose()", ".finalize()"];
    let mut comparers = 0;
    each_source(|path, text| {
        let code: Vec<&str> = code(text).collect();
        let code = code.join("\n");
        let is_comparer = COMPARERS.iter().any(|it| path == Path::new(it));
        comparers += usize::from(is_comparer);
        for statement in code.split([';', '{', '}']) {
            let compares = COMPARISONS.iter().any(|it| statement.contains(it));
            let has_secret = is_comparer || SECRETS.iter().any(|it| statement.contains(it));
            assert!(
                !(compares && has_secret),
                "src/{}: this takes longer the more of it is right; use `verify_slice` or `ct_eq`\n{}",
                path.display(),
                statement.trim()
            );
        }
        let safe = ["verify_slice(", "ct_eq("].iter().any(|it| code.contains(it));
        assert!(!is_comparer || safe, "src/{}: where is the comparison now?", path.display());
    });
    assert_eq!(comparers, COMPARERS.len(), "a file of COMPARERS is gone");
}

#[test]
fn provider_folders_and_the_registry_agree() {
    let directory = root().join("src/provider");
    let mut folders: Vec<String> = fs::read_dir(&directory)
        .unwrap()
        .map(Result::unwrap)
        .filter(|it| {
            it.path().is_dir()
                && !["meta", "signature"].contains(&&*it.file_name().to_string_lossy())
        })
        .map(|it| it.file_name().into_string().unwrap())
        .collect();
    folders.sort();
    let registered: Vec<&str> = provider::REGISTRY.iter().map(|it| it.name).collect();
    assert!(registered.is_sorted(), "keep provider::REGISTRY in alphabetical order");
    assert_eq!(folders, registered);
    for name in folders {
        let readme = directory.join(&name).join("README.md");
        assert!(readme.exists(), "{} is missing: what does the operator click?", readme.display());
    }
}

#[test]
fn names_are_lower_case_nouns_and_summaries_are_sentences() {
    let providers = provider::REGISTRY.iter().map(|it| (it.name, it.summary));
    let destinations = destination::REGISTRY.iter().map(|it| (it.kind, it.summary));
    let lookups = lookup::REGISTRY.iter().map(|it| (it.kind, it.summary));
    for (name, summary) in providers.chain(destinations).chain(lookups) {
        assert!(name.bytes().all(|it| it.is_ascii_lowercase() || b"._".contains(&it)), "{name}");
        assert!(summary.ends_with('.') && !summary.contains('\n'), "{name}: {summary}");
    }
}

#[test]
fn every_test_file_is_run() {
    let list = fs::read_to_string(root().join("tests/main.rs")).unwrap();
    for entry in fs::read_dir(root().join("tests")).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.extension().is_none_or(|it| it != "rs") {
            continue;
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(
            name == "main" || list.contains(&format!("mod {name};")),
            "tests/main.rs lacks `mod {name};`"
        );
    }
}

#[test]
fn nothing_patronises_the_reader() {
    for path in files(&root(), ".md").into_iter().chain(files(&root().join("src"), ".rs")) {
        if path.starts_with(root().join("target")) || path.starts_with(root().join("data")) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for word in ["simply", "obviously", "of course"] {
            let found = text.lines().find(|it| it.to_lowercase().contains(word));
            assert!(found.is_none(), "{}: `{word}`\n{}", path.display(), found.unwrap());
        }
    }
}
