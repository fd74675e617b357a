//! What a payload says is to be sent, in the words of the Cloud API.

use serde_json::{Map, Value, json};

use crate::destination::Call;
use crate::event::facts::{Channel, Contact};

/// What a message may be. Each is also the name of its part.
/// <https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages>
const KINDS: &[&str] = &[
    "text",
    "image",
    "audio",
    "video",
    "document",
    "sticker",
    "location",
    "contacts",
    "template",
    "interactive",
    "reaction",
];

/// What may stand beside the parts. `number`, `reply_to`, `read`, `typing` and `marketing` are our
/// own words.
const OTHERS: &[&str] = &[
    "number",
    "to",
    "recipient",
    "recipient_type",
    "type",
    "context",
    "reply_to",
    "marketing",
    "messaging_product",
    "status",
    "message_id",
    "typing_indicator",
    "read",
    "typing",
];

/// What is to be sent.
pub(super) struct Message {
    /// The body, as the Cloud API takes it.
    pub(super) body: Map<String, Value>,
    /// What it is.
    pub(super) sort: Sort,
    /// What the payload says about it being marketing.
    pub(super) marketing: Option<bool>,
    /// Whether it goes to the contact of the event.
    pub(super) to_contact: bool,
}

/// What may be sent when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// Only while the window is open.
    Free,
    /// The same, and a template is nothing to put in its place.
    Reaction,
    /// At any time.
    Template,
    /// No message: what the contact wrote is marked as read.
    Read,
}

/// The number that a payload names, by its id.
pub(super) fn number(payload: &Value) -> Option<String> {
    scalar(payload.get("number")?)
}

/// The message that a call asks for.
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
    // A setting that comes to nothing says nothing; a part that does would be the wrong message.
    fields.retain(|name, it| !it.is_null() || KINDS.contains(&&**name));
    if fields.contains_key("biz_opaque_callback_data") {
        let why = "the delivery's id goes there: every status of the message brings it back";
        return Err(format!("`biz_opaque_callback_data`: {why}"));
    }
    if let Some(name) =
        fields.keys().find(|it| !KINDS.contains(&&***it) && !OTHERS.contains(&&***it))
    {
        return Err(format!("`{name}`: a message has no such field"));
    }
    fields.remove("number");
    let marketing = flag(&mut fields, "marketing")?;
    fields.insert("messaging_product".to_owned(), "whatsapp".into());
    if let Some(body) = read(call, &mut fields)? {
        return Ok(Message { body, sort: Sort::Read, marketing: None, to_contact: true });
    }
    let kind = kind(call, &mut fields)?;
    let category = part(call, kind, &mut fields)?;
    reply(call, &mut fields)?;
    let to_contact = address(call, &mut fields)?;
    let sort = match kind {
        "template" => Sort::Template,
        "reaction" => Sort::Reaction,
        _ => Sort::Free,
    };
    Ok(Message { body: fields, sort, marketing: marketing.or(category), to_contact })
}

/// The same address, with a template.
pub(super) fn instead(message: &Message, mut template: Value) -> Result<Message, String> {
    let address = ["messaging_product", "recipient_type", "to", "recipient"];
    let mut body = message.body.clone();
    body.retain(|name, _| address.contains(&&**name));
    let category = settle_template(&mut template)?;
    body.insert("type".to_owned(), "template".into());
    body.insert("template".to_owned(), template);
    let marketing = category.or(message.marketing);
    Ok(Message { body, sort: Sort::Template, marketing, to_contact: message.to_contact })
}

/// A text, a number or a flag as a text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

fn flag(fields: &mut Map<String, Value>, name: &str) -> Result<Option<bool>, String> {
    match fields.remove(name) {
        None => Ok(None),
        Some(Value::Bool(it)) => Ok(Some(it)),
        Some(_) => Err(format!("`{name}`: it is true or false")),
    }
}

/// The id of the event's own message.
fn own(call: &Call, name: &str) -> Result<String, String> {
    let facts = &call.event().facts;
    let id = facts.message.as_ref().map(|it| &it.id).filter(|it| it.starts_with("wamid."));
    let id = id.filter(|_| facts.channel.provider == "whatsapp").cloned();
    id.ok_or_else(|| format!("`{name}`: the event is no message of WhatsApp's; name one by its id"))
}

/// A mark that a message was read, where that is asked for, by our own words or by the API's.
fn read(
    call: &Call,
    fields: &mut Map<String, Value>,
) -> Result<Option<Map<String, Value>>, String> {
    let typing = flag(fields, "typing")?.unwrap_or_default();
    let named = match fields.remove("read") {
        None | Some(Value::Bool(false)) => None,
        Some(Value::Bool(true)) => Some(own(call, "read")?),
        Some(id) => Some(scalar(&id).ok_or("`read`: it is true, or a message's id")?),
    };
    if !typing && named.is_none() && !fields.contains_key("status") {
        let stray = ["message_id", "typing_indicator"];
        let stray = stray.into_iter().find(|it| fields.contains_key(*it));
        return stray.map_or(Ok(None), |it| Err(format!("`{it}`: it belongs to `status: read`")));
    }
    let id = match (named, fields.remove("message_id")) {
        (Some(id), _) => id,
        (None, Some(id)) => scalar(&id).ok_or("`message_id`: it is a text")?,
        (None, None) => own(call, "message_id")?,
    };
    if id.trim().is_empty() {
        return Err("`message_id`: it is empty".to_owned());
    }
    if fields.get("status").is_some_and(|it| it != "read") {
        return Err("`status`: it is read".to_owned());
    }
    let mut body = Map::new();
    if typing {
        body.insert("typing_indicator".to_owned(), json!({ "type": "text" }));
    }
    body.insert("status".to_owned(), "read".into());
    // Whatever else was said is for the rules of the API to judge.
    body.extend(std::mem::take(fields));
    body.insert("message_id".to_owned(), id.into());
    // Who wrote the message is known to Meta.
    body.retain(|name, _| !["to", "recipient", "recipient_type"].contains(&&**name));
    Ok(Some(body))
}

/// What it is: by its `type`, by its one part, or else a text.
fn kind(call: &Call, fields: &mut Map<String, Value>) -> Result<&'static str, String> {
    let parts: Vec<&'static str> =
        KINDS.iter().copied().filter(|it| fields.contains_key(*it)).collect();
    let said = fields.get("type").map(|it| it.as_str().unwrap_or_default());
    let kind = match (said, &*parts) {
        (Some(said), _) => KINDS
            .iter()
            .copied()
            .find(|it| *it == said)
            .ok_or_else(|| format!("`type`: it is {}", KINDS.join(", ")))?,
        (None, []) => "text",
        (None, [one]) => one,
        (None, [one, other, ..]) => {
            return Err(format!("`{other}`: one message holds `{one}` or `{other}`, not both"));
        }
    };
    if let Some(other) = parts.iter().find(|it| **it != kind) {
        return Err(format!("`{other}`: a message of type `{kind}` has no such part"));
    }
    if kind == "text" && parts.is_empty() {
        let text = call.text();
        if text.trim().is_empty() {
            return Err("`text`: the event has no text; the route says what to send".to_owned());
        }
        fields.insert("text".to_owned(), text.into());
    }
    fields.insert("type".to_owned(), kind.into());
    Ok(kind)
}

/// Turns the short form of a part into the API's own. What comes back is whether it is marketing,
/// where a template says so.
fn part(
    call: &Call,
    kind: &'static str,
    fields: &mut Map<String, Value>,
) -> Result<Option<bool>, String> {
    let Some(part) = fields.get_mut(kind) else { return Ok(None) };
    match kind {
        "text" => match scalar(part) {
            Some(text) if text.trim().is_empty() => return Err("`text`: it is empty".to_owned()),
            Some(text) => *part = json!({ "body": text }),
            None => {}
        },
        "template" => return settle_template(part),
        "reaction" => {
            if let Value::String(emoji) = part {
                *part = json!({ "emoji": emoji });
            }
            if let Some(part) = part.as_object_mut()
                && part.get("message_id").is_none_or(Value::is_null)
            {
                part.insert("message_id".to_owned(), own(call, "reaction.message_id")?.into());
            }
        }
        "contacts" if part.is_object() => *part = Value::Array(vec![part.take()]),
        "interactive" | "location" | "contacts" => {}
        _ => media(part),
    }
    Ok(None)
}

/// A file by its link, or by the id it was uploaded under.
fn media(part: &mut Value) {
    match part {
        Value::Object(fields) => {
            if let Some(id) = fields.get_mut("id").filter(|it| it.is_number()) {
                *id = id.to_string().into();
            }
        }
        it => {
            if let Some(text) = scalar(it) {
                let is_link = text.starts_with("https://") || text.starts_with("http://");
                *it = json!({ if is_link { "link" } else { "id" }: text });
            }
        }
    }
}

/// A template by its name alone, its language by its code alone; its category is not for Meta, who
/// knows it, but for us.
fn settle_template(part: &mut Value) -> Result<Option<bool>, String> {
    if let Value::String(name) = part {
        *part = json!({ "name": name });
    }
    let Some(fields) = part.as_object_mut() else { return Ok(None) };
    if let Some(Value::String(code)) = fields.get("language") {
        let language = json!({ "code": code });
        fields.insert("language".to_owned(), language);
    }
    match fields.remove("category") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(it)) => Ok(Some(it.eq_ignore_ascii_case("marketing"))),
        Some(_) => Err("`template.category`: it is a text".to_owned()),
    }
}

fn reply(call: &Call, fields: &mut Map<String, Value>) -> Result<(), String> {
    let id = match fields.remove("reply_to") {
        None | Some(Value::Bool(false)) => return Ok(()),
        Some(_) if fields.contains_key("context") => {
            return Err("`reply_to`: `context` says the same".to_owned());
        }
        Some(Value::Bool(true)) => own(call, "reply_to")?,
        Some(id) => scalar(&id).ok_or("`reply_to`: it is true, or a message's id")?,
    };
    fields.insert("context".to_owned(), json!({ "message_id": id }));
    Ok(())
}

/// To whom: what the payload says, or else whoever the event is about. What comes back is whether
/// that is one and the same.
fn address(call: &Call, fields: &mut Map<String, Value>) -> Result<bool, String> {
    let facts = &call.event().facts;
    if fields.get("recipient_type").is_some_and(|it| it != "individual" && it != "group") {
        return Err("`recipient_type`: it is individual, or group".to_owned());
    }
    if fields.contains_key("to") || fields.contains_key("recipient") {
        for name in ["to", "recipient"] {
            let Some(value) = fields.get_mut(name) else { continue };
            let text = scalar(value).map(|it| it.trim().to_owned());
            *value = text.ok_or_else(|| format!("`{name}`: it is a text"))?.into();
        }
        // A contact's id may be either.
        let to = fields.get("to").and_then(Value::as_str);
        if !fields.contains_key("recipient") && to.is_some_and(is_user) {
            let user = fields.remove("to").unwrap_or_default();
            fields.insert("recipient".to_owned(), user);
        }
        let contact = facts.contact.as_ref();
        let ids = contact
            .map(|it| [&Some(it.id.clone()), &it.wa_id, &it.bsuid, &it.phone].map(Clone::clone));
        let ids: Vec<String> = ids.into_iter().flatten().flatten().collect();
        let said = ["to", "recipient"].into_iter().filter_map(|it| fields.get(it)?.as_str());
        let is_group = facts.conversation.group.is_some();
        return Ok(!is_group && said.map(bare).all(|it| ids.iter().any(|id| bare(id) == it)));
    }
    if let Some(group) = &facts.conversation.group {
        fields.insert("recipient_type".to_owned(), "group".into());
        fields.insert("to".to_owned(), group.as_str().into());
        return Ok(false);
    }
    let contact = facts.contact.as_ref();
    let found = contact.and_then(|it| reached_at(it, &facts.channel));
    let (name, id) = found.ok_or("`to`: the event names nobody who can be reached at WhatsApp")?;
    fields.insert("recipient_type".to_owned(), "individual".into());
    fields.insert(name.to_owned(), id.into());
    Ok(true)
}

/// Under which field of the API a contact is reached, and as what.
fn reached_at<'a>(contact: &'a Contact, channel: &Channel) -> Option<(&'static str, &'a str)> {
    let id = Some(contact.id.as_str()).filter(|_| channel.provider == "whatsapp");
    let number = contact.wa_id.as_deref().or(id.filter(|it| is_number(it)));
    let user = contact.bsuid.as_deref().or(id.filter(|it| is_user(it)));
    let number = number.map(|it| ("to", it));
    // The number last: what people write may differ from what WhatsApp calls it.
    number.or(user.map(|it| ("recipient", it))).or(contact.phone.as_deref().map(|it| ("to", it)))
}

/// Without what people write between the digits of a number.
fn bare(id: &str) -> String {
    id.chars().filter(|it| !"+ -()".contains(*it)).collect()
}

fn is_number(id: &str) -> bool {
    let digits = id.strip_prefix('+').unwrap_or(id);
    (5..=20).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit())
}

/// Whether an id is business-scoped: a country, a dot, and letters and digits.
fn is_user(id: &str) -> bool {
    let Some((country, rest)) = id.split_once('.') else { return false };
    country.len() == 2
        && country.bytes().all(|it| it.is_ascii_uppercase())
        && !rest.is_empty()
        && rest.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'.')
}
