#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ranstream_fuzz::faulty_io::run(input));
