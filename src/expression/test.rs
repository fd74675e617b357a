//! Tests: `value is name`. What is missing passes none of them but `undefined`.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value};
use regex::{Regex, RegexBuilder};

/// The memory one compiled pattern may take.
const REGEX_SIZE: usize = 1024 * 1024;

/// How many compiled patterns are kept. Patterns are literals of the configuration, so only
/// reloads make more of them.
const REGEXES: usize = 4096;

static COMPILED: LazyLock<RwLock<HashMap<String, Arc<Regex>>>> = LazyLock::new(RwLock::default);

/// A pattern, compiled once.
pub(super) fn regex(pattern: &str) -> Result<Arc<Regex>, regex::Error> {
    let kept = COMPILED.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(regex) = kept.get(pattern) {
        return Ok(Arc::clone(regex));
    }
    drop(kept);
    let regex = Arc::new(RegexBuilder::new(pattern).size_limit(REGEX_SIZE).build()?);
    let mut kept = COMPILED.write().unwrap_or_else(PoisonError::into_inner);
    if kept.len() >= REGEXES {
        kept.clear();
    }
    kept.insert(pattern.to_owned(), Arc::clone(&regex));
    Ok(regex)
}

pub(super) fn matching(value: &Value, pattern: &str) -> Result<bool, Error> {
    let regex =
        regex(pattern).map_err(|it| Error::new(ErrorKind::InvalidOperation, it.to_string()))?;
    Ok(value.as_str().is_some_and(|it| regex.is_match(it)))
}

pub(super) fn containing(value: &Value, part: &Value) -> bool {
    match (value.as_str(), part.as_str()) {
        (Some(text), Some(part)) => text.contains(part),
        (Some(_), None) => false,
        (None, _) => {
            sequence(value) && value.try_iter().is_ok_and(|mut items| items.any(|it| it == *part))
        }
    }
}

pub(super) fn starting_with(value: &Value, part: &str) -> bool {
    value.as_str().is_some_and(|it| it.starts_with(part))
}

pub(super) fn ending_with(value: &Value, part: &str) -> bool {
    value.as_str().is_some_and(|it| it.ends_with(part))
}

pub(super) fn boolean(value: &Value) -> bool {
    value.kind() == ValueKind::Bool
}

pub(super) fn number(value: &Value) -> bool {
    value.kind() == ValueKind::Number
}

pub(super) fn sequence(value: &Value) -> bool {
    value.kind() == ValueKind::Seq
}
