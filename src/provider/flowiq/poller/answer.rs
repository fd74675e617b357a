//! What `FlowIQ` answers, read, and the document that is made of it.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::message::{Profile, Told};
use super::conversation::{LIMIT, News, Page};
use crate::client::{Problem, Response};
use crate::lenient::{first, flag, integer};

/// The longest part of an answer that is shown where it is no JSON.
const SHOWN: usize = 120;

/// The two lists, of which an answer has one.
#[derive(Deserialize)]
struct Lists<'a> {
    #[serde(borrow, default)]
    messages: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    contacts: Option<Vec<&'a RawValue>>,
}

/// A list of an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    /// `messages`
    Messages,
    /// `contacts`
    Contacts,
}

/// Reads a page of an answer.
///
/// # Errors
/// What `FlowIQ` says is wrong; or what is wrong with its answer.
pub(super) fn page(response: &Response, list: List) -> Result<Page, Problem> {
    if let Some(problem) = problem(response) {
        return Err(problem);
    }
    let broken = |message: &str| Problem {
        status: response.status,
        message: message.to_owned(),
        retry_after: None,
    };
    let lists: Lists<'_> = serde_json::from_slice(&response.body)
        .map_err(|_| broken("the answer is not what the document shows"))?;
    let (found, name) = match list {
        List::Messages => (lists.messages, "messages"),
        List::Contacts => (lists.contacts, "contacts"),
    };
    let messages = found.ok_or_else(|| broken(&format!("the answer has no `{name}`")))?;
    let whole: Value = serde_json::from_slice::<Envelope>(&response.body)
        .map(|it| it.pagination)
        .unwrap_or_default();
    let full = messages.len() as u64 == LIMIT;
    let next = ["hasNextPage", "has_next_page"].iter().map(|it| &whole[*it]);
    let next = next.filter(|it| !it.is_null()).map(flag).next();
    let more = next.unwrap_or(full) && !messages.is_empty();
    if messages.len() as u64 > LIMIT || (more && !full && list == List::Messages) {
        // Places are counted in pages: going on would skip some.
        return Err(broken("a page is not as long as was asked for"));
    }
    Ok(Page {
        messages: messages.into_iter().map(|it| it.get().to_owned()).collect(),
        more,
        total: integer(&whole["totalMessages"]).and_then(|it| u64::try_from(it).ok()),
    })
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    pagination: Value,
}

/// What is wrong, in the API's own words: `{"success": false, "error": …, "message": …}`, whatever
/// the status; or a status that is no success.
fn problem(response: &Response) -> Option<Problem> {
    let value: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let refused = value["success"] == Value::Bool(false);
    if (200..300).contains(&response.status) && !refused {
        return None;
    }
    let words = |keys: &[&str]| first(&value, keys);
    let message = match (words(&["error"]), words(&["message", "details"])) {
        (Some(error), Some(more)) if error != more => format!("{error}: {more}"),
        (Some(it), _) | (None, Some(it)) => it,
        (None, None) => match std::str::from_utf8(&response.body).map(str::trim) {
            Ok(text) if !text.is_empty() && !text.starts_with(['<', '{']) => {
                text.chars().filter(|it| !it.is_control()).take(SHOWN).collect()
            }
            _ => "no reason was given".to_owned(),
        },
    };
    let within = ["status", "statusCode", "code"].iter().find_map(|it| integer(&value[*it]));
    let within = within.and_then(|it| u16::try_from(it).ok()).filter(|it| (400..600).contains(it));
    let status = if response.status < 400 { within } else { None }.unwrap_or(response.status);
    let after = response.header("retry-after").and_then(|it| it.trim().parse().ok());
    Some(Problem { status, message, retry_after: after.map(Duration::from_secs) })
}

/// The document that `normalise` reads.
#[derive(Default, Serialize)]
struct Document<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contacts: Vec<Contact<'a>>,
}

#[derive(Serialize)]
#[allow(clippy::struct_field_names, reason = "named as the document names it")]
struct Message<'a> {
    twin: u32,
    historical: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'a Told>,
    message: &'a RawValue,
}

#[derive(Serialize)]
#[allow(clippy::struct_field_names, reason = "named as the document names it")]
struct Contact<'a> {
    revision: u32,
    before: &'a Profile,
    contact: &'a RawValue,
}

/// A contact whose record changed.
pub(super) struct Changed {
    pub(super) revision: u32,
    pub(super) before: Profile,
    pub(super) record: String,
}

fn fragment(json: &str) -> Option<&RawValue> {
    serde_json::from_str(json).ok()
}

/// The document about the messages of a contact; `None` where there is nothing to tell.
pub(super) fn of_messages(record: &str, news: &[News]) -> Option<Bytes> {
    let messages = news.iter().filter_map(|it| {
        Some(Message {
            twin: it.twin,
            historical: it.historical,
            before: it.before.as_ref(),
            message: fragment(&it.message)?,
        })
    });
    let document =
        Document { contact: fragment(record), messages: messages.collect(), contacts: Vec::new() };
    (!document.messages.is_empty()).then(|| document.bytes())
}

/// The document about contacts that changed; `None` where none did.
pub(super) fn of_contacts(changed: &[Changed]) -> Option<Bytes> {
    let contacts = changed.iter().filter_map(|it| {
        let contact = fragment(&it.record)?;
        Some(Contact { revision: it.revision, before: &it.before, contact })
    });
    let document = Document { contacts: contacts.collect(), ..Document::default() };
    (!document.contacts.is_empty()).then(|| document.bytes())
}

impl Document<'_> {
    fn bytes(&self) -> Bytes {
        serde_json::to_vec(self).expect("fragments are JSON, and the rest is text").into()
    }
}
