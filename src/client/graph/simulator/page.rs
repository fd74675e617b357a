//! Messages of Messenger and Instagram, and their errors: those name a subcode, and no details.
//!
//! Source: <https://developers.facebook.com/docs/messenger-platform/error-codes>.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::send::WINDOW;
use super::{Graph, Refused, digits, refused};
use crate::client::Answered;

/// Why a message may come a day after the contact's last.
const TAGS: &[&str] = &[
    "HUMAN_AGENT",
    "ACCOUNT_UPDATE",
    "CONFIRMED_EVENT_UPDATE",
    "POST_PURCHASE_UPDATE",
    "CUSTOMER_FEEDBACK",
];

impl Graph {
    /// A message, or something that is only shown.
    pub(super) fn page(&mut self, fields: &Value, now: Timestamp) -> Result<Answered, Refused> {
        if let Some(failing) = self.fails() {
            return Err(page_refused(failing.code, failing.subcode));
        }
        let tag = fields["tag"].as_str();
        if tag.is_some_and(|it| !TAGS.contains(&it)) {
            return Err(page_refused(100, None));
        }
        let recipient = fields["recipient"].as_object();
        let whom = recipient.and_then(|it| it.values().next());
        let id = digits(fields["recipient"]["id"].as_str().unwrap_or_default());
        if self.unreachable.contains(&id) {
            return Err(page_refused(551, Some(1_545_041)));
        }
        let heard = self.heard.get(&id).is_some_and(|it| now.duration_since(*it) < WINDOW);
        let is_message = fields.get("message").is_some();
        if is_message && !id.is_empty() && !self.window_open && !heard && tag.is_none() {
            return Err(page_refused(10, Some(2_018_278)));
        }
        let mut body = json!({ "recipient_id": whom });
        if is_message {
            body["message_id"] = format!("m_simulated{:08}", self.next()).into();
        }
        Ok(Answered::json(200, &body))
    }
}

/// What Meta says.
fn said(code: i64, subcode: Option<i64>) -> Option<&'static str> {
    Some(match (code, subcode) {
        (10, Some(2_018_278 | 2_534_022)) => {
            "This message is sent outside of allowed window. Learn more about the new policy here: \
             https://developers.facebook.com/docs/messenger-platform/policy-overview"
        }
        (10, Some(2_018_108)) | (200 | 551, Some(1_545_041)) => {
            "This person isn't available right now."
        }
        (10, Some(2_018_300)) => {
            "Message failed to send because another app is controlling this thread now."
        }
        (32, _) => "Page request limit reached",
        (100, Some(2_018_001)) => "No matching user found",
        (613, _) => "Calls to this api have exceeded the rate limit.",
        (1200, _) => "Temporary send message failure. Please try again later.",
        (80_002 | 80_006, _) => {
            "There have been too many calls to this account. Wait a bit and try again."
        }
        (10_303, _) => "Invalid account_linking_token",
        _ => return None,
    })
}

fn page_refused(code: i64, subcode: Option<i64>) -> Refused {
    let mut answered = refused(code, "");
    let Ok(mut body) = serde_json::from_slice::<Value>(&answered.body) else { return answered };
    if let Some(error) = body["error"].as_object_mut() {
        error.remove("error_data");
        if let Some(subcode) = subcode {
            error.insert("error_subcode".to_owned(), subcode.into());
        }
        if let Some(said) = said(code, subcode) {
            error.insert("message".to_owned(), format!("(#{code}) {said}").into());
        }
    }
    answered.body = body.to_string().into();
    answered
}
