//! Any answers of a provider that is polled: nothing breaks, and what is told is told whole.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sluicegate::client::Response;
use sluicegate::provider::{Cursor, REGISTRY, Request, Source, Turn};

static SOURCES: LazyLock<Vec<Box<dyn Source>>> = LazyLock::new(|| {
    let sources = REGISTRY.iter().flat_map(|entry| {
        bench::settings(entry.name).into_iter().map(|it| bench::source(entry.name, it))
    });
    sources.filter(|it| it.poller(Vec::new()).is_some()).collect()
});

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = data.split_first() else { return };
    let source = &SOURCES[usize::from(*choice) % SOURCES.len()];
    let mut now = bench::now();
    let mut poller = source.poller(Vec::new()).expect("these are polled");
    let mut cursors: Vec<Cursor> = Vec::new();
    // Answers, a line each.
    for answer in rest.split(|it| *it == b'\n').take(32) {
        match poller.next(now) {
            Turn::Wait(time) => {
                now += time.min(Duration::from_secs(3600));
                continue;
            }
            Turn::Ask(_) => {}
        }
        let status = if answer.first() == Some(&b'!') { 500 } else { 200 };
        let body = Bytes::copy_from_slice(answer);
        let response = Response { status, headers: Vec::new(), body };
        let Ok(batch) = poller.read(&response, now) else { continue };
        cursors.extend(batch.cursors);
        if let Some(body) = batch.body {
            let drafts = source.normalise(&Request::polled(body.clone()));
            bench::check(&drafts, &body);
        }
    }
    // Whatever it wrote down, it can go on from.
    cursors.reverse();
    let mut latest: Vec<Cursor> = Vec::new();
    for cursor in cursors {
        if !latest.iter().any(|it| it.key == cursor.key) {
            latest.push(cursor);
        }
    }
    latest.retain(|it| it.value.is_some());
    let mut poller = source.poller(latest).expect("these are polled");
    drop(poller.next(now));
    let _ = poller.progress(now);
    // And from what it never wrote.
    let odd = Cursor { key: "odd".into(), value: Some(rest.to_vec()) };
    drop(source.poller(vec![odd]).expect("these are polled").next(now));
});
