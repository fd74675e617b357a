//! What a message says: text, files, places, polls, payments, and whatever Telegram adds.

use serde_json::Value;

use crate::event::facts::{Interactive, Location, Media, Message};
use crate::lenient::{flag, integer, list, number, text};

/// The keys that tell the type of a message (core.telegram.org/bots/api#message). Where two come
/// together, the one that says more stands first: an animation is also a document, a venue a
/// location.
const CONTENTS: &[&str] = &[
    "animation",
    "venue",
    "text",
    "photo",
    "audio",
    "voice",
    "video",
    "video_note",
    "document",
    "sticker",
    "contact",
    "location",
    "dice",
    "poll",
    "game",
    "invoice",
    "story",
    "paid_media",
    "checklist",
    "successful_payment",
    "refunded_payment",
    "web_app_data",
    "users_shared",
    "user_shared",
    "chat_shared",
    "new_chat_members",
    "left_chat_member",
    "new_chat_title",
    "new_chat_photo",
    "delete_chat_photo",
    "group_chat_created",
    "supergroup_chat_created",
    "channel_chat_created",
    "pinned_message",
    "migrate_to_chat_id",
    "migrate_from_chat_id",
];

/// The keys that say something about a message, and not what it is.
const BESIDE: &[&str] = &[
    "author_signature",
    "caption_entities",
    "chat",
    "direct_messages_topic",
    "entities",
    "external_reply",
    "forward_from",
    "forward_from_chat",
    "forward_origin",
    "from",
    "has_media_spoiler",
    "has_protected_content",
    "is_automatic_forward",
    "is_from_offline",
    "is_paid_post",
    "is_topic_message",
    "link_preview_options",
    // Former words for the members, beside the present ones.
    "new_chat_member",
    "new_chat_participant",
    "left_chat_participant",
    "quote",
    "reply_markup",
    "reply_to_message",
    "reply_to_story",
    "sender_business_bot",
    "sender_chat",
    "show_caption_above_media",
    "suggested_post_info",
    "via_bot",
];

/// Telegram's word for the type of a message: the key of its content. One that nobody knows is
/// the first that could be a content, best an object.
fn word(value: &Value) -> &str {
    let known = CONTENTS.iter().copied().find(|it| !value[*it].is_null());
    let new = |could_be: fn(&Value) -> bool| {
        let mut fields = value.as_object()?.iter();
        let (name, _) = fields.find(|(name, it)| could_be(it) && !BESIDE.contains(&&***name))?;
        Some(name.as_str())
    };
    known
        .or_else(|| new(Value::is_object))
        .or_else(|| new(|it| it.is_array() || *it == true))
        .unwrap_or("unknown")
}

/// What a message says, whoever wrote it.
pub(super) fn message(value: &Value, id: String) -> Message {
    let word = word(value);
    let inner = &value[word];
    let mut message = Message { id, kind: word.to_owned(), ..Message::default() };
    match word {
        "text" => message.text = text(inner),
        "photo" => message.media = largest(inner).and_then(media),
        "voice" => message.media = media(inner).map(|it| Media { voice: true, ..it }),
        "animation" | "audio" | "video" | "video_note" | "document" | "sticker" => {
            message.media = media(inner);
        }
        "paid_media" => message.media = list(&inner["paid_media"]).iter().find_map(paid),
        "contact" => message.contacts = list(inner).to_vec(),
        "location" => message.location = location(inner),
        "venue" => {
            message.location = location(&inner["location"]).map(|it| Location {
                name: text(&inner["title"]),
                address: text(&inner["address"]),
                ..it
            });
        }
        "dice" => message.text = text(&inner["emoji"]),
        "poll" => {
            message = poll(message, inner);
        }
        "checklist" => {
            message.text = text(&inner["title"]);
            message.options = Some(&inner["tasks"]).filter(|it| it.is_array()).cloned();
        }
        "game" => {
            message.text = text(&inner["title"]);
            message.media = largest(&inner["photo"]).and_then(media);
        }
        "invoice" => message.text = text(&inner["title"]),
        "successful_payment" | "refunded_payment" => {
            message.interactive = Some(interactive(word, text(&inner["invoice_payload"]), inner));
        }
        "web_app_data" => {
            let data = &inner["data"];
            let json = data.as_str().and_then(|it| serde_json::from_str(it).ok());
            message.text = text(&inner["button_text"]);
            message.interactive = Some(Interactive {
                kind: word.to_owned(),
                title: message.text.clone(),
                response: json.or_else(|| Some(data.clone())).filter(|it| !it.is_null()),
                ..Interactive::default()
            });
        }
        "users_shared" | "user_shared" | "chat_shared" => {
            message.interactive = Some(interactive(word, text(&inner["request_id"]), inner));
        }
        _ => {}
    }
    if let Some(caption) = text(&value["caption"]) {
        message.text = Some(caption.clone());
        message.media = message.media.map(|it| Media { caption: Some(caption), ..it });
    }
    message
}

/// A poll: its id tells which one votes are about, wherever it stands.
pub(super) fn poll(message: Message, inner: &Value) -> Message {
    Message {
        text: text(&inner["question"]),
        options: Some(&inner["options"]).filter(|it| it.is_array()).cloned(),
        interactive: Some(interactive("poll", text(&inner["id"]), &Value::Null)),
        ..message
    }
}

/// The answer to a button or an invoice, the rest of it as Telegram sent it.
pub(super) fn interactive(kind: &str, id: Option<String>, response: &Value) -> Interactive {
    let response = response.is_object().then(|| response.clone());
    Interactive { kind: kind.to_owned(), id, response, ..Interactive::default() }
}

fn media(inner: &Value) -> Option<Media> {
    let media = Media {
        id: text(&inner["file_id"]),
        mime_type: text(&inner["mime_type"]),
        filename: text(&inner["file_name"]),
        animated: flag(&inner["is_animated"]) || flag(&inner["is_video"]),
        ..Media::default()
    };
    (media != Media::default()).then_some(media)
}

/// The largest of the sizes that a photo comes in.
fn largest(sizes: &Value) -> Option<&Value> {
    let side = |it: &Value, key| integer(&it[key]).unwrap_or_default();
    let area = |it: &&Value| side(it, "width").saturating_mul(side(it, "height"));
    list(sizes).iter().max_by_key(|it| (area(it), side(it, "file_size")))
}

fn paid(item: &Value) -> Option<Media> {
    largest(&item["photo"]).and_then(media).or_else(|| media(&item["video"]))
}

/// A place, if it has both coordinates.
pub(super) fn location(inner: &Value) -> Option<Location> {
    Some(Location {
        latitude: number(&inner["latitude"])?,
        longitude: number(&inner["longitude"])?,
        ..Location::default()
    })
}
