//! `delivery` and `read`: what became of the messages we sent.

use serde_json::Value;

use super::happening::Happening;
use crate::event::facts::Status;
use crate::event::{Draft, Kind};
use crate::lenient::{text, time};

/// The messages named; or, where none is, all up to a moment.
pub(super) fn delivery(happening: &Happening<'_>, inner: &Value) -> Vec<Draft> {
    let mids = match &inner["mids"] {
        Value::Array(mids) => mids.as_slice(),
        Value::Null => &[],
        only => std::slice::from_ref(only),
    };
    let mut drafts = Vec::new();
    for mid in mids.iter().filter_map(text) {
        // A list may name a message twice.
        let draft = one(happening, &mid, "delivered");
        if drafts.iter().all(|it: &Draft| it.dedup_key != draft.dedup_key) {
            drafts.push(draft);
        }
    }
    if drafts.is_empty() {
        drafts.push(until(happening, "delivery", &inner["watermark"], "delivered"));
    }
    drafts
}

/// Messenger says up to which moment a contact has read; Instagram names the message.
pub(super) fn read(happening: &Happening<'_>, inner: &Value) -> Vec<Draft> {
    vec![match text(&inner["mid"]) {
        Some(mid) => one(happening, &mid, "read"),
        None => until(happening, "read", &inner["watermark"], "read"),
    }]
}

fn one(happening: &Happening<'_>, mid: &str, status: &str) -> Draft {
    let key = format!("status:{mid}:{status}");
    let mut draft = happening.draft(Kind::MESSAGE_STATUS, key);
    draft.facts.status = Some(Status {
        message_id: mid.to_owned(),
        status: status.to_owned(),
        recipient: recipient(happening),
        ..Status::default()
    });
    draft
}

fn until(happening: &Happening<'_>, field: &str, watermark: &Value, status: &str) -> Draft {
    let Some(mark) = text(watermark) else {
        return happening.unmapped(field, "a receipt without messages or a watermark");
    };
    let (account, whom) = (&happening.place.channel.account, happening.whom());
    let key = format!("status:{account}:{whom}:{status}:{mark}");
    let mut draft = happening.draft(Kind::MESSAGE_STATUS, key);
    // Some receipts have no moment of their own.
    draft.time = happening.time().or_else(|| time(watermark)).or(draft.time);
    draft.facts.status = Some(Status {
        status: status.to_owned(),
        recipient: recipient(happening),
        until: time(watermark).map(|it| it.to_string()),
        ..Status::default()
    });
    draft
}

fn recipient(happening: &Happening<'_>) -> Option<String> {
    Some(happening.whom().to_owned()).filter(|it| !it.is_empty())
}
