//! The directory of media that were fetched: each content once, under its digest.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use super::Digest;

/// What a file is called until it is whole.
const UNFINISHED: &str = "part";

/// A directory of media. Its calls block: they are made where that is allowed.
#[derive(Debug)]
pub struct Shelf {
    directory: PathBuf,
    /// Tells files apart that are written at the same time.
    written: AtomicU64,
}

/// Why a content was not kept.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It is not what its event says it is.
    #[error("its SHA-256 is not the one that the event states")]
    Different,
    /// The disk.
    #[error(transparent)]
    Disk(#[from] io::Error),
}

impl Shelf {
    /// A shelf in a directory, which is made when the first content is kept.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), written: AtomicU64::new(0) }
    }

    /// Keeps a content and answers its digest. One that is there already is not written again, and
    /// counts as kept from now on.
    ///
    /// # Errors
    /// When it is not what the event states, or the disk refuses it: then nothing of it is kept.
    pub fn keep(
        &self,
        bytes: &[u8],
        stated: Option<&Digest>,
        now: Timestamp,
    ) -> Result<Digest, Refused> {
        let digest = Digest::of(bytes);
        if stated.is_some_and(|it| *it != digest) {
            return Err(Refused::Different);
        }
        let path = self.path(&digest);
        if self.renew(&digest, now)? {
            return Ok(digest);
        }
        fs::create_dir_all(&self.directory)?;
        let nth = self.written.fetch_add(1, Ordering::Relaxed);
        let unfinished = self.directory.join(format!("{digest}.{nth}.{UNFINISHED}"));
        let written = write(&unfinished, bytes, now).and_then(|()| fs::rename(&unfinished, &path));
        if let Err(error) = written {
            // The sweep takes what is left, should this fail, too.
            drop(fs::remove_file(&unfinished));
            return Err(error.into());
        }
        Ok(digest)
    }

    /// Counts a content as kept from now on. Answers whether it is there.
    ///
    /// # Errors
    /// When the disk refuses it.
    pub fn renew(&self, digest: &Digest, now: Timestamp) -> io::Result<bool> {
        match File::options().append(true).open(self.path(digest)) {
            Ok(file) => file.set_modified(now.into()).map(|()| true),
            Err(_) => Ok(false),
        }
    }

    /// The content of a digest; `None` when it is not, or no longer, there.
    ///
    /// # Errors
    /// When the disk cannot read it.
    pub fn read(&self, digest: &Digest) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.path(digest)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes what was kept last before `age` ago, and what was never finished. Answers how many
    /// files went. What is not of the shelf stays.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn sweep(&self, age: Duration, now: Timestamp) -> io::Result<usize> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(error),
        };
        let mut gone = 0;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let stem = name.to_str().and_then(|it| it.split('.').next());
            if stem.and_then(Digest::parse).is_none() {
                continue;
            }
            // Whatever another sweep was faster with is gone all the same.
            let modified = entry.metadata().and_then(|it| it.modified());
            let modified = modified.ok().and_then(|it| Timestamp::try_from(it).ok());
            let is_old = |it| Duration::try_from(now.duration_since(it)).is_ok_and(|it| it > age);
            let old = modified.is_some_and(is_old);
            gone += usize::from(old && fs::remove_file(entry.path()).is_ok());
        }
        Ok(gone)
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.directory.join(digest.to_string())
    }
}

/// Writes a file, for its owner's eyes only, and waits until the disk has it.
fn write(path: &Path, bytes: &[u8], now: Timestamp) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.set_modified(now.into())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> =
            entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_content_is_kept_once_and_only_if_it_is_the_stated_one() {
        let directory = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(directory.path().join("media"));
        let digest = Digest::of(b"a picture");
        assert_eq!(shelf.read(&digest).unwrap(), None);
        let other = Digest::of(b"another");
        let refused = shelf.keep(b"a picture", Some(&other), now()).unwrap_err();
        assert!(matches!(refused, Refused::Different));
        assert!(!directory.path().join("media").exists());
        assert_eq!(shelf.keep(b"a picture", Some(&digest), now()).unwrap(), digest);
        assert_eq!(shelf.keep(b"a picture", None, now()).unwrap(), digest);
        assert_eq!(shelf.read(&digest).unwrap().as_deref(), Some(&b"a picture"[..]));
        assert_eq!(names(&directory.path().join("media")), [digest.to_string()]);
    }

    #[test]
    fn many_who_keep_the_same_leave_one_whole_file() {
        let directory = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(directory.path());
        let bytes = vec![7; 1 << 20];
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| shelf.keep(&bytes, None, now()).unwrap());
            }
        });
        let digest = Digest::of(&bytes);
        assert_eq!(shelf.read(&digest).unwrap(), Some(bytes));
        assert_eq!(names(directory.path()), [digest.to_string()]);
    }

    #[test]
    fn a_sweep_takes_what_is_old_and_nothing_that_is_not_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(directory.path());
        let (day, week) = (Duration::from_hours(24), Duration::from_hours(7 * 24));
        assert_eq!(Shelf::new(directory.path().join("none")).sweep(week, now()).unwrap(), 0);
        let digest = shelf.keep(b"old", None, now()).unwrap();
        let unfinished = directory.path().join(format!("{digest}.3.{UNFINISHED}"));
        write(&unfinished, b"hal", now()).unwrap();
        write(&directory.path().join("notes.txt"), b"mine", now()).unwrap();
        assert_eq!(shelf.sweep(week, now() + week).unwrap(), 0);
        // Whoever asks for it again has it for as long again.
        shelf.keep(b"old", None, now() + day).unwrap();
        assert_eq!(shelf.sweep(week, now() + week + day).unwrap(), 1, "what was never finished");
        assert_eq!(shelf.sweep(week, now() + week + 2 * day).unwrap(), 1);
        assert_eq!(names(directory.path()), ["notes.txt"]);
    }
}
