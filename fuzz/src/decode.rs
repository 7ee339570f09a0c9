//! Any bytes as a stream: an error or bytes, within the limits.

use ranstream::{DecodeOptions, Limits, decompress};

const MAX: u64 = 1 << 22;

pub fn run(stream: &[u8]) {
    let options =
        DecodeOptions::new().limits(Limits::new().max_output(MAX).max_memory(1 << 24)).application_data(1 << 16);
    if let Ok(raw) = decompress(stream, &options) {
        assert!(raw.len() as u64 <= MAX);
    }
}
