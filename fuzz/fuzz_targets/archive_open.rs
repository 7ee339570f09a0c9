#![no_main]

#[allow(dead_code, reason = "each target takes one body of it")]
#[path = "../src/model_files.rs"]
mod model_files;

libfuzzer_sys::fuzz_target!(|input: &[u8]| model_files::archive_open(input));
