//! What every provider must do, tested on its fixtures. A new provider writes no test code.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};
use sluicegate::provider::{Headers, Proof, Request, Source};

use crate::support::bench::{self, Bench, Fixture, Told, compose, now, with};
use crate::support::{golden, json};

/// Bodies longer than this are spoiled here and there rather than everywhere.
const SMALL: usize = 1024;

fn step(len: usize) -> usize {
    if len <= SMALL { 1 } else { len.div_ceil(SMALL) }
}

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

#[test]
fn unknown_settings_are_refused() {
    for bench in bench::all() {
        let mut settings = bench.config.settings.clone();
        assert!(
            !bench.source.verifier().is_development(),
            "{} is tested with a secret",
            bench.entry.name
        );
        settings.insert("no_such_setting".to_owned(), json!(1));
        let error = bench::source(bench.entry, settings.into()).err().unwrap();
        assert!(error.contains("no_such_setting"), "{error}");
    }
}

#[test]
fn fixtures_become_the_expected_events() {
    for bench in bench::all() {
        for fixture in &bench.fixtures {
            let told = bench.told(fixture);
            assert!(!told.is_empty(), "{}", fixture.name);
            golden::check(&fixture.golden, &told.iter().map(bench::golden).collect());
        }
    }
}

#[test]
fn declared_kinds_are_exactly_those_of_the_fixtures() {
    for bench in bench::all() {
        let declared: BTreeSet<_> = bench.entry.kinds.iter().cloned().collect();
        let mut seen: BTreeSet<_> =
            bench.fixtures.iter().flat_map(|it| bench.told(it)).map(|it| it.kind).collect();
        seen.retain(|it| declared.contains(it) || !bench.names(it.as_str()));
        assert_eq!(declared, seen, "{}", bench.entry.name);
        assert_eq!(declared.len(), bench.entry.kinds.len(), "a kind is declared once");
    }
}

#[test]
fn an_event_has_only_the_sections_of_its_kind() {
    for bench in bench::all() {
        for fixture in &bench.fixtures {
            for draft in bench.drafts_as(fixture, &fixture.body) {
                let facts = serde_json::to_value(&draft.facts).unwrap();
                for section in facts.as_object().unwrap().keys().filter(|it| *it != "channel") {
                    let known = draft.kind.sections().contains(&&**section);
                    assert!(known, "{}: {} has `{section}`", fixture.name, draft.kind);
                }
                let path = &draft.facts.channel.provider;
                let known = path == bench.entry.name || bench.config.family.contains(path);
                assert!(known, "{}: {path}", fixture.name);
            }
        }
    }
}

#[test]
fn the_raw_fragment_is_an_exact_part_of_the_body() {
    for bench in bench::all() {
        for fixture in &bench.fixtures {
            let Some(body) = &fixture.json else { continue };
            for told in bench.told(fixture) {
                let raw = serde_json::from_slice(&told.raw).unwrap();
                assert!(json::contains(body, &raw), "{}: {raw}", fixture.name);
            }
        }
    }
}

#[test]
fn keys_tell_happenings_apart() {
    for bench in bench::all() {
        let mut seen: BTreeMap<String, (&str, Told)> = BTreeMap::new();
        for fixture in &bench.fixtures {
            for told in bench.told(fixture) {
                if let Some((other, first)) = seen.get(&told.key) {
                    assert_eq!(*first, told, "`{}` in {other} and {}", told.key, fixture.name);
                }
                seen.insert(told.key.clone(), (&fixture.name, told));
            }
        }
    }
}

#[test]
fn an_element_is_told_the_same_alone_and_in_company() {
    for bench in bench::all() {
        for (fixture, body) in bench.json() {
            let name = &fixture.name;
            let whole = bench.told_json(fixture, body);
            assert_eq!(whole, bench.told_json(fixture, body), "{name} delivered again");
            for pattern in &bench.config.batches {
                for list in json::expand(body, pattern) {
                    let Value::Array(elements) = body.pointer(&list).unwrap() else { continue };
                    let mut together = BTreeSet::new();
                    for element in elements {
                        let mut alone = body.clone();
                        *alone.pointer_mut(&list).unwrap() = json!([element]);
                        for told in bench.told_json(fixture, &alone) {
                            assert!(whole.contains(&told), "{name} {list}: {told:#?}");
                            together.insert(told.key);
                        }
                    }
                    let all = whole.iter().map(|it| it.key.clone()).collect();
                    assert!(elements.is_empty() || together == all, "{name} {list}");
                }
            }
        }
    }
}

#[test]
fn all_fixtures_in_one_batch_are_told_the_same() {
    for bench in bench::all() {
        let Some(list) = bench.config.batches.first() else { continue };
        let mut groups: BTreeMap<String, (&Fixture, Value, Vec<Value>, Vec<Told>)> =
            BTreeMap::new();
        for (fixture, body) in bench.json() {
            let Some(Value::Array(elements)) = body.pointer(list) else { continue };
            let mut empty = body.clone();
            *empty.pointer_mut(list).unwrap() = json!([]);
            let group = groups.entry(empty.to_string()).or_insert((fixture, empty, vec![], vec![]));
            group.2.extend(elements.iter().cloned());
            group.3.extend(bench.told_json(fixture, body));
        }
        for (fixture, mut body, elements, alone) in groups.into_values() {
            *body.pointer_mut(list).unwrap() = elements.into();
            assert_eq!(bench.told_json(fixture, &body), alone);
        }
    }
}

#[test]
fn a_body_cut_off_anywhere_is_still_told() {
    for bench in bench::all() {
        for fixture in &bench.fixtures {
            // Without the fixture's white space, which nobody sends.
            let body = fixture.json.as_ref().map(ToString::to_string);
            let body = body.as_deref().map_or(&*fixture.body, str::as_bytes);
            for len in (0..body.len()).step_by(step(body.len())) {
                let told = bench.drafts_as(fixture, &body[..len]);
                assert!(!told.is_empty(), "{} cut at {len}", fixture.name);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_odd_is_told_and_costs_its_neighbours_nothing(
        pick in any::<[prop::sample::Index; 3]>(),
        odd in prop::sample::select(json::oddities()),
    ) {
        for bench in bench::all() {
            spoil(bench, pick, odd.as_ref());
        }
    }

    #[test]
    fn any_bytes_are_told(body in prop::collection::vec(any::<u8>(), 0..200)) {
        for bench in bench::all() {
            for fixture in &bench.fixtures {
                prop_assert!(!bench.drafts_as(fixture, &body).is_empty());
            }
        }
    }
}

/// Spoils one place of one element, and looks at the element beside it.
fn spoil(bench: &Bench, [fixture, list, place]: [prop::sample::Index; 3], odd: Option<&Value>) {
    let fixtures = bench.json();
    let (fixture, body) = fixture.get(&fixtures);
    let name = &fixture.name;
    let mut body = (*body).clone();

    let lists: Vec<String> =
        bench.config.batches.iter().flat_map(|it| json::expand(&body, it)).collect();
    let lists: Vec<&String> = lists
        .iter()
        .filter(|it| body.pointer(it).and_then(Value::as_array).is_some_and(|it| !it.is_empty()))
        .collect();
    if lists.is_empty() {
        return assert!(!bench.told_json(fixture, &body).is_empty());
    }
    let list = *list.get(&lists);
    let element = body.pointer(&format!("{list}/0")).unwrap().clone();

    *body.pointer_mut(list).unwrap() = json!([element]);
    let neighbour = bench.told_json(fixture, &body);

    *body.pointer_mut(list).unwrap() = json!([element, element]);
    let places = [
        vec![format!("{list}/0")],
        json::places(&element).iter().map(|it| format!("{list}/0{it}")).collect(),
    ]
    .concat();
    let place = place.get(&places);
    json::put(&mut body, place, odd.cloned());
    let told = bench.told_json(fixture, &body);
    for it in neighbour {
        assert!(told.contains(&it), "{name}: {odd:?} at {place} cost its neighbour {}", it.key);
    }
}
