//! `history[]`: the import of past conversations of a number that joins.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::account;
use super::message::{self, Writer};
use super::setting::Setting;
use crate::event::facts::Notice;
use crate::event::{Draft, Kind};
use crate::lenient::{each, object, text};

/// One chunk of the import; there may be thousands of messages in it.
#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow, default)]
    threads: Option<&'a RawValue>,
    #[serde(borrow, default)]
    errors: Option<&'a RawValue>,
}

/// The messages of one conversation.
#[derive(Deserialize)]
struct Thread<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    context: Option<&'a RawValue>,
    #[serde(borrow, default)]
    messages: Option<&'a RawValue>,
}

/// Every event of a chunk: its messages, then how far the import is.
pub(super) fn chunk(setting: &Setting<'_>, raw: &RawValue, drafts: &mut Vec<Draft>) {
    let before = drafts.len();
    let Ok(chunk) = serde_json::from_str::<Chunk<'_>>(raw.get()) else {
        drafts.push(setting.unmapped("a chunk that is not an object", raw));
        return;
    };
    for raw in each(chunk.threads) {
        let Ok(thread) = serde_json::from_str::<Thread<'_>>(raw.get()) else {
            drafts.push(setting.unmapped("a thread that is not an object", raw));
            continue;
        };
        let read = |it: Option<&RawValue>| {
            it.and_then(|it| serde_json::from_str::<Value>(it.get()).ok()).unwrap_or_default()
        };
        let mut whose = read(thread.context);
        if !whose.is_object() {
            whose = Value::Object(serde_json::Map::new());
        }
        whose["id"] = read(thread.id);
        for raw in each(thread.messages) {
            drafts.push(message::draft(setting, raw, Writer::Either, Some(&whose), None));
        }
    }
    drafts.extend(chunk.metadata.into_iter().map(|it| progress(setting, it)));
    drafts.extend(each(chunk.errors).into_iter().map(|it| error(setting, it)));
    if drafts.len() == before {
        drafts.push(setting.unmapped("a chunk with nothing in it", raw));
    }
}

/// How far the import is.
fn progress(setting: &Setting<'_>, raw: &RawValue) -> Draft {
    let value = match object(raw) {
        Ok(value) => value,
        Err(reason) => return setting.unmapped(format!("progress that is {reason}"), raw),
    };
    let part = |name: &str| text(&value[name]).map(|it| format!("{name} {it}"));
    let place: Vec<String> = ["phase", "chunk_order"].into_iter().filter_map(part).collect();
    let key = setting.fragment_key("history", None, raw);
    let mut draft = setting.draft(Kind::ACCOUNT_HISTORY, key, raw);
    // The messages are old; how far their import is, is news.
    draft.historical = false;
    draft.facts.notice = Some(Notice {
        field: setting.field.to_owned(),
        event: Some("progress".to_owned()),
        value: text(&value["progress"]),
        subject: Some(place.join(", ")).filter(|it| !it.is_empty()),
        ..Notice::default()
    });
    draft
}

/// Why there is no import: usually because the business did not agree to share it.
pub(super) fn error(setting: &Setting<'_>, raw: &RawValue) -> Draft {
    let mut draft = account::error(setting, raw);
    if draft.facts.notice.is_some() {
        draft.kind = Kind::ACCOUNT_HISTORY;
        draft.historical = false;
    }
    draft
}
