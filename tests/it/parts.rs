//! Some bytes of a block are those of the whole.

use rand::RngExt;
use ranstream::{DecodeOptions, EncodeOptions, Error, Layout, LayoutProfile, Mode, block};

use crate::data;

fn rng() -> rand::rngs::StdRng {
    rand::SeedableRng::seed_from_u64(3)
}

fn layouts() -> Vec<Layout> {
    let records = Layout::records(&[ranstream::Column::new(2, 2).rotated(), ranstream::Column::new(16, 1)]).unwrap();
    let all = [Layout::bytes(), Layout::bf16(), Layout::f32(), Layout::f64(), Layout::i32(), records];
    let profiles = [LayoutProfile::Fast, LayoutProfile::Small, LayoutProfile::Device];
    all.iter().flat_map(|layout| profiles.map(|profile| layout.profile(profile))).collect()
}

/// Bytes whose third and fourth of each four are few, with zeros now and then.
fn raw(len: usize) -> Vec<u8> {
    let word = |at: u32| {
        if at.is_multiple_of(37) { 0 } else { 0x3C00_0000 | (at % 7) << 23 | at.wrapping_mul(2_654_435_761) >> 9 }
    };
    (0..=len as u32 / 4).flat_map(|at| word(at).to_le_bytes()).take(len).collect()
}

#[test]
fn parts_of_every_mode_and_layout() {
    let mut rng = rng();
    let mut options: Vec<EncodeOptions> =
        layouts().into_iter().map(|layout| EncodeOptions::new().layout(layout)).collect();
    options.extend(Mode::ALL.iter().map(|(_, mode)| EncodeOptions::new().mode(*mode)));
    options.push(EncodeOptions::new().level(0));
    options.push(EncodeOptions::new().mode(Mode::Lanes).segment_len(1000));
    for options in &options {
        for len in [1, 7, 1000, 30_001, 200_000] {
            let raw = raw(len);
            let mut coded = Vec::new();
            block::encode(&raw, options, &mut coded).unwrap();
            for _ in 0..30 {
                let start = rng.random_range(0..=len);
                let end = rng.random_range(start..=len.min(start + 9000));
                let mut out = vec![0xAA; end - start];
                block::decode_part(&coded, start, &mut out).unwrap();
                assert!(out == raw[start..end], "{start}..{end} of {len}, {options:?}");
            }
            let mut outs: Vec<(usize, Vec<u8>)> = (0..5)
                .map(|_| (rng.random_range(0..=len), rng.random_range(0..5000)))
                .map(|(start, most)| (start, vec![0xAA; most.min(len - start)]))
                .collect();
            let mut parts: Vec<_> = outs.iter_mut().map(|(start, out)| (*start, &mut out[..])).collect();
            block::decode_parts(&coded, &mut parts, &DecodeOptions::new()).unwrap();
            for (start, out) in &outs {
                assert!(*out == raw[*start..][..out.len()], "{} from {start} on of {len}, {options:?}", out.len());
            }
            let needed = len as u64 + 1;
            let error = block::decode_part(&coded, len, &mut [0]).unwrap_err();
            assert_eq!(error, Error::OutputTooSmall { needed, available: len as u64 });
        }
    }
}

#[test]
fn parts_of_a_damaged_block_are_errors() {
    let raw = data::skewed(100_000);
    let mut coded = Vec::new();
    block::encode(&raw, &EncodeOptions::new().level(0), &mut coded).unwrap();
    for at in (0..coded.len()).step_by(997) {
        let mut damaged = coded.clone();
        damaged[at] ^= 8;
        assert!(block::decode_part(&damaged, 5000, &mut [0; 10]).is_err(), "byte {at}");
    }
}
