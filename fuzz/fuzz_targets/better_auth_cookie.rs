#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| promises::better_auth_cookie(input));
