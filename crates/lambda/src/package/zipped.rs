//! What a zip says it holds, judged before anything is written.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::MAX_UNZIPPED_BYTES;
use crate::Error;

const MAX_ENTRIES: usize = 65_000;
const MAX_PATH_BYTES: usize = 2_048;
const MAX_NAME_BYTES: usize = 255;
const MAX_LINK_BYTES: u64 = 1_024;

/// One entry, by its clean path below the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A folder.
    Folder,
    /// A file: its index in the zip, and whether it may be executed.
    File {
        /// The index.
        index: usize,
        /// Whether it has an execute bit.
        executable: bool,
    },
    /// A symbolic link to a place inside the root.
    Link {
        /// What it points at, relative to its own folder.
        target: String,
    },
}

/// The entries of a zip by path, parents before what they hold.
pub type Entries = BTreeMap<String, Entry>;

/// The refusal of a zip, with the reason behind the service's own words.
pub fn refused(reason: impl std::fmt::Display) -> Error {
    Error::InvalidParameter(format!(
        "Could not unzip uploaded file. Please check your file, then try to upload again. ({reason})"
    ))
}

/// Opens a zip.
pub fn open(zip: &[u8]) -> Result<ZipArchive<Cursor<&[u8]>>, Error> {
    ZipArchive::new(Cursor::new(zip)).map_err(|error| refused(error.to_string().to_lowercase()))
}

/// Reads a zip's directory, and refuses what must not be unpacked.
pub fn entries(zip: &[u8]) -> Result<Entries, Error> {
    let mut archive = open(zip)?;
    // The reader keeps one entry a name: a difference in number is a duplicate.
    let declared = declared_entries(zip).ok_or_else(|| refused("the end of its directory is missing"))?;
    if declared > MAX_ENTRIES {
        return Err(refused(format!("it has {declared} entries, at most {MAX_ENTRIES} are allowed")));
    }
    if declared != archive.len() {
        return Err(refused("it has several entries of the same name"));
    }
    let (mut entries, mut declared_bytes) = (Entries::new(), 0_u64);
    for index in 0..archive.len() {
        let (name, entry, size) = entry(&mut archive, index)?;
        declared_bytes = declared_bytes.saturating_add(size);
        let Some(path) = clean(&name)? else { continue };
        match entries.insert(path, entry.clone()) {
            Some(before) if !(before == Entry::Folder && entry == Entry::Folder) => {
                return Err(refused(format!("it has several entries named {name}")));
            }
            _ => {}
        }
    }
    if declared_bytes > MAX_UNZIPPED_BYTES {
        return Err(too_large());
    }
    check_parents(&entries)?;
    Ok(entries)
}

/// The refusal of too much content.
pub fn too_large() -> Error {
    Error::InvalidParameter(format!("Unzipped size must be smaller than {MAX_UNZIPPED_BYTES} bytes"))
}

fn entry(archive: &mut ZipArchive<Cursor<&[u8]>>, index: usize) -> Result<(String, Entry, u64), Error> {
    let file = archive.by_index(index).map_err(|error| refused(error.to_string().to_lowercase()))?;
    let name = file.name().map_err(|_| refused("an entry's name is not text"))?.into_owned();
    let size = file.size();
    if file.encrypted() {
        return Err(refused(format!("{name} is encrypted")));
    }
    if file.is_symlink() {
        let mut target = String::new();
        file.take(MAX_LINK_BYTES)
            .read_to_string(&mut target)
            .map_err(|_| refused(format!("{name} is no link")))?;
        let target = check_link(&name, target)?;
        return Ok((name, Entry::Link { target }, 0));
    }
    let executable = file.unix_mode().is_some_and(|mode| mode & 0o111 != 0);
    let entry = if file.is_dir() { Entry::Folder } else { Entry::File { index, executable } };
    Ok((name, entry, size))
}

/// The number of entries in the record at the zip's end; none where there is no such record.
fn declared_entries(zip: &[u8]) -> Option<usize> {
    const SIGNATURE: &[u8] = b"PK\x05\x06";
    const RECORD_BYTES: usize = 22;
    let last = zip.len().checked_sub(RECORD_BYTES)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    let at = (first..=last).rev().find(|at| {
        let comment = u16::from_le_bytes([zip[at + 20], zip[at + 21]]);
        zip[*at..].starts_with(SIGNATURE) && at + RECORD_BYTES + usize::from(comment) == zip.len()
    })?;
    Some(usize::from(u16::from_le_bytes([zip[at + 10], zip[at + 11]])))
}

/// A path below the root without `.` and double slashes; nothing for the root itself.
fn clean(name: &str) -> Result<Option<String>, Error> {
    let refuse = |reason: &str| Err(refused(format!("the entry {name:?} {reason}")));
    if name.starts_with('/') {
        return refuse("has an absolute path");
    }
    if name.len() > MAX_PATH_BYTES || name.contains('\0') {
        return refuse("has a path that is too long or holds a NUL");
    }
    let mut parts = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => return refuse("leaves the package"),
            part if part.len() > MAX_NAME_BYTES => return refuse("has a name that is too long"),
            part => parts.push(part),
        }
    }
    Ok(if parts.is_empty() { None } else { Some(parts.join("/")) })
}

/// A link may climb, then descend, and must end inside the root: with no climbing after a name, a chain of such links
/// can't lead out either.
fn check_link(name: &str, target: String) -> Result<String, Error> {
    let depth = name.split('/').filter(|part| !part.is_empty() && *part != ".").count().saturating_sub(1);
    let parts: Vec<&str> = target.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let climbs = parts.iter().take_while(|part| **part == "..").count();
    let inside = !target.is_empty()
        && !target.starts_with('/')
        && !target.contains('\0')
        && climbs <= depth
        && !parts[climbs..].contains(&"..");
    if inside { Ok(target) } else { Err(refused(format!("the link {name:?} leaves the package"))) }
}

/// What holds something must be a folder: nothing is ever written through a link.
fn check_parents(entries: &Entries) -> Result<(), Error> {
    let holders: BTreeSet<&str> =
        entries.keys().flat_map(|path| path.match_indices('/').map(|(at, _)| &path[..at])).collect();
    let bad = holders.into_iter().find(|holder| entries.get(*holder).is_some_and(|e| *e != Entry::Folder));
    bad.map_or(Ok(()), |holder| Err(refused(format!("{holder} is not a folder, but something lies in it"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{zip_of, zip_with};

    fn reason(zip: &[u8]) -> String {
        entries(zip).unwrap_err().to_string()
    }

    #[test]
    fn an_ordinary_zip_is_taken() {
        let zip = zip_with(|zip| {
            zip.file("a/b.py", 0o644, b"x");
            zip.file("./bootstrap", 0o755, b"y");
            zip.link("a/c.py", "b.py");
            zip.link("bin", "a");
            zip.link("a/up", "../bootstrap");
        });
        let entries = entries(&zip).unwrap();
        assert_eq!(entries["a/b.py"], Entry::File { index: 0, executable: false });
        assert_eq!(entries["bootstrap"], Entry::File { index: 1, executable: true });
        assert_eq!(entries["a/up"], Entry::Link { target: "../bootstrap".into() });
    }

    #[test]
    fn what_leaves_the_package_is_refused() {
        assert!(reason(&zip_of(&[("../evil", b"x")])).contains("leaves the package"));
        assert!(reason(&zip_of(&[("a/../../evil", b"x")])).contains("leaves the package"));
        assert!(reason(&zip_of(&[("/etc/passwd", b"x")])).contains("absolute path"));
        for (name, target) in [("l", "../x"), ("l", "/etc"), ("a/l", "../../x"), ("l", "a/../.."), ("l", "")]
        {
            let zip = zip_with(|zip| zip.link(name, target));
            assert!(reason(&zip).contains("leaves the package"), "{name} -> {target}");
        }
        let through = zip_with(|zip| {
            zip.link("a", "b");
            zip.file("a/x", 0o644, b"x");
        });
        assert!(reason(&through).contains("not a folder"));
    }

    #[test]
    fn duplicates_are_refused() {
        assert!(reason(&zip_of(&[("a", b"x"), ("./a", b"y")])).contains("several entries"));
        // Two entries of exactly the same name, which writers refuse to make: one is renamed in place.
        let mut zip = zip_of(&[("aa", b"x"), ("ab", b"y")]);
        for at in 0..zip.len() - 1 {
            if &zip[at..at + 2] == b"ab" {
                zip[at + 1] = b'a';
            }
        }
        assert!(reason(&zip).contains("several entries of the same name"));
    }

    #[test]
    fn what_is_no_zip_is_refused() {
        for bad in [&b""[..], b"hello", &[0; 100], b"PK\x05\x06"] {
            assert!(reason(bad).starts_with("Could not unzip uploaded file."));
        }
    }

    proptest::proptest! {
        #[test]
        fn damaged_zips_never_panic(at in 0_usize..200, byte: u8) {
            let mut zip = zip_of(&[("a.py", b"hello"), ("b/c", b"x")]);
            let at = at % zip.len();
            zip[at] = byte;
            let _ = entries(&zip);
        }
    }
}
