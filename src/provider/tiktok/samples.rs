//! The requests that `sluicegate send tiktok` can make.

use serde_json::Value;

use super::super::fresh::{self, Table, samples};
use super::super::{Fresh, Sample};

/// One of every event, and of every type of message.
pub(super) const SAMPLES: &[Sample] = samples![
    "text",
    "image",
    "share_post",
    "sticker",
    "sent",
    "read",
    "authorization_removed",
    "video_upload_failed",
    "video_publish_completed",
    "portability_download_ready",
];

const TABLE: Table = Table {
    contacts: &["7212345678901234567"],
    ids: &[("*", "message_id"), ("*", "share_id"), ("*", "request_id")],
    times: &[("*", "create_time"), ("*", "timestamp"), ("*", "last_read_timestamp")],
    texts: &[("text", "body")],
};

/// A sample with new ids, the present time, and the text and contact given: also in the content,
/// which is JSON in a string.
pub(super) fn freshen(sample: &str, fresh: &Fresh<'_>) -> String {
    let body = fresh::freshen(sample, fresh, &TABLE);
    let mut body: Value = serde_json::from_str(&body).expect("samples are JSON; a test reads them");
    if let Some(Value::String(content)) = body.get_mut("content") {
        *content = fresh::freshen(content, fresh, &TABLE);
    }
    body.to_string()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::event::Draft;
    use crate::provider::tiktok::payload;

    fn draft(name: &str, seed: u128, text: Option<&str>, from: Option<&str>) -> Draft {
        let sample = SAMPLES.iter().find(|it| it.name == name).unwrap();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let fresh = Fresh { seed: Uuid::from_u128(seed), now, text, from };
        payload::drafts(freshen(sample.body, &fresh).as_bytes()).remove(0)
    }

    #[test]
    fn every_sample_is_new_each_time_and_happens_now() {
        for sample in SAMPLES {
            let first = draft(sample.name, 0x1_0000_0000_0000_0007, None, None);
            let second = draft(sample.name, 0x2_0000_0000_8000_0000, None, None);
            assert_eq!(first.kind, second.kind, "{}", sample.name);
            let by_time = ["read", "authorization_removed"].contains(&sample.name);
            assert!(first.dedup_key != second.dedup_key || by_time, "{}", first.dedup_key);
            assert_eq!(first.time.unwrap().as_second(), 1_800_000_000, "{}", sample.name);
        }
    }

    #[test]
    fn the_text_and_the_contact_can_be_chosen() {
        for name in ["text", "sent"] {
            let draft = draft(name, 1, Some("refund!"), Some("77"));
            assert_eq!(draft.facts.message.unwrap().text.as_deref(), Some("refund!"), "{name}");
            assert_eq!(draft.facts.contact.unwrap().id, "77", "{name}");
        }
        assert_eq!(draft("read", 1, None, Some("77")).facts.contact.unwrap().id, "77");
    }
}
