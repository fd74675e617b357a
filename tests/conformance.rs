//! What every provider must do, tested on its fixtures. A new provider writes no test code.

mod checks;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::bench::{self, Bench, Fixture, Told};
use crate::support::{golden, json};

/// Bodies longer than this are spoiled here and there rather than everywhere.
const SMALL: usize = 1024;

fn step(len: usize) -> usize {
    if len <= SMALL { 1 } else { len.div_ceil(SMALL) }
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

/// Fixtures that differ in one list alone: the first, without its list, what all of the lists hold,
/// and what each of them is told as.
type Group<'a> = (&'a Fixture, Value, Vec<Value>, Vec<Told>);

#[test]
fn all_fixtures_in_one_batch_are_told_the_same() {
    for bench in bench::all() {
        let Some(list) = bench.config.batches.first() else { continue };
        let mut groups: BTreeMap<String, Group<'_>> = BTreeMap::new();
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
            let together = bench.told_json(fixture, &body);
            let keys = |it: &[Told]| it.iter().map(|it| it.key.clone()).collect::<Vec<_>>();
            assert_eq!(keys(&together), keys(&alone), "{}", fixture.name);
            assert_eq!(together, alone);
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
