//! What goes to customers and comes from them, with WhatsApp's window of 24 hours.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{FlowBot, Refused, needed, refused, stamp};
use crate::client::flowbot::fields::{MESSAGE_TYPES, is_phone};
use crate::client::flowbot::payload::Conversation;
use crate::client::{Answered, Asked, Outgoing};
use crate::config::Secret;

const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// A status comes so long after.
const AFTER: Duration = Duration::from_millis(200);

impl FlowBot {
    pub(super) fn outbound(
        &mut self,
        fields: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Answered, Refused> {
        if self.outbounds.take(now).is_err() {
            return Err(refused(429, "Rate limit exceeded, at most 30 requests a minute"));
        }
        let phone = needed(fields, "phone")?;
        let flow = needed(fields, "flowId")?;
        if !is_phone(phone) {
            return Err(refused(400, "phone must be in international format"));
        }
        for name in ["templateGroupId", "templateName", "templateId"] {
            if fields.contains_key(name) {
                needed(fields, name)?;
            }
        }
        if fields.get("queue").is_some_and(|it| !it.is_boolean()) {
            return Err(refused(400, "queue must be true or false"));
        }
        if fields.get("data").is_some_and(|it| !it.is_object()) {
            return Err(refused(400, "data must be an object"));
        }
        if flow == "unknown" {
            return Err(refused(404, "Flow not found"));
        }
        let data = fields.get("data").unwrap_or(&Value::Null);
        let name = data["customerName"].as_str();
        let message = self.next("wamid.simulated");
        let conversation = self.conversation_with(phone, name, now);
        conversation.flow_id = Some(flow.to_owned());
        let mut answered = Answered::json(
            200,
            &json!({
                "success": true,
                "message": format!("Outbound flow triggered for {phone}"),
                "flowId": flow,
            }),
        );
        if let Some(url) = &self.status_url {
            let status = json!({
                "phone": phone,
                "flowId": flow,
                "messageId": message,
                "status": "delivered",
                "sourceRef": data["sourceRef"],
                "timestamp": stamp(now),
            });
            let headers = vec![("content-type".into(), Secret::new("application/json"))];
            let body = status.to_string().into();
            answered
                .later
                .push((AFTER, Outgoing { method: "POST", url: url.clone(), headers, body }));
        }
        Ok(answered)
    }

    fn conversation_with(
        &mut self,
        phone: &str,
        name: Option<&str>,
        now: Timestamp,
    ) -> &mut Conversation {
        let found = self.conversations.iter().position(|it| it.wa_phone_number == phone);
        let at = found.unwrap_or_else(|| {
            let conversation = Conversation {
                id: self.next("conv-"),
                wa_phone_number: phone.to_owned(),
                customer_name: name.map(str::to_owned),
                flow_id: None,
                status: "active".to_owned(),
                last_message: None,
                started_at: stamp(now),
                last_customer_message_at: None,
            };
            self.conversations.push(conversation);
            self.conversations.len() - 1
        });
        &mut self.conversations[at]
    }

    /// A customer writes.
    pub(super) fn heard(&mut self, from: &str, text: &str, now: Timestamp) -> Value {
        let conversation = self.conversation_with(from, None, now);
        conversation.last_message = Some(text.to_owned());
        conversation.last_customer_message_at = Some(stamp(now));
        json!(conversation)
    }

    pub(super) fn list(&self, asked: &Asked) -> Result<Answered, Refused> {
        let limit = match asked.parameter("limit") {
            None => usize::MAX,
            Some(text) => text
                .parse()
                .ok()
                .filter(|it| *it > 0)
                .ok_or_else(|| refused(400, "limit must be a positive number"))?,
        };
        let shown: Vec<&Conversation> = self.conversations.iter().take(limit).collect();
        Ok(Answered::json(200, &json!(shown)))
    }

    pub(super) fn conversation(&self, id: &str) -> Result<Answered, Refused> {
        let found = self.conversations.iter().find(|it| it.id == id);
        let found = found.ok_or_else(|| refused(404, "Conversation not found"))?;
        Ok(Answered::json(200, &json!(found)))
    }

    pub(super) fn reply(
        &mut self,
        id: &str,
        fields: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Answered, Refused> {
        let kind = needed(fields, "messageType")?;
        if !MESSAGE_TYPES.contains(&kind) {
            return Err(refused(400, &format!("messageType must be {}", MESSAGE_TYPES.join(", "))));
        }
        let said = needed(
            fields,
            match kind {
                "text" => "text",
                "template" => "templateName",
                _ => "mediaUrl",
            },
        )?;
        if fields.get("templateParams").is_some_and(|it| !it.is_array()) {
            return Err(refused(400, "templateParams must be an array"));
        }
        let message = self.next("wamid.simulated");
        let found = self.conversations.iter_mut().find(|it| it.id == id);
        let conversation = found.ok_or_else(|| refused(404, "Conversation not found"))?;
        let last = conversation.last_customer_message_at.as_deref();
        let last = last.and_then(|it| it.parse::<Timestamp>().ok());
        let open = last.is_some_and(|it| now.duration_since(it) < WINDOW);
        if !open && kind != "template" {
            return Err(refused(400, "The 24-hour window is closed, send a template"));
        }
        conversation.last_message = Some(said.to_owned());
        Ok(Answered::json(
            200,
            &json!({ "success": true, "messageId": message, "windowOpen": open }),
        ))
    }
}
