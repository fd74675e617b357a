//! The requests that `sluicegate send telegram` can make.

use super::super::fresh::{self, Table, samples};
use super::super::{Fresh, Sample};

/// One of every sort of update, the usual contents of messages, and what groups say.
pub(super) const SAMPLES: &[Sample] = samples![
    "text",
    "text_reply",
    "text_forwarded",
    "photo",
    "animation",
    "audio",
    "voice",
    "video",
    "video_note",
    "document",
    "sticker",
    "contact",
    "location",
    "venue",
    "dice",
    "successful_payment",
    "web_app_data",
    "users_shared",
    "edited_message",
    "group_text",
    "new_chat_members",
    "left_chat_member",
    "migrate_to_chat_id",
    "channel_post",
    "edited_channel_post",
    "business_connection",
    "business_message",
    "business_message_sent",
    "edited_business_message",
    "deleted_business_messages",
    "message_reaction",
    "message_reaction_removed",
    "message_reaction_count",
    "inline_query",
    "chosen_inline_result",
    "callback_query",
    "shipping_query",
    "pre_checkout_query",
    "purchased_paid_media",
    "poll",
    "poll_answer",
    "blocked",
    "unblocked",
    "chat_member",
    "chat_join_request",
    "chat_boost",
    "removed_chat_boost",
];

const TABLE: Table = Table {
    contacts: &["5012345678"],
    ids: &[
        ("", "update_id"),
        ("message", "message_id"),
        ("channel_post", "message_id"),
        ("business_message", "message_id"),
        ("callback_query", "id"),
        ("inline_query", "id"),
        ("shipping_query", "id"),
        ("pre_checkout_query", "id"),
    ],
    times: &[("*", "date"), ("*", "edit_date"), ("*", "add_date"), ("*", "remove_date")],
    texts: &[
        ("message", "text"),
        ("edited_message", "text"),
        ("channel_post", "text"),
        ("edited_channel_post", "text"),
        ("business_message", "text"),
        ("edited_business_message", "text"),
        ("*", "caption"),
        ("inline_query", "query"),
        // The button that was pressed is found by what it carries, so each of them.
        ("inline_keyboard", "text"),
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
    use crate::provider::telegram::payload;

    fn drafts(name: &str, seed: u128, text: Option<&str>, from: Option<&str>) -> Vec<Draft> {
        let sample = SAMPLES.iter().find(|it| it.name == name).unwrap();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let fresh = Fresh { seed: Uuid::from_u128(seed), now, text, from };
        payload::drafts("shopbot", freshen(sample.body, &fresh).as_bytes())
    }

    #[test]
    fn every_sample_is_new_each_time_and_happens_now() {
        for sample in SAMPLES {
            let first = drafts(sample.name, 0x1_0000_0000_0000_0007, None, None);
            let second = drafts(sample.name, 0x2_0000_0000_8000_0000, None, None);
            for (a, b) in first.iter().zip(&second) {
                assert_eq!(a.kind, b.kind, "{}", sample.name);
                assert_ne!(a.dedup_key, b.dedup_key, "{}", sample.name);
                if let Some(time) = a.time {
                    assert_eq!(time.as_second(), 1_800_000_000, "{}", sample.name);
                }
            }
        }
    }

    #[test]
    fn the_text_and_the_contact_can_be_chosen() {
        for name in ["text", "photo", "edited_message", "inline_query", "callback_query"] {
            let draft = drafts(name, 1, Some("refund!"), Some("77")).remove(0);
            let message = draft.facts.message.unwrap();
            assert_eq!(message.text.as_deref(), Some("refund!"), "{name}");
            assert_eq!(draft.facts.contact.unwrap().id, "77", "{name}");
            assert_eq!(draft.candidates[0].value, "77", "{name}");
        }
    }
}
