//! Which kernel codes the segments of a `lanes` block, and the way to it.
//!
//! A kernel is one implementation of the loop over whole groups. All kernels take and give the same
//! bytes, and refuse the same payloads: what differs is the time. The scalar code in
//! `rans::segment` does the ends of every segment for all of them, and is what they are tested
//! against.
//!
//! `unsafe` lives here. A kernel is a safe function for processors that have its instructions; that
//! the processor has them is checked here, before each call.

#[macro_use]
mod each;
#[cfg(any(
    all(target_arch = "aarch64", target_endian = "little"),
    all(target_arch = "wasm32", target_feature = "simd128")
))]
#[macro_use]
mod four_lanes;

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
mod aarch64;
mod choice;
mod code_table;
mod crc32c;
mod kernel;
pub(crate) mod lz;
#[cfg(any(
    target_arch = "x86_64",
    all(target_arch = "aarch64", target_endian = "little"),
    not(any(target_family = "wasm", fuzzing))
))]
mod lz_copy;
#[cfg(not(any(target_family = "wasm", fuzzing)))]
mod lz_portable;
mod pivot;
pub(crate) mod planes;
mod segment;
mod shuffles;
mod spare;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm32;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(test)]
mod differential;
#[cfg(all(test, unix, not(miri)))]
mod guarded;

pub(crate) use crate::options::Kernel;
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
use aarch64::neon;
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
use code_table::CodeTable;
#[cfg(target_arch = "x86_64")]
use x86_64::{avx2, avx512};

pub(crate) use crc32c::{Crc32c, crc32c, crc32c_copying};
#[cfg(all(test, unix, not(miri)))]
pub(crate) use guarded::Guarded;
pub(crate) use pivot::pivot_steps;
pub(crate) use segment::Segment;
pub(crate) use spare::{Spare, Written, append};

use crate::{
    model::{ByteSet, Chunk, Frequencies, Slots, SymbolTable},
    rans::{
        abreast::{BLOCKS, Chains, STATES},
        segment::{Encoding, LaneSlots, Payload, Tail, encode_end, encode_groups},
        words::WordStack,
    },
};

/// Decodes `segments` of `payloads` to the end. The index of the first segment that does not end as
/// the encoder began it comes back; those before it are right.
pub(crate) fn decode(kernel: Kernel, payloads: &[Payload<'_>], segments: &mut [Segment<'_>]) -> Option<usize> {
    match kernel {
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 if kernel.is_available() => {
            // SAFETY: the processor has the features that it needs: `is_available` just asked it.
            unsafe { avx2::decode::<false>(payloads, segments) }
        }
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2Gather if kernel.is_available() => {
            // SAFETY: as above.
            unsafe { avx2::decode::<true>(payloads, segments) }
        }
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx512 if kernel.is_available() => {
            // SAFETY: as above.
            unsafe { avx512::decode::<false>(payloads, segments) }
        }
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx512Gather if kernel.is_available() => {
            // SAFETY: as above.
            unsafe { avx512::decode::<true>(payloads, segments) }
        }
        _ => decode_one_by_one(kernel, payloads, segments),
    }
}

/// Whether segments of several payloads take less time together.
pub(crate) fn decodes_together(kernel: Kernel) -> bool {
    cfg!(target_arch = "x86_64") && !matches!(kernel, Kernel::Portable)
}

/// Segments that a kernel decodes side by side, at most, where [it gains](decodes_together) by
/// several payloads. `of_few`: of payloads that take half the length of their symbols or less; some
/// kernel has tables for as few symbols as most of these have.
pub(crate) fn decodes_abreast(kernel: Kernel, of_few: bool) -> usize {
    match kernel {
        Kernel::Avx512 => 8,
        Kernel::Avx512Gather if of_few => 8,
        Kernel::Avx512Gather => 4,
        _ => 2,
    }
}

/// Whether states of several interleaved payloads take less time together.
pub(crate) fn takes_turns_abreast(kernel: Kernel) -> bool {
    cfg!(target_arch = "x86_64") && kernel == Kernel::Avx512Gather
}

/// Takes a turn for each place of `raw`, of which all blocks have as many.
pub(crate) fn decode_turns(kernel: Kernel, chains: &mut Chains, raw: &mut [&mut [[u8; STATES]]; BLOCKS]) {
    match kernel {
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx512Gather if kernel.is_available() => {
            // SAFETY: the processor has the features that it needs: `is_available` just asked it.
            unsafe { avx512::decode_turns(chains, raw) }
        }
        _ => chains.decode(raw),
    }
}

/// [`decode`] by kernels that have nothing to gain from a second payload.
fn decode_one_by_one(kernel: Kernel, payloads: &[Payload<'_>], segments: &mut [Segment<'_>]) -> Option<usize> {
    let mut before = 0;
    for segments in segments.chunk_by_mut(|one, next| one.of == next.of) {
        let Payload { bytes, frequencies } = payloads[segments[0].of];
        let bad = LaneSlots::with(frequencies, |slots| decode_payload(kernel, bytes, slots, segments));
        if let Some(bad) = bad {
            return Some(before + bad);
        }
        before += segments.len();
    }
    None
}

/// Decodes `segments`, whose words are in `payload`, as [`decode`] does.
fn decode_payload(kernel: Kernel, payload: &[u8], slots: &LaneSlots, segments: &mut [Segment<'_>]) -> Option<usize> {
    match kernel {
        #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
        Kernel::Neon if kernel.is_available() => {
            // SAFETY: the processor has the features that it needs: `is_available` just asked it.
            unsafe { neon::decode(payload, slots, segments) }
        }
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        Kernel::Simd128 => wasm32::decode(payload, slots, segments),
        _ => segments.iter_mut().position(|segment| !segment.finish(payload, slots)),
    }
}

/// Inserts every byte of `raw` into `set`. That most of them are there already makes it fast:
/// nothing is stored for those.
pub(crate) fn insert_all(kernel: Kernel, set: &mut ByteSet, raw: &[u8]) {
    let (mut chunks, rest) = raw.as_chunks();
    while let Some(index) = first_outside(kernel, set, chunks) {
        set.extend(chunks[index]);
        chunks = &chunks[index + 1..];
    }
    set.extend(rest.iter().copied());
}

/// The index of the first chunk that has a byte which is not in `set`.
fn first_outside(kernel: Kernel, set: &ByteSet, chunks: &[Chunk]) -> Option<usize> {
    match kernel {
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 | Kernel::Avx2Gather | Kernel::Avx512 | Kernel::Avx512Gather if kernel.is_available() => {
            // SAFETY: the processor has the features that it needs, `is_available` just asked it;
            // AVX-512 is available only where AVX2 is.
            unsafe { avx2::first_outside(set, chunks) }
        }
        #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
        Kernel::Neon if kernel.is_available() => {
            // SAFETY: as above.
            unsafe { neon::first_outside(set, chunks) }
        }
        _ => set.first_outside(chunks),
    }
}

/// Asks for `bytes` from memory, where there is a way to ask.
#[inline]
pub(crate) fn prefetch(bytes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    x86_64::prefetch(bytes);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = bytes;
}

/// Asks for the line that `value` begins in, as [`prefetch`] does.
#[inline]
pub(crate) fn prefetch_line<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    x86_64::prefetch_line(value);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

/// A bit for each of `bytes` that is `byte`, the lowest one for the first of them.
#[inline(always)]
pub(crate) fn equal_bytes(bytes: &[u8; 16], byte: u8) -> u16 {
    #[cfg(target_arch = "x86_64")]
    return x86_64::equal_bytes(bytes, byte);
    #[cfg(not(target_arch = "x86_64"))]
    (0..).zip(bytes).fold(0, |equal, (index, &other)| equal | u16::from(other == byte) << index)
}

/// Scalar work that may be compiled for the processors of a kernel. A closure would not do: a large
/// one is not inlined, and stays compiled for every processor.
pub(crate) trait Work {
    /// Always inlined, with all that takes long in it.
    fn run(self);
}

/// Does `work`, compiled for processors that have `kernel`: scalar code is faster with their
/// instructions, too.
#[inline(always)]
pub(crate) fn compiled_for(kernel: Kernel, work: impl Work) {
    #[cfg(target_arch = "x86_64")]
    if kernel != Kernel::Portable && x86_64::has_scalar_extensions() {
        // SAFETY: the processor has the features that it needs: `has_scalar_extensions` just asked.
        return unsafe { x86_64::with_scalar_extensions(work) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = kernel;
    work.run();
}

/// The tables of one block, for one kernel.
#[derive(Debug)]
pub(crate) struct Encoder {
    symbols: SymbolTable,
    kernel: KernelTable,
}

/// Segments that a kernel codes side by side, at most.
pub(crate) const ABREAST: usize = 4;

impl Encoder {
    pub(crate) fn new(kernel: Kernel, frequencies: &Frequencies) -> Self {
        Self { symbols: SymbolTable::new(frequencies), kernel: KernelTable::new(kernel, frequencies) }
    }

    /// How many segments the kernel takes at a time, at most [`ABREAST`]. Fewer need less memory,
    /// which costs time to make.
    pub(crate) fn abreast(&self) -> usize {
        match self.kernel {
            #[cfg(target_arch = "x86_64")]
            KernelTable::Avx512(_) => ABREAST,
            _ => 1,
        }
    }

    /// Codes what stands behind the whole groups of `raw`, which is not empty. The words land on
    /// the stack `words`, which is emptied before.
    pub(crate) fn begin<'a>(&self, raw: &'a [u8], tail: Tail, words: &'a mut WordStack) -> Encoding<'a> {
        let (states, groups) = encode_end(raw, tail, &self.symbols, words);
        Encoding { states, groups, words }
    }

    /// Codes the rest of segments of one block, at best [`abreast`](Self::abreast) of them. Their
    /// states are what a decoder starts with then.
    pub(crate) fn encode(&self, segments: &mut [Encoding<'_>]) {
        #[cfg(target_arch = "x86_64")]
        if let KernelTable::Avx512(table) = &self.kernel {
            // SAFETY: the processor has the features that it needs: there is a table only where
            // `is_available` said so.
            return unsafe { avx512::encode_groups(segments, table) };
        }
        for segment in segments {
            match &self.kernel {
                #[cfg(target_arch = "x86_64")]
                KernelTable::Avx2(table) => {
                    // SAFETY: as above.
                    unsafe { avx2::encode_groups(segment, table) }
                }
                #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
                KernelTable::Neon(table) => {
                    // SAFETY: as above.
                    unsafe { neon::encode_groups(segment, table) }
                }
                _ => encode_groups(segment, &self.symbols),
            }
        }
    }
}

/// What a kernel looks symbols up in, where it has a table of its own.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "it stands on the stack for one block")]
enum KernelTable {
    /// That of the scalar code will do.
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::CodeTable),
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::CodeTable),
    #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
    Neon(CodeTable),
}

impl KernelTable {
    fn new(kernel: Kernel, frequencies: &Frequencies) -> Self {
        match kernel {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 | Kernel::Avx2Gather if kernel.is_available() => Self::Avx2(avx2::CodeTable::new(frequencies)),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 | Kernel::Avx512Gather if kernel.is_available() => {
                Self::Avx512(avx512::CodeTable::new(frequencies))
            }
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Kernel::Neon if kernel.is_available() => Self::Neon(CodeTable::new(frequencies)),
            _ => Self::Portable,
        }
    }
}
