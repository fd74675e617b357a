//! What every provider's check must do, in every way a source can be set up.

use std::collections::BTreeSet;

use bytes::Bytes;
use jiff::SignedDuration;
use serde_json::Value;
use sluicegate::provider::{Headers, Proof, Request, Source};

use super::step;
use crate::support::bench::{self, Bench, compose, now, with};
use crate::support::json;

/// The headers of a request, each changed as asked; an empty list takes it away.
fn headers<'a>(
    request: &'a Request,
    mut change: impl FnMut(&'a str, &'a str) -> Vec<String>,
) -> Headers {
    let mut headers = Headers::default();
    for (name, value) in request.headers.iter() {
        for value in change(name, value) {
            headers.push(name, &value);
        }
    }
    headers
}

#[test]
fn every_sample_is_accepted_and_understood() {
    for bench in bench::all() {
        assert!(!bench.entry.samples.is_empty(), "{} has samples", bench.entry.name);
        for (variant, source, _) in pushed(bench) {
            for sample in bench.entry.samples {
                let request = compose(source, sample, 1);
                let request = source.verify(request, now()).unwrap();
                for draft in source.normalise(&request) {
                    let name = sample.name;
                    assert!(!draft.dedup_key.is_empty(), "{variant}: {name}: {}", draft.kind);
                }
            }
        }
    }
}

#[test]
fn what_a_check_proves_is_declared() {
    for bench in bench::all() {
        let declared: BTreeSet<Proof> = bench.entry.proofs.iter().copied().collect();
        let seen = bench.sources().iter().map(|it| it.1.verifier().proof()).collect();
        assert_eq!(declared, seen, "{}: each proof needs a variant", bench.entry.name);
        assert_eq!(declared.len(), bench.entry.proofs.len(), "a proof is declared once");
        assert_eq!(bench.entry.proofs[0], bench.source.verifier().proof(), "the usual first");
    }
}

#[test]
fn a_changed_byte_is_noticed_exactly_where_the_body_is_proven() {
    for bench in bench::all() {
        for (variant, source, _) in pushed(bench) {
            let proven = source.verifier().proof().covers_body();
            for (sample, bit) in bench.entry.samples.iter().zip((0..8).cycle()).take(8) {
                let request = compose(source, sample, 1);
                for at in (0..request.body.len()).step_by(step(request.body.len())) {
                    let mut body = request.body.to_vec();
                    body[at] ^= 1 << bit;
                    let changed = with(&request, request.headers.clone(), body.into());
                    let noticed = source.verify(changed, now()).is_err();
                    assert_eq!(noticed, proven, "{variant}: {} at byte {at}", sample.name);
                }
                let longer = [&request.body[..], b" "].concat();
                for body in [Bytes::new(), request.body.slice(1..), longer.into()] {
                    let changed = with(&request, request.headers.clone(), body);
                    assert_eq!(source.verify(changed, now()).is_err(), proven, "{variant}");
                }
            }
        }
    }
}

#[test]
fn a_header_that_is_checked_must_be_there_once_and_as_written() {
    for bench in bench::all() {
        for (variant, source, _) in pushed(bench) {
            let request = compose(source, &bench.entry.samples[0], 1);
            let accepted = |it: Headers| {
                source.verify(with(&request, it, request.body.clone()), now()).is_ok()
            };
            let mut checked = 0;
            for name in source.verifier().headers() {
                let only = |change: fn(&str) -> Vec<String>| {
                    headers(&request, |it, value| {
                        if *it == **name { change(value) } else { vec![value.to_owned()] }
                    })
                };
                if accepted(only(|_| vec![])) {
                    continue;
                }
                checked += 1;
                assert!(accepted(only(|it| vec![it.to_owned()])), "{name} is accepted as it is");
                let doubled = |it: &str| vec![it.to_owned(), it.to_owned()];
                assert!(!accepted(only(doubled)), "{variant}: {name} twice");
                for change in [
                    |_: &str| vec![String::new()],
                    |it: &str| vec![format!("x{it}")],
                    |it: &str| vec![it[..it.len() - 1].to_owned()],
                    |it: &str| vec![format!("{it}0")],
                    |it: &str| vec![it.replace('=', ":").replacen("sha256", "sha1", 1) + "="],
                ] {
                    assert!(!accepted(only(change)), "{variant}: {name} was changed");
                }
                let upper = accepted(only(|it| vec![upper_case_hex(it)]));
                let is_token = !source.verifier().proof().covers_body();
                assert!(upper || is_token, "{variant}: {name} in upper case");
            }
            let by_url = source.verifier().reads_path();
            let nothing = source.verifier().proof() == Proof::Nothing;
            assert!(checked > 0 || by_url || nothing, "{variant} checks no header");
        }
    }
}

#[test]
fn a_url_that_is_checked_must_be_as_written() {
    for bench in bench::all() {
        for (variant, source, _) in pushed(bench).filter(|it| it.1.verifier().reads_path()) {
            let request = compose(source, &bench.entry.samples[0], 1);
            let target = &request.target;
            let cut = &target[..target.len() - 1];
            let (home, _) = target.rsplit_once('/').unwrap();
            for target in [cut, home, &format!("{target}x"), &format!("/x{target}"), ""] {
                let changed =
                    Request::new("POST", target, request.headers.clone(), request.body.clone());
                assert!(source.verify(changed, now()).is_err(), "{variant}: {target}");
            }
        }
    }
}

#[test]
fn a_source_that_is_polled_takes_no_webhook() {
    for bench in bench::all() {
        for (variant, source, _) in bench.sources() {
            if source.verifier().proof() == Proof::Polled {
                let request = Request::new("POST", "", Headers::default(), Bytes::new());
                assert!(source.verify(request, now()).is_err(), "{variant}");
                assert!(source.poller(Vec::new()).is_some(), "{variant}");
            }
        }
    }
}

/// The ways a source can be set up in which somebody calls it.
fn pushed(bench: &Bench) -> impl Iterator<Item = Set<'_>> {
    bench.sources().into_iter().filter(|it| it.1.verifier().proof() != Proof::Polled)
}

type Set<'a> = (&'a str, &'a dyn Source, &'a serde_json::Map<String, Value>);

/// A signature's hexadecimal digits in upper case, its prefix left alone.
fn upper_case_hex(value: &str) -> String {
    let digits = value.bytes().rev().take_while(u8::is_ascii_hexdigit).count();
    let (prefix, hex) = value.split_at(value.len() - digits);
    if digits >= 40 { [prefix, &hex.to_ascii_uppercase()].concat() } else { value.to_owned() }
}

#[test]
fn an_old_request_is_noticed_exactly_where_the_time_is_proven() {
    for bench in bench::all() {
        for (variant, source, _) in pushed(bench) {
            let proof = source.verifier().proof();
            for off in [-24, 24] {
                // A URL that expires does not tell when it was minted.
                let proven = proof == Proof::BodyAndTime || (proof.covers_time() && off > 0);
                let request = compose(source, &bench.entry.samples[0], 1);
                let checked = source.verify(request, now() + SignedDuration::from_hours(off));
                assert_eq!(checked.is_err(), proven, "{variant} by {off} hours");
            }
        }
    }
}

#[test]
fn another_secret_is_turned_away() {
    for bench in bench::all() {
        for (variant, source, settings) in pushed(bench) {
            let mut settings = Value::Object(settings.clone());
            let mut changed = false;
            for place in json::places(&settings) {
                let secret =
                    ["secret", "token", "key", "password"].iter().any(|it| place.contains(it));
                if let Some(Value::String(it)) = settings.pointer_mut(&place).filter(|_| secret) {
                    it.push_str("-other");
                    changed = true;
                }
            }
            if !changed {
                continue;
            }
            // A key with a form of its own may not be one any more: that is a refusal too.
            let Ok(other) = bench::source(bench.entry, settings) else { continue };
            let request = compose(source, &bench.entry.samples[0], 1);
            assert!(other.verify(request, now()).is_err(), "{} {variant}", bench.entry.name);
        }
    }
}
