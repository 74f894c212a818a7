//! Finding blobs that nothing refers to.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use nephos_core::{Clock, Timestamp};

use crate::blobs::remove_if_there;
use crate::error::blocking;
use crate::{BlobError, BlobId, Blobs};

impl Blobs {
    /// Deletes what `keep` does not know and what was finished longer than `older_than` ago, and tells how many those were.
    /// `older_than` must exceed the time between a blob's finish and the commit of the row that names it.
    pub async fn sweep(
        &self,
        keep: &(dyn Fn(&BlobId) -> bool + Sync),
        older_than: Duration,
    ) -> Result<u64, BlobError> {
        // The files' times are the system's, so the platform's movable clock is no measure for them.
        let before = Clock::system().now() - older_than;
        let mut swept = 0;
        for shard in 0..=u8::MAX {
            let folder = self.root.objects.join(format!("{shard:02x}"));
            let old = blocking(move || Ok(older(&folder, before)?)).await?;
            let orphans: Vec<_> = old.into_iter().filter(|id| !keep(id)).map(|id| self.path(&id)).collect();
            swept += orphans.len() as u64;
            blocking(move || Ok(orphans.iter().try_for_each(|path| remove_if_there(path))?)).await?;
        }
        Ok(swept)
    }
}

/// The blobs in a sub-folder that were finished before a moment.
fn older(folder: &Path, before: Timestamp) -> std::io::Result<Vec<BlobId>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let id = entry.file_name().to_str().and_then(|name| name.parse::<BlobId>().ok());
        let (Some(id), Ok(metadata)) = (id, entry.metadata()) else { continue };
        let age = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        if i64::try_from(age.as_millis()).unwrap_or(i64::MAX) < before.millis() {
            found.push(id);
        }
    }
    Ok(found)
}
