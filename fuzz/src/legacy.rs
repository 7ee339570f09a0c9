//! Any bytes as a payload of the original coder; and what is coded comes back.

use ranstream::rans::{interleaved, single};

/// The first bytes: raw length, lanes, scale bits.
pub fn run(input: &[u8]) {
    let Some((&[a, b, lanes, scale_bits], bytes)) = input.split_first_chunk() else { return };
    let raw_len = usize::from(u16::from_le_bytes([a, b]));
    for result in [single::decode(bytes, raw_len), interleaved::decode(bytes, raw_len)] {
        assert!(result.is_err() || result.is_ok_and(|raw| raw.len() == raw_len));
    }
    let (lanes, scale_bits) = (usize::from(lanes).max(1), 9 + scale_bits % 6);
    let payload = single::encode(bytes, scale_bits).expect("the options are valid");
    assert_eq!(single::decode(&payload, bytes.len()).expect("our own payload"), bytes);
    let payload = interleaved::encode(bytes, lanes, scale_bits).expect("the options are valid");
    assert_eq!(interleaved::decode(&payload, bytes.len()).expect("our own payload"), bytes);
}
