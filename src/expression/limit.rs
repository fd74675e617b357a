//! What an expression may cost. Sources are the operator's, values are anybody's.

use std::{fmt, io};

/// Instructions of one evaluation.
pub(super) const FUEL: u64 = 50_000;
/// Bytes of one result.
pub(super) const OUTPUT: usize = 1024 * 1024;
/// Bytes that the filters of one evaluation may make between them.
pub(super) const WORK: usize = 4 * OUTPUT;
/// Bytes of one source.
pub(super) const SOURCE: usize = 16 * 1024;
/// Words and signs of one expression, beside literals: they bound how deep it nests.
pub(super) const TOKENS: usize = 300;
/// Operators of one source that put texts or lists together.
pub(super) const JOINS: usize = 32;
/// Tags of one template, `{% endif %}` and its kin among them.
pub(super) const STATEMENTS: usize = 128;

/// A writer that takes at most [`OUTPUT`] bytes.
#[derive(Default)]
pub(super) struct Limited(Vec<u8>);

impl Limited {
    pub(super) fn into_string(self) -> String {
        String::from_utf8(self.0).expect("only whole texts were written")
    }
}

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > OUTPUT {
            return Err(io::Error::other("the result is longer than 1 MiB"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Write for Limited {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        io::Write::write(self, text.as_bytes()).map(drop).map_err(|_| fmt::Error)
    }
}
