//! The envelope that every product of Meta shares, opened leniently: every element on its own,
//! whatever stands beside it.
//!
//! A Meta app may send everything it subscribes to to one URL, so that what a body is about is read
//! from the body, not from the source that took it.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::place::{self, Place};
use super::{Product, instagram, messenger, whatsapp};
use crate::event::Draft;
use crate::lenient::{Text, each};

#[derive(Deserialize)]
struct Envelope<'a, List> {
    #[serde(borrow, default)]
    object: Text<'a>,
    entry: List,
}

#[derive(Deserialize)]
struct Entry<'a, Changes, List> {
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow, default)]
    time: Text<'a>,
    changes: Option<Changes>,
    messaging: Option<List>,
    standby: Option<List>,
}

impl<Changes, List> Entry<'_, Changes, List> {
    fn has_lists(&self) -> bool {
        self.changes.is_some() || self.messaging.is_some() || self.standby.is_some()
    }
}

/// An entry whose lists are lists, and whose changes are objects.
type Typed<'a> = Entry<'a, Vec<Change<'a>>, Vec<&'a RawValue>>;

impl Typed<'_> {
    fn is_whole(&self) -> bool {
        self.has_lists() && self.changes.iter().flatten().all(|it| it.value.is_some())
    }
}

#[derive(Deserialize, Default)]
struct Change<'a> {
    #[serde(borrow, default)]
    field: Text<'a>,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
    /// Why there is no value, and all there is instead.
    #[serde(skip)]
    odd: Option<(&'static str, &'a RawValue)>,
}

impl<'a> Change<'a> {
    fn read(raw: &'a RawValue) -> Self {
        let (change, reason) = match serde_json::from_str::<Self>(raw.get()) {
            Ok(it) if it.value.is_some() => return it,
            Ok(it) => (it, "a change without a value"),
            Err(_) => (Self::default(), "a change that is not an object"),
        };
        Self { odd: Some((reason, raw)), ..change }
    }
}

/// Every event in a body, in its order; never empty. `own` is the product of the source that took
/// it, for what no product can be told of.
pub(in crate::provider) fn drafts(own: Product, body: &[u8]) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let (product, reason) = match std::str::from_utf8(body) {
        Ok(text) => envelope(own, text, &mut drafts),
        Err(_) => (own, "not UTF-8"),
    };
    if drafts.is_empty() {
        drafts.push(place::whole(product, body, reason));
    }
    drafts
}

/// Whose body it is, and why there may be nothing in it.
fn envelope(own: Product, body: &str, drafts: &mut Vec<Draft>) -> (Product, &'static str) {
    if let Ok(envelope) = serde_json::from_str::<Envelope<'_, Vec<Typed<'_>>>>(body)
        && envelope.entry.iter().all(Entry::is_whole)
    {
        let about = About::new(own, body, &envelope.object);
        envelope.entry.iter().for_each(|it| about.entry(it, drafts));
        return (about.product(), "nothing in it");
    }
    // Something in the list is not what it should be: each entry on its own.
    let envelope: Envelope<'_, Option<&RawValue>> = match serde_json::from_str(body) {
        Ok(it) => it,
        Err(it) => return (own, if it.is_data() { "not an object" } else { "not JSON" }),
    };
    let about = About::new(own, body, &envelope.object);
    if envelope.entry.is_none() {
        return (about.product(), "without `entry`");
    }
    for raw in each(envelope.entry) {
        match serde_json::from_str::<Entry<'_, &RawValue, &RawValue>>(raw.get()) {
            Ok(it) if it.has_lists() => {
                let list = |it: Option<_>| it.map(|it| each(Some(it)));
                let (messaging, standby) = (list(it.messaging), list(it.standby));
                let changes = list(it.changes);
                let changes = changes.map(|it| it.into_iter().map(Change::read).collect());
                about.entry(
                    &Entry { id: it.id, time: it.time, changes, messaging, standby },
                    drafts,
                );
            }
            _ => {
                let list =
                    if about.known == Some(Product::WhatsApp) { "" } else { "`messaging` or " };
                let reason = format!("an entry without {list}`changes`");
                drafts.push(Place::of_body(about.product(), body).unmapped(reason, raw));
            }
        }
    }
    (about.product(), "nothing in it")
}

/// What a body is about.
struct About<'a> {
    own: Product,
    body: &'a str,
    object: &'a str,
    known: Option<Product>,
}

impl<'a> About<'a> {
    fn new(own: Product, body: &'a str, object: &'a Text<'_>) -> Self {
        let object = object.or_empty();
        Self { own, body, object, known: Product::of_object(object) }
    }

    fn product(&self) -> Product {
        self.known.unwrap_or(self.own)
    }

    fn entry(&self, entry: &Typed<'_>, drafts: &mut Vec<Draft>) {
        let (id, time) = (entry.id.or_empty(), entry.time.or_empty());
        for (list, field) in [(&entry.messaging, "messaging"), (&entry.standby, "standby")] {
            let Some(list) = list else { continue };
            let place = Place::of_entry(self.product(), self.body, id, time, field);
            for raw in list {
                match self.known {
                    Some(Product::Messenger | Product::Instagram) => {
                        messenger::messaging(&place, raw, drafts);
                    }
                    Some(Product::WhatsApp) | None => {
                        drafts.push(place.unmapped(self.stranger(), raw));
                    }
                }
            }
        }
        for change in entry.changes.iter().flatten() {
            self.change(id, time, change, drafts);
        }
    }

    fn change(&self, id: &str, time: &str, change: &Change<'_>, drafts: &mut Vec<Draft>) {
        let field = change.field.or_empty();
        let place = Place::of_entry(self.product(), self.body, id, time, field);
        if let Some((reason, raw)) = change.odd {
            drafts.push(place.unmapped(reason, raw));
        }
        let Some(value) = change.value else { return };
        match self.known {
            Some(Product::WhatsApp) => whatsapp::change(place, value, drafts),
            Some(Product::Messenger) => messenger::change(&place, value, drafts),
            Some(Product::Instagram) => instagram::change(&place, value, drafts),
            None => drafts.push(place.unmapped(self.stranger(), value)),
        }
    }

    fn stranger(&self) -> String {
        format!("`object` is `{}`", self.object)
    }
}
