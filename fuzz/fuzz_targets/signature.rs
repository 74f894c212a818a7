//! See `src/targets/signature.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| nephos_fuzz::targets::signature::run(data));
