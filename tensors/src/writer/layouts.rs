//! Which bytes of a tensor mean the same: a table of the encoder's.
//!
//! A wrong line costs size, never bytes. Decoders know none of this.

use ranstream::{Column, Layout};

use crate::DType;

/// Raw bytes of a block of elements of one byte, and of 8 bytes.
const BLOCK_LEN_OF_BYTES: usize = 256 << 10;
const BLOCK_LEN_OF_F64: usize = 1 << 20;

/// A column of plain bytes.
const fn bytes(width: u16) -> Column {
    Column::new(width, 1)
}

/// A column of half-precision scales.
const HALF: Column = Column::new(2, 2).rotated();

/// The columns of a block of GGML's types, by number: scales, then what is packed.
const RECORDS: [(u32, &[Column]); 24] = [
    // Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q8_1
    (2, &[HALF, bytes(16)]),
    (3, &[HALF, HALF, bytes(16)]),
    (6, &[HALF, bytes(4), bytes(16)]),
    (7, &[HALF, HALF, bytes(4), bytes(16)]),
    (8, &[HALF, bytes(32)]),
    (9, &[HALF, HALF, bytes(32)]),
    // Q2_K to Q8_K
    (10, &[bytes(16), bytes(64), HALF, HALF]),
    (11, &[bytes(32), bytes(64), bytes(12), HALF]),
    (12, &[HALF, HALF, bytes(12), bytes(128)]),
    (13, &[HALF, HALF, bytes(12), bytes(32), bytes(128)]),
    (14, &[bytes(128), bytes(64), bytes(16), HALF]),
    (15, &[Column::new(4, 4).rotated(), bytes(256), Column::new(32, 2)]),
    // IQ2_XXS, IQ2_XS, IQ3_XXS, IQ1_S, IQ4_NL, IQ3_S, IQ2_S, IQ4_XS, IQ1_M
    (16, &[HALF, bytes(64)]),
    (17, &[HALF, bytes(64), bytes(8)]),
    (18, &[HALF, bytes(96)]),
    (19, &[HALF, bytes(32), bytes(16)]),
    (20, &[HALF, bytes(16)]),
    (21, &[HALF, bytes(64), bytes(8), bytes(32), bytes(4)]),
    (22, &[HALF, bytes(64), bytes(8), bytes(8)]),
    (23, &[HALF, bytes(2), bytes(4), bytes(128)]),
    (29, &[bytes(32), bytes(16), bytes(8)]),
    // TQ1_0, TQ2_0, MXFP4
    (34, &[bytes(48), bytes(4), HALF]),
    (35, &[bytes(64), HALF]),
    (39, &[bytes(1), bytes(16)]),
];

/// How the bytes of a tensor of this type repeat.
pub(super) fn layout(dtype: DType) -> Layout {
    match dtype {
        DType::BF16 => Layout::bf16(),
        DType::F16 => Layout::f16(),
        DType::F32 | DType::C64 => Layout::f32(),
        DType::F64 => Layout::f64().block_len(BLOCK_LEN_OF_F64),
        DType::I16 | DType::U16 => Layout::i16(),
        DType::I32 | DType::U32 => Layout::i32(),
        DType::I64 | DType::U64 => Layout::i64().block_len(BLOCK_LEN_OF_F64),
        DType::Ggml(number) => {
            let columns = RECORDS.iter().find(|(known, _)| *known == number).map(|(_, columns)| *columns);
            columns.and_then(|columns| Layout::records(columns).ok()).unwrap_or_else(plain)
        }
        _ => plain(),
    }
}

/// Bytes of which nothing is known.
pub(super) fn plain() -> Layout {
    Layout::bytes().block_len(BLOCK_LEN_OF_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_as_long_as_blocks_of_their_type() {
        for (number, columns) in RECORDS {
            let layout = Layout::records(columns).unwrap();
            let (_, bytes) = DType::Ggml(number).block().unwrap();
            assert_eq!(layout.record_len() as u64, bytes, "{}", DType::Ggml(number));
        }
    }
}
