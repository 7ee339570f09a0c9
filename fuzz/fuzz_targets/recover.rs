//! Recovery of any bytes ends, and covers the input in order.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ranstream::{
    Limits,
    recover::{Found, Recovery},
};

fuzz_target!(|bytes: &[u8]| {
    let mut at = 0;
    for found in Recovery::with_limits(bytes, Limits::new().max_block_len(1 << 16)) {
        let (Found::Block { place, .. } | Found::Lost { place }) = found.expect("a slice does not fail");
        assert!(place.start >= at && place.end > place.start);
        at = place.end;
    }
    assert!(at <= bytes.len() as u64);
});
