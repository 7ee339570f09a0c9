//! Memory that is kept from one payload to the next, for any trees: none of it may be seen in what
//! comes after, whatever the lengths, the kernels, and the errors before.

use super::{
    encode,
    payload::{Decoder, Encoder},
    table,
    tests::{Random, SETTINGS, SOURCES, all_steps, check_payload, decode},
    tree::{MAX_DEPTH, MAX_GROUPS, Shape, Tree},
    *,
};
use crate::model::Histogram;

/// Any tree that a table may describe: also such as no encoder chooses.
pub(super) fn random_tree(random: &mut Random) -> Tree {
    let most = [3, 12, MAX_GROUPS][random.below(3)];
    let count = 1 + random.below(most);
    let is_deep = random.below(3) == 0;
    let mut depths = vec![0_u8];
    while depths.len() < count {
        let deepest = depths.len() - 1;
        let mut at = random.below(depths.len());
        if is_deep && depths[deepest] < MAX_DEPTH {
            at = deepest;
        }
        if depths[at] < MAX_DEPTH {
            depths[at] += 1;
            depths.push(depths[at]);
        }
    }
    let mut symbols: Vec<u8> = (0..=255).collect();
    for at in 1..symbols.len() {
        symbols.swap(at, random.below(at + 1));
    }
    let mut has_single = [false; MAX_DEPTH as usize + 1];
    let mut groups = Vec::new();
    for (index, &depth) in depths.iter().enumerate() {
        let has_single = &mut has_single[usize::from(depth)];
        let allowed = symbols.len() - 2 * (depths.len() - 1 - index);
        let mut bits = random.below(9).max(usize::from(*has_single));
        while 1 << bits > allowed {
            bits -= 1;
        }
        *has_single |= bits == 0;
        let most = 1 << bits;
        let size = most / 2 + 1 + random.below(most - most / 2);
        let mut group = symbols.split_off(symbols.len() - size);
        group.sort_unstable();
        groups.push((Shape::new(depth, bits as u8), group));
    }
    groups.sort_by_key(|(shape, group)| (*shape, group[0]));
    let mut tree = Tree::default();
    for (shape, group) in groups {
        tree.groups.push(shape, group);
    }
    tree.build();
    let coded_of_8 = [0, 1, 8][random.below(3)];
    for node in tree.nodes.iter_mut().filter(|node| node.is_bitmap()) {
        if random.below(8) < coded_of_8 {
            node.level = 1 + random.below(levels::LEVELS) as u8;
        }
    }
    tree
}

/// Symbols of a tree: all alike, few, or mostly the first ones.
pub(super) fn random_symbols(tree: &Tree, len: usize, random: &mut Random) -> Vec<u8> {
    let symbols = tree.groups.symbols();
    let (first, way) = (random.below(symbols.len()), random.below(4));
    let few = 1 + random.below(symbols.len().min(3));
    let mut place = || match way {
        0 => random.below(symbols.len()),
        1 => (first + random.below(few)) % symbols.len(),
        2 => random.below(symbols.len()) * usize::from(random.below(40) == 0),
        _ => random.below(symbols.len()).min(random.below(symbols.len())),
    };
    (0..len).map(|_| symbols[place()]).collect()
}

/// Often a little more than before: memory may be there, and too little.
fn next_len(before: usize, random: &mut Random) -> usize {
    match random.below(36) {
        24.. => (before + random.below(1500)).min(100_000),
        0..12 => 1 + random.below(300),
        12..16 => 64 * (1 + random.below(60)) - 2 + random.below(5),
        16..21 => 1 + random.below(9000),
        21 => (1 << 15) - 70 + random.below(140),
        22 => (1 << 16) - 70 + random.below(140),
        _ => (1 << 15) + random.below(100_000),
    }
}

pub(super) fn payload(
    tree: &Tree,
    symbols: &[u8],
    size_log2: u8,
    scratch: &mut encode::Scratch,
    steps: &dyn Steps,
) -> Vec<u8> {
    let mut payload = Vec::new();
    table::write(tree, &mut payload);
    let is_cut = symbols.len() > 1 << 15;
    if is_cut {
        payload.push(size_log2);
    }
    for chunk in symbols.chunks(if is_cut { 1 << size_log2 } else { symbols.len() }) {
        encode::chunk(tree, &tree.ranks(), chunk, scratch, steps, &mut payload);
    }
    payload
}

pub(super) fn damage(payload: &[u8], random: &mut Random) -> Vec<u8> {
    let mut damaged = payload.to_vec();
    for _ in 0..=random.below(3) {
        let reach = [payload.len(), payload.len().min(100)][random.below(2)];
        damaged[random.below(reach)] ^= 1 << random.below(8);
    }
    if random.below(6) == 0 {
        damaged.truncate(random.below(payload.len()));
    }
    damaged
}

#[test]
fn any_tree_any_length_and_errors_between() {
    let mut random = Random(12);
    let mut kernels: Vec<_> =
        all_steps().into_iter().map(|(kernel, steps)| (kernel, steps, encode::Scratch::default())).collect();
    // One for all kernels, so that each meets what the others left.
    let mut decoder = Decoder::default();
    let (mut good, mut bad, mut len) = (0, 0, 1);
    for round in 0..1500 {
        if random.below(8) == 0 {
            decoder = Decoder::default();
            for (.., scratch) in &mut kernels {
                *scratch = encode::Scratch::default();
            }
            len = 1 + random.below(20_000);
        }
        let tree = random_tree(&mut random);
        len = next_len(len, &mut random);
        let symbols = random_symbols(&tree, len, &mut random);
        let size_log2 = 10 + random.below(7) as u8;
        let whole = payload(&tree, &symbols, size_log2, &mut encode::Scratch::default(), &Portable);
        for (kernel, steps, scratch) in &mut kernels {
            let found = payload(&tree, &symbols, size_log2, scratch, *steps);
            assert!(found == whole, "{kernel} codes other bytes, round {round}, {len}");
        }
        if len < 600 {
            assert!(check_payload(&whole, len), "round {round}, {len}");
        }
        for try_index in 0..4 {
            let source = if try_index == 0 { whole.clone() } else { damage(&whole, &mut random) };
            let expected = decode(&source, len, &Portable);
            assert!(try_index > 0 || expected.as_ref() == Ok(&symbols), "round {round}, {len}");
            *if expected.is_ok() { &mut good } else { &mut bad } += 1;
            for (index, (kernel, steps, _)) in kernels.iter().enumerate() {
                // What no step writes would differ.
                let mut found = vec![0x11 * index as u8; len];
                let result = decoder.decode(&source, &mut found, *steps).map(|()| found);
                assert!(result == expected, "{kernel}, round {round}, {len}");
            }
        }
    }
    assert!(good > 2000 && bad > 1000, "{good} decoded, {bad} refused");
}

#[test]
fn an_encoder_that_is_kept_writes_what_a_new_one_does() {
    let mut random = Random(13);
    let mut kept = Encoder::default();
    let (kernels, mut len) = (all_steps(), 1);
    for round in 0..600 {
        if random.below(8) == 0 {
            (kept, len) = (Encoder::default(), 1 + random.below(20_000));
        }
        let (name, symbol) = SOURCES[random.below(SOURCES.len())];
        len = next_len(len, &mut random);
        let raw = random.bytes(len, symbol);
        let setting = SETTINGS[random.below(3)];
        let (kernel, steps) = kernels[round % kernels.len()];
        let expected = tests::encode(&raw, setting, &Portable);
        let mut found = Vec::new();
        kept.choose(Histogram::new(&raw).counts(), len, setting);
        kept.encode(&raw, steps, &mut found);
        assert!(found == expected, "{kernel}, {name}, round {round}, {len}");
    }
}

#[test]
fn a_payload_is_known_by_its_tree() {
    let mut random = Random(15);
    let (mut encoder, mut payload) = (Encoder::default(), Vec::new());
    for (name, symbol) in SOURCES {
        let raw = random.bytes(5000, symbol);
        let counts = *Histogram::new(&raw).counts();
        encoder.choose(&counts, raw.len(), Setting::RATIO);
        assert!(!encoder.wrote(&payload), "{name}");
        payload.clear();
        encoder.encode(&raw, &Portable, &mut payload);
        encoder.choose(&counts, raw.len(), Setting::RATIO);
        assert!(encoder.wrote(&payload), "{name}");
        if let Some(unused) = counts.iter().position(|&count| count == 0) {
            let mut others = counts;
            others[unused] = 1;
            encoder.choose(&others, raw.len(), Setting::RATIO);
            assert!(!encoder.wrote(&payload), "{name}");
        }
    }
}
