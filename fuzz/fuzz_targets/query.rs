//! See `src/targets/query.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| nephos_fuzz::targets::query::run(data));
