//! TikTok's events, decoded leniently. Their content is JSON in a string within the JSON.

use std::ops::Range;

use jiff::Timestamp;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::event::facts::{Channel, Contact, Media, Message, Notice, Status, Unmapped};
use crate::event::{Candidate, Draft, Facts, Kind};
use crate::lenient::{each, object, text, time};

/// What a TikTok source can say.
pub(super) const KINDS: &[Kind] = &[
    Kind::MESSAGE_RECEIVED,
    Kind::MESSAGE_SENT,
    Kind::MESSAGE_STATUS,
    Kind::ACCOUNT_UPDATED,
    Kind::ACCOUNT_POST,
    Kind::ACCOUNT_EXPORT,
    UNMAPPED,
];

/// A payload with no kind of its own.
const UNMAPPED: Kind = Kind::named("tiktok.unmapped");

/// One event of TikTok.
struct Event {
    /// Its name, in lower case.
    name: String,
    /// Whose account it is about: `user_openid`.
    account: String,
    /// The app: `client_key`.
    app: Option<String>,
    /// When TikTok made it.
    time: Option<Timestamp>,
    /// `create_time` as it was written.
    written: String,
    /// What the string in `content` holds; null where there is none.
    content: Value,
    raw: Range<usize>,
}

/// Every event in a body; never empty.
pub(super) fn drafts(body: &[u8]) -> Vec<Draft> {
    let Ok(body) = std::str::from_utf8(body) else {
        return vec![unmapped(None, "not UTF-8", body, 0..body.len())];
    };
    let all = |reason| vec![unmapped(None, reason, body.as_bytes(), 0..body.len())];
    let Ok(root) = serde_json::from_str::<&RawValue>(body) else { return all("not JSON") };
    let drafts: Vec<Draft> = each(Some(root)).into_iter().map(|it| draft(body, it)).collect();
    if drafts.is_empty() { all("nothing in it") } else { drafts }
}

fn draft(body: &str, raw: &RawValue) -> Draft {
    let start = raw.get().as_ptr().addr() - body.as_ptr().addr();
    let bytes = raw.get().as_bytes();
    let range = start..start + bytes.len();
    let value = match object(raw) {
        Ok(value) => value,
        Err(reason) => return unmapped(None, &format!("an event that is {reason}"), bytes, range),
    };
    let mut event = Event {
        name: text(get(&value, "event")).unwrap_or_default().trim().to_ascii_lowercase(),
        account: text(get(&value, "user_openid")).unwrap_or_default(),
        app: text(get(&value, "client_key")),
        time: time(get(&value, "create_time")),
        written: text(get(&value, "create_time")).unwrap_or_default(),
        content: Value::Null,
        raw: range,
    };
    let told = content(get(&value, "content")).and_then(|it| {
        event.content = it;
        event.tell()
    });
    told.unwrap_or_else(|reason| {
        let mut draft = unmapped(Some(&event.name), reason, bytes, event.raw.clone());
        draft.time = event.time;
        draft.facts.channel = event.channel();
        draft
    })
}

/// A field by its name, in whatever case.
fn get<'a>(value: &'a Value, name: &str) -> &'a Value {
    let other = || {
        let mut fields = value.as_object()?.iter();
        fields.find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, it)| it)
    };
    value.get(name).or_else(other).unwrap_or(&Value::Null)
}

/// The object in `content`: in a string as TikTok sends it, or as it is. Null where there is none.
fn content(value: &Value) -> Result<Value, &'static str> {
    match value {
        Value::Null | Value::Object(_) => Ok(value.clone()),
        Value::String(it) if it.trim().is_empty() => Ok(Value::Null),
        Value::String(it) => serde_json::from_str::<&RawValue>(it)
            .map_err(|_| "a content that is not JSON")
            .and_then(|it| object(it).map_err(|_| "a content that is not an object")),
        _ => Err("a content that is not an object"),
    }
}

impl Event {
    fn tell(&self) -> Result<Draft, &'static str> {
        match &*self.name {
            "im_receive_msg" => self.message(Kind::MESSAGE_RECEIVED, "from_user", "from"),
            "im_send_msg" => self.message(Kind::MESSAGE_SENT, "to_user", "to"),
            "im_mark_read_msg" => self.read(),
            "authorization.removed" => Ok(self.notice(Kind::ACCOUNT_UPDATED)),
            "video.upload.failed" | "video.publish.completed" => {
                Ok(self.notice(Kind::ACCOUNT_POST))
            }
            "portability.download.ready" => Ok(self.notice(Kind::ACCOUNT_EXPORT)),
            "" => Err("without `event`"),
            _ => Err("an event nobody knows"),
        }
    }

    /// A direct message. The contact is who wrote it, or to whom it was written.
    fn message(&self, kind: Kind, user: &str, name: &str) -> Result<Draft, &'static str> {
        let content = &self.content;
        let id = text(get(content, "message_id")).ok_or("a message without an id")?;
        let mut draft = self.draft(kind, format!("message:{}:{id}", self.account));
        draft.time = time(get(content, "timestamp")).or(self.time);
        self.place(&mut draft, contact(get(content, user), get(content, name)));
        draft.facts.message = Some(message(content, id));
        Ok(draft)
    }

    /// Everything up to a moment was read. TikTok names the moment, and no message.
    fn read(&self) -> Result<Draft, &'static str> {
        let content = &self.content;
        let written = get(get(content, "read"), "last_read_timestamp");
        let written = if text(written).is_some() { written } else { get(content, "timestamp") };
        let reader = contact(get(content, "from_user"), get(content, "from"));
        let conversation = text(get(content, "conversation_id")).unwrap_or_default();
        let id = reader.as_ref().map_or("", |it| &*it.id);
        if id.is_empty() && conversation.is_empty() {
            return Err("a receipt without a conversation or a reader");
        }
        let at = text(written).unwrap_or_else(|| digest(content.to_string().as_bytes()));
        let key = format!("read:{}:{conversation}:{id}:{at}", self.account);
        let mut draft = self.draft(Kind::MESSAGE_STATUS, key);
        draft.time = time(written).or(self.time);
        draft.facts.status = Some(Status {
            message_id: text(get(content, "message_id")).unwrap_or_default(),
            status: "read".to_owned(),
            until: time(written).map(|it| it.to_string()),
            recipient: Some(id.to_owned()).filter(|it| !it.is_empty()),
            ..Status::default()
        });
        // Where the business itself read, the contact is the other one.
        let other = || contact(get(content, "to_user"), get(content, "to"));
        self.place(&mut draft, reader.filter(|it| it.id != self.account).or_else(other));
        Ok(draft)
    }

    /// Something that concerns the account.
    fn notice(&self, kind: Kind) -> Draft {
        let content = &self.content;
        let digest = digest(content.to_string().as_bytes());
        let key = format!("event:{}:{}:{}:{digest}", self.account, self.name, self.written);
        let mut draft = self.draft(kind, key);
        let subjects = ["share_id", "publish_id", "request_id"];
        draft.facts.notice = Some(Notice {
            field: self.name.clone(),
            event: self.name.rsplit('.').next().map(str::to_owned),
            reason: text(get(content, "reason")),
            subject: subjects.iter().find_map(|it| text(get(content, it))),
            ..Notice::default()
        });
        draft
    }

    fn place(&self, draft: &mut Draft, contact: Option<Contact>) {
        let candidate = |scheme, it: &str| Candidate::new(scheme, &self.account, it);
        let conversation = text(get(&self.content, "conversation_id"));
        draft.candidates.extend(conversation.map(|it| candidate("conversation", &it)));
        draft.candidates.extend(contact.iter().map(|it| candidate("user", &it.id)));
        draft.facts.contact = contact;
    }

    fn draft(&self, kind: Kind, dedup_key: String) -> Draft {
        Draft {
            kind,
            dedup_key,
            time: self.time,
            historical: false,
            anonymous: false,
            candidates: Vec::new(),
            facts: Box::new(Facts { channel: self.channel(), ..Facts::default() }),
            raw: self.raw.clone(),
        }
    }

    fn channel(&self) -> Channel {
        Channel { account: self.account.clone(), business: self.app.clone(), ..channel() }
    }
}

/// What a message says, whoever wrote it.
fn message(content: &Value, id: String) -> Message {
    let kind = text(get(content, "type")).unwrap_or_else(|| "unknown".to_owned());
    let kind = kind.to_ascii_lowercase();
    let inner = get(content, &kind);
    let media = Media {
        id: text(get(inner, "media_id")),
        // Of a shared post: the page that shows it.
        url: ["url", "embed_url"].iter().find_map(|it| text(get(inner, it))),
        ..Media::default()
    };
    Message {
        id,
        text: text(get(inner, "body")).or_else(|| text(inner)),
        media: (media != Media::default()).then_some(media),
        kind,
        ..Message::default()
    }
}

/// Somebody with an id; the name stands beside the object.
fn contact(user: &Value, name: &Value) -> Option<Contact> {
    Some(Contact { id: text(get(user, "id"))?, name: text(name), ..Contact::default() })
}

fn unmapped(field: Option<&str>, reason: &str, raw: &[u8], range: Range<usize>) -> Draft {
    let field = field.filter(|it| !it.is_empty()).map(str::to_owned);
    Draft {
        kind: UNMAPPED,
        dedup_key: format!("unmapped:{}", digest(raw)),
        time: None,
        historical: false,
        anonymous: false,
        candidates: Vec::new(),
        facts: Box::new(Facts {
            channel: channel(),
            unmapped: Some(Unmapped { field, reason: reason.to_owned() }),
            ..Facts::default()
        }),
        raw: range,
    }
}

fn channel() -> Channel {
    Channel { provider: "tiktok".into(), ..Channel::default() }
}

/// Enough of a SHA-256 to tell fragments apart.
fn digest(fragment: &[u8]) -> String {
    hex::encode(&Sha256::digest(fragment)[..16])
}
