//! A Custom HTTP Bot: it takes what somebody said, and repeats it to its callback URL.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{FlowXo, invalid, refused};
use crate::client::{Answered, Asked, Outgoing};
use crate::config::Secret;

impl FlowXo {
    /// `{callback_url, secret?}`: where the bots' output goes; with a secret, as a bearer token.
    pub(super) fn set_callback(&mut self, arguments: &Value) -> Value {
        let text = |name: &str| arguments[name].as_str().unwrap_or_default().to_owned();
        let url = text("callback_url");
        if !url.starts_with("http") {
            return json!({ "error": "`callback_url` is where the bot answers" });
        }
        self.callback = Some((url, Secret::new(text("secret"))));
        json!({})
    }

    /// By article 255. It does not show the answer.
    pub(super) fn told(
        &self,
        bot: &str,
        asked: &Asked,
        now: Timestamp,
    ) -> Result<Answered, Answered> {
        let is_bot = bot.len() == 24 && bot.bytes().all(|it| it.is_ascii_hexdigit());
        if !is_bot {
            return Err(refused(404, &format!("no bot `{bot}`")));
        }
        let body: Map<String, Value> = serde_json::from_slice(&asked.body)
            .map_err(|_| invalid("the body is not a JSON object"))?;
        let known = ["channel", "from", "message", "metadata"];
        if let Some(field) = body.keys().find(|it| !known.contains(&&***it)) {
            return Err(invalid(&format!("there is no field `{field}`")));
        }
        let text = |part: &str, name: &str| {
            let text = body.get(part).and_then(|it| it.get(name)).and_then(Value::as_str);
            let text = text.filter(|it| !it.is_empty());
            text.ok_or_else(|| invalid(&format!("`{part}.{name}` is missing")))
        };
        let (channel, user) = (text("channel", "id")?, text("from", "id")?);
        let said = text("message", "text")?;
        let mut answered = Answered::json(200, &json!({}));
        if let Some(callback) = &self.callback {
            let output = json!({
                "message_type": "text",
                "message": format!("You said: {said}"),
                "channel": { "id": channel },
                "to": { "id": user },
                "response_path": format!("{bot}/c/{channel}"),
                "timestamp": now.to_string(),
            });
            answered.later.push((Duration::from_millis(200), post(callback, &output)));
        }
        Ok(answered)
    }
}

fn post((url, secret): &(String, Secret), output: &Value) -> Outgoing {
    let mut headers = vec![("content-type".into(), Secret::new("application/json"))];
    if !secret.is_empty() {
        let bearer = Secret::new(format!("Bearer {}", secret.expose()));
        headers.push(("authorization".into(), bearer));
    }
    Outgoing { method: "POST", url: url.clone(), headers, body: output.to_string().into() }
}
