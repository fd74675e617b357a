//! What Meta sends to the gateway: statuses and messages, signed with the app secret.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Graph, digits, error};
use crate::client::{Account, Auth, Outgoing};
use crate::config::Secret;

/// The number of ours that customers write to, where nothing was sent from another.
const NUMBER: &str = "106540352242922";
const DISPLAY: &str = "15550783881";
const ACCOUNT: &str = "102290129340398";

const SIGNED: Auth = Auth::Signed("x-hub-signature-256", "sha256=", "app_secret");

/// Where webhooks go.
pub(super) struct Webhook {
    pub(super) url: String,
    pub(super) app_secret: String,
}

impl Webhook {
    /// What Meta asks when the callback URL is set.
    pub(super) fn handshake(&self, verify_token: &str) -> Outgoing {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("hub.mode", "subscribe")
            .append_pair("hub.challenge", "1158201444")
            .append_pair("hub.verify_token", verify_token)
            .finish();
        let mark = if self.url.contains('?') { '&' } else { '?' };
        let url = format!("{}{mark}{query}", self.url);
        Outgoing { method: "GET", url, headers: Vec::new(), body: bytes::Bytes::new() }
    }

    fn post(&self, number: &str, mut value: Value) -> Outgoing {
        value["messaging_product"] = "whatsapp".into();
        value["metadata"] = json!({ "display_phone_number": DISPLAY, "phone_number_id": number });
        let change = json!({ "field": "messages", "value": value });
        let body = json!({
            "object": "whatsapp_business_account",
            "entry": [{ "id": ACCOUNT, "changes": [change] }],
        });
        let body = body.to_string();
        let mut headers = vec![("content-type".into(), Secret::new("application/json"))];
        let credentials = [("app_secret", Secret::new(&*self.app_secret))].into();
        let account = Account { base_url: String::new(), credentials };
        // Without a secret it goes unsigned, and the gateway says so.
        let signature = SIGNED.header(&account, body.as_bytes()).ok().flatten();
        headers.extend(signature.map(|(name, it)| (name.into(), it)));
        Outgoing { method: "POST", url: self.url.clone(), headers, body: body.into() }
    }
}

impl Graph {
    /// A customer writes.
    pub(super) fn hear(
        &mut self,
        from: &str,
        text: &str,
        name: Option<&str>,
        now: Timestamp,
    ) -> Value {
        let from = digits(from);
        self.heard.insert(from.clone(), now);
        let id = format!("wamid.heard{:08}", self.next());
        let value = json!({
            "contacts": [{ "profile": { "name": name.unwrap_or("A customer") }, "wa_id": from }],
            "messages": [{
                "from": from,
                "id": id,
                "timestamp": now.as_second().to_string(),
                "type": "text",
                "text": { "body": text },
            }],
        });
        let posted = self.webhook.as_ref().map(|it| it.post(NUMBER, value));
        let is_sent = posted.is_some();
        self.due.extend(posted.map(|it| (Duration::ZERO, it)));
        json!({ "id": id, "sent": is_sent })
    }

    /// What becomes of a message: sent, delivered and read, or failed.
    pub(super) fn statuses(
        &self,
        number: &str,
        message: &str,
        to: &str,
        sent: &Value,
        failed: Option<i64>,
        now: Timestamp,
    ) -> Vec<(Duration, Outgoing)> {
        let Some(webhook) = &self.webhook else { return Vec::new() };
        let steps: &[(&str, u64)] = match failed {
            Some(_) => &[("failed", 200)],
            None => &[("sent", 100), ("delivered", 400), ("read", 1500)],
        };
        let mut later = Vec::new();
        for (status, after) in steps {
            let after = Duration::from_millis(*after);
            let at = now.checked_add(after).unwrap_or(now);
            let mut told = json!({
                "id": message,
                "status": status,
                "timestamp": at.as_second().to_string(),
                "recipient_id": to,
            });
            if let Some(code) = failed {
                told["errors"] = json!([error(code)]);
            } else if *status != "read" {
                let origin = if sent.get("template").is_some() { "utility" } else { "service" };
                told["conversation"] =
                    json!({ "id": format!("conversation-{to}"), "origin": { "type": origin } });
                told["pricing"] =
                    json!({ "billable": true, "pricing_model": "PMP", "category": origin });
            }
            if let Some(own) = sent.get("biz_opaque_callback_data") {
                told["biz_opaque_callback_data"] = own.clone();
            }
            later.push((after, webhook.post(number, json!({ "statuses": [told] }))));
        }
        later
    }
}
