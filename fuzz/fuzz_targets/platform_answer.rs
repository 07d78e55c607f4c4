#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| promises::platform_answer(input));
