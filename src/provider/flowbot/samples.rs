//! The requests that `sluicegate send flowbot` can make.

use serde_json::Value;

use crate::provider::fresh::samples;
use crate::provider::{Fresh, Sample};

/// A lead, a trigger, and what became of a message.
pub(super) const SAMPLES: &[Sample] = samples!["lead", "flow", "status_delivered", "status_failed"];

/// A sample that differs from every other, with the text and the contact given.
pub(super) fn freshen(sample: &str, fresh: &Fresh<'_>) -> String {
    let mut value: Value =
        serde_json::from_str(sample).expect("samples are JSON; a test reads them");
    let id = fresh.seed.simple();
    let mut put = |name: &str, new: &str| {
        if let Some(field) = value.get_mut(name) {
            *field = new.into();
        }
    };
    put("leadId", &format!("lead-{id}"));
    put("messageId", &format!("wamid.{}", id.to_string().to_uppercase()));
    put("timestamp", &fresh.now.to_string());
    if let Some(from) = fresh.from {
        put("phone", from);
    }
    if let Some(text) = fresh.text {
        put("message", text);
    }
    value.to_string()
}
