//! Any body, signed as its sender signs: verify, normalise, route. And any signature at all.
#![no_main]

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sluicegate::plan::Plan;
use sluicegate::provider::{Headers, Request};

static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    bench::plan(include_str!("../routes.yaml")).expect("the routes of this target are right")
});

fuzz_target!(|data: &[u8]| {
    let Some((choice, body)) = data.split_first() else { return };
    let mut names: Vec<&String> = PLAN.sources.keys().collect();
    names.sort();
    let name = names[usize::from(*choice) % names.len()];
    let source = &PLAN.sources[name];
    let target = format!("/hooks/{name}");
    let (line, rest) = body.split_at(body.iter().position(|it| *it == b'\n').unwrap_or(0));
    if let Ok(value) = std::str::from_utf8(line) {
        // A forger's header: nothing may come of it.
        let names = source.verifier().headers();
        let headers = names.iter().map(|it| (&**it, value)).collect();
        let forged = Request::new("POST", &target, headers, Bytes::copy_from_slice(rest));
        assert!(source.verify(forged, bench::now()).is_err(), "a forged request was accepted");
    }
    let headers = Headers::from_iter([("content-type", "application/json")]);
    let request = Request::new("POST", &target, headers, Bytes::copy_from_slice(body));
    let Ok(signed) = source.verifier().sign(request, bench::now()) else { return };
    let verified = source.verify(signed, bench::now()).expect("a signed request is accepted");
    if source.challenge(&verified).is_some() {
        return;
    }
    let drafts = source.normalise(&verified);
    bench::check(&drafts, &verified.body);
    drop(source.answer(&verified, &drafts));
    let count = drafts.len();
    let prepared = PLAN.prepare(&Arc::from(&**name), drafts, &verified.body, bench::now());
    assert_eq!(prepared.len(), count, "an event was lost between normalising and routing");
});
