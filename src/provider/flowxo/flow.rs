//! What the HTTP request of a flow tells: JSON or a form, as the flow's author wrote it.

use serde_json::{Map, Value};

use super::{PROVIDER, transcript};
use crate::event::facts::{Channel, Contact, Flow, Message};
use crate::event::{Candidate, Draft, Kind};
use crate::lenient::{moment, text};
use crate::provider::fragment::{self, digest};

/// Names that authors give to what they send, in lower case and without anything but letters:
/// Flow XO suggests none.
const RESPONSE_PATH: &[&str] = &["responsepath", "conversation", "conversationid"];
const USER: &[&str] = &["userid", "contactid", "senderid"];
const BOT: &[&str] = &["botid"];
const NAME: &[&str] = &["name", "fullname", "username", "customername"];
const PHONE: &[&str] = &["phone", "phonenumber", "mobile", "mobilenumber", "telephone", "whatsapp"];
const EMAIL: &[&str] = &["email", "emailaddress"];
const TEXT: &[&str] = &["message", "text", "question"];
const FLOW: &[&str] = &["flow", "flowname"];
const FLOW_ID: &[&str] = &["flowid"];
const TIME: &[&str] = &["timestamp", "time", "createdat"];
const EVENT: &[&str] = &["eventid", "messageid", "interactionid"];

/// The fields of a call that were not made use of yet.
struct Fields<'a>(&'a Map<String, Value>, Vec<&'a str>);

impl<'a> Fields<'a> {
    /// A text by the names it may have; the first that is there counts.
    fn peek(&self, names: &[&str]) -> Option<(&'a str, String)> {
        names.iter().find_map(|name| {
            self.0.iter().find_map(|(key, value)| {
                let plain = key.chars().filter(char::is_ascii_alphanumeric);
                let fits = plain.map(|it| it.to_ascii_lowercase()).eq(name.chars());
                fits.then(|| Some((&**key, text(value)?))).flatten()
            })
        })
    }

    /// The same, if it can be read; what cannot stays a field.
    fn take<T>(&mut self, names: &[&str], read: impl Fn(String) -> Option<T>) -> Option<T> {
        let (key, value) = self.peek(names)?;
        let value = read(value)?;
        self.1.push(key);
        Some(value)
    }

    fn rest(self) -> Map<String, Value> {
        let Self(all, used) = self;
        let rest = all.iter().filter(|(key, _)| !used.contains(&&***key));
        rest.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

/// The event of one call.
pub(super) fn draft(
    fields: &Map<String, Value>,
    body: &[u8],
    raw: std::ops::Range<usize>,
) -> Draft {
    let mut fields = Fields(fields, Vec::new());
    let path = fields.take(RESPONSE_PATH, |it| it.contains("/c/").then_some(it));
    let (of_bot, of_user) = path.as_deref().and_then(|it| it.split_once("/c/")).unzip();
    let account = fields.take(BOT, Some).or(of_bot.map(str::to_owned)).unwrap_or_default();
    let user = fields.take(USER, Some).or(of_user.map(str::to_owned));
    let is_whatsapp = fields.peek(&["platform"]).is_some_and(|it| it.1 == "whatsapp");
    let number = || user.as_deref().filter(|_| is_whatsapp).and_then(transcript::number);
    let phone = fields.take(PHONE, |it| fragment::phone(&it)).or_else(number);
    let email = fields.peek(EMAIL).map(|it| it.1);
    let contact = user.clone().or(phone.clone()).or(email).map(|id| Contact {
        id,
        name: fields.take(NAME, Some),
        phone: phone.clone(),
        ..Contact::default()
    });
    let event = fields.take(EVENT, Some);
    let key = match &event {
        Some(event) => format!("flow:{event}"),
        None => format!("flow:{}", digest(&body[raw.clone()])),
    };
    let mut draft = fragment::draft(PROVIDER, Kind::FLOW_TRIGGERED, key, raw);
    draft.time = fields.take(TIME, |it| moment(&it));
    let message = fields.take(TEXT, Some).map(|text| Message {
        id: event.unwrap_or_default(),
        kind: "text".to_owned(),
        text: Some(text),
        ..Message::default()
    });
    let path = path.or_else(|| {
        let user = user.as_deref().filter(|_| !account.is_empty())?;
        Some(format!("{account}/c/{user}"))
    });
    let schemes = [("response_path", path), ("user_id", user), ("phone", phone)];
    let known = schemes.into_iter().filter_map(|(scheme, it)| Some((scheme, it?)));
    draft.candidates = known.map(|(scheme, it)| Candidate::new(scheme, &account, &it)).collect();
    draft.facts.channel = Channel { account, ..draft.facts.channel };
    draft.facts.contact = contact;
    draft.facts.message = message;
    draft.facts.flow = Some(Flow {
        id: fields.take(FLOW_ID, Some),
        name: fields.take(FLOW, Some),
        fields: fields.rest(),
    });
    draft
}
