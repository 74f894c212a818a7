//! Cognito through its own doors, with the real IAM behind it: the protocol, and credentials that policies judge.

#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod credentials;
mod protocol;
mod world;
