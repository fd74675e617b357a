//! Filters: `value | name`. Each is paid for by the bytes it makes, before it makes them.
//!
//! What is missing stays missing in a condition, and is an error in a template.

use std::borrow::Cow;
use std::fmt::Write as _;

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, State, UndefinedBehavior, Value};

use super::limit::{Limited, WORK};
use super::path::has_holes;

/// The bytes that filters of one evaluation made.
#[derive(Default)]
struct Made(usize);

fn charge(state: &mut State<'_, '_>, bytes: usize) -> Result<(), Error> {
    let made = state.get_or_insert_extension_with(Made::default);
    made.0 = made.0.saturating_add(bytes);
    if made.0 > WORK {
        return Err(invalid("the expression makes too much text"));
    }
    Ok(())
}

fn invalid(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// Applies a filter to what is there.
fn present(
    state: &mut State<'_, '_>,
    value: &Value,
    apply: impl FnOnce(&mut State<'_, '_>, &Value) -> Result<Value, Error>,
) -> Result<Value, Error> {
    if !value.is_undefined() {
        return apply(state, value);
    }
    refuse_missing(state)?;
    Ok(Value::UNDEFINED)
}

/// Something is missing: an error in a template.
fn refuse_missing(state: &State<'_, '_>) -> Result<(), Error> {
    match state.undefined_behavior() {
        UndefinedBehavior::Chainable => Ok(()),
        _ => Err(Error::from(ErrorKind::UndefinedError)),
    }
}

/// Applies a filter of texts to what is there.
fn text(
    state: &mut State<'_, '_>,
    value: &Value,
    apply: impl FnOnce(&str) -> String,
) -> Result<Value, Error> {
    present(state, value, |state, value| {
        let text = as_text(value)?;
        charge(state, text.len())?;
        Ok(apply(&text).into())
    })
}

/// A value as a template would write it.
fn as_text(value: &Value) -> Result<Cow<'_, str>, Error> {
    if let Some(text) = value.as_str() {
        return Ok(text.into());
    }
    let mut out = Limited::default();
    write!(out, "{value}").map_err(|_| invalid("the value is too long for a text"))?;
    Ok(out.into_string().into())
}

pub(super) fn lower(state: &mut State<'_, '_>, value: &Value) -> Result<Value, Error> {
    text(state, value, str::to_lowercase)
}

pub(super) fn upper(state: &mut State<'_, '_>, value: &Value) -> Result<Value, Error> {
    text(state, value, str::to_uppercase)
}

/// Everything but letters, digits and `-._~` becomes its bytes in hexadecimal: what is left has no
/// meaning of its own in any part of a URL.
pub(super) fn urlencode(state: &mut State<'_, '_>, value: &Value) -> Result<Value, Error> {
    present(state, value, |state, value| {
        let text = as_text(value)?;
        charge(state, text.len().saturating_mul(3))?;
        let mut encoded = String::with_capacity(text.len());
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                encoded.push(char::from(byte));
            } else {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
        Ok(encoded.into())
    })
}

pub(super) fn title(state: &mut State<'_, '_>, value: &Value) -> Result<Value, Error> {
    text(state, value, |it| minijinja::filters::title(it.into()))
}

pub(super) fn capitalize(state: &mut State<'_, '_>, value: &Value) -> Result<Value, Error> {
    text(state, value, |it| {
        let mut letters = it.chars();
        let first = letters.next().into_iter().flat_map(char::to_uppercase);
        first.chain(letters.as_str().to_lowercase().chars()).collect()
    })
}

pub(super) fn trim(
    state: &mut State<'_, '_>,
    value: &Value,
    letters: Option<&str>,
) -> Result<Value, Error> {
    text(state, value, |it| match letters {
        Some(letters) => it.trim_matches(|letter| letters.contains(letter)).to_owned(),
        None => it.trim().to_owned(),
    })
}

pub(super) fn string(state: &mut State<'_, '_>, value: &Value) -> Result<Value, Error> {
    text(state, value, str::to_owned)
}

pub(super) fn replace(
    state: &mut State<'_, '_>,
    value: &Value,
    from: &str,
    to: &str,
) -> Result<Value, Error> {
    present(state, value, |state, value| {
        let text = as_text(value)?;
        let times = text.matches(from).count();
        charge(state, text.len().saturating_add(times.saturating_mul(to.len())))?;
        Ok(text.replace(from, to).into())
    })
}

pub(super) fn split(
    state: &mut State<'_, '_>,
    value: &Value,
    separator: Option<&str>,
) -> Result<Value, Error> {
    present(state, value, |state, value| {
        let text = as_text(value)?;
        let separated = separator.filter(|it| !it.is_empty());
        let parts = match separated {
            Some(separator) => text.matches(separator).count() + 1,
            None => text.split_whitespace().count(),
        };
        charge(state, text.len().saturating_add(parts.saturating_mul(size_of::<Value>())))?;
        Ok(match separated {
            Some(separator) => text.split(separator).map(Value::from).collect(),
            None => text.split_whitespace().map(Value::from).collect(),
        })
    })
}

pub(super) fn join(
    state: &mut State<'_, '_>,
    value: &Value,
    separator: Option<&str>,
) -> Result<Value, Error> {
    present(state, value, |state, value| {
        let separator = separator.unwrap_or_default();
        let mut joined = String::new();
        for (index, item) in value.try_iter()?.enumerate() {
            if item.is_undefined() {
                refuse_missing(state)?;
            }
            let text = as_text(&item)?;
            charge(state, text.len() + separator.len())?;
            if index > 0 {
                joined.push_str(separator);
            }
            joined.push_str(&text);
        }
        Ok(joined.into())
    })
}

pub(super) fn json(state: &mut State<'_, '_>, value: &Value) -> Result<Value, Error> {
    present(state, value, |state, value| {
        if has_holes(value) {
            refuse_missing(state)?;
        }
        let mut out = Limited::default();
        serde_json::to_writer(&mut out, value).map_err(|it| invalid(it.to_string()))?;
        let json = out.into_string();
        charge(state, json.len())?;
        Ok(json.into())
    })
}

pub(super) fn default(value: &Value, other: Value, empty: Option<bool>) -> Value {
    let wanted = value.is_undefined() || empty == Some(true) && !value.is_true();
    if wanted { other } else { value.clone() }
}

pub(super) fn length(state: &mut State<'_, '_>, value: &Value) -> Result<Value, Error> {
    present(state, value, |_, value| match value.len() {
        Some(length) => Ok(length.into()),
        None => Err(invalid(format!("a {} has no length", value.kind()))),
    })
}

pub(super) fn first(state: &mut State<'_, '_>, value: &Value) -> Result<Value, Error> {
    present(state, value, |_, value| match value.as_str() {
        Some(text) => Ok(text.chars().next().map_or(Value::UNDEFINED, Value::from)),
        None => Ok(value.try_iter()?.next().unwrap_or(Value::UNDEFINED)),
    })
}

pub(super) fn last(state: &mut State<'_, '_>, value: &Value) -> Result<Value, Error> {
    present(state, value, |_, value| match value.as_str() {
        Some(text) => Ok(text.chars().next_back().map_or(Value::UNDEFINED, Value::from)),
        None => Ok(value.try_iter()?.last().unwrap_or(Value::UNDEFINED)),
    })
}

pub(super) fn items(state: &mut State<'_, '_>, value: &Value) -> Result<Value, Error> {
    present(state, value, |_, value| {
        if value.kind() != ValueKind::Map {
            return Err(invalid(format!("a {} has no named fields", value.kind())));
        }
        let pair = |key: Value| Ok(Value::from(vec![key.clone(), value.get_item(&key)?]));
        let pairs: Result<Vec<Value>, Error> = value.try_iter()?.map(pair).collect();
        Ok(pairs?.into())
    })
}

pub(super) fn map(state: &mut State<'_, '_>, value: &Value, field: &str) -> Result<Value, Error> {
    present(state, value, |state, value| {
        let mut fields = Vec::new();
        for item in value.try_iter()? {
            charge(state, size_of::<Value>())?;
            let field = item.get_attr(field)?;
            if field.is_undefined() {
                refuse_missing(state)?;
            }
            fields.push(field);
        }
        Ok(fields.into())
    })
}

pub(super) fn int(
    state: &mut State<'_, '_>,
    value: &Value,
    other: Option<Value>,
) -> Result<Value, Error> {
    present(state, value, |_, value| {
        #[expect(clippy::cast_possible_truncation, reason = "the whole part is what is asked for")]
        let whole = |it: f64| Value::from(it as i128);
        let number = match value.as_str() {
            Some(text) => {
                let exact = text.trim().parse::<i128>().ok().map(Value::from);
                exact.or_else(|| text.trim().parse().ok().map(whole))
            }
            None if value.is_integer() => Some(value.clone()),
            None => f64::try_from(value.clone()).ok().map(whole),
        };
        number.or(other).ok_or_else(|| no_number(value))
    })
}

pub(super) fn float(
    state: &mut State<'_, '_>,
    value: &Value,
    other: Option<Value>,
) -> Result<Value, Error> {
    present(state, value, |_, value| {
        let number = match value.as_str() {
            Some(text) => text.trim().parse::<f64>().ok(),
            None => f64::try_from(value.clone()).ok(),
        };
        number.map(Value::from).or(other).ok_or_else(|| no_number(value))
    })
}

fn no_number(value: &Value) -> Error {
    let text: String =
        as_text(value).map_or_else(|_| String::new(), |it| it.chars().take(40).collect());
    invalid(format!("`{text}` is no number"))
}

pub(super) fn abs(state: &mut State<'_, '_>, value: &Value) -> Result<Value, Error> {
    present(state, value, |_, value| minijinja::filters::abs(value.clone()))
}

pub(super) fn round(
    state: &mut State<'_, '_>,
    value: &Value,
    decimals: Option<i32>,
) -> Result<Value, Error> {
    present(state, value, |_, value| {
        if value.is_integer() {
            return Ok(value.clone());
        }
        let scale = 10_f64.powi(decimals.unwrap_or(0).clamp(0, 15));
        let number = f64::try_from(value.clone()).map_err(|_| no_number(value))?;
        Ok(((number * scale).round() / scale).into())
    })
}
