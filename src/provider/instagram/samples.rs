//! The requests that `sluicegate send instagram` can make.

use crate::provider::fresh::{Table, samples};
use crate::provider::{Fresh, Sample, fresh};

/// What an operator may want to see arrive.
pub(super) const SAMPLES: &[Sample] = samples![
    "text",
    "quick_reply",
    "text_reply",
    "text_from_ad",
    "story_reply",
    "story_mention",
    "share",
    "ig_reel",
    "like_heart",
    "image",
    "audio",
    "video",
    "unsupported",
    "echo",
    "edit",
    "deleted",
    "postback",
    "standby",
    "read",
    "reaction",
    "reaction_removed",
    "referral",
    "handover_passed",
    "comment",
    "comment_reply",
    "live_comment",
    "mention_in_comment",
    "story_insights",
];

const TABLE: Table = Table {
    contacts: &["1284756321098765"],
    ids: &[
        ("message", "mid"),
        ("message_edit", "mid"),
        ("postback", "mid"),
        ("reaction", "mid"),
        ("read", "mid"),
        ("value", "id"),
        ("value", "comment_id"),
        ("value", "media_id"),
    ],
    times: &[("*", "timestamp"), ("*", "time")],
    texts: &[
        ("message", "text"),
        ("message_edit", "text"),
        ("postback", "title"),
        ("value", "text"),
    ],
};

/// A sample with new ids, the present time, and the text and contact given.
pub(super) fn freshen(sample: &str, fresh: &Fresh<'_>) -> String {
    fresh::freshen(sample, fresh, &TABLE)
}
