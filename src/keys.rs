//! What the gateway makes for itself on its first run: files in the data directory, for its
//! owner's eyes only.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

use crate::config::Secret;

/// The file that holds the admin API's token.
pub const ADMIN_TOKEN: &str = "admin.token";

/// The file that holds the secret of sources that have none of their own.
pub const DEVELOPMENT_SECRET: &str = "development.secret";

/// The file that holds the key which callback URLs are minted with.
pub const STORE_KEY: &str = "store.key";

/// Reads a secret of the data directory, making a random one where there is none.
///
/// # Errors
/// When the file can be neither read nor written; names it.
pub fn read_or_make(directory: &Path, name: &str) -> Result<Secret> {
    let path = directory.join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => return Ok(Secret::new(text.trim())),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
    std::fs::create_dir_all(directory)
        .with_context(|| format!("cannot make {}", directory.display()))?;
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
    let secret = hex::encode(bytes);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(&path)
        .and_then(|mut file| writeln!(file, "{secret}"))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Secret::new(secret))
}

/// Reads a secret of the data directory that must be there.
///
/// # Errors
/// When it cannot be read; names the file.
pub fn read(directory: &Path, name: &str) -> Result<Secret> {
    let path = directory.join(name);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Secret::new(text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_for_its_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let first = read_or_make(directory.path(), ADMIN_TOKEN).unwrap();
        assert_eq!(first.expose().len(), 64);
        assert_eq!(read_or_make(directory.path(), ADMIN_TOKEN).unwrap(), first);
        assert_eq!(read(directory.path(), ADMIN_TOKEN).unwrap(), first);
        assert_ne!(read_or_make(directory.path(), DEVELOPMENT_SECRET).unwrap(), first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let meta = std::fs::metadata(directory.path().join(ADMIN_TOKEN)).unwrap();
            assert_eq!(meta.permissions().mode() & 0o777, 0o600);
        }
    }
}
