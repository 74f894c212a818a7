//! What a test needs to start a platform and to talk to it over its own protocols.
//!
//! [`Server`] is a platform inside the test's process, [`Process`] one of its own that can be killed, [`Client`] speaks
//! to either: as anybody, signed, unsigned or presigned, by the services' models or byte by byte. A failure is a panic
//! with the answer in it, at the line of the test that asked.
//!
//! Nothing here looks inside a service: what a client cannot see, a test does not see.

#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

pub mod answer;
pub mod call;
pub mod client;
pub mod encode;
pub mod make;
pub mod postgres;
pub mod process;
pub mod programs;
pub mod server;
pub mod service;

pub use answer::Answer;
pub use call::Call;
pub use client::{Client, Credentials};
pub use process::Process;
pub use server::Server;
pub use until::until;

mod until;
