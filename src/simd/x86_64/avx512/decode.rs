//! Decoding, eight segments at a time, or four or two, of as many payloads.

mod last;

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;

use super::{
    PAIR, Words,
    few::{FEW, FewTables},
    gather::GatherTables,
    rounds::{Next, Places, Rounds, Scale},
    tables::Tables,
};
use crate::{
    rans::segment::{GROUP, GROUP_WORDS_LEN, Payload, QUAD},
    simd::{Segment, x86_64::avx2},
};

/// Payloads whose tables are at hand at a time, at most.
const PAYLOADS: usize = 8;

/// Groups of a segment from which on gathers are worth their tables. (Blocks of 1 KiB take a fifth
/// longer by gathers, those of 2 KiB as long; Intel Xeon, Sapphire Rapids or later.)
const GROUPS_FOR_SLOTS: usize = 14;

/// Groups of a payload that are not worth a table of slots.
const FEW_GROUPS: usize = 2;

/// Decodes `segments` to the end. The index of the first that does not end as the encoder began it
/// comes back. `GATHER`: where it is faster, slots are looked up by gathers.
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
pub(in crate::simd) fn decode<const GATHER: bool>(
    payloads: &[Payload<'_>],
    segments: &mut [Segment<'_>],
) -> Option<usize> {
    let segments_with = |groups| segments.iter().filter(|segment| segment.whole_groups() >= groups).count();
    if payloads.len() > PAYLOADS || segments_with(1) < PAIR {
        return avx2::decode::<GATHER>(payloads, segments);
    }
    let gathers = segments_with(GROUPS_FOR_SLOTS) >= GatherTables::ABREAST;
    if payloads.iter().all(|payload| payload.frequencies.used().nth(FEW).is_none()) {
        let mut tables = [const { FewTables::NONE }; PAYLOADS];
        if fill(&mut tables, payloads, segments) {
            return decode_by::<_, GATHER>(payloads, &tables, segments);
        }
    }
    if GATHER && gathers {
        decode_with::<GatherTables, GATHER>(payloads, segments)
    } else {
        decode_with::<Tables, GATHER>(payloads, segments)
    }
}

/// [`decode`] by tables of a form that all frequencies have.
#[allow(clippy::large_stack_arrays, reason = "half as much again as the table of a single stream, with `decode_pairs`")]
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
fn decode_with<T: Rounds, const GATHER: bool>(payloads: &[Payload<'_>], segments: &mut [Segment<'_>]) -> Option<usize> {
    // Most calls are for one payload or for two. To clear the tables of eight, those in registers,
    // takes 100 ns more (Zen 4): a twentieth of the time of a few short segments.
    match payloads.len() {
        1 => decode_with_tables::<T, GATHER>(payloads, &mut [T::NONE], segments),
        2 => decode_with_tables::<T, GATHER>(payloads, &mut [const { T::NONE }; 2], segments),
        _ => decode_with_tables::<T, GATHER>(payloads, &mut [const { T::NONE }; PAYLOADS], segments),
    }
}

#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
fn decode_with_tables<T: Rounds, const GATHER: bool>(
    payloads: &[Payload<'_>],
    tables: &mut [T],
    segments: &mut [Segment<'_>],
) -> Option<usize> {
    let filled = fill(tables, payloads, segments);
    debug_assert!(filled, "all frequencies have such tables");
    decode_by::<T, GATHER>(payloads, tables, segments)
}

/// Makes the tables of all payloads that the loop over groups is for. `false`: one has none of this
/// form.
fn fill<T: Rounds>(tables: &mut [T], payloads: &[Payload<'_>], segments: &[Segment<'_>]) -> bool {
    segments.iter().filter(|segment| segment.whole_groups() > 0).all(|segment| {
        let table = &mut tables[segment.of];
        table.symbols() > 0 || table.fill(payloads[segment.of].frequencies)
    })
}

/// [`decode`] of at most [`PAYLOADS`] payloads by their tables.
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
fn decode_by<T: Rounds, const GATHER: bool>(
    payloads: &[Payload<'_>],
    tables: &[T],
    segments: &mut [Segment<'_>],
) -> Option<usize> {
    decode_groups(payloads, tables, segments);
    last::decode_last_groups(payloads, tables, segments);
    finish::<T, GATHER>(payloads, tables, segments)
}

/// Decodes what the loop over groups has left.
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
fn finish<T: Rounds, const GATHER: bool>(
    payloads: &[Payload<'_>],
    tables: &[T],
    segments: &mut [Segment<'_>],
) -> Option<usize> {
    let mut before = 0;
    for segments in segments.chunk_by_mut(|one, next| one.of == next.of) {
        let of = segments[0].of;
        let groups: usize = segments.iter().map(Segment::whole_groups).sum();
        let bad = if tables[of].symbols() > 0 && groups <= FEW_GROUPS {
            segments.iter_mut().position(|segment| !segment.finish(payloads[of].bytes, &tables[of]))
        } else {
            avx2::decode::<GATHER>(payloads, segments)
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
                && count < T::ABREAST
                && let Some(found) = found.as_flattened_mut().get_mut(count)
            {
                *found = index;
                count += 1;
            }
        }
        let [a, b, c, d] = found;
        match count / PAIR {
            4 if T::ABREAST > 4 => decode_pairs(payloads, tables, segments, [a, b, c, d]),
            2.. => decode_pairs(payloads, tables, segments, [a, b]),
            1 => decode_pairs(payloads, tables, segments, [a]),
            0 => break,
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
    let mut copies = [const { [const { T::NONE }; PAIR] }; PAIRS];
    for (copy, of) in copies.as_flattened_mut().iter_mut().zip(of) {
        copy.clone_from(&tables[*of]);
    }
    decode_side_by_side(payloads, copies.as_flattened(), segments, pairs);
}

/// [`decode_pairs`] with their tables in order: one for all segments, or for as many each.
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
fn decode_side_by_side<T: Rounds, const PAIRS: usize>(
    payloads: &[Payload<'_>],
    tables: &[T],
    segments: &mut [Segment<'_>],
    pairs: [[usize; PAIR]; PAIRS],
) {
    // Closures would be calls here.
    let (mut symbols, mut beyond) = (0, 0);
    for tables in tables {
        symbols = tables.symbols().max(symbols);
    }
    // Behind these payloads, mostly, stand those that are decoded next.
    for payload in payloads {
        beyond += payload.bytes.len();
    }
    let mut states = each!(PAIRS, |pair| each!(PAIR, |side| Words::load(&segments[pairs[pair][side]].states)));
    let mut ends: [[End; PAIR]; PAIRS] = [[[0; _]; PAIR]; PAIRS];
    loop {
        let mut places = Places::<PAIRS>::nowhere(beyond);
        for (place, (&index, end)) in pairs.as_flattened().iter().zip(ends.as_flattened_mut()).enumerate() {
            places.put(place, words_ahead(payloads, &segments[index], end), &mut segments[index], T::LOOKS_FOR_WORDS);
        }
        if places.run == 0 {
            break;
        }
        // SAFETY: `put` saw `GROUP_WORDS_LEN` bytes at each of `next` and of `last`, `run` times as
        // many unless `T` looks for words, and `run` groups at each of `raw`.
        let (behind, done) = unsafe {
            match symbols {
                ..=64 => decode_run_by::<T, 64, PAIRS>(&places, tables, &mut states),
                65..=128 => decode_run_by::<T, 128, PAIRS>(&places, tables, &mut states),
                129.. => decode_run_by::<T, 256, PAIRS>(&places, tables, &mut states),
            }
        };
        let taken = places.next.as_flattened().iter().zip(behind.as_flattened());
        for (&index, (next, behind)) in pairs.as_flattened().iter().zip(taken) {
            // SAFETY: so many groups of each segment were written.
            unsafe { segments[index].raw.assume_written(done * GROUP) };
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

/// The words that a segment takes next, and what is behind them. Where the payload has too few for
/// a group they are copied to `end`.
fn words_ahead<'a>(payloads: &[Payload<'a>], segment: &Segment<'_>, end: &'a mut End) -> &'a [u8] {
    let words = payloads[segment.of].bytes.get(segment.words.start..).unwrap_or_default();
    if words.len() >= GROUP_WORDS_LEN || segment.whole_groups() == 0 {
        return words;
    }
    end[..words.len()].copy_from_slice(words);
    end[words.len()..].fill(0);
    end
}

/// [`Rounds::decode_run`] with so many tables.
///
/// # Safety
///
/// As there.
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
unsafe fn decode_run_by<T: Rounds, const SYMBOLS: usize, const PAIRS: usize>(
    places: &Places<PAIRS>,
    tables: &[T],
    states: &mut [[Words; PAIR]; PAIRS],
) -> (Next<PAIRS>, usize) {
    macro_rules! run {
        ($tables:literal) => {
            if let Ok(tables) = tables.try_into() {
                // SAFETY: as the caller promised.
                return unsafe { T::decode_run::<SYMBOLS, PAIRS, $tables>(places, tables, states) };
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
