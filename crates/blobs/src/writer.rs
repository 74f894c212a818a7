//! Writing a blob.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::blobs::{Folder, remove_if_there};
use crate::error::blocking;
use crate::{BlobError, BlobId};

/// This much is collected before it goes to a blocking thread. While it is written as much again may be collected, so a
/// writer holds at most twice this and one of its caller's chunks.
const BUFFER_BYTES: usize = 512 * 1024;

/// A blob that is being written. Dropped before [`BlobWriter::finish`] it leaves nothing behind.
#[derive(Debug)]
pub struct BlobWriter {
    root: Arc<Folder>,
    id: BlobId,
    bytes: u64,
    buffer: Vec<Bytes>,
    buffered: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    Idle(Option<Temporary>),
    Busy(JoinHandle<io::Result<Temporary>>),
}

/// A file that goes away unless it was placed.
#[derive(Debug)]
struct Temporary {
    file: File,
    path: PathBuf,
    placed: bool,
}

impl BlobWriter {
    pub(crate) fn new(root: Arc<Folder>) -> BlobWriter {
        let state = State::Idle(None);
        BlobWriter { root, id: BlobId::random(), bytes: 0, buffer: Vec::new(), buffered: 0, state }
    }

    /// Adds a chunk. Waits when the disk is slower than the caller.
    pub async fn write(&mut self, chunk: Bytes) -> Result<(), BlobError> {
        self.bytes += chunk.len() as u64;
        self.buffered += chunk.len();
        self.buffer.push(chunk);
        if self.buffered >= BUFFER_BYTES {
            let temporary = self.idle().await?;
            let (chunks, path) = (self.take_buffer(), self.root.tmp.join(self.id.as_str()));
            let work = move || append(temporary, path, &chunks);
            self.state = State::Busy(tokio::task::spawn_blocking(work));
        }
        Ok(())
    }

    /// How many bytes were given so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes the blob durable, and only then tells its name and size.
    pub async fn finish(mut self) -> Result<(BlobId, u64), BlobError> {
        let temporary = self.idle().await?;
        let (chunks, path) = (self.take_buffer(), self.root.tmp.join(self.id.as_str()));
        let (root, id, bytes) = (self.root, self.id, self.bytes);
        blocking(move || {
            let mut temporary = append(temporary, path, &chunks)?;
            temporary.file.sync_data()?;
            root.place(&temporary.path, &id)?;
            temporary.placed = true;
            Ok((id, bytes))
        })
        .await
    }

    fn take_buffer(&mut self) -> Vec<Bytes> {
        self.buffered = 0;
        std::mem::take(&mut self.buffer)
    }

    /// Waits for the write under way and takes the file. Cancelled, it stays busy and can be asked again.
    async fn idle(&mut self) -> Result<Option<Temporary>, BlobError> {
        if let State::Busy(task) = &mut self.state {
            let written = task.await;
            self.state = State::Idle(None);
            return Ok(Some(written.map_err(io::Error::other)??));
        }
        match &mut self.state {
            State::Idle(temporary) => Ok(temporary.take()),
            State::Busy(_) => Ok(None),
        }
    }
}

fn append(temporary: Option<Temporary>, path: PathBuf, chunks: &[Bytes]) -> io::Result<Temporary> {
    let mut temporary = temporary.map_or_else(|| Temporary::create(path), Ok)?;
    for chunk in chunks {
        temporary.file.write_all(chunk)?;
    }
    Ok(temporary)
}

impl Temporary {
    fn create(path: PathBuf) -> io::Result<Temporary> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Temporary { file, path, placed: false })
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.placed
            && let Err(error) = remove_if_there(&self.path)
        {
            tracing::warn!(%error, "an unfinished blob could not be removed, the next start removes it");
        }
    }
}
