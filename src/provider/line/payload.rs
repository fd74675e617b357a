//! LINE's payload: `{"destination": "U…", "events": […]}`, each event on its own.
//!
//! Source: developers.line.biz, Messaging API reference, "Webhook event objects".

use std::ops::Range;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::event::facts::{
    Contact, Context, Conversation, Group, Interactive, Location, Media, Message, Notice,
    Preference,
};
use crate::event::{Candidate, Draft, Facts, Kind};
use crate::lenient::{Text, each, first, flag, list, number, object, text, time};
use crate::provider::fragment;

/// What a LINE source can say.
pub(super) const KINDS: &[Kind] = &[
    Kind::MESSAGE_RECEIVED,
    Kind::MESSAGE_EDITED,
    Kind::MESSAGE_DELETED,
    Kind::POSTBACK_RECEIVED,
    Kind::CONTACT_UPDATED,
    Kind::PREFERENCE_CHANGED,
    Kind::GROUP_LIFECYCLE,
    Kind::GROUP_PARTICIPANTS,
    UNMAPPED,
];

const PROVIDER: &str = "line";

const UNMAPPED: Kind = Kind::named("line.unmapped");

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    destination: Text<'a>,
    #[serde(borrow, default)]
    events: Option<&'a RawValue>,
}

/// Whether a body has no events and was never meant to: LINE checks the URL so.
pub(super) fn is_check(body: &[u8]) -> bool {
    let envelope: Result<Envelope<'_>, _> = serde_json::from_slice(body);
    envelope.is_ok_and(|it| it.events.is_some_and(|it| it.get() == "[]"))
}

/// Every event in a body, in its order; never empty.
pub(super) fn drafts(body: &[u8]) -> Vec<Draft> {
    let envelope = std::str::from_utf8(body)
        .map_err(|_| "not UTF-8")
        .and_then(|it| serde_json::from_str::<Envelope<'_>>(it).map_err(|_| "not an object"));
    let (account, events, reason) = match &envelope {
        Ok(it) => (it.destination.or_empty(), each(it.events), "without events"),
        Err(reason) => ("", Vec::new(), *reason),
    };
    let setting = Setting { body, account };
    let drafts: Vec<Draft> = events.into_iter().map(|it| setting.draft(it)).collect();
    if drafts.is_empty() { vec![setting.unmapped(0..body.len(), reason)] } else { drafts }
}

/// What surrounds an event.
struct Setting<'a> {
    body: &'a [u8],
    account: &'a str,
}

impl Setting<'_> {
    /// A draft of what nobody knows. LINE delivers it again as it was, so it is told from its like.
    fn unmapped(&self, range: Range<usize>, reason: impl Into<String>) -> Draft {
        let mut draft = fragment::unmapped(PROVIDER, UNMAPPED, self.body, range, reason);
        draft.anonymous = false;
        self.account.clone_into(&mut draft.facts.channel.account);
        draft
    }

    fn draft(&self, raw: &RawValue) -> Draft {
        let range = fragment::range(self.body, raw);
        let event = match object(raw) {
            Ok(event) => event,
            Err(reason) => return self.unmapped(range, format!("an event that is {reason}")),
        };
        let word = text(&event["type"]).unwrap_or_default();
        match self.told(&event, &word, raw, range.clone()) {
            Ok(draft) => draft,
            Err(reason) => {
                let mut draft = self.unmapped(range, reason);
                if let Some(unmapped) = &mut draft.facts.unmapped {
                    unmapped.field = Some(word).filter(|it| !it.is_empty());
                }
                draft.time = time(&event["timestamp"]);
                self.place(&mut draft, &event);
                draft
            }
        }
    }

    /// # Errors
    /// Why the event has no kind.
    fn told(
        &self,
        event: &Value,
        word: &str,
        raw: &RawValue,
        range: Range<usize>,
    ) -> Result<Draft, String> {
        let (kind, facts) = facts(event, word)?;
        // An event that is delivered again keeps its id; `deliveryContext` alone differs.
        let id = text(&event["webhookEventId"]);
        let id = id.unwrap_or_else(|| fragment::digest(raw.get().as_bytes()));
        let key = format!("event:{}:{id}", self.account);
        let mut draft = fragment::draft(PROVIDER, kind, key, range);
        draft.time = time(&event["timestamp"]);
        *draft.facts = Facts { channel: draft.facts.channel, ..facts };
        self.account.clone_into(&mut draft.facts.channel.account);
        self.place(&mut draft, event);
        Ok(draft)
    }

    /// The contact and the conversation of an event: a group's or room's is the group.
    fn place(&self, draft: &mut Draft, event: &Value) {
        let source = &event["source"];
        let user = text(&source["userId"]);
        let group = first(source, &["groupId", "roomId"]);
        let candidate = |scheme, it: &String| Candidate::new(scheme, self.account, it);
        draft.candidates = match (&group, &user) {
            (Some(group), _) => vec![candidate("group", group)],
            (None, Some(user)) => vec![candidate("user", user)],
            (None, None) => Vec::new(),
        };
        if draft.kind.sections().contains(&"contact") {
            draft.facts.contact = user.map(|id| Contact { id, ..Contact::default() });
        }
        let standby = event["mode"] == "standby";
        draft.facts.conversation = Conversation { group, standby, bot: None };
    }
}

/// What an event says, by its type.
///
/// # Errors
/// That nobody knows it.
fn facts(event: &Value, word: &str) -> Result<(Kind, Facts), String> {
    let mut facts = Facts::default();
    let kind = match word {
        "message" => {
            facts.message = Some(message(&event["message"])?);
            Kind::MESSAGE_RECEIVED
        }
        "edit" => {
            facts.message = Some(message(&event["message"])?);
            Kind::MESSAGE_EDITED
        }
        "unsend" => {
            let original = text(&event["unsend"]["messageId"]).ok_or("unsent, but not which")?;
            let kind = "unsend".to_owned();
            facts.message = Some(Message {
                id: original.clone(),
                kind,
                original: Some(original),
                ..Message::default()
            });
            Kind::MESSAGE_DELETED
        }
        "postback" => {
            let postback = &event["postback"];
            let data = text(&postback["data"]).ok_or("a postback without data")?;
            let chosen = &postback["params"];
            facts.message = Some(Message {
                id: text(&event["webhookEventId"]).unwrap_or_default(),
                kind: "postback".into(),
                text: first(chosen, &["datetime", "date", "time"]),
                interactive: Some(Interactive {
                    kind: "postback".into(),
                    id: Some(data),
                    response: Some(chosen.clone()).filter(|it| !it.is_null()),
                    ..Interactive::default()
                }),
                ..Message::default()
            });
            Kind::POSTBACK_RECEIVED
        }
        "follow" | "unfollow" => {
            // Who blocks the account unfollows it; who unblocks it follows it again.
            let value = if word == "follow" { "resume" } else { "stop" };
            let text = flag(&event["follow"]["isUnblocked"]).then(|| "unblocked".to_owned());
            let category = "account".to_owned();
            facts.preference = Some(Preference { category, value: value.into(), text });
            Kind::PREFERENCE_CHANGED
        }
        "join" | "leave" => {
            facts.group = Some(group(event, word));
            Kind::GROUP_LIFECYCLE
        }
        "memberJoined" | "memberLeft" => {
            facts.group = Some(Group {
                added: members(&event["joined"]),
                removed: members(&event["left"]),
                ..group(event, word)
            });
            Kind::GROUP_PARTICIPANTS
        }
        "beacon" | "accountLink" | "membership" | "videoPlayComplete" => {
            let about = if word == "accountLink" { &event["link"] } else { &event[word] };
            facts.notice = Some(Notice {
                field: word.to_owned(),
                event: first(about, &["type", "result"]),
                value: first(about, &["dm", "membershipId", "nonce"]),
                subject: first(about, &["hwid", "trackingId"]),
                ..Notice::default()
            });
            Kind::CONTACT_UPDATED
        }
        "" => return Err("an event without a type".into()),
        other => return Err(format!("an event of type `{other}`")),
    };
    Ok((kind, facts))
}

fn group(event: &Value, word: &str) -> Group {
    let id = first(&event["source"], &["groupId", "roomId"]).unwrap_or_default();
    Group { id, event: word.to_owned(), ..Group::default() }
}

fn members(value: &Value) -> Vec<String> {
    list(&value["members"]).iter().filter_map(|it| text(&it["userId"])).collect()
}

/// # Errors
/// That it has no id.
fn message(value: &Value) -> Result<Message, String> {
    let id = text(&value["id"]).ok_or("a message without an id")?;
    let kind = text(&value["type"]).unwrap_or_default();
    let media = matches!(&*kind, "image" | "video" | "audio" | "file" | "sticker");
    let provider = &value["contentProvider"];
    Ok(Message {
        id: id.clone(),
        text: text(&value["text"]),
        media: media.then(|| Media {
            // A file that LINE keeps is fetched by the message's id; a sticker has one of its own.
            id: text(&value["stickerId"]).or(Some(id)),
            url: text(&provider["originalContentUrl"]),
            filename: text(&value["fileName"]),
            animated: matches!(
                text(&value["stickerResourceType"]).as_deref(),
                Some("ANIMATION" | "ANIMATION_SOUND" | "POPUP" | "POPUP_SOUND")
            ),
            ..Media::default()
        }),
        location: (kind == "location").then(|| Location {
            latitude: number(&value["latitude"]).unwrap_or_default(),
            longitude: number(&value["longitude"]).unwrap_or_default(),
            name: text(&value["title"]),
            address: text(&value["address"]),
            url: None,
        }),
        context: text(&value["quotedMessageId"])
            .map(|it| Context { message_id: Some(it), ..Context::default() }),
        kind,
        ..Message::default()
    })
}
