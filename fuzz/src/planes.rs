//! Any payload of a block of planes whose checks are right: every kernel gives the same bytes or
//! the same error, also over a base. And every kernel codes any bytes with any layout to the same
//! payload.

use ranstream::{
    Base, Column, DecodeOptions, EncodeOptions, Kernel, Layout, LayoutProfile, compress, decompress, format::BlockMode,
};

use super::kernels::{decode_alike, decode_alike_with, encode_alike};

/// The most raw bytes: each input is coded with every kernel.
const LONGEST: usize = 4 << 10;

/// The first byte: 0 to decode, 3 to do it over a base, else to code, over a base if its third bit
/// is set. Two bytes: how many raw bytes more than payload bytes there are; or how many columns,
/// which profile, and how often the bytes are repeated. Columns have two bytes each then, before
/// the raw bytes. The first one's elements are predicted, in rows of as many as the upper four bits
/// of the first byte say.
pub fn run(input: &[u8]) {
    let Some((&[what, a, b], bytes)) = input.split_first_chunk() else { return };
    if bytes.is_empty() {
        return;
    }
    let more = usize::from(u16::from_le_bytes([a, b])) % LONGEST;
    match what % 4 {
        0 => return decode_alike(BlockMode::Planes, more, bytes),
        3 => return decode_over_base(more, bytes),
        _ => {}
    }
    let Some((columns, raw)) = bytes.split_at_checked(2 * (usize::from(a % 8) + 1)) else { return };
    let columns: Vec<Column> = columns.as_chunks().0.iter().map(|&[how, width]| column(how, width)).collect();
    let Ok(layout) = Layout::records(&columns) else { return };
    let profiles = [LayoutProfile::Fast, LayoutProfile::Small, LayoutProfile::Device];
    let stride = usize::from(what >> 4) * columns[0].element();
    let layout = if stride > 0 { layout.stride(stride) } else { layout };
    // Matches have a target of their own.
    let options = EncodeOptions::new().level(0).layout(layout.profile(profiles[usize::from(b) % profiles.len()]));
    // Long ones have sections that are not stored.
    let repeated = 1 + usize::from(b / 3);
    let raw = raw.repeat(repeated.min(LONGEST / raw.len().max(1)).max(1));
    match (raw.is_empty(), what & 4) {
        (true, _) => {}
        (_, 0) => encode_alike(&raw, &options),
        _ => encode_over_base(&raw, &options),
    }
}

/// A payload whose base is right, as the library has no way to leave that unverified.
fn decode_over_base(more: usize, payload: &[u8]) {
    let base: Vec<u8> = (0..payload.len() + more).map(|at| ((at * at) >> 3) as u8 ^ 0x3C).collect();
    let base = Base::from_bytes(base);
    let hash = base.hash().expect("it lies in memory").to_le_bytes();
    let payload = [&[0; 8], &hash, payload].concat();
    // Of the payload there are 16 bytes more, but not of the base.
    let options = DecodeOptions::new().base(base);
    if let Some(more) = more.checked_sub(16) {
        decode_alike_with(&options, BlockMode::PlanesOverBase, more, &payload);
    }
}

/// Every kernel codes the same differences, and they decode: of `raw` from itself, of which one
/// byte of each 64 is another.
fn encode_over_base(raw: &[u8], options: &EncodeOptions) {
    let old = raw
        .iter()
        .zip((0..=u8::MAX).cycle())
        .map(|(byte, at)| if at % 64 == 9 { byte.wrapping_add(at) } else { *byte });
    let base = Base::from_bytes(old.collect::<Vec<u8>>());
    let options = options.clone().base(base.clone());
    let coded = |kernel| compress(raw, &options.clone().kernel(kernel)).expect("the options are valid");
    let expected = coded(Kernel::Portable);
    for kernel in Kernel::all_available() {
        assert_eq!(coded(kernel), expected, "{kernel}");
        let back = decompress(&expected, &DecodeOptions::new().base(base.clone()).kernel(kernel));
        assert_eq!(back.as_deref(), Ok(raw), "{kernel}");
    }
}

fn column(how: u8, width: u8) -> Column {
    let element = 1 << (how >> 4 & 3);
    let column = Column::new((u16::from(width % 32) + 1) * u16::from(element), element);
    if how & 1 == 0 { column } else { column.rotated() }
}
