//! `map:` of a source: what of a payload is what of an event.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::kind;
use super::wanted::{Place, Reference, Wanted, pointer};
use crate::event::Kind;

/// What a request means. A value is a JSON pointer where it begins with `/`, a header where it
/// begins with `header:`, and otherwise a text that may hold both: `{/customer/name}`,
/// `{header:X-Event}`; `{{` is a brace.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Map {
    /// The kind of event: two lower-case words with a dot such as `order.created`, or where it
    /// stands, such as `shop.{/topic}`. What is no kind then becomes `event.received`, and its
    /// word `event.fields.type`.
    kind: Option<String>,
    /// A pointer to a list: each of its elements is an event, and pointers begin there. What
    /// stands outside the list is reached with `body:/pointer`.
    items: Option<String>,
    /// What is equal for two deliveries of the same happening, and for nothing else. Without it:
    /// the id of a `CloudEvent`, or a header such as `webhook-id`; where there is none, every request
    /// is a happening of its own.
    key: Option<String>,
    /// When it happened: seconds or milliseconds since 1970, or ISO 8601.
    time: Option<String>,
    /// What a person would read.
    text: Option<String>,
    /// Who it is about.
    contact: Person,
    /// What is equal for events of one conversation; the contact by default.
    conversation: Option<String>,
    /// Our side: the shop, the mailbox, the account it arrived at.
    account: Option<String>,
    /// Anything else, by the name it has in `event.fields`.
    fields: BTreeMap<String, String>,
}

/// Who an event is about.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Person {
    /// The sender's id of the contact; by default the phone number, the address or the user name.
    id: Option<String>,
    /// A phone number.
    phone: Option<String>,
    /// The name to show.
    name: Option<String>,
    /// A public user name.
    username: Option<String>,
    /// An electronic mail address; it arrives as `event.fields.email`, of a lead as
    /// `event.lead.email`.
    email: Option<String>,
}

/// A [`Map`], read.
#[derive(Default)]
pub(super) struct Mapping {
    pub(super) kind: Option<Named>,
    pub(super) items: Option<String>,
    pub(super) key: Option<Wanted>,
    pub(super) time: Option<Wanted>,
    pub(super) text: Option<Wanted>,
    pub(super) id: Option<Wanted>,
    pub(super) phone: Option<Wanted>,
    pub(super) name: Option<Wanted>,
    pub(super) username: Option<Wanted>,
    pub(super) email: Option<Wanted>,
    pub(super) conversation: Option<Wanted>,
    pub(super) account: Option<Wanted>,
    pub(super) fields: Vec<(String, Wanted)>,
}

/// What names the kind.
pub(super) enum Named {
    Always(Kind),
    By(Wanted),
}

impl Mapping {
    /// # Errors
    /// A sentence for the operator.
    pub(super) fn new(map: &Map) -> Result<Self, String> {
        let read = |setting: &str, written: &Option<String>| match written.as_deref() {
            None | Some("") => Ok(None),
            Some(written) => Wanted::parse(setting, written).map(Some),
        };
        let Map { contact, fields, .. } = map;
        let items = map.items.as_deref().filter(|it| !it.is_empty());
        let mut mapping = Self {
            kind: named(read("map.kind", &map.kind)?)?,
            items: items.map(|it| pointer("map.items", it)).transpose()?,
            key: read("map.key", &map.key)?,
            time: read("map.time", &map.time)?,
            text: read("map.text", &map.text)?,
            id: read("map.contact.id", &contact.id)?,
            phone: read("map.contact.phone", &contact.phone)?,
            name: read("map.contact.name", &contact.name)?,
            username: read("map.contact.username", &contact.username)?,
            email: read("map.contact.email", &contact.email)?,
            conversation: read("map.conversation", &map.conversation)?,
            account: read("map.account", &map.account)?,
            fields: Vec::new(),
        };
        for (name, written) in fields {
            if !is_name(name) {
                return Err(format!(
                    "`map.fields`: `{name}` is no name; use letters, digits and `_`"
                ));
            }
            let wanted = Wanted::parse(&format!("map.fields.{name}"), written)?;
            mapping.fields.push((name.clone(), wanted));
        }
        if mapping.key.as_ref().is_some_and(|it| it.fixed().is_some()) {
            return Err(
                "`map.key` is the same for every request, so that all but the first would \
                        be taken for duplicates; point at an id"
                    .into(),
            );
        }
        mapping.fits()?;
        Ok(mapping)
    }

    /// Refuses what the kind has no place for.
    fn fits(&self) -> Result<(), String> {
        let Some(Named::Always(kind)) = &self.kind else { return Ok(()) };
        let sections = kind.sections();
        let has = |section: &str| sections.contains(&section);
        let fields = has("fields") || has("lead") || has("flow");
        let person = [&self.id, &self.phone, &self.name, &self.username];
        for (setting, is_mapped, has_place) in [
            ("map.text", self.text.is_some(), has("message")),
            ("map.contact", person.iter().any(|it| it.is_some()), has("contact")),
            ("map.contact.email", self.email.is_some(), has("fields") || has("lead")),
            ("map.conversation", self.conversation.is_some(), has("conversation")),
            ("map.fields", !self.fields.is_empty(), fields),
        ] {
            if is_mapped && !has_place {
                let own = kind.as_str().split('.').next().unwrap_or_default();
                return Err(format!(
                    "`{setting}`: `{kind}` has no place for it; leave it out, or give `map.kind` a \
                     name of your own, such as `{own}.mine`"
                ));
            }
        }
        Ok(())
    }

    fn wanted(&self) -> impl Iterator<Item = &Wanted> {
        let kind = match &self.kind {
            Some(Named::By(wanted)) => Some(wanted),
            _ => None,
        };
        let single = [
            &self.key,
            &self.time,
            &self.text,
            &self.id,
            &self.phone,
            &self.name,
            &self.username,
            &self.email,
            &self.conversation,
            &self.account,
        ];
        let fields = self.fields.iter().map(|(_, it)| it);
        kind.into_iter().chain(single.into_iter().flatten()).chain(fields)
    }

    fn references(&self) -> impl Iterator<Item = &Reference> {
        self.wanted().flat_map(Wanted::references)
    }

    /// The headers it reads, in lower case.
    pub(super) fn headers(&self) -> impl Iterator<Item = &Box<str>> {
        self.references().filter_map(|it| match it {
            Reference::Header(name) => Some(name),
            _ => None,
        })
    }

    /// Whether it points into payloads, and nothing that it points at is in this one. Of a list,
    /// what stands around it says nothing about an element.
    pub(super) fn misses(&self, place: &Place<'_>) -> bool {
        let mut pointers = self.references().filter(|it| match it {
            Reference::Element(_) => true,
            Reference::Body(_) => self.items.is_none(),
            Reference::Header(_) => false,
        });
        let mut any = false;
        let found = pointers.any(|it| {
            any = true;
            it.find(place).is_some()
        });
        any && !found
    }
}

fn named(wanted: Option<Wanted>) -> Result<Option<Named>, String> {
    let Some(wanted) = wanted else { return Ok(None) };
    let Some(fixed) = wanted.fixed() else { return Ok(Some(Named::By(wanted))) };
    kind::exact(&fixed).map(|it| Some(Named::Always(it))).ok_or_else(|| {
        format!(
            "`map.kind`: `{fixed}` is no kind; write two lower-case words with a dot between them, \
             such as `order.created`, or where it stands: `shop.{{/topic}}`"
        )
    })
}

/// Whether an expression can name it.
fn is_name(name: &str) -> bool {
    name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_')
        && name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn error(map: Value) -> String {
        let map: Map = serde_json::from_value(map).unwrap();
        Mapping::new(&map).err().unwrap_or_default()
    }

    #[test]
    fn a_mapping_that_could_never_work_is_refused_with_what_to_do() {
        for (map, reason) in [
            (json!({"kind": "Order.Created"}), "`Order.Created` is no kind; write two lower-case"),
            (json!({"kind": "order"}), "`order` is no kind"),
            (json!({"kind": "whatsapp.unmapped"}), "is no kind"),
            (json!({"kind": "shop.{topic}"}), "`map.kind` cannot hold `{topic}`"),
            (json!({"items": "orders"}), "`map.items`: `orders` is no JSON pointer"),
            (json!({"key": "id"}), "point at an id"),
            (json!({"fields": {"a-b": "/x"}}), "`a-b` is no name"),
            (json!({"fields": {"a": "{x}"}}), "`map.fields.a` cannot hold `{x}`"),
            (json!({"contact": {"name": "{x}"}}), "`map.contact.name` cannot hold"),
            (
                json!({"kind": "message.received", "fields": {"a": "/x"}}),
                "`map.fields`: `message.received` has no place for it",
            ),
            (json!({"kind": "template.status", "text": "/x"}), "`map.text`: `template.status`"),
            (json!({"kind": "number.name", "contact": {"id": "/x"}}), "`map.contact`: `number"),
        ] {
            let error = error(map.clone());
            assert!(error.contains(reason), "{map}: {error}");
        }
        for map in [
            json!({"kind": "order.created", "text": "/a", "fields": {"total_2": "/t"}}),
            json!({"kind": "lead.received", "contact": {"email": "/e"}, "fields": {"a": "/b"}}),
            json!({"kind": "/type", "fields": {"a": "/b"}}),
            json!({}),
        ] {
            assert_eq!(error(map.clone()), "", "{map}");
        }
    }
}
