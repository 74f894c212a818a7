//! IAM and STS through their own doors: typed calls, the query protocol, and the ports that other services use.

#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod access;
mod keys;
mod policies;
mod protocol;
mod roles;
mod seeds;
mod sts;
mod users;
mod web_identity;
mod world;
