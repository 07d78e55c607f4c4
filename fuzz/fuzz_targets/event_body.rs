#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| promises::event_body(input));
