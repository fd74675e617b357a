//! Requests as Meta sends them, signed and serialised before a round begins.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What the messages are signed with.
pub(crate) const SECRET: &[u8] = b"a secret of the bench, known to both servers";

/// Among how many people the messages are spread.
const CONTACTS: usize = 2_000;

/// Serialised requests; every message id is unique within the run.
#[derive(Default)]
pub(crate) struct Requests {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Requests {
    /// Messages `first` to `first + count` of the run, sent at `now` (seconds since 1970).
    pub(crate) fn build(first: usize, count: usize, now: i64) -> Self {
        let mut requests = Self::default();
        for number in first..first + count {
            requests.push(&envelope(&profile(number), &text(number, now)));
        }
        requests
    }

    /// The same, with `each` messages to a request.
    pub(crate) fn batches(count: usize, each: usize, now: i64) -> Self {
        let mut requests = Self::default();
        let numbers: Vec<usize> = (0..count).collect();
        for numbers in numbers.chunks(each) {
            let joined = |one: &dyn Fn(usize) -> String| {
                numbers.iter().map(|it| one(*it)).collect::<Vec<_>>().join(",")
            };
            requests.push(&envelope(&joined(&profile), &joined(&|it| text(it, now))));
        }
        requests
    }

    fn push(&mut self, body: &str) {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(SECRET).expect("HMAC takes a key of any length");
        mac.update(body.as_bytes());
        let signature = hex::encode(mac.finalize().into_bytes());
        let mut head = String::new();
        write!(
            head,
            "POST /hooks/whatsapp HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: facebookexternalua\r\n\
             Accept: */*\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             X-Hub-Signature-256: sha256={signature}\r\n\r\n",
            body.len()
        )
        .expect("writing to a string cannot fail");
        self.bytes.extend_from_slice(head.as_bytes());
        self.bytes.extend_from_slice(body.as_bytes());
        self.ends.push(self.bytes.len());
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The bytes of one.
    pub(crate) fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |it| self.ends[it]);
        Some(&self.bytes[start..end])
    }
}

/// Messages in Meta's envelope, in the shape of `src/provider/whatsapp/fixtures/text.json`, compact.
fn envelope(profiles: &str, messages: &str) -> String {
    format!(
        concat!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"419561257915477","#,
            r#""changes":[{{"value":{{"messaging_product":"whatsapp","metadata":{{"#,
            r#""display_phone_number":"15550783881","phone_number_id":"106540352242922"}},"#,
            r#""contacts":[{profiles}],"messages":[{messages}]}},"field":"messages"}}]}}]}}"#
        ),
        profiles = profiles,
        messages = messages,
    )
}

fn contact(number: usize) -> usize {
    16_505_550_000 + number.wrapping_mul(7_919) % CONTACTS
}

/// Who wrote a message.
fn profile(number: usize) -> String {
    let contact = contact(number);
    format!(r#"{{"profile":{{"name":"Sheena Nelson"}},"wa_id":"{contact}"}}"#)
}

/// A text message.
fn text(number: usize, now: i64) -> String {
    let contact = contact(number);
    format!(
        concat!(
            r#"{{"from":"{contact}","id":"wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQ{number:032X}A=","#,
            r#""timestamp":"{now}","type":"text","text":{{"body":"Does it come in another color?"}}}}"#
        ),
        contact = contact,
        number = number,
        now = now,
    )
}
