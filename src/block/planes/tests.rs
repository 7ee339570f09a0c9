//! Payloads of every layout, whether or not they are worth it.

use super::{
    decode_over_base, decode_parts, decode_payload,
    encode::{Filters, encode_payload},
    tiles,
};
use crate::{
    base::Base,
    error::{Corruption, PayloadError},
    format::{
        check::ContentHash,
        fields::Fields,
        planes::{BaseRange, Head, Numbers, Prediction},
        section::{LateDescriptor, SectionForm},
    },
    options::{BlockOptions, Column, EncodeOptions, Layout, LayoutProfile, Prefer},
    simd::Kernel,
};

fn layouts() -> Vec<Layout> {
    let records = |columns: &[Column]| Layout::records(columns).unwrap();
    let half = Column::new(2, 2).rotated();
    vec![
        Layout::bf16(),
        Layout::f32(),
        Layout::f64(),
        Layout::i16(),
        Layout::i64(),
        records(&[Column::new(1, 1).rotated()]),
        records(&[Column::new(6, 2)]),
        records(&[half, Column::new(16, 1)]),
        records(&[half, half, Column::new(12, 1), Column::new(32, 1)]),
        records(&[Column::new(3, 1), Column::new(8, 4).rotated(), Column::new(1, 1)]),
    ]
}

const PROFILES: [LayoutProfile; 3] = [LayoutProfile::Fast, LayoutProfile::Small, LayoutProfile::Device];

fn options(layout: Layout, kernel: Kernel) -> BlockOptions {
    EncodeOptions::new().layout(layout).kernel(kernel).block
}

fn filters(zero_map: bool, base: Option<(BaseRange, &[u8])>) -> Filters<'_> {
    Filters { zero_map, prediction: None, base }
}

/// Like weights: exponents near each other, zeros of both signs between them.
fn weights(len: usize) -> Vec<u8> {
    let byte = |at: usize| {
        let x = (at as u32 / 4).wrapping_mul(0x9E37_79B1) ^ (at as u32).wrapping_mul(0x85EB_CA6B) >> 7;
        match (x >> 28, at % 2) {
            (0..=2, _) => 0,
            (3, odd) => odd as u8 * 0x80,
            (_, 0) => (x >> 9) as u8,
            _ => 0x3B + (x >> 20 & x >> 22) as u8 % 4,
        }
    };
    (0..len).map(byte).collect()
}

fn round_trip(raw: &[u8], options: &BlockOptions, zero_map: bool) -> Vec<u8> {
    round_trip_by(Kernel::all_available(), raw, options, zero_map)
}

fn round_trip_by(
    kernels: impl IntoIterator<Item = Kernel>,
    raw: &[u8],
    options: &BlockOptions,
    zero_map: bool,
) -> Vec<u8> {
    let mut payload = Vec::new();
    encode_payload(raw, options, &filters(zero_map, None), &mut payload);
    for kernel in kernels {
        let mut back = vec![0xAA; raw.len()];
        decode_payload(&payload, &mut back, kernel).unwrap();
        assert!(back == raw, "{} bytes, {:?}, {kernel}", raw.len(), options.layout);
    }
    payload
}

#[test]
fn every_length_and_layout_comes_back() {
    let raw = weights(20_000);
    for layout in layouts() {
        let record_len = layout.record_len();
        for profile in PROFILES {
            let options = options(layout.profile(profile), Kernel::or_default(None));
            let most = if profile == LayoutProfile::Fast { 300 } else { 3 * record_len };
            for len in (record_len..most).chain([1000, 4097, 20_000]).filter(|&len| len >= record_len) {
                for zero_map in [false, true] {
                    if layout.columns().len() == 1 || !zero_map {
                        round_trip_by([Kernel::or_default(None)], &raw[..len], &options, zero_map);
                    }
                }
            }
        }
    }
}

#[test]
fn every_kernel_writes_the_same_payload() {
    let raw = weights(70_001);
    for layout in layouts() {
        for profile in PROFILES {
            let expected = round_trip(&raw, &options(layout.profile(profile), Kernel::Portable), false);
            for kernel in Kernel::all_available() {
                let mut payload = Vec::new();
                encode_payload(&raw, &options(layout.profile(profile), kernel), &filters(false, None), &mut payload);
                assert!(payload == expected, "{layout:?}, {kernel}");
            }
        }
    }
}

#[test]
fn every_pattern_of_two_bytes_comes_back() {
    let raw: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
    for profile in PROFILES {
        for layout in [Layout::bf16(), Layout::i16()] {
            let options = options(layout.profile(profile), Kernel::or_default(None));
            round_trip(&raw, &options, false);
            round_trip(&raw, &options, true);
        }
    }
}

/// Waves in rows of so many elements of so many bytes, which neighbours tell, with some noise.
fn waves(rows: usize, columns: usize, element: usize) -> Vec<u8> {
    let wave = |row: usize, column: usize| {
        let noise = ((row * 31 + column * 17) % 3).cast_signed() as i64;
        let wave = (row as f32 / 9.0).sin() + (column as f32 / 13.0).cos();
        (wave * 50.0) as i64 * (1 << (8 * element - 8)) + noise
    };
    let elements = (0..rows).flat_map(|row| (0..columns).map(move |column| wave(row, column)));
    elements.flat_map(|number| number.to_le_bytes().into_iter().take(element)).collect()
}

/// Options that try a prediction, for elements of so many bytes in rows of so many.
fn predicting(element: usize, columns: usize, kernel: Kernel) -> BlockOptions {
    let column = Column::new(element as u16, element as u8);
    let layout = Layout::records(&[column]).unwrap().profile(LayoutProfile::Small).stride(element * columns);
    options(layout, kernel)
}

#[test]
fn predicted_elements_come_back_and_all_kernels_agree() {
    for element in [1, 2, 4, 8] {
        for (rows, columns) in [(100, 130), (13, 1001), (3, 50), (200, 1), (1, 200), (300, 9)] {
            let raw = [waves(rows, columns, element), vec![1, 2, 3]].concat();
            let prediction = Some(Prediction { numbers: Numbers::Signed, tile_log2: 4, stride: columns });
            let chosen = tiles::prediction(&raw, &predicting(element, columns, Kernel::Portable));
            assert!(chosen.is_none() || chosen == prediction, "{chosen:?}");
            let filters = Filters { prediction, ..Filters::default() };
            let (mut plain, mut expected) = (Vec::new(), Vec::new());
            let options = |kernel| predicting(element, columns, kernel);
            encode_payload(&raw, &options(Kernel::Portable), &Filters::default(), &mut plain);
            encode_payload(&raw, &options(Kernel::Portable), &filters, &mut expected);
            assert_eq!(expected.len() < plain.len(), chosen.is_some(), "{rows} rows of {columns}, {element} bytes");
            assert!(chosen.is_some() || rows != 100, "{element} bytes");
            for kernel in Kernel::all_available() {
                let (mut payload, mut back) = (Vec::new(), vec![0xAA; raw.len()]);
                encode_payload(&raw, &options(kernel), &filters, &mut payload);
                assert!(payload == expected, "{kernel}");
                decode_payload(&payload, &mut back, kernel).unwrap();
                assert!(back == raw, "{kernel}, {rows} rows of {columns} elements of {element} bytes");
            }
        }
    }
}

#[test]
fn every_pattern_of_two_bytes_comes_back_from_its_neighbours() {
    let raw: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
    for numbers in [Numbers::Signed, Numbers::Unsigned, Numbers::Floats] {
        for stride in [256, 1 << 16] {
            let prediction = Some(Prediction { numbers, tile_log2: 3, stride });
            let options = options(Layout::bf16().profile(LayoutProfile::Small), Kernel::or_default(None));
            let (mut payload, mut back) = (Vec::new(), vec![0xAA; raw.len()]);
            encode_payload(&raw, &options, &Filters { prediction, ..Filters::default() }, &mut payload);
            decode_payload(&payload, &mut back, Kernel::or_default(None)).unwrap();
            assert!(back == raw, "{numbers:?}, rows of {stride}");
        }
    }
}

#[test]
fn weights_are_not_predicted_and_nothing_is_without_a_stride() {
    let raw = weights(70_000);
    let layout = Layout::bf16().profile(LayoutProfile::Small);
    assert_eq!(tiles::prediction(&raw, &options(layout.stride(512), Kernel::or_default(None))), None);
    let waves = waves(100, 100, 2);
    let of = |layout| tiles::prediction(&waves, &options(layout, Kernel::or_default(None)));
    let small = Layout::i16().profile(LayoutProfile::Small);
    assert_eq!(of(small), None);
    assert_eq!(of(Layout::i16().stride(200)), None, "the fast profile");
    assert_eq!(of(small.stride(200)).map(|prediction| prediction.stride), Some(100));
}

#[test]
fn damage_of_predicted_elements_is_seen_alike_by_all_kernels() {
    for element in [1, 2] {
        let raw = waves(40, 50, element);
        let options = predicting(element, 50, Kernel::Portable);
        let prediction = tiles::prediction(&raw, &options);
        assert!(prediction.is_some(), "{element} bytes");
        let mut payload = Vec::new();
        encode_payload(&raw, &options, &Filters { prediction, ..Filters::default() }, &mut payload);
        let decode = |payload: &[u8], back: &mut [u8], kernel| decode_payload(payload, back, kernel);
        assert_damage_is_seen_alike(&payload, raw.len(), (7, 1), decode);
    }
}

#[test]
fn sections_are_pivot_where_that_costs_little_and_lanes_for_devices() {
    let layout = Layout::bf16();
    // Codes of whole bits cost nothing for the exponents of the one, and much for those of the
    // other.
    let halving = |at: u32| (0x3F80 - (at.wrapping_mul(0x9E37_79B1).leading_zeros() << 7)) as u16 | (at % 128) as u16;
    for (raw, pays) in
        [((0..300_000).flat_map(|at| halving(at).to_le_bytes()).collect(), true), (weights(600_000), false)]
    {
        let first = |layout, prefer| {
            let mut options = options(layout, Kernel::or_default(None));
            options.prefer = prefer;
            let payload = round_trip(&raw, &options, false);
            (forms(&payload, raw.len())[0], payload.len())
        };
        let (fast, smallest) = (first(layout, None), first(layout, Some(Prefer::Ratio)));
        assert_eq!(fast.0, if pays { SectionForm::Pivot } else { SectionForm::Lanes });
        assert!(smallest.1 <= fast.1 && fast.1 <= smallest.1 + smallest.1 / 50, "{smallest:?} and {fast:?}");
        assert!(first(layout.profile(LayoutProfile::Small), None).1 <= smallest.1);
        assert_eq!(first(layout, Some(Prefer::Speed)).0, SectionForm::Pivot);
        for prefer in [None, Some(Prefer::Speed), Some(Prefer::Ratio)] {
            assert_eq!(first(layout.profile(LayoutProfile::Device), prefer).0, SectionForm::Lanes, "{prefer:?}");
        }
    }
}

/// The forms of the sections of a payload.
fn forms(payload: &[u8], raw_len: usize) -> Vec<SectionForm> {
    let mut fields = Fields::new(payload);
    let head = Head::parse(&mut fields, raw_len, false).unwrap();
    (0..head.sections(false)).map(|_| LateDescriptor::parse(&mut fields).unwrap().form).collect()
}

#[test]
fn a_part_of_sections_of_pivot_is_like_the_whole() {
    let raw = weights(200_000);
    let options = EncodeOptions::new().layout(Layout::bf16()).prefer(Prefer::Speed).block;
    let payload = round_trip(&raw, &options, false);
    for (start, len) in [(0, 0), (0, 1), (0, 200_000), (65_535, 2), (131_071, 70), (100_001, 60_000), (199_990, 10)] {
        for kernel in Kernel::all_available() {
            let mut part = vec![0xAA; len];
            assert_eq!(decode_parts(&payload, raw.len(), &mut [(start, &mut part)], kernel), Ok(true));
            assert!(part == raw[start..][..len], "{len} bytes from {start} on, {kernel}");
        }
    }
}

#[test]
fn a_damaged_payload_is_an_error_or_other_bytes_and_all_kernels_agree() {
    let raw = weights(700);
    let options = options(Layout::bf16().profile(LayoutProfile::Small), Kernel::Portable);
    for zero_map in [false, true] {
        let payload = round_trip(&raw, &options, zero_map);
        let decode = |payload: &[u8], back: &mut [u8], kernel| decode_payload(payload, back, kernel);
        assert_damage_is_seen_alike(&payload, raw.len(), (1, 1), decode);
    }
}

#[test]
fn damage_of_planes_that_are_cut_is_seen_alike_by_all_kernels() {
    let raw = of_keys(12_000, 0);
    let options = options(Layout::bf16().profile(LayoutProfile::Small), Kernel::Portable);
    let payload = round_trip(&raw, &options, false);
    assert!(is_cut(Fields::new(&payload), raw.len(), false));
    let decode = |payload: &[u8], back: &mut [u8], kernel| decode_payload(payload, back, kernel);
    assert_damage_is_seen_alike(&payload, raw.len(), (97, 61), decode);
}

#[test]
fn damage_of_differences_is_seen_alike_by_all_kernels() {
    let (old, new) = (of_keys(12_000, 0), of_keys(12_000, 1));
    let options = options(Layout::bf16().profile(LayoutProfile::Small), Kernel::Portable);
    let (base, range) = base_of(&old);
    let mut payload = Vec::new();
    encode_payload(&new, &options, &filters(false, Some((range, &old))), &mut payload);
    let mut fields = Fields::new(&payload);
    BaseRange::parse(&mut fields).unwrap();
    assert!(is_cut(fields, new.len(), true));
    let decode = |payload: &[u8], back: &mut [u8], kernel| decode_over_base(payload, back, Some(&base), kernel);
    assert_damage_is_seen_alike(&payload, new.len(), (97, 61), decode);
}

/// Numbers whose mantissas follow their exponents, and how much so differs from one `turn` to the
/// next.
fn of_keys(len: usize, turn: u32) -> Vec<u8> {
    let number = |at: u32| {
        let random = (at + 1).wrapping_mul(0x9E37_79B1);
        let (key, noise) = (random >> 30, (random ^ turn.wrapping_mul(at) << 9) >> 12 & 7);
        [((key + turn * key) % 4 * 32 + noise) as u8, 0x3B + key as u8]
    };
    (0..len as u32 / 2).flat_map(number).collect()
}

/// Whether the planes of a payload that goes on with its head are cut by keys.
fn is_cut(mut fields: Fields<'_>, raw_len: usize, over_base: bool) -> bool {
    let head = Head::parse(&mut fields, raw_len, over_base).unwrap();
    head.columns[0].bounds.is_some()
}

/// One bit of so many is flipped, and the payload is cut at one byte of so many.
fn assert_damage_is_seen_alike(
    payload: &[u8],
    raw_len: usize,
    (bits, cuts): (usize, usize),
    decode: impl Fn(&[u8], &mut [u8], Kernel) -> Result<(), PayloadError>,
) {
    let decode = |payload: &[u8], kernel| {
        let mut back = vec![0xAA; raw_len];
        decode(payload, &mut back, kernel).map(|()| back)
    };
    for bit in (0..8 * payload.len()).step_by(bits) {
        let mut damaged = payload.to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let expected = decode(&damaged, Kernel::Portable);
        for kernel in Kernel::all_available() {
            assert!(decode(&damaged, kernel) == expected, "bit {bit}, {kernel}");
        }
    }
    for len in (0..payload.len()).step_by(cuts) {
        assert!(decode(&payload[..len], Kernel::or_default(None)).is_err(), "cut at {len}");
    }
}

/// Bytes that lie 3 bytes into a base, and where.
fn base_of(bytes: &[u8]) -> (Base, BaseRange) {
    let mut content = ContentHash::default();
    content.update(bytes);
    (Base::from_bytes([&[1, 2, 3], bytes].concat()), BaseRange { offset: 3, hash: content.value() })
}

#[test]
fn differences_from_a_base_come_back() {
    let old = weights(20_000);
    let new: Vec<u8> = old.iter().zip(0_u32..).map(|(byte, at)| byte ^ (at * at % 19 / 18) as u8).collect();
    for layout in layouts() {
        for profile in PROFILES {
            let options = options(layout.profile(profile), Kernel::or_default(None));
            let record_len = layout.record_len();
            for len in [record_len, record_len + 1, 3 * record_len + 7, 5000, 20_000] {
                let (base, range) = base_of(&old[..len]);
                for zero_map in [false, true].into_iter().take(if layout.columns().len() == 1 { 2 } else { 1 }) {
                    let (mut payload, mut back) = (Vec::new(), vec![0xAA; len]);
                    encode_payload(&new[..len], &options, &filters(zero_map, Some((range, &old[..len]))), &mut payload);
                    for kernel in Kernel::all_available() {
                        decode_over_base(&payload, &mut back, Some(&base), kernel).unwrap();
                        assert!(back == new[..len], "{len} bytes, {layout:?}, {kernel}, zero map: {zero_map}");
                    }
                }
            }
        }
    }
}

#[test]
fn every_pattern_of_two_bytes_comes_back_over_a_base() {
    let raw: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
    let old: Vec<u8> = (0..=u16::MAX).flat_map(|number| number.wrapping_mul(0x9E37).to_le_bytes()).collect();
    let (base, range) = base_of(&old);
    for profile in PROFILES {
        let options = options(Layout::bf16().profile(profile), Kernel::or_default(None));
        for zero_map in [false, true] {
            let (mut payload, mut back) = (Vec::new(), vec![0xAA; raw.len()]);
            encode_payload(&raw, &options, &filters(zero_map, Some((range, &old))), &mut payload);
            decode_over_base(&payload, &mut back, Some(&base), Kernel::or_default(None)).unwrap();
            assert!(back == raw, "{profile:?}, zero map: {zero_map}");
        }
    }
}

#[test]
fn another_base_and_none_are_told_apart() {
    let raw = weights(700);
    let (base, range) = base_of(&raw);
    let (mut payload, mut back) = (Vec::new(), vec![0; raw.len()]);
    let options = options(Layout::bf16(), Kernel::Portable);
    encode_payload(&raw, &options, &filters(true, Some((range, &raw))), &mut payload);
    assert!(payload.len() < 60, "{} bytes", payload.len());
    let mut decode = |payload: &[u8], base: Option<&Base>| decode_over_base(payload, &mut back, base, Kernel::Portable);
    assert_eq!(decode(&payload, Some(&base)), Ok(()));
    assert_eq!(decode(&payload, None), Err(PayloadError::NeedsBase { base_offset: 3, hash: range.hash }));
    let wrong = |found| Err(PayloadError::WrongBase { base_offset: 3, expected: range.hash, found });
    assert_eq!(decode(&payload, Some(&Base::from_bytes(raw.clone()))), wrong(None), "it ends before");
    let mut other = [&[1, 2, 3], &raw[..]].concat();
    other[500] ^= 1;
    let found = Some(base_of(&other[3..]).1.hash);
    assert_eq!(decode(&payload, Some(&Base::from_bytes(other))), wrong(found));
    let unread = Base::new(u64::MAX, |_, _| Err(std::io::ErrorKind::TimedOut.into()));
    assert_eq!(decode(&payload, Some(&unread)), Err(PayloadError::UnreadBase(std::io::ErrorKind::TimedOut)));
    let ends = Corruption::PayloadEnds { field: "base hash", length: 15 };
    assert_eq!(decode(&payload[..15], Some(&base)), Err(ends.into()));
}
