//! One messaging event: who wrote to whom, and when.

use jiff::Timestamp;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::event::facts::{Contact, Conversation};
use crate::event::{Candidate, Draft, Kind};
use crate::lenient::{first, flag, text, time};
use crate::provider::meta::{Place, Product};

/// The keys whose value may say that it is an echo of our own doing.
const ECHOED: &[&str] = &["message", "message_edit", "reaction", "postback"];

/// An element of `messaging[]` or `standby[]`.
pub(super) struct Happening<'a> {
    pub(super) place: &'a Place<'a>,
    pub(super) raw: &'a RawValue,
    pub(super) value: &'a Value,
    /// It was done on our side: by another app, in the inbox, or by us.
    pub(super) ours: bool,
    contact: Option<Contact>,
    candidates: Vec<Candidate>,
}

impl<'a> Happening<'a> {
    pub(super) fn new(place: &'a Place<'a>, raw: &'a RawValue, value: &'a Value) -> Self {
        let from = text(&value["sender"]["id"]);
        let ours = ECHOED.iter().any(|it| flag(&value[*it]["is_echo"]))
            || from.is_some_and(|it| it == place.channel.account);
        let party = if ours { &value["recipient"] } else { &value["sender"] };
        let mut contact = by(party);
        let mut candidates = candidates(place, party);
        // The checkbox plugin knows a contact by a reference of ours, until it writes.
        if candidates.is_empty() && !value["optin"]["user_ref"].is_null() {
            contact = by(&value["optin"]);
            candidates = self::candidates(place, &value["optin"]);
        }
        let prior = &value["prior_message"];
        if let (Some(before), Some(contact)) = (text(&prior["identifier"]), &mut contact) {
            match prior["source"].as_str() {
                Some("checkbox_plugin") => candidates.push(place.candidate("user_ref", &before)),
                Some("customer_matching") => contact.phone = phone(&before),
                _ => {}
            }
        }
        Self { place, raw, value, ours, contact, candidates }
    }

    /// Who is on the other side, by the provider's id.
    pub(super) fn whom(&self) -> &str {
        self.contact.as_ref().map_or("", |it| &it.id)
    }

    /// When it happened, verbatim; empty when nothing says so.
    pub(super) fn at(&self) -> String {
        text(&self.value["timestamp"]).unwrap_or_else(|| self.place.time.to_owned())
    }

    /// When it happened, if it says.
    pub(super) fn time(&self) -> Option<Timestamp> {
        time(&self.value["timestamp"])
    }

    /// A key of what has no id: equal for equal events of one account and moment.
    pub(super) fn key(&self, prefix: &str) -> String {
        let at = text(&self.value["timestamp"]);
        self.place.fragment_key(prefix, at.as_deref(), self.raw)
    }

    /// A draft that belongs to nobody's conversation.
    pub(super) fn notice(&self, kind: Kind, key: String) -> Draft {
        let mut draft = self.place.draft(kind, key, self.raw);
        draft.time = self.time().or(draft.time);
        draft
    }

    /// A draft in the contact's conversation.
    pub(super) fn draft(&self, kind: Kind, key: String) -> Draft {
        self.of_contact(self.place.draft(kind, key, self.raw))
    }

    /// What stands under a key, which nobody can read.
    pub(super) fn unmapped(&self, key: &str, reason: &str) -> Draft {
        self.of_contact(self.place.unmapped_in(key, reason, self.raw))
    }

    fn of_contact(&self, mut draft: Draft) -> Draft {
        draft.time = self.time().or(draft.time);
        draft.candidates.clone_from(&self.candidates);
        draft.facts.contact.clone_from(&self.contact);
        let standby = self.place.standby;
        draft.facts.conversation = Conversation { standby, ..Conversation::default() };
        draft
    }
}

/// Who a `sender`, `recipient` or `from` is. `None` when there is no id at all.
pub(in crate::provider) fn by(party: &Value) -> Option<Contact> {
    Some(Contact {
        id: first(party, &["id", "user_ref", "phone_number"])?,
        phone: text(&party["phone_number"]).and_then(|it| phone(&it)),
        username: text(&party["username"]).map(|it| it.trim_start_matches('@').to_owned()),
        name: text(&party["name"]),
        ..Contact::default()
    })
}

/// The identifiers of a party, strongest first.
fn candidates(place: &Place<'_>, party: &Value) -> Vec<Candidate> {
    let id = text(&party["id"]).map(|it| place.candidate(scheme(place.product), &it));
    let user_ref = text(&party["user_ref"]).map(|it| place.candidate("user_ref", &it));
    id.into_iter().chain(user_ref).collect()
}

/// What sort of id a product knows contacts by; each is valid within one account.
pub(in crate::provider) fn scheme(product: Product) -> &'static str {
    if product == Product::Instagram { "igsid" } else { "psid" }
}

/// A phone number for people, in E.164.
fn phone(formatted: &str) -> Option<String> {
    let digits: String = formatted.chars().filter(char::is_ascii_digit).collect();
    (!digits.is_empty()).then(|| ["+", &digits].concat())
}
