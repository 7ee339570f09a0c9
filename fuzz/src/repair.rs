//! Checks made right, so that what stands behind them is reached.

use std::borrow::Cow;

use crc::{CRC_8_AUTOSAR, CRC_32_ISCSI, Crc, Digest};
use ranstream::format::{BLOCK_OVERHEAD, BlockHeader, MAGIC, StreamHeader};

const CRC_8: Crc<u8> = Crc::<u8>::new(&CRC_8_AUTOSAR);
const CRC_32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

const TAG_END: u8 = 0x40;
const TAG_SKIPPABLE: u8 = 0x41;

/// Where the sequence check stands in an end block.
const SEQUENCE_CHECK_AT: usize = BlockHeader::LEN + 16;

/// `stream` with right checks, if `wanted`.
pub fn repaired_if(wanted: bool, stream: &[u8]) -> Cow<'_, [u8]> {
    if wanted { repaired(stream).into() } else { stream.into() }
}

/// `stream` with every check made right that needs no decoding: header checks, payload checks and
/// the sequence check, as far as lengths lead from one block to the next.
pub fn repaired(stream: &[u8]) -> Vec<u8> {
    let mut stream = stream.to_vec();
    let mut rest = &mut stream[..];
    let mut sequence = CRC_32C.digest();
    while let Some(len) = repair_first(rest, &mut sequence) {
        rest = &mut rest[len..];
    }
    stream
}

/// CRC-32C, for what is framed otherwise.
pub fn crc32c(parts: &[&[u8]]) -> u32 {
    let mut digest = CRC_32C.digest();
    for part in parts {
        digest.update(part);
    }
    digest.finalize()
}

/// CRC-8, for what is framed otherwise.
pub fn crc8(bytes: &[u8]) -> u8 {
    CRC_8.checksum(bytes)
}

/// Repairs what `bytes` begin with; its length, if it is whole.
fn repair_first(bytes: &mut [u8], sequence: &mut Digest<'static, u32>) -> Option<usize> {
    static CRC: Crc<u32> = CRC_32C;
    if bytes.starts_with(&MAGIC) {
        *sequence = CRC.digest();
        return repair_stream_header(bytes);
    }
    let header = bytes.first_chunk_mut::<{ BlockHeader::LEN }>()?;
    header[7] = crc8(&header[..7]);
    let [tag, _, _, c, d, e, f, _] = *header;
    let payload_len = match tag {
        TAG_SKIPPABLE => u32::from_le_bytes([c, d, e, f]) as usize,
        _ => u32::from_le_bytes([d, e, f, 0]) as usize + 1,
    };
    let len = payload_len + BLOCK_OVERHEAD;
    let block = bytes.get_mut(..len)?;
    if tag == TAG_END && payload_len >= 20 {
        block[SEQUENCE_CHECK_AT..SEQUENCE_CHECK_AT + 4].copy_from_slice(&sequence.clone().finalize().to_le_bytes());
    }
    let (signed, check) = block.split_last_chunk_mut::<4>()?;
    *check = crc32c(&[signed]).to_le_bytes();
    sequence.update(check);
    Some(len)
}

fn repair_stream_header(bytes: &mut [u8]) -> Option<usize> {
    let fixed = bytes.first_chunk_mut::<{ StreamHeader::FIXED_LEN }>()?;
    fixed[7] = crc8(&fixed[..7]);
    if fixed[5] & 1 == 0 {
        return Some(StreamHeader::FIXED_LEN);
    }
    let header = bytes.first_chunk_mut::<{ StreamHeader::MAX_LEN }>()?;
    let (signed, check) = header.split_last_chunk_mut::<4>()?;
    *check = crc32c(&[signed]).to_le_bytes();
    Some(StreamHeader::MAX_LEN)
}
