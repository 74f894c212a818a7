//! Large bytes, each under a random name: written once, read in stretches, deleted.
//!
//! Invariants: a [`BlobId`] is handed out only when its bytes and its name are on the disk; a blob never changes; what is
//! unfinished is never seen and is removed, at the latest when the folder is opened again. Who refers to a blob is the
//! store's to know: write the blob, then the row that names it; delete the row, then the blob. What a crash leaves
//! between the two is an orphan, and [`Blobs::sweep`] finds it.
//!
//! Reading order: [`blobs`], [`writer`], [`reader`]. Deliberately absent: checksums and content types (the callers' rows
//! hold them), deduplication, and encryption.

pub mod blobs;
mod error;
mod id;
pub mod reader;
mod sweep;
pub mod writer;

pub use blobs::Blobs;
pub use error::BlobError;
pub use id::BlobId;
pub use reader::BlobReader;
pub use writer::BlobWriter;
