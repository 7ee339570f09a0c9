//! Decoding, two segments at a time, of one payload or of two.

#[allow(clippy::wildcard_imports, reason = "a kernel is made of intrinsics")]
use std::arch::x86_64::*;
use std::{array, mem};

use crate::{
    model::Slots,
    rans::segment::{GROUP, GROUP_WORDS_LEN, LANES, LaneSlots, Payload, QUAD},
    simd::{Segment, shuffles::Shuffles, x86_64::prefetch_ahead},
};

/// Lanes in a vector.
const WIDTH: usize = 8;

/// Vectors that hold the states of a segment.
const VECTORS: usize = LANES / WIDTH;

static SPREAD: Shuffles<32> = Shuffles::spread();

/// Decodes `segments` to the end. The index of the first that does not end as the encoder began it
/// comes back. `GATHER`: slots are looked up by gathers instead of scalar loads.
#[target_feature(enable = "avx2,bmi2,popcnt")]
pub(in crate::simd) fn decode<const GATHER: bool>(
    payloads: &[Payload<'_>],
    segments: &mut [Segment<'_>],
) -> Option<usize> {
    let first = segments.first()?.of;
    if segments.iter().any(|segment| segment.of != first) {
        return decode_several::<GATHER>(payloads, segments);
    }
    let Payload { bytes, frequencies } = payloads[first];
    let mut slots = LaneSlots::empty();
    slots.fill(frequencies);
    decode_payload::<GATHER>(bytes, &slots, segments)
}

/// [`decode`] of segments of one payload.
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn decode_payload<const GATHER: bool>(
    payload: &[u8],
    slots: &LaneSlots,
    segments: &mut [Segment<'_>],
) -> Option<usize> {
    let (tables, twelve) = (array::from_ref(slots), slots.scale_bits() == 12);
    for (index, pair) in segments.chunks_mut(2).enumerate() {
        match pair {
            [first, second] if twelve => {
                decode_side_by_side::<2, 1, GATHER, true>([payload; 2], tables, [first, second]);
            }
            [first, second] => decode_side_by_side::<2, 1, GATHER, false>([payload; 2], tables, [first, second]),
            _ => {}
        }
        for (side, segment) in pair.iter_mut().enumerate() {
            if !decode_rest::<GATHER>(payload, slots, segment) {
                return Some(2 * index + side);
            }
        }
    }
    None
}

/// [`decode`] of segments of several payloads: a pair may have one of each of two.
#[allow(clippy::large_stack_arrays, reason = "two tables where others have one, and only here")]
#[inline(never)]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn decode_several<const GATHER: bool>(payloads: &[Payload<'_>], segments: &mut [Segment<'_>]) -> Option<usize> {
    let mut tables = Tables { slots: [LaneSlots::empty(), LaneSlots::empty()], made: [None; 2] };
    let mut at = 0;
    while let [first, rest @ ..] = &mut segments[at..] {
        let bytes = |segment: &Segment<'_>| payloads[segment.of].bytes;
        tables.make(first.of, payloads);
        let len = match rest.first_mut() {
            Some(second) if second.of == first.of => {
                let slots = array::from_ref(&tables.slots[first.of % 2]);
                decode_side_by_side::<2, 1, GATHER, false>([bytes(first); 2], slots, [first, second]);
                2
            }
            Some(second) if second.of % 2 != first.of % 2 => {
                tables.make(second.of, payloads);
                let (even, odd) = if first.of % 2 == 0 { (first, second) } else { (second, first) };
                if tables.have_one_scale() {
                    decode_side_by_side::<2, 2, GATHER, false>([bytes(even), bytes(odd)], &tables.slots, [even, odd]);
                }
                2
            }
            _ => 1,
        };
        for (index, segment) in segments[at..at + len].iter_mut().enumerate() {
            let (payload, slots) = (payloads[segment.of].bytes, &tables.slots[segment.of % 2]);
            if !decode_rest::<GATHER>(payload, slots, segment) {
                return Some(at + index);
            }
        }
        at += len;
    }
    None
}

/// The tables of two payloads at a time: of one with an even number the first, of one with an odd
/// number the second.
struct Tables {
    slots: [LaneSlots; 2],
    /// Whose they are.
    made: [Option<usize>; 2],
}

impl Tables {
    /// Makes the table of a payload if it is not there.
    fn make(&mut self, of: usize, payloads: &[Payload<'_>]) {
        let place = of % 2;
        if self.made[place] != Some(of) {
            self.slots[place].fill(payloads[of].frequencies);
            self.made[place] = Some(of);
        }
    }

    fn have_one_scale(&self) -> bool {
        self.slots[0].scale_bits() == self.slots[1].scale_bits()
    }
}

/// Decodes what is left of a segment. `false`: it does not end well.
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn decode_rest<const GATHER: bool>(payload: &[u8], slots: &LaneSlots, segment: &mut Segment<'_>) -> bool {
    decode_side_by_side::<1, 1, GATHER, false>([payload], array::from_ref(slots), [segment]);
    decode_last_words::<GATHER>(payload, slots, segment);
    segment.finish(payload, slots)
}

/// Takes groups off all segments as long as each has one ahead. They share a table, or each has its
/// own; the tables have one scale. `TWELVE`: that has 12 bits.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn decode_side_by_side<const N: usize, const TABLES: usize, const GATHER: bool, const TWELVE: bool>(
    payloads: [&[u8]; N],
    slots: &[LaneSlots; TABLES],
    mut segments: [&mut Segment<'_>; N],
) {
    let mut states = each!(N, |segment| load_states(&segments[segment].states));
    loop {
        let mut run = usize::MAX;
        for (segment, payload) in segments.iter().zip(payloads) {
            run = run.min(segment.groups_ahead(payload));
        }
        if run == 0 {
            break;
        }
        let words = each!(N, |segment| segments[segment].words.start);
        let raw = each!(N, |segment| segments[segment].raw.as_mut_ptr().cast());
        // SAFETY: each segment has `run` groups, and `groups_ahead` left at least as many times
        // `GROUP_WORDS_LEN` bytes of the payload behind each of `words`.
        let words = unsafe {
            decode_run::<N, TABLES, GATHER, TWELVE>(payloads[0], payloads[N - 1], words, slots, &mut states, raw, run)
        };
        for (segment, start) in segments.iter_mut().zip(words) {
            segment.words.start = start;
            // SAFETY: `decode_run` wrote `run` groups of each.
            unsafe { segment.raw.assume_written(run * GROUP) };
        }
    }
    for (segment, states) in segments.iter_mut().zip(states) {
        segment.states = store_states(states);
    }
}

/// Goes on where so few bytes of the payload are left that a group might read beyond them: a copy
/// of them has zeros behind it.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn decode_last_words<const GATHER: bool>(payload: &[u8], slots: &LaneSlots, segment: &mut Segment<'_>) {
    let mut copy = [0; 8 * GROUP_WORDS_LEN];
    while segment.whole_groups() > 0
        && let Some(left) = payload.get(segment.words.start..)
        && left.len() < GROUP_WORDS_LEN
    {
        copy[..left.len()].copy_from_slice(left);
        copy[left.len()..GROUP_WORDS_LEN].fill(0);
        let start = mem::take(&mut segment.words.start);
        decode_side_by_side::<1, 1, GATHER, false>([&copy], array::from_ref(slots), [segment]);
        segment.words.start += start;
    }
}

/// One half takes its symbols and words, while the slots of the other half are looked up in
/// `slots`. These come back, and the place behind the words. A word for each lane of the half can
/// be read from `next`.
///
/// From one state of a lane to the next it takes a processor some 50 clocks, and it has some 250
/// instructions in hand at a time, five vectors' worth. So what follows one another should not wait
/// for one another: between both ends of a look-up, and between a state and its look-up, there is
/// the work of half the lanes. A macro, as a function of this size would be called where it stands
/// eight times.
macro_rules! step {
    ($n:ident, $gather:ident, $states:ident, $taken:expr, $next:expr, $other:ident, $slots:expr, $scale:expr) => {{
        let (taken, mut ahead, mut next) = ($taken, $taken, $next);
        for pair in 0..$n {
            for vector in 0..2 {
                let advanced = advance(taken[pair][vector], $states[pair][vector], $scale);
                ($states[pair][vector], next) = refill(advanced, next);
                ahead[pair][vector] = look_up::<$gather, _>($slots, $scale, $other[pair][vector]);
            }
        }
        (ahead, next)
    }};
}

/// Decodes `run` groups of each segment; the places of the words that come next come back.
///
/// # Safety
///
/// Each of `raw` is the first of `run` groups that nobody else has, and each of `words` leaves
/// `run * GROUP_WORDS_LEN` bytes behind it: of the payload `first` the first, of `last` the last.
#[allow(clippy::needless_range_loop, reason = "rounds and groups index several arrays at a time")]
#[inline(never)]
#[target_feature(enable = "avx2,bmi2,popcnt")]
unsafe fn decode_run<const N: usize, const TABLES: usize, const GATHER: bool, const TWELVE: bool>(
    first: &[u8],
    last: &[u8],
    words: [usize; N],
    slots: &[LaneSlots; TABLES],
    states: &mut [[__m256i; VECTORS]; N],
    raw: [*mut [u8; GROUP]; N],
    run: usize,
) -> [usize; N] {
    // As arguments of their own the compiler knows that nothing is written to them.
    let payloads = each!(N, |segment| if segment == 0 { first } else { last });
    // SAFETY: the caller leaves bytes of the payload behind each place.
    let mut next = each!(N, |segment| unsafe { payloads[segment].as_ptr().add(words[segment]) });
    let scale = &Scale::<TWELVE>::new(&slots[0]);
    let (slots_a, slots_b) = (&slots[0], &slots[TABLES - 1]);
    let [mut a, mut b] = halves(*states);
    let mut taken_a = look_up_all::<N, GATHER, TWELVE>(slots_a, scale, a);
    for group in 0..run {
        for segment in 0..N {
            prefetch_ahead(next[segment], raw[segment].wrapping_add(group));
        }
        let mut symbols = [[_mm256_setzero_si256(); QUAD]; N];
        macro_rules! round {
            ($round:literal) => {
                let taken_b;
                let packed_a = each!(N, |pair| pack_pair(taken_a[pair]));
                // SAFETY: a lane takes one word per round at most. Before a vector of a group, at
                // least its eight lanes have not had their turn, so 16 of the `GROUP_WORDS_LEN`
                // bytes that the caller promised for this group are still ahead.
                (taken_b, next[0]) = unsafe { step!(N, GATHER, a, taken_a, next[0], b, slots_b, scale) };
                let packed_b = each!(N, |pair| pack_pair(taken_b[pair]));
                // SAFETY: as above.
                (taken_a, next[N - 1]) = unsafe { step!(N, GATHER, b, taken_b, next[N - 1], a, slots_a, scale) };
                for (symbols, packed) in symbols.iter_mut().zip([packed_a, packed_b].as_flattened().as_chunks().0) {
                    let [low, high] = *packed;
                    symbols[$round] = _mm256_packus_epi16(low, high);
                }
            };
        }
        // A loop would keep more on the stack: a tenth of its instructions only move registers.
        const { assert!(QUAD == 4) };
        round!(0);
        round!(1);
        round!(2);
        round!(3);
        for segment in 0..N {
            // SAFETY: `group` is below `run`, and the caller promised that each has `run` groups.
            unsafe { raw[segment].add(group).write(quads(symbols[segment])) };
        }
    }
    for (states, half) in states.as_flattened_mut().chunks_mut(2 * N).zip([a, b]) {
        states.copy_from_slice(half.as_flattened());
    }
    each!(N, |segment| next[segment].addr() - payloads[segment].as_ptr().addr())
}

/// Half of the vectors of `N` segments, in pairs: one segment of two, or the lower or upper lanes
/// of one.
type Half<const N: usize> = [[__m256i; 2]; N];

#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn halves<const N: usize>(states: [[__m256i; VECTORS]; N]) -> [Half<N>; 2] {
    let mut halves = [[[_mm256_setzero_si256(); 2]; N]; 2];
    halves.as_flattened_mut().as_flattened_mut().copy_from_slice(states.as_flattened());
    halves
}

#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn look_up_all<const N: usize, const GATHER: bool, const TWELVE: bool>(
    slots: &LaneSlots,
    scale: &Scale<TWELVE>,
    mut states: Half<N>,
) -> Half<N> {
    for states in states.as_flattened_mut() {
        *states = look_up::<GATHER, TWELVE>(slots, scale, *states);
    }
    states
}

/// The scale of a table, for vectors. `TWELVE`: it has 12 bits, and neither field is looked at.
struct Scale<const TWELVE: bool> {
    /// Keeps a state's slot. At most 4095 in each lane.
    mask: __m256i,
    /// In each lane: a shift by one count for all lanes takes longer.
    bits: __m256i,
}

impl<const TWELVE: bool> Scale<TWELVE> {
    #[inline]
    #[target_feature(enable = "avx2")]
    fn new(slots: &LaneSlots) -> Self {
        let bits = i32::from(slots.scale_bits());
        assert!(if TWELVE { bits == 12 } else { bits <= 12 }, "a slot table has 4096 slots");
        Self { mask: _mm256_set1_epi32((1 << bits) - 1), bits: _mm256_set1_epi32(bits) }
    }

    /// The slots of `states`, each at most 4095.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn slots(&self, states: __m256i) -> __m256i {
        _mm256_and_si256(states, if TWELVE { _mm256_set1_epi32(0xFFF) } else { self.mask })
    }

    /// What of `states` is above the slots.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn above(&self, states: __m256i) -> __m256i {
        if TWELVE { _mm256_srli_epi32::<12>(states) } else { _mm256_srlv_epi32(states, self.bits) }
    }
}

/// The slots that the states stand in: by a gather, or by eight scalar loads, which take less time
/// on processors whose gathers are made of as many loads and shuffles.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn look_up<const GATHER: bool, const TWELVE: bool>(
    slots: &LaneSlots,
    scale: &Scale<TWELVE>,
    states: __m256i,
) -> __m256i {
    let indices = scale.slots(states);
    let slots = slots.as_array();
    if GATHER {
        // SAFETY: `Scale::slots` leaves no lane above 4095, the last index of the table, and a slot
        // is 32 bits.
        return unsafe { _mm256_i32gather_epi32::<4>(slots.as_ptr().cast(), indices) };
    }
    let slot = |index: i64| {
        // SAFETY: `Scale::slots` leaves no lane above 4095, the last index of the table.
        unsafe { *slots.get_unchecked(index as usize) }.cast_signed()
    };
    let quad = |pairs: __m128i| {
        let (a, b) = (_mm_cvtsi128_si64(pairs), _mm_extract_epi64::<1>(pairs));
        let two = _mm_insert_epi32::<1>(_mm_cvtsi32_si128(slot(a & 0xFFFF_FFFF)), slot(a >> 32));
        _mm_insert_epi32::<3>(_mm_insert_epi32::<2>(two, slot(b & 0xFFFF_FFFF)), slot(b >> 32))
    };
    _mm256_set_m128i(quad(_mm256_extracti128_si256::<1>(indices)), quad(_mm256_castsi256_si128(indices)))
}

/// The states after the symbols of `slots`, before words are taken: `frequency * (state >> bits) +
/// offset`.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
fn advance<const TWELVE: bool>(slots: __m256i, states: __m256i, scale: &Scale<TWELVE>) -> __m256i {
    let frequencies = _mm256_srli_epi32::<20>(slots);
    let offsets = _mm256_and_si256(_mm256_srli_epi32::<8>(slots), _mm256_set1_epi32(0xFFF));
    _mm256_add_epi32(_mm256_mullo_epi32(scale.above(states), frequencies), offsets)
}

/// Gives each state below 2^16 a word from `next`, in lane order; the place behind those words
/// comes back too.
///
/// # Safety
///
/// 16 bytes can be read from `next`.
#[inline]
#[target_feature(enable = "avx2,bmi2,popcnt")]
unsafe fn refill(states: __m256i, next: *const u8) -> (__m256i, *const u8) {
    let low = _mm256_cmpeq_epi32(_mm256_srli_epi32::<16>(states), _mm256_setzero_si256());
    let lanes = _mm256_movemask_ps(_mm256_castsi256_ps(low)).cast_unsigned() as usize;
    // SAFETY: the caller promised 16 bytes; a mask of eight lanes is below 256; the count is at
    // most 8, so the place is at most 16 bytes further.
    let (words, spread, next) = unsafe {
        let words = _mm256_broadcastsi128_si256(_mm_loadu_si128(next.cast()));
        let spread = _mm256_load_si256(SPREAD.0.as_ptr().add(lanes).cast());
        (words, spread, next.add(2 * lanes.count_ones() as usize))
    };
    let room = _mm256_sllv_epi32(states, _mm256_and_si256(low, _mm256_set1_epi32(16)));
    (_mm256_or_si256(room, _mm256_shuffle_epi8(words, spread)), next)
}

/// The symbols of two vectors, 16 bits each. Another pack makes bytes of two pairs, in an order
/// that [`quads`] undoes.
#[inline]
#[target_feature(enable = "avx2")]
fn pack_pair([low, high]: [__m256i; 2]) -> __m256i {
    let byte = _mm256_set1_epi32(0xFF);
    _mm256_packus_epi32(_mm256_and_si256(low, byte), _mm256_and_si256(high, byte))
}

/// Four rounds as the bytes of a group: each lane's four in a row.
///
/// Both packs work within halves of 16 bytes, and so do the unpacks: each vector of quads comes out
/// with its lanes in order.
#[inline]
#[target_feature(enable = "avx2")]
fn quads([a, b, c, d]: [__m256i; QUAD]) -> [u8; GROUP] {
    let (low_ab, high_ab) = (_mm256_unpacklo_epi8(a, b), _mm256_unpackhi_epi8(a, b));
    let (low_cd, high_cd) = (_mm256_unpacklo_epi8(c, d), _mm256_unpackhi_epi8(c, d));
    let vectors = [
        _mm256_unpacklo_epi16(low_ab, low_cd),
        _mm256_unpackhi_epi16(low_ab, low_cd),
        _mm256_unpacklo_epi16(high_ab, high_cd),
        _mm256_unpackhi_epi16(high_ab, high_cd),
    ];
    // SAFETY: both are 128 bytes, and every bit pattern is valid.
    unsafe { mem::transmute(vectors) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_states(states: &[u32; LANES]) -> [__m256i; VECTORS] {
    // SAFETY: both are 128 bytes, and every bit pattern is valid.
    unsafe { mem::transmute(*states) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_states(states: [__m256i; VECTORS]) -> [u32; LANES] {
    // SAFETY: as above.
    unsafe { mem::transmute(states) }
}
