//! The requests that `sluicegate send line` can make.

use crate::provider::fresh::{Table, samples};
use crate::provider::{Fresh, Sample, fresh};

/// What people do most, and what an operator may want to see arrive.
pub(super) const SAMPLES: &[Sample] = samples![
    "text",
    "image",
    "audio",
    "video",
    "file",
    "location",
    "sticker",
    "group_text",
    "postback",
    "follow",
    "unfollow",
    "unsend",
];

const TABLE: Table = Table {
    contacts: &["U4af4980629a4b2f0c1e2d3c4b5a69788"],
    ids: &[("message", "id"), ("events", "webhookEventId"), ("unsend", "messageId")],
    times: &[("*", "timestamp")],
    texts: &[("message", "text")],
};

/// A sample with new ids, the present time, and the text and contact given.
pub(super) fn freshen(sample: &str, fresh: &Fresh<'_>) -> String {
    fresh::freshen(sample, fresh, &TABLE)
}
