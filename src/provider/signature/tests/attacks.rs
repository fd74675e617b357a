//! What nobody but the sender can do, tried on every preset.

use base64::Engine as _;
use proptest::prelude::{ProptestConfig, any, prop, prop_assert, proptest};

use super::{
    BODY, Bytes, Encoding, Headers, Method, Party, Rejection, Request, STANDARD, Secret,
    SignedDuration, TOLERANCE, Unit, Verifier, Verify, altered, changed, now, parties, setup,
    signers, unsigned, with_body,
};

#[test]
fn what_the_sender_sends_is_accepted() {
    for party in parties() {
        assert_eq!(party.check(&party.request(BODY)), Ok(()), "{}", party.preset.name);
        assert_eq!(party.check(&party.request(b"")), Ok(()), "{} empty", party.preset.name);
    }
}

#[test]
fn a_changed_bit_of_the_body_is_noticed_by_every_signature() {
    for party in signers() {
        let request = party.request(BODY);
        for at in 0..BODY.len() {
            for bit in 0..8 {
                let mut body = BODY.to_vec();
                body[at] ^= 1 << bit;
                let spoiled = with_body(&request, body);
                let refused = Err(Rejection::BadSignature);
                assert_eq!(party.check(&spoiled), refused, "{} at {at}", party.preset.name);
            }
        }
        for body in [&b""[..], &BODY[1..], &BODY[..BODY.len() - 1], &[BODY, b"\n"].concat()] {
            let body = Bytes::copy_from_slice(body);
            let spoiled = with_body(&request, body);
            assert_eq!(party.check(&spoiled), Err(Rejection::BadSignature));
        }
    }
}

#[test]
fn another_secret_is_refused_and_one_of_several_is_enough() {
    for party in parties() {
        let name = party.preset.name;
        let request = party.request(BODY);
        for (known, expected) in [
            (&[1][..], Err(Rejection::BadSignature)),
            (&[1, 2, 3], Err(Rejection::BadSignature)),
            (&[0, 1, 2], Ok(())),
            (&[1, 0, 2], Ok(())),
            (&[1, 2, 0], Ok(())),
        ] {
            assert_eq!(Party::with(name, known).check(&request), expected, "{name} {known:?}");
        }
    }
}

#[test]
fn a_timestamp_may_be_off_by_the_tolerance_and_no_more() {
    let mut timed = 0;
    for party in signers() {
        let name = party.preset.name;
        let request = party.request(BODY);
        let check = |off| party.verifier.verify(&request, now() + off);
        let tolerance = SignedDuration::try_from(TOLERANCE).unwrap();
        let is_timed = party.preset.signed.contains("{ts}");
        timed += usize::from(is_timed);
        assert_eq!(party.verifier.proof().covers_time(), is_timed, "{name}");
        for edge in [tolerance, -tolerance] {
            assert_eq!(check(edge), Ok(()), "{name} {edge}");
        }
        let more = tolerance + SignedDuration::from_nanos(1);
        for beyond in [more, -more, SignedDuration::from_hours(24), SignedDuration::from_hours(-24)]
        {
            let expected = if is_timed { Err(Rejection::Stale) } else { Ok(()) };
            assert_eq!(check(beyond), expected, "{name} {beyond}");
        }
    }
    assert_eq!(timed, 9, "presets that sign the time");
}

#[test]
fn a_tolerance_of_ones_own_counts() {
    let verify: Verify = serde_json::from_str(r#"{"tolerance": "1h"}"#).unwrap();
    let secrets = vec![Secret::new("s")];
    let verifier = Verifier::new(&verify, "stripe", secrets, "secrets", &setup()).unwrap();
    let request = verifier.sign(unsigned("", BODY), now()).unwrap();
    let hour = SignedDuration::from_hours(1);
    assert_eq!(verifier.verify(&request, now() + hour), Ok(()));
    let late = now() + hour + SignedDuration::from_secs(1);
    assert_eq!(verifier.verify(&request, late), Err(Rejection::Stale));
}

#[test]
fn a_moved_timestamp_is_no_longer_what_was_signed() {
    for party in signers().filter(|it| it.verifier.proof().covers_time()) {
        let request = party.request(BODY);
        let (from, to) = match party.preset.timestamp_unit {
            Unit::Seconds => ("1790000000", "1790000001"),
            Unit::Milliseconds => ("1790000000000", "1790000000001"),
        };
        let moved = changed(&request, |_, value| Some(value.replace(from, to)));
        assert_eq!(party.check(&moved), Err(Rejection::BadSignature), "{}", party.preset.name);
    }
}

#[test]
fn a_timestamp_is_digits_of_its_unit() {
    for party in signers().filter(|it| it.verifier.proof().covers_time()) {
        let request = party.request(BODY);
        let (right, other) = match party.preset.timestamp_unit {
            Unit::Seconds => ("1790000000", "1790000000000"),
            Unit::Milliseconds => ("1790000000000", "1790000000"),
        };
        for wrong in [
            other,
            "",
            "0",
            "+1790000000",
            "-1790000000",
            "17900 00000",
            "0x6ab13f80",
            "1.79e9",
            "1790000000.0",
            "２０２６",
            "99999999999999999999999",
            "9223372036854775807",
            "now",
        ] {
            let request = changed(&request, |_, value| Some(value.replace(right, wrong)));
            let refused = party.check(&request);
            let expected = [Err(Rejection::Stale), Err(Rejection::BadSignature)];
            assert!(expected.contains(&refused), "{} {wrong}", party.preset.name);
        }
    }
}

#[test]
fn every_header_must_be_there_once_whatever_the_case_of_its_name() {
    for party in parties() {
        let request = party.request(BODY);
        for header in party.verifier.headers().iter().filter(|it| &***it != "content-type") {
            let missing = Err(Rejection::MissingHeader(header.clone()));
            let without = changed(&request, |name, value| {
                (!name.eq_ignore_ascii_case(header)).then(|| value.to_owned())
            });
            let seen = party.check(&without).map_err(|it| match it {
                Rejection::MissingHeader(name) => {
                    Rejection::MissingHeader(name.to_ascii_lowercase().into())
                }
                other => other,
            });
            assert_eq!(seen, missing, "{} without {header}", party.preset.name);

            let value = request.headers.get(header).unwrap();
            for other in [value, "", "x"] {
                let mut doubled = request.clone();
                doubled.headers.push(header, other);
                assert_eq!(party.check(&doubled), missing, "{} {header}", party.preset.name);
            }
        }
        let mut shouted =
            Request::new("POST", &request.target, Headers::default(), request.body.clone());
        for (name, value) in request.headers.iter() {
            shouted.headers.push(&name.to_ascii_uppercase(), value);
        }
        assert_eq!(party.check(&shouted), Ok(()), "{}", party.preset.name);
    }
}

#[test]
fn a_signature_is_whole_and_written_as_its_sender_writes() {
    for party in signers() {
        let (name, encoding) = (party.preset.name, party.preset.encoding);
        let request = party.request(BODY);
        let value = request.headers.get(&party.header()).unwrap();
        let at = value.rfind([',', ';']).map_or(0, |it| it + 1);
        let at = at + value[at..].trim_end_matches('=').rfind('=').map_or(0, |it| it + 1);
        let (before, text) = value.split_at(at);
        let tag = match encoding {
            Encoding::Hex => hex::decode(text).unwrap(),
            Encoding::Base64 => STANDARD.decode(text).unwrap(),
        };
        let written = |encoding, tag: &[u8]| match encoding {
            Encoding::Hex => hex::encode(tag),
            Encoding::Base64 => STANDARD.encode(tag),
        };
        let check = |text: String| {
            party.check(&altered(&request, &party.header(), |_| format!("{before}{text}")))
        };
        assert_eq!(check(written(encoding, &tag)), Ok(()), "{name}");
        let upper = text.to_ascii_uppercase();
        let expected =
            if encoding == Encoding::Hex { Ok(()) } else { Err(Rejection::BadSignature) };
        assert_eq!(check(upper), expected, "{name} in upper case");
        let other = if encoding == Encoding::Hex { Encoding::Base64 } else { Encoding::Hex };
        let (shorter, longer) = (&tag[..tag.len() - 1], [&tag[..], &[0]].concat());
        for wrong in [
            written(other, &tag),
            written(encoding, shorter),
            written(encoding, &tag[1..]),
            written(encoding, &longer),
            written(encoding, &[]),
            text[..text.len() - 1].to_owned(),
            text[..text.len() / 2].to_owned(),
            format!("{text}0"),
            format!("{text}{text}"),
            format!("0x{text}"),
            format!("{} {}", &text[..8], &text[8..]),
            "é".to_owned(),
        ] {
            assert_eq!(check(wrong.clone()), Err(Rejection::BadSignature), "{name}: {wrong}");
        }
        for at in 0..tag.len() {
            let mut wrong = tag.clone();
            wrong[at] ^= 1;
            assert_eq!(check(written(encoding, &wrong)), Err(Rejection::BadSignature), "{name}");
        }
    }
}

#[test]
fn a_prefix_must_be_there_and_be_the_right_one() {
    let mut prefixed = 0;
    for party in parties().filter(|it| !it.preset.prefix.is_empty()) {
        prefixed += 1;
        let (name, prefix) = (party.preset.name, party.preset.prefix);
        let request = party.request(BODY);
        let check =
            |value: String| party.check(&altered(&request, &party.header(), |_| value.clone()));
        let value = request.headers.get(&party.header()).unwrap();
        let bare = value.strip_prefix(prefix).unwrap();
        assert_eq!(check(format!("{}{bare}", prefix.to_ascii_uppercase())), Ok(()), "{name}");
        for wrong in ["", "sha512=", "v1=", "Token ", "=", "sha256", "é"] {
            let expected = Err(Rejection::BadSignature);
            assert_eq!(check(format!("{wrong}{bare}")), expected, "{name} {wrong}");
        }
        assert_eq!(check(format!("{prefix}{prefix}{bare}")), Err(Rejection::BadSignature));
        assert_eq!(check(prefix.to_owned()), Err(Rejection::BadSignature));
    }
    assert_eq!(prefixed, 6, "presets with a prefix");
}

#[test]
fn a_token_is_whole() {
    for party in parties().filter(|it| it.preset.method == Method::Token) {
        let request = party.request(BODY);
        for (change, expected) in [
            (&(|it: &str| format!(" {it} ")) as &dyn Fn(&str) -> String, Ok(())),
            (&|it| it[..it.len() - 1].to_owned(), Err(Rejection::BadSignature)),
            (&|it| format!("{it}0"), Err(Rejection::BadSignature)),
            (&|it| format!("{it}, {it}"), Err(Rejection::BadSignature)),
            (&|it| it.to_ascii_uppercase(), Err(Rejection::BadSignature)),
            (&|_| String::new(), Err(Rejection::BadSignature)),
        ] {
            let request = altered(&request, &party.header(), change);
            assert_eq!(party.check(&request), expected, "{}", party.preset.name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_arrives_makes_a_verifier_panic_or_believe(
        value in "\\PC{0,80}|(t|ts|s|h1|v1|v0|sha256)?[=,; ]{0,3}[0-9a-fA-F+/=]{0,100}",
        time in "\\PC{0,12}|[0-9]{0,20}",
        target in "\\PC{0,40}|/hooks/shop(/\\PC{0,8})?(\\?bodySHA256=[0-9a-f]{0,64})?",
        media in prop::sample::select(vec!["", "application/json", "application/x-www-form-urlencoded"]),
        body in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        for party in parties() {
            let mut headers = Headers::default();
            for header in party.verifier.headers() {
                let value = match &**header {
                    "content-type" => media,
                    it if it == party.header() => &value,
                    _ => &time,
                };
                headers.push(header, value);
            }
            let request = Request::new("POST", &target, headers, body.clone().into());
            prop_assert!(party.check(&request).is_err(), "{}", party.preset.name);
        }
    }
}
