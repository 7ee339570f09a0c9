//! Any bytes as a payload of the original coder; and what is coded comes back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ranstream::rans::{interleaved, single};

fuzz_target!(|input: (u16, u8, u8, &[u8])| {
    let (raw_len, lanes, scale_bits, bytes) = input;
    let _ = single::decode(bytes, raw_len.into());
    let _ = interleaved::decode(bytes, raw_len.into());
    let (lanes, scale_bits) = (usize::from(lanes).max(1), 9 + scale_bits % 6);
    let payload = single::encode(bytes, scale_bits).expect("the options are valid");
    assert_eq!(single::decode(&payload, bytes.len()).expect("our own payload"), bytes);
    let payload = interleaved::encode(bytes, lanes, scale_bits).expect("the options are valid");
    assert_eq!(interleaved::decode(&payload, bytes.len()).expect("our own payload"), bytes);
});
