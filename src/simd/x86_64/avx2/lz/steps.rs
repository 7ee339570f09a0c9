//! The steps of the copy loop.
//!
//! A load that meets more than one store, or part of one, waits until those are in the cache. So a
//! match with a near offset is made of one load and shuffles, however long it is.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;
use std::{hint::select_unpredictable, mem::transmute};

use crate::simd::{
    lz_copy::{GROUP, Steps, WINDOW, copy_width},
    shuffles::{BACK, Controls, REPEAT},
};

/// What the copy loop does with AVX2.
#[derive(Debug)]
pub(super) struct Avx2;

impl Steps for Avx2 {
    const NEAREST: u8 = WINDOW;

    #[inline(always)]
    unsafe fn sum(lengths: &[u8; GROUP]) -> usize {
        // SAFETY: the caller knows the processor. A group is two vectors of lengths.
        unsafe {
            let zero = _mm256_setzero_si256();
            let low = _mm256_sad_epu8(_mm256_loadu_si256(lengths.as_ptr().cast()), zero);
            let high = _mm256_sad_epu8(_mm256_loadu_si256(lengths.as_ptr().add(32).cast()), zero);
            let sums = _mm256_add_epi64(low, high);
            let sums = _mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
            (_mm_cvtsi128_si64(sums) + _mm_extract_epi64::<1>(sums)) as usize
        }
    }

    #[inline(always)]
    unsafe fn range(offsets: &[u32; GROUP]) -> (u32, u32) {
        // SAFETY: the caller knows the processor. A group is eight vectors of offsets.
        unsafe {
            let first = _mm256_loadu_si256(offsets.as_ptr().cast());
            let (mut nearest, mut farthest) = (first, first);
            let mut index = 8;
            while index < GROUP {
                let offsets = _mm256_loadu_si256(offsets.as_ptr().add(index).cast());
                nearest = _mm256_min_epu32(nearest, offsets);
                farthest = _mm256_max_epu32(farthest, offsets);
                index += 8;
            }
            // The smallest of all is the largest of their complements.
            let inverse = _mm256_xor_si256(nearest, _mm256_set1_epi32(-1));
            (!largest(inverse), largest(farthest))
        }
    }

    #[inline(always)]
    unsafe fn prefetch(to: *const u8, runs: &[u8; GROUP], lengths: &[u8; GROUP], offsets: &[u32; GROUP]) {
        // SAFETY: the caller knows the processor.
        unsafe { prefetch(to, runs, lengths, offsets) }
    }

    #[inline(always)]
    unsafe fn repeat(bytes: [u8; 16], period: usize) -> [u8; 16] {
        // SAFETY: the caller knows the processor. A vector is 16 bytes.
        unsafe { transmute(shuffle(transmute::<[u8; 16], __m128i>(bytes), &REPEAT, period)) }
    }

    #[inline(always)]
    unsafe fn add_repeated(bytes: [u8; 16], base: [u8; 16], period: usize) -> [u8; 16] {
        // SAFETY: as above.
        unsafe {
            let sums = sums(transmute::<[u8; 16], __m128i>(bytes), period);
            transmute(_mm_add_epi8(sums, shuffle(transmute::<[u8; 16], __m128i>(base), &REPEAT, period)))
        }
    }

    #[inline(always)]
    unsafe fn near<const WIDTH: usize>(to: *mut u8, offset: usize) {
        // SAFETY: the caller knows the processor, and says that `WIDTH` bytes from `to` on and
        // `offset` before it are there: no load goes further than the stores.
        unsafe {
            let from = to.sub(offset);
            if WIDTH == 16 {
                let bytes = shuffle(_mm_loadu_si128(from.cast()), &REPEAT, offset.min(16));
                _mm_storeu_si128(to.cast(), bytes);
            } else if offset >= 32 {
                copy_width::<WIDTH>(from, to);
            } else {
                let period = Period::new(from, offset);
                period.store(to, 0);
                if WIDTH > 32 {
                    period.store(to, 32);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn near_long(to: *mut u8, offset: usize, length: usize) {
        // SAFETY: as above. `done` is below `length`, and 32 bytes more are there.
        unsafe {
            let period = Period::new(to.sub(offset), offset);
            // Each store begins where the period does, so that all are alike.
            let step = usize::from(WHOLE[offset]);
            let mut done = 0;
            while done < length {
                period.store(to.add(done), 0);
                done += step;
            }
        }
    }

    #[inline(always)]
    unsafe fn windowed(
        from: *const u8,
        to: *mut u8,
        [run, length]: [usize; 2],
        [last, offset]: [usize; 2],
        window: [u8; 16],
    ) -> [u8; 16] {
        // SAFETY: the caller knows the processor, and that what is loaded and stored is there.
        unsafe {
            let window = transmute::<[u8; 16], __m128i>(window);
            let literals = sums(_mm_loadu_si128(from.cast()), last.min(16));
            let literals = _mm_add_epi8(literals, back(to, last, window));
            _mm_storeu_si128(to.cast(), literals);
            let (to, window) = (to.add(run), shift_in(window, literals, run));
            let bytes = back(to, offset, window);
            _mm_storeu_si128(to.cast(), bytes);
            transmute(shift_in(window, bytes, length))
        }
    }
}

/// 32 bytes, and how they are shuffled to repeat the first ones. No shuffle crosses the halves of a
/// register, so each half of the bytes is in both.
struct Period {
    halves: [__m256i; 2],
    controls: &'static [[u8; 64]; 2],
}

impl Period {
    /// The first `period` (1..=31) bytes at `from`.
    ///
    /// # Safety
    ///
    /// The processor has AVX2, and 32 bytes can be read.
    #[inline(always)]
    unsafe fn new(from: *const u8, period: usize) -> Self {
        // SAFETY: the caller says so.
        unsafe {
            let [low, high] = [_mm_loadu_si128(from.cast()), _mm_loadu_si128(from.add(16).cast())];
            let halves = [_mm256_broadcastsi128_si256(low), _mm256_broadcastsi128_si256(high)];
            Self { halves, controls: &PERIODS.0[period] }
        }
    }

    /// Writes the bytes from `at` (0 or 32) to `at + 32` of what they repeat to.
    ///
    /// # Safety
    ///
    /// The processor has AVX2, and so many bytes behind `to` can be written.
    #[inline(always)]
    unsafe fn store(&self, to: *mut u8, at: usize) {
        let ([low, high], [low_controls, high_controls]) = (self.halves, self.controls);
        // SAFETY: the caller says so. A control is 64 bytes.
        unsafe {
            let low = _mm256_shuffle_epi8(low, _mm256_load_si256(low_controls.as_ptr().add(at).cast()));
            let high = _mm256_shuffle_epi8(high, _mm256_load_si256(high_controls.as_ptr().add(at).cast()));
            _mm256_storeu_si256(to.add(at).cast(), _mm256_or_si256(low, high));
        }
    }
}

/// For each period below 32: which of the first bytes stands in each of 64 places, for those below
/// 16 and for the others. Zero where it is not among them.
#[repr(align(64))]
struct Periods([[[u8; 64]; 2]; 32]);

static PERIODS: Periods = {
    let mut controls = [[[0x80; 64]; 2]; 32];
    let mut period = 1;
    while period < 32 {
        let mut place = 0;
        while place < 64 {
            let byte = place % period;
            controls[period][byte / 16][place] = (byte % 16) as u8;
            place += 1;
        }
        period += 1;
    }
    Periods(controls)
};

/// The largest multiple of each period that is 32 or less.
static WHOLE: [u8; 32] = {
    let mut whole = [0; 32];
    let mut period = 1;
    while period < 32 {
        whole[period] = (32 / period * period) as u8;
        period += 1;
    }
    whole
};

/// 16 bytes that repeat what stands `offset` before `to`: from `window`, the 16 bytes before `to`,
/// where that is nearer than 16. Which one it is, no processor foresees.
///
/// # Safety
///
/// The processor has AVX2, and `offset` bytes before `to` are there.
#[inline(always)]
unsafe fn back(to: *mut u8, offset: usize, window: __m128i) -> __m128i {
    static ZEROS: [u8; 16] = [0; 16];
    let far = select_unpredictable(offset < 16, ZEROS.as_ptr(), to.wrapping_sub(offset).cast_const());
    // SAFETY: the caller says so: 16 bytes from 16 or more away, or the zeros.
    unsafe { _mm_or_si128(_mm_loadu_si128(far.cast()), shuffle(window, &LAST, offset.min(16))) }
}

/// For each period below 16: which of the last bytes stands in each of 16 places. Zeros for 16.
static LAST: Controls = {
    let mut controls = [[0x80; 16]; 17];
    let mut period = 1;
    while period < 16 {
        let mut place = 0;
        while place < 16 {
            controls[period][place] = (16 - period + place % period) as u8;
            place += 1;
        }
        period += 1;
    }
    Controls(controls)
};

/// The last 16 of `window` and the first `count` (0..=16) of `bytes` behind it.
///
/// # Safety
///
/// The processor has AVX2, and `count` is no more than 16.
#[inline(always)]
unsafe fn shift_in(window: __m128i, bytes: __m128i, count: usize) -> __m128i {
    let controls = SLIDE.as_ptr().wrapping_add(count);
    // SAFETY: the caller says so: 32 bytes from `count` on are inside the table.
    unsafe {
        let window = _mm_shuffle_epi8(window, _mm_loadu_si128(controls.add(16).cast()));
        _mm_or_si128(window, _mm_shuffle_epi8(bytes, _mm_loadu_si128(controls.cast())))
    }
}

/// 16 places with 16 that give zero on either side: from each place on, a control that moves bytes
/// so far.
static SLIDE: [u8; 48] = {
    let mut places = [0x80; 48];
    let mut place = 0;
    while place < 16 {
        places[16 + place] = place as u8;
        place += 1;
    }
    places
};

/// The sums of `bytes` and what stands `period` (1..=16) before each, zero before the first ones.
///
/// # Safety
///
/// The processor has AVX2.
#[inline(always)]
unsafe fn sums(bytes: __m128i, period: usize) -> __m128i {
    // SAFETY: the caller knows the processor.
    unsafe {
        // Always all four: how many are needed is hard to foresee.
        let sums = _mm_add_epi8(bytes, shuffle(bytes, &BACK, period));
        let sums = _mm_add_epi8(sums, shuffle(sums, &BACK, (2 * period).min(16)));
        let sums = _mm_add_epi8(sums, shuffle(sums, &BACK, (4 * period).min(16)));
        _mm_add_epi8(sums, shuffle(sums, &BACK, (8 * period).min(16)))
    }
}

/// 16 bytes by one of the tables.
///
/// # Safety
///
/// The processor has AVX2.
#[inline(always)]
unsafe fn shuffle(bytes: __m128i, controls: &Controls, index: usize) -> __m128i {
    // SAFETY: the caller knows the processor. A control is 16 bytes.
    unsafe { _mm_shuffle_epi8(bytes, _mm_loadu_si128(controls.0[index].as_ptr().cast())) }
}

/// Apart from the loop, whose registers it would take.
#[inline(never)]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn prefetch(to: *const u8, runs: &[u8; GROUP], lengths: &[u8; GROUP], offsets: &[u32; GROUP]) {
    // SAFETY: this function has the features. Any address may be asked for.
    unsafe {
        for source in sources(runs, lengths, offsets) {
            _mm_prefetch::<_MM_HINT_T0>(to.wrapping_offset(source as isize).cast());
        }
    }
}

/// Where the matches of a group begin to repeat, from its first literal on.
///
/// # Safety
///
/// The processor has AVX2.
#[inline(always)]
unsafe fn sources(runs: &[u8; GROUP], lengths: &[u8; GROUP], offsets: &[u32; GROUP]) -> [i32; GROUP] {
    let mut sources = [0; GROUP];
    // SAFETY: the caller knows the processor. A group is four times 16 sequences.
    unsafe {
        let mut end = _mm256_setzero_si256();
        let mut index = 0;
        while index < GROUP {
            let run = _mm256_cvtepu8_epi16(_mm_loadu_si128(runs.as_ptr().add(index).cast()));
            let length = _mm256_cvtepu8_epi16(_mm_loadu_si128(lengths.as_ptr().add(index).cast()));
            // 16 bits are enough: a group has 64 times 510 bytes at most.
            end = ends(_mm256_add_epi16(run, length), end);
            let begins = _mm256_sub_epi16(end, length);
            let halves = [_mm256_castsi256_si128(begins), _mm256_extracti128_si256::<1>(begins)];
            for (half, index) in halves.into_iter().zip([index, index + 8]) {
                let offset = _mm256_loadu_si256(offsets.as_ptr().add(index).cast());
                let source = _mm256_sub_epi32(_mm256_cvtepu16_epi32(half), offset);
                _mm256_storeu_si256(sources.as_mut_ptr().add(index).cast(), source);
            }
            index += 16;
        }
    }
    sources
}

/// The sum of each of 16 lanes, all before it, and the last lane of `before`.
///
/// # Safety
///
/// The processor has AVX2.
#[inline(always)]
unsafe fn ends(lanes: __m256i, before: __m256i) -> __m256i {
    // SAFETY: the caller knows the processor.
    unsafe {
        let last = _mm256_set1_epi16(0x0F0E);
        let sums = _mm256_add_epi16(lanes, _mm256_slli_si256::<2>(lanes));
        let sums = _mm256_add_epi16(sums, _mm256_slli_si256::<4>(sums));
        let sums = _mm256_add_epi16(sums, _mm256_slli_si256::<8>(sums));
        // The lower half in the upper one, whose sums lack it.
        let lower = _mm256_shuffle_epi8(_mm256_permute2x128_si256::<0x08>(sums, sums), last);
        let before = _mm256_shuffle_epi8(_mm256_permute2x128_si256::<0x11>(before, before), last);
        _mm256_add_epi16(_mm256_add_epi16(sums, lower), before)
    }
}

/// The largest of eight lanes.
///
/// # Safety
///
/// The processor has AVX2.
#[inline(always)]
unsafe fn largest(lanes: __m256i) -> u32 {
    // SAFETY: the caller knows the processor.
    unsafe {
        let lanes = _mm_max_epu32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256::<1>(lanes));
        let lanes = _mm_max_epu32(lanes, _mm_shuffle_epi32::<0x4E>(lanes));
        _mm_cvtsi128_si32(_mm_max_epu32(lanes, _mm_shuffle_epi32::<0xB1>(lanes))).cast_unsigned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Kernel;

    #[test]
    fn sources_are_those_of_sequences_one_after_the_other() {
        if !Kernel::Avx2.is_available() {
            return;
        }
        let mut number = 9_u32;
        let mut random = || {
            number = number.wrapping_mul(0x9E37_79B1).wrapping_add(1);
            number ^ number >> 15
        };
        for bits in [3, 8] {
            let [runs, lengths]: [[u8; GROUP]; 2] =
                [(); 2].map(|()| [(); GROUP].map(|()| (random() >> (32 - bits)) as u8));
            for [runs, lengths] in [[runs, lengths], [[u8::MAX; GROUP], [u8::MAX; GROUP]]] {
                let offsets = [(); GROUP].map(|()| 1 + random() % (1 << 24));
                let mut at = 0;
                let mut expected = [0; GROUP];
                for index in 0..GROUP {
                    expected[index] = at + i32::from(runs[index]) - offsets[index].cast_signed();
                    at += i32::from(runs[index]) + i32::from(lengths[index]);
                }
                // SAFETY: the processor has AVX2: `is_available` just said so.
                assert_eq!(unsafe { sources(&runs, &lengths, &offsets) }, expected);
            }
        }
    }
}
