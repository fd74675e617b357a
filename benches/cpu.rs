//! Processor time of a process, as Linux counts it.

use std::time::Duration;

use anyhow::{Context, Result};

/// A tick of `/proc/<pid>/stat`: Linux shows 100 of them a second on every platform.
const TICK: Duration = Duration::from_millis(10);

/// Processor time used since a process began.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cpu {
    /// Of the threads that live, exactly.
    threads: Duration,
    /// Of all threads, those that ended too, in ticks.
    process: Duration,
}

impl Cpu {
    /// What a process has used; `self` for our own.
    pub(crate) fn of(process: &str) -> Result<Self> {
        let mut threads = Duration::ZERO;
        for task in std::fs::read_dir(format!("/proc/{process}/task"))? {
            // A thread may end while the directory is read.
            if let Ok(text) = std::fs::read_to_string(task?.path().join("schedstat")) {
                threads += Duration::from_nanos(field(&text, 0)?);
            }
        }
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
        let (_, stat) = stat.rsplit_once(')').context("`stat` has no command")?;
        let ticks = u32::try_from(field(stat, 11)? + field(stat, 12)?)?;
        Ok(Self { threads, process: TICK * ticks })
    }

    /// That of two processes.
    #[allow(dead_code, reason = "one of the benches measures several")]
    pub(crate) fn and(self, other: Self) -> Self {
        let (threads, process) = (self.threads + other.threads, self.process + other.process);
        Self { threads, process }
    }

    /// What was used since an earlier moment.
    pub(crate) fn since(self, before: Self) -> Duration {
        let threads = self.threads.saturating_sub(before.threads);
        let process = self.process.saturating_sub(before.process);
        // Ticks are coarse, but they alone know of threads that ended in between.
        if process > threads + 4 * TICK { process } else { threads }
    }
}

/// A number among words, as `/proc` has them.
pub(crate) fn field(text: &str, index: usize) -> Result<u64> {
    let word = text.split_ascii_whitespace().nth(index).context("a field is missing")?;
    Ok(word.parse()?)
}
