//! Fragments of a body: where they lie, what tells them apart, and what nobody knows of them.

use std::ops::Range;

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::event::facts::{Channel, Unmapped};
use crate::event::{Draft, Facts, Kind};

/// Where a fragment lies in the body it borrows from.
pub(super) fn range(body: &[u8], raw: &RawValue) -> Range<usize> {
    let start = raw.get().as_ptr().addr() - body.as_ptr().addr();
    start..start + raw.get().len()
}

/// Enough of a SHA-256 to tell fragments apart.
pub(super) fn digest(fragment: &[u8]) -> String {
    hex::encode(&Sha256::digest(fragment)[..16])
}

/// A draft with nothing in it but where it came from.
pub(super) fn draft(provider: &str, kind: Kind, dedup_key: String, raw: Range<usize>) -> Draft {
    Draft {
        kind,
        dedup_key,
        time: None,
        historical: false,
        anonymous: false,
        candidates: Vec::new(),
        facts: Box::new(Facts {
            channel: Channel { provider: provider.to_owned(), ..Channel::default() },
            ..Facts::default()
        }),
        raw,
    }
}

/// A draft of what nobody knows; its key tells it from every other fragment.
pub(super) fn unmapped(
    provider: &str,
    kind: Kind,
    body: &[u8],
    raw: Range<usize>,
    reason: impl Into<String>,
) -> Draft {
    let key = format!("unmapped:{}", digest(&body[raw.clone()]));
    let mut draft = draft(provider, kind, key, raw);
    draft.anonymous = true;
    draft.facts.unmapped = Some(Unmapped { field: None, reason: reason.into() });
    draft
}

/// A body as JSON, not yet looked into.
///
/// # Errors
/// Why it is none.
pub(super) fn json(body: &[u8]) -> Result<&RawValue, &'static str> {
    let text = std::str::from_utf8(body).map_err(|_| "not UTF-8")?;
    serde_json::from_str(text).map_err(|_| "not JSON")
}

/// A form as an object; a field that occurs several times is a list.
pub(super) fn form(body: &[u8]) -> Value {
    let mut fields = Map::new();
    for (name, value) in form_urlencoded::parse(body) {
        let value = Value::from(value.into_owned());
        match fields.get_mut(&*name) {
            None => drop(fields.insert(name.into_owned(), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = vec![first.take(), value].into(),
        }
    }
    fields.into()
}

/// A phone number as people write it, in E.164; `None` where the country would be a guess.
pub(super) fn phone(written: &str) -> Option<String> {
    let written = written.trim();
    if !written.bytes().all(|it| it.is_ascii_digit() || b"+ -().".contains(&it)) {
        return None;
    }
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    let (digits, international) = match digits.strip_prefix("00") {
        Some(rest) => (rest, true),
        None => (&*digits, written.starts_with('+')),
    };
    // Ten digits and less may lack their country; no country begins with a zero.
    let shortest = if international { 7 } else { 11 };
    let fits = (shortest..=15).contains(&digits.len()) && !digits.starts_with('0');
    fits.then(|| ["+", digits].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_international_only_where_it_says_so() {
        for (written, expected) in [
            ("+972501234567", Some("+972501234567")),
            ("+972 (50) 123-4567", Some("+972501234567")),
            ("00972501234567", Some("+972501234567")),
            ("972501234567", Some("+972501234567")),
            ("+4930123", Some("+4930123")),
            ("050-1234567", None),
            ("5551234567", None),
            ("+0501234567", None),
            ("12345678901234567", None),
            ("jane@example.com", None),
            ("+97250123456x", None),
            ("", None),
        ] {
            assert_eq!(phone(written).as_deref(), expected, "{written}");
        }
    }
}
