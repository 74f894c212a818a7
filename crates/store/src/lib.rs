//! Where Nephos keeps its state: an ordered map of bytes with consistent snapshots and serializable transactions.
//!
//! What is acknowledged is durable, what is visible is durable, and a transaction is wholly there or not at all.
//! Engines: an embedded one, a database server that speaks PostgreSQL's protocol, and memory; one suite holds them to
//! the same behaviour.
//!
//! Reading order: [`key`], [`range`], [`read`], [`tx`], [`store`]; then `local` (concurrency and group commit).
//! Deliberately absent: queries, secondary indexes and schemas (services lay out their own keys), and nested transactions.

mod backlog;
#[cfg(feature = "compare")]
pub mod compare;
mod counts;
mod embedded;
mod engine;
mod error;
pub mod key;
mod local;
mod memory;
mod options;
pub mod outbox;
mod postgres;
pub mod range;
pub mod read;
pub mod record;
mod snapshot;
pub mod store;
#[cfg(test)]
mod suite;
mod topics;
pub mod tx;
mod view;

pub use counts::Counts;
pub use error::StoreError;
pub use key::{Key, KeyReader};
pub use options::{Durability, Options};
pub use range::Range;
pub use read::Read;
pub use record::Record;
pub use store::Store;
pub use tx::Tx;
pub use view::View;
