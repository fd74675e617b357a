//! What a page's webhooks hold, decoded leniently: messaging events, which Instagram shares, and
//! changes of the page's feed and forms.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::event::Draft;
use crate::lenient::object;
use crate::provider::meta::Place;

mod happening;
mod message;
mod receipt;
mod thread;
mod feed;
mod lead;

use happening::Happening;

pub(in crate::provider) use feed::sign;
pub(in crate::provider) use happening::by;

/// Reads what stands under one key of a messaging event.
type Read = fn(&Happening<'_>, &Value) -> Vec<Draft>;

/// The keys of messaging events, as the Messenger Platform's and the Instagram Platform's
/// references name them.
const READERS: &[(&str, Read)] = &[
    ("message", message::written),
    ("message_edit", message::edited),
    ("postback", message::postback),
    ("reaction", message::reaction),
    ("referral", message::referral),
    ("messaging_feedback", message::feedback),
    ("delivery", receipt::delivery),
    ("read", receipt::read),
    ("optin", thread::optin),
    ("account_linking", thread::linking),
    ("game_play", thread::game),
    ("policy_enforcement", thread::policy),
    ("pass_thread_control", |it, inner| thread::handover(it, "pass_thread_control", inner)),
    ("take_thread_control", |it, inner| thread::handover(it, "take_thread_control", inner)),
    ("request_thread_control", |it, inner| thread::handover(it, "request_thread_control", inner)),
    ("release_thread_control", |it, inner| thread::handover(it, "release_thread_control", inner)),
    ("app_roles", |it, inner| thread::handover(it, "app_roles", inner)),
];

/// The keys that surround what happened, and say nothing alone.
const SURROUNDINGS: &[&str] = &["sender", "recipient", "timestamp", "prior_message"];

/// Every event in one element of `messaging[]` or `standby[]`.
pub(in crate::provider) fn messaging(place: &Place<'_>, raw: &RawValue, drafts: &mut Vec<Draft>) {
    let value = match object(raw) {
        Ok(value) => value,
        Err(reason) => {
            drafts.push(place.unmapped(format!("an event that is {reason}"), raw));
            return;
        }
    };
    let happening = Happening::new(place, raw, &value);
    let before = drafts.len();
    for (key, read) in READERS {
        match &value[*key] {
            Value::Null => {}
            inner @ Value::Object(_) => drafts.extend(read(&happening, inner)),
            _ => drafts.push(happening.unmapped(key, "not an object")),
        }
    }
    if drafts.len() == before {
        let unknown = value.as_object().into_iter().flatten();
        let unknown = unknown.map(|it| &**it.0).find(|it| !SURROUNDINGS.contains(it));
        drafts.push(match unknown {
            Some(key) => happening.unmapped(key, "an event that nobody knows"),
            None => happening.unmapped(place.field, "an event in which nothing happens"),
        });
    }
}

/// Whether the value of a change is a messaging event: the dashboard's test button sends them so.
pub(in crate::provider) fn is_messaging(value: &Value) -> bool {
    ["sender", "recipient"].iter().any(|it| value[*it].is_object())
}

/// Every event in the value of a page's change.
pub(in crate::provider) fn change(place: &Place<'_>, raw: &RawValue, drafts: &mut Vec<Draft>) {
    let value = match object(raw) {
        Ok(value) => value,
        Err(reason) => {
            drafts.push(place.unmapped(format!("a value that is {reason}"), raw));
            return;
        }
    };
    let draft = match place.field {
        "feed" | "mention" | "ratings" => feed::written(place, &value, raw),
        "live_videos" | "videos" => feed::published(place, &value, raw),
        "leadgen" => lead::draft(place, &value, raw),
        _ if is_messaging(&value) => return messaging(place, raw, drafts),
        _ => place.unmapped("a field that nobody knows", raw),
    };
    drafts.push(draft);
}
