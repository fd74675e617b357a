//! What Instagram's changes hold: comments, mentions and insights. Its messaging events are read
//! as Messenger's are.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::event::facts::{Comment, Notice};
use crate::event::{Draft, Kind};
use crate::lenient::{object, text, time};
use crate::provider::messenger;
use crate::provider::meta::Place;

/// Every event in the value of a change.
pub(in crate::provider) fn change(place: &Place<'_>, raw: &RawValue, drafts: &mut Vec<Draft>) {
    let value = match object(raw) {
        Ok(value) => value,
        Err(reason) => {
            drafts.push(place.unmapped(format!("a value that is {reason}"), raw));
            return;
        }
    };
    let draft = match place.field {
        "comments" => comment(place, &value, "comment", raw),
        "live_comments" => comment(place, &value, "live_comment", raw),
        "mentions" => mention(place, &value, raw),
        "story_insights" => insights(place, &value, raw),
        _ if messenger::is_messaging(&value) => return messenger::messaging(place, raw, drafts),
        _ => place.unmapped("a field that nobody knows", raw),
    };
    drafts.push(draft);
}

/// A comment under a post, a reel, an advertisement or a live video.
fn comment(place: &Place<'_>, value: &Value, item: &str, raw: &RawValue) -> Draft {
    let Some(id) = text(&value["id"]).or_else(|| text(&value["comment_id"])) else {
        return place.unmapped("a comment without an id", raw);
    };
    let mut draft = place.draft(Kind::COMMENT_RECEIVED, format!("comment:{item}:{id}:add"), raw);
    draft.time = time(&value["created_time"]).or_else(|| time(&value["timestamp"])).or(draft.time);
    let comment = Comment {
        id,
        item: item.to_owned(),
        post: text(&value["media"]["id"]).or_else(|| text(&value["media_id"])),
        parent: text(&value["parent_id"]),
        text: text(&value["text"]),
        ..Comment::default()
    };
    messenger::sign(place, &mut draft, comment, messenger::by(&value["from"]));
    draft
}

/// Somebody wrote our name: in a comment, or under a medium. Who, is to be asked for.
fn mention(place: &Place<'_>, value: &Value, raw: &RawValue) -> Draft {
    let post = text(&value["media_id"]);
    let comment = text(&value["comment_id"]);
    let Some(id) = comment.clone().or_else(|| post.clone()) else {
        return place.unmapped("a mention without an id", raw);
    };
    let mut draft = place.draft(Kind::COMMENT_RECEIVED, format!("mention:{id}"), raw);
    let comment = Comment {
        id,
        item: "mention".to_owned(),
        post,
        text: text(&value["text"]),
        ..Comment::default()
    };
    messenger::sign(place, &mut draft, comment, messenger::by(&value["from"]));
    draft
}

/// How a story did, told when it is over. All figures are in the raw fragment.
fn insights(place: &Place<'_>, value: &Value, raw: &RawValue) -> Draft {
    let media = text(&value["media_id"]);
    let prefix = format!("{}:{}", place.field, media.as_deref().unwrap_or_default());
    let mut draft = place.draft(Kind::ACCOUNT_UPDATED, place.fragment_key(&prefix, None, raw), raw);
    draft.facts.notice = Some(Notice {
        field: place.field.to_owned(),
        value: text(&value["reach"]).map(|it| format!("reach {it}")),
        subject: media,
        ..Notice::default()
    });
    draft
}
