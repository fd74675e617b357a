//! `messages[]` and `message_echoes[]`: what contacts wrote, and what was written for us.

use serde_json::Value;
use serde_json::value::RawValue;

use super::setting::Setting;
use super::{account, contact};
use crate::event::facts::{
    Context, Interactive, Location, Media, Message, Order, OrderItem, Reaction,
};
use crate::event::{Draft, Kind};
use crate::lenient::{each, first, flag, list, number, object, text, time};

/// Whose messages a list holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    /// The contact's, unless it comes from our own number.
    Either,
    /// Ours, written in the business app or by an agent.
    Business,
}

/// The type of a message that the import promises to send later, with its file.
const PLACEHOLDER: &str = "media_placeholder";

/// The types whose content tells them apart, should the type itself be absent.
const TELLING: &[&str] = &[
    "text",
    "image",
    "audio",
    "video",
    "document",
    "sticker",
    "location",
    "contacts",
    "interactive",
    "button",
    "reaction",
    "order",
];

/// The types that are a file.
const FILES: &[&str] = &["image", "audio", "video", "document", "sticker"];

/// One message. `thread` is whose conversation it is told in; `errors` are those of the value.
pub(super) fn draft(
    setting: &Setting<'_>,
    raw: &RawValue,
    writer: Writer,
    thread: Option<&Value>,
    errors: Option<&RawValue>,
) -> Draft {
    let value = match object(raw) {
        Ok(value) => value,
        Err(reason) => return setting.unmapped(format!("a message that is {reason}"), raw),
    };
    let Some(id) = text(&value["id"]) else {
        return setting.unmapped("a message without an id", raw);
    };
    if value["type"] == "system" {
        return contact::system(setting, &value, &id, raw);
    }
    let from = text(&value["from"]);
    // The import names a recipient only where the business wrote.
    let to = text(&value["to"]);
    let ours = writer == Writer::Business
        || setting.is_ours(from.as_deref())
        || (thread.is_some() && to.is_some());
    let mut message = message(&value, id);
    // An answer that could not be read is explained beside the message, not in it.
    if message.kind == "interactive" && message.interactive.is_none() && message.errors.is_empty() {
        let errors = each(errors).into_iter().filter_map(|it| object(it).ok());
        message.errors = errors.map(|it| account::failure(&it)).collect();
    }
    if ours {
        message.origin = Some(if setting.standby { "agent" } else { "business_app" }.to_owned());
    }
    // A placeholder must not pass for the message that follows it under the same id.
    let prefix = if message.kind == PLACEHOLDER { "placeholder" } else { "message" };
    let kind = kind(&value, &message, ours);
    let mut draft = setting.draft(kind, format!("{prefix}:{}", message.id), raw);
    draft.time = time(&value["timestamp"]).or(draft.time);
    let (id, user_id) =
        if ours { (to, text(&value["to_user_id"])) } else { (from, text(&value["from_user_id"])) };
    let (id, user_id) = match thread {
        Some(thread) if id.is_none() && user_id.is_none() => contact::of_thread(thread),
        _ => (id, user_id),
    };
    setting.place(&mut draft, setting.contact(id, user_id), text(&value["group_id"]));
    draft.facts.message = Some(message);
    draft
}

fn kind(value: &Value, message: &Message, ours: bool) -> Kind {
    match (word(value), message.interactive.as_ref().map_or("", |it| it.kind.as_str())) {
        ("reaction", _) => Kind::MESSAGE_REACTION,
        ("edit", _) => Kind::MESSAGE_EDITED,
        ("revoke", _) => Kind::MESSAGE_DELETED,
        _ if ours => Kind::MESSAGE_SENT,
        ("button", _) | ("interactive", "button_reply" | "list_reply") => Kind::POSTBACK_RECEIVED,
        ("interactive", "nfm_reply") => Kind::FLOW_COMPLETED,
        ("interactive", "call_permission_reply") => Kind::CALL_PERMISSION,
        ("order", _) => Kind::ORDER_RECEIVED,
        _ => Kind::MESSAGE_RECEIVED,
    }
}

/// The provider's word for the type of a message.
fn word(value: &Value) -> &str {
    let told = || TELLING.iter().copied().find(|it| !value[*it].is_null());
    value["type"].as_str().filter(|it| !it.is_empty()).or_else(told).unwrap_or("unknown")
}

/// What a message says, whoever wrote it.
fn message(value: &Value, id: String) -> Message {
    let word = word(value);
    let inner = &value[word];
    let mut message = Message {
        id,
        kind: word.to_owned(),
        context: context(&value["context"]),
        referral: Some(&value["referral"]).filter(|it| it.is_object()).cloned(),
        errors: account::failures(&value["errors"]),
        ..Message::default()
    };
    match word {
        "text" => message.text = text(&inner["body"]),
        // The on-premises word for a voice note.
        "voice" => {
            "audio".clone_into(&mut message.kind);
            message.media = media(inner).map(|it| Media { voice: true, ..it });
        }
        "location" => message.location = location(inner),
        "contacts" => message.contacts = list(inner).to_vec(),
        "button" => {
            message.text = text(&inner["text"]);
            message.interactive = Some(Interactive {
                kind: word.to_owned(),
                id: text(&inner["payload"]),
                title: message.text.clone(),
                ..Interactive::default()
            });
        }
        "interactive" => {
            message.interactive = interactive(inner);
            message.text = message.interactive.as_ref().and_then(|it| it.title.clone());
        }
        "reaction" => {
            let emoji = text(&inner["emoji"]);
            message.reaction = text(&inner["message_id"]).map(|message_id| Reaction {
                message_id,
                removed: emoji.is_none(),
                emoji,
            });
        }
        "order" => {
            message.text = text(&inner["text"]);
            message.order = Some(order(inner));
        }
        "edit" => {
            let edited = &inner["message"];
            if edited.is_object() {
                message = Message { id: message.id, ..self::message(edited, String::new()) };
            }
            message.original = text(&inner["original_message_id"]);
        }
        "revoke" => message.original = text(&inner["original_message_id"]),
        _ => {
            let is_file = FILES.contains(&word) || inner["mime_type"].is_string();
            message.media = is_file.then(|| media(inner)).flatten();
            message.text = first(inner, &["caption", "body", "text"]);
        }
    }
    message
}

fn media(inner: &Value) -> Option<Media> {
    let media = Media {
        id: text(&inner["id"]),
        url: first(inner, &["url", "link"]),
        mime_type: text(&inner["mime_type"]),
        sha256: text(&inner["sha256"]),
        filename: text(&inner["filename"]),
        caption: text(&inner["caption"]),
        voice: flag(&inner["voice"]),
        animated: flag(&inner["animated"]),
    };
    (media != Media::default()).then_some(media)
}

fn location(inner: &Value) -> Option<Location> {
    Some(Location {
        latitude: number(&inner["latitude"])?,
        longitude: number(&inner["longitude"])?,
        name: text(&inner["name"]),
        address: text(&inner["address"]),
        url: text(&inner["url"]),
    })
}

fn interactive(inner: &Value) -> Option<Interactive> {
    let word = inner["type"].as_str()?;
    let answer = &inner[word];
    let mut interactive = Interactive { kind: word.to_owned(), ..Interactive::default() };
    match word {
        "button_reply" | "list_reply" => {
            interactive.id = text(&answer["id"]);
            interactive.title = text(&answer["title"]);
            interactive.description = text(&answer["description"]);
        }
        "nfm_reply" => {
            interactive.name = text(&answer["name"]);
            interactive.title = text(&answer["body"]);
            interactive.response =
                Some(&answer["response_json"]).filter(|it| !it.is_null()).map(decoded);
        }
        "call_permission_reply" => {
            interactive.id = text(&answer["response"]);
            interactive.response = answer.is_object().then(|| answer.clone());
        }
        _ => interactive.response = Some(answer).filter(|it| !it.is_null()).cloned(),
    }
    Some(interactive)
}

/// The JSON inside a string; the string itself where it holds none.
fn decoded(response: &Value) -> Value {
    let json = response.as_str().and_then(|it| serde_json::from_str(it).ok());
    json.unwrap_or_else(|| response.clone())
}

fn order(inner: &Value) -> Order {
    let item = |it: &Value| OrderItem {
        product: text(&it["product_retailer_id"]).unwrap_or_default(),
        quantity: number(&it["quantity"]).unwrap_or_default(),
        price: number(&it["item_price"]).unwrap_or_default(),
        currency: text(&it["currency"]).unwrap_or_default(),
    };
    Order {
        catalog: text(&inner["catalog_id"]).unwrap_or_default(),
        items: list(&inner["product_items"]).iter().map(item).collect(),
    }
}

fn context(value: &Value) -> Option<Context> {
    let product = &value["referred_product"];
    let context = Context {
        message_id: text(&value["id"]),
        from: text(&value["from"]),
        forwarded: flag(&value["forwarded"]),
        frequently_forwarded: flag(&value["frequently_forwarded"]),
        product: text(&product["product_retailer_id"]),
        catalog: text(&product["catalog_id"]),
        ..Context::default()
    };
    (context != Context::default()).then_some(context)
}
