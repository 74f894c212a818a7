//! Writing a judged zip into a folder that appears whole or not at all.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use nephos_core::random;

use super::zipped::{Entries, Entry, open, refused, too_large};
use crate::Error;

/// Code is readable by the function's own user and writable by nobody.
const FILE_MODE: u32 = 0o444;
const PROGRAM_MODE: u32 = 0o555;
const FOLDER_MODE: u32 = 0o755;

/// Unpacks into `folder` unless it is there, at most `limit` bytes; the bytes of the content.
pub fn into_folder(zip: &[u8], entries: &Entries, folder: &Path, limit: u64) -> Result<u64, Error> {
    let scratch = Scratch::beside(folder)?;
    let bytes = write_all(zip, entries, &scratch.0, limit)?;
    if !folder.exists() {
        fs::rename(&scratch.0, folder)?;
    }
    Ok(bytes)
}

/// A folder that is removed unless it was renamed.
struct Scratch(PathBuf);

impl Scratch {
    fn beside(folder: &Path) -> io::Result<Scratch> {
        let name = format!(".unpacking-{}", random::hex(&random::bytes::<8>()));
        let path = folder.with_file_name(name);
        fs::create_dir(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(FOLDER_MODE))?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn write_all(zip: &[u8], entries: &Entries, root: &Path, limit: u64) -> Result<u64, Error> {
    let mut archive = open(zip)?;
    let mut left = limit;
    for (path, entry) in entries {
        let target = root.join(path);
        make_folder(target.parent().unwrap_or(root))?;
        match entry {
            Entry::Folder => make_folder(&target)?,
            Entry::File { index, executable } => {
                let mode = if *executable { PROGRAM_MODE } else { FILE_MODE };
                let file =
                    archive.by_index(*index).map_err(|error| refused(error.to_string().to_lowercase()))?;
                left -= write_file(file, &target, mode, left)?;
            }
            Entry::Link { .. } => {}
        }
    }
    // Links come last, so that nothing is ever written through one.
    for (path, entry) in entries {
        if let Entry::Link { target } = entry {
            symlink(target, root.join(path))?;
        }
    }
    Ok(limit - left)
}

fn make_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path)
}

/// Counts what really comes out, whatever the directory said.
fn write_file(from: impl Read, to: &Path, mode: u32, left: u64) -> Result<u64, Error> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(to)?;
    let mut from = from.take(left + 1);
    let (mut buffer, mut written) = (vec![0; 64 * 1024], 0);
    loop {
        let count = from.read(&mut buffer).map_err(|error| refused(error.to_string().to_lowercase()))?;
        if count == 0 {
            // A mask on this process's files must not take away what was meant.
            file.set_permissions(fs::Permissions::from_mode(mode))?;
            return Ok(written);
        }
        written += count as u64;
        if written > left {
            return Err(too_large());
        }
        file.write_all(&buffer[..count])?;
    }
}

#[cfg(test)]
mod tests {
    use super::super::zipped::entries;
    use super::*;
    use crate::testing::{zip_of, zip_with};

    #[test]
    fn files_links_and_execute_bits_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let zip = zip_with(|zip| {
            zip.file("bootstrap", 0o700, b"run");
            zip.file("lib/data.txt", 0o600, b"data");
            zip.link("lib/start", "../bootstrap");
        });
        let folder = dir.path().join("code");
        assert_eq!(into_folder(&zip, &entries(&zip).unwrap(), &folder, 7).unwrap(), 7);
        let mode = |path: &str| fs::metadata(folder.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("bootstrap"), mode("lib/data.txt"), mode("lib")), (0o555, 0o444, 0o755));
        assert_eq!(fs::read(folder.join("lib/start")).unwrap(), b"run");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        // The directory is made to lie about the size.
        let mut zip = zip_of(&[("bomb", &vec![0; 300_000])]);
        let size = 300_000_u32.to_le_bytes();
        for at in 0..zip.len() - 4 {
            if zip[at..at + 4] == size {
                zip[at..at + 4].copy_from_slice(&9_u32.to_le_bytes());
            }
        }
        let folder = dir.path().join("code");
        let refused = entries(&zip).and_then(|entries| into_folder(&zip, &entries, &folder, 200_000));
        assert!(refused.is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
