//! Any payload of a pivot block whose checks are right: every kernel gives the same bytes or the
//! same error. And every kernel codes any bytes to the same payload.

use ranstream::{EncodeOptions, Mode, Prefer, format::BlockMode};

use super::kernels::{decode_alike, encode_alike, lengthened};

/// The first byte: 0 to decode, 1 and 2 to code, 3 to code a long block. Two bytes: how many raw
/// bytes more than payload bytes there are.
pub fn run(input: &[u8]) {
    let Some((&[what, a, b], bytes)) = input.split_first_chunk() else { return };
    if bytes.is_empty() {
        return;
    }
    let forced = EncodeOptions::new().mode(Mode::Pivot);
    match what % 4 {
        0 => decode_alike(BlockMode::Pivot, u16::from_le_bytes([a, b]).into(), bytes),
        1 => encode_alike(bytes, &forced),
        2 => encode_alike(
            bytes,
            &EncodeOptions::new().level(0).prefer(if a % 2 == 0 { Prefer::Ratio } else { Prefer::Speed }),
        ),
        _ => encode_alike(&lengthened(bytes), &forced),
    }
}
