//! Sections of a few hundred symbols, each with its own table, as they stand beside matches.
//!
//! Ours are bare blocks: a section with a header of 12 bytes and a CRC-32C, both of which are in
//! the time. Each codec goes through the sections that are spread over a sample, one after the
//! other, so that no branch is learnt by heart.

use ranstream::{DecodeOptions, EncodeOptions, Mode, block};

use super::pivot_kernels;
use crate::{
    measure::{Clock, in_pieces, median},
    peers::{
        Codec, Huff0,
        blocks::{decode_blocks, encode_blocks},
        openzl_codecs,
    },
};

/// Symbols of a section.
pub const LENGTHS: [usize; 4] = [200, 500, 1000, 2000];

/// How many sections of a sample are taken.
const COUNT: usize = 128;

/// One codec on the sections of one length of one sample.
#[derive(Debug, Clone)]
pub struct Section {
    /// The codec.
    pub name: String,
    /// Coded bytes.
    pub size: f64,
    /// Nanoseconds.
    pub decode: f64,
    /// Nanoseconds.
    pub encode: f64,
}

/// Huff0 with four streams; pivot and lanes by each kernel; OpenZL's, whose shipped form asks the
/// processor what it can in each call.
pub fn codecs(len: usize) -> Vec<Box<dyn Codec>> {
    let mut codecs: Vec<Box<dyn Codec>> = vec![Box::new(Huff0::with_block_len(len))];
    for mode in [Mode::Pivot, Mode::Lanes] {
        for kernel in pivot_kernels() {
            codecs.push(Box::new(Blocks {
                name: format!("{mode}, {kernel}"),
                len,
                encode: EncodeOptions::new().level(0).mode(mode).kernel(kernel),
                decode: DecodeOptions::new().kernel(kernel),
            }));
        }
    }
    codecs.extend(openzl_codecs::pivco(len));
    codecs
}

/// Bare blocks, each behind its length, as others have it.
struct Blocks {
    name: String,
    len: usize,
    encode: EncodeOptions,
    decode: DecodeOptions,
}

impl Codec for Blocks {
    fn name(&self) -> &str {
        &self.name
    }

    fn encode(&mut self, raw: &[u8], coded: &mut Vec<u8>) {
        encode_blocks(raw, self.len, coded, |section, coded| {
            block::encode(section, &self.encode, coded).expect("the options are valid");
        });
    }

    fn decode(&mut self, coded: &[u8], raw: &mut [u8]) {
        decode_blocks(coded, raw, self.len, |block, section| {
            let len = block::decode_with_options(block, section, &self.decode).expect("ranstream decodes its own");
            assert_eq!(len, section.len());
        });
    }
}

/// Every codec on sections of `len` symbols. `None`: the sample has not so many.
///
/// # Panics
///
/// When a codec does not restore a section, and without a round.
#[must_use]
pub fn measure(raw: &[u8], len: usize, rounds: usize) -> Option<Vec<Section>> {
    let step = raw.len() / COUNT;
    if step < len {
        return None;
    }
    let sections: Vec<u8> = raw.chunks_exact(step).take(COUNT).flat_map(|part| &part[..len]).copied().collect();
    let figures = in_pieces(&mut codecs(len), &sections, sections.len(), rounds, Clock::Thread);
    let nanoseconds = |speed: f64| len as f64 / speed * 1e9;
    Some(
        (figures.into_iter())
            .map(|codec| Section {
                size: codec.ratio * len as f64,
                decode: nanoseconds(codec.decode),
                encode: nanoseconds(codec.encode),
                name: codec.name,
            })
            .collect(),
    )
}

/// One of the times.
type View = fn(&Section) -> f64;

/// Two tables: every length with the median over the samples, and 500 symbols sample by sample.
/// Each element: a sample's name, and for each of [`LENGTHS`] what was measured.
///
/// # Panics
///
/// Where samples have not the same codecs.
#[must_use]
pub fn tables(samples: &[(String, Vec<Vec<Section>>)]) -> String {
    let Some((_, first)) = samples.first() else { return String::new() };
    let names: Vec<&str> = first[0].iter().map(|codec| codec.name.as_str()).collect();
    let head = |first: &str| format!("| {first} | {} |\n|---|{}\n", names.join(" | "), "---:|".repeat(names.len()));
    let mut text = head("symbols, decoded or encoded");
    let ways: [(&str, View); 2] = [("decoded", |codec| codec.decode), ("encoded", |codec| codec.encode)];
    for (way, view) in ways {
        for (index, len) in LENGTHS.into_iter().enumerate() {
            let of = |codec: usize| {
                let mut all: Vec<f64> = samples.iter().map(|(_, lengths)| view(&lengths[index][codec])).collect();
                format!("{:.0}", median(&mut all))
            };
            let cells: Vec<String> = (0..names.len()).map(of).collect();
            text += &format!("| {len}, {way} | {} |\n", cells.join(" | "));
        }
    }
    text += &format!(
        "\n500 symbols, file by file: nanoseconds to decode, and in brackets the coded bytes.\n\n{}",
        head("file")
    );
    let at = LENGTHS.iter().position(|len| *len == 500).expect("it is one of them");
    for (name, lengths) in samples {
        let cells: Vec<String> =
            lengths[at].iter().map(|codec| format!("{:.0} ({:.0})", codec.decode, codec.size)).collect();
        text += &format!("| {name} | {} |\n", cells.join(" | "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_every_length_and_every_sample() {
        let section = |decode| Section { name: "pivot, avx2".into(), size: 300.0, decode, encode: 2.0 * decode };
        let sample =
            |name: &str, decode: f64| (name.to_owned(), LENGTHS.map(|len| vec![section(decode * len as f64)]).to_vec());
        let text = tables(&[sample("x", 1.0), sample("y", 2.0), sample("z", 9.0)]);
        for row in ["| 200, decoded | 400 |", "| 2000, encoded | 8000 |", "| x | 500 (300) |", "| z | 4500 (300) |"] {
            assert!(text.lines().any(|line| line == row), "{row}\n{text}");
        }
    }

    #[test]
    fn a_short_sample_has_no_sections() {
        assert!(measure(&[0; 1000], 500, 1).is_none());
    }
}
