//! What was written, pressed, put on a message, or brought a contact to us.

use serde_json::Value;

use super::happening::Happening;
use crate::event::facts::{Context, Interactive, Location, Media, Message, Reaction};
use crate::event::{Draft, Kind};
use crate::lenient::{first, flag, list, number, text};

/// `message`: by the contact, or an echo of what was written on our side.
pub(super) fn written(happening: &Happening<'_>, inner: &Value) -> Vec<Draft> {
    let mid = text(&inner["mid"]);
    let deleted = flag(&inner["is_deleted"]);
    let prefix = if deleted { "deleted" } else { "message" };
    let key = match &mid {
        Some(mid) => format!("{prefix}:{mid}"),
        None => happening.key(prefix),
    };
    let kind = match (deleted, happening.ours) {
        (true, _) => Kind::MESSAGE_DELETED,
        (false, true) => Kind::MESSAGE_SENT,
        (false, false) => Kind::MESSAGE_RECEIVED,
    };
    let mut message = message(inner);
    message.original = mid.clone().filter(|_| deleted);
    message.id = mid.unwrap_or_default();
    message.origin = happening.ours.then(|| origin(inner));
    let mut draft = happening.draft(kind, key);
    draft.facts.message = Some(message);
    vec![draft]
}

/// Where one of our own messages was written. Without an app, it was in the page's inbox or the
/// Instagram app.
fn origin(inner: &Value) -> String {
    text(&inner["app_id"]).map_or_else(|| "business_app".to_owned(), |it| format!("app:{it}"))
}

/// What a message says, whoever wrote it.
fn message(inner: &Value) -> Message {
    let mut message = Message {
        text: text(&inner["text"]),
        context: context(inner),
        referral: Some(&inner["referral"]).filter(|it| it.is_object()).cloned(),
        ..Message::default()
    };
    let attachments = list(&inner["attachments"]);
    for attachment in attachments {
        attach(&mut message, attachment);
    }
    let said = attachments.iter().find_map(|it| text(&it["type"]));
    message.kind = said.unwrap_or_else(|| {
        let word = if flag(&inner["is_unsupported"]) {
            "unsupported"
        } else if flag(&inner["is_deleted"]) {
            "deleted"
        } else if message.text.is_some() {
            "text"
        } else {
            "unknown"
        };
        word.to_owned()
    });
    let reply = &inner["quick_reply"];
    if reply.is_object() {
        message.interactive = Some(Interactive {
            kind: "quick_reply".to_owned(),
            id: text(&reply["payload"]),
            title: message.text.clone(),
            ..Interactive::default()
        });
    }
    if let (Some(sticker), Some(media)) = (text(&inner["sticker_id"]), &mut message.media) {
        media.id = Some(sticker);
    }
    message
}

/// Adds one of `attachments[]`: the first file is the message's, the others stand in `more`.
fn attach(message: &mut Message, attachment: &Value) {
    let kind = text(&attachment["type"]).unwrap_or_default();
    let payload = &attachment["payload"];
    let read = |key: &str| first(payload, &[key]).or_else(|| first(attachment, &[key]));
    match &*kind {
        "location" => {
            let at = &payload["coordinates"];
            let place = number(&at["lat"]).zip(number(&at["long"]));
            message.location = place.map(|(latitude, longitude)| Location {
                latitude,
                longitude,
                name: read("title"),
                address: None,
                url: read("url"),
            });
            return;
        }
        "template" => {
            message.options = Some(payload).filter(|it| it.is_object()).cloned();
            message.text = message.text.take().or_else(|| read("text")).or_else(|| read("title"));
            product(message, &payload["product"]["elements"]);
            return;
        }
        // A heart that stands for a message, sent with one tap.
        "like_heart" => {
            message.text = message.text.take().or_else(|| Some("❤".to_owned()));
            return;
        }
        _ => {}
    }
    let media = Media {
        id: first(
            payload,
            &["sticker_id", "attachment_id", "reel_video_id", "ig_post_media_id", "id"],
        ),
        url: read("url"),
        filename: read("name"),
        caption: read("title"),
        ..Media::default()
    };
    if media == Media::default() {
        return;
    }
    message.text = message.text.take().or_else(|| media.caption.clone());
    match message.media {
        None => message.media = Some(media),
        Some(_) => message.more.push(media),
    }
}

/// The product that a contact shares from our catalogue.
fn product(message: &mut Message, elements: &Value) {
    let shared = list(elements).iter().find_map(|it| first(it, &["retailer_id", "id"]));
    if shared.is_some() {
        message.context.get_or_insert_default().product = shared;
    }
}

fn context(inner: &Value) -> Option<Context> {
    let reply = &inner["reply_to"];
    let context = Context {
        message_id: text(&reply["mid"]),
        story: text(&reply["story"]["id"]),
        url: text(&reply["story"]["url"]),
        product: text(&inner["referral"]["product"]["id"]),
        ..Context::default()
    };
    (context != Context::default()).then_some(context)
}

/// `message_edit`: what the message is now.
pub(super) fn edited(happening: &Happening<'_>, inner: &Value) -> Vec<Draft> {
    let Some(mid) = text(&inner["mid"]) else {
        return vec![happening.unmapped("message_edit", "an edit without a message")];
    };
    let times = text(&inner["num_edit"]).unwrap_or_else(|| happening.at());
    let mut draft = happening.draft(Kind::MESSAGE_EDITED, format!("edited:{mid}:{times}"));
    draft.facts.message = Some(Message {
        id: mid.clone(),
        original: Some(mid),
        origin: happening.ours.then(|| origin(inner)),
        ..message(inner)
    });
    vec![draft]
}

/// `postback`: a button, an ice breaker, or the menu. A copy for standby lacks its payload.
pub(super) fn postback(happening: &Happening<'_>, inner: &Value) -> Vec<Draft> {
    let mid = text(&inner["mid"]);
    let title = text(&inner["title"]);
    let payload = text(&inner["payload"]);
    let key = match &mid {
        Some(mid) => format!("postback:{mid}"),
        None if payload.is_none() && title.is_none() => happening.key("postback"),
        None => {
            let pressed = payload.as_ref().or(title.as_ref()).map_or("", String::as_str);
            let account = &happening.place.channel.account;
            format!("postback:{account}:{}:{}:{pressed}", happening.whom(), happening.at())
        }
    };
    let mut draft = happening.draft(Kind::POSTBACK_RECEIVED, key);
    draft.facts.message = Some(Message {
        id: mid.unwrap_or_default(),
        kind: "postback".to_owned(),
        text: title.clone(),
        interactive: Some(Interactive {
            kind: "postback".to_owned(),
            id: payload,
            title,
            ..Interactive::default()
        }),
        referral: Some(&inner["referral"]).filter(|it| it.is_object()).cloned(),
        ..Message::default()
    });
    vec![draft]
}

/// `reaction`: put on a message, or taken back.
pub(super) fn reaction(happening: &Happening<'_>, inner: &Value) -> Vec<Draft> {
    let Some(mid) = text(&inner["mid"]) else {
        return vec![happening.unmapped("reaction", "a reaction without a message")];
    };
    let emoji = text(&inner["emoji"]);
    let word = text(&inner["reaction"]);
    let action = text(&inner["action"]).unwrap_or_else(|| {
        if emoji.is_none() && word.is_none() { "unreact" } else { "react" }.to_owned()
    });
    // Two in one millisecond differ in what was put there.
    let put = emoji.as_deref().unwrap_or_default();
    let (whom, at) = (happening.whom(), happening.at());
    let key = format!("reaction:{mid}:{whom}:{at}:{action}:{put}");
    let removed = action == "unreact";
    let mut draft = happening.draft(Kind::MESSAGE_REACTION, key);
    draft.facts.message = Some(Message {
        kind: "reaction".to_owned(),
        reaction: Some(Reaction {
            message_id: mid,
            emoji: emoji.or(word).filter(|_| !removed),
            removed,
        }),
        origin: happening.ours.then(|| origin(inner)),
        ..Message::default()
    });
    vec![draft]
}

/// `referral`: a link, an advertisement, a code or a plugin led a contact to us.
pub(super) fn referral(happening: &Happening<'_>, inner: &Value) -> Vec<Draft> {
    let mut draft = happening.draft(Kind::REFERRAL_RECEIVED, happening.key("referral"));
    draft.facts.message = Some(Message {
        kind: "referral".to_owned(),
        referral: Some(inner.clone()),
        context: text(&inner["product"]["id"])
            .map(|it| Context { product: Some(it), ..Context::default() }),
        ..Message::default()
    });
    vec![draft]
}

/// `messaging_feedback`: the answer to a customer feedback template.
pub(super) fn feedback(happening: &Happening<'_>, inner: &Value) -> Vec<Draft> {
    let mut draft = happening.draft(Kind::FLOW_COMPLETED, happening.key("feedback"));
    draft.facts.message = Some(Message {
        kind: "messaging_feedback".to_owned(),
        interactive: Some(Interactive {
            kind: "messaging_feedback".to_owned(),
            response: Some(&inner["feedback_screens"]).filter(|it| !it.is_null()).cloned(),
            ..Interactive::default()
        }),
        ..Message::default()
    });
    vec![draft]
}
