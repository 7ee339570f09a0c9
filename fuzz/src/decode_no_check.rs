//! Any bytes as a stream whose checks are right: what lies behind the checks must hold by itself,
//! with one thread and with more.

use ranstream::{DecodeOptions, Limits, decompress};

use super::{drive, repair::repaired};

/// The first byte: how many threads decode.
pub fn run(input: &[u8]) {
    let Some((&threads, stream)) = input.split_first() else { return };
    let stream = repaired(stream);
    let options = DecodeOptions::new()
        .limits(Limits::new().max_output(1 << 18).max_memory(1 << 22))
        .application_data(1 << 12)
        .threads(usize::from(threads % 8 != 0));
    let (raw, error) = drive::decode(&stream, options.clone(), usize::MAX, 1 << 16, 0);
    match decompress(&stream, &options.threads(1)) {
        Ok(whole) => assert_eq!((whole, None), (raw, error)),
        Err(whole) => assert_eq!(Some(drive::comparable(whole)), error),
    }
}
