//! The service driven through its wire: JSON in, JSON out.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod batches;
mod capacity;
mod concurrency;
mod errors;
mod expiry;
mod global_indexes;
mod harness;
mod items;
mod legacy;
mod model;
mod query;
mod tables;
mod transactions;
mod updates;
