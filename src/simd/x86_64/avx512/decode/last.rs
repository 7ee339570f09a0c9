//! The last groups of segments, two segments at a time.
//!
//! Half of such a group is coded, and the other half rides on the states. So it is not for the loop
//! over groups. By scalar code one takes as long as ten whole groups do in that loop (AMD EPYC, Zen
//! 4).

use std::array;

use super::{_mm512_setzero_si512, PAIR, Payload, QUAD, Rounds, Scale, Segment, Words, tables_in_order};
use crate::{
    rans::segment::{CODED_ROUNDS_OF_LAST_GROUP, LANES},
    simd::x86_64::avx512::rounds::quads,
};

/// Bytes of the words that a last group takes at most.
const LAST_WORDS_LEN: usize = 2 * LANES * CODED_ROUNDS_OF_LAST_GROUP;

/// Decodes the last groups of segments that have nothing else left, as far as two have tables that
/// go together. A segment that does not end as the encoder began it stays as it is.
///
/// Not inlined, as the loop over groups is slower where there is more around it.
#[inline(never)]
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
pub(super) fn decode_last_groups<T: Rounds>(payloads: &[Payload<'_>], tables: &[T], segments: &mut [Segment<'_>]) {
    let mut waiting: Option<usize> = None;
    for index in 0..segments.len() {
        let of = segments[index].of;
        if !segments[index].is_last_group() || tables[of].symbols() == 0 {
            continue;
        }
        if let Some(first) = waiting.take()
            && let Some(tables) = tables_in_order(tables, &[segments[first].of, of])
            && tables.iter().all(|its| its.scale_bits() == tables[0].scale_bits())
            && let [a, .., b] = &mut segments[first..=index]
        {
            if let [one] = tables {
                decode_pair(payloads, array::from_ref(one), &mut [a, b]);
            } else if let Some(two) = tables.first_chunk::<2>() {
                decode_pair(payloads, two, &mut [a, b]);
            }
        } else {
            waiting = Some(index);
        }
    }
}

/// Decodes two last groups. Both have a table, or each has its own; the tables have one scale.
#[inline]
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
fn decode_pair<T: Rounds, const TABLES: usize>(
    payloads: &[Payload<'_>],
    tables: &[T; TABLES],
    segments: &mut [&mut Segment<'_>; PAIR],
) {
    let mut copies = [[0; LAST_WORDS_LEN]; PAIR];
    let [copy_a, copy_b] = &mut copies;
    let words = [words_ahead(payloads, segments[0], copy_a), words_ahead(payloads, segments[1], copy_b)];
    let mut next = [each!(PAIR, |side| words[side].as_ptr())];
    let mut states = [each!(PAIR, |side| Words::load(&segments[side].states))];
    let scale = Scale::new(tables[0].scale_bits());
    let mut symbols = [_mm512_setzero_si512(); QUAD];
    for round in &mut symbols[..CODED_ROUNDS_OF_LAST_GROUP] {
        // SAFETY: a lane takes one word per round at most. Before a round, its 32 lanes have not
        // had their turn, so 64 of the `LAST_WORDS_LEN` bytes of each are still ahead.
        [*round] = unsafe { T::decode_round::<256, 1, TABLES>(tables, &scale, &mut states, &mut next) };
    }
    let groups = quads(symbols);
    for side in 0..PAIR {
        let taken = next[0][side].addr() - words[side].as_ptr().addr();
        if segments[side].words.start + taken == segments[side].words.end {
            segments[side].end_with(&groups[side], &states[0][side].store());
        }
    }
}

/// The words that a segment takes next, and what is behind them. Where the payload has too few
/// bytes, they are copied to `copy`, which has zeros.
fn words_ahead<'a>(
    payloads: &[Payload<'a>],
    segment: &Segment<'_>,
    copy: &'a mut [u8; LAST_WORDS_LEN],
) -> &'a [u8; LAST_WORDS_LEN] {
    let words = payloads[segment.of].bytes.get(segment.words.start..).unwrap_or_default();
    words.first_chunk().unwrap_or_else(|| {
        copy[..words.len()].copy_from_slice(words);
        copy
    })
}
