//! A message and what it may hold.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Failure;

/// A message, in either direction.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Message {
    /// The provider's id of this message.
    pub id: String,
    /// The provider's word for its type: `text`, `image`, `interactive`, … For an edit, the type
    /// of what the message is now.
    #[serde(rename = "type")]
    pub kind: String,
    /// What a person would read: a text's body, a medium's caption, a button's title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A file, by reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<Media>,
    /// The files after the first, where one message holds several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<Media>,
    /// A place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// Shared contact cards, as the provider sent them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<Value>,
    /// The answer to buttons, lists and forms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interactive: Option<Interactive>,
    /// An emoji on another message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reaction: Option<Reaction>,
    /// An order from a catalogue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// What the message answers or forwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
    /// The advertisement or post that led here, as the provider sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referral: Option<Value>,
    /// The message that an edit or a deletion concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original: Option<String>,
    /// Where one of our own messages was written: `business_app`, `agent`, `api`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Who of our side is to answer, in the provider's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// What a voice note says, as the provider heard it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transcription: Option<String>,
    /// The choices that came with a question, as the provider sent them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Value>,
    /// How many there are of each reaction, as the provider sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reactions: Option<Value>,
    /// The topic of the group it stands in, by the provider's id: an answer goes there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// What it was sent together with: the messages of an album share it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub album: Option<String>,
    /// Why the provider could not show the message.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Failure>,
}

/// A file, by reference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Media {
    /// The provider's id, to fetch it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where it lies; often short-lived and only readable with the account's token, unless the
    /// route says `media: fetch`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// MIME type, verbatim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// SHA-256 of the content, as the provider encoded it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The file's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// The caption.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// It is a voice note rather than an audio file.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub voice: bool,
    /// It is an animated sticker.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub animated: bool,
}

/// A place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Location {
    /// Degrees north; negative in the south.
    pub latitude: f64,
    /// Degrees east; negative in the west.
    pub longitude: f64,
    /// The place's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// A web page about the place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The answer to a button, a list or a form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Interactive {
    /// The provider's word for it: `button`, `button_reply`, `list_reply`, `nfm_reply`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The payload or id that the sender of the question chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What the contact saw and chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The line under the title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The form's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The form's answer: the decoded JSON, or the string itself where it was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<Value>,
}

/// An emoji on another message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Reaction {
    /// The message it was put on.
    pub message_id: String,
    /// The emoji; absent when the reaction was taken back and the provider does not say which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
    /// The reaction was taken back.
    pub removed: bool,
}

/// An order from a catalogue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Order {
    /// The catalogue, by the provider's id.
    pub catalog: String,
    /// What was ordered.
    pub items: Vec<OrderItem>,
}

/// One line of an order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OrderItem {
    /// The product, by the retailer's id.
    pub product: String,
    /// How many were ordered.
    pub quantity: f64,
    /// The price of one.
    pub price: f64,
    /// The currency, as an ISO 4217 code.
    pub currency: String,
}

/// What a message answers or forwards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Context {
    /// The message that is answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Who wrote that message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The story that is answered, by the provider's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub story: Option<String>,
    /// Where that story can be seen; short-lived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The message was forwarded.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub forwarded: bool,
    /// The message was forwarded many times.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub frequently_forwarded: bool,
    /// The product that is asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The catalogue of that product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog: Option<String>,
}
