//! Any answer of an API, and any request to its simulator.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sluicegate::client::{Asked, REGISTRY, Response};

fuzz_target!(|data: &[u8]| {
    let [choice, row, rest @ ..] = data else { return };
    let api = &REGISTRY[usize::from(*choice) % REGISTRY.len()];
    for status in [200, 400, 429, 500] {
        let response = Response { status, headers: Vec::new(), body: Bytes::copy_from_slice(rest) };
        drop((api.problem)(&response));
    }
    // A query, a header, then the body, each on its line.
    let mut lines = rest.splitn(3, |it| *it == b'\n');
    let mut text = || String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let (query, header) = (text(), text());
    let endpoint = &api.endpoints[usize::from(*row) % api.endpoints.len()];
    let pair = |it: &str| {
        let (name, value) = it.split_once('=').unwrap_or((it, ""));
        (name.to_owned(), value.to_owned())
    };
    let asked = Asked {
        method: endpoint.methods[0].to_owned(),
        path: endpoint.path.replace('{', "").replace('}', ""),
        query: query.split('&').filter(|it| !it.is_empty()).map(pair).collect(),
        headers: vec![("authorization".to_owned(), header)],
        body: Bytes::copy_from_slice(lines.next().unwrap_or_default()),
        base_url: "http://127.0.0.1:8090".to_owned(),
    };
    let answered = (api.simulator)().answer(&asked, bench::now());
    assert!((100..600).contains(&answered.status), "no HTTP status");
});
