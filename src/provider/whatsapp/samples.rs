//! The requests that `sluicegate send whatsapp` can make.

use serde_json::Value;

use crate::provider::{Fresh, Sample};

/// Takes the samples of these names from the fixtures.
macro_rules! samples {
    ($($name:literal),* $(,)?) => {
        &[$(Sample { name: $name, body: include_str!(concat!("fixtures/", $name, ".json")) }),*]
    };
}

/// One of every type of message, and what else an operator may want to see arrive.
pub(super) const SAMPLES: &[Sample] = samples![
    "text",
    "text_reply",
    "text_from_ad",
    "image",
    "audio",
    "voice",
    "video",
    "document",
    "sticker",
    "location",
    "contacts",
    "button",
    "button_reply",
    "list_reply",
    "flow",
    "call_permission",
    "reaction",
    "reaction_removed",
    "order",
    "edit",
    "revoke",
    "unsupported",
    "group_text",
    "status_sent",
    "status_delivered",
    "status_read",
    "status_played",
    "status_failed",
    "echo",
    "call",
    "call_ended",
    "history",
    "standby",
    "handover",
    "number_changed",
    "preference",
    "template_status",
    "template_quality",
    "account_update",
    "account_alert",
    "number_quality",
    "security",
    "flow_health",
];

/// The contact of every sample: a number, and where a sample has one, a business-scoped id.
const CONTACT: &str = "16505551234";

/// The lists whose elements have ids of their own.
const IDENTIFIED: &[&str] = &["messages", "message_echoes", "statuses", "calls"];

/// A sample with new ids, the present time, and the text and contact given.
pub(super) fn freshen(sample: &str, fresh: &Fresh<'_>) -> String {
    let mut value = serde_json::from_str(sample).expect("samples are JSON; a test reads them");
    Freshener { fresh, ids: 0 }.walk(&mut value, "", "");
    value.to_string()
}

struct Freshener<'a> {
    fresh: &'a Fresh<'a>,
    ids: u128,
}

impl Freshener<'_> {
    /// Renews a value that stands under a key, within another.
    fn walk(&mut self, value: &mut Value, key: &str, within: &str) {
        match value {
            Value::Object(fields) => {
                for (name, field) in fields {
                    if name == "id" && IDENTIFIED.contains(&key) {
                        *field = self.id(field.as_str().unwrap_or_default()).into();
                    } else {
                        self.walk(field, name, key);
                    }
                }
            }
            Value::Array(elements) => {
                for element in elements {
                    self.walk(element, key, within);
                }
            }
            Value::String(text) => {
                if let Some(leaf) = self.leaf(text, key, within) {
                    *text = leaf;
                }
            }
            Value::Number(_) => match key {
                "timestamp" | "time" => *value = self.fresh.now.as_second().into(),
                "message_template_id" => *value = self.number().into(),
                _ => {}
            },
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn leaf(&mut self, text: &str, key: &str, within: &str) -> Option<String> {
        match (within, key) {
            (_, "timestamp" | "time") => Some(self.fresh.now.as_second().to_string()),
            (_, "flow_id") => Some(self.number().to_string()),
            ("text", "body") | (_, "caption") | ("button", "text") => {
                self.fresh.text.map(str::to_owned)
            }
            ("button_reply" | "list_reply", "title") => self.fresh.text.map(str::to_owned),
            _ if text == CONTACT => self.fresh.from.map(|it| it.trim_start_matches('+').to_owned()),
            _ => None,
        }
    }

    /// A new id that looks like the old one: `wamid.` stays `wamid.`.
    fn id(&mut self, old: &str) -> String {
        let prefix = old.split_once('.').map_or("wamid", |(prefix, _)| prefix);
        let id = self.fresh.seed.as_u128().wrapping_add(self.ids);
        self.ids += 1;
        format!("{prefix}.{id:032X}")
    }

    /// A new id of fifteen digits.
    fn number(&self) -> u64 {
        let (_, low) = self.fresh.seed.as_u64_pair();
        100_000_000_000_000 + low % 900_000_000_000_000
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::event::Draft;
    use crate::provider::whatsapp::payload;

    fn drafts(name: &str, seed: u128, text: Option<&str>, from: Option<&str>) -> Vec<Draft> {
        let sample = SAMPLES.iter().find(|it| it.name == name).unwrap();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let fresh = Fresh { seed: Uuid::from_u128(seed), now, text, from };
        payload::drafts(freshen(sample.body, &fresh).as_bytes())
    }

    #[test]
    fn every_sample_is_new_each_time_and_happens_now() {
        for sample in SAMPLES {
            let first = drafts(sample.name, 0x1_0000_0000_0000_0007, None, None);
            let second = drafts(sample.name, 0x2_0000_0000_8000_0000, None, None);
            for (a, b) in first.iter().zip(&second) {
                assert_eq!(a.kind, b.kind, "{}", sample.name);
                let by_time = a.dedup_key.contains(":1800000000:");
                assert!(a.dedup_key != b.dedup_key || by_time, "{}: {}", sample.name, a.dedup_key);
                if let Some(time) = a.time {
                    assert_eq!(time.as_second(), 1_800_000_000, "{}", sample.name);
                }
            }
        }
    }

    #[test]
    fn the_text_and_the_contact_can_be_chosen() {
        for name in ["text", "image", "button", "button_reply", "list_reply", "edit", "echo"] {
            let drafts = drafts(name, 1, Some("refund!"), Some("+4915112345678"));
            let facts = &drafts[0].facts;
            assert_eq!(facts.message.as_ref().unwrap().text.as_deref(), Some("refund!"), "{name}");
            let contact = facts.contact.as_ref().unwrap();
            assert_eq!(contact.id, "4915112345678", "{name}");
            assert_eq!(contact.phone.as_deref(), Some("+4915112345678"), "{name}");
            assert_eq!(contact.name.is_some(), name != "echo", "{name}");
        }
        let drafts = drafts("status_read", 1, None, Some("4915112345678"));
        assert_eq!(
            drafts[0].facts.status.as_ref().unwrap().recipient.as_deref(),
            Some("4915112345678")
        );
    }
}
