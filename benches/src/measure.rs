//! Times that can be compared: all codecs in turn, round by round, and the median of each.

use std::time::Instant;

use crate::peers::Codec;

/// One codec on one sample.
#[derive(Debug, Clone)]
pub struct Figures {
    /// The codec.
    pub name: String,
    /// Coded bytes per raw byte.
    pub ratio: f64,
    /// Raw bytes per second.
    pub encode: f64,
    /// Raw bytes per second.
    pub decode: f64,
}

/// Runs each codec once per round, so that whatever else the machine does falls on all of them. Buffers were touched before, so no page fault is timed.
///
/// # Panics
///
/// When a codec does not restore `raw`.
#[must_use]
pub fn interleaved(codecs: &mut [Box<dyn Codec>], raw: &[u8], rounds: usize) -> Vec<Figures> {
    let mut coded = vec![Vec::new(); codecs.len()];
    let mut back = vec![0; raw.len()];
    let mut times = vec![(Vec::new(), Vec::new()); codecs.len()];
    for round in 0..=rounds {
        for ((codec, coded), (encode, decode)) in codecs.iter_mut().zip(&mut coded).zip(&mut times) {
            let start = Instant::now();
            codec.encode(raw, coded);
            let encoded = start.elapsed().as_secs_f64();
            let start = Instant::now();
            codec.decode(coded, &mut back);
            let decoded = start.elapsed().as_secs_f64();
            if round == 0 {
                assert!(back == raw, "{} does not restore its input", codec.name());
            } else {
                encode.push(encoded);
                decode.push(decoded);
            }
        }
    }
    let speed = |times: &mut Vec<f64>| raw.len() as f64 / median(times);
    codecs
        .iter()
        .zip(coded)
        .zip(times)
        .map(|((codec, coded), (mut encode, mut decode))| Figures {
            name: codec.name().to_owned(),
            ratio: coded.len() as f64 / raw.len() as f64,
            encode: speed(&mut encode),
            decode: speed(&mut decode),
        })
        .collect()
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
