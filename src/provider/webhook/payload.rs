//! A request, element by element, and what the mapping makes of each.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::cloudevent::{self, Mode};
use super::kind;
use super::map::{Mapping, Named};
use super::wanted::{self, Place, Wanted};
use crate::event::facts::{Contact, Flow, Lead, Message};
use crate::event::{Candidate, Draft, Facts, Kind};
use crate::lenient::{each, object, text, time};
use crate::provider::{Headers, Request, Verified, fragment};

/// What a webhook source can say, beside the kinds that its settings name.
pub(super) const KINDS: &[Kind] = &[Kind::EVENT_RECEIVED, UNMAPPED];

const UNMAPPED: Kind = Kind::named("webhook.unmapped");

const PROVIDER: &str = "webhook";

/// Headers that hold the same id when a request is sent again, and another one otherwise: those
/// of Standard Webhooks, Svix, GitHub, Gitea, Shopify and Twilio, and the one of an IETF draft.
const IDS: &[&str] = &[
    "webhook-id",
    "svix-id",
    "x-github-delivery",
    "x-gitea-delivery",
    "x-shopify-webhook-id",
    "i-twilio-idempotency-token",
    "idempotency-key",
    "x-idempotency-key",
];

/// The headers that are read, with those of a mapping.
pub(super) fn reads(mapping: &Mapping) -> Vec<Box<str>> {
    let own = IDS.iter().copied().chain(["content-type", "ce-*"]).map(Box::from);
    let mut headers: Vec<Box<str>> = own.chain(mapping.headers().cloned()).collect();
    headers.sort();
    headers.dedup();
    // A prefix reads these already; twice would be two headers of one name.
    headers.retain(|it| !it.starts_with("ce-") || &**it == "ce-*");
    headers
}

/// What is mapped on its own: a body, or one `CloudEvent`.
struct Unit<'a> {
    attributes: Map<String, Value>,
    /// What pointers lead into.
    document: Value,
    /// The same as it stands in the body, if it does.
    json: Option<&'a RawValue>,
    range: Range<usize>,
    /// Why it is nothing to map.
    strange: Option<&'static str>,
}

/// One event, before it is read.
struct Element {
    value: Value,
    range: Range<usize>,
    digest: String,
}

/// Every event of a request, in its order; never empty.
pub(super) fn drafts(request: &Request<Verified>, mapping: &Mapping) -> Vec<Draft> {
    let body: &[u8] = &request.body;
    let mut drafts = Vec::new();
    let units = units(body, &request.headers);
    for unit in &units {
        if let Some(reason) = unit.strange {
            drafts.push(unmapped(body, unit.range.clone(), reason));
            continue;
        }
        let elements = elements(unit, body, mapping);
        if elements.is_empty() {
            let items = mapping.items.as_deref().unwrap_or_default();
            let reason = format!("there is no element in `{items}`");
            drafts.push(unmapped(body, unit.range.clone(), reason));
        }
        drafts.extend(elements.into_iter().map(|it| draft(&it, unit, request, mapping)));
    }
    if drafts.is_empty() {
        drafts.push(unmapped(body, 0..body.len(), "nothing in it"));
    }
    drafts
}

fn unmapped(body: &[u8], range: Range<usize>, reason: impl Into<String>) -> Draft {
    fragment::unmapped(PROVIDER, UNMAPPED, body, range, reason)
}

fn units<'a>(body: &'a [u8], headers: &Headers) -> Vec<Unit<'a>> {
    let media = headers.get("content-type").unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let json = fragment::json(body).ok();
    match (cloudevent::mode(&media, headers), json) {
        (Some(Mode::Structured), Some(raw)) => vec![structured(raw, body)],
        (Some(Mode::Batched), Some(raw)) => {
            each(Some(raw)).into_iter().map(|it| structured(it, body)).collect()
        }
        (Some(Mode::Binary), _) => {
            vec![Unit { attributes: cloudevent::attributes(headers), ..plain(body, &media, json) }]
        }
        _ => vec![plain(body, &media, json)],
    }
}

fn structured<'a>(raw: &'a RawValue, body: &[u8]) -> Unit<'a> {
    let range = fragment::range(body, raw);
    let unit = |attributes, document, json, strange| Unit {
        attributes,
        document,
        json,
        range: range.clone(),
        strange,
    };
    match object(raw) {
        Ok(event) => {
            let (attributes, data, json) = cloudevent::opened(event, raw);
            unit(attributes, data, json, None)
        }
        Err(_) => unit(Map::new(), Value::Null, None, Some("a CloudEvent that is not an object")),
    }
}

/// A body as a document: JSON, a form, or nothing that can be pointed into.
fn plain<'a>(body: &[u8], media: &str, json: Option<&'a RawValue>) -> Unit<'a> {
    let is_form = media == "application/x-www-form-urlencoded";
    let json = json.filter(|_| !is_form);
    let document = if is_form { fragment::form(body) } else { json.map(value).unwrap_or_default() };
    Unit { attributes: Map::new(), document, json, range: 0..body.len(), strange: None }
}

fn value(raw: &RawValue) -> Value {
    object(raw).or_else(|_| serde_json::from_str(raw.get())).unwrap_or_default()
}

fn elements(unit: &Unit<'_>, body: &[u8], mapping: &Mapping) -> Vec<Element> {
    let whole = |value: Value, digested: &[u8]| Element {
        value,
        range: unit.range.clone(),
        digest: fragment::digest(digested),
    };
    let Some(items) = &mapping.items else {
        return vec![whole(unit.document.clone(), &body[unit.range.clone()])];
    };
    if let Some(list) = unit.json.and_then(|it| descend(it, items)) {
        if list.get() == "null" {
            return Vec::new();
        }
        let element = |raw: &RawValue| Element {
            value: value(raw),
            range: fragment::range(body, raw),
            digest: fragment::digest(raw.get().as_bytes()),
        };
        return each(Some(list)).into_iter().map(element).collect();
    }
    // In a form or in a string of JSON an element has no place of its own.
    let values = match wanted::find(&unit.document, items) {
        Some(Value::Array(values)) => values,
        Some(Value::Null) | None => Vec::new(),
        Some(value) => vec![value],
    };
    let element = |it: Value| {
        let json = it.to_string();
        whole(it, json.as_bytes())
    };
    values.into_iter().map(element).collect()
}

/// What a pointer leads to, in its place.
fn descend<'a>(raw: &'a RawValue, pointer: &str) -> Option<&'a RawValue> {
    let mut at = raw;
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        at = if let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(at.get()) {
            list.get(token.parse::<usize>().ok()?).copied()?
        } else {
            let fields: HashMap<String, &RawValue> = serde_json::from_str(at.get()).ok()?;
            fields.get(&token).copied()?
        };
    }
    Some(at)
}

fn draft(
    element: &Element,
    unit: &Unit<'_>,
    request: &Request<Verified>,
    mapping: &Mapping,
) -> Draft {
    let Unit { attributes, document, .. } = unit;
    let headers = &request.headers;
    let place = Place { element: &element.value, body: document, attributes, headers };
    let range = element.range.clone();
    if mapping.misses(&place) {
        return unmapped(&request.body, range, "nothing that `map` points at is there");
    }
    let attribute = |name: &str| attributes.get(name).and_then(text);
    let read = |it: &Option<Wanted>| it.as_ref()?.text(&place);

    let (kind, word) = match &mapping.kind {
        Some(Named::Always(kind)) => (Some(kind.clone()), None),
        Some(Named::By(wanted)) => {
            let kind = wanted.whole(&place).and_then(|it| kind::read(&it));
            (kind, wanted.text(&place))
        }
        None => {
            let word = attribute("type");
            (word.as_deref().and_then(kind::exact), word)
        }
    };
    let is_named = kind.is_some();
    let kind = kind.unwrap_or(Kind::EVENT_RECEIVED);
    let id = mapping.key.as_ref().and_then(|it| it.whole(&place));
    let stated = match &id {
        Some(id) => Some(format!("{kind}:{id}")),
        None => key(element, attributes, headers, mapping),
    };
    let anonymous = stated.is_none();
    let key = stated.unwrap_or_else(|| format!("body:{}", element.digest));

    let mut draft = Draft { anonymous, ..fragment::draft(PROVIDER, kind, key, range) };
    draft.time = mapping
        .time
        .as_ref()
        .and_then(|it| time(&it.value(&place)?))
        .or_else(|| attributes.get("time").and_then(time));
    // The id of the event around a list is not its elements'.
    let id = id.or_else(|| attribute("id").filter(|_| mapping.items.is_none()));
    let account = read(&mapping.account).unwrap_or_default();
    let (contact, email) = (contact(mapping, &place), read(&mapping.email));
    let candidate = |scheme, value: &str| vec![Candidate::new(scheme, &account, value)];
    let person = contact.as_ref().map(|it| &*it.id).filter(|it| !it.is_empty());
    draft.candidates = match (read(&mapping.conversation), person, attribute("subject")) {
        (Some(conversation), ..) => candidate("conversation", &conversation),
        (None, Some(id), _) => candidate("contact", id),
        (None, None, Some(subject)) => candidate("subject", &subject),
        (None, None, None) => Vec::new(),
    };
    draft.facts.channel.account = account;
    draft.facts.contact = contact;
    draft.facts.message = read(&mapping.text).map(|it| Message {
        id: id.clone().unwrap_or_default(),
        kind: "text".into(),
        text: Some(it),
        ..Message::default()
    });
    draft.facts.fields = fields(mapping, &place);
    if !is_named && let Some(word) = word {
        draft.facts.fields.entry("type").or_insert(word.into());
    }
    for name in ["source", "subject"] {
        if let Some(it) = attribute(name) {
            draft.facts.fields.entry(name).or_insert(it.into());
        }
    }
    shape(&mut draft, id, email);
    draft
}

/// What tells an element from every other, where the mapping does not say; `None`: nothing does.
fn key(
    element: &Element,
    attributes: &Map<String, Value>,
    headers: &Headers,
    mapping: &Mapping,
) -> Option<String> {
    let stated = || {
        let ids = IDS.iter().filter_map(|name| Some((name, headers.get(name)?)));
        ids.map(|(name, id)| format!("{name}:{id}")).next()
    };
    let id = cloudevent::key(attributes).or_else(stated)?;
    // Such an id belongs to the request, or to the event around the list.
    Some(if mapping.items.is_some() { format!("{id}:{}", element.digest) } else { id })
}

fn contact(mapping: &Mapping, place: &Place<'_>) -> Option<Contact> {
    let read = |it: &Option<Wanted>| it.as_ref()?.text(place);
    let (phone, username) = (read(&mapping.phone), read(&mapping.username));
    let username = username.map(|it| it.trim_start_matches('@').to_owned());
    let (id, name, email) = (read(&mapping.id), read(&mapping.name), read(&mapping.email));
    let number = phone.as_deref().and_then(fragment::phone);
    // A number written otherwise is the same one.
    let id = id.or_else(|| number.clone()).or(phone).or(email).or_else(|| username.clone());
    (id.is_some() || name.is_some()).then(|| Contact {
        id: id.unwrap_or_default(),
        phone: number,
        username,
        name,
        ..Contact::default()
    })
}

fn fields(mapping: &Mapping, place: &Place<'_>) -> Map<String, Value> {
    let fields = mapping.fields.iter();
    fields.filter_map(|(name, wanted)| Some((name.clone(), wanted.value(place)?))).collect()
}

/// Puts what was mapped where the kind has it, and takes away what it has no place for.
fn shape(draft: &mut Draft, id: Option<String>, email: Option<String>) {
    let sections = draft.kind.sections();
    let has = |section: &str| sections.contains(&section);
    let Facts { contact, message, lead, flow, fields, .. } = &mut *draft.facts;
    if has("lead") {
        let fields = std::mem::take(fields);
        *lead = Some(Lead { id, email, fields, ..Lead::default() });
    } else if has("flow") {
        *flow = Some(Flow { fields: std::mem::take(fields), ..Flow::default() });
    } else if !has("fields") {
        fields.clear();
    } else if let Some(email) = email {
        fields.entry("email").or_insert(email.into());
    }
    if !has("message") {
        *message = None;
    }
    if !has("contact") {
        *contact = None;
    }
    if !has("conversation") {
        draft.candidates.clear();
    }
}
