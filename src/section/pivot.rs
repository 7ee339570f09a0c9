//! Payloads of pivot with the counts they are coded by, and memory that each thread keeps.

use std::cell::Cell;

pub(crate) use crate::pivot::Setting;
use crate::{
    error::Corruption,
    kept,
    model::{Histogram, least_bits},
    pivot::{Decoder, Encoder},
    section::sample,
    simd::{Kernel, pivot_steps},
};

thread_local! {
    /// A quarter of a megabyte each once they were used, which takes as long to make as a block
    /// takes to decode. They are behind a pointer: what stands in them takes 10 KiB without that,
    /// and to move it there and back takes longer than a short section.
    static ENCODER: Cell<Option<Box<Encoder>>> = const { Cell::new(None) };
    static DECODER: Cell<Option<Box<Decoder>>> = const { Cell::new(None) };
}

/// Gives back what the calling thread keeps.
pub(crate) fn release() {
    kept::release(&ENCODER);
    kept::release(&DECODER);
}

/// How symbols are coded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    /// At least one.
    pub(crate) symbols: &'a [u8],
    pub(crate) setting: Setting,
    /// Whether the symbols of a long payload are counted by a sample.
    pub(crate) sampling: bool,
    pub(crate) kernel: Kernel,
}

impl Source<'_> {
    /// Appends the payload. `false`: it would have more than `most` bytes, and what was appended is
    /// to be thrown away.
    pub(crate) fn append(&self, most: usize, out: &mut Vec<u8>) -> bool {
        let (start, histogram) = (out.len(), self.histogram());
        // What is expected is a little more than what comes out, or less: a few bytes.
        self.append_counted(&histogram, most, most + most / 64 + 32, out) && out.len() - start <= most
    }

    /// About how often each symbol occurs: at least once, if it does.
    pub(crate) fn histogram(&self) -> Histogram {
        match self.stride() {
            1 => Histogram::new(self.symbols),
            stride => sample::estimate(self.symbols, stride, self.kernel),
        }
    }

    /// Appends the payload, coded by its `histogram`. `false`: nothing was appended, as it has more
    /// than `most` bytes, or more than `likely` are expected.
    pub(crate) fn append_counted(&self, histogram: &Histogram, most: usize, likely: usize, out: &mut Vec<u8>) -> bool {
        if self.symbols.len() < FEW && least_len(histogram) > most {
            return false;
        }
        kept::with(&ENCODER, |kept| self.append_with(kept.get_or_insert_default(), histogram, likely, out))
    }

    fn stride(&self) -> usize {
        if self.sampling { sample::stride(self.symbols.len()) } else { 1 }
    }

    fn append_with(&self, encoder: &mut Encoder, histogram: &Histogram, likely: usize, out: &mut Vec<u8>) -> bool {
        let (start, len) = (out.len(), self.symbols.len());
        let expected = encoder.choose(histogram.counts(), len, self.setting) as usize;
        if expected > likely {
            return false;
        }
        encoder.encode(self.symbols, pivot_steps(self.kernel), out);
        if self.stride() > 1 && (out.len() - start).abs_diff(expected) > expected / 32 + 256 {
            // The sample was no likeness of the whole, or bitmaps that are coded once more have
            // another length than that of independent bits.
            encoder.choose(Histogram::new(self.symbols).counts(), len, self.setting);
            if !encoder.wrote(&out[start..]) {
                out.truncate(start);
                encoder.encode(self.symbols, pivot_steps(self.kernel), out);
            }
        }
        true
    }
}

/// In payloads of fewer symbols no bitmap is coded once more: each symbol takes the bits of its
/// code.
const FEW: usize = 64;

/// No payload of [`FEW`] symbols is shorter: one group, one byte for it and for its place, the
/// symbols it has, 4 bytes for each 32 of which one occurs, and the codes.
fn least_len(histogram: &Histogram) -> usize {
    let counts = histogram.counts();
    let rows = counts.as_chunks::<32>().0.iter().filter(|row| **row != [0; 32]).count();
    3 + 4 * rows + (least_bits(counts) / 8) as usize
}

/// Fills `symbols`, at least one, from a payload of exactly so many.
pub(crate) fn decode_payload(payload: &[u8], symbols: &mut [u8], kernel: Kernel) -> Result<(), Corruption> {
    kept::with(&DECODER, |kept| kept.get_or_insert_default().decode(payload, symbols, pivot_steps(kernel)))
}

/// Fills `symbols`, of which a payload has exactly so many, at least one, up to the chunk that has
/// the one before `end`.
pub(crate) fn decode_until(payload: &[u8], symbols: &mut [u8], end: usize, kernel: Kernel) -> Result<(), Corruption> {
    let steps = pivot_steps(kernel);
    kept::with(&DECODER, |kept| kept.get_or_insert_default().decode_until(payload, symbols, end, steps))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Symbols that repeat make coded bitmaps shorter than their shares of ones tell: then all are
    /// counted after all, and what was coded stays only where that leads to the same tree.
    #[test]
    fn symbols_that_repeat_are_coded_by_all_counts() {
        for parts in [1, 3] {
            let mut state = 1_u32;
            let mut raw = Vec::new();
            while raw.len() < 256 << 10 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let symbol = u8::from(state >> 29 == 0);
                let elsewhere = raw.len() >> 16 & parts;
                raw.extend([symbol + elsewhere as u8; 16]);
            }
            let coded = |sampling| {
                let kernel = Kernel::or_default(None);
                let source = Source { symbols: &raw, setting: Setting::SPEED, sampling, kernel };
                let mut out = vec![1];
                assert!(source.append(raw.len(), &mut out));
                out
            };
            assert!(coded(true) == coded(false), "{parts}");
            let mut back = vec![0; raw.len()];
            decode_payload(&coded(true)[1..], &mut back, Kernel::Portable).unwrap();
            assert!(back == raw);
        }
    }
}
