//! Headers parse to what writes the same bytes, or not at all.

use ranstream::{
    error::Part,
    format::{BlockHeader, EndBlock, IndexFooter, StreamHeader},
};

use super::repair::{crc8, repaired};

pub fn run(bytes: &[u8]) {
    for bytes in [bytes, &repaired(bytes)] {
        stream_header(bytes);
        if let Some(&header) = bytes.first_chunk() {
            block_header(header);
        }
        if let Some(end) = EndBlock::parse(bytes) {
            let mut written = Vec::new();
            end.write(&mut written);
            assert_eq!(&written[BlockHeader::LEN..][..bytes.len()], bytes);
        }
        if let Some(footer) = bytes.first_chunk().and_then(IndexFooter::parse) {
            assert!(footer.block_len() > footer.payload_len());
        }
    }
}

fn stream_header(bytes: &[u8]) {
    if let Ok(header) = StreamHeader::parse(bytes, 0) {
        let mut written = Vec::new();
        header.write(&mut written);
        assert_eq!(written, bytes[..header.encoded_len()]);
    }
}

fn block_header(bytes: [u8; BlockHeader::LEN]) {
    let Ok(header) = BlockHeader::parse(&bytes, Part::Block(0), 0) else { return };
    assert_eq!(header.to_bytes(), bytes);
    assert_eq!(bytes[7], crc8(&bytes[..7]));
    if let BlockHeader::Data { raw_len, payload_len, .. } = header {
        assert!(payload_len >= 1 && payload_len <= raw_len && raw_len <= ranstream::MAX_BLOCK_LEN);
    }
}
