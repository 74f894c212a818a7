//! See `src/targets/policy.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| nephos_fuzz::targets::policy::run(data));
