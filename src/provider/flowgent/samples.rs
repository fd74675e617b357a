//! The requests that `sluicegate send flowgent` can make.

use serde_json::Value;

use crate::provider::fresh::samples;
use crate::provider::{Fresh, Sample};

/// An answer, and each way in which there is none.
pub(super) const SAMPLES: &[Sample] =
    samples!["reply", "reply_with_tools", "no_credits", "unavailable", "error"];

/// A sample with a new id, the present time, and the text given.
pub(super) fn freshen(sample: &str, fresh: &Fresh<'_>) -> String {
    let mut value: Value =
        serde_json::from_str(sample).expect("samples are JSON; a test reads them");
    if let Some(metadata) = value.pointer_mut("/body/metadata") {
        metadata["id"] = format!("meta_{}", fresh.seed.simple()).into();
        metadata["timestamp"] = fresh.now.to_string().into();
    }
    let history = value.pointer_mut("/body/conversation_history").and_then(Value::as_array_mut);
    let entries = history.into_iter().flatten().rev();
    if let (Some(entry), Some(text)) =
        (entries.into_iter().find(|it| it["role"] == "assistant"), fresh.text)
    {
        entry["content"] = text.into();
    }
    value.to_string()
}
