//! Real environments, made by a real helper, on whatever host the tests run.
// What the tests share is not itself marked as a test.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod filesystem;
mod life;
mod limits;
mod network;
mod rootless;
mod support;
mod walls;
