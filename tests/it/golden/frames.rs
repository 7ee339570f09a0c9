//! Frames of the original coder: those in `tests/golden`, and the ones it wrote itself where they
//! are at hand.

use std::{fs, path::Path};

use ranstream::rans::{interleaved, single};

use super::{all_values, file, letters, two_symbols};

/// A bare payload.
pub(super) struct Frame {
    pub(super) name: String,
    pub(super) what: &'static str,
    pub(super) raw: Vec<u8>,
    coder: Coder,
    scale_bits: u8,
}

#[derive(Debug, Clone, Copy)]
enum Coder {
    Single,
    Interleaved(usize),
}

impl Coder {
    /// From the middle part of a file's name.
    fn named(name: &str) -> Option<Self> {
        match name.strip_prefix("interleaved") {
            Some(lanes) => Some(Self::Interleaved(lanes.parse().ok()?)),
            None => (name == "single").then_some(Self::Single),
        }
    }

    fn encode(self, raw: &[u8], scale_bits: u8) -> Vec<u8> {
        match self {
            Self::Single => single::encode(raw, scale_bits),
            Self::Interleaved(lanes) => interleaved::encode(raw, lanes, scale_bits),
        }
        .unwrap()
    }

    fn decode(self, frame: &[u8], raw_len: usize) -> Vec<u8> {
        match self {
            Self::Single => single::decode(frame, raw_len),
            Self::Interleaved(_) => interleaved::decode(frame, raw_len),
        }
        .unwrap()
    }
}

pub(super) fn all() -> Vec<Frame> {
    let frame = |name: &str, what, raw, coder, scale_bits| {
        let coder_name = match coder {
            Coder::Single => "single".to_owned(),
            Coder::Interleaved(lanes) => format!("interleaved{lanes}"),
        };
        Frame { name: format!("{name}.{coder_name}.s{scale_bits}"), what, raw, coder, scale_bits }
    };
    vec![
        frame("letters", "one state, 9 bits", letters(33), Coder::Single, 9),
        frame("letters", "one state, 12 bits", letters(33), Coder::Single, 12),
        frame("letters", "one state, 14 bits", letters(33), Coder::Single, 14),
        frame("letters", "4 states, the last turn is not full", letters(33), Coder::Interleaved(4), 12),
        frame("letters", "more states than bytes", letters(33), Coder::Interleaved(40), 12),
        frame("two_symbols", "4 states, 9 bits", two_symbols(1000), Coder::Interleaved(4), 9),
        frame("one_symbol", "no words", vec![b'o'; 700], Coder::Interleaved(2), 12),
        frame("all_values", "256 symbols, more slots given away than there are", all_values(600), Coder::Single, 9),
    ]
}

#[test]
fn frames_decode_and_are_written_again_alike() {
    for Frame { name, raw, coder, scale_bits, .. } in all() {
        let frame = coder.encode(&raw, scale_bits);
        assert!(file(&name, &frame) == frame, "{name} is written otherwise");
        assert_eq!(coder.decode(&frame, raw.len()), raw, "{name}");
    }
}

/// Each is `NAME.single.sBITS` or `NAME.interleavedLANES.sBITS`, beside the raw bytes in
/// `NAME.raw`.
#[test]
fn vectors_of_the_original_coder_decode_and_are_written_again_alike() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors");
    let Ok(files) = fs::read_dir(&folder) else {
        eprintln!("skipped: there are no vectors in {}", folder.display());
        return;
    };
    let mut vectors = 0;
    for path in files.map(|file| file.unwrap().path()) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let [stem, coder, bits] = name.split('.').collect::<Vec<_>>()[..] else { continue };
        let (Some(coder), Some(Ok(bits))) = (Coder::named(coder), bits.strip_prefix('s').map(str::parse)) else {
            panic!("{name} is named like no vector");
        };
        let (raw, frame) = (fs::read(folder.join(format!("{stem}.raw"))).unwrap(), fs::read(&path).unwrap());
        assert!(coder.decode(&frame, raw.len()) == raw, "{name} does not decode to {stem}.raw");
        assert!(coder.encode(&raw, bits) == frame, "{name} is written otherwise");
        vectors += 1;
    }
    assert!(vectors > 0, "{} holds no vectors", folder.display());
    eprintln!("{vectors} vectors decode and are written again alike");
}
