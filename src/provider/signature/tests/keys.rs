//! Secrets that are no keys, none at all, and keys of which we have the public half only.

use aws_lc_rs::rand::SystemRandom;

use super::*;

fn build(preset: &str, secrets: &[&str]) -> Result<Verifier, String> {
    let secrets = secrets.iter().map(|it| Secret::new(*it)).collect();
    let preset = scheme::preset(preset).unwrap();
    Verifier::new(&verify(preset), preset.name, secrets, "verify.secrets", &setup())
}

#[test]
fn a_secret_that_is_no_key_is_a_sentence_and_never_shown() {
    for (preset, secret, expected) in [
        ("standard_webhooks", "whsec_???", "a key that is not Base64"),
        ("svix", "with spaces", "a key that is not Base64"),
        ("standard_webhooks", "whsec_", "a key that is empty"),
        ("standard_webhooks", "====", "a key that is empty"),
        ("discord", "not-hex-at-all", "a key that is not hexadecimal"),
        ("discord", "abc", "a key that is not hexadecimal"),
        ("discord", "00ff00ff", "an Ed25519 public key that is not 32 bytes long"),
        ("basic", "no-colon", "`user:password`"),
        ("basic", "flow:", "`user:password`"),
        ("path", "with/slash", "letters, digits"),
        ("path", "with?mark", "letters, digits"),
    ] {
        let error = build(preset, &["", secret]).err().unwrap();
        assert!(error.contains(expected), "{preset}: {error}");
        assert!(error.contains("`verify.secrets`"), "{preset}: {error}");
        assert!(!error.contains(secret), "{preset}: {error}");
    }
}

#[test]
fn an_empty_secret_is_none_and_never_matches() {
    for preset in PRESETS.iter().filter(|it| it.method != Method::None) {
        for secrets in [&[][..], &[""], &["", ""]] {
            let error = build(preset.name, secrets).err().unwrap();
            assert!(error.contains("at least one of `verify.secrets`"), "{}", preset.name);
        }
        let known = secret(preset, 0);
        let Ok(verifier) = build(preset.name, &["", known.expose(), ""]) else {
            panic!("{}: an empty secret beside another is passed over", preset.name);
        };
        let mut request = unsigned("/hooks/shop/", BODY);
        for header in verifier.headers() {
            let time = header.contains("timestamp");
            let prefix = if time { "1790000000" } else { preset.prefix };
            request.headers.push(header, prefix);
        }
        assert!(verifier.verify(&request, now()).is_err(), "{}", preset.name);
    }
    assert!(!same(b"", b""));
}

#[test]
fn a_source_without_a_secret_runs_on_the_development_secret() {
    let development = Some(Secret::new("5f".repeat(32)));
    for preset in PRESETS {
        let setup = Setup { development_secret: development.clone(), ..setup() };
        let built = Verifier::new(&verify(preset), preset.name, vec![], "secrets", &setup);
        if preset.hash == Hash::Ed25519 {
            assert!(built.err().unwrap().contains("needs a public key in `secrets`"));
            continue;
        }
        let verifier = built.unwrap();
        assert_eq!(verifier.is_development(), preset.method != Method::None, "{}", preset.name);
        let request = verifier.sign(unsigned("", BODY), now()).unwrap();
        assert_eq!(verifier.verify(&request, now()), Ok(()), "{}", preset.name);
    }
}

#[test]
fn a_key_is_read_in_the_form_it_is_written_in() {
    for (form, written) in [
        ("text", "secret"),
        ("base64", "c2VjcmV0"),
        ("base64", "whsec_c2VjcmV0"),
        ("hex", "736563726574"),
        ("hex", "736563726574"),
    ] {
        let verify: Verify = serde_json::from_value(serde_json::json!({ "key": form })).unwrap();
        let secrets = vec![Secret::new(written)];
        let verifier = Verifier::new(&verify, "meta", secrets, "secrets", &setup()).unwrap();
        let value = "sha256=0329a06b62cd16b33eb6792be8c60b158d89a2ee3a876fce9a881ebb488c0914";
        let headers = Headers::from_iter([("x-hub-signature-256", value)]);
        let request = Request::new("POST", "/hooks/shop", headers, "test".into());
        assert_eq!(verifier.verify(&request, now()), Ok(()), "{form} {written}");
    }
}

#[test]
fn a_public_key_checks_and_cannot_sign() {
    let random = SystemRandom::new();
    let document = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
    let other = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    let other = Ed25519KeyPair::from_pkcs8(other.as_ref()).unwrap();
    let verifier = build("discord", &[&hex::encode(pair.public_key())]).unwrap();

    let time = now().as_second().to_string();
    let sent = |pair: &Ed25519KeyPair, signed: &[u8], body: &'static [u8]| {
        let tag = hex::encode(pair.sign(&[time.as_bytes(), signed].concat()));
        let headers = [("x-signature-ed25519", &*tag), ("x-signature-timestamp", &time)];
        Request::new("POST", "/hooks/shop", Headers::from_iter(headers), Bytes::from_static(body))
    };
    assert_eq!(verifier.verify(&sent(&pair, BODY, BODY), now()), Ok(()));
    for wrong in [
        sent(&other, BODY, BODY),
        sent(&pair, BODY, br#"{"text":"caf\u00e8"}"#),
        sent(&pair, b"", BODY),
    ] {
        assert_eq!(verifier.verify(&wrong, now()), Err(Rejection::BadSignature));
    }
    let error = verifier.sign(unsigned("", BODY), now()).err().unwrap();
    assert!(error.contains("only the sender"), "{error}");
}
