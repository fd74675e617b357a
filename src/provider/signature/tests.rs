//! Published vectors, and attacks on every preset.

mod attacks;
mod keys;
mod lists;
mod settings;
mod urls;

use std::collections::BTreeSet;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use bytes::Bytes;
use jiff::SignedDuration;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::provider::Headers;

/// Where the vectors and the attacks take place.
fn setup() -> Setup {
    Setup {
        name: "shop".to_owned(),
        public_url: "https://mycompany.com".to_owned(),
        store_key: Secret::new("of the store"),
        development_secret: None,
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

const BODY: &[u8] = br#"{"text":"caf\u00e9"}"#;

/// A verifier of a preset, and what its sender has.
struct Party {
    preset: &'static Preset,
    verifier: Verifier,
    pair: Ed25519KeyPair,
}

impl Party {
    fn new(name: &str) -> Self {
        Self::with(name, &[0])
    }

    /// A verifier that knows the secrets of these numbers; its sender signs with the last.
    fn with(name: &str, numbers: &[u8]) -> Self {
        let preset = scheme::preset(name).unwrap();
        let secrets = numbers.iter().map(|it| secret(preset, *it)).collect();
        let pair = pair(numbers.last().copied().unwrap_or_default());
        let verifier =
            Verifier::new(&verify(preset), preset.name, secrets, "secrets", &setup()).unwrap();
        Self { preset, verifier, pair }
    }

    /// A request as the sender makes it.
    fn request(&self, body: &'static [u8]) -> Request {
        self.sent(unsigned("/hooks/shop?from=a", body))
    }

    fn sent(&self, request: Request) -> Request {
        if self.preset.hash != Hash::Ed25519 {
            return self.verifier.sign(request, now()).unwrap();
        }
        let mut request = request;
        let timestamp = now().as_second().to_string();
        let tag = self.pair.sign(&[timestamp.as_bytes(), &request.body].concat());
        request.headers.push("X-Signature-Timestamp", &timestamp);
        request.headers.push("X-Signature-Ed25519", &hex::encode(tag.as_ref()));
        request
    }

    fn check(&self, request: &Request) -> Result<(), Rejection> {
        self.verifier.verify(request, now())
    }

    /// The header that holds the signature or the token, in lower case.
    fn header(&self) -> String {
        self.preset.header.to_ascii_lowercase()
    }
}

fn unsigned(target: &str, body: &'static [u8]) -> Request {
    let headers = Headers::from_iter([("content-type", "application/json")]);
    Request::new("POST", target, headers, Bytes::from_static(body))
}

/// What a preset cannot know by itself.
fn verify(preset: &Preset) -> Verify {
    let app_key = preset.signed.contains("{app_key}").then(|| "68xu1k".to_owned());
    Verify { app_key, ..Verify::default() }
}

/// A secret in the form that a preset takes.
fn secret(preset: &Preset, number: u8) -> Secret {
    let text = format!("a-secret-{number}");
    Secret::new(match (preset.method, preset.key) {
        (Method::Basic, _) => format!("flow:{text}"),
        (_, KeyForm::Base64) => format!("whsec_{}", STANDARD.encode(text)),
        (_, KeyForm::Hex) => hex::encode(pair(number).public_key()),
        _ => text,
    })
}

fn pair(number: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[number; 32]).unwrap()
}

/// Every preset that proves something.
fn parties() -> impl Iterator<Item = Party> {
    PRESETS.iter().filter(|it| it.method != Method::None).map(|it| Party::new(it.name))
}

/// Every preset that signs.
fn signers() -> impl Iterator<Item = Party> {
    parties().filter(|it| it.preset.method == Method::Signature)
}

/// The request with another body.
fn with_body(request: &Request, body: impl Into<Bytes>) -> Request {
    let Request { method, target, headers, .. } = request;
    Request::new(method, target, headers.clone(), body.into())
}

/// The request with its headers changed: another value, or none.
fn changed(request: &Request, change: impl Fn(&str, &str) -> Option<String>) -> Request {
    let mut headers = Headers::default();
    for (name, value) in request.headers.iter() {
        if let Some(value) = change(name, value) {
            headers.push(name, &value);
        }
    }
    Request::new(&request.method, &request.target, headers, request.body.clone())
}

/// The request with one header changed.
fn altered(request: &Request, header: &str, change: impl Fn(&str) -> String) -> Request {
    changed(request, |name, value| {
        Some(if name.eq_ignore_ascii_case(header) { change(value) } else { value.to_owned() })
    })
}

#[test]
fn published_vectors_are_accepted() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("vectors.json")).unwrap();
    let mut seen = BTreeSet::new();
    for vector in &vectors {
        let name = vector["name"].as_str().unwrap();
        assert!(seen.insert(name), "{name} stands there twice");
        let preset = vector["preset"].as_str().unwrap();
        let secrets = vec![Secret::new(vector["secret"].as_str().unwrap())];
        let verifier =
            Verifier::new(&Verify::default(), preset, secrets, "secrets", &setup()).unwrap();
        let mut headers = Headers::default();
        for (name, value) in vector["headers"].as_object().unwrap() {
            headers.push(name, value.as_str().unwrap());
        }
        let url = vector["url"].as_str().unwrap_or_default();
        let target = url.strip_prefix("https://mycompany.com").unwrap_or("/hooks/shop");
        let body = if let Some(form) = vector["form"].as_object() {
            headers.push("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
            // Backwards: the sender's order does not count.
            let fields = form.iter().rev().map(|(name, it)| (name, it.as_str().unwrap()));
            form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
        } else {
            vector["body"].as_str().unwrap().to_owned()
        };
        let at = vector["now"].as_i64().map_or_else(now, |it| Timestamp::from_second(it).unwrap());
        let request = Request::new("POST", target, headers, body.into());
        assert_eq!(verifier.verify(&request, at), Ok(()), "{name}");

        let mut body = request.body.to_vec();
        body[0] ^= 1;
        let spoiled = Request::new("POST", target, request.headers.clone(), body.into());
        assert_eq!(verifier.verify(&spoiled, at), Err(Rejection::BadSignature), "{name}");
    }
}

#[test]
fn a_body_is_checked_as_it_was_written_not_as_it_reads() {
    let vectors: Value = serde_json::from_str(include_str!("vectors.json")).unwrap();
    let vector = vectors.as_array().unwrap().iter().find(|it| it["name"] == "meta_escaped_unicode");
    let vector = vector.unwrap();
    let secrets = vec![Secret::new(vector["secret"].as_str().unwrap())];
    let verifier = Verifier::new(&Verify::default(), "meta", secrets, "secrets", &setup()).unwrap();
    let (header, value) = vector["headers"].as_object().unwrap().iter().next().unwrap();
    let headers = Headers::from_iter([(&**header, value.as_str().unwrap())]);
    let anew: Value = serde_json::from_str(vector["body"].as_str().unwrap()).unwrap();
    let request = Request::new("POST", "/hooks/shop", headers, anew.to_string().into());
    assert_eq!(verifier.verify(&request, now()), Err(Rejection::BadSignature));
}
