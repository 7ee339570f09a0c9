//! Any bytes as a section, descriptor and payload: every kernel gives the same symbols or the same
//! error, whatever stood there before. And every kernel codes any symbols to the same section.

#[cfg(fuzzing)]
use ranstream::{Kernel, fuzzing};

/// The first byte: whether to code; if so, two bytes for the length of a segment.
///
/// Sections are no part of the crate's API: it shows them to a fuzzer alone, and a seed that runs
/// as a test does nothing here.
#[cfg_attr(not(fuzzing), allow(unused_variables, clippy::missing_const_for_fn))]
pub fn run(input: &[u8]) {
    #[cfg(fuzzing)]
    match input {
        [1, a, b, symbols @ ..] => encode(usize::from(u16::from_le_bytes([*a, *b])).max(128), symbols),
        [_, section @ ..] => decode(section),
        [] => {}
    }
}

#[cfg(fuzzing)]
fn decode(section: &[u8]) {
    let expected = fuzzing::decode(section, Kernel::Portable, 0);
    for (kernel, fill) in Kernel::all_available().zip([0xFF, 0x55].into_iter().cycle()) {
        assert_eq!(fuzzing::decode(section, kernel, fill), expected, "{kernel}");
    }
}

#[cfg(fuzzing)]
fn encode(segment_len: usize, symbols: &[u8]) {
    let expected = fuzzing::encode(symbols, segment_len, Kernel::Portable);
    assert_eq!(fuzzing::decode(&expected, Kernel::Portable, 0).as_deref(), Ok(symbols));
    for kernel in Kernel::all_available() {
        assert_eq!(fuzzing::encode(symbols, segment_len, kernel), expected, "{kernel}");
    }
}
