//! The real services' models against botocore: what it sends is read, and what is written it reads, for every
//! operation that Nephos has; and every request of S3's and Lambda's whole models is routed to its operation.
//!
//! Needs `python3` with botocore.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod answers;
mod botocore;
#[path = "../it/dump.rs"]
mod dump;
mod dynamic;
#[path = "../it/fill.rs"]
#[allow(dead_code, reason = "shared")]
mod fill;
mod known;
mod real;
mod requests;
mod routes;
