//! Every codec over a sample well beyond the caches, and over one block that stays in them.

use super::{BLOCK, HUFF0, codecs, ratios};
use crate::{
    measure::{Clock, median},
    peers::Codec,
};

/// Samples have so many bytes.
pub const FAR: usize = 48 << 20;

/// How often the block that stays in the caches is gone through in a row.
const REPEATS: usize = 40;

/// One codec on one sample: raw bytes per second, coded bytes per raw byte.
#[derive(Debug, Clone)]
pub struct Speeds {
    /// The codec.
    pub name: String,
    /// Over all of the sample.
    pub ratio: f64,
    /// Over all of the sample.
    pub far: Both,
    /// Over its first block.
    pub near: Both,
}

/// Both ways.
#[derive(Debug, Clone, Copy)]
pub struct Both {
    /// Out.
    pub decode: f64,
    /// In.
    pub encode: f64,
}

/// Runs every codec over `raw`, in turns; `raw` has [`FAR`] bytes, or a block at the least.
///
/// # Panics
///
/// When a codec does not restore the sample, and where that is shorter than a block.
#[must_use]
pub fn measure(raw: &[u8], block_len: usize, rounds: usize) -> Vec<Speeds> {
    let mut codecs = codecs(block_len);
    let mut back = vec![0; raw.len()];
    let mut far: Vec<Run> = codecs.iter().map(|_| Run::default()).collect();
    let mut near: Vec<Run> = codecs.iter().map(|_| Run::default()).collect();
    for round in 0..=rounds {
        for ((codec, far), near) in codecs.iter_mut().zip(&mut far).zip(&mut near) {
            far.run(&mut **codec, raw, 1, &mut back, round > 0);
            near.run(&mut **codec, &raw[..BLOCK], REPEATS, &mut back[..BLOCK], round > 0);
        }
    }
    (codecs.iter().zip(far).zip(near))
        .map(|((codec, mut far), mut near)| Speeds {
            name: codec.name().to_owned(),
            ratio: far.coded.len() as f64 / raw.len() as f64,
            far: far.speeds(raw.len()),
            near: near.speeds(BLOCK * REPEATS),
        })
        .collect()
}

/// One codec's times and buffer.
#[derive(Default)]
struct Run {
    coded: Vec<u8>,
    encode: Vec<f64>,
    decode: Vec<f64>,
}

impl Run {
    fn run(&mut self, codec: &mut dyn Codec, raw: &[u8], repeats: usize, back: &mut [u8], counted: bool) {
        let timed =
            |work: &mut dyn FnMut()| Clock::Thread.time(&mut || (0..repeats).for_each(|_| work())).as_secs_f64();
        let encode = timed(&mut || codec.encode(raw, &mut self.coded));
        let decode = timed(&mut || codec.decode(&self.coded, back));
        if counted {
            self.encode.push(encode);
            self.decode.push(decode);
        } else {
            assert!(back == raw, "{} does not restore its input", codec.name());
        }
    }

    fn speeds(&mut self, len: usize) -> Both {
        let speed = |times: &mut [f64]| len as f64 / median(times);
        Both { decode: speed(&mut self.decode), encode: speed(&mut self.encode) }
    }
}

/// Every codec on one sample: GB/s, and in brackets the ratio to Huff0.
///
/// # Panics
///
/// Where Huff0 is not among them.
#[must_use]
pub fn of_one(speeds: &[Speeds]) -> String {
    let of = |codec: &Speeds| [codec.far.decode, codec.far.encode, codec.near.decode, codec.near.encode];
    let huff0 = of(named(speeds, HUFF0));
    let mut table = String::from(
        "| codec | size % | decode 48 MiB | encode 48 MiB | decode in cache | encode in cache |\n\
        |---|---:|---:|---:|---:|---:|\n",
    );
    for codec in speeds {
        let cells: Vec<String> = of(codec)
            .iter()
            .zip(huff0)
            .map(|(ours, huff0)| format!("{:.2} ({:.2})", ours / 1e9, ours / huff0))
            .collect();
        table += &format!("| {} | {:.3} | {} |\n", codec.name, 100.0 * codec.ratio, cells.join(" | "));
    }
    table
}

/// One of the speeds.
type View = fn(&Speeds) -> f64;

/// Every sample beside Huff0, one table for each of what was timed. memcpy is left out.
///
/// # Panics
///
/// Where samples have not the same codecs.
#[must_use]
pub fn of_all(samples: &[(String, Vec<Speeds>)]) -> String {
    let views: [(&str, View); 4] = [
        ("Decode in cache, x huff0", |codec| codec.near.decode),
        ("Decode 48 MiB, x huff0", |codec| codec.far.decode),
        ("Encode in cache, x huff0", |codec| codec.near.encode),
        ("Encode 48 MiB, x huff0", |codec| codec.far.encode),
    ];
    let columns: Vec<&str> = (samples.iter().take(1).flat_map(|(_, speeds)| speeds))
        .map(|codec| codec.name.as_str())
        .filter(|name| ![HUFF0, "memcpy"].contains(name))
        .collect();
    let mut text = String::new();
    for (title, view) in views {
        let rows: Vec<(&str, Vec<f64>)> = (samples.iter())
            .map(|(name, speeds)| {
                let huff0 = view(named(speeds, HUFF0));
                (name.as_str(), columns.iter().map(|codec| view(named(speeds, codec)) / huff0).collect())
            })
            .collect();
        text += &format!("\n## {title}\n\n{}", ratios(&columns, &rows));
    }
    text
}

fn named<'a>(speeds: &'a [Speeds], name: &str) -> &'a Speeds {
    speeds.iter().find(|codec| codec.name == name).expect("every codec ran on every sample")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speeds(name: &str, decode: f64) -> Speeds {
        let both = Both { decode: decode * 1e9, encode: 1e9 };
        Speeds { name: name.into(), ratio: 0.5, far: both, near: Both { decode: 2e9 * decode, ..both } }
    }

    #[test]
    fn tables_hold_every_codec_against_huff0() {
        let sample = vec![speeds("memcpy", 20.0), speeds(HUFF0, 2.0), speeds("pivot, avx2", 5.0)];
        let one = of_one(&sample);
        assert!(
            one.ends_with("| pivot, avx2 | 50.000 | 5.00 (2.50) | 1.00 (1.00) | 10.00 (2.50) | 1.00 (1.00) |\n"),
            "{one}"
        );
        let all = of_all(&[("x".into(), sample)]);
        assert!(
            all.contains("## Decode in cache, x huff0\n\n| file | pivot, avx2 |\n|---|---:|\n| x | 2.50 |\n"),
            "{all}"
        );
    }
}
