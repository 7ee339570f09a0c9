//! Any bytes as a section, descriptor and payload: every kernel gives the same symbols or the same
//! error, whatever stood there before. And every kernel codes any symbols to the same sections.

use ranstream::{EncodeOptions, format::BlockMode};

use super::kernels;

/// The first byte: whether to code. Two bytes: how long a segment is then, or how many symbols more
/// than bytes the section has.
pub fn run(input: &[u8]) {
    let Some((&[how, a, b], bytes)) = input.split_first_chunk() else { return };
    let number = usize::from(u16::from_le_bytes([a, b]));
    if bytes.is_empty() {
        return;
    }
    if how == 1 {
        // Bytes that repeat themselves become five sections, others one of `lanes`.
        kernels::encode_alike(bytes, &EncodeOptions::new().level(1).segment_len(number.max(128)));
    } else {
        decode(number, bytes);
    }
}

/// The most bytes that stand before the chunk, and its kind.
pub(crate) const BEFORE: usize = 13;

/// As the one plain chunk of a block with matches, which is one section (FORMAT.md, 14.1).
fn decode(more: usize, section: &[u8]) {
    let symbols = section.len() + BEFORE + more;
    let mut payload = vec![0];
    for value in [1, symbols, 1 + section.len()] {
        number(value, &mut payload);
    }
    payload.resize(payload.len().next_multiple_of(4), 0);
    payload.push(0);
    payload.extend(section);
    kernels::decode_alike(BlockMode::Lz, symbols - payload.len(), &payload);
}

/// FORMAT.md, 11.
fn number(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
