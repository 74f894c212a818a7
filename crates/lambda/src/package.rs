//! Packages of code: from a zip to a read-only folder that is named by the zip's hash.
//!
//! A zip is hostile until it is unpacked: entries that leave the root, links that do, duplicates, and content beyond the
//! limit are refused before or while unpacking. The folders are a cache of the zips, which are kept as blobs: one is
//! unpacked again when it is missing, and all are thrown away after a restart of the host, as a folder that was being
//! written when the power went may hold anything.

mod unpack;
mod zipped;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use nephos_blobs::Blobs;
use nephos_core::random;
use tokio::sync::Mutex;

use crate::Error;
use crate::records::CodeRecord;

/// The largest content of a package, in bytes.
pub const MAX_UNZIPPED_BYTES: u64 = 262_144_000;
/// The largest zip inside a request, in bytes.
pub const MAX_INLINE_ZIP_BYTES: u64 = 52_428_800;
/// Folders younger than this are not swept: an environment may just be starting from one.
const SWEEP_AFTER: Duration = Duration::from_secs(60 * 60);

/// What is known of a zip that was found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// SHA-256 in base64.
    pub sha256: String,
    /// Bytes of the zip.
    pub size: u64,
    /// Bytes of its content.
    pub unzipped_size: u64,
}

/// The folders of unpacked packages.
#[derive(Debug)]
pub struct Packages {
    blobs: Blobs,
    dir: PathBuf,
    /// One unpacks at a time: packages are large, and the same one is often wanted twice at once.
    unpacking: Mutex<()>,
}

impl Packages {
    /// The folders in `dir`, which is made.
    pub fn open(blobs: Blobs, dir: PathBuf) -> std::io::Result<Packages> {
        forget_after_boot(&dir)?;
        Ok(Packages { blobs, dir, unpacking: Mutex::new(()) })
    }

    /// Checks, unpacks and keeps a zip.
    pub async fn add(&self, zip: Bytes) -> Result<CodeRecord, Error> {
        let Checked { sha256, size, unzipped_size } = self.check(zip.clone()).await?;
        let mut writer = self.blobs.writer().await?;
        writer.write(zip).await?;
        let (blob, _) = writer.finish().await?;
        Ok(CodeRecord { sha256, size, unzipped_size, blob })
    }

    /// Checks and unpacks a zip without keeping it.
    pub async fn check(&self, zip: Bytes) -> Result<Checked, Error> {
        if zip.is_empty() {
            return Err(Error::InvalidParameter("Uploaded file must be a non-empty zip".to_owned()));
        }
        let hash = digest::digest(&digest::SHA256, &zip);
        let size = zip.len() as u64;
        let folder = self.folder_of(hash.as_ref());
        let unzipped_size = self.unpack(zip, folder).await?;
        Ok(Checked { sha256: STANDARD.encode(hash), size, unzipped_size })
    }

    /// Removes a zip that nothing refers to any more. Its folder is left to the sweeper.
    pub async fn forget(&self, code: &CodeRecord) {
        if let Err(error) = self.blobs.delete(&code.blob).await {
            tracing::warn!(%error, blob = %code.blob, "a package that nobody needs could not be removed");
        }
    }

    /// The unpacked folder of a package, unpacking it where it is missing.
    pub async fn folder(&self, code: &CodeRecord) -> Result<PathBuf, Error> {
        let hash = STANDARD.decode(&code.sha256).map_err(|_| corrupt(code))?;
        let folder = self.folder_of(&hash);
        if !folder.is_dir() {
            let zip = self.zip(code).await?;
            self.unpack(zip, folder.clone()).await?;
        }
        Ok(folder)
    }

    /// The zip of a package.
    pub async fn zip(&self, code: &CodeRecord) -> Result<Bytes, Error> {
        Ok(self.blobs.read_all(&code.blob, code.size).await?)
    }

    /// Removes what no version refers to and nobody has just made.
    pub async fn sweep(&self, kept: Vec<String>) -> Result<usize, Error> {
        let dir = self.dir.clone();
        let kept: Vec<PathBuf> = kept
            .iter()
            .filter_map(|sha| STANDARD.decode(sha).ok())
            .map(|hash| self.folder_of(&hash))
            .collect();
        let _one_at_a_time = self.unpacking.lock().await;
        tokio::task::spawn_blocking(move || sweep(&dir, &kept)).await?.map_err(Error::from)
    }

    fn folder_of(&self, hash: &[u8]) -> PathBuf {
        self.dir.join(random::hex(hash))
    }

    /// The bytes of the content.
    async fn unpack(&self, zip: Bytes, folder: PathBuf) -> Result<u64, Error> {
        let _one_at_a_time = self.unpacking.lock().await;
        tokio::task::spawn_blocking(move || {
            let entries = zipped::entries(&zip)?;
            unpack::into_folder(&zip, &entries, &folder, MAX_UNZIPPED_BYTES)
        })
        .await?
    }
}

fn corrupt(code: &CodeRecord) -> Error {
    Error::Internal(format!("a package's hash is {}, expected base64", code.sha256))
}

/// Empties the cache unless it was filled since the host was started.
fn forget_after_boot(dir: &Path) -> std::io::Result<()> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let mark = dir.join("boot");
    if std::fs::read_to_string(&mark).is_ok_and(|seen| seen == boot) {
        return Ok(());
    }
    if dir.exists() {
        std::fs::remove_dir_all(dir)?;
    }
    std::fs::create_dir_all(dir)?;
    std::fs::write(mark, boot)
}

fn sweep(dir: &Path, kept: &[PathBuf]) -> std::io::Result<usize> {
    let mut removed = 0;
    for entry in std::fs::read_dir(dir)?.flatten() {
        let metadata = entry.metadata()?;
        // Files' times are the system's, whatever the platform's clock says.
        let age = metadata.modified()?.elapsed_since_now();
        if metadata.is_dir() && age > SWEEP_AFTER && !kept.contains(&entry.path()) {
            std::fs::remove_dir_all(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

trait ElapsedSinceNow {
    fn elapsed_since_now(&self) -> Duration;
}

impl ElapsedSinceNow for SystemTime {
    fn elapsed_since_now(&self) -> Duration {
        self.elapsed().unwrap_or_default()
    }
}
