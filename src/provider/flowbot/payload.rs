//! What FlowBot posts. Nothing of it is documented but the lead's fields, so the names are those
//! of its API and their usual variants.
//!
//! Source: the API documentation of an installation, `/docs`.

use std::ops::Range;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::event::facts::{Contact, Failure, Flow, Lead, Message, Status};
use crate::event::{Candidate, Draft, Kind};
use crate::lenient::{each, first, integer, list, object, text, time};
use crate::provider::{Request, Verified, fragment};

/// What a FlowBot source can say.
pub(super) const KINDS: &[Kind] =
    &[Kind::LEAD_RECEIVED, Kind::FLOW_TRIGGERED, Kind::MESSAGE_STATUS, UNMAPPED];

const UNMAPPED: Kind = Kind::named("flowbot.unmapped");

const PROVIDER: &str = "flowbot";

/// What a body means that is no status of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Meaning {
    /// A trigger where a flow is named and no name, address or source; else a lead.
    #[default]
    Auto,
    /// Always a lead.
    Lead,
    /// Always the trigger of a flow.
    Flow,
}

const PHONE: &[&str] = &[
    "phone",
    "phoneNumber",
    "phone_number",
    "waPhoneNumber",
    "wa_id",
    "mobile",
    "telephone",
    "tel",
    "recipient",
    "to",
];
const NAME: &[&str] = &["name", "fullName", "full_name", "customerName", "customer_name"];
const FIRST: &[&str] = &["firstName", "first_name"];
const LAST: &[&str] = &["lastName", "last_name"];
const EMAIL: &[&str] = &["email", "emailAddress", "email_address", "mail"];
const SOURCE: &[&str] = &["source", "origin"];
const LEAD: &[&str] = &["leadId", "lead_id", "id"];
const FLOW: &[&str] = &["flowId", "flow_id"];
const FLOW_NAME: &[&str] = &["flowName", "flow_name"];
const CAMPAIGN: &[&str] = &["campaignId", "campaign_id", "campaign"];
const FORM: &[&str] = &["formId", "form_id", "formName", "form_name"];
const AD: &[&str] = &["adId", "ad_id"];
const LINE: &[&str] = &["phoneNumberId", "phone_number_id"];
const MESSAGE: &[&str] = &["messageId", "message_id", "wamid"];
const TEXT: &[&str] = &["text", "message", "lastMessage", "last_message"];
const REFERENCE: &[&str] = &["sourceRef", "source_ref"];
const TIME: &[&str] = &[
    "timestamp",
    "time",
    "createdAt",
    "created_at",
    "updatedAt",
    "updated_at",
    "submittedAt",
    "submitted_at",
];

/// Words that no lead's status has: those of a message on its way.
const STATUSES: &[&str] = &["sent", "delivered", "read", "failed", "queued", "undelivered"];

/// Every event of a request, in its order; never empty.
pub(super) fn drafts(request: &Request<Verified>, meaning: Meaning) -> Vec<Draft> {
    let body: &[u8] = &request.body;
    let mut query = form_urlencoded::parse(request.query().as_bytes());
    let flow = query.find(|it| FLOW.contains(&&*it.0)).map(|it| it.1.into_owned());
    let flow = flow.filter(|it| !it.is_empty());
    let media = request.headers.get("content-type").unwrap_or_default().trim_start();
    if media.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return vec![element(body, 0..body.len(), fragment::form(body), meaning, flow)];
    }
    let reason = match fragment::json(body) {
        Ok(raw) => {
            let element = |raw: &RawValue| {
                let range = fragment::range(body, raw);
                match object(raw) {
                    Ok(value) => element(body, range, value, meaning, flow.clone()),
                    Err(reason) => unmapped(body, range, reason),
                }
            };
            let drafts: Vec<_> = each(Some(raw)).into_iter().map(element).collect();
            if !drafts.is_empty() {
                return drafts;
            }
            "nothing in it"
        }
        Err(reason) => reason,
    };
    vec![unmapped(body, 0..body.len(), reason)]
}

fn unmapped(body: &[u8], range: Range<usize>, reason: &str) -> Draft {
    fragment::unmapped(PROVIDER, UNMAPPED, body, range, reason)
}

fn element(
    body: &[u8],
    range: Range<usize>,
    value: Value,
    meaning: Meaning,
    flow: Option<String>,
) -> Draft {
    let Value::Object(fields) = value else { return unmapped(body, range, "not an object") };
    let mut fields = Fields::new(fields);
    if fields.0.is_empty() {
        return unmapped(body, range, "nothing in it");
    }
    let digest = fragment::digest(&body[range.clone()]);
    let about = |kind, key| fragment::draft(PROVIDER, kind, key, range.clone());
    // Nothing in a lead or a flow tells one call from the next.
    let anonymous = |kind, key| Draft { anonymous: true, ..about(kind, key) };
    if fields.is_status() {
        return status(about(Kind::MESSAGE_STATUS, format!("status:{digest}")), fields);
    }
    let is_flow = flow.is_some() || fields.has(FLOW);
    let is_person = [NAME, FIRST, LAST, EMAIL, SOURCE].iter().any(|it| fields.has(it));
    match meaning {
        Meaning::Auto if is_flow && !is_person => {}
        Meaning::Flow => {}
        Meaning::Auto if !is_person && !fields.has(PHONE) => {
            let reason =
                "neither a lead nor a flow by its fields; `as` of the source can say which";
            return unmapped(body, range, reason);
        }
        _ => return lead(anonymous(Kind::LEAD_RECEIVED, format!("lead:{digest}")), fields, flow),
    }
    let mut draft = anonymous(Kind::FLOW_TRIGGERED, format!("flow:{digest}"));
    fields.place(&mut draft);
    let id = fields.take(MESSAGE);
    draft.facts.message = fields.take(TEXT).map(|it| Message {
        id: id.clone().unwrap_or_default(),
        kind: "text".into(),
        text: Some(it),
        ..Message::default()
    });
    draft.facts.flow = Some(Flow {
        id: fields.take(FLOW).or(flow),
        name: fields.take(FLOW_NAME),
        fields: fields.0,
    });
    draft
}

fn lead(mut draft: Draft, mut fields: Fields, flow: Option<String>) -> Draft {
    let email = first(&Value::Object(fields.0.clone()), EMAIL);
    fields.place(&mut draft);
    fields.take(EMAIL);
    draft.facts.lead = Some(Lead {
        id: fields.take(LEAD),
        form: fields.take(FORM),
        page: fields.take(FLOW).or(flow),
        ad: fields.take(AD),
        campaign: fields.take(CAMPAIGN),
        origin: fields.take(SOURCE),
        email,
        fields: fields.0,
    });
    draft
}

/// What became of a message; its body is not documented.
fn status(mut draft: Draft, mut fields: Fields) -> Draft {
    fields.place(&mut draft);
    let message = fields.take(MESSAGE).unwrap_or_default();
    let status = fields.take(&["status"]).unwrap_or_default().to_lowercase();
    if !message.is_empty() {
        let time = draft.time.map(|it| it.as_millisecond().to_string()).unwrap_or_default();
        draft.dedup_key = format!("status:{message}:{status}:{time}");
    }
    draft.facts.status = Some(Status {
        message_id: message,
        status,
        recipient: draft.facts.contact.as_ref().map(|it| it.id.clone()),
        callback_data: fields.take(REFERENCE),
        errors: failures(&fields.0),
        ..Status::default()
    });
    draft
}

/// Why a message failed: a sentence, an object, or a list of either.
fn failures(fields: &Map<String, Value>) -> Vec<Failure> {
    let code = ["errorCode", "error_code"].iter().find_map(|it| integer(fields.get(*it)?));
    let stated = ["error", "errors", "errorMessage", "error_message", "reason"];
    let stated = stated
        .iter()
        .filter_map(|it| fields.get(*it))
        .find(|it| text(it).is_some() || !list(it).is_empty());
    let failure = |it: &Value| Failure {
        code: integer(&it["code"]).or(code).unwrap_or_default(),
        title: text(it).or_else(|| first(it, &["title", "message", "error"])),
        details: first(it, &["details"]).or_else(|| first(&it["error_data"], &["details"])),
    };
    match stated {
        Some(it @ (Value::Array(_) | Value::Object(_))) => list(it).iter().map(failure).collect(),
        Some(it) => vec![failure(it)],
        None => code.map(|code| Failure { code, ..Failure::default() }).into_iter().collect(),
    }
}

/// What was posted, by its name; what is understood is taken out of it.
struct Fields(Map<String, Value>);

impl Fields {
    /// The variables of a flow stand in `data`; they are fields like the others.
    fn new(mut fields: Map<String, Value>) -> Self {
        if let Some(Value::Object(data)) = fields.get("data") {
            let data = data.clone();
            fields.remove("data");
            fields.extend(data);
        }
        Self(fields)
    }

    fn has(&self, keys: &[&str]) -> bool {
        keys.iter().any(|it| self.0.get(*it).and_then(text).is_some())
    }

    fn take(&mut self, keys: &[&str]) -> Option<String> {
        let key = keys.iter().find(|it| self.0.get(**it).and_then(text).is_some())?;
        self.0.remove(*key).as_ref().and_then(text)
    }

    /// A status, and the message it is about; or else a word that only messages have, without
    /// what only people have.
    fn is_status(&self) -> bool {
        let Some(status) = self.0.get("status").and_then(text) else { return false };
        let of_message = STATUSES.contains(&&*status.to_lowercase());
        let is_person = [NAME, FIRST, EMAIL].iter().any(|it| self.has(it));
        self.has(MESSAGE) || (of_message && !is_person && (self.has(PHONE) || self.has(FLOW)))
    }

    /// Takes out whom and when it is about, and which of our numbers.
    fn place(&mut self, draft: &mut Draft) {
        if let Some(key) = TIME.iter().find(|it| self.0.get(**it).and_then(time).is_some()) {
            draft.time = self.0.remove(*key).as_ref().and_then(time);
        }
        draft.facts.channel.account = self.take(LINE).unwrap_or_default();
        let written = self.take(PHONE);
        let name = self.take(NAME).or_else(|| {
            let names: Vec<_> = [FIRST, LAST].iter().filter_map(|it| self.take(it)).collect();
            Some(names.join(" ")).filter(|it| !it.is_empty())
        });
        let email = EMAIL.iter().find_map(|it| self.0.get(*it).and_then(text));
        let phone = written.as_deref().and_then(fragment::phone);
        // A number is the same one however it is written.
        let number = phone.clone().or(written);
        let (scheme, id) = match (number, email) {
            (Some(number), _) => ("phone", Some(number)),
            (None, email) => ("email", email),
        };
        draft.candidates = id.iter().map(|it| Candidate::new(scheme, "", it)).collect();
        draft.facts.contact = (id.is_some() || name.is_some()).then(|| Contact {
            id: id.unwrap_or_default(),
            phone,
            name,
            ..Contact::default()
        });
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::provider::Headers;

    fn kind(target: &str, body: &Value, meaning: Meaning) -> (Kind, Option<Flow>, Option<Lead>) {
        let request =
            Request::new("POST", target, Headers::default(), Bytes::from(body.to_string()));
        let Draft { kind, facts, .. } = drafts(&request.into_verified(), meaning).remove(0);
        (kind, facts.flow, facts.lead)
    }

    #[test]
    fn the_source_or_the_url_say_what_a_body_means() {
        let body = json!({"phone": "+972501234567", "code": 1});
        let target = "/hooks/flowbot";
        assert_eq!(kind(target, &body, Meaning::Auto).0, Kind::LEAD_RECEIVED);
        assert_eq!(kind(target, &body, Meaning::Flow).0, Kind::FLOW_TRIGGERED);
        let (named, flow, _) = kind("/hooks/flowbot?flowId=f-1", &body, Meaning::Auto);
        assert_eq!((named, flow.unwrap().id.as_deref()), (Kind::FLOW_TRIGGERED, Some("f-1")));
        let (named, _, lead) = kind("/hooks/flowbot?flow_id=f-1", &body, Meaning::Lead);
        assert_eq!((named, lead.unwrap().page.as_deref()), (Kind::LEAD_RECEIVED, Some("f-1")));
        let other = json!({"orderId": 7});
        assert_eq!(kind(target, &other, Meaning::Auto).0, UNMAPPED);
        assert_eq!(kind(target, &other, Meaning::Lead).0, Kind::LEAD_RECEIVED);
    }

    #[test]
    fn the_status_of_a_lead_is_not_that_of_a_message() {
        for (body, expected) in [
            (json!({"messageId": "wamid.1", "status": "anything"}), Kind::MESSAGE_STATUS),
            (json!({"phone": "+972501234567", "status": "Delivered"}), Kind::MESSAGE_STATUS),
            (json!({"phone": "+972501234567", "status": "new"}), Kind::LEAD_RECEIVED),
            (
                json!({"phone": "+972501234567", "status": "read", "name": "Jane"}),
                Kind::LEAD_RECEIVED,
            ),
            (json!({"messageId": "wamid.1"}), UNMAPPED),
        ] {
            assert_eq!(kind("", &body, Meaning::Auto).0, expected, "{body}");
        }
    }
}
