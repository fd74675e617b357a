//! What every product of Meta shares: one callback URL, one signature, one handshake.

use schemars::JsonSchema;
use serde::Deserialize;

use super::signature::{Verifier, Verify};
use super::{Answer, Rejection, Request, Setup, handshake};
use crate::config::Secret;

/// A Meta app's callback URL.
pub(super) struct Meta {
    pub(super) verifier: Verifier,
    verify_token: Secret,
}

/// What stands under a source of a Meta product.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    /// App secrets of the Meta apps that call this URL; any of them may sign. Found under App
    /// settings, Basic. Without one, a random development secret is used on loopback.
    pub(super) app_secrets: Vec<Secret>,
    /// The verify token you type into the dashboard beside the callback URL. Defaults to the
    /// development secret on loopback.
    pub(super) verify_token: Secret,
}

impl Meta {
    /// # Errors
    /// A sentence for the operator.
    pub(super) fn new(config: Config, setup: &Setup) -> Result<Self, String> {
        let verifier =
            Verifier::new(&Verify::default(), "meta", config.app_secrets, "app_secrets", setup)?;
        let verify_token = if config.verify_token.is_empty() {
            setup.development_secret.clone().unwrap_or_default()
        } else {
            config.verify_token
        };
        Ok(Self { verifier, verify_token })
    }

    /// See [`handshake::hub`].
    pub(super) fn handshake(&self, request: &Request) -> Option<Result<Answer, Rejection>> {
        handshake::hub(request, &self.verify_token)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hmac::{Hmac, KeyInit, Mac};
    use jiff::Timestamp;

    use super::*;
    use crate::provider::Headers;
    use crate::provider::handshake::MAX_CHALLENGE;

    fn setup(development_secret: Option<Secret>) -> Setup {
        Setup {
            name: "whatsapp".into(),
            public_url: "https://gateway.example".into(),
            store_key: Secret::new("store"),
            development_secret,
        }
    }

    fn tag(secret: &str, body: &[u8]) -> String {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(body);
        hex::encode(mac.finalize().into_bytes())
    }

    fn source(verify_token: &str) -> Meta {
        let config = Config {
            app_secrets: vec![Secret::new("retired"), Secret::new(""), Secret::new("current")],
            verify_token: Secret::new(verify_token),
        };
        Meta::new(config, &setup(None)).unwrap()
    }

    fn get(source: &Meta, query: &str) -> Option<Result<Answer, Rejection>> {
        let target = format!("/hooks/whatsapp?{query}");
        source.handshake(&Request::new("GET", &target, Headers::default(), Bytes::new()))
    }

    #[test]
    fn the_challenge_is_answered_exactly() {
        let source = source("to ken&");
        for (challenge, expected) in [
            ("1158201444", "1158201444"),
            ("%3Cscript%3E", "<script>"),
            ("0012", "0012"),
            ("a+b%20c", "a b c"),
        ] {
            let query = format!(
                "hub.mode=subscribe&hub.challenge={challenge}&hub.verify_token=to%20ken%26"
            );
            let answer = get(&source, &query).unwrap().unwrap();
            assert_eq!(answer.body, expected);
            assert!(answer.content_type.starts_with("text/plain"));
        }
        let post = Request::new("POST", "/hooks/whatsapp", Headers::default(), Bytes::new());
        assert!(source.handshake(&post).is_none());
    }

    #[test]
    fn a_challenge_that_is_not_ours_is_refused() {
        let ours = source("token");
        let nobodys = source("");
        let long = "9".repeat(MAX_CHALLENGE + 1);
        let too_long = format!("hub.mode=subscribe&hub.challenge={long}&hub.verify_token=token");
        for (source, query) in [
            (&ours, "hub.mode=subscribe&hub.challenge=1&hub.verify_token=Token"),
            (&ours, "hub.mode=subscribe&hub.challenge=1&hub.verify_token="),
            (&ours, "hub.mode=subscribe&hub.challenge=1"),
            (&ours, "hub.mode=subscribe&hub.verify_token=token"),
            (&ours, "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=token"),
            (&ours, "hub.challenge=1&hub.verify_token=token"),
            (&ours, "hub_mode=subscribe&hub_challenge=1&hub_verify_token=token"),
            (&ours, ""),
            (&ours, &too_long),
            (&nobodys, "hub.mode=subscribe&hub.challenge=1&hub.verify_token="),
            (&nobodys, "hub.mode=subscribe&hub.challenge=1&hub.verify_token=token"),
        ] {
            assert_eq!(get(source, query), Some(Err(Rejection::BadHandshake)), "{query}");
        }
    }

    fn signed(tag: &str, body: &'static [u8]) -> Request {
        let headers = Headers::from_iter([("X-Hub-Signature-256", tag)]);
        Request::new("POST", "", headers, Bytes::from_static(body))
    }

    #[test]
    fn any_of_the_secrets_may_sign_and_an_empty_one_may_not() {
        let source = source("token");
        for (secret, expected) in [
            ("retired", Ok(())),
            ("current", Ok(())),
            ("", Err(Rejection::BadSignature)),
            ("other", Err(Rejection::BadSignature)),
        ] {
            let tag = tag(secret, b"{}");
            let request = signed(&format!("sha256={tag}"), b"{}");
            assert_eq!(
                source.verifier.verify(&request, Timestamp::UNIX_EPOCH),
                expected,
                "`{secret}`"
            );
            let bare = source.verifier.verify(&signed(&tag, b"{}"), Timestamp::UNIX_EPOCH);
            assert_eq!(bare, Err(Rejection::BadSignature));
        }
    }

    #[test]
    fn the_published_vector_verifies() {
        let config = Config { app_secrets: vec![Secret::new("secret")], ..Config::default() };
        let source = Meta::new(config, &setup(None)).unwrap();
        let tag = "sha256=0329a06b62cd16b33eb6792be8c60b158d89a2ee3a876fce9a881ebb488c0914";
        assert_eq!(source.verifier.verify(&signed(tag, b"test"), Timestamp::UNIX_EPOCH), Ok(()));
    }

    #[test]
    fn the_signature_covers_the_escapes_and_not_what_they_mean() {
        let source = source("token");
        let tag = tag("current", br#"{"a":"\u00e4\/"}"#);
        let tag = format!("sha256={tag}");
        let at = Timestamp::UNIX_EPOCH;
        assert_eq!(source.verifier.verify(&signed(&tag, br#"{"a":"\u00e4\/"}"#), at), Ok(()));
        let decoded = signed(&tag, "{\"a\":\"ä/\"}".as_bytes());
        assert_eq!(source.verifier.verify(&decoded, at), Err(Rejection::BadSignature));
    }

    #[test]
    fn without_a_secret_there_must_be_a_development_secret() {
        let build = |development_secret: Option<Secret>| {
            let config = Config { app_secrets: vec![Secret::new("")], ..Config::default() };
            Meta::new(config, &setup(development_secret))
        };
        assert!(build(None).err().unwrap().contains("app_secrets"));
        let source = build(Some(Secret::new("random"))).unwrap();
        assert!(source.verifier.is_development());
        let query = "hub.mode=subscribe&hub.challenge=1&hub.verify_token=random";
        assert!(get(&source, query).unwrap().is_ok());
    }
}
