//! Any text as a condition and as a payload, over one event.
#![no_main]

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sluicegate::expression::{Condition, Payload, Subject};
use sluicegate::provider::{Headers, Request};

static SUBJECT: LazyLock<Subject> = LazyLock::new(|| {
    let settings = bench::settings("whatsapp").remove(0);
    let source = bench::source("whatsapp", settings);
    let body = Bytes::from_static(include_bytes!("../../src/provider/whatsapp/fixtures/text.json"));
    let request = Request::new("POST", "", Headers::default(), body.clone());
    let draft = source.normalise(&request.assume_verified()).remove(0);
    Subject::draft("whatsapp".into(), Arc::new(draft), body)
});

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(condition) = Condition::compile(text) {
        drop(condition.holds(&SUBJECT));
    }
    if let Ok(payload) = Payload::compile(&text.into()) {
        drop(payload.render(&SUBJECT));
    }
});
