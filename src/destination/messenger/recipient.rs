//! From which account, to whom, and why it may be sent: what surrounds a message.

use serde_json::{Map, Value, json};

use crate::destination::Call;
use crate::event::Kind;
use crate::lenient::text;

/// What a recipient may be told by.
const WHOM: &[&str] = &["id", "user_ref", "comment_id", "post_id", "phone_number"];

/// Why a message is sent.
pub(super) const MESSAGING_TYPES: &[&str] = &["RESPONSE", "UPDATE", "MESSAGE_TAG"];

/// How the contact is notified.
pub(super) const NOTIFICATION_TYPES: &[&str] = &["REGULAR", "SILENT_PUSH", "NO_PUSH"];

/// A value that may be left out: absent and null are the same.
pub(super) fn optional<'a>(payload: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    payload.get(name).filter(|it| !it.is_null())
}

/// One of a few words, if it is there.
pub(super) fn word(
    payload: &Map<String, Value>,
    name: &str,
    words: &[&str],
) -> Result<Option<String>, String> {
    let Some(value) = optional(payload, name) else { return Ok(None) };
    let word = value.as_str().filter(|it| words.contains(it));
    let unfit = || format!("`{name}`: it is one of {}", words.join(", "));
    word.map(|it| Some(it.to_owned())).ok_or_else(unfit)
}

/// A text that is not empty, if it is there.
pub(super) fn filled(payload: &Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    let Some(value) = optional(payload, name) else { return Ok(None) };
    let unfit = || format!("`{name}`: it is a text that is not empty");
    text(value).filter(|it| !it.trim().is_empty()).map(Some).ok_or_else(unfit)
}

/// To whom: as the payload says, or else to the contact of the event; who wrote a comment is
/// answered in private, by the comment.
pub(super) fn recipient(payload: &Map<String, Value>, call: &Call) -> Result<Value, String> {
    let Some(to) = optional(payload, "to") else { return of_event(call) };
    if let Some(id) = text(to).filter(|it| !it.trim().is_empty()) {
        return Ok(json!({ "id": id }));
    }
    let only = to.as_object().filter(|it| it.len() == 1).and_then(|it| it.iter().next());
    let known = only.filter(|(name, _)| WHOM.contains(&name.as_str()));
    let value = known.and_then(|(name, value)| Some((name, text(value)?)));
    match value {
        Some((name, value)) => Ok(json!({ name.as_str(): value })),
        None => Err(format!("`to`: it is an id, or a map of one of {}", WHOM.join(", "))),
    }
}

fn of_event(call: &Call) -> Result<Value, String> {
    let facts = &call.event().facts;
    let comment = facts.comment.as_ref().filter(|it| !it.ours && !it.id.is_empty());
    if call.event().kind == Kind::COMMENT_RECEIVED
        && let Some(comment) = comment
    {
        return Ok(json!({ "comment_id": comment.id }));
    }
    let contact = facts.contact.as_ref().map(|it| &*it.id).filter(|it| !it.is_empty());
    let missing = "`to`: the event has no contact, so it has to be said";
    contact.map(|id| json!({ "id": id })).ok_or_else(|| missing.to_owned())
}

/// Whether this was said by Messenger or Instagram, so that its account is a page of theirs.
pub(super) fn is_ours(call: &Call) -> bool {
    ["messenger", "instagram"].contains(&&*call.event().facts.channel.provider)
}
