//! Reading JSON that is nearly what it should be: absent, null, or a number for a string.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// A string, or a number where a string should be. Anything else reads as absent.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Text<'a>(Option<Cow<'a, str>>);

impl Text<'_> {
    /// The text, unless it is absent or empty.
    pub(crate) fn get(&self) -> Option<&str> {
        self.0.as_deref().filter(|it| !it.is_empty())
    }

    /// The text, or an empty one.
    pub(crate) fn or_empty(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_borrowed_str<E: de::Error>(self, it: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Borrowed(it))))
    }

    fn visit_str<E: de::Error>(self, it: &str) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(it.to_owned()))))
    }

    fn visit_u64<E: de::Error>(self, it: u64) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(it.to_string()))))
    }

    fn visit_i64<E: de::Error>(self, it: i64) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(it.to_string()))))
    }

    fn visit_f64<E: de::Error>(self, it: f64) -> Result<Text<'de>, E> {
        // `Display` writes an integral float without a fraction or an exponent, as an id looks.
        Ok(Text(Some(Cow::Owned(it.to_string()))))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Text<'de>, E> {
        Ok(Text(None))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Text<'de>, E> {
        Ok(Text(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text<'de>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }
}

/// The elements of a list; what is no list stands for its only element, so that nothing is lost.
pub(crate) fn each(list: Option<&RawValue>) -> Vec<&RawValue> {
    let Some(raw) = list else { return Vec::new() };
    serde_json::from_str(raw.get()).unwrap_or_else(|_| vec![raw])
}

/// A fragment as an object.
///
/// # Errors
/// Why it is none.
pub(crate) fn object(raw: &RawValue) -> Result<Value, &'static str> {
    let value = serde_json::from_str(raw.get())
        .or_else(|error| mended(raw.get()).map_or(Err(error), |it| serde_json::from_str(&it)));
    match value {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err("not an object"),
        Err(_) => Err("not readable"),
    }
}

/// The same JSON with every half of an escaped pair replaced: a text cut off within an emoji has
/// one, and no reader takes it. `None` when there was nothing to mend.
fn mended(json: &str) -> Option<String> {
    let half = |at: usize| {
        let digits = json.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut mended = json.to_owned();
    let mut at = 0;
    while let Some(found) = json[at..].find('\\') {
        at += found;
        match half(at) {
            Some(0xD800..=0xDBFF) if matches!(half(at + 6), Some(0xDC00..=0xDFFF)) => at += 12,
            Some(0xD800..=0xDFFF) => {
                mended.replace_range(at..at + 6, "\\ufffd");
                at += 6;
            }
            // Past the backslash and what it escapes, which may be a backslash.
            _ => at += 1 + json[at + 1..].chars().next().map_or(0, char::len_utf8),
        }
    }
    (mended != json).then_some(mended)
}

/// A string, or a number where a string should be; `None` when empty.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(it) if !it.is_empty() => Some(it.clone()),
        Value::Number(it) if it.is_f64() => it.as_f64().map(|it| it.to_string()),
        Value::Number(it) => Some(it.to_string()),
        _ => None,
    }
}

/// The first of several keys that holds a text.
pub(crate) fn first(value: &Value, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| text(&value[*key]))
}

/// A whole number, or a string of one.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| whole(&text(value)?))
}

/// A number, or a string of one.
pub(crate) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::String(it) => it.trim().parse().ok(),
        _ => value.as_f64(),
    };
    number.filter(|it: &f64| it.is_finite())
}

/// Whether a flag is set: `true`, or the string or number that means it.
pub(crate) fn flag(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| matches!(text(value).as_deref(), Some("true" | "1")))
}

/// The elements of a list, or the object that stands in its place.
pub(crate) fn list(value: &Value) -> &[Value] {
    match value {
        Value::Array(it) => it,
        Value::Object(_) => std::slice::from_ref(value),
        _ => &[],
    }
}

/// A moment: seconds or milliseconds since 1970, as a number or a string of one, or ISO 8601.
pub(crate) fn time(value: &Value) -> Option<Timestamp> {
    moment(&text(value)?)
}

/// See [`time`].
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    match whole(text) {
        Some(it) if it <= 0 => None,
        Some(it) if it >= 1_000_000_000_000 => Timestamp::from_millisecond(it).ok(),
        Some(it) => Timestamp::from_second(it).ok(),
        None => text.parse().ok(),
    }
}

/// The integer part of a decimal.
fn whole(text: &str) -> Option<i64> {
    let (integer, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    if fraction.bytes().all(|it| it.is_ascii_digit()) { integer.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn moments_are_read_in_every_form_seen() {
        let expected = "2023-10-11T16:53:43Z".parse().unwrap();
        for value in [
            json!("1697043223"),
            json!(1_697_043_223),
            json!(1_697_043_223.0),
            json!("1697043223.25"),
            json!("1697043223000"),
            json!(1_697_043_223_000_i64),
            json!("2023-10-11T16:53:43Z"),
            json!("2023-10-11T16:53:43+0000"),
        ] {
            assert_eq!(time(&value), Some(expected), "{value}");
        }
        for value in
            [json!(null), json!(""), json!("soon"), json!(0), json!(-5), json!("1e99"), json!({})]
        {
            assert_eq!(time(&value), None, "{value}");
        }
        assert_eq!(time(&json!(i64::MAX)), None);
    }

    #[test]
    fn half_a_pair_of_escapes_does_not_cost_the_text() {
        for (json, expected) in [
            (r#"{"a":"hi \ud83d"}"#, "hi \u{fffd}"),
            (r#"{"a":"\ude00 hi"}"#, "\u{fffd} hi"),
            (r#"{"a":"\ud83d\ud83d\uDE00"}"#, "\u{fffd}😀"),
            (r#"{"a":"\\ud83d \ud83d\n"}"#, "\\ud83d \u{fffd}\n"),
            (r#"{"a":"\ud83d\ude00"}"#, "😀"),
        ] {
            let raw: &RawValue = serde_json::from_str(json).unwrap();
            assert_eq!(object(raw).unwrap()["a"], expected, "{json}");
        }
    }

    #[test]
    fn ids_are_read_as_strings_and_numbers() {
        for (json, expected) in [
            (r#""106""#, Some("106")),
            ("106", Some("106")),
            ("106.0", Some("106")),
            ("-1", Some("-1")),
            (r#""a\u0040b""#, Some("a@b")),
            (r#""""#, None),
            ("null", None),
            ("true", None),
            ("[1, 2]", None),
            (r#"{"a": 1}"#, None),
        ] {
            let borrowed: Text<'_> = serde_json::from_str(json).unwrap();
            assert_eq!(borrowed.get(), expected, "{json}");
            assert_eq!(text(&serde_json::from_str(json).unwrap()).as_deref(), expected, "{json}");
        }
    }
}
