//! What is recorded holds no secret, however it is written.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;

fn secrets(texts: &[&str]) -> Vec<Secret> {
    texts.iter().map(|it| Secret::new(*it)).collect()
}

fn post(url: &str, body: impl Into<bytes::Bytes>) -> Outgoing {
    let headers = vec![
        ("authorization".into(), Secret::new("Bearer of the token")),
        ("Content-Type".into(), Secret::new("application/json")),
    ];
    Outgoing { method: "POST", url: url.into(), headers, body: body.into() }
}

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut it, byte| {
        write!(it, "%{byte:02x}").unwrap();
        it
    })
}

/// As it stands between the quotes of JSON.
fn escaped(text: &str) -> String {
    let json = serde_json::to_string(text).unwrap();
    json[1..json.len() - 1].to_owned()
}

#[test]
fn a_request_is_recorded_without_headers_and_secrets() {
    let outgoing =
        post("https://me:word@api.example/send?key=s3cr%2Bt-key&to=1", r#"{"k":"s3cr+t-key"}"#);
    assert_eq!(
        request(&outgoing, &secrets(&["s3cr+t-key", "unused"])),
        "POST https://***@api.example/send?key=***&to=1\n\
         content-type: application/json\n\n{\"k\":\"***\"}"
    );
    let get = Outgoing { method: "GET", url: "/a@b".into(), headers: vec![], body: "".into() };
    assert_eq!(request(&get, &[]), "GET /a@b");
}

#[test]
fn an_answer_is_recorded_with_its_status() {
    let response = Response {
        status: 401,
        headers: vec![("set-cookie".into(), "session".into())],
        body: r#"{"error":"the key abcd\/efgh is unknown"}"#.into(),
    };
    let text = answer(&response, &secrets(&["abcd/efgh"]));
    assert_eq!(text, "401\n\n{\"error\":\"the key *** is unknown\"}");
    assert_eq!(answer(&Response { status: 204, ..Response::default() }, &[]), "204");
}

#[test]
fn a_secret_is_found_however_it_is_written() {
    let secret = "pä\"ss\\wö%rd/ +\n🔑";
    let json = escaped(secret);
    let ascii = secret.encode_utf16().fold(String::new(), |mut it, unit| {
        write!(it, "\\u{unit:04X}").unwrap();
        it
    });
    let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    for written in [secret.to_owned(), json, ascii, form, percent(secret)] {
        let text = request(&post("/", format!("<{written}>")), &secrets(&[secret]));
        assert!(text.ends_with("\n\n<***>"), "{written}: {text}");
    }
    for before in ["", "u", "us", "user:"] {
        for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
            let written = engine.encode(format!("{before}{secret}{before}"));
            let text = request(&post("/", written.clone()), &secrets(&[secret]));
            let left = text.split("\n\n").last().unwrap();
            assert!(left.contains("***") && left.len() < 3 + 2 * before.len() + 8, "{left}");
        }
    }
}

#[test]
fn short_secrets_are_not_looked_for() {
    let short = request(&post("/", "abc"), &secrets(&["abc", "", "b"]));
    assert!(short.ends_with("\n\nabc"), "{short}");
    let long = request(&post("/", "abcd"), &secrets(&["abcd"]));
    assert!(long.ends_with("\n\n***"), "{long}");
}

#[test]
fn overlapping_secrets_leave_no_part_of_each_other() {
    let found = request(&post("/", "x-abcdefghijkl-y"), &secrets(&["abcdefgh", "efghijkl"]));
    assert!(found.ends_with("\n\nx-***-y"), "{found}");
    let found = request(&post("/", "aaaaaaaaa!"), &secrets(&["aaaa"]));
    assert!(found.ends_with("\n\n***!"), "{found}");
    let found = request(&post("/", "ab-inner-cd"), &secrets(&["-inner-", "ab***cd"]));
    assert!(found.ends_with("\n\n***"), "{found}");
}

#[test]
fn a_long_body_is_cut_and_a_secret_across_the_cut_shows_no_part_of_itself() {
    let secret = "0123456789abcdef";
    for before in BODY - 20..BODY + 20 {
        let body = format!("{}{secret}{}", ".".repeat(before), "-".repeat(500));
        let text = request(&post("/", body), &secrets(&[secret]));
        assert!(!text.contains("0123"), "{before}: {text}");
        assert!(text.len() < BODY + 100 && text.ends_with(" bytes in all"));
    }
    // Much is struck out before the cut: what is behind it is not shown all the same.
    let body = secret.repeat(1_000) + "behind";
    let text = request(&post("/", body), &secrets(&[secret]));
    assert!(!text.contains("0123") && !text.contains("behind"), "{text}");
    let bytes =
        answer(&Response { status: 200, headers: vec![], body: vec![0xFF; 9_000].into() }, &[]);
    assert!(bytes.len() < 3 * BODY + 100, "{}", bytes.len());
}

/// Ways to write a secret into a text.
fn written(way: u8, secret: &str, before: &str) -> String {
    match way {
        0 => secret.to_owned(),
        1 => percent(secret),
        2 => form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        3 => escaped(secret),
        4 => STANDARD.encode(format!("{before}{secret}")),
        5 => URL_SAFE_NO_PAD.encode(format!("{before}{secret}")),
        _ => percent(secret).to_uppercase(),
    }
}

/// Everything that base64 holds, read from each of its four places in turn.
fn decoded(text: &str) -> Vec<u8> {
    let mut found = Vec::new();
    let text = text.replace('-', "+").replace('_', "/");
    let is_base64 = |it: char| it.is_ascii_alphanumeric() || "+/".contains(it);
    for run in text.split(|it| !is_base64(it)) {
        for from in 0..run.len().min(4) {
            let run = &run[from..];
            let run = &run[..run.len() / 4 * 4];
            found.extend(STANDARD.decode(run).unwrap_or_default());
            found.push(b'\n');
        }
    }
    found
}

proptest! {
    #[test]
    fn no_secret_is_ever_recorded(
        secrets in proptest::collection::vec(
            prop_oneof!["[ -~]{8,24}", "[*a%\\\\\"u0]{8,12}", "\\PC{8,12}"], 1..4),
        parts in proptest::collection::vec(
            (0..7_u8, any::<prop::sample::Index>(), "[a-z:*%\\\\]{0,5}"), 0..12),
        filler in 0..BODY + 50,
    ) {
        let mut text = ".".repeat(filler);
        for (way, index, before) in &parts {
            text.push_str(before);
            text.push_str(&written(*way, &secrets[index.index(secrets.len())], before));
        }
        let hidden: Vec<Secret> = secrets.iter().map(|it| Secret::new(it.as_str())).collect();
        let outgoing = post(&format!("https://a.example/?q={text}"), text.clone());
        let response = Response { status: 500, headers: vec![], body: text.into() };
        for recorded in [request(&outgoing, &hidden), answer(&response, &hidden)] {
            let undone: Vec<u8> = form_urlencoded::parse(recorded.as_bytes())
                .flat_map(|(name, value)| format!("{name}={value}\n").into_bytes())
                .collect();
            let undone = String::from_utf8_lossy(&undone).into_owned();
            let decoded = String::from_utf8_lossy(&decoded(&recorded)).into_owned();
            for secret in &secrets {
                prop_assert!(!recorded.contains(secret.as_str()), "{secret} in {recorded}");
                prop_assert!(!recorded.contains(&written(3, secret, "")), "{secret} in {recorded}");
                let plain = !secret.contains(['%', '&', '=', '+']);
                prop_assert!(!plain || !undone.contains(secret.as_str()), "{secret} in {recorded}");
                prop_assert!(!decoded.contains(secret.as_str()), "{secret} in {recorded}");
            }
        }
    }
}
