//! The requests that `sluicegate send flowxo` can make.

use serde_json::Value;

use crate::provider::fresh::samples;
use crate::provider::{Fresh, Sample};

/// What flows send, and what a bot says.
pub(super) const SAMPLES: &[Sample] =
    samples!["text", "flow", "bot_message", "bot_question", "bot_media", "bot_action"];

/// A sample with a new id, the present time, and the text and contact given.
pub(super) fn freshen(sample: &str, fresh: &Fresh<'_>) -> String {
    let mut value: Value =
        serde_json::from_str(sample).expect("samples are JSON; a test reads them");
    for (name, field) in value.as_object_mut().into_iter().flatten() {
        match (&**name, field) {
            ("event_id" | "message_id", field) => {
                *field = format!("{:024x}", fresh.seed.as_u128() & (u128::MAX >> 32)).into();
            }
            ("timestamp", field) => *field = fresh.now.to_string().into(),
            ("message", Value::Object(message)) => {
                if let (Some(text), Some(field)) = (fresh.text, message.get_mut("text")) {
                    *field = text.into();
                }
            }
            ("message", field) => {
                if let Some(text) = fresh.text {
                    *field = text.into();
                }
            }
            ("phone", field) => {
                if let Some(from) = fresh.from {
                    *field = from.into();
                }
            }
            ("channel", field) if field["id"].is_string() => {
                if let Some(from) = fresh.from {
                    field["id"] = from.into();
                }
            }
            _ => {}
        }
    }
    value.to_string()
}
