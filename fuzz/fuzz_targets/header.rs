//! Headers parse to what writes the same bytes, or not at all.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ranstream::{
    error::Part,
    format::{BlockHeader, StreamHeader},
};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(header) = StreamHeader::parse(bytes, 0) {
        let mut written = Vec::new();
        header.write(&mut written);
        assert_eq!(written, bytes[..header.encoded_len()]);
    }
    if let Some(bytes) = bytes.first_chunk()
        && let Ok(header) = BlockHeader::parse(bytes, Part::Block(0), 0)
    {
        assert_eq!(header.to_bytes(), *bytes);
    }
});
