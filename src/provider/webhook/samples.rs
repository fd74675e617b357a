//! The requests that `sluicegate send webhook` can make.

use bytes::Bytes;
use serde_json::{Value, json};

use super::map::{Mapping, Named};
use super::wanted::{Reference, Wanted};
use crate::provider::fresh::samples;
use crate::provider::{Fresh, Headers, Request, Sample};

/// A plain body, and CloudEvents.
pub(super) const SAMPLES: &[Sample] = samples!["event", "cloudevent", "cloudevent_batch"];

/// A sample with a new id, the present time, the text and the contact given: where the mapping
/// looks for them, so that what the operator mapped is seen to work.
///
/// The headers that prove it are left to whoever signs.
pub(super) fn compose(
    sample: &Sample,
    fresh: &Fresh<'_>,
    mapping: &Mapping,
    signed: &[Box<str>],
) -> Request {
    let mut body: Value =
        serde_json::from_str(sample.body).expect("samples are JSON; a test reads them");
    let media = match &mut body {
        Value::Array(events) => {
            for (index, event) in events.iter_mut().enumerate() {
                renew(event, fresh, index);
                event["data"] = fitted(event["data"].take(), fresh, mapping);
            }
            "application/cloudevents-batch+json"
        }
        event if event["specversion"].is_string() => {
            renew(event, fresh, 0);
            event["data"] = fitted(event["data"].take(), fresh, mapping);
            "application/cloudevents+json"
        }
        plain => {
            renew(plain, fresh, 0);
            *plain = fitted(plain.take(), fresh, mapping);
            "application/json"
        }
    };
    let mut headers = Headers::from_iter([("content-type", media)]);
    for name in mapping.headers().filter(|it| !it.starts_with("ce-") && !signed.contains(it)) {
        if headers.get(name).is_none() {
            headers.push(name, "sample");
        }
    }
    Request::new("POST", "", headers, Bytes::from(body.to_string()))
}

/// New ids, the present time, the text and the contact, in the places of the sample's own.
fn renew(event: &mut Value, fresh: &Fresh<'_>, index: usize) {
    event["id"] = id(fresh, index).into();
    event["time"] = fresh.now.to_string().into();
    let content = if event["data"].is_object() { &mut event["data"] } else { event };
    if let Some(text) = fresh.text {
        content["text"] = text.into();
    }
    if let Some(from) = fresh.from {
        content["phone"] = from.into();
    }
}

fn id(fresh: &Fresh<'_>, index: usize) -> String {
    let id = fresh.seed.as_u128().wrapping_add(index as u128);
    format!("evt_{id:032x}")
}

/// The body with something wherever the mapping points.
fn fitted(sample: Value, fresh: &Fresh<'_>, mapping: &Mapping) -> Value {
    let text = fresh.text.unwrap_or("This is a sample");
    let from = fresh.from.unwrap_or("+4915112345678");
    let id = id(fresh, 0);
    let kind = match &mapping.kind {
        Some(Named::By(wanted)) => Some(wanted),
        _ => None,
    };
    let fields = mapping.fields.iter().map(|(_, it)| (it, json!("sample")));
    let wanted = [
        (kind, json!("sample")),
        (mapping.account.as_ref(), json!("sample")),
        (mapping.username.as_ref(), json!("jane")),
        (mapping.email.as_ref(), json!("jane@example.com")),
        (mapping.name.as_ref(), json!("Jane Doe")),
        (mapping.conversation.as_ref(), json!(from)),
        (mapping.id.as_ref(), json!(from)),
        (mapping.phone.as_ref(), json!(from)),
        (mapping.text.as_ref(), json!(text)),
        (mapping.time.as_ref(), json!(fresh.now.to_string())),
        (mapping.key.as_ref(), json!(id)),
    ];
    let wanted = wanted.into_iter().filter_map(|(it, value)| Some((it?, value)));
    let (mut body, mut element) = match mapping.items {
        Some(_) => (json!({}), sample),
        None => (sample, json!({})),
    };
    let is_list = mapping.items.is_some();
    for (wanted, value) in fields.chain(wanted) {
        for reference in Wanted::references(wanted) {
            match reference {
                Reference::Element(pointer) if is_list => put(&mut element, pointer, value.clone()),
                Reference::Element(pointer) | Reference::Body(pointer) => {
                    put(&mut body, pointer, value.clone());
                }
                Reference::Header(_) => {}
            }
        }
    }
    if let Some(items) = &mapping.items {
        put(&mut body, items, json!([element]));
    }
    body
}

/// Puts a value where a pointer leads, making the objects on the way.
fn put(value: &mut Value, pointer: &str, leaf: Value) {
    let mut at = value;
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        if at.is_array() {
            let index: usize = token.parse().unwrap_or(usize::MAX);
            if at.get(index).is_none() {
                // The list is the sample's own, and has no such place.
                return;
            }
            at = &mut at[index];
            continue;
        }
        if !at.is_object() {
            *at = json!({});
        }
        at = &mut at[token];
    }
    *at = leaf;
}
