//! What Flow XO answers.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::lenient;

/// The answer to `conversations`.
#[derive(Debug)]
pub struct Conversations {
    /// How many there are on all pages.
    pub total: Option<i64>,
    /// How many were left out.
    pub skip: Option<i64>,
    /// How many a page has at most.
    pub limit: Option<i64>,
    /// In the order of the answer.
    pub conversations: Vec<Conversation>,
}

/// A conversation.
#[derive(Debug)]
pub struct Conversation {
    /// The response path: `{bot_id}/c/{user_id}`.
    pub id: Option<String>,
    /// The same, percent-encoded, as it stands in a URL.
    pub encoded_id: Option<String>,
    /// Whether a person answers, not the bot.
    pub agent_mode: bool,
    /// When it began.
    pub created_at: Option<Timestamp>,
    /// Whether the user cannot be written to; not always said.
    pub unreachable: Option<bool>,
    /// The bot's id.
    pub bot_id: Option<String>,
    /// The bot's name.
    pub bot_name: Option<String>,
    /// `telegram`, `whatsapp`, …
    pub platform: Option<String>,
    /// The user's id on the platform.
    pub user_id: Option<String>,
    /// The user's name, where it is known.
    pub user_name: Option<String>,
    /// The last message, where there is one.
    pub last_message: Option<Message>,
    /// All of it, verbatim.
    pub raw: Box<RawValue>,
}

/// A message.
#[derive(Debug)]
pub struct Message {
    /// Its id: an `ObjectId`, so that ids grow with time.
    pub id: Option<String>,
    /// `bot`: sent by the bot. `channel`: the user wrote it.
    pub role: Option<String>,
    /// The response path of its conversation.
    pub conversation: Option<String>,
    /// The id of the bot or of the user.
    pub from: Option<String>,
    /// Whether it was written during live chat.
    pub agent_mode: bool,
    /// `text`, `card`, `card_set`, `custom` and others.
    pub kind: Option<String>,
    /// The text.
    pub text: Option<String>,
    /// What a custom message sent to the platform. It comes as JSON within a string; what is no
    /// JSON stays a string. `Null` for other types.
    pub custom: Value,
    /// What a question offers; `Null` for none.
    pub options: Value,
    /// When it was written.
    pub timestamp: Option<Timestamp>,
    /// All of it, verbatim.
    pub raw: Box<RawValue>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default)]
    total: Value,
    #[serde(default)]
    skip: Value,
    #[serde(default)]
    limit: Value,
    #[serde(borrow)]
    conversations: Option<&'a RawValue>,
}

impl Conversations {
    /// Reads an answer. A conversation that is strange is still there, in `raw`.
    ///
    /// # Errors
    /// When it is not an answer to `conversations` at all.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let envelope: Envelope<'_> = serde_json::from_slice(body).map_err(unreadable)?;
        let list = envelope.conversations.ok_or("the answer has no `conversations`")?;
        Ok(Self {
            total: lenient::integer(&envelope.total),
            skip: lenient::integer(&envelope.skip),
            limit: lenient::integer(&envelope.limit),
            conversations: lenient::each(Some(list)).into_iter().map(Conversation::of).collect(),
        })
    }
}

impl Conversation {
    /// Reads the answer to `conversation`.
    ///
    /// # Errors
    /// When it is no JSON object.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let raw: &RawValue = serde_json::from_slice(body).map_err(unreadable)?;
        lenient::object(raw).map_err(|it| format!("the answer is {it}"))?;
        Ok(Self::of(raw))
    }

    /// Reads one of a list, whatever it is.
    pub fn of(raw: &RawValue) -> Self {
        #[derive(Default, Deserialize)]
        struct Last<'a> {
            #[serde(borrow)]
            last_message: Option<&'a RawValue>,
        }
        let it = lenient::object(raw).unwrap_or_default();
        let last: Last<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
        let text = |key| lenient::first(&it, &[key]);
        Self {
            id: text("id"),
            encoded_id: text("id_url_encoded"),
            agent_mode: lenient::flag(&it["agent_mode"]),
            created_at: lenient::time(&it["created_at"]),
            unreachable: Some(&it["unreachable"]).filter(|it| !it.is_null()).map(lenient::flag),
            bot_id: text("bot_id"),
            bot_name: text("bot_name"),
            platform: text("platform"),
            user_id: text("user_id"),
            user_name: text("user_name"),
            last_message: last.last_message.map(Message::of),
            raw: raw.to_owned(),
        }
    }
}

/// Reads the answer to `messages`: a bare list. A message that is strange is still there, in `raw`.
///
/// # Errors
/// When it is no list.
pub fn messages(body: &[u8]) -> Result<Vec<Message>, String> {
    let list: Vec<&RawValue> = serde_json::from_slice(body).map_err(unreadable)?;
    Ok(list.into_iter().map(Message::of).collect())
}

impl Message {
    /// Reads one of a list, whatever it is.
    pub fn of(raw: &RawValue) -> Self {
        let it = lenient::object(raw).unwrap_or_default();
        let text = |key| lenient::first(&it, &[key]);
        let custom = match &it["custom"] {
            Value::String(json) => {
                serde_json::from_str(json).unwrap_or_else(|_| json.as_str().into())
            }
            other => other.clone(),
        };
        Self {
            id: text("id"),
            role: text("role"),
            conversation: text("conversation"),
            from: text("from"),
            agent_mode: lenient::flag(&it["agent_mode"]),
            kind: text("type"),
            text: text("message"),
            custom,
            options: it["options"].clone(),
            timestamp: lenient::time(&it["timestamp"]),
            raw: raw.to_owned(),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it maps an error")]
fn unreadable(error: serde_json::Error) -> String {
    format!("the answer is not readable: {error}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whatever_stands_in_a_field_the_conversation_is_there_and_its_other_fields_too() {
        let example = include_str!("fixtures/flowxo_conversations__002.json");
        let example: Value = serde_json::from_str(example).unwrap();
        for key in example.as_object().unwrap().keys() {
            for odd in [json!(null), json!(1.5e300), json!(""), json!([[]]), json!({}), json!("x")]
            {
                let mut list = json!({ "conversations": [example, example] });
                list["conversations"][0][key] = odd.clone();
                let read = Conversations::read(list.to_string().as_bytes()).unwrap();
                let [one, other] = &*read.conversations else { panic!("{read:?}") };
                assert!(one.id.is_some() || key == "id", "{key}: {odd}");
                assert!(one.created_at.is_some() || key == "created_at", "{key}: {odd}");
                assert!(one.last_message.is_some() || key == "last_message", "{key}: {odd}");
                assert!(one.raw.get().contains(&odd.to_string()), "{key}: {odd}");
                assert!(other.last_message.as_ref().is_some_and(|it| it.id.is_some()));
            }
        }
    }
}
