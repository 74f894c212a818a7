//! See `src/targets/expression.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| nephos_fuzz::targets::expression::run(data));
