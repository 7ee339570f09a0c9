//! What was coded comes back, through every way in and out.

use std::io::{BufRead as _, Read as _, Write as _};

use ranstream::{
    DecodeOptions, EncodeOptions, Mode, Normalization, Policy, RansReader, RansWriter, block, compress, compress_into,
    copy_decode, copy_encode, decompress, decompress_into,
    format::BLOCK_OVERHEAD,
    rans::{interleaved, single},
    read::RansEncoder,
    write::RansDecoder,
};

use crate::data::{self, GENERATORS, Generator};

const MODES: [Mode; 6] = [Mode::Auto, Mode::Stored, Mode::Fill, Mode::SingleStream, Mode::Interleaved, Mode::Lanes];

#[test]
fn every_length_in_auto_mode() {
    every_length(Mode::Auto);
}

#[test]
fn every_length_stored() {
    every_length(Mode::Stored);
    every_length(Mode::Fill);
}

#[test]
fn every_length_in_a_single_stream() {
    every_length(Mode::SingleStream);
}

#[test]
fn every_length_interleaved() {
    every_length(Mode::Interleaved);
}

#[test]
fn every_length_in_lanes() {
    every_length(Mode::Lanes);
}

fn every_length(mode: Mode) {
    for (name, generate) in GENERATORS {
        let raw = generate(1100);
        for len in 0..=1100 {
            one_shot(&raw[..len], &EncodeOptions::new().mode(mode), || format!("{len} bytes of {name}, {mode}"));
        }
    }
}

/// Room behind a vector's end holds what the vector held before. None of that is ever read, and
/// what damage leaves undone is not there.
#[test]
fn a_vector_that_held_other_bytes() {
    let raw = data::text(300_000);
    let junk = |held: &mut Vec<u8>| {
        held.clear();
        held.resize(2 * raw.len(), 0xA7);
        held.truncate(3);
    };
    let pivot = EncodeOptions::new().mode(Mode::Pivot);
    let by_mode = MODES.map(|mode| EncodeOptions::new().mode(mode)).into_iter().chain([pivot]);
    for options in by_mode.chain([0, 1, 3].map(|level| EncodeOptions::new().level(level))) {
        let stream = compress(&raw, &options.block_len(70_000)).unwrap();
        let mut held = Vec::new();
        junk(&mut held);
        assert_eq!(RansReader::new(&stream[..]).read_to_end(&mut held).unwrap(), raw.len());
        assert!(held[..3] == [0xA7; 3] && held[3..] == raw);

        let mut damaged = stream.clone();
        damaged[stream.len() * 3 / 4] ^= 1;
        junk(&mut held);
        RansReader::new(&damaged[..]).read_to_end(&mut held).unwrap_err();
        assert!(raw.starts_with(&held[3..]) && (held.len() - 3).is_multiple_of(70_000), "{} bytes", held.len());
    }
}

#[test]
fn around_the_thresholds_of_the_policy() {
    for (name, generate) in [("gaussian", data::gaussian as Generator), ("text", data::text)] {
        for len in [(64 << 10) - 1, 64 << 10, (64 << 10) + 1] {
            one_shot(&generate(len), &EncodeOptions::new().level(0), || format!("{len} bytes of {name}"));
        }
    }
    for (name, generate) in GENERATORS {
        for threshold in [256, 2 << 10, 8 << 10] {
            for len in threshold - 1..=threshold + 1 {
                let raw = generate(len);
                every_way(&raw, &EncodeOptions::new().level(0), &format!("{len} bytes of {name}"));
                for policy in [
                    Policy::new().single_stream_up_to(0),
                    Policy::new().single_stream_up_to(0).interleaved_up_to(0),
                    Policy::new().single_stream_up_to(len).min_gain(0),
                    Policy::new().interleaved_up_to(usize::MAX).min_gain(u32::MAX),
                ] {
                    let options = EncodeOptions::new().level(0).policy(policy);
                    one_shot(&raw, &options, || format!("{len} bytes of {name}, {policy:?}"));
                }
            }
        }
    }
}

#[test]
fn around_the_ends_of_blocks() {
    for (name, generate) in GENERATORS {
        for (mode, block_len) in [(Mode::Auto, 1000), (Mode::Lanes, 128), (Mode::SingleStream, 64)] {
            let options = EncodeOptions::new().mode(mode).block_len(block_len);
            for len in [block_len - 1, block_len, block_len + 1, 3 * block_len - 1, 3 * block_len, 3 * block_len + 1] {
                every_way(&generate(len), &options, &format!("{len} bytes of {name}, blocks of {block_len}, {mode}"));
            }
        }
    }
}

#[test]
fn around_the_ends_of_segments() {
    for (name, generate) in GENERATORS {
        let raw = generate(10_000);
        for segment_len in [128, 300, 1024] {
            let options = EncodeOptions::new().mode(Mode::Lanes).segment_len(segment_len);
            for segments in [1, 2, 3, 4, 5, 8, 9] {
                // Where one more group or one more segment begins.
                for near in [segments * segment_len, segments * segment_len + segment_len / 2, segments * 128] {
                    for len in near - 2..=near + 2 {
                        one_shot(&raw[..len], &options, || format!("{len} bytes of {name}, segments of {segment_len}"));
                    }
                }
            }
        }
    }
}

#[test]
fn every_precision_and_number_of_lanes() {
    for (name, generate) in GENERATORS {
        let raw = generate(2500);
        for normalization in [Normalization::Optimal, Normalization::Compat] {
            for scale_bits in 9..=14 {
                let options = EncodeOptions::new().scale_bits(scale_bits).normalization(normalization);
                let what = format!("{name}, {scale_bits} bits, {normalization:?}");
                for lanes in [1, 2, 4, 5, 32, 255] {
                    let options = options.clone().mode(Mode::Interleaved).interleaved_lanes(lanes);
                    one_shot(&raw, &options, || format!("{what}, {lanes} states"));
                }
                one_shot(&raw, &options.clone().mode(Mode::SingleStream), || what.clone());
                if scale_bits <= 12 {
                    one_shot(&raw, &options.clone().mode(Mode::Lanes), || what.clone());
                    one_shot(&raw, &options, || what.clone());
                    one_shot(&raw, &options.clone().level(0), || what.clone());
                }
            }
        }
    }
}

#[test]
fn every_feature_of_a_stream_with_every_other() {
    for bits in 0..128 {
        let on = |bit: u32| bits >> bit & 1 == 1;
        for (len, block_len) in [(0, 100), (1, 1), (5, 1), (700, 128), (2000, 777)] {
            let raw = data::skewed(len);
            let mut options = EncodeOptions::new()
                .block_len(block_len)
                .content_check(on(0))
                .index(on(1))
                .index_max_blocks(if on(2) { 3 } else { 1000 })
                .normalization(if on(3) { Normalization::Compat } else { Normalization::Optimal })
                .threads(if on(4) { 2 } else { 1 })
                .in_flight(1 + bits as usize % 3)
                .level(if on(6) { 0 } else { 3 });
            if on(5) {
                options = options.content_length(len as u64);
            }
            every_way(&raw, &options, &format!("{options:?}"));
        }
    }
}

#[test]
fn blocks_of_the_largest_length() {
    let len = (16 << 20) + 1;
    let raw: Vec<u8> = (0..len).map(|i| (i % 7) as u8).collect();
    for mode in [Mode::Stored, Mode::Lanes] {
        one_shot(&raw, &EncodeOptions::new().mode(mode).block_len(16 << 20), || format!("{len} bytes, {mode}"));
    }
    one_shot(&data::one_symbol(len), &EncodeOptions::new().block_len(16 << 20), || "one symbol".into());
}

#[test]
fn several_blocks_of_the_default_length() {
    for (name, generate) in [("text", data::text as Generator), ("gaussian", data::gaussian)] {
        let raw = generate(600_000);
        for threads in [1, 3] {
            let options = EncodeOptions::new().level(0).threads(threads);
            let stream = compress(&raw, &options).unwrap();
            decode_every_way(&stream, &raw, &format!("{name}, {threads} threads"));
        }
    }
}

#[test]
fn concatenated_streams_are_read_as_one() {
    let (mut stream, mut raw) = (Vec::new(), Vec::new());
    for (number, (_, generate)) in GENERATORS.into_iter().enumerate() {
        let part = generate(number * 97);
        let options = EncodeOptions::new().block_len(200).index(number % 2 == 0).content_check(number % 3 == 0);
        stream.extend(compress(&part, &options).unwrap());
        raw.extend(part);
        decode_every_way(&stream, &raw, &format!("{} streams", number + 1));
    }
}

#[test]
fn a_flushed_writer_can_be_read_so_far() {
    let raw = data::text(5000);
    for threads in [1, 2] {
        let mut writer = RansWriter::with_options(Vec::new(), EncodeOptions::new().block_len(700).threads(threads));
        for (number, part) in raw.chunks(333).enumerate() {
            writer.write_all(part).unwrap();
            writer.flush().unwrap();
            writer.flush().unwrap();
            let mut back = Vec::new();
            let error = RansReader::new(&writer.get_ref()[..]).read_to_end(&mut back).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
            assert_eq!(back, raw[..raw.len().min(333 * (number + 1))]);
        }
        let stream = writer.finish().unwrap();
        decode_every_way(&stream, &raw, "flushed often");
    }
}

#[test]
fn bare_blocks() {
    for (name, generate) in GENERATORS {
        for mode in MODES {
            for len in [1, 2, 127, 128, 129, 1000, 9000] {
                let raw = generate(len);
                let mut packets = b"before".to_vec();
                let options = EncodeOptions::new().mode(mode).segment_len(500);
                let coded = block::encode(&raw, &options, &mut packets).unwrap();
                let packet = &packets[6..];
                assert_eq!((&packets[..6], packet.len()), (&b"before"[..], coded));
                assert!(coded <= len + BLOCK_OVERHEAD, "{name}, {mode}: {len} bytes became {coded}");
                assert_eq!(block::raw_len(packet), Ok(len));
                let mut back = vec![0xEE; len + 3];
                assert_eq!(block::decode(packet, &mut back), Ok(len), "{name}, {mode}, {len}");
                assert_eq!((&back[..len], &back[len..]), (&raw[..], &[0xEE; 3][..]), "{name}, {mode}, {len}");
            }
        }
    }
}

#[test]
fn frames_of_the_original_coder() {
    for (name, generate) in GENERATORS {
        for len in [0, 1, 2, 3, 4, 5, 255, 257, 1000, 5000] {
            let raw = generate(len);
            for scale_bits in 9..=14 {
                let payload = single::encode(&raw, scale_bits).unwrap();
                assert_eq!(single::decode(&payload, len).as_ref(), Ok(&raw), "{name}, {len} bytes, {scale_bits} bits");
                for lanes in [1, 3, 4, 255] {
                    let payload = interleaved::encode(&raw, lanes, scale_bits).unwrap();
                    let back = interleaved::decode(&payload, len);
                    assert_eq!(back.as_ref(), Ok(&raw), "{name}, {len} bytes, {scale_bits} bits, {lanes} states");
                }
            }
        }
    }
}

fn one_shot(raw: &[u8], options: &EncodeOptions, what: impl Fn() -> String) {
    let stream = compress(raw, options).unwrap_or_else(|error| panic!("{}: {error}", what()));
    let back = decompress(&stream, &DecodeOptions::new()).unwrap_or_else(|error| panic!("{}: {error}", what()));
    assert!(back == raw, "{}", what());
}

/// Every way to code gives the same stream, and every way to decode gives `raw` again.
fn every_way(raw: &[u8], options: &EncodeOptions, what: &str) {
    let stream = compress(raw, options).unwrap();

    let mut appended = b"before".to_vec();
    assert_eq!(compress_into(raw, &mut appended, options), Ok(stream.len()), "{what}");
    assert!(appended.starts_with(b"before") && appended[6..] == stream, "compress_into: {what}");

    let mut writer = RansWriter::with_options(Vec::new(), options.clone());
    writer.write_all(raw).unwrap();
    assert!(writer.finish().unwrap() == stream, "RansWriter: {what}");

    let mut writer = RansWriter::with_options(Vec::new(), options.clone());
    raw.chunks(61).for_each(|part| writer.write_all(part).unwrap());
    assert!(writer.finish().unwrap() == stream, "RansWriter in parts: {what}");

    let mut written = Vec::new();
    let mut writer = RansWriter::with_options(&mut written, options.clone()).auto_finish();
    writer.write_all(raw).unwrap();
    drop(writer);
    assert!(written == stream, "AutoFinish: {what}");

    let mut read = Vec::new();
    RansEncoder::with_options(raw, options.clone()).read_to_end(&mut read).unwrap();
    assert!(read == stream, "RansEncoder: {what}");

    let mut copied = Vec::new();
    let progress = copy_encode(raw, &mut copied, options.clone()).unwrap();
    assert!(copied == stream, "copy_encode: {what}");
    assert_eq!((progress.raw_bytes(), progress.coded_bytes()), (raw.len() as u64, stream.len() as u64), "{what}");

    decode_every_way(&stream, raw, what);
}

fn decode_every_way(stream: &[u8], raw: &[u8], what: &str) {
    for options in [DecodeOptions::new(), DecodeOptions::new().threads(0)] {
        assert!(decompress(stream, &options).unwrap() == raw, "decompress: {what}");

        let mut back = vec![0xEE; raw.len() + 5];
        assert_eq!(decompress_into(stream, &mut back, &options), Ok(raw.len()), "{what}");
        assert!(back[..raw.len()] == *raw, "decompress_into: {what}");
        assert_eq!(decompress_into(stream, &mut back[..raw.len()], &options), Ok(raw.len()), "{what}");
        assert!(back[..raw.len()] == *raw, "decompress_into an exact slice: {what}");

        let mut back = Vec::new();
        RansReader::with_options(stream, options.clone()).read_to_end(&mut back).unwrap();
        assert!(back == raw, "RansReader: {what}");

        back.clear();
        let mut reader = RansReader::with_options(stream, options.clone());
        let mut part = [0; 53];
        loop {
            let read = reader.read(&mut part).unwrap();
            back.extend(&part[..read]);
            if read == 0 {
                break;
            }
        }
        assert!(back == raw, "RansReader in parts: {what}");

        back.clear();
        let mut reader = RansReader::with_options(stream, options.clone());
        loop {
            let ready = reader.fill_buf().unwrap();
            let len = ready.len().div_ceil(2);
            back.extend(&ready[..len]);
            if len == 0 {
                break;
            }
            reader.consume(len);
        }
        assert!(back == raw, "RansReader as BufRead: {what}");

        let mut decoder = RansDecoder::with_options(Vec::new(), options.clone());
        stream.chunks(59).for_each(|part| decoder.write_all(part).unwrap());
        assert!(decoder.finish().unwrap() == raw, "RansDecoder: {what}");

        back.clear();
        copy_decode(stream, &mut back, options).unwrap();
        assert!(back == raw, "copy_decode: {what}");
    }
}
