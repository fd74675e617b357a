//! Changes of a page's feed: posts, comments, reactions, mentions and recommendations.

use serde_json::Value;
use serde_json::value::RawValue;

use super::happening::{by, scheme};
use crate::event::facts::{Comment, Contact, Notice};
use crate::event::{Draft, Kind};
use crate::lenient::{first, text, time};
use crate::provider::meta::Place;

/// Ids that a post may have beside `post_id`: one post can be told of by each of its photos.
const PARTS: &[&str] = &["photo_id", "video_id", "share_id", "album_id", "event_id", "link_id"];

/// One of `feed`, `mention` or `ratings`.
pub(super) fn written(place: &Place<'_>, value: &Value, raw: &RawValue) -> Draft {
    let item = item(place.field, value);
    let verb = text(&value["verb"]).unwrap_or_else(|| "add".to_owned());
    let Some(kind) = kind(&verb) else {
        return place.unmapped(format!("a verb `{verb}`"), raw);
    };
    let post = text(&value["post_id"]);
    let comment = text(&value["comment_id"]);
    let part = first(value, PARTS);
    let rating = text(&value["open_graph_story_id"]);
    let Some(id) = comment.or(rating).or_else(|| post.clone()).or_else(|| part.clone()) else {
        return place.unmapped("a change of the feed without an id", raw);
    };
    let contact = author(value);
    let created = text(&value["created_time"]);
    let key = match &*item {
        // It has no id of its own, and may be put there again.
        "reaction" | "like" => {
            let whom = contact.as_ref().map_or("", |it| &it.id);
            let at = created.as_deref().unwrap_or(place.time);
            let word = text(&value["reaction_type"]).unwrap_or_default();
            format!("{item}:{id}:{whom}:{at}:{verb}:{word}")
        }
        // What is there once can be added and removed once, and changed many times.
        _ if kind == Kind::COMMENT_EDITED => {
            place.fragment_key(&format!("comment:{item}:{id}:{verb}"), None, raw)
        }
        _ => {
            let part = part.unwrap_or_default();
            let event = if kind == Kind::COMMENT_DELETED { "remove" } else { "add" };
            format!("comment:{item}:{id}:{part}:{event}")
        }
    };
    let mut draft = place.draft(kind.clone(), key, raw);
    let happened = (kind == Kind::COMMENT_RECEIVED).then(|| time(&value["created_time"])).flatten();
    draft.time = happened.or(draft.time);
    let comment = Comment {
        id,
        item,
        parent: text(&value["parent_id"]).filter(|it| Some(it) != post.as_ref()),
        post,
        text: first(value, &["message", "review_text", "reaction_type", "recommendation_type"]),
        url: text(&value["post"]["permalink_url"])
            .or_else(|| first(value, &["permalink_url", "link", "photo", "video"])),
        ours: false,
    };
    sign(place, &mut draft, comment, contact);
    draft
}

/// Adds a comment and its writer. Ours belong to no conversation: it would be with ourselves.
pub(in crate::provider) fn sign(
    place: &Place<'_>,
    draft: &mut Draft,
    comment: Comment,
    contact: Option<Contact>,
) {
    let ours = contact.as_ref().is_some_and(|it| it.id == place.channel.account);
    let other = contact.iter().filter(|_| !ours);
    draft.candidates = other.map(|it| place.candidate(scheme(place.product), &it.id)).collect();
    draft.facts.contact = contact;
    draft.facts.comment = Some(Comment { ours, ..comment });
}

/// The provider's word for what was written.
fn item(field: &str, value: &Value) -> String {
    match field {
        "mention" => field.to_owned(),
        _ => text(&value["item"]).unwrap_or_else(|| {
            let word = match field {
                "ratings" => "rating",
                _ if !value["comment_id"].is_null() => "comment",
                _ => "post",
            };
            word.to_owned()
        }),
    }
}

/// Who wrote it: older versions have it flat.
fn author(value: &Value) -> Option<Contact> {
    by(&value["from"]).or_else(|| {
        Some(Contact {
            id: first(value, &["sender_id", "reviewer_id"])?,
            name: first(value, &["sender_name", "reviewer_name"]),
            ..Contact::default()
        })
    })
}

fn kind(verb: &str) -> Option<Kind> {
    Some(match verb {
        "add" | "create" => Kind::COMMENT_RECEIVED,
        "edit" | "edited" | "update" | "hide" | "unhide" => Kind::COMMENT_EDITED,
        "remove" | "removed" | "delete" => Kind::COMMENT_DELETED,
        _ => return None,
    })
}

/// One of `videos` or `live_videos`: how far a video of the page is.
pub(super) fn published(place: &Place<'_>, value: &Value, raw: &RawValue) -> Draft {
    let status = &value["status"];
    let mut draft =
        place.draft(Kind::ACCOUNT_POST, place.fragment_key(place.field, None, raw), raw);
    draft.facts.notice = Some(Notice {
        field: place.field.to_owned(),
        event: text(status).or_else(|| text(&status["video_status"])),
        subject: text(&value["id"]),
        ..Notice::default()
    });
    draft
}
