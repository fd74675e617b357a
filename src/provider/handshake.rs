//! The questions by which platforms ask whether a URL is ours, and what they expect to hear.
//!
//! A GET is asked before anything is signed; a POST is signed like any other and answered after
//! the check.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Answer, Rejection, Request, signature};
use crate::config::Secret;

/// The longest challenge that is answered. Those of the platforms have at most about a hundred
/// letters.
pub(super) const MAX_CHALLENGE: usize = 512;

/// `GET ?hub.mode=subscribe&hub.verify_token=…&hub.challenge=…`: what Meta asks whenever the
/// callback URL or the verify token is edited. The challenge goes back as it came.
pub(super) fn hub(request: &Request, token: &Secret) -> Option<Result<Answer, Rejection>> {
    if request.method != "GET" {
        return None;
    }
    let expected = std::slice::from_ref(token);
    let asked = (
        parameter(request, "hub.mode"),
        parameter(request, "hub.verify_token"),
        parameter(request, "hub.challenge"),
    );
    Some(match asked {
        (Some(mode), Some(given), Some(challenge))
            if mode == "subscribe" && challenge.len() <= MAX_CHALLENGE =>
        {
            signature::any(expected, &given)
                .map(|()| text(challenge))
                .map_err(|_| Rejection::BadHandshake)
        }
        _ => Err(Rejection::BadHandshake),
    })
}

/// `GET ?challenge=…`: the challenge goes back as it came. Dropbox and Nylas ask so.
pub(super) fn echo(request: &Request) -> Option<Result<Answer, Rejection>> {
    if request.method != "GET" {
        return None;
    }
    let challenge = parameter(request, "challenge").filter(|it| it.len() <= MAX_CHALLENGE);
    Some(challenge.map(text).ok_or(Rejection::BadHandshake))
}

/// A POST that holds a challenge and nothing that happened: `{"challenge":"…"}` goes back as such,
/// which is what monday.com expects, and a parameter of the URL as text.
pub(super) fn echo_signed<State>(request: &Request<State>) -> Option<Answer> {
    let body = object(&request.body);
    let alone = |it: &Value| {
        let known = ["challenge", "token", "type"];
        it.as_object().is_some_and(|it| it.keys().all(|key| known.contains(&&**key)))
    };
    if let Some(challenge) = body.as_ref().filter(|it| alone(it)).and_then(challenge) {
        return Some(json_answer(&json!({ "challenge": challenge })));
    }
    let is_empty = request.body.is_empty();
    let challenge = parameter(request, "challenge").filter(|it| it.len() <= MAX_CHALLENGE);
    challenge.filter(|_| is_empty).map(text)
}

/// `POST {"type":"url_verification","challenge":"…"}`: Slack asks so, when the URL is saved.
pub(super) fn slack(body: &[u8]) -> Option<Answer> {
    let body = object(body).filter(|it| it["type"] == "url_verification")?;
    challenge(&body).map(|it| text(it.to_owned()))
}

/// `POST {"type":1}`: Discord's PING, when the URL is saved and now and then.
pub(super) fn pong(body: &[u8]) -> Option<Answer> {
    object(body).filter(|it| it["type"] == 1).map(|_| json_answer(&json!({ "type": 1 })))
}

/// `GET ?crc_token=…`: X asks every hour whether we know the secret that it signs with.
///
/// Whoever asks is answered with the very signature that X puts on a body of these letters. So a
/// token may hold nothing that a payload needs: letters, digits, and the marks of Base64.
pub(super) fn crc(request: &Request, secret: &Secret) -> Option<Result<Answer, Rejection>> {
    if request.method != "GET" {
        return None;
    }
    let plain = |it: &String| {
        let fits = |it: u8| it.is_ascii_alphanumeric() || b"+/_-".contains(&it);
        let letters = it.trim_end_matches('=');
        let padding = it.len() - letters.len();
        !letters.is_empty()
            && it.len() <= MAX_CHALLENGE
            && padding <= 2
            && letters.bytes().all(fits)
    };
    let Some(token) = parameter(request, "crc_token").filter(plain) else {
        return Some(Err(Rejection::BadHandshake));
    };
    let tag = STANDARD.encode(hmac(secret, token.as_bytes()));
    Some(Ok(json_answer(&json!({ "response_token": format!("sha256={tag}") }))))
}

/// `POST {"event":"endpoint.url_validation","payload":{"plainToken":"…"}}`: Zoom asks so, when the
/// URL is saved and every three days.
pub(super) fn zoom(body: &[u8], secret: &Secret) -> Option<Answer> {
    let body = object(body).filter(|it| it["event"] == "endpoint.url_validation")?;
    let plain = body["payload"]["plainToken"].as_str().filter(|it| it.len() <= MAX_CHALLENGE)?;
    let encrypted = hex::encode(hmac(secret, plain.as_bytes()));
    Some(json_answer(&json!({ "plainToken": plain, "encryptedToken": encrypted })))
}

/// A parameter of the URL.
fn parameter<State>(request: &Request<State>, name: &str) -> Option<String> {
    let mut parameters = form_urlencoded::parse(request.query().as_bytes());
    parameters.find(|it| it.0 == name).map(|it| it.1.into_owned())
}

fn object(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok().filter(Value::is_object)
}

fn challenge(body: &Value) -> Option<&str> {
    body["challenge"].as_str().filter(|it| !it.is_empty() && it.len() <= MAX_CHALLENGE)
}

fn text(body: String) -> Answer {
    Answer { body, ..Answer::ok() }
}

fn json_answer(value: &Value) -> Answer {
    Answer { content_type: "application/json", body: value.to_string() }
}

fn hmac(secret: &Secret, text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes())
        .expect("HMAC takes a key of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::provider::Headers;

    fn request(method: &str, query: &str, body: &'static [u8]) -> Request {
        let target = format!("/hooks/any?{query}");
        Request::new(method, &target, Headers::default(), Bytes::from_static(body))
    }

    fn get(query: &str) -> Request {
        request("GET", query, b"")
    }

    #[test]
    fn a_get_is_echoed_as_it_came() {
        let said = |query| echo(&get(query)).unwrap().map(|it| it.body);
        assert_eq!(said("challenge=a%2Bb+c"), Ok("a+b c".into()));
        assert_eq!(said("other=1"), Err(Rejection::BadHandshake));
        let long = format!("challenge={}", "9".repeat(MAX_CHALLENGE + 1));
        assert_eq!(echo(&get(&long)).unwrap(), Err(Rejection::BadHandshake));
        assert_eq!(echo(&request("POST", "challenge=1", b"")), None);
    }

    #[test]
    fn a_post_is_echoed_only_when_nothing_happened() {
        let said = |query, body| echo_signed(&request("POST", query, body)).map(|it| it.body);
        let expected = Some(r#"{"challenge":"abc"}"#.to_owned());
        assert_eq!(said("", br#"{"challenge":"abc"}"#), expected);
        assert_eq!(said("", br#"{"type":"x","token":"t","challenge":"abc"}"#), expected);
        assert_eq!(said("challenge=abc", b""), Some("abc".into()));
        // Somebody's event has a field of that name.
        assert_eq!(said("", br#"{"challenge":"abc","order":1}"#), None);
        assert_eq!(said("challenge=abc", br#"{"order":1}"#), None);
        assert_eq!(said("", br#"{"challenge":""}"#), None);
        assert_eq!(said("", b"challenge"), None);
    }

    #[test]
    fn slack_and_discord_hear_what_they_expect() {
        let body = br#"{"token":"t","challenge":"3eZbrw1a","type":"url_verification"}"#;
        assert_eq!(slack(body).unwrap().body, "3eZbrw1a");
        assert_eq!(slack(br#"{"type":"event_callback","challenge":"x"}"#), None);
        assert_eq!(pong(br#"{"id":"1","type":1}"#).unwrap().body, r#"{"type":1}"#);
        for other in [&br#"{"type":2}"#[..], b"{\"type\":\"1\"}", b"1", b""] {
            assert_eq!(pong(other), None);
        }
    }

    #[test]
    fn x_and_zoom_see_that_we_know_the_secret() {
        let secret = Secret::new("secret");
        let said = |query| crc(&get(query), &secret).unwrap().map(|it| it.body);
        // printf foo | openssl dgst -sha256 -hmac secret
        assert_eq!(
            said("crc_token=foo"),
            Ok(r#"{"response_token":"sha256=dzukRpPHVT1u4g9h6l0nV6mk9KRNKEGuTpW1LkzWLbQ="}"#
                .into())
        );
        let body = br#"{"event":"endpoint.url_validation","payload":{"plainToken":"foo"}}"#;
        let answer: Value = serde_json::from_str(&zoom(body, &secret).unwrap().body).unwrap();
        assert_eq!(answer["plainToken"], "foo");
        assert_eq!(
            answer["encryptedToken"],
            "773ba44693c7553d6ee20f61ea5d2757a9a4f4a44d2841ae4e95b52e4cd62db4"
        );
        assert_eq!(zoom(br#"{"event":"meeting.started","payload":{}}"#, &secret), None);
    }

    #[test]
    fn nobody_has_a_payload_signed_by_asking() {
        for token in ["%7B%22a%22%3A1%7D", "a%3Db", "a.b", "a%20b", "a===", "", "%5B%5D"] {
            let query = format!("crc_token={token}");
            let answer = crc(&get(&query), &Secret::new("secret")).unwrap();
            assert_eq!(answer, Err(Rejection::BadHandshake), "{token}");
        }
    }
}
