//! What a preset says of itself, for the reference page.

use super::{Form, Method, Preset};
use crate::provider::Proof;

impl Preset {
    /// The header that holds the proof, with what stands before it; `None` where no header does.
    pub fn header(&self) -> Option<String> {
        let prefix = self.prefix;
        (!self.header.is_empty()).then(|| match self.form {
            Form::Value => format!("{}: {prefix}…", self.header),
            Form::Pairs => {
                let Self { header, timestamp, separator, signature, .. } = self;
                format!("{header}: {timestamp}=…{separator}{signature}=…")
            }
            Form::Versions => format!("{}: {},…", self.header, self.signature),
        })
    }

    /// What is signed, as `signed` has it; `None` where nothing is.
    pub fn signed(&self) -> Option<&'static str> {
        (self.method == Method::Signature).then_some(self.signed)
    }

    /// What a passed check proves.
    pub fn proof(&self) -> Proof {
        match self.method {
            Method::Signature if self.signed.contains("{ts}") => Proof::BodyAndTime,
            Method::Signature => Proof::Body,
            Method::Token | Method::Basic | Method::Path => Proof::Sender,
            Method::None => Proof::Nothing,
        }
    }
}
