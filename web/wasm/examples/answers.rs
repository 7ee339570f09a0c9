//! What the crate, built for this machine, says of streams: the tests of the package compare.
//!
//! `answers GOLDEN OUT` writes streams and their raw bytes to the folder OUT, and `answers.json`
//! with what comes of every cut of them, of a thousand flipped bits, and of every golden stream in
//! the folder GOLDEN.

use std::{env, fmt::Write as _, fs, io, path::Path};

use ranstream::{
    DecodeOptions, EncodeOptions, Error, Layout, Mode, Prefer, compress,
    error::Part,
    stream::{Decoder, Encoder, Op, Status},
};

const FLIPS: usize = 1000;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [golden, out] = &arguments[..] else {
        return Err(io::Error::other("usage: answers GOLDEN OUT"));
    };
    fs::create_dir_all(out)?;
    let streams = streams();
    let mut json = String::from("{\n\"streams\": {\n");
    for (index, (name, raw, stream)) in streams.iter().enumerate() {
        fs::write(Path::new(out).join(format!("{name}.raw")), raw)?;
        fs::write(Path::new(out).join(format!("{name}.rans")), stream)?;
        let cuts: Vec<String> = (0..stream.len()).map(|len| answer(&stream[..len], Some(raw))).collect();
        let comma = if index == 0 { "" } else { ",\n" };
        let _ = write!(json, "{comma}\"{name}\": [\n{}]", cuts.join(",\n"));
    }
    json.push_str("},\n\"flips\": [\n");
    let mut random = Random(0x1234_5678_9ABC_DEF1);
    for flip in 0..FLIPS {
        let (name, raw, stream) = &streams[flip % streams.len()];
        let bit = random.below(8 * stream.len());
        let mut flipped = stream.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let comma = if flip == 0 { "" } else { ",\n" };
        let _ = write!(json, "{comma}[\"{name}\", {bit}, {}]", answer(&flipped, Some(raw)));
    }
    json.push_str("],\n\"golden\": {\n");
    let mut files: Vec<_> =
        fs::read_dir(golden)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "rans"));
    files.sort();
    for (index, path) in files.iter().enumerate() {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let comma = if index == 0 { "" } else { ",\n" };
        let _ = write!(json, "{comma}\"{name}\": {}", answer(&fs::read(path)?, None));
    }
    json.push_str("}\n}\n");
    fs::write(Path::new(out).join("answers.json"), json)
}

/// `[good bytes, code, offset, block, message]`, or the good bytes and nulls. What came out is what
/// `raw` begins with.
fn answer(stream: &[u8], raw: Option<&[u8]>) -> String {
    let (mut decoder, mut rest) = (Decoder::new(DecodeOptions::new()), stream);
    let (mut good, mut output) = (Vec::new(), vec![0; 1 << 16]);
    let error = loop {
        match decoder.step(rest, &mut output, Op::Finish) {
            Ok(step) => {
                good.extend(&output[..step.produced]);
                rest = &rest[step.consumed..];
                if step.status == Status::Finished {
                    break None;
                }
            }
            Err(error) => break Some(error),
        }
    };
    if let Some(raw) = raw {
        assert!(raw.starts_with(&good), "bytes that were never coded");
    }
    let Some(error) = error else { return format!("[{}, null, null, null, null]", good.len()) };
    let (offset, block) = place(&error);
    let number = |number: Option<u64>| number.map_or("null".into(), |number| number.to_string());
    let message = error.to_string().replace('\\', "\\\\").replace('"', "\\\"");
    format!("[{}, \"{}\", {}, {}, \"{message}\"]", good.len(), code(&error), number(offset), number(block))
}

/// The variant's name, in kebab case.
fn code(error: &Error) -> String {
    let mut code = String::new();
    for letter in format!("{error:?}").chars().take_while(char::is_ascii_alphabetic) {
        if letter.is_ascii_uppercase() && !code.is_empty() {
            code.push('-');
        }
        code.push(letter.to_ascii_lowercase());
    }
    code
}

fn place(error: &Error) -> (Option<u64>, Option<u64>) {
    match *error {
        Error::Corrupt { part: Part::Block(block), offset, .. } => (Some(offset), Some(block)),
        Error::Corrupt { offset, .. }
        | Error::Truncated { offset }
        | Error::TrailingData { offset }
        | Error::NeedsBase { offset, .. }
        | Error::WrongBase { offset, .. }
        | Error::UnreadBase { offset, .. }
        | Error::Unsupported { offset, .. }
        | Error::LimitExceeded { offset, .. } => (Some(offset), None),
        Error::NotAStream { .. } => (Some(0), None),
        _ => (None, None),
    }
}

/// Streams of every form of block: name, raw bytes, coded bytes.
fn streams() -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let text = include_bytes!("../../../FORMAT.md");
    let mut random = Random(7);
    let noise: Vec<u8> = (0..700).map(|_| random.below(256) as u8).collect();
    let mixed = [&text[..500], &[b'x'; 900], &noise, &text[5000..5400]].concat();
    let numbers: Vec<u8> = (0..1000).flat_map(|at| (f32::sin((at * at) as f32) / 9.0).to_le_bytes()).collect();
    let with = |options: EncodeOptions, raw: &[u8]| compress(raw, &options).unwrap_or_default();
    let short = EncodeOptions::new().block_len(500);
    let mut streams = vec![
        ("auto", mixed.clone(), with(short.clone().content_check(true).index(true), &mixed)),
        ("single", text[..900].to_vec(), with(short.clone().mode(Mode::SingleStream), &text[..900])),
        ("interleaved", text[..1500].to_vec(), with(short.clone().mode(Mode::Interleaved), &text[..1500])),
        ("lanes", text[..3000].to_vec(), with(EncodeOptions::new().mode(Mode::Lanes).block_len(1500), &text[..3000])),
        (
            "segments",
            text[..3000].to_vec(),
            with(EncodeOptions::new().mode(Mode::Lanes).segment_len(512), &text[..3000]),
        ),
        (
            "pivot",
            text[..3000].to_vec(),
            with(EncodeOptions::new().level(0).prefer(Prefer::Speed).block_len(1500), &text[..3000]),
        ),
        ("planes", numbers.clone(), with(EncodeOptions::new().layout(Layout::f32().block_len(2000)), &numbers)),
        ("lz", text[..6000].to_vec(), with(EncodeOptions::new().level(5).block_len(3000), &text[..6000])),
        ("content-length", mixed.clone(), with(short.content_length(mixed.len() as u64), &mixed)),
    ];
    let data = with_application_data(&text[..800]);
    streams.push(("application-data", text[..800].to_vec(), data));
    let two = [&streams[1].2[..], &streams[0].2].concat();
    streams.push(("two", [&text[..900], &mixed].concat(), two));
    streams
}

fn with_application_data(raw: &[u8]) -> Vec<u8> {
    let (mut encoder, mut out) = (Encoder::new(EncodeOptions::new().index(true)), Vec::new());
    for (kind, part) in raw.chunks(300).enumerate() {
        step_to(&mut encoder, part, Op::Flush, &mut out);
        assert_eq!(encoder.application_data(kind as u16, b"said between blocks"), Ok(true), "all is out before it");
        step_to(&mut encoder, &[], Op::Flush, &mut out);
    }
    step_to(&mut encoder, &[], Op::Finish, &mut out);
    out
}

/// All of `raw`, and what comes of it.
fn step_to(encoder: &mut Encoder, mut raw: &[u8], op: Op, out: &mut Vec<u8>) {
    let mut output = [0; 4096];
    while let Ok(step) = encoder.step(raw, &mut output, op) {
        out.extend(&output[..step.produced]);
        raw = &raw[step.consumed..];
        if matches!(step.status, Status::Flushed | Status::Finished) {
            break;
        }
    }
}

/// Marsaglia's xorshift: the same numbers every time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}
