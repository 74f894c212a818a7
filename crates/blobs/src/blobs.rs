//! The folder that blobs lie in.
//!
//! ```text
//! objects/3f/3f9a...   a blob, in one of 256 sub-folders
//! tmp/3f9a...          a blob that is being written
//! trash/3f9a.../       what was cleared and is being removed
//! ```

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::error::blocking;
use crate::reader::{self, BlobReader};
use crate::writer::BlobWriter;
use crate::{BlobError, BlobId};

/// Blobs in a local folder. Clones share it.
#[derive(Debug, Clone)]
pub struct Blobs {
    pub(crate) root: Arc<Folder>,
}

/// The places in the folder.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) dir: PathBuf,
    pub(crate) objects: PathBuf,
    pub(crate) tmp: PathBuf,
    trash: PathBuf,
}

impl Blobs {
    /// Opens, or makes, the folder `dir`. What a crash left unfinished is removed in the background.
    /// The caller sees to it that no other process has it open.
    pub fn open(dir: &Path) -> Result<Blobs, BlobError> {
        let place = |name| dir.join(name);
        let root =
            Folder { dir: dir.into(), objects: place("objects"), tmp: place("tmp"), trash: place("trash") };
        for folder in [&root.objects, &root.tmp, &root.trash] {
            make_folder(folder)?;
        }
        sync_folder(dir)?;
        if fs::read_dir(&root.tmp)?.next().is_some() {
            root.throw_away(&root.tmp)?;
        }
        if fs::read_dir(&root.trash)?.next().is_some() {
            root.empty_trash()?;
        }
        Ok(Blobs { root: Arc::new(root) })
    }

    /// Starts a new blob.
    pub async fn writer(&self) -> Result<BlobWriter, BlobError> {
        Ok(BlobWriter::new(self.root.clone()))
    }

    /// Reads a blob, or the stretch `range` of it, which must lie within.
    pub async fn read(&self, id: &BlobId, range: Option<Range<u64>>) -> Result<BlobReader, BlobError> {
        let (path, id) = (self.path(id), id.clone());
        blocking(move || BlobReader::open(&path, &id, range)).await
    }

    /// Reads a whole blob that has at most `max_bytes`.
    pub async fn read_all(&self, id: &BlobId, max_bytes: u64) -> Result<Bytes, BlobError> {
        let mut reader = self.read(id, None).await?;
        if reader.bytes() > max_bytes {
            return Err(BlobError::TooLarge { bytes: reader.bytes(), limit: max_bytes });
        }
        if reader.bytes() <= reader::CHUNK_BYTES as u64 {
            return reader.next().await.unwrap_or_else(|| Ok(Bytes::new()));
        }
        let mut all = BytesMut::new();
        while let Some(chunk) = reader.next().await {
            all.extend_from_slice(&chunk?);
        }
        Ok(all.freeze())
    }

    /// Where the blob's file is, for those who hand files on, such as the sandbox. It must not be changed.
    pub fn path(&self, id: &BlobId) -> PathBuf {
        self.root.path(id)
    }

    /// Deletes a blob; if there is none that is no error. A power cut may bring it back, for [`Blobs::sweep`] to find.
    pub async fn delete(&self, id: &BlobId) -> Result<(), BlobError> {
        let path = self.path(id);
        blocking(move || Ok(remove_if_there(&path)?)).await
    }

    /// Deletes everything, in milliseconds; the disk's space comes back in the background.
    pub async fn clear(&self) -> Result<(), BlobError> {
        let root = self.root.clone();
        blocking(move || {
            root.throw_away(&root.objects)?;
            sync_folder(&root.dir)?;
            Ok(root.empty_trash()?)
        })
        .await
    }
}

impl Folder {
    pub(crate) fn path(&self, id: &BlobId) -> PathBuf {
        self.objects.join(id.shard()).join(id.as_str())
    }

    /// Gives a finished file its name, durably.
    pub(crate) fn place(&self, tmp: &Path, id: &BlobId) -> io::Result<()> {
        let shard = self.objects.join(id.shard());
        let target = shard.join(id.as_str());
        match fs::rename(tmp, &target) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make_folder(&shard)?;
                sync_folder(&self.objects)?;
                fs::rename(tmp, &target)?;
            }
            other => other?,
        }
        sync_folder(&shard)
    }

    /// Moves a folder's content to the trash; the folder is there afterwards, and empty.
    fn throw_away(&self, folder: &Path) -> io::Result<()> {
        fs::rename(folder, self.trash.join(BlobId::random().as_str()))?;
        make_folder(folder)
    }

    /// Removes what is in the trash, on a thread of its own.
    fn empty_trash(&self) -> io::Result<()> {
        let trash = self.trash.clone();
        std::thread::Builder::new().name("blobs-trash".into()).spawn(move || {
            if let Err(error) = remove_content(&trash) {
                tracing::warn!(%error, "the trash of the blobs could not be emptied");
            }
        })?;
        Ok(())
    }
}

fn remove_content(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        match fs::remove_dir_all(entry?.path()) {
            // Another thread empties it too.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            other => other?,
        }
    }
    Ok(())
}

fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

pub(crate) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
