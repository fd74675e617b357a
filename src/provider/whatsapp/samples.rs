//! The requests that `sluicegate send whatsapp` can make.

use crate::provider::fresh::{Table, samples};
use crate::provider::{Fresh, Sample, fresh};

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

const TABLE: Table = Table {
    // A number; a business-scoped id that a sample has beside it stays.
    contacts: &["16505551234"],
    ids: &[
        ("messages", "id"),
        ("message_echoes", "id"),
        ("statuses", "id"),
        ("calls", "id"),
        ("*", "flow_id"),
        ("*", "message_template_id"),
    ],
    times: &[("*", "timestamp"), ("*", "time")],
    texts: &[
        ("text", "body"),
        ("*", "caption"),
        ("button", "text"),
        ("button_reply", "title"),
        ("list_reply", "title"),
    ],
};

/// A sample with new ids, the present time, and the text and contact given.
pub(super) fn freshen(sample: &str, fresh: &Fresh<'_>) -> String {
    fresh::freshen(sample, fresh, &TABLE)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::event::Draft;
    use crate::provider::meta::{self, Product};

    fn drafts(name: &str, seed: u128, text: Option<&str>, from: Option<&str>) -> Vec<Draft> {
        let sample = SAMPLES.iter().find(|it| it.name == name).unwrap();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let fresh = Fresh { seed: Uuid::from_u128(seed), now, text, from };
        meta::drafts(Product::WhatsApp, freshen(sample.body, &fresh).as_bytes())
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
