//! The methods of the Bot API that a part of a payload stands for.
//!
//! Source: <https://core.telegram.org/bots/api#available-methods>.

use super::payload::Short;

/// A method, and what it takes.
pub(super) struct Method {
    /// Its name in the API.
    pub(super) name: &'static str,
    /// The part of a payload that stands for it.
    pub(super) part: &'static str,
    /// What the short form of that part becomes.
    pub(super) short: Short,
    /// What must be there.
    pub(super) needs: &'static [&'static str],
    /// What else it takes, beside [`SHARED`].
    pub(super) takes: &'static [&'static str],
}

/// What every message takes.
pub(super) const SHARED: &[&str] = &[
    "business_connection_id",
    "chat_id",
    "message_thread_id",
    "direct_messages_topic_id",
    "disable_notification",
    "protect_content",
    "allow_paid_broadcast",
    "message_effect_id",
    "suggested_post_parameters",
    "reply_parameters",
    "reply_markup",
];

/// The longest text, and the longest caption, in characters after markup is taken away.
pub(super) const LENGTHS: &[(&str, usize)] = &[("text", 4096), ("caption", 1024)];

/// Every method that has a part of its own. Any other is named by `method`.
pub(super) const METHODS: &[Method] = &[
    Method {
        name: "sendMessage",
        part: "text",
        short: Short::Text,
        needs: &["text"],
        takes: &["parse_mode", "entities", "link_preview_options"],
    },
    Method {
        name: "sendPhoto",
        part: "photo",
        short: Short::Text,
        needs: &["photo"],
        takes: &[
            "caption",
            "parse_mode",
            "caption_entities",
            "show_caption_above_media",
            "has_spoiler",
        ],
    },
    Method {
        name: "sendDocument",
        part: "document",
        short: Short::Text,
        needs: &["document"],
        takes: &[
            "caption",
            "parse_mode",
            "caption_entities",
            "thumbnail",
            "disable_content_type_detection",
        ],
    },
    Method {
        name: "sendVoice",
        part: "voice",
        short: Short::Text,
        needs: &["voice"],
        takes: &["caption", "parse_mode", "caption_entities", "duration"],
    },
    Method {
        name: "sendAudio",
        part: "audio",
        short: Short::Text,
        needs: &["audio"],
        takes: &[
            "caption",
            "parse_mode",
            "caption_entities",
            "duration",
            "performer",
            "title",
            "thumbnail",
        ],
    },
    Method {
        name: "sendVideo",
        part: "video",
        short: Short::Text,
        needs: &["video"],
        takes: &[
            "caption",
            "parse_mode",
            "caption_entities",
            "show_caption_above_media",
            "has_spoiler",
            "duration",
            "width",
            "height",
            "thumbnail",
            "cover",
            "start_timestamp",
            "supports_streaming",
        ],
    },
    Method {
        name: "sendAnimation",
        part: "animation",
        short: Short::Text,
        needs: &["animation"],
        takes: &[
            "caption",
            "parse_mode",
            "caption_entities",
            "show_caption_above_media",
            "has_spoiler",
            "duration",
            "width",
            "height",
            "thumbnail",
        ],
    },
    Method {
        name: "sendVideoNote",
        part: "video_note",
        short: Short::Text,
        needs: &["video_note"],
        takes: &["duration", "length", "thumbnail"],
    },
    Method {
        name: "sendSticker",
        part: "sticker",
        short: Short::Text,
        needs: &["sticker"],
        takes: &["emoji"],
    },
    Method {
        name: "sendMediaGroup",
        part: "media",
        short: Short::List,
        needs: &["media"],
        takes: &[],
    },
    Method {
        name: "sendLocation",
        part: "location",
        short: Short::Flat,
        needs: &["latitude", "longitude"],
        takes: &["horizontal_accuracy", "live_period", "heading", "proximity_alert_radius"],
    },
    Method {
        name: "sendVenue",
        part: "venue",
        short: Short::Flat,
        needs: &["latitude", "longitude", "title", "address"],
        takes: &["foursquare_id", "foursquare_type", "google_place_id", "google_place_type"],
    },
    Method {
        name: "sendContact",
        part: "contact",
        short: Short::Flat,
        needs: &["phone_number", "first_name"],
        takes: &["last_name", "vcard"],
    },
    Method {
        name: "sendPoll",
        part: "poll",
        short: Short::Flat,
        needs: &["question", "options"],
        takes: &[
            "question_parse_mode",
            "question_entities",
            "is_anonymous",
            "type",
            "allows_multiple_answers",
            "correct_option_id",
            "explanation",
            "explanation_parse_mode",
            "explanation_entities",
            "open_period",
            "close_date",
            "is_closed",
        ],
    },
    Method { name: "sendDice", part: "dice", short: Short::Emoji, needs: &[], takes: &["emoji"] },
    Method {
        name: "sendChatAction",
        part: "action",
        short: Short::Text,
        needs: &["action"],
        takes: &[],
    },
    Method {
        name: "setMessageReaction",
        part: "reaction",
        short: Short::Reaction,
        needs: &["reaction", "message_id"],
        takes: &["is_big"],
    },
];

/// Whether a method sends a message, which is what the limits of chats count.
pub(super) fn is_message(name: &str) -> bool {
    let sends = ["send", "copyMessage", "forwardMessage"].iter().any(|it| name.starts_with(it));
    sends && name != "sendChatAction"
}
