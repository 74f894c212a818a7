//! What can go wrong with large bytes.

use std::io;
use std::ops::Range;

use crate::BlobId;

/// A failure of the blob store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// The operating system refused a file operation.
    #[error("blobs: {0}")]
    Io(#[from] io::Error),
    /// There is no such blob.
    #[error("no blob {0}")]
    NotFound(BlobId),
    /// The blob is shorter than what was asked of it.
    #[error("range {}..{} is outside a blob of {bytes} bytes", range.start, range.end)]
    OutOfRange {
        /// What was asked for.
        range: Range<u64>,
        /// The blob's size.
        bytes: u64,
    },
    /// The blob is larger than the caller would hold in memory.
    #[error("blob has {bytes} bytes, expected at most {limit}")]
    TooLarge {
        /// The blob's size.
        bytes: u64,
        /// What the caller allows.
        limit: u64,
    },
    /// The text is no blob's name.
    #[error("blob id has {0} characters or others than 0-9 and a-f, expected 32 of them")]
    BadId(usize),
}

impl BlobError {
    /// Names the blob where the system says only that there is no such file.
    pub(crate) fn about(id: &BlobId, error: io::Error) -> BlobError {
        match error.kind() {
            io::ErrorKind::NotFound => BlobError::NotFound(id.clone()),
            _ => BlobError::Io(error),
        }
    }
}

/// Runs file work where it may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|stopped| Err(io::Error::other(stopped).into()))
}
