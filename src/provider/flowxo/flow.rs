//! What the HTTP request of a flow tells: JSON or a form, as the flow's author wrote it.

use std::ops::Range;

use serde_json::{Map as Json, Value};

use super::map::{Map, Sought, find};
use super::{PROVIDER, transcript};
use crate::event::facts::{Channel, Contact, Flow, Message};
use crate::event::{Candidate, Draft, Kind};
use crate::lenient::{moment, text};
use crate::provider::fragment::{self, digest};

/// Names that authors give to what they send, in lower case and without anything but letters:
/// Flow XO suggests none.
const NAMES: &[(Sought, &[&str])] = &[
    (Sought::Conversation, &["responsepath", "conversation", "conversationid"]),
    (Sought::User, &["userid", "contactid", "senderid"]),
    (Sought::Account, &["botid"]),
    (Sought::Name, &["name", "fullname", "username", "customername"]),
    (Sought::Phone, &["phone", "phonenumber", "mobile", "mobilenumber", "telephone", "whatsapp"]),
    (Sought::Text, &["message", "text", "question"]),
    (Sought::Flow, &["flow", "flowname"]),
    (Sought::Time, &["timestamp", "time", "createdat"]),
    // The id of a message or an interaction is not enough: a flow may call us twice within one.
    (Sought::Key, &["eventid"]),
];

/// The fields of a call, and which of them were made use of.
struct Fields<'a> {
    all: &'a Value,
    map: &'a Map,
    used: Vec<&'a str>,
}

impl<'a> Fields<'a> {
    /// A text by the names it may have; the first that is there counts.
    fn named(&self, names: &[&str]) -> Option<(&'a str, String)> {
        names.iter().find_map(|name| {
            self.all.as_object()?.iter().find_map(|(key, value)| {
                let plain = key.chars().filter(char::is_ascii_alphanumeric);
                let fits = plain.map(|it| it.to_ascii_lowercase()).eq(name.chars());
                fits.then(|| Some((&**key, text(value)?))).flatten()
            })
        })
    }

    /// What is sought, where the map says or else by its names; what cannot be read stays a field.
    fn take<T>(&mut self, sought: Sought, read: impl Fn(String) -> Option<T>) -> Option<T> {
        if let Some(pointer) = self.map.pointer(sought) {
            let value = read(find(self.all, pointer)?)?;
            let top = |it: &&String| pointer.strip_prefix('/') == Some(&**it);
            self.used.extend(self.all.as_object()?.keys().find(top).map(|it| &**it));
            return Some(value);
        }
        let names = NAMES.iter().find(|it| it.0 == sought).map_or(&[][..], |it| it.1);
        let (key, value) = self.named(names)?;
        let value = read(value)?;
        self.used.push(key);
        Some(value)
    }

    fn rest(&self) -> Json<String, Value> {
        self.map.fields(self.all).unwrap_or_else(|| {
            let all = self.all.as_object().into_iter().flatten();
            let rest = all.filter(|(key, _)| !self.used.contains(&&***key));
            rest.map(|(key, value)| (key.clone(), value.clone())).collect()
        })
    }
}

/// The event of one call.
pub(super) fn draft(all: &Value, map: &Map, body: &[u8], raw: Range<usize>) -> Draft {
    let mut fields = Fields { all, map, used: Vec::new() };
    // A conversation that somebody maps is believed; one that only bears the name may be anything.
    let is_mapped = map.pointer(Sought::Conversation).is_some();
    let path =
        fields.take(Sought::Conversation, |it| (is_mapped || it.contains("/c/")).then_some(it));
    let (of_bot, of_user) = path.as_deref().and_then(|it| it.split_once("/c/")).unzip();
    let account = fields.take(Sought::Account, Some).or(of_bot.map(str::to_owned));
    let account = account.unwrap_or_default();
    let user = fields.take(Sought::User, Some).or(of_user.map(str::to_owned));
    let is_whatsapp = fields.named(&["platform"]).is_some_and(|it| it.1 == "whatsapp");
    let number = || user.as_deref().filter(|_| is_whatsapp).and_then(transcript::number);
    let phone = fields.take(Sought::Phone, |it| fragment::phone(&it)).or_else(number);
    let email = fields.named(&["email", "emailaddress"]).map(|it| it.1);
    let contact = user.clone().or(phone.clone()).or(email).map(|id| Contact {
        id,
        name: fields.take(Sought::Name, Some),
        phone: phone.clone(),
        ..Contact::default()
    });
    let event = fields.take(Sought::Key, Some);
    let message_id = fields.named(&["messageid"]);
    fields.used.extend(message_id.iter().map(|it| it.0));
    let message_id = message_id.map(|it| it.1).or_else(|| event.clone()).unwrap_or_default();
    let key = match &event {
        Some(event) => format!("flow:{event}"),
        None => format!("flow:{}", digest(&body[raw.clone()])),
    };
    let mut draft = fragment::draft(PROVIDER, map.kind(), key, raw);
    draft.anonymous = event.is_none();
    draft.time = fields.take(Sought::Time, |it| moment(&it));
    let message = fields.take(Sought::Text, Some).map(|text| Message {
        id: message_id.clone(),
        kind: "text".to_owned(),
        text: Some(text),
        ..Message::default()
    });
    let path = path.or_else(|| {
        let user = user.as_deref().filter(|_| !account.is_empty())?;
        Some(format!("{account}/c/{user}"))
    });
    // One is enough: people share telephones, and conversations would be one for ever.
    let schemes = [("response_path", path), ("user_id", user), ("phone", phone)];
    let strongest = schemes.into_iter().find_map(|(scheme, it)| Some((scheme, it?)));
    draft.candidates =
        strongest.iter().map(|(scheme, it)| Candidate::new(scheme, &account, it)).collect();
    draft.facts.channel = Channel { account, ..draft.facts.channel };
    draft.facts.contact = contact;
    if draft.kind == Kind::MESSAGE_RECEIVED {
        let kind = "unknown".to_owned();
        let empty = || Message { id: message_id.clone(), kind, ..Message::default() };
        draft.facts.message = Some(message.unwrap_or_else(empty));
        return draft;
    }
    draft.facts.message = message;
    let id = fields.named(&["flowid"]);
    fields.used.extend(id.iter().map(|it| it.0));
    draft.facts.flow = Some(Flow {
        id: id.map(|it| it.1),
        name: fields.take(Sought::Flow, Some),
        fields: fields.rest(),
    });
    draft
}
