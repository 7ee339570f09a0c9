//! What was in a buffer before never shows in what is decoded.

use ranstream::{DecodeOptions, decompress_into};

use super::repair::repaired_if;

/// The first byte: whether the checks are made right.
pub fn run(input: &[u8]) {
    let Some((&repair, stream)) = input.split_first() else { return };
    let stream = repaired_if(repair % 2 == 1, stream);
    let (mut zeros, mut ones) = (vec![0; 1 << 15], vec![0xFF; 1 << 15]);
    let first = decompress_into(&stream, &mut zeros, &DecodeOptions::new());
    let second = decompress_into(&stream, &mut ones, &DecodeOptions::new());
    assert_eq!(first, second);
    if let Ok(len) = first {
        assert_eq!(zeros[..len], ones[..len]);
        assert!(ones[len..].iter().all(|&byte| byte == 0xFF));
    }
}
