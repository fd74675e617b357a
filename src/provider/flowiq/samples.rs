//! Documents that the poller could have made, for trying things out.

use serde_json::{Value, json};

use crate::provider::{Fresh, Sample};

/// What a conversation holds most.
pub(super) const SAMPLES: &[Sample] = &[
    Sample { name: "text", body: include_str!("fixtures/text.json") },
    Sample { name: "bot", body: include_str!("fixtures/bot.json") },
    Sample { name: "voice_note", body: include_str!("fixtures/voice_note.json") },
];

/// A sample at the present time, with the text and contact given. A message has no id, so the time
/// makes it another.
pub(super) fn freshen(sample: &str, fresh: &Fresh<'_>) -> String {
    let mut value: Value =
        serde_json::from_str(sample).expect("samples are JSON; a test reads them");
    for element in value["messages"].as_array_mut().into_iter().flatten() {
        element["historical"] = json!(false);
        let message = &mut element["message"];
        message["created_at"] = json!(fresh.now.to_string());
        if let Some(text) = fresh.text {
            message["message"] = json!(text);
        }
    }
    if let Some(from) = fresh.from {
        let digits: String = from.chars().filter(char::is_ascii_digit).collect();
        value["contact"]["id"] = json!(format!("sample-{digits}"));
        value["contact"]["whatsapp_id"] = json!(digits);
        value["contact"]["phone_number"] = json!(from);
    }
    value.to_string()
}
