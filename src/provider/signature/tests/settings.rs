//! `verify:` as the operator writes it.

use serde_json::json;

use super::*;

fn build(verify: Value) -> Result<Verifier, String> {
    let verify: Verify = serde_json::from_value(verify).map_err(|it| it.to_string())?;
    Verifier::new(&verify, "token", vec![Secret::new("s")], "secrets", &setup())
}

/// Every name of an enumeration in a schema, whether it has a description of its own.
fn names(schema: &Value, found: &mut Vec<(String, bool)>) {
    if let Some(name) = schema["const"].as_str() {
        found.push((name.to_owned(), schema["description"].is_string()));
    }
    for name in schema["enum"].as_array().into_iter().flatten() {
        found.push((name.as_str().unwrap().to_owned(), schema["description"].is_string()));
    }
    for alternative in schema["oneOf"].as_array().into_iter().flatten() {
        names(alternative, found);
    }
}

#[test]
fn every_setting_is_described_and_every_word_of_it_is_read() {
    let schema = schemars::schema_for!(Verify).to_value();
    let properties = schema["properties"].as_object().unwrap();
    assert_eq!(properties.len(), 17);
    for (name, property) in properties {
        assert!(property["description"].is_string(), "{name} has no description");
    }
    for (setting, definition) in [
        ("method", "Method"),
        ("form", "Form"),
        ("timestamp_unit", "Unit"),
        ("hash", "Hash"),
        ("encoding", "Encoding"),
        ("key", "KeyForm"),
    ] {
        let mut found = Vec::new();
        names(&schema["$defs"][definition], &mut found);
        assert!(found.len() >= 2, "{setting}: {found:?}");
        for (name, is_described) in found {
            assert!(is_described, "{setting}: {name} has no description");
            let read = serde_json::from_value::<Verify>(json!({ setting: name }));
            assert!(read.is_ok(), "{setting}: {name}: {read:?}");
        }
        assert!(serde_json::from_value::<Verify>(json!({ setting: "nonsense" })).is_err());
    }
}

#[test]
fn a_scheme_of_ones_own_can_be_written_down_whole() {
    let verifier = build(json!({
        "method": "signature",
        "header": "X-Sig",
        "prefix": "sig:",
        "form": "pairs",
        "separator": "|",
        "signature": "mac",
        "timestamp": "at",
        "timestamp_unit": "ms",
        "tolerance": "30s",
        "id_header": "X-Id",
        "hash": "sha512",
        "encoding": "base64",
        "signed": "{method} {url}\n{header:X-Tenant}\n{id}\n{ts}\n{app_key}\n{body}",
        "key": "text",
        "app_key": "public",
    }))
    .unwrap();
    assert_eq!(verifier.proof(), Proof::BodyAndTime);
    assert_eq!(verifier.headers(), ["x-id", "x-sig", "x-tenant"].map(Box::<str>::from));
    let mut request = unsigned("/hooks/shop", BODY);
    request.headers.push("X-Tenant", "7");
    let request = verifier.sign(request, now()).unwrap();
    assert!(request.headers.get("x-sig").unwrap().starts_with("at=1790000000000|mac=sig:"));
    assert_eq!(verifier.verify(&request, now()), Ok(()));
    let tenant = altered(&request, "x-tenant", |_| "8".to_owned());
    assert_eq!(verifier.verify(&tenant, now()), Err(Rejection::BadSignature));
    let late = now() + SignedDuration::from_secs(31);
    assert_eq!(verifier.verify(&request, late), Err(Rejection::Stale));
}

#[test]
fn every_hash_and_encoding_goes_with_every_form() {
    for hash in ["sha1", "sha256", "sha512"] {
        for encoding in ["hex", "base64"] {
            for form in ["value", "pairs", "versions"] {
                let timed = json!({ "preset": "signature", "hash": hash, "encoding": encoding,
                    "form": form, "timestamp_header": "x-time", "signed": "{ts}{body}" });
                let verifier = build(timed.clone()).unwrap();
                let request = verifier.sign(unsigned("", BODY), now()).unwrap();
                assert_eq!(verifier.verify(&request, now()), Ok(()), "{timed}");
                let other = with_body(&request, "{}");
                assert_eq!(verifier.verify(&other, now()), Err(Rejection::BadSignature), "{timed}");
            }
        }
    }
}

#[test]
fn a_scheme_that_proves_nothing_or_lacks_something_is_refused() {
    for (verify, reason) in [
        (json!({ "preset": "nonsense" }), "`verify.preset` is `nonsense`; there are signature, "),
        (json!({ "preset": "path", "method": "token" }), "`verify.header` is missing"),
        (json!({ "preset": "none", "method": "signature" }), "`verify.header` is missing"),
        (json!({ "preset": "none", "method": "signature", "header": "X-Sig" }), "lacks `{body}`"),
        (json!({ "preset": "meta", "signed": "{url}" }), "lacks `{body}`"),
        (json!({ "preset": "meta", "signed": "" }), "lacks `{body}`"),
        (json!({ "preset": "meta", "signed": "{ts}{body}" }), "`verify.timestamp_header`"),
        (json!({ "preset": "meta", "signed": "{id}{body}" }), "`verify.id_header` is missing"),
        (json!({ "preset": "meta", "signed": "{nonsense}{body}" }), "cannot hold `{nonsense}`"),
        (json!({ "preset": "tiktok_shop" }), "`app_key` is missing"),
        (json!({ "preset": "tiktok_shop", "app_key": "" }), "`app_key` is missing"),
        (json!({ "nonsense": 1 }), "unknown field `nonsense`"),
        (json!({ "tolerance": "soon" }), "expected a duration, such as `30s`"),
    ] {
        let error = build(verify.clone()).err().unwrap();
        assert!(error.contains(reason), "{verify}: {error}");
    }
}

#[test]
fn a_source_that_anybody_may_call_says_so() {
    let verifier = build(json!({ "preset": "none" })).unwrap();
    assert_eq!(verifier.proof(), Proof::Nothing);
    assert_eq!(verifier.verify(&unsigned("/hooks/shop", BODY), now()), Ok(()));
}

#[test]
fn a_source_may_believe_either_of_two_proofs() {
    let either = || Party::new("path").verifier.or(Party::with("bearer", &[1]).verifier);
    let sent = |target: &str, token: &str| {
        let headers = Headers::from_iter([("authorization", token)]);
        Request::new("POST", target, headers, Bytes::from_static(BODY))
    };
    let refused = Err(Rejection::BadSignature);
    for (target, token, expected) in [
        ("/hooks/shop/a-secret-0", "Bearer a-secret-1", Ok(())),
        ("/hooks/shop/a-secret-0", "Bearer x", Ok(())),
        ("/hooks/shop", "Bearer a-secret-1", Ok(())),
        ("/hooks/shop/x", "Bearer x", refused.clone()),
        ("/hooks/shop/a-secret-1", "Bearer a-secret-0", refused),
    ] {
        assert_eq!(either().verify(&sent(target, token), now()), expected, "{target} {token}");
    }
    assert!(either().reads_path());
    assert_eq!(either().headers(), ["authorization"].map(Box::<str>::from));
    let signed = either().sign(unsigned("", BODY), now()).unwrap();
    assert_eq!(signed.target, "/hooks/shop/a-secret-0");
    let weaker = Party::new("stripe").verifier.or(Party::new("meta").verifier);
    assert_eq!(weaker.proof(), Proof::Body);
}
