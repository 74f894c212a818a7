//! The whole platform, spoken to as its clients do: real servers on free ports, one file a noun.
//!
//! Functions run in real sandboxes, so `nephos-sandbox-helper` and `nephos` must stand beside this binary:
//! `cargo build -p nephos -p nephos-sandbox --bins`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests fail by panicking and may print figures")]

mod accounts;
mod coverage;
mod crash;
mod dev;
mod everything;
mod postgres;
mod refusals;
mod reset;
mod samples;
mod seeds;
mod shutdown;
mod signatures;
mod unknown;
mod urls;
