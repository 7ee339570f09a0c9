//! Every kernel's steps against the portable ones, and all against a decoder that is written as
//! FORMAT.md reads, on good payloads and damaged ones.

#[cfg(all(unix, not(miri)))]
mod guarded;

use super::{
    choose::{self, Prices, Search},
    exact,
    payload::{Decoder, Encoder, Setting},
    portable::Portable,
    tree::{Groups, Kind, Tree},
    *,
};
use crate::{
    error::Corruption,
    format::fields::Fields,
    model::Histogram,
    simd::{Kernel, pivot_steps},
};

/// xorshift64*: tests need the same bytes in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.next() as usize % limit
    }

    pub(crate) fn bytes(&mut self, len: usize, mut symbol: impl FnMut(u64) -> u8) -> Vec<u8> {
        (0..len).map(|_| symbol(self.next())).collect()
    }
}

type Symbol = fn(u64) -> u8;

/// Distributions with their names.
pub(crate) const SOURCES: [(&str, Symbol); 9] = [
    ("256 equal symbols", |r| r as u8),
    ("200 equal symbols", |r| (r % 200) as u8),
    ("one symbol", |_| 0xA5),
    ("two symbols", |r| 200 * u8::from(r % 3 == 0)),
    ("three symbols", |r| (r % 7 % 3) as u8),
    ("falling", |r| ((r & 0xFFFF) as u16).leading_zeros().min(15) as u8 * 16 + (r >> 20) as u8 % 3),
    ("falling over 256", |r| (((r & 0xFF) * (r >> 8 & 0xFF) * (r >> 16 & 0xFF)) >> 16) as u8),
    ("one symbol and a rare one", |r| 7 + u8::from(r % 1999 == 0)),
    ("many rare symbols", |r| if r % 50 == 0 { (r >> 8) as u8 } else { b'e' }),
];

pub(crate) const SETTINGS: [Setting; 3] = [Setting::RATIO, Setting::SPEED, Setting { lambda: 0.5, ..Setting::QUICK }];

pub(crate) fn encode(raw: &[u8], setting: Setting, steps: &dyn Steps) -> Vec<u8> {
    let mut encoder = Encoder::default();
    encoder.choose(Histogram::new(raw).counts(), raw.len(), setting);
    let mut payload = Vec::new();
    encoder.encode(raw, steps, &mut payload);
    payload
}

pub(crate) fn decode(payload: &[u8], len: usize, steps: &dyn Steps) -> Result<Vec<u8>, Corruption> {
    let mut raw = vec![0xEE; len];
    Decoder::default().decode(payload, &mut raw, steps)?;
    Ok(raw)
}

#[test]
fn every_length_of_every_source_round_trips() {
    let mut random = Random(1);
    for (name, symbol) in SOURCES {
        let raw = random.bytes(700, symbol);
        for len in 1..=raw.len() {
            for setting in SETTINGS {
                let payload = encode(&raw[..len], setting, &Portable);
                assert_eq!(decode(&payload, len, &Portable).as_deref(), Ok(&raw[..len]), "{name}, {len}, {setting:?}");
            }
        }
    }
}

/// Lengths that grow by less than a page of the memory, with every kernel's steps.
#[test]
fn memory_that_is_kept_fits_every_next_length() {
    let mut random = Random(11);
    let raw = random.bytes(40_000, SOURCES[5].1);
    for (kernel, steps) in all_steps() {
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        for len in (100..raw.len()).step_by(700) {
            let raw = &raw[..len];
            encoder.choose(Histogram::new(raw).counts(), len, Setting::RATIO);
            let (mut payload, mut back) = (Vec::new(), vec![0; len]);
            encoder.encode(raw, steps, &mut payload);
            decoder.decode(&payload, &mut back, steps).unwrap();
            assert!(back == raw, "{kernel}, {len}");
        }
    }
}

#[test]
fn long_payloads_round_trip() {
    let mut random = Random(2);
    for (name, symbol) in SOURCES {
        for len in [(1 << 15) - 1, 1 << 15, (1 << 15) + 1, (1 << 17) + 77, 300_000] {
            let raw = random.bytes(len, symbol);
            for setting in SETTINGS {
                let payload = encode(&raw, setting, &Portable);
                assert!(decode(&payload, len, &Portable).as_deref() == Ok(&raw), "{name}, {len}, {setting:?}");
            }
        }
    }
}

#[test]
fn groups_cost_at_most_a_200th_more_than_the_cheapest() {
    let mut random = Random(3);
    for (name, symbol) in SOURCES {
        for len in [500, 5000, 1 << 18] {
            let raw = random.bytes(len, symbol);
            let counts = *Histogram::new(&raw).counts();
            for (merge, group) in [(0.02, 60.0), (0.1, 90.0), (0.1, 20.0), (0.2, 60.0)] {
                let prices = Prices { merge, group };
                let mut groups = Groups::default();
                choose::choose(&counts, prices, Search::WHOLE, &mut groups);
                let price = price(&groups, &counts, prices);
                let mut weights: Vec<f64> =
                    counts.iter().map(|&count| count.into()).filter(|&count| count > 0.0).collect();
                weights.sort_by(|a, b| b.total_cmp(a));
                let (_, cheapest) = exact::choose(&weights, prices);
                assert!(price <= 1.005 * cheapest, "{name}, {len}, {prices:?}: {price} for {cheapest}");
            }
        }
    }
}

fn price(groups: &Groups, counts: &[u32; 256], prices: Prices) -> f64 {
    let lambda = f64::from(prices.merge);
    groups
        .iter()
        .map(|(shape, symbols)| {
            let weight: f64 = symbols.iter().map(|&symbol| f64::from(counts[usize::from(symbol)])).sum();
            let (depth, bits) = (f64::from(shape.depth()), shape.bits());
            let merges = depth + f64::from(choose::UNPACK[usize::from(bits)]);
            weight * (depth + f64::from(bits) + lambda * merges) + f64::from(prices.group)
        })
        .sum()
}

pub(crate) fn all_steps() -> Vec<(Kernel, &'static dyn Steps)> {
    Kernel::all_available().map(|kernel| (kernel, pivot_steps(kernel))).collect()
}

#[test]
fn every_kernel_codes_alike() {
    let mut random = Random(4);
    for (name, symbol) in SOURCES {
        let raw = random.bytes(70_000, symbol);
        for len in (1..=400).chain([33_000, 70_000]) {
            for setting in SETTINGS {
                let payload = encode(&raw[..len], setting, &Portable);
                for (kernel, steps) in all_steps() {
                    assert!(encode(&raw[..len], setting, steps) == payload, "{kernel}: {name}, {len}, {setting:?}");
                    let back = decode(&payload, len, steps);
                    assert!(back.as_deref() == Ok(&raw[..len]), "{kernel}: {name}, {len}, {setting:?}");
                }
            }
        }
    }
}

/// A decoder as FORMAT.md has it: one node after the other, one symbol after the other.
fn walk(tree: &Tree, index: usize, symbols: usize, source: &mut &[u8]) -> Option<Vec<u8>> {
    let node = &tree.nodes[index];
    let len = node.coded_len(symbols);
    let bytes = if node.level > 0 && len > 0 {
        walk(levels::tree(node.level), 0, len, source)?
    } else {
        let (bytes, rest) = source.split_at_checked(len)?;
        *source = rest;
        bytes.to_vec()
    };
    let bits: Vec<usize> = bytes.iter().flat_map(|byte| (0..8).map(move |bit| usize::from(byte >> bit & 1))).collect();
    let (width, children) = match node.kind {
        Kind::Single { symbol } => return Some(vec![symbol; symbols]),
        Kind::Packed { bits, .. } => (usize::from(bits), None),
        Kind::Merge { right } => (1, Some(usize::from(right))),
        Kind::MergeSingle { .. } => (1, Some(index + 2)),
    };
    if bits[symbols * width..].contains(&1) {
        return None;
    }
    let numbers =
        bits.chunks(width).take(symbols).map(|bits| bits.iter().rev().fold(0, |number, bit| number << 1 | bit));
    let numbers: Vec<usize> = numbers.collect();
    let Some(right) = children else {
        let leaf = tree.groups.iter().find(|(_, group)| group[0] == tree.groups.symbols()[usize::from(node.rank)]);
        let group = leaf.map(|(_, group)| group)?;
        return Some(numbers.into_iter().map(|number| group[number.min(group.len() - 1)]).collect());
    };
    let ones = numbers.iter().sum();
    let mut left = walk(tree, index + 1, symbols - ones, source)?.into_iter();
    let mut right = walk(tree, right, ones, source)?.into_iter();
    numbers.into_iter().map(|number| if number == 1 { right.next() } else { left.next() }).collect()
}

/// What the walk makes of a payload; `None`: it refuses it.
fn walk_payload(payload: &[u8], len: usize) -> Option<Vec<u8>> {
    let mut fields = Fields::new(payload);
    let mut tree = Tree::default();
    table::parse(&mut fields, &mut tree, &Portable).ok()?;
    let chunk_len =
        if len > 1 << 15 { 1 << fields.u8("chunk size").ok().filter(|log2| (10..=16).contains(log2))? } else { len };
    let mut source = fields.rest();
    let mut raw = Vec::new();
    while raw.len() < len {
        raw.extend(walk(&tree, 0, chunk_len.min(len - raw.len()), &mut source)?);
    }
    source.is_empty().then_some(raw)
}

/// Every kernel gives the bytes, or the error, that the portable steps give, and those are the
/// walk's.
pub(crate) fn check_payload(payload: &[u8], len: usize) -> bool {
    let expected = decode(payload, len, &Portable);
    assert_eq!(expected.as_ref().ok(), walk_payload(payload, len).as_ref(), "walk");
    for (kernel, steps) in all_steps() {
        let found = decode(payload, len, steps);
        assert_eq!(found.as_ref().err(), expected.as_ref().err(), "{kernel}");
        assert!(found == expected, "{kernel} decodes other bytes");
    }
    expected.is_ok()
}

#[test]
fn damaged_payloads_decode_alike_everywhere() {
    let mut random = Random(5);
    let (mut good, mut bad) = (0, 0);
    for round in 0..400 {
        let (_, symbol) = SOURCES[round % SOURCES.len()];
        let len = 1 + random.below(if round % 16 == 0 { 70_000 } else { 3000 });
        let raw = random.bytes(len, symbol);
        let payload = encode(&raw, SETTINGS[round % 3], &Portable);
        assert!(check_payload(&payload, len));
        for _ in 0..8 {
            let mut damaged = payload.clone();
            for _ in 0..=random.below(3) {
                let reach = if random.below(2) == 0 { payload.len() } else { payload.len().min(100) };
                let at = random.below(reach);
                damaged[at] ^= 1 << random.below(8);
            }
            if random.below(8) == 0 {
                damaged.truncate(random.below(payload.len()));
            }
            *if check_payload(&damaged, len) { &mut good } else { &mut bad } += 1;
        }
    }
    assert!(good > 500 && bad > 500, "{good} decoded, {bad} refused");
}

#[test]
fn every_flipped_bit_is_an_error_or_other_bytes() {
    let mut random = Random(6);
    for (name, symbol) in SOURCES {
        let raw = random.bytes(300, symbol);
        let payload = encode(&raw, Setting::RATIO, &Portable);
        let mut unseen = 0;
        for bit in 0..payload.len() * 8 {
            let mut damaged = payload.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            if check_payload(&damaged, raw.len()) && decode(&damaged, raw.len(), &Portable).as_ref() == Ok(&raw) {
                unseen += 1;
            }
        }
        // A symbol that the table lists and that does not occur.
        println!("{name}: {unseen} of {}", payload.len() * 8);
        for cut in 0..payload.len() {
            assert!(!check_payload(&payload[..cut], raw.len()), "{name}, cut at {cut}");
        }
    }
}

#[test]
fn every_alignment_and_nothing_behind_the_end() {
    let mut random = Random(7);
    for (name, symbol) in SOURCES {
        for len in [1, 63, 64, 65, 1000, 40_000] {
            let raw = random.bytes(len, symbol);
            let payload = encode(&raw, Setting::SPEED, &Portable);
            for at in 0..64 {
                let moved = [&vec![0x55; at][..], &payload].concat();
                let mut back = vec![0x55; at + len + 64];
                for (kernel, steps) in all_steps() {
                    back.fill(0x55);
                    Decoder::default().decode(&moved[at..], &mut back[at..at + len], steps).unwrap();
                    assert!(back[at..at + len] == raw, "{kernel}, {name}, {at}");
                    assert!(back[..at].iter().chain(&back[at + len..]).all(|&byte| byte == 0x55), "{kernel}, {at}");
                }
            }
        }
    }
}

/// Both payloads that FORMAT.md shows byte by byte.
#[test]
fn annotated_payloads_are_what_the_encoder_writes() {
    let format = include_str!("../../FORMAT.md");
    let section = format.split("### 13.5").nth(1).unwrap();
    let skewed: Vec<u8> = (0..400).map(|i| if i * i % 23 == 8 { b'1' } else { b'0' }).collect();
    for (index, raw) in ["abracadabra".repeat(4).into_bytes(), skewed].into_iter().enumerate() {
        let dump = section.split("```").nth(2 * index + 1).unwrap();
        let lines = dump.lines().skip(1);
        let bytes = lines.flat_map(|line| line.get(6..53).unwrap_or_default().split_whitespace());
        let bytes: Vec<u8> = bytes.map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
        assert_eq!(encode(&raw, Setting::SPEED, &Portable), bytes);
        assert_eq!(decode(&bytes, raw.len(), &Portable), Ok(raw));
    }
}

/// A payload for size may be the larger one: prices know nothing of bitmaps that are coded once
/// more, nor of symbols that depend on each other, nor how many bits the table has for a symbol.
#[test]
fn a_payload_for_size_is_hardly_larger_than_one_for_speed() {
    let mut random = Random(8);
    for len in [300, 1000, 5000, 30_000, 100_000] {
        for (name, symbol) in SOURCES {
            for repeat in [1, 2, 16, 200] {
                let mut raw = Vec::new();
                while raw.len() < len {
                    let byte = symbol(random.next());
                    raw.extend(vec![byte; 1 + random.below(repeat)]);
                }
                raw.truncate(len);
                // A longer one is stored.
                let [small, fast] = [Setting::RATIO, Setting::SPEED]
                    .map(|setting| encode(&raw, setting, &Portable).len().min(raw.len()));
                let most = fast + fast / 32 + 4;
                assert!(small <= most, "{name}, {len}, up to {repeat} alike: {small} for size, {fast} for speed");
            }
        }
    }
}
