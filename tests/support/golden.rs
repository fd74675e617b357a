//! Golden files: what must come out, kept beside what goes in.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// Compares with the file, or with `UPDATE=1` in the environment writes it.
pub(crate) fn check(path: &Path, actual: &Value) {
    let actual = format!("{}\n", serde_json::to_string_pretty(actual).unwrap());
    if std::env::var_os("UPDATE").is_some() {
        return fs::write(path, actual).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert!(
        actual == expected,
        "{} is not what comes out now. Review it: `UPDATE=1 cargo test` and `git diff`.\n{}",
        path.display(),
        first_difference(&expected, &actual),
    );
}

fn first_difference(expected: &str, actual: &str) -> String {
    let (mut expected, mut actual) = (expected.lines(), actual.lines());
    for line in 1.. {
        match (expected.next(), actual.next()) {
            (Some(a), Some(b)) if a == b => {}
            (a, b) => return format!("line {line}\n- {}\n+ {}", a.unwrap_or(""), b.unwrap_or("")),
        }
    }
    unreachable!("two equal texts are not compared line by line")
}
