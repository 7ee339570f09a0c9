//! Decoding, eight segments at a time, or four or two, of as many payloads.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;
use std::{hint::black_box, mem, ptr};

use super::{
    Bytes, PAIR, Words,
    few::{self, FEW},
    from_bytes,
    scale::Scale,
    tables::Tables,
    unpack,
};
use crate::{
    rans::segment::{CODED_ROUNDS_OF_LAST_GROUP, GROUP, GROUP_WORDS_LEN, Payload, QUAD, Segment},
    simd::x86_64::{avx2, prefetch_ahead, prefetch_later},
};

/// Payloads whose tables are at hand at a time, at most.
const PAYLOADS: usize = 8;

/// Groups of a payload that are not worth a table of slots.
const FEW_GROUPS: usize = 2;

/// Decodes `segments` to the end. The index of the first that does not end as the encoder began it
/// comes back.
#[allow(clippy::large_stack_arrays, reason = "20 KiB are little of any stack")]
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
pub(in crate::simd) fn decode(payloads: &[Payload<'_>], segments: &mut [Segment<'_>]) -> Option<usize> {
    if payloads.len() > PAYLOADS || segments.iter().filter(|segment| segment.whole_groups() > 0).count() < PAIR {
        return avx2::decode::<false>(payloads, segments);
    }
    // Most calls are for one. To clear the tables of eight takes 100 ns more (Zen 4): a twentieth
    // of the time of a few short segments.
    let (mut one, mut several);
    let tables: &mut [Tables] = if payloads.len() == 1 {
        one = [Tables::NONE];
        &mut one
    } else {
        several = [const { Tables::NONE }; PAYLOADS];
        &mut several
    };
    for segment in segments.iter().filter(|segment| segment.whole_groups() > 0) {
        if tables[segment.of].symbols == 0 {
            tables[segment.of].fill(payloads[segment.of].frequencies);
        }
    }
    decode_groups(payloads, tables, segments);
    finish(payloads, tables, segments)
}

/// Decodes what the loop over groups has left.
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
fn finish(payloads: &[Payload<'_>], tables: &[Tables], segments: &mut [Segment<'_>]) -> Option<usize> {
    let mut before = 0;
    for segments in segments.chunk_by_mut(|one, next| one.of == next.of) {
        let of = segments[0].of;
        let groups: usize = segments.iter().map(Segment::whole_groups).sum();
        let bad = if tables[of].symbols > 0 && groups <= FEW_GROUPS {
            segments.iter_mut().position(|segment| !segment.finish(payloads[of].bytes, &tables[of]))
        } else {
            avx2::decode::<false>(payloads, segments)
        };
        if let Some(bad) = bad {
            return Some(before + bad);
        }
        before += segments.len();
    }
    None
}

/// Takes groups off eight segments at a time, as long as so many have some, then off four, then off
/// two.
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
fn decode_groups(payloads: &[Payload<'_>], tables: &[Tables], segments: &mut [Segment<'_>]) {
    loop {
        let (mut found, mut count) = ([[0; PAIR]; 4], 0);
        let mut scale_bits = None;
        for (index, segment) in segments.iter().enumerate() {
            let tables = &tables[segment.of];
            if segment.whole_groups() > 0
                && tables.symbols > 0
                && *scale_bits.get_or_insert(tables.scale_bits) == tables.scale_bits
                && let Some(found) = found.as_flattened_mut().get_mut(count)
            {
                *found = index;
                count += 1;
            }
        }
        let [a, b, c, d] = found;
        match count / PAIR {
            4 => decode_pairs(payloads, tables, segments, [a, b, c, d]),
            2 | 3 => decode_pairs(payloads, tables, segments, [a, b]),
            1 => decode_pairs(payloads, tables, segments, [a]),
            _ => break,
        }
    }
}

/// Bytes that stand in for the end of a payload: what is left of it, less than a group can take,
/// and zeros for some groups.
type End = [u8; 4 * GROUP_WORDS_LEN];

/// Takes groups off the segments at the indices `pairs` until one of them has none left. Their
/// tables have one scale.
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
fn decode_pairs<const PAIRS: usize>(
    payloads: &[Payload<'_>],
    tables: &[Tables],
    segments: &mut [Segment<'_>],
    pairs: [[usize; PAIR]; PAIRS],
) {
    let of = each!(PAIRS, |pair| each!(PAIR, |side| segments[pairs[pair][side]].of));
    let of = of.as_flattened();
    if let Some(tables) = tables_in_order(tables, of) {
        return decode_side_by_side(payloads, tables, segments, pairs);
    }
    #[allow(clippy::large_stack_arrays, reason = "20 KiB are little of any stack")]
    let mut copies = [const { Tables::NONE }; PAYLOADS];
    for (copy, of) in copies.iter_mut().zip(of) {
        copy.clone_from(&tables[*of]);
    }
    decode_side_by_side(payloads, &copies[..of.len()], segments, pairs);
}

/// [`decode_pairs`] with their tables in order: one for all segments, or for as many each.
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
fn decode_side_by_side<const PAIRS: usize>(
    payloads: &[Payload<'_>],
    tables: &[Tables],
    segments: &mut [Segment<'_>],
    pairs: [[usize; PAIR]; PAIRS],
) {
    let mut states = each!(PAIRS, |pair| each!(PAIR, |side| Words::load(&segments[pairs[pair][side]].states)));
    let mut ends: [[End; PAIR]; PAIRS] = [[[0; _]; PAIR]; PAIRS];
    let further = distance_to_later(payloads);
    loop {
        let mut places = Places::<PAIRS> { further, ..Places::NOWHERE };
        for (place, (&index, end)) in pairs.as_flattened().iter().zip(ends.as_flattened_mut()).enumerate() {
            let segment = &mut segments[index];
            let words = words_ahead(payloads, segment, end);
            places.put(place, words, segment.raw.as_mut_ptr().cast());
            places.run = places.run.min(if words.len() < GROUP_WORDS_LEN { 0 } else { segment.whole_groups() });
        }
        if places.run == 0 {
            break;
        }
        let next = places.next;
        // SAFETY: `words_ahead` gave `GROUP_WORDS_LEN` bytes behind each of `last`, or `run` is 0.
        // Each segment has `run` groups.
        let done = unsafe { decode_places(&mut places, tables, &mut states) };
        let taken = next.as_flattened().iter().zip(places.next.as_flattened());
        for (&index, (next, behind)) in pairs.as_flattened().iter().zip(taken) {
            segments[index].take_groups(done);
            segments[index].words.start += behind.addr() - next.addr();
        }
    }
    for (&index, states) in pairs.as_flattened().iter().zip(states.as_flattened()) {
        segments[index].states = states.store();
    }
    if pairs.as_flattened().iter().all(|&index| segments[index].is_last_group()) {
        decode_last_groups(payloads, tables, segments, pairs, states);
    }
}

/// Decodes segments of which only the last group is left, the first rounds of it coded, the bytes
/// of the others in the states. Those that do not end as the encoder began them are left as they
/// are.
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
fn decode_last_groups<const PAIRS: usize>(
    payloads: &[Payload<'_>],
    tables: &[Tables],
    segments: &mut [Segment<'_>],
    pairs: [[usize; PAIR]; PAIRS],
    mut states: [[Words; PAIR]; PAIRS],
) {
    let mut ends: [[LastWords; PAIR]; PAIRS] = [[[0; _]; PAIR]; PAIRS];
    let mut groups = [[[0; GROUP]; PAIR]; PAIRS];
    let mut places = Places::<PAIRS> { run: 1, rounds: CODED_ROUNDS_OF_LAST_GROUP, ..Places::NOWHERE };
    let rooms = ends.as_flattened_mut().iter_mut().zip(groups.as_flattened_mut());
    for (place, (&index, (end, group))) in pairs.as_flattened().iter().zip(rooms).enumerate() {
        let segment = &segments[index];
        let words = payloads[segment.of].bytes.get(segment.words.clone()).unwrap_or_default();
        let len = words.len().min(GROUP_WORDS_LEN);
        end[..len].copy_from_slice(&words[..len]);
        places.put(place, end, group);
    }
    let next = places.next;
    // SAFETY: all ends have `GROUP_WORDS_LEN` bytes, and there is room for a group of each.
    unsafe { decode_places(&mut places, tables, &mut states) };
    let taken = next.as_flattened().iter().zip(places.next.as_flattened());
    let decoded = groups.as_flattened().iter().zip(states.as_flattened()).zip(taken);
    for (&index, ((group, states), (next, behind))) in pairs.as_flattened().iter().zip(decoded) {
        let segment = &mut segments[index];
        if segment.words.start + (behind.addr() - next.addr()) == segment.words.end {
            segment.end_with(group, &states.store());
        }
    }
}

/// Words of a last group, and zeros behind them.
type LastWords = [u8; GROUP_WORDS_LEN];

/// The tables of segments of the payloads `of`, if they stand in that order, each for as many
/// segments as the others.
fn tables_in_order<'t>(tables: &'t [Tables], of: &[usize]) -> Option<&'t [Tables]> {
    let tables = tables.get(of[0]..=of[of.len() - 1])?;
    let share = (of.len() / tables.len()).max(1);
    let mut places = of.iter().enumerate();
    places.all(|(place, its)| its - of[0] == place / share).then_some(tables)
}

/// The words that a segment takes next. Where the payload has too few for a group they are copied
/// to `end`.
fn words_ahead<'a>(payloads: &[Payload<'a>], segment: &Segment<'_>, end: &'a mut End) -> &'a [u8] {
    let words = payloads[segment.of].bytes.get(segment.words.start..).unwrap_or_default();
    if words.len() >= GROUP_WORDS_LEN || segment.whole_groups() == 0 {
        return words;
    }
    end[..words.len()].copy_from_slice(words);
    end[words.len()..].fill(0);
    end
}

/// How far behind the words of a segment those are that are decoded when all `payloads` are done,
/// if more of them follow.
fn distance_to_later(payloads: &[Payload<'_>]) -> usize {
    let (first, last) = (payloads[0].bytes, payloads[payloads.len() - 1].bytes);
    let distance = last.as_ptr_range().end.addr().wrapping_sub(first.as_ptr().addr());
    // Others stand somewhere else, or are in the caches.
    if (NEAR..FAR).contains(&distance) { distance } else { 0 }
}

/// Fewer bytes are not worth being asked for ahead, and more do not stay in the caches.
const NEAR: usize = 32 << 10;
const FAR: usize = 1 << 20;

/// Where the segments of pairs stand.
struct Places<const PAIRS: usize> {
    /// The words that each takes next.
    next: [[*const u8; PAIR]; PAIRS],
    /// The last place where there are words for a group.
    last: [[*const u8; PAIR]; PAIRS],
    /// Where its next group goes.
    raw: [[*mut [u8; GROUP]; PAIR]; PAIRS],
    /// Groups that each has, at least.
    run: usize,
    /// Rounds that their groups have.
    rounds: usize,
    /// How far behind its next words those are that are wanted when all is decoded.
    further: usize,
}

impl<const PAIRS: usize> Places<PAIRS> {
    const NOWHERE: Self = Self {
        next: [[ptr::null(); PAIR]; PAIRS],
        last: [[ptr::null(); PAIR]; PAIRS],
        raw: [[ptr::null_mut(); PAIR]; PAIRS],
        run: usize::MAX,
        rounds: QUAD,
        further: 0,
    };

    fn put(&mut self, place: usize, words: &[u8], raw: *mut [u8; GROUP]) {
        self.next.as_flattened_mut()[place] = words.as_ptr();
        self.last.as_flattened_mut()[place] = words.as_ptr_range().end.wrapping_sub(GROUP_WORDS_LEN);
        self.raw.as_flattened_mut()[place] = raw;
    }
}

/// [`decode_run`] with tables for so many symbols.
///
/// # Safety
///
/// As there.
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
unsafe fn decode_places<const PAIRS: usize>(
    places: &mut Places<PAIRS>,
    tables: &[Tables],
    states: &mut [[Words; PAIR]; PAIRS],
) -> usize {
    // A pair has one line.
    let are_few = tables.len() <= PAIRS && tables.iter().all(|tables| tables.are_few);
    let symbols = tables.iter().fold(0, |most, tables| most.max(tables.symbols));
    // SAFETY: as the caller promised.
    unsafe {
        match symbols {
            _ if are_few => decode_run_by::<FEW, PAIRS>(places, tables, states),
            ..=64 => decode_run_by::<64, PAIRS>(places, tables, states),
            65..=128 => decode_run_by::<128, PAIRS>(places, tables, states),
            129.. => decode_run_by::<256, PAIRS>(places, tables, states),
        }
    }
}

/// [`decode_run`] with so many tables.
///
/// # Safety
///
/// As there.
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
unsafe fn decode_run_by<const SYMBOLS: usize, const PAIRS: usize>(
    places: &mut Places<PAIRS>,
    tables: &[Tables],
    states: &mut [[Words; PAIR]; PAIRS],
) -> usize {
    macro_rules! run {
        ($tables:literal) => {
            if let Ok(tables) = tables.try_into() {
                // SAFETY: as the caller promised.
                return unsafe { decode_run::<SYMBOLS, PAIRS, $tables>(places, tables, states) };
            }
        };
    }
    run!(1);
    run!(2);
    if PAIRS > 1 {
        run!(4);
    }
    if PAIRS > 2 {
        run!(8);
    }
    unreachable!("as many tables as segments, or a part of them")
}

/// Decodes `run` groups of each segment, so many `rounds` of each group, or fewer groups where a
/// segment has no words for more; how many comes back. There is a table for all segments, or one
/// for each pair or half of them, or for each segment.
///
/// # Safety
///
/// Each of `raw` is the first of `run` groups that nobody else has, and from each of `last`, where
/// `next` is not behind it, `GROUP_WORDS_LEN` bytes can be read.
#[inline(never)]
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
unsafe fn decode_run<const SYMBOLS: usize, const PAIRS: usize, const TABLES: usize>(
    places: &mut Places<PAIRS>,
    tables: &[Tables; TABLES],
    states: &mut [[Words; PAIR]; PAIRS],
) -> usize {
    let Places { mut next, last, raw, run, rounds, further } = *places;
    let mut x = *states;
    let scale = Scale::new(tables[0].scale_bits);
    let mut symbols = [[_mm512_setzero_si512(); PAIRS]; QUAD];
    let mut group = 0;
    'groups: while group < run {
        for pair in 0..PAIRS {
            for side in 0..PAIR {
                if next[pair][side] > last[pair][side] {
                    break 'groups;
                }
                prefetch_ahead(next[pair][side], raw[pair][side].wrapping_add(group));
                prefetch_later(next[pair][side].wrapping_add(further));
            }
        }
        for round in &mut symbols[..rounds] {
            // SAFETY: no segment is behind its last place with words for a group: that was checked
            // above. A lane takes one word per round at most. Before a round of a group, its 32
            // lanes have not had their turn, so 64 of the `GROUP_WORDS_LEN` bytes are still ahead.
            *round = unsafe {
                if SYMBOLS <= FEW && TABLES <= PAIRS {
                    decode_round_of_few(tables, &scale, &mut x, &mut next)
                } else {
                    decode_round::<SYMBOLS, PAIRS, TABLES>(tables, &scale, &mut x, &mut next)
                }
            };
        }
        for (pair, raw) in raw.iter().enumerate() {
            let quads = quads(each!(QUAD, |round| symbols[round][pair]));
            for side in 0..PAIR {
                // SAFETY: `group` is below `run`, and the caller promised that each has `run`
                // groups.
                unsafe { raw[side].add(group).write(quads[side]) };
            }
        }
        group += 1;
    }
    *states = x;
    places.next = next;
    group
}

/// Takes a symbol out of each lane of all segments.
///
/// # Safety
///
/// 64 bytes can be read from each of `next`.
#[inline]
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
unsafe fn decode_round<const SYMBOLS: usize, const PAIRS: usize, const TABLES: usize>(
    tables: &[Tables; TABLES],
    scale: &Scale,
    x: &mut [[Words; PAIR]; PAIRS],
    next: &mut [[*const u8; PAIR]; PAIRS],
) -> [__m512i; PAIRS] {
    // Eight segments fill the registers. The compiler must not know that the tables stay the same:
    // it would keep parts of them, and move all else in and out.
    let tables = if PAIRS > 2 { black_box(tables) } else { tables };
    macro_rules! look_up {
        ($len:expr, $indices:expr, $tables:ident => $bytes:expr) => {
            each!(PAIRS, |pair| {
                let [first, second] = each!(PAIR, |side| {
                    let $tables = &tables[(PAIR * pair + side) * TABLES / (PAIR * PAIRS)];
                    &$bytes
                });
                if TABLES > PAIRS {
                    Bytes::look_up_two::<$len>([first, second], $indices[pair])
                } else {
                    first.look_up::<$len>($indices[pair])
                }
            })
        };
    }
    let places = each!(PAIRS, |pair| scale.places(&x[pair]));
    let (buckets, within) = (each!(PAIRS, |pair| places[pair][0]), each!(PAIRS, |pair| places[pair][1]));
    let starts = look_up!(256, buckets, tables => tables.starts[0]);
    let mut ranks = each!(PAIRS, |pair| started(starts[pair], within[pair], PRECEDING[0]));
    // Small blocks, which come with tables of their own, have few slots.
    if TABLES <= PAIRS || scale.more_starts {
        let starts = look_up!(256, buckets, tables => tables.starts[1]);
        let more = each!(PAIRS, |pair| started(starts[pair], within[pair], PRECEDING[1]));
        ranks = each!(PAIRS, |pair| _mm512_add_epi8(ranks[pair], more[pair]));
    }
    let first = look_up!(256, buckets, tables => tables.first);
    let ids = each!(PAIRS, |pair| _mm512_add_epi8(first[pair], ranks[pair]));

    let mixed = look_up!(SYMBOLS, ids, tables => tables.mixed);
    let upper = look_up!(SYMBOLS, ids, tables => tables.frequency_upper);
    let frequencies = each!(PAIRS, |pair| unpack(
        _mm512_and_si512(mixed[pair], _mm512_set1_epi8(0xF0_u8.cast_signed())),
        upper[pair]
    ));
    let lower = look_up!(SYMBOLS, ids, tables => tables.cumulative_lower);
    let cumulatives = each!(PAIRS, |pair| unpack(lower[pair], mixed[pair]));
    // SAFETY: the caller promised 64 bytes.
    unsafe { take_symbols(scale, x, next, frequencies, cumulatives) };
    look_up!(SYMBOLS, ids, tables => tables.symbol)
}

/// [`decode_round`] by the tables for few symbols. There is a table for all segments, or for a pair
/// or some.
///
/// # Safety
///
/// As there.
#[inline]
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
unsafe fn decode_round_of_few<const PAIRS: usize, const TABLES: usize>(
    tables: &[Tables; TABLES],
    scale: &Scale,
    x: &mut [[Words; PAIR]; PAIRS],
    next: &mut [[*const u8; PAIR]; PAIRS],
) -> [__m512i; PAIRS] {
    // As in `decode_round`.
    let tables = if PAIRS > 2 { black_box(tables) } else { tables };
    let tables = each!(PAIRS, |pair| &tables[pair * TABLES / PAIRS].few);
    let places = each!(PAIRS, |pair| scale.places(&x[pair]));
    let ids = each!(PAIRS, |pair| tables[pair].ids(places[pair][0], places[pair][1]));
    let words = each!(PAIRS, |pair| few::words(ids[pair]));
    let frequencies = each!(PAIRS, |pair| each!(PAIR, |side| tables[pair].frequencies(words[pair][side])));
    let cumulatives = each!(PAIRS, |pair| each!(PAIR, |side| tables[pair].cumulatives(words[pair][side])));
    // SAFETY: the caller promised 64 bytes.
    unsafe { take_symbols(scale, x, next, frequencies, cumulatives) };
    each!(PAIRS, |pair| tables[pair].symbols(ids[pair]))
}

/// Takes symbols out of all states, and gives those that became small a word.
///
/// # Safety
///
/// 64 bytes can be read from each of `next`.
#[inline]
#[target_feature(enable = "avx512vbmi,avx512vbmi2,bmi2,popcnt")]
unsafe fn take_symbols<const PAIRS: usize>(
    scale: &Scale,
    x: &mut [[Words; PAIR]; PAIRS],
    next: &mut [[*const u8; PAIR]; PAIRS],
    frequencies: [[__m512i; PAIR]; PAIRS],
    cumulatives: [[__m512i; PAIR]; PAIRS],
) {
    let advanced = each!(PAIRS, |pair| {
        each!(PAIR, |side| {
            // Above the scale a cumulative frequency has bits that mean nothing.
            let offsets = _mm512_sub_epi16(x[pair][side].lower, cumulatives[pair][side]);
            x[pair][side].advance(frequencies[pair][side], _mm512_and_si512(offsets, scale.mask), scale.mask, scale.one)
        })
    });
    for pair in 0..PAIRS {
        for side in 0..PAIR {
            // SAFETY: the caller promised 64 bytes.
            (x[pair][side], next[pair][side]) = unsafe { advanced[pair][side].refill(next[pair][side]) };
        }
    }
}

/// How many symbols start in a bucket's slots up to the one that is `within` it, of those slots
/// that `preceding` has bits for.
#[inline]
#[target_feature(enable = "avx512bitalg")]
fn started(starts: __m512i, within: __m512i, preceding: [u8; 16]) -> __m512i {
    let preceding = _mm512_shuffle_epi8(_mm512_broadcast_i32x4(from_16_bytes(preceding)), within);
    _mm512_popcnt_epi8(_mm512_and_si512(starts, preceding))
}

/// For each slot of a bucket: bits for the slots up to it, 0 to 7 and 8 to 15.
const PRECEDING: [[u8; 16]; 2] = {
    let mut bits = [[0; 16]; 2];
    let mut slot = 0;
    while slot < 16 {
        let set = (2_u32 << slot) - 1;
        bits[0][slot] = set as u8;
        bits[1][slot] = (set >> 8) as u8;
        slot += 1;
    }
    bits
};

#[inline]
#[target_feature(enable = "avx512f")]
fn from_16_bytes(bytes: [u8; 16]) -> __m128i {
    // SAFETY: both are 16 bytes, and every bit pattern is valid.
    unsafe { mem::transmute(bytes) }
}

/// Four rounds of a pair as groups of its two segments: each lane's four bytes in a row.
#[inline]
#[target_feature(enable = "avx512vbmi")]
fn quads([a, b, c, d]: [__m512i; QUAD]) -> [[u8; GROUP]; PAIR] {
    // Eight lanes of two rounds in each 16 bytes, of one segment.
    let first = [_mm512_unpacklo_epi64(a, b), _mm512_unpacklo_epi64(c, d)];
    let second = [_mm512_unpackhi_epi64(a, b), _mm512_unpackhi_epi64(c, d)];
    let pairs = [first, second];
    each!(PAIR, |side| {
        let [ab, cd] = pairs[side];
        let halves = each!(2, |half| _mm512_permutex2var_epi8(ab, from_bytes(QUADS[half]), cd));
        // SAFETY: both are 128 bytes, and every bit pattern is valid.
        unsafe { mem::transmute::<[__m512i; 2], [u8; GROUP]>(halves) }
    })
}

/// Where each byte of a group's halves stands after the unpacking in [`quads`]: rounds 0 and 1 in
/// the first 64 bytes, 2 and 3 in the next.
const QUADS: [[u8; GROUP / 2]; 2] = {
    let mut indices = [[0; GROUP / 2]; 2];
    let mut at = 0;
    while at < GROUP {
        let (lane, round) = (at / QUAD, at % QUAD);
        indices[at / (GROUP / 2)][at % (GROUP / 2)] = (round / 2 * 64 + lane / 8 * 16 + round % 2 * 8 + lane % 8) as u8;
        at += 1;
    }
    indices
};
