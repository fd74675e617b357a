//! An agent that repeats what it hears, at a credit an answer.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{FlowGent, Refused, fields, refused, told};
use crate::client::flowgent::payload::{Answer, Envelope, Message, Metadata};
use crate::client::{Answered, Asked, Outgoing};
use crate::config::Secret;

impl FlowGent {
    pub(super) fn chat(
        &mut self,
        agent: &str,
        asked: &Asked,
        now: Timestamp,
    ) -> Result<Answered, Refused> {
        let fields = fields(asked, &["messages", "thread_id", "callback_url"])?;
        let said = messages(fields.get("messages"))?;
        let text = |name: &str| match fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
            Some(_) => Err(told(400, &format!("{name} must be a non-empty string"))),
        };
        let thread = text("thread_id")?;
        let callback = text("callback_url")?;
        if let Some(url) = &callback
            && !["http://", "https://"].iter().any(|it| url.starts_with(it))
        {
            return Err(refused(400, "Validation failed", "callback_url must be a URL"));
        }
        let failing = self.fails();
        if let Some(status) = failing.filter(|it| ![402, 500, 503].contains(it)) {
            return Err(told(status, "Internal server error"));
        }
        let answer = match failing {
            None => self.speak(agent, said, thread, now),
            Some(status) => failure(agent, status),
        };
        let answer = json!(answer);
        let Some(url) = callback else { return Ok(Answered::json(200, &answer)) };
        let mut answered = Answered::json(
            200,
            &json!({
                "message": "Request accepted and being processed asynchronously",
                "status": "processing",
            }),
        );
        let later = Outgoing {
            method: "POST",
            url,
            headers: vec![("content-type".into(), Secret::new("application/json"))],
            body: answer.to_string().into(),
        };
        answered.later.push((Duration::from_millis(self.slow), later));
        Ok(answered)
    }

    fn speak(
        &mut self,
        agent: &str,
        said: Vec<Message>,
        thread: Option<String>,
        now: Timestamp,
    ) -> Envelope {
        let Some(left) = self.credits.checked_sub(1) else { return failure(agent, 402) };
        self.credits = left;
        *self.used.entry((agent.to_owned(), now.to_zoned(TimeZone::UTC).date())).or_default() += 1;
        let number = self.next();
        let thread_id = thread.unwrap_or_else(|| format!("thread_{number:06}"));
        let heard = said.iter().rfind(|it| it.role == "user").map(Message::text);
        let reply = match heard.as_deref().unwrap_or_default().trim() {
            "" => "I am listening.".to_owned(),
            heard => format!("You said: {heard}"),
        };
        let history = self.threads.entry((agent.to_owned(), thread_id.clone())).or_default();
        history.extend(said);
        history.push(Message { role: "assistant".to_owned(), content: reply.into() });
        let metadata = Metadata {
            id: format!("meta_{number:06}"),
            model: "simulated".to_owned(),
            timestamp: format!("{now:.0}"),
            tool_calls: json!({}),
            execution_time: self.slow.into(),
            used_credits: 1.into(),
            thread_id,
        };
        let body = Answer {
            agent_id: Some(agent.to_owned()),
            conversation_history: history.clone(),
            metadata: Some(metadata),
            ..Answer::default()
        };
        Envelope { status_code: 200, body }
    }
}

/// The three that the document shows inside a 200.
fn failure(agent: &str, status: u16) -> Envelope {
    let (message, error) = match status {
        402 => (Some("No credits available"), "No credits available"),
        503 => (
            Some("Service temporarily unavailable"),
            "AI provider is currently experiencing high traffic",
        ),
        _ => (None, "An unexpected error occurred while processing your request"),
    };
    let body = Answer {
        agent_id: message.map(|_| agent.to_owned()),
        message: message.map(str::to_owned),
        error: Some(error.to_owned()),
        ..Answer::default()
    };
    Envelope { status_code: status, body }
}

fn messages(said: Option<&Value>) -> Result<Vec<Message>, Refused> {
    let unfit = || told(400, "messages is required and must be a string, an object or an array");
    let said: Vec<Value> = match said {
        Some(Value::String(text)) if !text.is_empty() => {
            return Ok(vec![Message { role: "user".to_owned(), content: text.clone().into() }]);
        }
        Some(message @ Value::Object(_)) => vec![message.clone()],
        Some(Value::Array(all)) if !all.is_empty() => all.clone(),
        _ => return Err(unfit()),
    };
    let mut messages = Vec::new();
    for message in said {
        let known = |it: &String| it == "role" || it == "content";
        let strange = message.as_object().and_then(|it| it.keys().find(|it| !known(it)));
        if let Some(name) = strange {
            let message = format!("Unknown field \"{name}\".");
            return Err(refused(400, "Validation failed", &message));
        }
        let message: Message = serde_json::from_value(message).map_err(|_| unfit())?;
        if !["user", "assistant", "tool", "system"].contains(&&*message.role) {
            return Err(unfit());
        }
        if !message.content.is_string() && !message.content.is_array() {
            return Err(unfit());
        }
        messages.push(message);
    }
    Ok(messages)
}
