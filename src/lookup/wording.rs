//! A setting that is a template over the event.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::expression::{Subject, Template};

/// A text that may hold `{{ … }}`. In a schema its `format` is [`FORMAT`](Self::FORMAT): that is
/// how the configuration knows to say at its very place what is wrong with it.
#[derive(Debug)]
pub struct Wording {
    source: String,
    template: Template,
}

impl Wording {
    /// The `format` of its schema.
    pub const FORMAT: &'static str = "template";

    /// A text of ours, which compiles.
    pub(super) fn fixed(source: &'static str) -> Self {
        let template = Template::compile(source).expect("a template of the program compiles");
        Self { source: source.to_owned(), template }
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The text for an event.
    ///
    /// # Errors
    /// Why there is none, such as what is missing.
    pub fn render(&self, subject: &Subject) -> Result<String, String> {
        self.template.render_text(subject).map_err(|it| it.to_string())
    }
}

impl<'de> Deserialize<'de> for Wording {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let source = String::deserialize(deserializer)?;
        let template = Template::compile(&source).map_err(D::Error::custom)?;
        Ok(Self { source, template })
    }
}

impl Serialize for Wording {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

impl JsonSchema for Wording {
    fn schema_name() -> Cow<'static, str> {
        "Wording".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": Self::FORMAT})
    }
}
