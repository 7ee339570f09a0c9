//! A block with matches whose checks are right, of any payload or of a damaged one: every kernel
//! gives the same bytes or the same error, and writes nothing but the raw bytes.

use ranstream::{
    EncodeOptions, Pipeline, block,
    format::{BlockHeader, BlockMode},
};

use super::kernels;

/// The first byte: whether what follows is a payload, or data to be coded and damaged, at which
/// level, and by which pipeline. Two bytes: how many raw bytes more than payload bytes there are,
/// or where the damage is. The fourth: what the damage is.
pub fn run(input: &[u8]) {
    let Some((&[how, a, b, damage], bytes)) = input.split_first_chunk() else { return };
    let number = usize::from(u16::from_le_bytes([a, b]));
    if bytes.is_empty() {
        return;
    }
    if how & 1 == 0 {
        kernels::decode_alike(BlockMode::Lz, number % (16 << 10), bytes);
        return;
    }
    let (level, (_, pipeline)) = (1 + how / 2 % 7, Pipeline::ALL[usize::from(how / 14) % Pipeline::ALL.len()]);
    let options = EncodeOptions::new().level(level).pipeline(pipeline).entropy_chunk_bytes(1 << 12);
    let mut coded = Vec::new();
    block::encode(bytes, &options, &mut coded).expect("the options are valid");
    if coded[0] != BlockMode::Lz.tag() {
        return;
    }
    let payload = &mut coded[BlockHeader::LEN..];
    let end = payload.len() - 4;
    payload[number % end] ^= damage;
    let more = bytes.len() - end;
    kernels::decode_alike(BlockMode::Lz, more, &payload[..end]);
}
