//! Samples made fresh: new ids, the present time, and the text and contact that were asked for.
//!
//! What is renewed is a table of the provider's; how it looks is kept: an id its prefix, a moment
//! its unit, a number its being one.

use serde_json::Value;

use super::Fresh;

/// Takes the samples of these names from the folder `fixtures` beside the caller.
macro_rules! samples {
    ($($name:literal),* $(,)?) => {
        &[$($crate::provider::Sample {
            name: $name,
            body: include_str!(concat!("fixtures/", $name, ".json")),
        }),*]
    };
}
pub(super) use samples;

/// Where a value stands: the key it has, and the key of the object or list around it. `*` is any.
pub(super) type Place = (&'static str, &'static str);

/// What of a provider's samples is renewed.
pub(super) struct Table {
    /// The contacts of every sample, as its fixtures write them.
    pub(super) contacts: &'static [&'static str],
    /// Ids: of one kind, `wamid.…`; or digits, in a string or as a number.
    pub(super) ids: &'static [Place],
    /// Moments: seconds, milliseconds or ISO 8601.
    pub(super) times: &'static [Place],
    /// What a person reads.
    pub(super) texts: &'static [Place],
}

/// A sample as it would be sent now.
pub(super) fn freshen(sample: &str, fresh: &Fresh<'_>, table: &Table) -> String {
    let mut value = serde_json::from_str(sample).expect("samples are JSON; a test reads them");
    Freshener { fresh, table, ids: 0, path: Vec::new() }.walk(&mut value);
    value.to_string()
}

struct Freshener<'a> {
    fresh: &'a Fresh<'a>,
    table: &'a Table,
    ids: u128,
    /// The keys that lead to what is walked; a list has those of its elements. Kept here: as
    /// parameters of [`walk`](Self::walk), release builds lose one (see `tests/recursion.rs`).
    path: Vec<String>,
}

impl Freshener<'_> {
    /// Renews a value and what is below it.
    fn walk(&mut self, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (name, field) in fields {
                    self.path.push(name.clone());
                    self.walk(field);
                    self.path.pop();
                }
            }
            Value::Array(elements) => elements.iter_mut().for_each(|it| self.walk(it)),
            Value::String(text) => {
                if let Some(leaf) = self.leaf(text) {
                    *text = leaf;
                }
            }
            Value::Number(number) => {
                let leaf = self.leaf(&number.to_string());
                if let Some(leaf) = leaf.and_then(|it| it.parse::<i64>().ok()) {
                    *value = leaf.into();
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// Whether what is walked stands at one of these places.
    fn stands(&self, places: &[Place]) -> bool {
        let mut path = self.path.iter().rev().map(String::as_str);
        let (key, within) = (path.next().unwrap_or_default(), path.next().unwrap_or_default());
        places.iter().any(|it| it.1 == key && ["*", within].contains(&it.0))
    }

    fn leaf(&mut self, text: &str) -> Option<String> {
        if self.stands(self.table.ids) {
            return Some(self.id(text));
        }
        if self.stands(self.table.times) {
            return Some(self.now(text));
        }
        if self.stands(self.table.texts) {
            return self.fresh.text.map(str::to_owned);
        }
        if self.table.contacts.contains(&text) {
            let bare = !text.starts_with('+');
            let from = |it: &str| if bare { it.trim_start_matches('+') } else { it }.to_owned();
            return self.fresh.from.map(from);
        }
        None
    }

    /// A new id that looks like the old one: `wamid.` stays `wamid.`, digits stay digits.
    fn id(&mut self, old: &str) -> String {
        const DIGITS: u128 = 100_000_000_000_000;
        let start = old.find(['.', '_']).map_or(0, |it| it + 1);
        let (prefix, rest) = old.split_at(start);
        let id = self.fresh.seed.as_u128().wrapping_add(self.ids);
        self.ids += 1;
        if rest.bytes().all(|it| it.is_ascii_digit()) {
            format!("{prefix}{}", DIGITS + id % (9 * DIGITS))
        } else {
            format!("{prefix}{id:032X}")
        }
    }

    /// The present, written as the old moment is.
    fn now(&self, old: &str) -> String {
        match old.parse::<i64>() {
            Ok(it) if it >= 1_000_000_000_000 => self.fresh.now.as_millisecond().to_string(),
            Ok(_) => self.fresh.now.as_second().to_string(),
            Err(_) => self.fresh.now.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    const TABLE: Table = Table {
        contacts: &["1650", "+1651"],
        ids: &[("messages", "id"), ("*", "mids")],
        times: &[("*", "at")],
        texts: &[("text", "body")],
    };

    fn freshened(sample: &Value, text: Option<&str>, from: Option<&str>) -> Value {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let fresh = Fresh { seed: Uuid::from_u128(10), now, text, from };
        serde_json::from_str(&freshen(&sample.to_string(), &fresh, &TABLE)).unwrap()
    }

    #[test]
    fn what_is_renewed_keeps_its_looks() {
        let sample = json!({
            "id": "page",
            "messages": [{"id": "wamid.old"}, {"id": "old"}, {"id": "17"}, {"id": 17}],
            "delivery": {"mids": ["m_old", "5_17"]},
            "at": [1, 1_697_043_223_000_i64, "1697043223", "2023-10-11T16:53:43Z"],
        });
        let expected = json!({
            "id": "page",
            "messages": [
                {"id": "wamid.0000000000000000000000000000000C"},
                {"id": "0000000000000000000000000000000D"},
                {"id": "100000000000014"},
                {"id": 100_000_000_000_015_i64},
            ],
            "delivery": {"mids": ["m_0000000000000000000000000000000A", "5_100000000000011"]},
            "at": [1_800_000_000, 1_800_000_000_000_i64, "1800000000", "2027-01-15T08:00:00Z"],
        });
        assert_eq!(freshened(&sample, None, None), expected);
    }

    #[test]
    fn text_and_contact_are_taken_where_they_are_given() {
        let sample = json!({"text": {"body": "hi"}, "body": "hi", "from": ["1650", 1650, "+1651"]});
        assert_eq!(freshened(&sample, None, None), sample);
        let expected =
            json!({"text": {"body": "refund!"}, "body": "hi", "from": ["49", 49, "+49"]});
        assert_eq!(freshened(&sample, Some("refund!"), Some("+49")), expected);
    }
}
