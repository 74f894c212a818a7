//! The service driven through its wire: JSON in, JSON out.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod events;
mod groups;
mod harness;
mod ingest;
