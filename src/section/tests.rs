//! Sections there and back, with every kernel.

use super::*;
use crate::{
    error::{Corruption, PayloadError},
    format::section::{Descriptor, SectionForm},
    simd::Kernel,
};

/// xorshift64*: tests need the same symbols in every run.
fn symbols(seed: u64, len: usize, symbol: fn(u64) -> u8) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 20
    };
    (0..len).map(|_| symbol(next())).collect()
}

fn skewed(random: u64) -> u8 {
    (random as u8).leading_zeros() as u8 * 3 + (random >> 8) as u8 % 3
}

fn decode(descriptor: &Descriptor, payload: &[u8], kernel: Kernel) -> Result<Vec<u8>, PayloadError> {
    let mut symbols = vec![0xEE; descriptor.symbols];
    Decoder::new(kernel).decode(descriptor, payload, &mut symbols)?;
    Ok(symbols)
}

#[test]
fn every_length_round_trips_with_every_kernel_and_is_never_longer() {
    for len in (0..700).chain([1000, 4095, 4096, 4097, 65_537, 100_000, 300_001]) {
        for (seed, symbol) in
            [skewed, |_| 7, |random| random as u8, |random| u8::from(random % 90 == 0)].iter().enumerate()
        {
            let raw = symbols(seed as u64 + 1, len, *symbol);
            let mut expected = None;
            for kernel in Kernel::all_available() {
                let mut payload = b"before".to_vec();
                let descriptor = Encoder::new(Settings::new(kernel)).encode(&raw, &mut payload);
                let payload = payload.split_off(6);
                assert_eq!((descriptor.symbols, descriptor.payload_len), (len, payload.len()));
                assert!(payload.len() <= len, "{len} symbols take {}", payload.len());
                assert_eq!(decode(&descriptor, &payload, kernel).as_ref(), Ok(&raw), "{kernel}: {descriptor:?}");
                let coded = (descriptor, payload);
                assert_eq!(expected.get_or_insert_with(|| coded.clone()), &coded, "{kernel}");
            }
        }
    }
}

#[test]
fn each_form_is_chosen_where_it_is_best() {
    let form = |raw: &[u8]| Encoder::new(Settings::new(Kernel::Portable)).encode(raw, &mut Vec::new()).form;
    assert_eq!(form(b""), SectionForm::Empty);
    assert_eq!(form(b"a"), SectionForm::Stored);
    assert_eq!(form(b"aa"), SectionForm::Fill);
    assert_eq!(form(&vec![9; 100_000]), SectionForm::Fill);
    assert_eq!(form(b"ab"), SectionForm::Stored);
    assert_eq!(form(&symbols(1, 100, skewed)), SectionForm::Stored);
    assert_eq!(form(&symbols(1, 1000, skewed)), SectionForm::Lanes);
    assert_eq!(form(&symbols(1, 100_000, |random| random as u8)), SectionForm::Stored);
}

#[test]
fn pivot_is_taken_where_it_costs_no_more_than_it_may() {
    // Codes of whole bits cost next to nothing, or much. Long sections are counted by a sample.
    let kinds: [fn(u64) -> u8; 4] = [
        |random| random as u8 % 16,
        |random| random as u8 % 3,
        skewed,
        |random| (random as u8 & random.wrapping_shr(9) as u8) % 41,
    ];
    let mut taken = Vec::new();
    for (kind, len) in kinds.into_iter().flat_map(|kind| [400, 3000, 50_000, 300_000].map(|len| (kind, len))) {
        let raw = symbols(9, len, kind);
        let encode = |pivot, over_lanes| {
            let mut payload = Vec::new();
            let settings = Settings { pivot, over_lanes, ..Settings::new(Kernel::or_default(None)) };
            let descriptor = Encoder::new(settings).encode(&raw, &mut payload);
            assert_eq!(decode(&descriptor, &payload, Kernel::or_default(None)).as_ref(), Ok(&raw));
            (descriptor.form, payload)
        };
        let setting = Some(pivot::Setting::RATIO);
        let (lanes, pivot) = (encode(None, None), encode(setting, None));
        for more in [0, 1, 8, 15, 40, 100, 1000] {
            let pays = pivot.1.len() <= lanes.1.len() * (1024 + more) / 1024;
            let better = encode(setting, Some(more as u32));
            assert!(better == if pays { pivot.clone() } else { lanes.clone() }, "{len} symbols, {more}");
            taken.push((better.0, more));
        }
    }
    for form in [(SectionForm::Lanes, 0), (SectionForm::Pivot, 0), (SectionForm::Lanes, 15), (SectionForm::Pivot, 15)] {
        assert!(taken.contains(&form), "{form:?}");
    }
}

#[test]
fn memory_that_is_kept_changes_nothing() {
    let mut encoder = Encoder::new(Settings::new(Kernel::or_default(None)));
    for (seed, len) in [300_000, 500, 0, 70_000, 1, 20_000, 300_000].into_iter().enumerate() {
        let raw = symbols(seed as u64, len, skewed);
        let (mut kept, mut fresh) = (Vec::new(), Vec::new());
        let descriptor = encoder.encode(&raw, &mut kept);
        assert_eq!(descriptor, Encoder::new(encoder.settings()).encode(&raw, &mut fresh));
        assert_eq!(kept, fresh);
    }
}

#[test]
fn symbols_that_a_block_would_code_at_the_end_ride() {
    // As lanes a block's tail is coded, a section's is not: 64 symbols of 8 bits less, for nothing.
    let raw = symbols(3, 20_064, |random| random as u8 & 0x7F);
    let mut payload = Vec::new();
    let descriptor = Encoder::new(Settings::new(Kernel::Portable)).encode(&raw, &mut payload);
    let mut block = Vec::new();
    let options = crate::EncodeOptions::new().mode(crate::Mode::Lanes);
    crate::block::encode(&raw, &options, &mut block).unwrap();
    let gained = block.len() - crate::format::BLOCK_OVERHEAD - payload.len();
    assert_eq!(descriptor.form, SectionForm::Lanes);
    assert!((50..=58).contains(&gained), "{gained}: 56 is what 64 symbols of 7 bits take");
}

#[test]
fn damage_is_an_error_or_other_symbols_with_every_kernel() {
    let raw = symbols(5, 3001, skewed);
    let mut payload = Vec::new();
    let descriptor = Encoder::new(Settings::new(Kernel::Portable)).encode(&raw, &mut payload);
    assert_eq!(descriptor.form, SectionForm::Lanes);
    for bit in 0..payload.len() * 8 {
        let mut bad = payload.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let expected = decode(&descriptor, &bad, Kernel::Portable);
        assert_ne!(expected.as_ref(), Ok(&raw), "bit {bit} has no meaning");
        for kernel in Kernel::all_available() {
            assert_eq!(decode(&descriptor, &bad, kernel), expected, "{kernel}: bit {bit}");
        }
    }
    for cut in 0..payload.len() {
        let length = Corruption::Length { found: cut as u64, min: payload.len() as u64, max: payload.len() as u64 };
        assert_eq!(decode(&descriptor, &payload[..cut], Kernel::Portable), Err(length.into()));
        let shorter = Descriptor { payload_len: cut, ..descriptor };
        assert!(decode(&shorter, &payload[..cut], Kernel::Portable).is_err(), "cut at {cut}");
    }
}
