#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ranstream_fuzz::async_schedule::run(input));
