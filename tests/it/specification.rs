//! FORMAT.md shows two streams, a model and a message byte by byte. The crate writes exactly these,
//! and reads them.

use std::io::Write;

use ranstream::{
    DecodeOptions, EncodeOptions, Mode, RansWriter, compress, decompress,
    message::{self, Model},
};

const FORMAT: &str = include_str!("../../FORMAT.md");

#[test]
fn the_first_annotated_stream_is_what_the_crate_writes() {
    let raw = ["abracadabra".repeat(4), "-".repeat(20)].concat();
    let options = EncodeOptions::new().block_len(44).scale_bits(9).content_length(64).content_check(true).index(true);
    let mut writer = RansWriter::with_options(Vec::new(), options);
    writer.write_all(raw.as_bytes()).unwrap();
    writer.write_application_data(1, b"note").unwrap();
    let stream = writer.finish().unwrap();
    assert_eq!(stream, dump("### 10.1"));
    assert_eq!(decompress(&stream, &DecodeOptions::new()).unwrap(), raw.as_bytes());
}

#[test]
fn the_second_annotated_stream_is_what_the_crate_writes() {
    let raw = &b"she sells sea shells by the sea shore; ".repeat(7)[..256];
    let stream = compress(raw, &EncodeOptions::new().mode(Mode::Lanes).block_len(256).scale_bits(9)).unwrap();
    assert_eq!(stream, dump("### 10.2"));
    assert_eq!(decompress(&stream, &DecodeOptions::new()).unwrap(), raw);
}

#[test]
fn the_annotated_model_and_message_are_what_the_crate_writes() {
    let model = Model::train(7, [[b'a'; 1000]]).unwrap();
    let [saved, frame] = [0, 1].map(|index| dump_of("## 11 ", index));
    assert_eq!(model.save(), saved);
    let raw = [&[b'a'; 20][..], b"rans", &[b'a'; 20]].concat();
    let mut coded = Vec::new();
    message::encode(&raw, Some(&model), &EncodeOptions::new(), &mut coded).unwrap();
    assert_eq!(coded, frame);
    let mut back = [0; 44];
    assert_eq!(message::decode(&frame, &[Model::load(&saved).unwrap()], &mut back), Ok(44));
    assert_eq!(back[..], raw);
}

#[test]
fn the_annotated_planes_are_in_their_golden_file() {
    let payload = dump("### 19.7");
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/good-planes.rans");
    let stream = std::fs::read(golden).unwrap();
    assert_eq!(stream[16..16 + payload.len()], payload);
    let numbers: Vec<u8> = (1..=16_u8).flat_map(|number| f32::from(number).to_le_bytes()).collect();
    assert_eq!(decompress(&stream, &DecodeOptions::new()).unwrap(), numbers);
}

#[test]
fn the_annotated_chunks_are_in_their_golden_files() {
    let text = b"abracadabra abracadabra abracadabra!";
    for (heading, name, raw) in
        [("### 14.7", "lz", &text[..]), ("### 14.8", "lzss", text), ("### 14.9", "lz78", &b"ab".repeat(32))]
    {
        let payload = dump(heading);
        let golden = format!("{}/tests/golden/good-{name}.rans", env!("CARGO_MANIFEST_DIR"));
        let stream = std::fs::read(golden).unwrap();
        assert_eq!(stream[16..16 + payload.len()], payload, "{name}");
        assert_eq!(decompress(&stream, &DecodeOptions::new()).unwrap(), raw, "{name}");
    }
}

/// The bytes of the first hex dump behind a heading.
fn dump(heading: &str) -> Vec<u8> {
    dump_of(heading, 0)
}

/// The bytes of a hex dump behind a heading, of the first or a later one: an offset, up to 16
/// bytes, and the same as text.
fn dump_of(heading: &str, index: usize) -> Vec<u8> {
    let section = FORMAT.split(heading).nth(1).expect("the heading is there");
    let dump = section.split("```").nth(1 + 2 * index).expect("a dump follows it");
    dump.lines()
        .skip(1)
        .flat_map(|line| line.get(6..53).unwrap_or_default().split_whitespace())
        .map(|byte| u8::from_str_radix(byte, 16).expect("two hexadecimal digits"))
        .collect()
}
