//! What can go wrong between a service and its data.

use std::io;

/// A failure of the store. None of them is the caller's client's fault: a service answers them with `InternalFailure`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused a file operation.
    #[error("store: {0}")]
    Io(#[from] io::Error),
    /// What is stored is not what this version of the program writes.
    #[error("store is corrupt: {0}")]
    Corrupt(String),
    /// Other transactions got in the way of this one more often than it is worth trying.
    #[error("transaction `{name}` met conflicts {attempts} times, expected to pass by then")]
    Conflict {
        /// The transaction's name.
        name: &'static str,
        /// How often it was tried.
        attempts: u32,
    },
    /// A key, or a transaction's writes together, are over the limit.
    #[error("{what} has {bytes} bytes, expected at most {limit}")]
    TooLarge {
        /// What is too large: `key` or `transaction`.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
    /// The folder is in use by another process.
    #[error("the data folder {0} is in use by another process, expected to be its only writer")]
    Locked(String),
    /// The folder was written by a version of the program that this one does not know.
    #[error("the data folder has format version {found}, expected {expected}")]
    Format {
        /// The version that the folder carries.
        found: String,
        /// The version that this program writes.
        expected: u32,
    },
    /// A write to the disk failed before; nothing is written since, so that what was acknowledged stays true.
    #[error("the store takes no more writes after a failed one, restart after mending its cause: {0}")]
    Poisoned(String),
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
    /// The database server answered with an error, or not at all.
    #[error("database server: {0}")]
    Remote(String),
}

impl StoreError {
    /// A copy for each of the transactions that one failed commit carried.
    pub(crate) fn poisoned(cause: &StoreError) -> StoreError {
        match cause {
            StoreError::Poisoned(text) => StoreError::Poisoned(text.clone()),
            StoreError::Closed => StoreError::Closed,
            other => StoreError::Poisoned(other.to_string()),
        }
    }
}
