//! One message of a transcript: text, card, medium, or a request in another platform's own JSON.

use jiff::Timestamp;
use serde_json::Value;

use crate::event::facts::{Media, Message};
use crate::lenient::{self, first, text};

/// When a message was written: its timestamp, or else what its id says.
pub(super) fn time(value: &Value) -> Option<Timestamp> {
    lenient::time(&value["timestamp"]).or_else(|| minted(&text(&value["id"])?))
}

/// When an id was minted: the first four bytes of a `MongoDB` `ObjectId` are seconds since 1970.
fn minted(id: &str) -> Option<Timestamp> {
    let fits = id.len() == 24 && id.bytes().all(|it| it.is_ascii_hexdigit());
    let seconds = i64::from_str_radix(id.get(..8)?, 16).ok()?;
    fits.then(|| Timestamp::from_second(seconds).ok()).flatten()
}

/// What a message says.
pub(super) fn read(value: &Value) -> Message {
    let kind = text(&value["type"]).unwrap_or_else(|| kind(value).to_owned());
    let mut message = Message { id: text(&value["id"]).unwrap_or_default(), ..Message::default() };
    match &*kind {
        "custom" => native(&decoded(some(&value["custom"], &value["message"])), &mut message),
        "media" | "image" | "video" | "audio" | "file" => {
            medium(some(&value["media"], &value["message"]), &mut message);
        }
        "card" => cards(&[some(&value["card"], &value["message"])], &mut message),
        "card_set" => {
            let set = [&value["card_set"], &value["cards"], &value["message"]];
            let set = set.into_iter().find(|it| !it.is_null()).unwrap_or(&Value::Null);
            let set = if set["cards"].is_array() { &set["cards"] } else { set };
            cards(&lenient::list(set).iter().collect::<Vec<_>>(), &mut message);
        }
        _ => {}
    }
    if message.media.is_none() {
        message.text = message.text.or_else(|| words(&value["message"]));
    }
    if let Some(options) = choices(&value["options"]) {
        message.options = Some(options);
    }
    message.kind = kind;
    message
}

/// The type of a message that does not name it.
fn kind(value: &Value) -> &'static str {
    let has = |it: &str| !value[it].is_null();
    match () {
        () if has("custom") => "custom",
        () if has("media") => "media",
        () if has("card") => "card",
        () if has("card_set") || has("cards") => "card_set",
        () if has("message") => "text",
        () => "unknown",
    }
}

/// The words of a text, however it is wrapped: `"hi"`, `{"text": "hi"}`, `{"body": "hi"}`.
pub(super) fn words(value: &Value) -> Option<String> {
    let inner = || first(value, &["text", "body", "caption", "title"]);
    text(value).or_else(inner).or_else(|| text(&value["text"]["body"]))
}

/// The first value, unless it is absent.
fn some<'a>(value: &'a Value, other: &'a Value) -> &'a Value {
    if value.is_null() { other } else { value }
}

/// Choices, unless there are none.
pub(super) fn choices(value: &Value) -> Option<Value> {
    let is_empty = match value {
        Value::Array(it) => it.is_empty(),
        Value::Object(it) => it.is_empty(),
        Value::String(it) => it.is_empty(),
        _ => true,
    };
    (!is_empty).then(|| value.clone())
}

/// `custom` is a string that holds JSON, which may be anything, or be broken.
fn decoded(custom: &Value) -> Value {
    match custom {
        Value::String(it) => serde_json::from_str(it).unwrap_or_default(),
        _ => custom.clone(),
    }
}

/// A request in the JSON of the platform it went to: Telegram, `WhatsApp`, Messenger.
fn native(value: &Value, message: &mut Message) {
    let mut media = None;
    for kind in ["image", "video", "audio", "document", "sticker", "photo", "voice", "animation"] {
        media = media.or_else(|| file(&value[kind]));
    }
    let nested = |it: &Value| words(it).or_else(|| text(&it["interactive"]["body"]["text"]));
    message.text = nested(value)
        .or_else(|| nested(&value["message"]))
        .or_else(|| media.as_ref().and_then(|it| it.caption.clone()));
    message.media = media;
    message.options = [
        &value["reply_markup"],
        &value["interactive"]["action"],
        &value["quick_replies"],
        &value["message"]["quick_replies"],
    ]
    .into_iter()
    .find_map(choices);
}

/// A file of a platform's own JSON: a link, an id, or an object that holds one.
fn file(value: &Value) -> Option<Media> {
    let (url, id) = match text(value) {
        Some(it) if it.starts_with("http") => (Some(it), None),
        Some(it) => (None, Some(it)),
        None => (first(value, &["link", "url"]), text(&value["id"])),
    };
    (url.is_some() || id.is_some()).then(|| Media {
        id,
        url,
        filename: text(&value["filename"]),
        caption: text(&value["caption"]),
        ..Media::default()
    })
}

/// A medium as Flow XO's own API takes it: `{"type": "image", "url": …, "caption"?, "filename"?}`.
pub(super) fn medium(value: &Value, message: &mut Message) {
    let url =
        first(value, &["url", "link"]).or_else(|| text(value).filter(|it| it.starts_with("http")));
    let Some(url) = url else { return };
    let caption = text(&value["caption"]);
    message.text.clone_from(&caption);
    message.media = Some(Media {
        url: Some(url),
        mime_type: first(value, &["mime_type", "content_type"]),
        filename: text(&value["filename"]),
        caption,
        ..Media::default()
    });
}

/// Cards: what a person would read of them, a line for each title and text.
fn cards(cards: &[&Value], message: &mut Message) {
    let lines = cards.iter().flat_map(|card| {
        ["title", "subtitle", "text", "body"].into_iter().filter_map(|it| text(&card[it]))
    });
    let lines: Vec<String> = lines.collect();
    message.text = Some(lines.join("\n")).filter(|it| !it.is_empty());
    if let [card] = cards {
        message.options = choices(&card["buttons"]).or_else(|| choices(&card["options"]));
        let image = first(card, &["image", "image_url"]).or_else(|| text(&card["image"]["url"]));
        message.media = image.map(|url| Media { url: Some(url), ..Media::default() });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_id_tells_when_it_was_minted() {
        let at = minted("618dafd33546c5802fd7991c").unwrap();
        assert_eq!(at.to_string(), "2021-11-12T00:05:39Z");
        for id in ["", "618dafd3", "zzzdafd33546c5802fd7991c", "618dafd33546c5802fd7991cé"] {
            assert_eq!(minted(id), None, "{id}");
        }
    }

    #[test]
    fn a_custom_request_is_read_as_the_platform_it_went_to_writes_it() {
        for (custom, expected) in [
            (r#"{"text":"Hi!","parse_mode":"MarkdownV2"}"#, Some("Hi!")),
            (r#"{"photo":"https://x.example/a.png","caption":"A map"}"#, Some("A map")),
            (r#"{"type":"text","text":{"body":"Hi from us"}}"#, Some("Hi from us")),
            (r#"{"type":"interactive","interactive":{"body":{"text":"Choose"}}}"#, Some("Choose")),
            (r#"{"type":"image","image":{"link":"https://x.example","caption":"C"}}"#, Some("C")),
            (r#"{"message":{"text":"Messenger"}}"#, Some("Messenger")),
            (r#"{"type":"template","template":{"name":"hello"}}"#, None),
            ("{\"text\":", None),
            ("not JSON at all", None),
            ("[1]", None),
            ("", None),
            ("null", None),
        ] {
            let message = read(&json!({ "type": "custom", "custom": custom }));
            assert_eq!(message.text.as_deref(), expected, "{custom}");
        }
    }
}
