//! What was in a buffer before never shows in what is decoded.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ranstream::{DecodeOptions, decompress_into};

fuzz_target!(|stream: &[u8]| {
    let (mut zeros, mut ones) = (vec![0; 1 << 16], vec![0xFF; 1 << 16]);
    let first = decompress_into(stream, &mut zeros, &DecodeOptions::new());
    let second = decompress_into(stream, &mut ones, &DecodeOptions::new());
    assert_eq!(first, second);
    if let Ok(len) = first {
        assert_eq!(zeros[..len], ones[..len]);
        assert!(ones[len..].iter().all(|&byte| byte == 0xFF));
    }
});
