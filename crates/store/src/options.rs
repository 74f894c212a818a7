//! How a store is opened.

use std::time::Duration;

/// When a transaction counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// When its writes are on the disk: an acknowledged write survives a power cut.
    #[default]
    Strict,
    /// When the operating system has its writes: an acknowledged write survives the death of the process, and a power
    /// cut loses up to [`Options::SYNC_EVERY`] of them, from the end and never from the middle.
    Relaxed,
}

/// The bounds of a store.
#[derive(Debug, Clone)]
pub struct Options {
    /// The most memory for blocks read from the disk.
    pub cache_bytes: u64,
    /// When a transaction counts as done.
    pub durability: Durability,
    /// The most that one transaction may write, in bytes. What waits for the disk is bounded by twice that.
    pub max_batch_bytes: usize,
    /// The most connections to a database server.
    pub connections: usize,
}

impl Options {
    /// How often relaxed writes go to the disk.
    pub const SYNC_EVERY: Duration = Duration::from_secs(1);
}

impl Default for Options {
    fn default() -> Self {
        Options {
            cache_bytes: 32 * 1024 * 1024,
            durability: Durability::Strict,
            max_batch_bytes: 64 * 1024 * 1024,
            connections: 8,
        }
    }
}
