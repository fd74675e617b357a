//! `${NAME}` in the file: replaced after parsing, in every scalar, quoted or not.
//!
//! A value is put in as it is. It cannot add settings, and what looks like `${…}` in it stays.

use std::ops::Range;

use super::diagnostic::{Diagnostic, Diagnostics};
use super::environment::Environment;
use super::yaml::{Node, Scalar, Value};

/// What is wrong in a scalar, at a range of its text.
struct Mistake {
    range: Range<usize>,
    message: String,
    hint: String,
}

/// Replaces every `${…}` of a tree.
pub(super) fn interpolate(
    node: &mut Node,
    environment: &dyn Environment,
    diagnostics: &mut Diagnostics,
) {
    match &mut node.value {
        Value::List(nodes) => {
            for node in nodes {
                interpolate(node, environment, diagnostics);
            }
        }
        Value::Map(entries) => {
            entries.retain_mut(|entry| {
                let replaceable = !entry.key.contains("${");
                if !replaceable {
                    diagnostics.push(
                        Diagnostic::error(entry.key_span, "variables are not replaced in a key")
                            .hint("write the name out"),
                    );
                }
                interpolate(&mut entry.value, environment, diagnostics);
                replaceable
            });
        }
        Value::Scalar(scalar) if scalar.text.contains("${") => {
            match expand(scalar, environment, diagnostics) {
                Ok(scalar) => node.value = Value::Scalar(scalar),
                Err(mistakes) => {
                    for Mistake { range, message, hint } in mistakes {
                        let span = node.locate(range, diagnostics.text());
                        diagnostics.push(Diagnostic::error(span, message).hint(hint));
                    }
                    node.value = Value::Unknown;
                }
            }
        }
        Value::Scalar(_) | Value::Unknown => {}
    }
}

fn expand(
    scalar: &Scalar,
    environment: &dyn Environment,
    diagnostics: &mut Diagnostics,
) -> Result<Scalar, Vec<Mistake>> {
    let text = &scalar.text;
    let mut expanded = String::with_capacity(text.len());
    let mut mistakes = Vec::new();
    let mut interpolated = false;
    let mut at = 0;
    while let Some(found) = text[at..].find("${") {
        let start = at + found;
        if text[..start].ends_with('$') {
            // `$${` is `${` itself.
            expanded.push_str(&text[at..start]);
            expanded.push('{');
            at = start + 2;
            continue;
        }
        expanded.push_str(&text[at..start]);
        let Some(length) = text[start..].find('}') else {
            let hint = "close it with `}`, or write `$${` for the characters themselves";
            mistakes.push(mistake(start..text.len(), "`${` is never closed", hint));
            break;
        };
        at = start + length + 1;
        match resolve(&text[start + 2..at - 1], environment) {
            Ok((value, secret)) => {
                if secret {
                    diagnostics.hide_value(&value);
                }
                expanded.push_str(&value);
                interpolated = true;
            }
            Err((message, hint)) => mistakes.push(mistake(start..at, message, hint)),
        }
    }
    expanded.push_str(&text[at..]);
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    // Only a scalar that is one variable and nothing else may become a number.
    let alone = text.starts_with("${") && text.find('}') == Some(text.len() - 1);
    Ok(Scalar { text: expanded, plain: scalar.plain && alone, interpolated })
}

fn mistake(range: Range<usize>, message: impl Into<String>, hint: impl Into<String>) -> Mistake {
    Mistake { range, message: message.into(), hint: hint.into() }
}

/// The value of what stands between `${` and `}`, and whether it came from outside the file.
fn resolve(inner: &str, environment: &dyn Environment) -> Result<(String, bool), (String, String)> {
    if let Some(path) = inner.strip_prefix("file:") {
        let mut content = environment.file(path).map_err(|it| {
            (format!("cannot read `{path}`: {it}"), "create the file, or mount it".into())
        })?;
        let end = content.trim_end_matches(['\r', '\n']).len();
        content.truncate(end);
        return Ok((content, true));
    }
    let (name, operator, word) = match inner.split_once(':') {
        Some((name, rest)) if rest.starts_with(['-', '?']) => (name, &rest[..1], &rest[1..]),
        _ => (inner, "", ""),
    };
    let is_name = name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
        && name.bytes().next().is_some_and(|it| !it.is_ascii_digit());
    if !is_name || word.contains("${") {
        let hint = "write `${NAME}`, `${NAME:-default}`, `${NAME:?message}` or `${file:/path}`; `$${` stands \
                    for the characters themselves";
        return Err((format!("`${{{name}}}` is not a variable"), hint.into()));
    }
    let value = environment.variable(name);
    match (value, operator) {
        (Some(value), "") => Ok((value, true)),
        (Some(value), _) if !value.is_empty() => Ok((value, true)),
        (_, "-") => Ok((word.to_owned(), false)),
        (_, "?") => {
            Err((format!("`{name}` is not set: {word}"), format!("set {name} in the environment")))
        }
        _ => Err((
            format!("`{name}` is not set"),
            format!("set it in the environment, or give a default: `${{{name}:-}}`"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::yaml;

    struct Fake;

    impl Environment for Fake {
        fn variable(&self, name: &str) -> Option<String> {
            let value = match name {
                "A" => "one",
                "PORT" => "80",
                "EMPTY" => "",
                "TRICKY" => "x\nadmin: ${A}",
                _ => return None,
            };
            Some(value.to_owned())
        }

        fn file(&self, path: &str) -> Result<String, String> {
            if path == "/run/secrets/x" { Ok("hush\n".into()) } else { Err("no such file".into()) }
        }
    }

    fn read(text: &str) -> Result<serde_json::Value, String> {
        let mut diagnostics = Diagnostics::new("a.yaml", text);
        let mut root = yaml::parse(text, &mut diagnostics).expect(text);
        interpolate(&mut root, &Fake, &mut diagnostics);
        if diagnostics.is_empty() {
            Ok(root.to_json())
        } else {
            Err(diagnostics.messages().join("; "))
        }
    }

    #[test]
    fn variables_are_replaced_in_every_scalar() {
        let cases = [
            ("a: ${A}", r#"{"a":"one"}"#),
            ("a: \"${A}/${A}\"", r#"{"a":"one/one"}"#),
            ("a: 'x ${A}'", r#"{"a":"x one"}"#),
            ("a: |\n  ${A}\n", "{\"a\":\"one\\n\"}"),
            ("a: ${NONE:-two}", r#"{"a":"two"}"#),
            ("a: ${EMPTY:-two}", r#"{"a":"two"}"#),
            ("a: ${EMPTY}", r#"{"a":""}"#),
            ("a: ${NONE:-}", r#"{"a":""}"#),
            ("a: ${NONE:-amqp://x:5}", r#"{"a":"amqp://x:5"}"#),
            ("a: ${file:/run/secrets/x}", r#"{"a":"hush"}"#),
            ("a: $${A}", r#"{"a":"${A}"}"#),
            ("a: $${A} ${A}", r#"{"a":"${A} one"}"#),
            ("a: ${TRICKY}", "{\"a\":\"x\\nadmin: ${A}\"}"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).expect(text).to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_replaced_is_said() {
        let cases = [
            ("a: ${NONE}", "`NONE` is not set"),
            ("a: ${EMPTY:?ask Ann}", "`EMPTY` is not set: ask Ann"),
            ("a: ${file:/nowhere}", "cannot read `/nowhere`: no such file"),
            ("a: ${A", "`${` is never closed"),
            ("a: ${a-b}", "`${a-b}` is not a variable"),
            ("a: '${NONE} ${NOR}'", "`NONE` is not set; `NOR` is not set"),
            ("${A}: 1", "variables are not replaced in a key"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).expect_err(text), expected, "{text}");
        }
    }
}
