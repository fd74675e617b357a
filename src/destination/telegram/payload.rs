//! What a payload says is to be sent, in the words of the Bot API.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::method::{LENGTHS, METHODS, Method, SHARED, is_message};
use crate::destination::Call;

/// What the short form of a part becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Short {
    /// The parameter of its name, a text.
    Text,
    /// The parameter of its name, a list.
    List,
    /// Its fields are parameters of their own.
    Flat,
    /// The parameter `emoji`; `true`: any.
    Emoji,
    /// An emoji on a message, the event's own if none is named.
    Reaction,
}

/// Words of ours, beside the parameters of the API.
const OURS: &[&str] = &["method", "to", "topic", "reply_to", "typing", "marketing"];

/// What is to be called.
#[derive(Debug)]
pub(super) struct Message {
    /// The method.
    pub(super) method: Cow<'static, str>,
    /// Its parameters.
    pub(super) body: Map<String, Value>,
    /// What the payload says about it being marketing.
    pub(super) marketing: Option<bool>,
    /// Whether the topic is one that the event stood in, not one that the payload names.
    pub(super) topic_is_found: bool,
}

impl Message {
    /// The chat it goes to.
    pub(super) fn chat(&self) -> Option<String> {
        scalar(self.body.get("chat_id")?)
    }
}

/// The call that is asked for.
///
/// # Errors
/// What is wrong with the payload, with its place.
pub(super) fn message(call: &Call) -> Result<Message, String> {
    let mut fields = match &call.payload {
        Value::Null => Map::new(),
        Value::Object(fields) => fields.clone(),
        Value::Array(_) => {
            return Err("the payload is a list: a message is a text, or a map".to_owned());
        }
        it => [("text".to_owned(), it.clone())].into_iter().collect(),
    };
    let is_part = |name: &str| METHODS.iter().any(|it| it.part == name);
    // A setting that comes to nothing says nothing; a part that does would be the wrong message.
    fields.retain(|name, it| !it.is_null() || is_part(name));
    let marketing = flag(&mut fields, "marketing")?;
    if flag(&mut fields, "typing")?.unwrap_or_default() {
        fields.entry("action").or_insert_with(|| "typing".into());
    }
    let named = match fields.remove("method") {
        None => None,
        Some(Value::String(it)) if is_name(&it) => Some(it),
        Some(_) => return Err("`method`: it is a method of the Bot API, as sendInvoice".to_owned()),
    };
    let own = own_chat(call);
    let chat = chat(&mut fields, own.as_deref())?;
    let is_own = chat.is_some() && chat == own;
    let mut body = Map::new();
    let method: Cow<'static, str> = if let Some(name) = named {
        reply(call, &mut fields, is_own)?;
        topic(&mut fields)?;
        body.append(&mut fields);
        name.into()
    } else {
        let method = method(call, &mut fields)?;
        part(call, method, &mut fields)?;
        reply(call, &mut fields, is_own)?;
        topic(&mut fields)?;
        check(method, &fields)?;
        if chat.is_none() {
            return Err("`to`: the event came from no chat of Telegram's; name one".to_owned());
        }
        body.append(&mut fields);
        method.name.into()
    };
    if let Some(chat) = chat.filter(|_| !body.contains_key("inline_message_id")) {
        body.insert("chat_id".to_owned(), number_or_text(&chat));
    }
    let topic_is_found = is_own && surroundings(call, &method, &mut body);
    Ok(Message { method, body, marketing, topic_is_found })
}

/// The chat that the event belongs to.
fn own_chat(call: &Call) -> Option<String> {
    let facts = &call.event().facts;
    let group = facts.conversation.group.as_ref();
    let chat = group.or_else(|| facts.contact.as_ref().map(|it| &it.id));
    chat.filter(|it| facts.channel.provider == "telegram" && !it.is_empty()).cloned()
}

/// What places an answer beside what it answers: the topic of the group, and the business that
/// the bot speaks for. What comes back is whether a topic was found.
fn surroundings(call: &Call, method: &str, body: &mut Map<String, Value>) -> bool {
    let facts = &call.event().facts;
    if !is_message(method) && method != "sendChatAction" {
        return false;
    }
    if let Some(connection) = &facts.channel.business {
        body.entry("business_connection_id").or_insert_with(|| connection.as_str().into());
    }
    let topic = facts.message.as_ref().and_then(|it| it.topic.as_deref()?.parse::<i64>().ok());
    match topic {
        Some(topic) if !body.contains_key("message_thread_id") => {
            body.insert("message_thread_id".to_owned(), topic.into());
            true
        }
        _ => false,
    }
}

/// A text, a number or a flag as a text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Ids are numbers, but for the names of channels.
fn number_or_text(id: &str) -> Value {
    id.parse::<i64>().map_or_else(|_| id.into(), Value::from)
}

fn flag(fields: &mut Map<String, Value>, name: &str) -> Result<Option<bool>, String> {
    match fields.remove(name) {
        None => Ok(None),
        Some(Value::Bool(it)) => Ok(Some(it)),
        Some(_) => Err(format!("`{name}`: it is true or false")),
    }
}

/// The name of a method, which stands in a URL.
fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_alphabetic())
}

/// Which chat: what the payload says, or else the event's own.
fn chat(fields: &mut Map<String, Value>, own: Option<&str>) -> Result<Option<String>, String> {
    let said = match (fields.remove("chat_id"), fields.remove("to")) {
        (Some(_), Some(_)) => return Err("`to`: `chat_id` says the same".to_owned()),
        (chat, to) => chat.or(to),
    };
    let Some(said) = said else { return Ok(own.map(str::to_owned)) };
    let id = scalar(&said).map(|it| it.trim().to_owned()).unwrap_or_default();
    let is_name = id.strip_prefix('@').is_some_and(|it| !it.is_empty());
    if is_name || id.parse::<i64>().is_ok() {
        Ok(Some(id))
    } else {
        Err("`to`: it is a chat's id, or the @name of a channel".to_owned())
    }
}

/// Which method: that of its one part, or else a text.
fn method(call: &Call, fields: &mut Map<String, Value>) -> Result<&'static Method, String> {
    let mut parts = METHODS.iter().filter(|it| fields.contains_key(it.part));
    match (parts.next(), parts.next()) {
        (Some(one), None) => Ok(one),
        (Some(one), Some(other)) => {
            let (one, other) = (one.part, other.part);
            Err(format!("`{other}`: one message holds `{one}` or `{other}`, not both"))
        }
        (None, _) => {
            let text = call.text();
            if text.trim().is_empty() {
                return Err("`text`: the event has no text; the route says what to send".to_owned());
            }
            fields.insert("text".to_owned(), text.into());
            Ok(&METHODS[0])
        }
    }
}

/// Turns the short form of a part into the API's own parameters.
fn part(call: &Call, method: &Method, fields: &mut Map<String, Value>) -> Result<(), String> {
    let name = method.part;
    let value = fields.remove(name).unwrap_or_default();
    match method.short {
        Short::Text => {
            let text = scalar(&value).ok_or_else(|| format!("`{name}`: it is a text"))?;
            if text.trim().is_empty() {
                return Err(format!("`{name}`: it is empty"));
            }
            fields.insert(name.to_owned(), text.into());
        }
        Short::List => match value {
            Value::Array(all) if (2..=10).contains(&all.len()) => {
                fields.insert(name.to_owned(), all.into());
            }
            _ => return Err(format!("`{name}`: it is a list of 2 to 10 files")),
        },
        Short::Flat => match value {
            Value::Object(own) => {
                if let Some(both) = own.keys().find(|it| fields.contains_key(*it)) {
                    return Err(format!("`{name}.{both}`: it stands beside `{name}` too"));
                }
                fields.extend(own.into_iter().filter(|it| !it.1.is_null()));
            }
            _ => return Err(format!("`{name}`: it is a map")),
        },
        Short::Emoji => match value {
            Value::String(emoji) => drop(fields.insert("emoji".to_owned(), emoji.into())),
            Value::Bool(true) => {}
            _ => return Err(format!("`{name}`: it is true, or an emoji")),
        },
        Short::Reaction => {
            let reaction = match value {
                Value::String(it) if it.is_empty() => json!([]),
                Value::String(it) => json!([{ "type": "emoji", "emoji": it }]),
                it @ Value::Array(_) => it,
                _ => return Err(format!("`{name}`: it is an emoji, or empty to take it back")),
            };
            fields.insert(name.to_owned(), reaction);
            let id = match fields.remove("message_id") {
                None => own_message(call, "message_id")?,
                Some(id) => id_of(&id).ok_or("`message_id`: it is a number")?,
            };
            fields.insert("message_id".to_owned(), id.into());
        }
    }
    Ok(())
}

fn id_of(value: &Value) -> Option<i64> {
    scalar(value)?.trim().parse().ok()
}

/// The id of the event's own message.
fn own_message(call: &Call, name: &str) -> Result<i64, String> {
    let facts = &call.event().facts;
    let id = facts.message.as_ref().filter(|_| facts.channel.provider == "telegram");
    let id = id.and_then(|it| it.id.parse().ok());
    id.ok_or_else(|| format!("`{name}`: the event is no message of Telegram's; name one by its id"))
}

/// What it answers. A message that is gone by then does not hold the answer up.
fn reply(call: &Call, fields: &mut Map<String, Value>, is_own: bool) -> Result<(), String> {
    let mut parameters = match fields.remove("reply_to") {
        None | Some(Value::Bool(false)) => return Ok(()),
        Some(_) if fields.contains_key("reply_parameters") => {
            return Err("`reply_to`: `reply_parameters` says the same".to_owned());
        }
        Some(Value::Bool(true)) => {
            let mut parameters = json!({ "message_id": own_message(call, "reply_to")? });
            if let (false, Some(chat)) = (is_own, own_chat(call)) {
                parameters["chat_id"] = number_or_text(&chat);
            }
            parameters
        }
        Some(id) => {
            let id = id_of(&id).ok_or("`reply_to`: it is true, or a message's id")?;
            json!({ "message_id": id })
        }
    };
    parameters["allow_sending_without_reply"] = true.into();
    fields.insert("reply_parameters".to_owned(), parameters);
    Ok(())
}

fn topic(fields: &mut Map<String, Value>) -> Result<(), String> {
    let Some(topic) = fields.remove("topic") else { return Ok(()) };
    let id = id_of(&topic).ok_or("`topic`: it is a number")?;
    fields.entry("message_thread_id").or_insert_with(|| id.into());
    Ok(())
}

/// What Telegram would refuse, or not notice: an unknown parameter is no error to it.
fn check(method: &Method, fields: &Map<String, Value>) -> Result<(), String> {
    let Method { name, part, needs, takes, .. } = method;
    if let Some(missing) = needs.iter().find(|it| !fields.contains_key(**it)) {
        return Err(format!("`{part}.{missing}`: it is missing"));
    }
    let known = |it: &str| [needs, takes, SHARED].iter().any(|all| all.contains(&it));
    if let Some(strange) = fields.keys().find(|it| !known(it) && !OURS.contains(&&***it)) {
        return Err(format!("`{strange}`: {name} has no such parameter"));
    }
    for (part, most) in LENGTHS {
        // With markup it may be longer than what is shown.
        let text = fields.get(*part).filter(|_| !fields.contains_key("parse_mode"));
        let length = text.and_then(Value::as_str).map_or(0, |it| it.chars().count());
        if length > *most {
            return Err(format!("`{part}`: it has {length} characters, at most {most} are taken"));
        }
    }
    Ok(())
}
