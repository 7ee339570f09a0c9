//! Blocks one behind another, each behind its coded length as a `u32`: what a stream has at the
//! least. For codecs that have no stream of their own.

/// Fills `coded` anew. `encode` writes one block behind what is there.
pub(crate) fn encode_blocks(
    raw: &[u8],
    block_len: usize,
    coded: &mut Vec<u8>,
    mut encode: impl FnMut(&[u8], &mut Vec<u8>),
) {
    coded.clear();
    for block in raw.chunks(block_len) {
        coded.extend([0; 4]);
        let start = coded.len();
        encode(block, coded);
        let len = (coded.len() - start) as u32;
        coded[start - 4..start].copy_from_slice(&len.to_le_bytes());
    }
}

/// Fills `raw`. `decode` fills one block of it.
pub(crate) fn decode_blocks(
    mut coded: &[u8],
    raw: &mut [u8],
    block_len: usize,
    mut decode: impl FnMut(&[u8], &mut [u8]),
) {
    for block in raw.chunks_mut(block_len) {
        let (len, rest) = coded.split_first_chunk().expect("a length for each block");
        let (payload, rest) = rest.split_at(u32::from_le_bytes(*len) as usize);
        decode(payload, block);
        coded = rest;
    }
}
