//! What the kernels with vectors of four lanes, NEON and WebAssembly's, have in common.
//!
//! The loops are macros, which a kernel's file expands beside the steps of its own: so they call
//! those with the same target features, and all of it is inlined (see `each!`).

use super::shuffles::WIDTH;
use crate::rans::segment::LANES;

/// Vectors that share a shuffle.
pub(super) const PAIR: usize = 2;

/// Pairs that hold the states of a segment.
pub(super) const PAIRS: usize = LANES / WIDTH;

/// The states of a segment, in lane order, in vectors `V`.
pub(super) type States<V> = [[V; PAIR]; PAIRS];

/// The decoder of segments, which is `decode`, around these steps of a kernel:
///
/// - `States`, the states of a segment, with `load_states` and `store_states`;
/// - `Scale`, the scale of a table, with `look_up`, the slots that states stand in;
/// - `append_symbols`, which puts the symbols of slots into a byte of the quads;
/// - `advance`, the states after those symbols;
/// - `refill`, which gives states the words that they need.
///
/// `features` are attributes of every function here, `inline` those of the ones to be inlined.
macro_rules! decoder {
    (features { $(#[$features:meta])* } inline { $(#[$inline:meta])* }) => {
        /// Decodes `segments` to the end. The index of the first that does not end as the encoder
        /// began it comes back.
        $(#[$features])*
        pub(in crate::simd) fn decode(
            payload: &[u8],
            slots: &LaneSlots,
            segments: &mut [Segment<'_>],
        ) -> Option<usize> {
            segments.iter_mut().position(|segment| {
                decode_groups(payload, slots, segment);
                !segment.finish(payload, slots)
            })
        }

        /// Takes groups off the segment as long as it has one ahead.
        $(#[$inline])*
        $(#[$features])*
        fn decode_groups(payload: &[u8], slots: &LaneSlots, segment: &mut Segment<'_>) {
            let scale = Scale::new(slots);
            let mut states = load_states(&segment.states);
            loop {
                let run = segment.groups_ahead(payload);
                if run == 0 {
                    break;
                }
                let raw = segment.raw.as_mut_ptr().cast();
                // SAFETY: the segment has `run` groups, and `groups_ahead` left as many times
                // `GROUP_WORDS_LEN` bytes of the payload behind the place of the words.
                segment.words.start =
                    unsafe { decode_run(payload, segment.words.start, slots, &scale, &mut states, raw, run) };
                // SAFETY: `decode_run` wrote them.
                unsafe { segment.raw.assume_written(run * GROUP) };
            }
            segment.states = store_states(states);
        }

        /// Decodes `run` groups to `raw`; the place of the word that comes next comes back.
        ///
        /// # Safety
        ///
        /// `raw` is the first of `run` groups that nobody else has. `words` leaves
        /// `GROUP_WORDS_LEN` bytes of `payload` behind it for each.
        #[inline(never)]
        $(#[$features])*
        unsafe fn decode_run(
            payload: &[u8],
            words: usize,
            slots: &LaneSlots,
            scale: &Scale,
            states: &mut States,
            raw: *mut [u8; GROUP],
            run: usize,
        ) -> usize {
            // SAFETY: the caller leaves bytes of the payload behind this place.
            let mut next = unsafe { payload.as_ptr().add(words) };
            let mut x = *states;
            for group in 0..run {
                let mut quads = load_states(&[0; LANES]);
                // SAFETY: the four rounds take a word for each symbol of the group at most, and
                // the caller promised `GROUP_WORDS_LEN` bytes for it.
                unsafe {
                    next = decode_round::<0>(next, slots, scale, &mut x, &mut quads);
                    next = decode_round::<1>(next, slots, scale, &mut x, &mut quads);
                    next = decode_round::<2>(next, slots, scale, &mut x, &mut quads);
                    next = decode_round::<3>(next, slots, scale, &mut x, &mut quads);
                }
                // SAFETY: both are 128 bytes, and every bit pattern is valid. The caller promised
                // room for `run` groups.
                unsafe { raw.add(group).write(std::mem::transmute::<States, [u8; GROUP]>(quads)) };
            }
            *states = x;
            next.addr() - payload.as_ptr().addr()
        }

        /// A symbol of every lane, into byte `ROUND` of the quads; the place of the word that
        /// comes next comes back.
        ///
        /// # Safety
        ///
        /// A word for each lane can be read from `next`.
        $(#[$inline])*
        $(#[$features])*
        unsafe fn decode_round<const ROUND: usize>(
            mut next: *const u8,
            slots: &LaneSlots,
            scale: &Scale,
            states: &mut States,
            quads: &mut States,
        ) -> *const u8 {
            for (states, quads) in states.iter_mut().zip(quads) {
                let taken = each!(PAIR, |vector| look_up(slots, scale, states[vector]));
                *quads = each!(PAIR, |vector| append_symbols::<ROUND>(quads[vector], taken[vector]));
                let advanced = each!(PAIR, |vector| advance(taken[vector], states[vector], scale));
                // SAFETY: a lane takes one word at most. Before a pair, at least its eight lanes
                // have not had their turn, so 16 of the bytes that the caller promised are still
                // ahead.
                (*states, next) = unsafe { refill(advanced, next) };
            }
            next
        }
    };
}

/// The steps of pivot chunks that merge and part: `merge`, `merge_single`, `part` and
/// `part_single` as `pivot::Steps` has them, around `merge_8`, `part_8` and `compare` of a kernel.
///
/// `features` are attributes of every function, `load` loads eight bytes from anywhere, and
/// `splat` makes a vector of one byte.
macro_rules! merges_and_parts {
    (features { $(#[$features:meta])* } load $load:ident splat $splat:ident) => {
        $(#[$features])*
        fn merge(out: &mut [u8], len: usize, bitmap: &[u8], left: &[u8], right: &[u8]) -> usize {
            assert!(out.len() >= strides(len) && bitmap.len() >= strides(len) / 8);
            assert!(left.len() >= len + SLACK && right.len() >= len + SLACK);
            let (mut zeros, mut ones) = (0, 0);
            for (at, &bits) in (0..strides(len)).step_by(WIDTH).zip(bitmap) {
                // SAFETY: `at` is a multiple of `WIDTH` below `strides(len)`, `zeros` and `ones`
                // are no more than `at`, and the lengths were asserted above.
                unsafe {
                    let lefts = $load(left.as_ptr().add(zeros).cast());
                    merge_8(out.as_mut_ptr().add(at), bits, lefts, right.as_ptr().add(ones));
                }
                let count = bits.count_ones() as usize;
                ones += count;
                zeros += WIDTH - count;
            }
            ones
        }

        $(#[$features])*
        fn merge_single(out: &mut [u8], len: usize, bitmap: &[u8], symbol: u8, right: &[u8]) -> usize {
            assert!(out.len() >= strides(len) && bitmap.len() >= strides(len) / 8 && right.len() >= len + SLACK);
            let symbols = $splat(symbol);
            let mut ones = 0;
            for (at, &bits) in (0..strides(len)).step_by(WIDTH).zip(bitmap) {
                // SAFETY: as in `merge`.
                unsafe { merge_8(out.as_mut_ptr().add(at), bits, symbols, right.as_ptr().add(ones)) };
                ones += bits.count_ones() as usize;
            }
            ones
        }

        $(#[$features])*
        fn part(ranks: &mut [u8], len: usize, threshold: u8, right: &mut [u8], bitmap: &mut [u8]) -> usize {
            assert!(ranks.len() >= strides(len) && bitmap.len() >= strides(len) / 8 && right.len() >= len + SLACK);
            let threshold = $splat(threshold);
            let (mut zeros, mut ones) = (0, 0);
            bitmap[..strides(len) / 8].fill(0);
            for at in (0..len).step_by(WIDTH) {
                // SAFETY: `at` is a multiple of `WIDTH` below `len`, and `zeros` and `ones` are at
                // most `at`: the lengths were asserted above. What is written to `ranks` was read
                // before.
                let bits = unsafe {
                    let eight = $load(ranks.as_ptr().add(at).cast());
                    let bits = compare(eight, threshold, len - at);
                    part_8(right.as_mut_ptr().add(ones), eight, bits);
                    part_8(ranks.as_mut_ptr().add(zeros), eight, !bits);
                    bits
                };
                bitmap[at / WIDTH] = bits;
                let count = bits.count_ones() as usize;
                ones += count;
                zeros += WIDTH - count;
            }
            ones
        }

        $(#[$features])*
        fn part_single(ranks: &[u8], len: usize, threshold: u8, right: &mut [u8], bitmap: &mut [u8]) -> usize {
            assert!(ranks.len() >= strides(len) && bitmap.len() >= strides(len) / 8 && right.len() >= len + SLACK);
            let threshold = $splat(threshold);
            let mut ones = 0;
            bitmap[..strides(len) / 8].fill(0);
            for at in (0..len).step_by(WIDTH) {
                // SAFETY: as in `part`.
                let bits = unsafe {
                    let eight = $load(ranks.as_ptr().add(at).cast());
                    let bits = compare(eight, threshold, len - at);
                    part_8(right.as_mut_ptr().add(ones), eight, bits);
                    bits
                };
                bitmap[at / WIDTH] = bits;
                ones += bits.count_ones() as usize;
            }
            ones
        }
    };
}

/// The two bytes that each of eight numbers of `BITS` bits lies in.
pub(super) const fn two_bytes<const BITS: usize>() -> [u8; 16] {
    let mut places = [0; 16];
    let mut number = 0;
    while number < WIDTH {
        let byte = (number * BITS / 8) as u8;
        places[2 * number] = byte;
        places[2 * number + 1] = byte + 1;
        number += 1;
    }
    places
}
