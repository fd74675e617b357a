//! The `sluicegate` command.

use std::process::ExitCode;

/// Allocation is frequent and small, and musl's own allocator is slow under threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    sluicegate::cli::run()
}
