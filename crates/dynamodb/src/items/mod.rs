//! Items, one and several at a time: put, get, update, delete, batches and transactions.
//!
//! A write is one transaction of the store: the item, its entries in every index, and the row of its expiry. Reading
//! order: [`request`] (what calls have in common), [`change`] (one item's change), then the operations.

pub mod batch_get;
pub mod batch_write;
pub mod capacity;
pub mod change;
pub mod collection;
pub mod delete;
pub mod get;
pub mod put;
pub mod request;
pub mod transact_get;
pub mod transact_write;
pub mod update;
