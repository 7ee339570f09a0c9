//! Sequences of a chunk: tokens and offset codes become arrays 32 and 8 at a time, then the copy
//! loop takes over.

mod steps;

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;

use crate::{
    sequences::{Expanded, HISTORY, Offsets, Output, REPEAT_CODES, ROOM, Repeats, Sections, Tokens, repeat},
    simd::lz_copy,
};

use steps::Avx2;

/// Tokens that become lengths at a time.
const TOKENS: usize = 32;

/// Offsets at a time.
const OFFSETS: usize = 8;

/// Fills the rest of `output`'s chunk; the offsets used last come back. `None`: the parts do not
/// fit together.
#[target_feature(enable = "avx2,bmi2,popcnt")]
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
        && copy(sections, repeats.last(), expanded, output);
    fit.then(|| offsets.repeats(&expanded.code_offsets))
}

/// The copy loop, for kernels that have at least AVX2.
#[target_feature(enable = "avx2,bmi2,popcnt")]
pub(in crate::simd) fn copy(
    sections: &Sections<'_>,
    last: u32,
    expanded: &mut Expanded,
    output: &mut Output<'_>,
) -> bool {
    // SAFETY: this function has the features that `Avx2` needs.
    unsafe {
        lz_copy::choose!(
            #[target_feature(enable = "avx2,bmi2,popcnt")]
            Avx2,
            sections,
            last,
            expanded,
            output
        )
    }
}

/// As [`Tokens::lengths`].
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn lengths(tokens: &Tokens<'_>, literals: &mut [u8], matches: &mut [u8]) -> bool {
    let count = tokens.symbols.len();
    assert!(literals.len() >= count + ROOM && matches.len() >= count + ROOM);
    let (literal_excess, match_excess) = (tokens.literal_excess, tokens.match_excess);
    let (most_literals, most_match) = (_mm256_set1_epi8(7), _mm256_set1_epi8(15));
    let min_match = _mm256_set1_epi8(tokens.min_match.cast_signed());
    let [mut literals_used, mut matches_used] = [0, 0];
    let mut index = 0;
    while index < count {
        let live = if count - index >= TOKENS { u32::MAX } else { (1 << (count - index)) - 1 };
        // SAFETY: 128 bytes of slack follow the tokens; the arrays have `ROOM` entries behind the
        // last one (asserted). The excess bytes used so far are no more than there are, checked
        // below, and have 128 bytes of slack.
        unsafe {
            let token = _mm256_loadu_si256(tokens.symbols.padded().as_ptr().add(index).cast());
            let run = _mm256_and_si256(_mm256_srli_epi16::<5>(token), most_literals);
            let length = _mm256_and_si256(_mm256_srli_epi16::<1>(token), most_match);
            let runs = _mm256_movemask_epi8(_mm256_cmpeq_epi8(run, most_literals)).cast_unsigned() & live;
            let lengths = _mm256_movemask_epi8(_mm256_cmpeq_epi8(length, most_match)).cast_unsigned() & live;
            let run_excess = expand(literal_excess.padded().as_ptr().add(literals_used), runs);
            let excess = expand(match_excess.padded().as_ptr().add(matches_used), lengths);
            literals_used += runs.count_ones() as usize;
            matches_used += lengths.count_ones() as usize;
            if literals_used > literal_excess.len() || matches_used > match_excess.len() {
                return false;
            }
            let length = _mm256_adds_epu8(_mm256_add_epi8(length, min_match), excess);
            _mm256_storeu_si256(literals.as_mut_ptr().add(index).cast(), _mm256_adds_epu8(run, run_excess));
            _mm256_storeu_si256(matches.as_mut_ptr().add(index).cast(), length);
        }
        index += TOKENS;
    }
    literals_used == literal_excess.len() && matches_used == match_excess.len()
}

/// The next bytes at those of 32 places that `places` has bits for, in order, zero at the others.
///
/// # Safety
///
/// 32 bytes can be read from `next`.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
unsafe fn expand(next: *const u8, places: u32) -> __m256i {
    let [low, high] = [places as u16, (places >> 16) as u16];
    // SAFETY: the caller promises 32 bytes; no more than 16 of them come before the second half.
    let (low_bytes, high_bytes) =
        unsafe { (_mm_loadu_si128(next.cast()), _mm_loadu_si128(next.add(low.count_ones() as usize).cast())) };
    let (low, high) =
        (_mm_shuffle_epi8(low_bytes, expand_control(low)), _mm_shuffle_epi8(high_bytes, expand_control(high)));
    _mm256_set_m128i(high, low)
}

#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn expand_control(places: u16) -> __m128i {
    let [low, high] = places.to_le_bytes();
    let before = u64::from(low.count_ones()) * 0x0101_0101_0101_0101;
    // A control of 128 or more, which gives zero, stays one: ranks are no more than 8.
    let high = EXPAND[usize::from(high)] + before;
    _mm_set_epi64x(high.cast_signed(), EXPAND[usize::from(low)].cast_signed())
}

/// For each set of eight places: at those in it their rank among them, 0x80 at the others.
static EXPAND: [u64; 256] = {
    let mut controls = [0; 256];
    let mut places = 0;
    while places < 256 {
        let (mut place, mut rank) = (0, 0);
        while place < 8 {
            let inside = places >> place & 1 == 1;
            controls[places] |= (if inside { rank } else { 0x80 }) << (8 * place);
            rank += inside as u64;
            place += 1;
        }
        places += 1;
    }
    controls
};

/// As [`Offsets::decode`].
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn decode_offsets(offsets: &Offsets<'_>, decoded: &mut [u32]) -> Option<usize> {
    let (codes, count, bit_len) = (offsets.codes.padded(), offsets.codes.len(), 8 * offsets.bits.len());
    assert!(decoded.len() >= HISTORY + count + ROOM);
    let (zero, one, ones) = (_mm256_setzero_si256(), _mm256_set1_epi32(1), _mm256_set1_epi32(-1));
    let seven = _mm256_set1_epi32(7);
    let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    let (mut index, mut at) = (0, 0);
    while index < count {
        // SAFETY: 128 bytes of slack follow the codes.
        let code = unsafe { _mm256_cvtepu8_epi32(_mm_loadl_epi64(codes.as_ptr().add(index).cast())) };
        let value = _mm256_sub_epi32(code, one);
        let widths = _mm256_max_epi32(_mm256_sub_epi32(_mm256_srai_epi32::<3>(value), one), zero);
        // Below 8 the value is the offset, and has no bits. What comes out for a repeat code is
        // replaced.
        let base = _mm256_sllv_epi32(_mm256_sub_epi32(value, _mm256_slli_epi32::<3>(widths)), widths);
        let live = _mm256_cmpgt_epi32(_mm256_set1_epi32(((count - index).min(OFFSETS) as u32).cast_signed()), lanes);
        let widths = _mm256_and_si256(widths, live);
        let ends = prefix_sums(widths);
        let total = _mm256_extract_epi32::<7>(ends) as usize;
        if at + total > bit_len {
            return None;
        }
        let starts =
            _mm256_add_epi32(_mm256_sub_epi32(ends, widths), _mm256_set1_epi32(((at % 8) as u32).cast_signed()));
        // Each half of the lanes has 16 bytes of its own to shuffle, which takes less than half the
        // time of a gather: three codes take 67 bits at most, and the fourth one has four bytes.
        let second = at + _mm256_extract_epi32::<3>(ends) as usize;
        let before = _mm_set1_epi32(((second / 8 - at / 8) as u32).cast_signed());
        let first_byte = _mm256_srli_epi32::<3>(starts);
        let first_byte = _mm256_sub_epi32(first_byte, _mm256_set_m128i(before, _mm_setzero_si128()));
        let places = _mm256_mullo_epi32(first_byte, _mm256_set1_epi32(0x0101_0101));
        let places = _mm256_add_epi32(places, _mm256_set1_epi32(0x0302_0100));
        // SAFETY: `at` is inside the bit string, `second` at most 80 bits behind it, and 128 bytes
        // of slack follow. The offsets have `ROOM` entries behind the last one (asserted).
        unsafe {
            let bits = offsets.bits.padded().as_ptr();
            let (low, high) = (bits.add(at / 8).cast(), bits.add(second / 8).cast());
            let words = _mm256_shuffle_epi8(_mm256_loadu2_m128i(high, low), places);
            let extra = _mm256_srlv_epi32(words, _mm256_and_si256(starts, seven));
            let extra = _mm256_andnot_si256(_mm256_sllv_epi32(ones, widths), extra);
            let place = decoded.as_mut_ptr().add(HISTORY + index);
            _mm256_storeu_si256(place.cast(), _mm256_add_epi32(base, extra));
        }
        at += total;
        let repeats = _mm256_and_si256(live, _mm256_cmpgt_epi32(_mm256_set1_epi32(REPEAT_CODES.into()), code));
        let mut repeats = _mm256_movemask_ps(_mm256_castsi256_ps(repeats)).cast_unsigned();
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
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn prefix_sums(lanes: __m256i) -> __m256i {
    let sums = _mm256_add_epi32(lanes, _mm256_slli_si256::<4>(lanes));
    let sums = _mm256_add_epi32(sums, _mm256_slli_si256::<8>(sums));
    let lower_half = _mm256_permutevar8x32_epi32(sums, _mm256_set1_epi32(3));
    _mm256_add_epi32(sums, _mm256_blend_epi32::<0xF0>(_mm256_setzero_si256(), lower_half))
}

/// As [`spread`](crate::sequences::spread).
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn spread(tokens: &Tokens<'_>, offsets: &[u32], spread: &mut [u32]) -> usize {
    let count = tokens.symbols.len();
    assert!(offsets.len() >= HISTORY + count + ROOM && spread.len() >= count + ROOM);
    let (mut index, mut used) = (0, 0);
    while index < count {
        let live = if count - index >= OFFSETS { 0xFF } else { (1 << (count - index)) - 1 };
        // SAFETY: 128 bytes of slack follow the tokens. `used` is at most `index`, and the arrays
        // have `ROOM` entries behind as many as there are tokens (asserted).
        unsafe {
            let tokens = _mm_loadl_epi64(tokens.symbols.padded().as_ptr().add(index).cast());
            let own = !_mm_movemask_epi8(_mm_slli_epi16::<7>(tokens)).cast_unsigned() & live;
            let next = offsets.as_ptr().add(HISTORY - 1 + used);
            let ranks = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(RANKS[own as usize].cast_signed()));
            let places = _mm256_permutevar8x32_epi32(_mm256_loadu_si256(next.cast()), ranks);
            let place = spread.as_mut_ptr().add(index);
            _mm256_storeu_si256(place.cast(), places);
            used += own.count_ones() as usize;
            // The last of eight may be the ninth offset.
            *place.add(OFFSETS - 1) = *next.add(own.count_ones() as usize);
        }
        index += OFFSETS;
    }
    used
}

/// For each set of eight places: how many of them are no further than each place, modulo eight.
static RANKS: [u64; 256] = {
    let mut ranks = [0; 256];
    let mut places = 0;
    while places < 256 {
        let (mut place, mut rank) = (0, 0);
        while place < 8 {
            rank += (places as u64) >> place & 1;
            ranks[places] |= (rank & 7) << (8 * place);
            place += 1;
        }
        places += 1;
    }
    ranks
};
