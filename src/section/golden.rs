//! The files in `tests/golden/sections`: each is a descriptor and its payload, good or bad. What
//! they hold never changes, whatever becomes of the encoder.
//!
//! `RANS_BLESS=1 cargo test --lib golden` writes the ones that are missing. A file that is there is
//! never written again.

use std::{env, fs, path::PathBuf};

use super::{
    Decoder,
    lanes::{self, Cut},
};
use crate::{
    error::{Corruption, Feature, PayloadError},
    format::{
        fields::Fields,
        section::{Descriptor, SectionForm, SymbolCount},
    },
    model::normalize,
    rans::segment::Tail,
    simd::Kernel,
};

/// More than any of these sections has.
const MOST: SymbolCount = SymbolCount::AtMost(5000);

struct Golden {
    name: &'static str,
    section: Vec<u8>,
    symbols: Result<Vec<u8>, PayloadError>,
}

#[test]
fn every_section_decodes_to_its_symbols_or_its_error() {
    for Golden { name, section, symbols } in all() {
        let section = file(name, &section);
        for kernel in Kernel::all_available() {
            assert_eq!(decode(&section, kernel), symbols, "{name}, {kernel}");
        }
    }
}

#[test]
fn files_are_as_they_are_made_and_none_is_forgotten() {
    let all = all();
    for Golden { name, section, .. } in &all {
        assert_eq!(file(name, section), *section, "{name} is made otherwise than it was");
    }
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(all.iter().any(|golden| name == format!("{}.section", golden.name)), "nothing here makes {name}");
    }
}

fn decode(section: &[u8], kernel: Kernel) -> Result<Vec<u8>, PayloadError> {
    let mut fields = Fields::new(section);
    let descriptor = Descriptor::parse(&mut fields, MOST)?;
    let payload = descriptor.parse_payload(&mut fields)?;
    fields.end()?;
    let mut symbols = vec![0; descriptor.symbols];
    Decoder::new(kernel).decode(&descriptor, payload, &mut symbols)?;
    Ok(symbols)
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/sections")
}

/// The bytes of a file. With `RANS_BLESS=1` it is made of `section` if it is not there.
fn file(name: &str, section: &[u8]) -> Vec<u8> {
    let path = folder().join(name).with_extension("section");
    if env::var_os("RANS_BLESS").is_some_and(|value| value == "1") && !path.exists() {
        fs::create_dir_all(folder()).unwrap();
        fs::write(&path, section).unwrap();
    }
    fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}; RANS_BLESS=1 makes it"))
}

fn all() -> Vec<Golden> {
    let mut all = good();
    all.extend(bad_descriptors());
    all.extend(bad_lanes());
    all.extend(pivot());
    all
}

/// Eight letters, the first ones more often. No crate's generator: these must be the same for ever.
fn letters(len: usize) -> Vec<u8> {
    (0..len as u32).map(|i| b"aaaaaaaabbbbccde"[(i.wrapping_mul(0x9E37_79B1) >> 28) as usize]).collect()
}

fn section(form: SectionForm, symbols: usize, payload: &[u8]) -> Vec<u8> {
    let descriptor = Descriptor { form, symbols, payload_len: payload.len() };
    let mut section = Vec::new();
    descriptor.write(MOST, &mut section);
    descriptor.write_payload(payload, 0, &mut section);
    section
}

fn lanes_payload(symbols: &[u8], segments: usize, tail: Tail, scale_bits: u8) -> Vec<u8> {
    let cut = Cut::new(symbols.len(), segments, tail).unwrap();
    let (mut payload, frequencies) = (Vec::new(), normalize(&lanes::count_coded(symbols, cut), scale_bits));
    lanes::encode_payload(symbols, cut, &frequencies, Kernel::Portable, &mut Default::default(), &mut payload);
    payload
}

fn good() -> Vec<Golden> {
    let good = |name, form, symbols: Vec<u8>, payload: &[u8]| Golden {
        name,
        section: section(form, symbols.len(), payload),
        symbols: Ok(symbols),
    };
    let lanes = |name, len, segments, scale_bits| {
        let symbols = letters(len);
        let payload = lanes_payload(&symbols, segments, Tail::InStates, scale_bits);
        good(name, SectionForm::Lanes, symbols, &payload)
    };
    vec![
        good("empty", SectionForm::Empty, Vec::new(), b""),
        good("stored", SectionForm::Stored, b"stored".to_vec(), b"stored"),
        good("stored-one", SectionForm::Stored, b"s".to_vec(), b"s"),
        good("fill", SectionForm::Fill, vec![b'f'; 300], b"f"),
        // Whole groups: half of the last one rides. Else the last 64 do, which leaves none, some
        // or all of the last lanes without a symbol.
        lanes("lanes-whole-groups", 512, 1, 9),
        lanes("lanes-1-more", 513, 1, 9),
        lanes("lanes-63-more", 575, 1, 10),
        lanes("lanes-64-more", 576, 1, 11),
        lanes("lanes-65-more", 577, 1, 12),
        lanes("lanes-127-more", 639, 1, 12),
        lanes("lanes-three-segments", 2 * 384 + 200, 3, 12),
        lanes("lanes-last-segment-64", 2 * 512 + 64, 3, 12),
    ]
}

fn bad_descriptors() -> Vec<Golden> {
    let bad = |name, section: &[u8], error| Golden { name, section: section.to_vec(), symbols: Err(error) };
    let length = |found, min, max| PayloadError::from(Corruption::Length { found, min, max });
    let unsupported = |form| PayloadError::Unsupported(Feature::Form(form));
    let ends = |field, length| PayloadError::from(Corruption::PayloadEnds { field, length });
    vec![
        bad("unsupported-form-08", &[0x08, 1, 1], unsupported(0x08)),
        bad("unsupported-form-17", &[0x17, 1, 1], unsupported(0x17)),
        bad("unsupported-form-ff", &[0xFF, 1, 1], unsupported(0xFF)),
        bad("bad-no-symbols", &[0x01, 0], length(0, 1, 5000)),
        bad("bad-too-many-symbols", &[0x02, 0x89, 0x27, b'f'], length(5001, 1, 5000)),
        bad("bad-number-of-two-forms", &[0x01, 0x81, 0x00, b's'], Corruption::Padding.into()),
        bad("bad-payload-longer-than-symbols", &[0x07, 100, 101], length(101, 1, 100)),
        bad("bad-no-payload", &[0x07, 100, 0], length(0, 1, 100)),
        bad("bad-ends-in-symbols", &[0x01, 0x81], ends("symbols", 2)),
        bad("bad-ends-in-payload-length", &[0x07, 100], ends("payload length", 2)),
        bad("bad-ends-in-payload", &[0x01, 3, b's', b't'], ends("section", 4)),
        bad("bad-goes-on", &[0x02, 3, b'f', b'f'], Corruption::PayloadGoesOn { extra: 1 }.into()),
    ]
}

fn bad_lanes() -> Vec<Golden> {
    let symbols = letters(577);
    let payload = lanes_payload(&symbols, 1, Tail::InStates, 12);
    let states_at = payload.len() - 2 * usize::from(payload[4]) - 128;
    let bad = |name, change: &dyn Fn(&mut Vec<u8>), error: Corruption| {
        let mut changed = payload.clone();
        change(&mut changed);
        Golden { name, section: section(SectionForm::Lanes, symbols.len(), &changed), symbols: Err(error.into()) }
    };
    let field = |field, found| Corruption::Field { field, found };
    let end = Corruption::SegmentEnd { segment: 0 };
    let mut padding = section(SectionForm::Lanes, symbols.len(), &payload);
    padding[5] = 1;
    let coded = lanes_payload(&symbols, 1, Tail::Coded, 12);
    let two_segments = lanes_payload(&letters(257), 2, Tail::Coded, 12);
    let [short_tail, coded_tail] = [(257, two_segments), (577, coded)].map(|(symbols, mut payload)| {
        payload[1] = u8::from(symbols == 257);
        section(SectionForm::Lanes, symbols, &payload[..payload.len().min(symbols)])
    });
    vec![
        bad("bad-lanes-tail-2", &|payload| payload[1] = 2, field("tail", 2)),
        bad("bad-lanes-scale-bits", &|payload| payload[0] = 13, field("scale_bits", 13)),
        bad("bad-lanes-word-left", &|payload| (payload[4] += 1, payload.extend([0; 2])).0, end),
        bad("bad-lanes-word-missing", &|payload| (payload[4] -= 1, payload.truncate(payload.len() - 2)).0, end),
        bad("bad-lanes-first-state", &|payload| payload[states_at + 3] ^= 0x40, end),
        bad("bad-lanes-last-state", &|payload| payload[states_at + 127] ^= 0x40, end),
        Golden { name: "bad-lanes-padding", section: padding, symbols: Err(Corruption::Padding.into()) },
        Golden { name: "bad-lanes-tail-0", section: coded_tail, symbols: Err(field("tail", 0).into()) },
        Golden { name: "bad-lanes-last-segment-1", section: short_tail, symbols: Err(field("segments", 2).into()) },
    ]
}

/// The payloads that FORMAT.md annotates in 13.5, as a section has them.
fn pivot() -> Vec<Golden> {
    let plain = [
        0x02, 0x10, 0x12, 0x08, 0x1E, 0x00, 0x04, 0x00, 0x1E, 0x56, 0xB3, 0x9A, 0xD5, 0xAC, 0x06, 0x9C, 0xCC, 0xC9,
        0x9C, 0xCC, 0xC9,
    ];
    let coded_bitmap = [
        0x81, 0x01, 0x02, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x0D, 0x92, 0xB6, 0x25, 0x49, 0xDB, 0x92, 0x00, 0xAF,
        0x7E, 0x75, 0x86, 0x01, 0xC7, 0xC7, 0x01, 0xDB, 0x06, 0x18, 0x03, 0x7C, 0xC3, 0x37, 0x0C, 0x00, 0x05, 0x0A,
        0x2D,
    ];
    let text = b"abracadabra".repeat(4);
    let ones: Vec<u8> = (0..400).map(|i| if i * i % 23 == 8 { b'1' } else { b'0' }).collect();
    let golden = |name, symbols: usize, payload: &[u8], outcome| Golden {
        name,
        section: section(SectionForm::Pivot, symbols, payload),
        symbols: outcome,
    };
    let changed = |at: usize, byte| {
        let mut payload = plain;
        payload[at] = byte;
        payload
    };
    let bad = |name, payload: &[u8], error: Corruption| golden(name, text.len(), payload, Err(error.into()));
    vec![
        golden("pivot", text.len(), &plain, Ok(text.clone())),
        golden("pivot-coded-bitmap", ones.len(), &coded_bitmap, Ok(ones.clone())),
        // A spare bit of node 0.
        bad("bad-pivot-spare-bit", &changed(14, 0x16), Corruption::Padding),
        bad(
            "bad-pivot-shapes",
            &changed(2, 0x22),
            Corruption::Field { field: "code space of the groups", found: 24_576 },
        ),
        bad("bad-pivot-ends", &plain[..20], Corruption::PayloadEnds { field: "chunks", length: 20 }),
        bad("bad-pivot-goes-on", &[&plain[..], &[0]].concat(), Corruption::PayloadGoesOn { extra: 1 }),
    ]
}
