//! The data folder: who may write to it, what format it has, and which generation of the data counts.
//!
//! ```text
//! LOCK        held by the one process that has the folder open
//! FORMAT      the format's version, written once
//! CURRENT     the number of the generation that counts; 1 if there is no such file
//! gen-7/      that generation; any other is a leftover and is removed
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::generation;
use crate::StoreError;

/// The version of the folder's layout and of what lies in it.
const FORMAT_VERSION: u32 = 1;
const FORMAT: &str = "nephos-store";

/// A data folder that this process has locked.
#[derive(Debug)]
pub(super) struct Folder {
    dir: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes `dir` if need be, readable to its owner only, and locks it.
    pub(super) fn open(dir: &Path) -> Result<Folder, StoreError> {
        make_folder(dir)?;
        let lock = private().create(true).truncate(false).open(dir.join("LOCK"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Locked(dir.display().to_string())),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let folder = Folder { dir: dir.into(), _lock: lock };
        folder.check_format()?;
        Ok(folder)
    }

    /// A folder without a format is new, and has no generation.
    fn check_format(&self) -> Result<(), StoreError> {
        let expected = FORMAT_VERSION;
        let text = self.read("FORMAT")?;
        match text.as_deref().map(|text| text.trim_end().strip_prefix(FORMAT).map(str::trim_start)) {
            None if !generation::is_whole(&self.generation(self.current()?)) => Ok(()),
            Some(Some(version)) if version.parse() == Ok(expected) => Ok(()),
            _ => {
                let found = text.map_or("none".into(), |text| text.chars().take(40).collect());
                Err(StoreError::Format { found, expected })
            }
        }
    }

    /// The generation that counts.
    pub(super) fn current(&self) -> Result<u64, StoreError> {
        let Some(text) = self.read("CURRENT")? else { return Ok(1) };
        let number = text.trim_end().parse();
        number.map_err(|_| StoreError::Corrupt("CURRENT holds no number".into()))
    }

    /// Makes `generation` the one that counts, durably.
    pub(super) fn set_current(&self, generation: u64) -> Result<(), StoreError> {
        Ok(replace(&self.dir, "CURRENT", &format!("{generation}\n"))?)
    }

    pub(super) fn generation(&self, number: u64) -> PathBuf {
        self.dir.join(format!("gen-{number}"))
    }

    /// Removes generations that were current once, in the background.
    pub(super) fn remove_leftovers(&self, current: u64) -> Result<(), StoreError> {
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let number = name.strip_prefix("gen-").and_then(|number| number.parse::<u64>().ok());
            match number {
                // CURRENT is written before a generation is made, so it was lost or replaced.
                Some(number) if number > current => {
                    let found = format!("generation {number} is there, but CURRENT says {current}");
                    return Err(StoreError::Corrupt(found));
                }
                Some(number) if number < current => remove_in_background(path, || ())?,
                _ => {}
            }
        }
        Ok(())
    }

    fn read(&self, name: &str) -> io::Result<Option<String>> {
        match fs::read_to_string(self.dir.join(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Notes the format of the folder `dir` if it is new. Part of making a generation, which nobody waits for.
pub(super) fn write_format(dir: &Path) -> io::Result<()> {
    if dir.join("FORMAT").exists() {
        Ok(())
    } else {
        replace(dir, "FORMAT", &format!("{FORMAT} {FORMAT_VERSION}\n"))
    }
}

/// Writes a small file so that a crash leaves the old content or the new.
fn replace(dir: &Path, name: &str, text: &str) -> io::Result<()> {
    let temporary = dir.join(format!("{name}.new"));
    let mut file = private().create(true).truncate(true).open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, dir.join(name))?;
    File::open(dir)?.sync_all()
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Closes a folder's files with `close` and removes it, on a thread of its own. What remains after a failure is removed at the next start.
pub(super) fn remove_in_background(path: PathBuf, close: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let remove = move || {
        close();
        if let Err(error) = fs::remove_dir_all(&path)
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(%error, path = %path.display(), "an old generation could not be removed");
        }
    };
    std::thread::Builder::new().name("store-remove".into()).spawn(remove).map(drop)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_has_one_writer_and_one_owner() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        let folder = Folder::open(&path).unwrap();
        assert!(matches!(Folder::open(&path), Err(StoreError::Locked(_))));
        drop(folder);
        Folder::open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(path.join("LOCK")).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn another_format_is_refused() {
        for found in ["nephos-store 2\n", "", "something else"] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join("FORMAT"), found).unwrap();
            let error = Folder::open(dir.path()).unwrap_err();
            assert!(matches!(error, StoreError::Format { expected: 1, .. }), "{error}");
        }
    }

    #[test]
    fn a_generation_without_a_format_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("gen-1")).unwrap();
        Folder::open(dir.path()).unwrap();
        fs::write(dir.path().join("gen-1/WHOLE"), "").unwrap();
        assert!(matches!(Folder::open(dir.path()), Err(StoreError::Format { .. })));
        write_format(dir.path()).unwrap();
        Folder::open(dir.path()).unwrap();
    }

    #[test]
    fn the_current_generation_is_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        assert_eq!(folder.current().unwrap(), 1);
        folder.set_current(7).unwrap();
        assert_eq!(folder.current().unwrap(), 7);
        fs::write(dir.path().join("CURRENT"), "x").unwrap();
        assert!(matches!(folder.current(), Err(StoreError::Corrupt(_))));
    }

    #[test]
    fn only_what_was_current_once_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        for number in [1, 2, 3] {
            make_folder(&folder.generation(number)).unwrap();
        }
        assert!(matches!(folder.remove_leftovers(2), Err(StoreError::Corrupt(_))));
        assert!(folder.generation(3).exists());
        folder.remove_leftovers(3).unwrap();
        let gone = || !folder.generation(1).exists() && !folder.generation(2).exists();
        assert!((0..500).any(|_| gone() || {
            std::thread::sleep(std::time::Duration::from_millis(10));
            false
        }));
        assert!(folder.generation(3).exists());
    }
}
