//! Where an element stands: the body, the entry, the list or change it came in.

use std::ops::Range;

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::Product;
use crate::event::facts::{Channel, Unmapped};
use crate::event::{Candidate, Draft, Facts, Kind};
use crate::lenient::moment;

/// Where an element stands, and whose it is.
pub(in crate::provider) struct Place<'a> {
    /// Whose element it is.
    pub(in crate::provider) product: Product,
    body: &'a str,
    /// The `field` of the change, or the name of the list of messaging events.
    pub(in crate::provider) field: &'a str,
    entry: &'a str,
    /// The entry's time, verbatim; empty when it has none.
    pub(in crate::provider) time: &'a str,
    /// Our side.
    pub(in crate::provider) channel: Channel,
    /// A copy for us to read along, while another party holds the conversation.
    pub(in crate::provider) standby: bool,
    /// Told after the fact.
    pub(in crate::provider) historical: bool,
}

impl<'a> Place<'a> {
    /// Somewhere in a body, when nothing more is known.
    pub(super) fn of_body(product: Product, body: &'a str) -> Self {
        Self {
            product,
            body,
            field: "",
            entry: "",
            time: "",
            channel: channel(product),
            standby: false,
            historical: false,
        }
    }

    /// In an entry: its id and time, and the field of the change or the name of the list.
    pub(super) fn of_entry(
        product: Product,
        body: &'a str,
        entry: &'a str,
        time: &'a str,
        field: &'a str,
    ) -> Self {
        let account = entry.to_owned();
        // An entry of WhatsApp is a business account; the number is known by the value.
        let business = (product == Product::WhatsApp && !entry.is_empty()).then(|| account.clone());
        let channel = Channel { account, business, ..channel(product) };
        Self {
            field,
            entry,
            time,
            channel,
            standby: field == "standby",
            ..Self::of_body(product, body)
        }
    }

    /// A draft with nothing in it but where it came from.
    pub(in crate::provider) fn draft(
        &self,
        kind: Kind,
        dedup_key: String,
        raw: &RawValue,
    ) -> Draft {
        Draft {
            kind,
            dedup_key,
            time: moment(self.time),
            historical: self.historical,
            anonymous: false,
            candidates: Vec::new(),
            facts: Box::new(Facts { channel: self.channel.clone(), ..Facts::default() }),
            raw: self.range(raw),
        }
    }

    /// A draft of what nobody knows.
    pub(in crate::provider) fn unmapped(&self, reason: impl Into<String>, raw: &RawValue) -> Draft {
        self.unmapped_in(self.field, reason, raw)
    }

    /// A draft of what nobody knows, in a field within the element.
    pub(in crate::provider) fn unmapped_in(
        &self,
        field: &str,
        reason: impl Into<String>,
        raw: &RawValue,
    ) -> Draft {
        let prefix = ["unmapped:", field].concat();
        let key = self.fragment_key(&prefix, None, raw);
        let mut draft = self.draft(self.product.unmapped(), key, raw);
        let field = Some(field.to_owned()).filter(|it| !it.is_empty());
        draft.facts.unmapped = Some(Unmapped { field, reason: reason.into() });
        draft
    }

    /// The key of a fragment without an id: equal for equal fragments of one account and moment.
    pub(in crate::provider) fn fragment_key(
        &self,
        prefix: &str,
        time: Option<&str>,
        raw: &RawValue,
    ) -> String {
        let time = time.unwrap_or(self.time);
        format!("{prefix}:{}:{time}:{}", self.entry, digest(raw.get().as_bytes()))
    }

    /// An identifier that is valid within our account.
    pub(in crate::provider) fn candidate(&self, scheme: &'static str, value: &str) -> Candidate {
        Candidate::new(scheme, &self.channel.account, value)
    }

    /// Where a fragment lies in the body. It borrows from it, so this is plain subtraction.
    fn range(&self, raw: &RawValue) -> Range<usize> {
        let start = raw.get().as_ptr().addr() - self.body.as_ptr().addr();
        start..start + raw.get().len()
    }
}

/// A body of which nothing is known.
pub(super) fn whole(product: Product, body: &[u8], reason: &str) -> Draft {
    Draft {
        kind: product.unmapped(),
        dedup_key: format!("unmapped:{}", digest(body)),
        time: None,
        historical: false,
        anonymous: false,
        candidates: Vec::new(),
        facts: Box::new(Facts {
            channel: channel(product),
            unmapped: Some(Unmapped { field: None, reason: reason.to_owned() }),
            ..Facts::default()
        }),
        raw: 0..body.len(),
    }
}

fn channel(product: Product) -> Channel {
    Channel { provider: product.name().into(), ..Channel::default() }
}

/// Enough of a SHA-256 to tell fragments apart.
fn digest(fragment: &[u8]) -> String {
    hex::encode(&Sha256::digest(fragment)[..16])
}
