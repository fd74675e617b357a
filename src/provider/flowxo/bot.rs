//! What a Custom HTTP Bot says: Flow XO posts its output to us.
//!
//! The vendor's page says only that the body "will have a different shape based on whether it is
//! a text message, a question, a video, a custom request". What is read here is what integrations
//! in the open read: `message`, `message_type` and `options` (github.com/kartar-singh/flowxo-http).

use std::ops::Range;

use serde_json::Value;

use super::{PROVIDER, message};
use crate::event::facts::{Channel, Contact, Flow, Message};
use crate::event::{Candidate, Draft, Kind};
use crate::lenient::{first, text, time};
use crate::provider::fragment::{self, digest};

/// The event of one call.
pub(super) fn draft(value: &Value, bot: &str, body: &[u8], raw: Range<usize>) -> Draft {
    let kind = text(&value["message_type"]).unwrap_or_else(|| "text".to_owned());
    let id = first(value, &["message_id", "id"]);
    let key = match &id {
        Some(id) => format!("message:{id}"),
        None => format!("bot:{bot}:{}", digest(&body[raw.clone()])),
    };
    let mut draft = fragment::draft(PROVIDER, Kind::MESSAGE_SENT, key, raw);
    draft.anonymous = id.is_none();
    draft.time = time(&value["timestamp"]);
    let path = text(&value["response_path"]).filter(|it| it.contains("/c/"));
    let user = path.as_deref().and_then(|it| it.split_once("/c/")).map(|it| it.1.to_owned());
    let channel = address(&value["channel"]);
    let contact = address(&value["to"]).or(user).or_else(|| channel.clone());
    let candidates = [("response_path", path), ("channel", channel)];
    let known = candidates.into_iter().filter_map(|(scheme, it)| Some((scheme, it?)));
    draft.candidates = known.map(|(scheme, it)| Candidate::new(scheme, bot, &it)).collect();
    draft.facts.channel = Channel { account: bot.to_owned(), ..draft.facts.channel };
    draft.facts.contact = contact.map(|id| {
        let name = first(&value["to"], &["name"]);
        Contact { id, name, ..Contact::default() }
    });
    if kind == "action" {
        // "Typing…" and the like: nothing was said.
        draft.kind = Kind::FLOW_TRIGGERED;
        let fields = value.as_object().cloned().unwrap_or_default();
        draft.facts.flow = Some(Flow { name: Some(kind), fields, ..Flow::default() });
        return draft;
    }
    let mut said = message::read(value);
    if said.media.is_none() {
        let mut medium = Message::default();
        message::medium(&value["message"], &mut medium);
        said.media = medium.media;
    }
    said.text = said.text.or_else(|| text(&value["options"]["choices_message"]));
    let id = id.unwrap_or_else(|| answered(&draft));
    draft.facts.message = Some(Message { id, kind, origin: Some("bot".to_owned()), ..said });
    draft
}

/// The id that a call is answered with: its own, or one that each repetition gets again.
pub(super) fn answered(draft: &Draft) -> String {
    let said = draft.facts.message.as_ref().map(|it| &*it.id).filter(|it| !it.is_empty());
    said.map_or_else(|| digest(draft.dedup_key.as_bytes()), str::to_owned)
}

/// Whom a message goes to: `"some@user.example"`, or `{"id": "some@user.example"}`.
fn address(value: &Value) -> Option<String> {
    text(value).or_else(|| text(&value["id"]))
}
