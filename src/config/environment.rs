//! Where `${…}` gets its values from.

use std::fs::File;
use std::io::Read;

/// The largest secret file, in bytes.
const MAX_FILE: u64 = 64 << 10;

/// Where `${…}` gets its values from.
pub trait Environment {
    /// The value of a variable, if it is set.
    fn variable(&self, name: &str) -> Option<String>;

    /// The content of a file.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn file(&self, path: &str) -> Result<String, String>;
}

/// The environment of this process, and its file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process;

impl Environment for Process {
    #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &str) -> Result<String, String> {
        let mut content = String::new();
        let file = File::open(path).map_err(|it| it.to_string())?;
        let mut file = file.take(MAX_FILE + 1);
        file.read_to_string(&mut content).map_err(|it| it.to_string())?;
        if content.len() as u64 > MAX_FILE {
            return Err(format!("it is larger than {MAX_FILE} bytes"));
        }
        Ok(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_unless_it_is_too_large_or_not_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("small"), "hush\n").expect("written");
        std::fs::write(path("large"), "x".repeat(70_000)).expect("written");
        assert_eq!(Process.file(&path("small")).as_deref(), Ok("hush\n"));
        assert!(Process.file(&path("large")).expect_err("too large").contains("larger"));
        assert!(Process.file(&path("none")).is_err());
    }
}
