//! Any headers under any scheme: no panic, and nothing unsigned is believed.
#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use serde_json::json;
use sluicegate::provider::{Headers, PRESETS, Proof, Request, Source};

/// A source for every scheme, whose secret no fuzzer finds.
static SOURCES: LazyLock<Vec<Box<dyn Source>>> = LazyLock::new(|| {
    // 32 bytes: a public key in hexadecimal, and Base64 as well.
    let key = "9f6fbcb99a63327aeb0f6d0d2e8cab0e83dad213ff95d15fbdd0fc733abd1758";
    let settings = |name: &str| {
        let secret = if name == "basic" { format!("user:{key}") } else { key.to_owned() };
        json!({ "verify": { "preset": name, "app_key": "app" }, "secrets": [secret] })
    };
    let object = |it: serde_json::Value| it.as_object().cloned().unwrap_or_default();
    let source = |name| bench::source("webhook", object(settings(name)));
    PRESETS.iter().map(|it| source(it.name)).collect()
});

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = data.split_first() else { return };
    let source = &SOURCES[usize::from(*choice) % SOURCES.len()];
    // The headers a scheme reads, a line each; then the rest of the URL; then the body.
    let mut lines = rest.splitn(source.verifier().headers().len() + 2, |it| *it == b'\n');
    let mut headers = Headers::default();
    for name in source.verifier().headers() {
        if let Some(Ok(value)) = lines.next().map(std::str::from_utf8) {
            headers.push(name, value);
        }
    }
    let tail = lines.next().and_then(|it| std::str::from_utf8(it).ok()).unwrap_or_default();
    let target = format!("/hooks/webhook{tail}");
    let body = Bytes::copy_from_slice(lines.next().unwrap_or_default());
    let request = Request::new("POST", &target, headers, body);
    let believed = source.verify(request, bench::now()).is_ok();
    let nothing = source.verifier().proof() == Proof::Nothing;
    assert!(nothing || !believed, "a forged request was accepted");
});
