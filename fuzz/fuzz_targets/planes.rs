#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ranstream_fuzz::planes::run(input));
