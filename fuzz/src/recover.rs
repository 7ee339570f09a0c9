//! Recovery of any bytes ends, covers the input in order, and finds everything that a reader would
//! give.

use ranstream::{
    DecodeOptions, Limits, decompress,
    recover::{Found, Recovery},
};

use super::repair::repaired_if;

/// The first byte: whether the checks are made right.
pub fn run(input: &[u8]) {
    let Some((&repair, bytes)) = input.split_first() else { return };
    let bytes = repaired_if(repair % 2 == 1, bytes);
    let limits = Limits::new().max_block_len(1 << 14);
    let (mut at, mut recovered, mut lost) = (0, Vec::new(), false);
    for found in Recovery::with_limits(&bytes[..], limits) {
        let place = match found.expect("a slice does not fail") {
            Found::Block { raw, place } => {
                recovered.extend(raw);
                place
            }
            Found::Lost { place } => {
                lost = true;
                place
            }
        };
        assert!(place.start >= at && place.end > place.start);
        at = place.end;
    }
    assert!(at <= bytes.len() as u64);
    // Application data above the largest block is not stepped over: a reader's bytes are all there
    // then, but among others.
    if !lost && let Ok(raw) = decompress(&bytes, &DecodeOptions::new().limits(limits.max_output(1 << 18))) {
        assert_eq!(recovered, raw);
    }
}
