//! Any body of one provider, named by SLUICEGATE_FUZZ_PROVIDER: every element of it is told.
#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sluicegate::provider::{Headers, Request, Source};

static SOURCES: LazyLock<Vec<Box<dyn Source>>> = LazyLock::new(|| {
    let name = std::env::var("SLUICEGATE_FUZZ_PROVIDER").unwrap_or_else(|_| "whatsapp".to_owned());
    bench::settings(&name).into_iter().map(|it| bench::source(&name, it)).collect()
});

fuzz_target!(|data: &[u8]| {
    // A byte for the settings and the media type, then the body.
    let Some((choice, body)) = data.split_first() else { return };
    let source = &SOURCES[usize::from(*choice >> 2) % SOURCES.len()];
    let media = match choice & 3 {
        0 => "application/json",
        1 => "application/x-www-form-urlencoded",
        2 => "application/cloudevents+json",
        _ => "application/cloudevents-batch+json",
    };
    let headers = Headers::from_iter([("content-type", media)]);
    let request = Request::new("POST", "/hooks/x", headers, Bytes::copy_from_slice(body));
    let request = request.assume_verified();
    drop(source.challenge(&request));
    let drafts = source.normalise(&request);
    bench::check(&drafts, body);
    drop(source.answer(&request, &drafts));
});
