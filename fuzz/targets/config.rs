//! Any text as routes.yaml: it is read, or every problem in it is told.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        drop(bench::plan(text));
    }
});
