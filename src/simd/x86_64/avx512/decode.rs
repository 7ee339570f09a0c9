//! Decoding, eight segments at a time, or four or two, of as many payloads.

mod last;

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;
use std::{mem, ptr};

use super::{
    PAIR, Words,
    few::FewTables,
    from_bytes,
    rounds::{Rounds, Scale},
    tables::Tables,
};
use crate::{
    rans::segment::{GROUP, GROUP_WORDS_LEN, Payload, QUAD, Segment},
    simd::x86_64::{avx2, prefetch_ahead},
};

/// Payloads whose tables are at hand at a time, at most.
const PAYLOADS: usize = 8;

/// Groups of a payload that are not worth a table of slots.
const FEW_GROUPS: usize = 2;

/// Decodes `segments` to the end. The index of the first that does not end as the encoder began it
/// comes back.
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
pub(in crate::simd) fn decode(payloads: &[Payload<'_>], segments: &mut [Segment<'_>]) -> Option<usize> {
    if payloads.len() > PAYLOADS || segments.iter().filter(|segment| segment.whole_groups() > 0).count() < PAIR {
        return avx2::decode::<false>(payloads, segments);
    }
    if payloads.iter().all(|payload| FewTables::fit(payload.frequencies)) {
        decode_by::<FewTables>(payloads, segments)
    } else {
        decode_by::<Tables>(payloads, segments)
    }
}

/// [`decode`] of at most [`PAYLOADS`] payloads by tables of one form.
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
fn decode_by<T: Rounds>(payloads: &[Payload<'_>], segments: &mut [Segment<'_>]) -> Option<usize> {
    // Most calls are for one. To clear the tables of eight takes 100 ns more (Zen 4): a twentieth
    // of the time of a few short segments.
    let (mut one, mut several);
    let tables: &mut [T] = if payloads.len() == 1 {
        one = [T::NONE];
        &mut one
    } else {
        several = [const { T::NONE }; PAYLOADS];
        &mut several
    };
    for segment in segments.iter().filter(|segment| segment.whole_groups() > 0) {
        if tables[segment.of].symbols() == 0 {
            tables[segment.of].fill(payloads[segment.of].frequencies);
        }
    }
    decode_groups(payloads, tables, segments);
    last::decode_last_groups(payloads, tables, segments);
    finish(payloads, tables, segments)
}

/// Decodes what the loop over groups has left.
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
fn finish<T: Rounds>(payloads: &[Payload<'_>], tables: &[T], segments: &mut [Segment<'_>]) -> Option<usize> {
    let mut before = 0;
    for segments in segments.chunk_by_mut(|one, next| one.of == next.of) {
        let of = segments[0].of;
        let groups: usize = segments.iter().map(Segment::whole_groups).sum();
        let bad = if tables[of].symbols() > 0 && groups <= FEW_GROUPS {
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
fn decode_groups<T: Rounds>(payloads: &[Payload<'_>], tables: &[T], segments: &mut [Segment<'_>]) {
    loop {
        let (mut found, mut count) = ([[0; PAIR]; 4], 0);
        let mut scale_bits = None;
        for (index, segment) in segments.iter().enumerate() {
            let tables = &tables[segment.of];
            if segment.whole_groups() > 0
                && tables.symbols() > 0
                && *scale_bits.get_or_insert(tables.scale_bits()) == tables.scale_bits()
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
fn decode_pairs<T: Rounds, const PAIRS: usize>(
    payloads: &[Payload<'_>],
    tables: &[T],
    segments: &mut [Segment<'_>],
    pairs: [[usize; PAIR]; PAIRS],
) {
    let of = each!(PAIRS, |pair| each!(PAIR, |side| segments[pairs[pair][side]].of));
    let of = of.as_flattened();
    if let Some(tables) = tables_in_order(tables, of) {
        return decode_side_by_side(payloads, tables, segments, pairs);
    }
    let mut copies = [const { T::NONE }; PAYLOADS];
    for (copy, of) in copies.iter_mut().zip(of) {
        copy.clone_from(&tables[*of]);
    }
    decode_side_by_side(payloads, &copies[..of.len()], segments, pairs);
}

/// [`decode_pairs`] with their tables in order: one for all segments, or for as many each.
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
fn decode_side_by_side<T: Rounds, const PAIRS: usize>(
    payloads: &[Payload<'_>],
    tables: &[T],
    segments: &mut [Segment<'_>],
    pairs: [[usize; PAIR]; PAIRS],
) {
    let symbols = tables.iter().fold(0, |most, tables| most.max(tables.symbols()));
    let mut states = each!(PAIRS, |pair| each!(PAIR, |side| Words::load(&segments[pairs[pair][side]].states)));
    let mut ends: [[End; PAIR]; PAIRS] = [[[0; _]; PAIR]; PAIRS];
    loop {
        let mut run = usize::MAX;
        let mut next = [[ptr::null(); PAIR]; PAIRS];
        for ((&index, next), end) in
            pairs.as_flattened().iter().zip(next.as_flattened_mut()).zip(ends.as_flattened_mut())
        {
            let (words, groups) = words_ahead(payloads, &segments[index], end);
            *next = words.as_ptr();
            run = run.min(groups);
        }
        if run == 0 {
            break;
        }
        let raw = each!(PAIRS, |pair| each!(PAIR, |side| segments[pairs[pair][side]].take_groups(run).as_mut_ptr()));
        // SAFETY: `words_ahead` gave no fewer than `run` times `GROUP_WORDS_LEN` bytes for each of
        // `next`, and `take_groups` gave `run` groups to each of `raw`.
        let behind = unsafe {
            match symbols {
                ..=64 => decode_run_by::<T, 64, PAIRS>(next, tables, &mut states, raw, run),
                65..=128 => decode_run_by::<T, 128, PAIRS>(next, tables, &mut states, raw, run),
                129.. => decode_run_by::<T, 256, PAIRS>(next, tables, &mut states, raw, run),
            }
        };
        let taken = next.as_flattened().iter().zip(behind.as_flattened());
        for (&index, (next, behind)) in pairs.as_flattened().iter().zip(taken) {
            segments[index].words.start += behind.addr() - next.addr();
        }
    }
    for (&index, states) in pairs.as_flattened().iter().zip(states.as_flattened()) {
        segments[index].states = states.store();
    }
}

/// The tables of segments of the payloads `of`, if they stand in that order, each for as many
/// segments as the others.
fn tables_in_order<'t, T>(tables: &'t [T], of: &[usize]) -> Option<&'t [T]> {
    let tables = tables.get(of[0]..=of[of.len() - 1])?;
    let share = (of.len() / tables.len()).max(1);
    let mut places = of.iter().enumerate();
    places.all(|(place, its)| its - of[0] == place / share).then_some(tables)
}

/// The words that a segment takes next, and the groups that it has and there are bytes for. Where
/// the payload has too few for one they are copied to `end`.
fn words_ahead<'a>(payloads: &[Payload<'a>], segment: &Segment<'_>, end: &'a mut End) -> (&'a [u8], usize) {
    let mut words = payloads[segment.of].bytes.get(segment.words.start..).unwrap_or_default();
    if words.len() < GROUP_WORDS_LEN && segment.whole_groups() > 0 {
        end[..words.len()].copy_from_slice(words);
        end[words.len()..].fill(0);
        words = end;
    }
    (words, segment.whole_groups().min(words.len() / GROUP_WORDS_LEN))
}

/// [`decode_run`] with so many tables.
///
/// # Safety
///
/// As there.
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
unsafe fn decode_run_by<T: Rounds, const SYMBOLS: usize, const PAIRS: usize>(
    next: [[*const u8; PAIR]; PAIRS],
    tables: &[T],
    states: &mut [[Words; PAIR]; PAIRS],
    raw: [[*mut [u8; GROUP]; PAIR]; PAIRS],
    run: usize,
) -> [[*const u8; PAIR]; PAIRS] {
    macro_rules! run {
        ($tables:literal) => {
            if let Ok(tables) = tables.try_into() {
                // SAFETY: as the caller promised.
                return unsafe { decode_run::<T, SYMBOLS, PAIRS, $tables>(next, tables, states, raw, run) };
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

/// Decodes `run` groups of each segment; the words that come next come back. There is a table for
/// all segments, or one for each pair or half of them, or for each segment.
///
/// # Safety
///
/// Each of `raw` is the first of `run` groups that nobody else has, and `run * GROUP_WORDS_LEN`
/// bytes can be read from each of `next`.
#[inline(never)]
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
unsafe fn decode_run<T: Rounds, const SYMBOLS: usize, const PAIRS: usize, const TABLES: usize>(
    mut next: [[*const u8; PAIR]; PAIRS],
    tables: &[T; TABLES],
    states: &mut [[Words; PAIR]; PAIRS],
    raw: [[*mut [u8; GROUP]; PAIR]; PAIRS],
    run: usize,
) -> [[*const u8; PAIR]; PAIRS] {
    let mut x = *states;
    let scale = Scale::new(tables[0].scale_bits());
    let mut symbols = [[_mm512_setzero_si512(); PAIRS]; QUAD];
    for group in 0..run {
        for pair in 0..PAIRS {
            for side in 0..PAIR {
                prefetch_ahead(next[pair][side], raw[pair][side].wrapping_add(group));
            }
        }
        for round in &mut symbols {
            // SAFETY: a lane takes one word per round at most. Before a round of a group, its 32
            // lanes have not had their turn, so 64 of the `GROUP_WORDS_LEN` bytes that the caller
            // promised for this group are still ahead.
            *round = unsafe { T::decode_round::<SYMBOLS, PAIRS, TABLES>(tables, &scale, &mut x, &mut next) };
        }
        for (pair, raw) in raw.iter().enumerate() {
            let quads = quads(each!(QUAD, |round| symbols[round][pair]));
            for side in 0..PAIR {
                // SAFETY: `group` is below `run`, and the caller promised that each has `run`
                // groups.
                unsafe { raw[side].add(group).write(quads[side]) };
            }
        }
    }
    *states = x;
    next
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
