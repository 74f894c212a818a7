//! Reading a blob in chunks, one ahead of the caller.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::{BlobError, BlobId};

/// The largest chunk.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// A blob, or a stretch of one, being read.
#[derive(Debug)]
pub struct BlobReader {
    bytes: u64,
    left: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    /// A chunk that was read, and the file for the next.
    Ready(Bytes, File),
    Busy(JoinHandle<io::Result<(Bytes, File)>>),
    Done,
}

impl BlobReader {
    /// Opens the file and reads the first chunk. Blocks.
    pub(crate) fn open(path: &Path, id: &BlobId, range: Option<Range<u64>>) -> Result<Self, BlobError> {
        let mut file = File::open(path).map_err(|error| BlobError::about(id, error))?;
        let size = file.metadata()?.len();
        let range = range.unwrap_or(0..size);
        if range.start > range.end || range.end > size {
            return Err(BlobError::OutOfRange { range, bytes: size });
        }
        if range.start > 0 {
            file.seek(SeekFrom::Start(range.start))?;
        }
        let bytes = range.end - range.start;
        let (chunk, file) = read_chunk(file, bytes)?;
        Ok(BlobReader { bytes, left: bytes, state: State::Ready(chunk, file) })
    }

    /// How many bytes there are to read in all.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next chunk, of at most [`CHUNK_BYTES`] and never empty; none at the end or after an error.
    pub async fn next(&mut self) -> Option<Result<Bytes, BlobError>> {
        if self.left == 0 {
            self.state = State::Done;
            return None;
        }
        match self.ready().await {
            Ok((chunk, file)) => {
                self.left = self.left.saturating_sub(chunk.len() as u64);
                self.read_ahead(file);
                Some(Ok(chunk))
            }
            Err(error) => {
                self.left = 0;
                Some(Err(error.into()))
            }
        }
    }

    /// The chunk that was read ahead. Cancelled while it is being read, it can be asked for again.
    async fn ready(&mut self) -> io::Result<(Bytes, File)> {
        if let State::Busy(task) = &mut self.state {
            let (chunk, file) = task.await.map_err(io::Error::other)??;
            self.state = State::Ready(chunk, file);
        }
        match std::mem::replace(&mut self.state, State::Done) {
            State::Ready(chunk, file) => Ok((chunk, file)),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn read_ahead(&mut self, file: File) {
        if self.left > 0 {
            let left = self.left;
            self.state = State::Busy(tokio::task::spawn_blocking(move || read_chunk(file, left)));
        }
    }
}

fn read_chunk(mut file: File, left: u64) -> io::Result<(Bytes, File)> {
    let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK_BYTES);
    let mut chunk = Vec::with_capacity(wanted);
    file.by_ref().take(wanted as u64).read_to_end(&mut chunk)?;
    if chunk.len() < wanted {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a blob became shorter while it was read"));
    }
    Ok((chunk.into(), file))
}
