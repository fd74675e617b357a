//! What surrounds an element: the change it stands in, its channel and its contacts.

use std::ops::Deref;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::event::facts::{Contact, Conversation};
use crate::event::{Candidate, Draft, phone};
use crate::lenient::{Text, each};
use crate::provider::meta::Place;

/// The surroundings of an element: its place, and what the value says about contacts.
pub(super) struct Setting<'a> {
    place: Place<'a>,
    profiles: Vec<Profile<'a>>,
}

impl<'a> Deref for Setting<'a> {
    type Target = Place<'a>;

    fn deref(&self) -> &Place<'a> {
        &self.place
    }
}

/// One of `contacts[]`.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Profile<'a> {
    #[serde(borrow)]
    wa_id: Text<'a>,
    #[serde(borrow)]
    user_id: Text<'a>,
    #[serde(borrow, rename = "profile")]
    names: Option<&'a RawValue>,
}

/// The names within a [`Profile`].
#[derive(Deserialize, Default)]
#[serde(default)]
struct Names<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    username: Text<'a>,
}

/// `metadata`: which number it arrived at.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata<'a> {
    #[serde(borrow)]
    display_phone_number: Text<'a>,
    #[serde(borrow)]
    phone_number_id: Text<'a>,
}

impl<'a> Setting<'a> {
    /// The surroundings of a change.
    pub(super) fn new(mut place: Place<'a>) -> Self {
        place.historical = place.field == "history";
        Self { place, profiles: Vec::new() }
    }

    /// Adds what the value of the change says about number and contacts.
    pub(super) fn with_value(
        mut self,
        metadata: Option<&'a RawValue>,
        display_phone_number: &Text<'_>,
        contacts: Option<&'a RawValue>,
    ) -> Self {
        let metadata: Metadata<'_> = decoded(metadata);
        if let Some(id) = metadata.phone_number_id.get() {
            id.clone_into(&mut self.place.channel.account);
        }
        let number = metadata.display_phone_number.get().or(display_phone_number.get());
        self.place.channel.address = number.and_then(|it| phone::e164(it, None));
        self.profiles = each(contacts).into_iter().map(|it| decoded(Some(it))).collect();
        self
    }

    /// Whether an id is our own number's.
    pub(super) fn is_ours(&self, id: Option<&str>) -> bool {
        let (Some(ours), Some(id)) = (self.channel.address.as_deref(), id) else { return false };
        if ours.strip_prefix('+') == Some(id) {
            return true;
        }
        // Both sides of a line that is written in two ways, which few countries have.
        let line = phone::same_line(ours);
        line.is_some() && number(id).and_then(|it| phone::same_line(&it)) == line
    }

    /// Whoever has these ids, with what `contacts[]` adds. `None` when there is no id at all.
    pub(super) fn contact(&self, id: Option<String>, user_id: Option<String>) -> Option<Contact> {
        let (mut wa_id, mut bsuid) = (None, user_id);
        match &id {
            Some(it) if is_bsuid(it) => bsuid = bsuid.or_else(|| id.clone()),
            _ => wa_id.clone_from(&id),
        }
        let profile = self.profile(wa_id.as_deref(), bsuid.as_deref());
        if let Some(profile) = profile {
            wa_id = wa_id.or_else(|| profile.wa_id().map(str::to_owned));
            bsuid = bsuid.or_else(|| profile.bsuid().map(str::to_owned));
        }
        let names: Names<'_> = decoded(profile.and_then(|it| it.names));
        Some(Contact {
            id: id.or_else(|| bsuid.clone()).or_else(|| wa_id.clone())?,
            phone: wa_id.as_deref().and_then(number),
            wa_id,
            bsuid,
            username: names.username.get().map(|it| it.trim_start_matches('@').to_owned()),
            name: names.name.get().map(str::to_owned),
        })
    }

    /// The conversation of a contact, or of a group.
    pub(super) fn place(&self, draft: &mut Draft, contact: Option<Contact>, group: Option<String>) {
        draft.candidates = match &group {
            Some(group) => vec![self.candidate("group", group)],
            None => contact.iter().flat_map(|it| self.candidates(it)).collect(),
        };
        draft.facts.contact = contact;
        draft.facts.conversation = Conversation { group, standby: self.standby, bot: None };
    }

    /// The identifiers of a contact, strongest first.
    pub(super) fn candidates(&self, contact: &Contact) -> Vec<Candidate> {
        let bsuid = contact.bsuid.iter().map(|it| self.candidate("bsuid", it));
        let wa_id = contact.wa_id.iter().map(|it| self.candidate("wa_id", it));
        // Last, so that whoever has exactly this id is found before a line that has two.
        let line = contact.phone.as_deref().and_then(phone::same_line);
        let line = line.iter().map(|it| self.candidate("phone", it));
        bsuid.chain(wa_id).chain(line).collect()
    }

    /// The profile with one of these ids; or the only one, if it does not contradict them.
    fn profile(&self, wa_id: Option<&str>, bsuid: Option<&str>) -> Option<&Profile<'a>> {
        let same = |a: Option<&str>, b: Option<&str>| a.is_some() && a == b;
        let may_be = |a: Option<&str>, b: Option<&str>| a.is_none() || b.is_none() || a == b;
        self.profiles.iter().find(|it| same(it.bsuid(), bsuid) || same(it.wa_id(), wa_id)).or(
            match &*self.profiles {
                [it] if may_be(it.wa_id(), wa_id) && may_be(it.bsuid(), bsuid) => Some(it),
                _ => None,
            },
        )
    }
}

impl Profile<'_> {
    fn wa_id(&self) -> Option<&str> {
        self.wa_id.get().filter(|it| !is_bsuid(it))
    }

    fn bsuid(&self) -> Option<&str> {
        self.user_id.get().or_else(|| self.wa_id.get().filter(|it| is_bsuid(it)))
    }
}

fn decoded<'a, T: Deserialize<'a> + Default>(raw: Option<&'a RawValue>) -> T {
    raw.and_then(|it| serde_json::from_str(it.get()).ok()).unwrap_or_default()
}

/// Whether an id is business-scoped: a country, a dot, and up to 128 letters and digits.
fn is_bsuid(id: &str) -> bool {
    let Some((country, rest)) = id.split_once('.') else { return false };
    country.len() == 2
        && country.bytes().all(|it| it.is_ascii_uppercase())
        && (1..=128).contains(&rest.len())
        && rest.bytes().all(|it| it.is_ascii_alphanumeric())
}

/// A `WhatsApp` id as a phone number, if it can be one: it is E.164 without the plus.
fn number(wa_id: &str) -> Option<String> {
    let digits = wa_id.bytes().all(|it| it.is_ascii_digit());
    digits.then(|| phone::e164(wa_id, None)).flatten()
}

/// The digits of a phone number for people: the `WhatsApp` id it usually has.
pub(super) fn digits(formatted: &str) -> Option<String> {
    phone::e164(formatted, None).map(|it| it[1..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_business_scoped_id_is_known_by_its_shape() {
        for id in ["US.13491208655302741918", "BR.a1B2"] {
            assert!(is_bsuid(id), "{id}");
        }
        for id in ["16505551234", "us.1", "US.", "USA.1", "US.ENT.1", "US.1-2", "", "foo_bar"] {
            assert!(!is_bsuid(id), "{id}");
        }
    }

    #[test]
    fn only_what_can_be_a_number_is_called_one() {
        assert_eq!(number("16505551234").as_deref(), Some("+16505551234"));
        for id in ["123456", "1234567890123456", "1650555123a", "+16505551234", ""] {
            assert_eq!(number(id), None, "{id}");
        }
        assert_eq!(digits("+250 788 123 200").as_deref(), Some("250788123200"));
        assert_eq!(digits("n/a"), None);
    }
}
