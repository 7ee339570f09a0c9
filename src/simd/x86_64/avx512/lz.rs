//! Sequences of a chunk: tokens and offset codes become arrays 64 and 16 at a time. The copy loop
//! is that of AVX2: wider registers gain nothing there (measured: 0 to 3 % on files of long
//! matches; on Zen 4, whose stores are 32 bytes wide, they cost 2 %).

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;

use crate::{
    sequences::{Expanded, HISTORY, Offsets, Output, REPEAT_CODES, ROOM, Repeats, Sections, Tokens, repeat},
    simd::x86_64::avx2,
};

/// Tokens that become lengths at a time.
const TOKENS: usize = 64;

/// Offsets at a time.
const OFFSETS: usize = 16;

/// Fills the rest of `output`'s chunk; the offsets used last come back. `None`: the parts do not
/// fit together.
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
pub(in crate::simd) fn execute(
    sections: &Sections<'_>,
    repeats: Repeats,
    expanded: &mut Expanded,
    output: &mut Output<'_>,
) -> Option<Repeats> {
    let Sections { tokens, offsets, .. } = sections;
    expanded.begin(tokens.symbols.len(), repeats);
    let fit = lengths(tokens, &mut expanded.literal_lengths, &mut expanded.match_lengths)
        && decode_offsets(offsets, &mut expanded.code_offsets).is_some_and(|used| offsets.end_at(used))
        && spread(tokens, &expanded.code_offsets, &mut expanded.offsets) == offsets.codes.len()
        && avx2::lz::copy(sections, repeats.last(), expanded, output);
    fit.then(|| offsets.repeats(&expanded.code_offsets))
}

/// As [`Tokens::lengths`].
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
fn lengths(tokens: &Tokens<'_>, literals: &mut [u8], matches: &mut [u8]) -> bool {
    let count = tokens.symbols.len();
    assert!(literals.len() >= count + ROOM && matches.len() >= count + ROOM);
    let (literal_excess, match_excess) = (tokens.literal_excess, tokens.match_excess);
    let (most_literals, most_match) = (_mm512_set1_epi8(7), _mm512_set1_epi8(15));
    let min_match = _mm512_set1_epi8(tokens.min_match.cast_signed());
    let [mut literals_used, mut matches_used] = [0, 0];
    let mut index = 0;
    while index < count {
        let live = if count - index >= TOKENS { u64::MAX } else { (1 << (count - index)) - 1 };
        // SAFETY: 128 bytes of slack follow the tokens; the arrays have `ROOM` entries behind the
        // last one (asserted). The excess bytes used so far are no more than there are, checked
        // below, and have 128 bytes of slack.
        unsafe {
            let token = _mm512_loadu_si512(tokens.symbols.padded().as_ptr().add(index).cast());
            let run = _mm512_and_si512(_mm512_srli_epi16::<5>(token), most_literals);
            let length = _mm512_and_si512(_mm512_srli_epi16::<1>(token), most_match);
            let runs = _mm512_mask_cmpeq_epi8_mask(live, run, most_literals);
            let lengths = _mm512_mask_cmpeq_epi8_mask(live, length, most_match);
            let run_excess = _mm512_loadu_si512(literal_excess.padded().as_ptr().add(literals_used).cast());
            let excess = _mm512_loadu_si512(match_excess.padded().as_ptr().add(matches_used).cast());
            literals_used += runs.count_ones() as usize;
            matches_used += lengths.count_ones() as usize;
            if literals_used > literal_excess.len() || matches_used > match_excess.len() {
                return false;
            }
            let run = _mm512_adds_epu8(run, _mm512_maskz_expand_epi8(runs, run_excess));
            let length = _mm512_add_epi8(length, min_match);
            let length = _mm512_adds_epu8(length, _mm512_maskz_expand_epi8(lengths, excess));
            _mm512_storeu_si512(literals.as_mut_ptr().add(index).cast(), run);
            _mm512_storeu_si512(matches.as_mut_ptr().add(index).cast(), length);
        }
        index += TOKENS;
    }
    literals_used == literal_excess.len() && matches_used == match_excess.len()
}

/// As [`Offsets::decode`].
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
fn decode_offsets(offsets: &Offsets<'_>, decoded: &mut [u32]) -> Option<usize> {
    let (codes, count, bit_len) = (offsets.codes.padded(), offsets.codes.len(), 8 * offsets.bits.len());
    assert!(decoded.len() >= HISTORY + count + ROOM);
    let (zero, one, ones) = (_mm512_setzero_si512(), _mm512_set1_epi32(1), _mm512_set1_epi32(-1));
    let (mut index, mut at) = (0, 0);
    while index < count {
        let live = if count - index >= OFFSETS { u16::MAX } else { (1 << (count - index)) - 1 };
        // SAFETY: 128 bytes of slack follow the codes.
        let code = unsafe { _mm512_cvtepu8_epi32(_mm_loadu_si128(codes.as_ptr().add(index).cast())) };
        let value = _mm512_sub_epi32(code, one);
        let widths = _mm512_sub_epi32(_mm512_srai_epi32::<3>(value), one);
        let widths = _mm512_maskz_max_epi32(live, widths, zero);
        // Below 8 the value is the offset, and has no bits. What comes out for a repeat code is
        // replaced.
        let base = _mm512_sllv_epi32(_mm512_sub_epi32(value, _mm512_slli_epi32::<3>(widths)), widths);
        let ends = prefix_sums(widths);
        let total = _mm_extract_epi32::<3>(_mm512_extracti32x4_epi32::<3>(ends)) as usize;
        if at + total > bit_len {
            return None;
        }
        let starts =
            _mm512_add_epi32(_mm512_sub_epi32(ends, widths), _mm512_set1_epi32(((at % 8) as u32).cast_signed()));
        // SAFETY: `at` is inside the bit string, and 128 bytes of slack follow. 16 codes take 40
        // bytes of the 64 at most. The offsets have `ROOM` entries behind the last one (asserted).
        unsafe {
            let words = _mm512_loadu_si512(offsets.bits.padded().as_ptr().add(at / 8).cast());
            let index_of = _mm512_srli_epi32::<5>(starts);
            let low = _mm512_permutexvar_epi32(index_of, words);
            let high = _mm512_permutexvar_epi32(_mm512_add_epi32(index_of, one), words);
            // The shift takes its count modulo 32.
            let extra = _mm512_shrdv_epi32(low, high, starts);
            let extra = _mm512_andnot_si512(_mm512_sllv_epi32(ones, widths), extra);
            let place = decoded.as_mut_ptr().add(HISTORY + index);
            _mm512_storeu_si512(place.cast(), _mm512_add_epi32(base, extra));
        }
        at += total;
        let mut repeats = _mm512_mask_cmplt_epi32_mask(live, code, _mm512_set1_epi32(REPEAT_CODES.into()));
        while repeats != 0 {
            repeat(offsets.codes.as_slice(), decoded, index + repeats.trailing_zeros() as usize);
            repeats &= repeats - 1;
        }
        index += OFFSETS;
    }
    Some(at)
}

/// The sum of each lane and all before it.
#[inline]
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
fn prefix_sums(lanes: __m512i) -> __m512i {
    let zero = _mm512_setzero_si512();
    let sums = _mm512_add_epi32(lanes, _mm512_alignr_epi32::<15>(lanes, zero));
    let sums = _mm512_add_epi32(sums, _mm512_alignr_epi32::<14>(sums, zero));
    let sums = _mm512_add_epi32(sums, _mm512_alignr_epi32::<12>(sums, zero));
    _mm512_add_epi32(sums, _mm512_alignr_epi32::<8>(sums, zero))
}

/// As [`spread`](crate::sequences::spread).
#[target_feature(enable = "avx512vbmi,avx512vbmi2,avx512bitalg,bmi2,popcnt")]
fn spread(tokens: &Tokens<'_>, offsets: &[u32], spread: &mut [u32]) -> usize {
    let count = tokens.symbols.len();
    assert!(offsets.len() >= HISTORY + count + ROOM && spread.len() >= count + ROOM);
    // For each place, bits for all up to it.
    let up_to = _mm512_sub_epi32(
        _mm512_sllv_epi32(
            _mm512_set1_epi32(2),
            _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
        ),
        _mm512_set1_epi32(1),
    );
    let (mut index, mut used) = (0, 0);
    while index < count {
        let live = if count - index >= OFFSETS { 0xFFFF } else { (1 << (count - index)) - 1 };
        // SAFETY: 128 bytes of slack follow the tokens. `used` is at most `index`, and the arrays
        // have `ROOM` entries behind as many as there are tokens (asserted).
        unsafe {
            let tokens = _mm_loadu_si128(tokens.symbols.padded().as_ptr().add(index).cast());
            let own = !_mm_movemask_epi8(_mm_slli_epi16::<7>(tokens)).cast_unsigned() & live;
            // The mask has 16 bits: those of the lower word of each lane.
            let ranks = _mm512_popcnt_epi16(_mm512_and_si512(_mm512_set1_epi32(own.cast_signed()), up_to));
            let next = offsets.as_ptr().add(HISTORY - 1 + used);
            let (first, second) = (_mm512_loadu_si512(next.cast()), _mm512_loadu_si512(next.add(OFFSETS).cast()));
            let places = _mm512_permutex2var_epi32(first, ranks, second);
            _mm512_storeu_si512(spread.as_mut_ptr().add(index).cast(), places);
            used += own.count_ones() as usize;
        }
        index += OFFSETS;
    }
    used
}
