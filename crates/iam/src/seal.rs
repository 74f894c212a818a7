//! Secrets at rest: AES-256-GCM under a master key that lives in a file of its own (0600), not in the store.
//!
//! A sealed secret names the master key that sealed it and is bound to its place (table, row, column): moved to
//! another row it does not open. To rotate, put a new key on the first line of the file and keep the old ones below:
//! new secrets use the first, old ones still open, and [`Sealer::is_current`] tells which to seal again.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nephos_core::random;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
/// A master key file has a few lines; more is some other file.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Why something could not be sealed or opened. Never tells anything of the secret.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The master key file could not be read or made.
    #[error("master key file {path}: {cause}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        cause: io::Error,
    },
    /// Others may read the master key file.
    #[error("master key file {path} has mode {mode:03o}, expected 600")]
    Exposed {
        /// The file.
        path: String,
        /// Its permissions.
        mode: u32,
    },
    /// The master key file does not hold keys.
    #[error("expected master keys as lines of 64 hexadecimal digits, got something else on line {line}")]
    MalformedKey {
        /// The line, from 1.
        line: usize,
    },
    /// There is no key at all.
    #[error("expected at least one master key, got none")]
    NoKey,
    /// The secret was sealed under a key that is not there.
    #[error("the secret was sealed under master key {id}, which is not among the keys given")]
    UnknownKey {
        /// The missing key's id.
        id: String,
    },
    /// The secret is damaged, or stands in another place than it was sealed for.
    #[error("the secret does not open: it is damaged or in the wrong place")]
    Refused,
}

/// Where a secret stands. It is sealed to this place.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The table, such as `access-key`.
    pub table: &'a str,
    /// The row, such as the key's id.
    pub row: &'a str,
    /// The column, such as `secret`.
    pub column: &'a str,
}

impl Place<'_> {
    /// Each part with its length, so that no two places share their bytes.
    fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        for part in [self.table, self.row, self.column] {
            out.extend_from_slice(&(part.len() as u64).to_be_bytes());
            out.extend_from_slice(part.as_bytes());
        }
        out
    }
}

/// A sealed secret, as it is stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(String);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed(under {})", self.key_id().unwrap_or("no key"))
    }
}

impl Sealed {
    fn key_id(&self) -> Option<&str> {
        self.0.strip_prefix("v1.")?.split_once('.').map(|(id, _)| id)
    }
}

/// Seals and opens. Clones share the keys.
#[derive(Clone)]
pub struct Sealer(Arc<Vec<MasterKey>>);

struct MasterKey {
    /// The first bytes of the key's SHA-256, so that a wrong key is known as such.
    id: String,
    key: LessSafeKey,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.id)).finish()
    }
}

impl Sealer {
    /// Reads the master key file, making it with a random key where there is none.
    pub fn open_file(path: &Path) -> Result<Sealer, SealError> {
        let failed = |cause| SealError::File { path: path.display().to_string(), cause };
        match read_private(path) {
            Ok((mode, _)) if mode & 0o077 != 0 => {
                Err(SealError::Exposed { path: path.display().to_string(), mode })
            }
            Ok((_, text)) => Sealer::from_text(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = Zeroizing::new(random::bytes::<KEY_BYTES>());
                let line = Zeroizing::new(format!("{}\n", random::hex(&*key)));
                write_private(path, line.as_bytes()).map_err(failed)?;
                tracing::warn!(path = %path.display(),
                    "made a master key beside the data; keep a copy elsewhere, without it no secret opens");
                Sealer::from_text(&line)
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Takes master keys from text (a file, an environment variable, a credential of the service manager): one a line in
    /// hexadecimal, the active one first. Empty lines and lines that begin with `#` are passed over.
    pub fn from_text(text: &str) -> Result<Sealer, SealError> {
        let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
        let keys = lines
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .map(|(line, hex)| MasterKey::from_hex(hex).ok_or(SealError::MalformedKey { line }))
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() { Err(SealError::NoKey) } else { Ok(Sealer(Arc::new(keys))) }
    }

    /// A random key that is gone with the process, for stores that are, too.
    pub fn ephemeral() -> Sealer {
        let key = Zeroizing::new(random::bytes::<KEY_BYTES>());
        Sealer(Arc::new(MasterKey::new(&key).into_iter().collect()))
    }

    /// Seals a secret for its place.
    pub fn seal(&self, place: Place<'_>, secret: &[u8]) -> Result<Sealed, SealError> {
        let master = self.0.first().ok_or(SealError::NoKey)?;
        let sealed = encrypt(&master.key, &place.bytes(), secret).ok_or(SealError::Refused)?;
        Ok(Sealed(format!("v1.{}.{}", master.id, STANDARD.encode(sealed))))
    }

    /// Opens a secret of this place.
    pub fn open(&self, place: Place<'_>, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let id = sealed.key_id().ok_or(SealError::Refused)?;
        let unknown = || SealError::UnknownKey { id: id.to_owned() };
        let master = self.0.iter().find(|master| master.id == id).ok_or_else(unknown)?;
        let body = sealed.0.rsplit('.').next().unwrap_or_default();
        let body = STANDARD.decode(body).map_err(|_| SealError::Refused)?;
        decrypt(&master.key, &place.bytes(), body).ok_or(SealError::Refused)
    }

    /// Opens a secret that is text.
    pub fn open_text(&self, place: Place<'_>, sealed: &Sealed) -> Result<String, SealError> {
        let bytes = self.open(place, sealed)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| SealError::Refused)
    }

    /// Whether the secret is sealed under the active key, or should be sealed again.
    pub fn is_current(&self, sealed: &Sealed) -> bool {
        self.0.first().is_some_and(|master| sealed.key_id() == Some(&master.id))
    }
}

impl MasterKey {
    fn new(bytes: &[u8; KEY_BYTES]) -> Option<MasterKey> {
        let id = random::hex(&digest::digest(&digest::SHA256, bytes).as_ref()[..4]);
        Some(MasterKey { id, key: aead_key(bytes)? })
    }

    fn from_hex(hex: &str) -> Option<MasterKey> {
        if hex.len() != 2 * KEY_BYTES || !hex.is_ascii() {
            return None;
        }
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()?;
        }
        MasterKey::new(&bytes)
    }
}

/// An AES-256-GCM key.
pub(crate) fn aead_key(bytes: &[u8; KEY_BYTES]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, bytes).ok().map(LessSafeKey::new)
}

/// Nonce, ciphertext and tag.
pub(crate) fn encrypt(key: &LessSafeKey, context: &[u8], secret: &[u8]) -> Option<Vec<u8>> {
    let nonce: [u8; NONCE_LEN] = random::bytes();
    let mut body = secret.to_vec();
    let tag =
        key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut body);
    Some([&nonce[..], &body, tag.ok()?.as_ref()].concat())
}

/// The reverse of [`encrypt`].
pub(crate) fn decrypt(key: &LessSafeKey, context: &[u8], mut sealed: Vec<u8>) -> Option<Zeroizing<Vec<u8>>> {
    let nonce: [u8; NONCE_LEN] = sealed.get(..NONCE_LEN)?.try_into().ok()?;
    let opened = key
        .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut sealed[NONCE_LEN..])
        .ok()?;
    Some(Zeroizing::new(opened.to_vec()))
}

/// Reads a small file and its permissions.
pub(crate) fn read_private(path: &Path) -> io::Result<(u32, Zeroizing<String>)> {
    let file = std::fs::File::open(path)?;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_FILE_BYTES).read_to_string(&mut text)?;
    Ok((mode, text))
}

/// Writes a new file that only its owner can read, wholly or not at all.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let part = path.with_extension("part");
    match std::fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&part, path)?;
    match path.parent() {
        Some(folder) => std::fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place { table: "access-key", row: "AKIA1", column: "secret" };

    fn keys(names: &[char]) -> Sealer {
        let lines: Vec<String> = names.iter().map(|c| c.to_string().repeat(64)).collect();
        Sealer::from_text(&lines.join("\n")).unwrap()
    }

    #[test]
    fn a_secret_opens_only_in_its_place() {
        let sealer = Sealer::ephemeral();
        let sealed = sealer.seal(PLACE, b"hush").unwrap();
        assert_eq!(sealer.open_text(PLACE, &sealed).unwrap(), "hush");
        assert!(!format!("{sealed:?}{sealer:?}").contains("hush"));
        for place in [
            Place { row: "AKIA2", ..PLACE },
            Place { table: "access-keyA", row: "KIA1", ..PLACE },
            Place { column: "other", ..PLACE },
        ] {
            assert!(matches!(sealer.open(place, &sealed), Err(SealError::Refused)), "{place:?}");
        }
    }

    #[test]
    fn two_seals_of_one_secret_differ() {
        let sealer = Sealer::ephemeral();
        assert_ne!(sealer.seal(PLACE, b"x").unwrap(), sealer.seal(PLACE, b"x").unwrap());
    }

    #[test]
    fn damage_is_noticed() {
        let sealer = Sealer::ephemeral();
        let Sealed(text) = sealer.seal(PLACE, b"hush").unwrap();
        for bad in ["", "v1.", "v1.x", "v2.0.0", &text[..text.len() - 5]] {
            assert!(sealer.open(PLACE, &Sealed(bad.to_owned())).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_rotate_and_a_wrong_key_is_named() {
        let sealed = keys(&['a']).seal(PLACE, b"hush").unwrap();
        let rotated = keys(&['b', 'a']);
        assert_eq!(rotated.open_text(PLACE, &sealed).unwrap(), "hush");
        assert!(!rotated.is_current(&sealed));
        assert!(rotated.is_current(&rotated.seal(PLACE, b"hush").unwrap()));
        assert!(matches!(keys(&['b']).open(PLACE, &sealed), Err(SealError::UnknownKey { .. })));
    }

    #[test]
    fn the_file_is_private_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master-key");
        let sealed = Sealer::open_file(&path).unwrap().seal(PLACE, b"hush").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Sealer::open_file(&path).unwrap().open_text(PLACE, &sealed).unwrap(), "hush");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Sealer::open_file(&path), Err(SealError::Exposed { mode: 0o640, .. })));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert!(matches!(Sealer::from_text("# nothing\n\n"), Err(SealError::NoKey)));
        for bad in ["0", &"g".repeat(64), &"ä".repeat(32)] {
            assert!(matches!(Sealer::from_text(bad), Err(SealError::MalformedKey { line: 1 })), "{bad}");
        }
    }
}
