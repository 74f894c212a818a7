//! What is read from strangers, as functions of bytes. libFuzzer drives them (`fuzz_targets/`), and so does a runner
//! that needs nothing but stable Rust (`src/bin/smoke.rs`). A function panics where a promise is broken: that what
//! is read can be written and read again, that a refusal is a value, that work is bounded.

pub mod mutate;
pub mod targets;

#[path = "../../crates/wire/tests/models/dynamic.rs"]
mod dynamic;
