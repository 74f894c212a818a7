//! See `src/targets/validation.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| nephos_fuzz::targets::validation::run(data));
