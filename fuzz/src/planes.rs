//! Any payload of a block of planes whose checks are right: every kernel gives the same bytes or
//! the same error. And every kernel codes any bytes with any layout to the same payload.

use ranstream::{Column, EncodeOptions, Layout, LayoutProfile, format::BlockMode};

use super::kernels::{decode_alike, encode_alike};

/// The first byte: 0 to decode, else to code. Two bytes: how many raw bytes more than payload bytes
/// there are; or how many columns, which profile, and how often the bytes are repeated. Columns
/// have two bytes each then, before the raw bytes.
pub fn run(input: &[u8]) {
    let Some((&[what, a, b], bytes)) = input.split_first_chunk() else { return };
    if bytes.is_empty() {
        return;
    }
    if what % 4 == 0 {
        return decode_alike(BlockMode::Planes, u16::from_le_bytes([a, b]).into(), bytes);
    }
    let Some((columns, raw)) = bytes.split_at_checked(2 * (usize::from(a % 8) + 1)) else { return };
    let columns: Vec<Column> = columns.as_chunks().0.iter().map(|&[how, width]| column(how, width)).collect();
    let Ok(layout) = Layout::records(&columns) else { return };
    let profiles = [LayoutProfile::Fast, LayoutProfile::Small, LayoutProfile::Device];
    let options = EncodeOptions::new().layout(layout.profile(profiles[usize::from(b) % profiles.len()]));
    // Long ones have sections that are not stored.
    let raw = raw.repeat(1 + usize::from(b / 3));
    if !raw.is_empty() {
        encode_alike(&raw, &options);
    }
}

fn column(how: u8, width: u8) -> Column {
    let element = 1 << (how >> 4 & 3);
    let column = Column::new((u16::from(width % 32) + 1) * u16::from(element), element);
    if how & 1 == 0 { column } else { column.rotated() }
}
