//! The requests that `sluicegate send messenger` can make.

use crate::provider::fresh::{Table, samples};
use crate::provider::{Fresh, Sample, fresh};

/// What an operator may want to see arrive.
pub(super) const SAMPLES: &[Sample] = samples![
    "text",
    "quick_reply",
    "text_reply",
    "text_from_ad",
    "image",
    "images",
    "audio",
    "video",
    "file",
    "sticker",
    "location",
    "fallback",
    "echo",
    "edit",
    "deleted",
    "postback",
    "postback_get_started",
    "standby",
    "delivered",
    "delivered_watermark",
    "read",
    "reaction",
    "reaction_removed",
    "optin_notifications",
    "referral",
    "linked",
    "handover_passed",
    "policy",
    "comment",
    "comment_edited",
    "comment_removed",
    "post",
    "post_reaction",
    "mention",
    "rating",
    "lead",
];

const TABLE: Table = Table {
    contacts: &["6543217890123456"],
    ids: &[
        ("message", "mid"),
        ("message_edit", "mid"),
        ("postback", "mid"),
        ("reaction", "mid"),
        ("delivery", "mids"),
        ("value", "comment_id"),
        ("value", "post_id"),
        ("value", "open_graph_story_id"),
        ("value", "leadgen_id"),
    ],
    times: &[("*", "timestamp"), ("*", "time"), ("*", "watermark"), ("value", "created_time")],
    texts: &[
        ("message", "text"),
        ("message_edit", "text"),
        ("postback", "title"),
        ("value", "message"),
        ("value", "review_text"),
    ],
};

/// A sample with new ids, the present time, and the text and contact given.
pub(super) fn freshen(sample: &str, fresh: &Fresh<'_>) -> String {
    fresh::freshen(sample, fresh, &TABLE)
}
