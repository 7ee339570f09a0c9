//! Message frames and saved models (FORMAT.md, section 11): what must decode, and one for each
//! thing that must be refused.

use ranstream::{
    EncodeOptions, Error, Mode, block,
    error::{Corruption, Feature, Part},
    message::{self, Model},
};

use super::{file, letters};
use crate::assembly::{crc8, crc32c, data_block, sealed};

/// A frame that stands alone, and what it comes to with the model `good-model-skewed`.
pub(super) struct Frame {
    pub(super) name: String,
    pub(super) what: &'static str,
    pub(super) bytes: Vec<u8>,
    pub(super) result: Result<Vec<u8>, Error>,
}

/// A saved model, and its id.
pub(super) struct Saved {
    pub(super) name: String,
    pub(super) what: &'static str,
    pub(super) bytes: Vec<u8>,
    pub(super) result: Result<u32, Error>,
}

pub(super) fn frames() -> Vec<Frame> {
    let mut all = good_frames();
    all.extend(bad_headers());
    all.extend(bad_ends());
    all.extend(bad_payloads());
    all.extend(bare_blocks());
    all
}

/// The example of FORMAT.md: `a` has 3841 slots, every other byte one.
fn skewed() -> Model {
    Model::train(7, [[b'a'; 1000]]).expect("the id is in range")
}

fn skewed_message() -> Vec<u8> {
    [&[b'a'; 20][..], b"rans", &[b'a'; 20]].concat()
}

fn coded(raw: &[u8], model: Option<&Model>) -> Vec<u8> {
    let mut frame = Vec::new();
    message::encode(raw, model, &EncodeOptions::new(), &mut frame).expect("the options are right");
    frame
}

fn good_frames() -> Vec<Frame> {
    let good = |name: &str, what, frame, raw: &[u8]| Frame {
        name: format!("good-message-{name}.message"),
        what,
        bytes: frame,
        result: Ok(raw.to_vec()),
    };
    let (model, text) = (skewed(), letters(200));
    let mut bare = Vec::new();
    let options = EncodeOptions::new().mode(Mode::SingleStream).scale_bits(12);
    block::encode(&text, &options, &mut bare).expect("the options are right");
    let long = [b'a'; 1 << 14];
    vec![
        good("stored", "stored", coded(b"hello", None), b"hello"),
        good("empty", "stored, no byte", coded(b"", None), b""),
        good("stored-200", "stored, a number of two bytes", stored(&[0xC8, 0x01], &text), &text),
        good(
            "modelled",
            "modelled: the example of section 11",
            coded(&skewed_message(), Some(&model)),
            &skewed_message(),
        ),
        good(
            "modelled-no-words",
            "modelled, a payload of 4 bytes: no words",
            coded(&[b'a'; 9], Some(&model)),
            &[b'a'; 9],
        ),
        good("modelled-16384", "modelled, a number of three bytes", coded(&long[..], Some(&model)), &long),
        good("block", "a data block of 200 bytes, single_stream, compact", bare, &text),
        good("block-fill", "a data block, fill", data_block(0x02, 300, b"f"), &[b'f'; 300]),
    ]
}

/// A stored frame with this number before its bytes.
fn stored(number: &[u8], raw: &[u8]) -> Vec<u8> {
    finished(&[&[0x80], number].concat(), raw, 0)
}

/// A frame of header without its check, payload, and the model's check.
fn finished(header: &[u8], payload: &[u8], model_check: u32) -> Vec<u8> {
    let mut frame = [header, &[crc8(header)], payload].concat();
    let check = crc32c(&[&model_check.to_le_bytes(), &frame[..]].concat());
    frame.extend(check.to_le_bytes());
    frame
}

fn model_check(model: &Model) -> u32 {
    let saved = model.save();
    u32::from_le_bytes(*saved.last_chunk().expect("a model has a check"))
}

fn modelled(header: [u8; 4], payload: &[u8]) -> Vec<u8> {
    finished(&header, payload, model_check(&skewed()))
}

fn bad(name: &str, what: &'static str, frame: Vec<u8>, error: Error) -> Frame {
    Frame { name: format!("bad-message-{name}.message"), what, bytes: frame, result: Err(error) }
}

fn corrupt(reason: Corruption) -> Error {
    Error::Corrupt { part: Part::Message, offset: 0, reason }
}

fn length(found: u64, min: u64, max: u64) -> Error {
    corrupt(Corruption::Length { found, min, max })
}

fn bad_headers() -> Vec<Frame> {
    let mut check = coded(b"hello", None);
    check[2] ^= 1;
    let header_check = Corruption::HeaderCheck { stored: check[2].into(), computed: u32::from(check[2] ^ 1) };
    let mut long_and_check = stored(&[0x85, 0x00], b"hello");
    long_and_check[3] ^= 1;
    let five = [0x80, 0x80, 0x80, 0x80, 0x01];
    vec![
        bad(
            "number-of-5-bytes",
            "a number of five bytes",
            stored(&five, b""),
            corrupt(Corruption::Field { field: "number", found: 0 }),
        ),
        bad("number-not-shortest", "5 in two bytes", stored(&[0x85, 0x00], b"hello"), corrupt(Corruption::Padding)),
        bad(
            "number-before-header-check",
            "5 in two bytes, and a wrong header check",
            long_and_check,
            corrupt(Corruption::Padding),
        ),
        bad("header-check", "a wrong header check", check, corrupt(header_check)),
        bad(
            "raw-length",
            "2^24 + 1 raw bytes, none of which is there",
            stored(&[0x81, 0x80, 0x80, 0x08], b""),
            length((1 << 24) + 1, 0, 1 << 24),
        ),
        bad("modelled-raw-length", "modelled, 3 raw bytes", modelled([0x81, 7, 3, 4], &[0; 4]), length(3, 4, 1 << 24)),
        bad(
            "modelled-payload-length",
            "modelled, a payload of 3 bytes",
            modelled([0x81, 7, 9, 3], &[0; 3]),
            length(3, 4, 9),
        ),
        bad(
            "modelled-longer-than-raw",
            "modelled, a payload of 10 bytes for 9",
            modelled([0x81, 7, 9, 10], &[0; 10]),
            length(10, 4, 9),
        ),
    ]
}

fn bad_ends() -> Vec<Frame> {
    let hello = coded(b"hello", None);
    let whole = coded(&skewed_message(), Some(&skewed()));
    let cut = |name: &str, what, frame: &[u8], len: usize| {
        bad(&format!("truncated-{name}"), what, frame[..len].to_vec(), Error::Truncated { offset: len as u64 })
    };
    let unknown = finished(&[0x81, 8, 9, 4], &[0; 4], 0);
    let mut check = hello.clone();
    check[5] ^= 1;
    let found = |frame: &[u8], model_check: u32| {
        let (signed, stored) = frame.split_last_chunk().expect("a frame has a check");
        let computed = crc32c(&[&model_check.to_le_bytes(), signed].concat());
        corrupt(Corruption::PayloadCheck { stored: u32::from_le_bytes(*stored), computed })
    };
    let other = coded(&[b'b'; 40], Some(&Model::train(7, [[b'b'; 1000]]).expect("the id is in range")));
    let (check_error, other_error) = (found(&check, 0), found(&other, model_check(&skewed())));
    vec![
        cut("to-nothing", "no byte at all", &hello, 0),
        cut("number", "ends in a number", &stored(&[0xC8, 0x01], b""), 2),
        cut("header", "ends before its header check", &whole, 4),
        cut("payload", "ends in its payload", &whole, 9),
        cut("check", "ends in its check", &hello, hello.len() - 1),
        bad(
            "trailing",
            "a frame, then one byte",
            [&hello[..], b"\n"].concat(),
            Error::TrailingData { offset: hello.len() as u64 },
        ),
        bad("unknown-model", "model 8, and a wrong check", unknown, Error::UnknownModel { id: 8 }),
        bad("check", "a wrong check", check, check_error),
        bad("other-model", "coded with another model of the same id", other, other_error),
    ]
}

fn bad_payloads() -> Vec<Frame> {
    let whole = coded(&skewed_message(), Some(&skewed()));
    let payload = &whole[5..13];
    let of = |raw_len: u8, payload: &[u8]| modelled([0x81, 7, raw_len, payload.len() as u8], payload);
    let lane_end = || corrupt(Corruption::LaneEnd { lane: 0 });
    vec![
        bad(
            "state-below",
            "a state of 0xffff, and an odd number of bytes",
            of(44, &[0xFF, 0xFF, 0, 0, 0]),
            corrupt(Corruption::Field { field: "state", found: 0xFFFF }),
        ),
        bad(
            "odd-payload",
            "a payload of 7 bytes",
            of(44, &payload[..7]),
            corrupt(Corruption::PayloadEnds { field: "words", length: 7 }),
        ),
        bad("word-missing", "runs out of words", of(44, &payload[..6]), lane_end()),
        bad("word-left", "has a word left", of(44, &[payload, &[0, 0]].concat()), lane_end()),
        bad("end-state", "ends in another state", of(43, payload), lane_end()),
    ]
}

/// Frames that are data blocks, or begin like blocks.
fn bare_blocks() -> Vec<Frame> {
    let in_block = |part, reason| Error::Corrupt { part, offset: 0, reason };
    let tag = |found: u64| in_block(Part::Block(0), Corruption::Field { field: "tag", found });
    let mut check = data_block(0x02, 300, b"f");
    check[7] ^= 1;
    let header_check = Corruption::HeaderCheck { stored: check[7].into(), computed: u32::from(check[7] ^ 1) };
    let unsupported = |name: &str, what, frame, tag| Frame {
        name: format!("unsupported-message-{name}.message"),
        what,
        bytes: frame,
        result: Err(Error::Unsupported { feature: Feature::Tag(tag), offset: 0 }),
    };
    vec![
        bad("is-end", "an end block", data_block(0x40, 1, &[0; 20]), tag(0x40)),
        bad("is-application-data", "a skippable block", sealed([0x41, 1, 0, 0, 0, 0, 0], b""), tag(0x41)),
        bad(
            "block-header-check",
            "a data block with a wrong header check",
            check,
            in_block(Part::Block(0), header_check),
        ),
        bad(
            "block-header-cut",
            "7 bytes of a data block",
            data_block(0x02, 300, b"f")[..7].to_vec(),
            Error::Truncated { offset: 7 },
        ),
        unsupported("tag-3f", "tag 0x3f, reserved for data blocks", data_block(0x3F, 4, b"????"), 0x3F),
        unsupported("tag-82", "tag 0x82, never used", data_block(0x82, 4, b"????"), 0x82),
    ]
}

pub(super) fn models() -> Vec<Saved> {
    let good = |name: &str, what, model: &Model| Saved {
        name: format!("good-model-{name}.model"),
        what,
        bytes: model.save(),
        result: Ok(model.id()),
    };
    let trained = |id, sample: &[u8]| Model::train(id, [sample]).expect("the id is in range");
    let mut all = vec![
        good("skewed", "the example of section 11, which the messages here are coded with", &skewed()),
        good("uniform", "256 equal frequencies", &Model::train(0, [[]; 0]).expect("the id is in range")),
        good("largest-id", "id 2^28 - 1", &trained(Model::MAX_ID, &letters(500))),
    ];
    all.extend(bad_models());
    all
}

fn bad_models() -> Vec<Saved> {
    let saved = skewed().save();
    let body = &saved[..saved.len() - 4];
    let resealed = |body: &[u8]| [body, &crc32c(body).to_le_bytes()].concat();
    let changed = |at: usize, value: u8| {
        let mut body = body.to_vec();
        body[at] = value;
        resealed(&body)
    };
    let bad = |name: &str, what, bytes, reason| Saved {
        name: format!("bad-model-{name}.model"),
        what,
        bytes,
        result: Err(Error::Corrupt { part: Part::Model, offset: 0, reason }),
    };
    let field = |field, found| Corruption::Field { field, found };
    let mut check = saved.clone();
    check[5] ^= 1;
    let check_reason = Corruption::PayloadCheck {
        stored: u32::from_le_bytes(*saved.last_chunk().expect("a model has a check")),
        computed: crc32c(&check[..check.len() - 4]),
    };
    // One symbol: n - 1 = 0 in three bits, the symbol in eight.
    let one_symbol = [&body[..10], &[0b0000_1000, 0b0000_0011]].concat();
    vec![
        bad("check", "a wrong check", check, check_reason),
        bad("cut", "ends in its check", saved[..3].to_vec(), Corruption::PayloadEnds { field: "check", length: 3 }),
        bad("magic", "a wrong magic", changed(3, b's'), field("magic", 0x7353_4E52)),
        bad("version", "version 2", changed(4, 2), field("version", 2)),
        bad("id", "id 2^28", resealed(&[&body[..5], &[0, 0, 0, 0x10], &body[9..]].concat()), field("id", 1 << 28)),
        bad(
            "table",
            "ends in its table",
            resealed(&body[..body.len() - 2]),
            Corruption::PayloadEnds { field: "table", length: body.len() as u64 - 2 },
        ),
        bad(
            "goes-on",
            "a byte behind its table",
            resealed(&[body, b"\0"].concat()),
            Corruption::PayloadGoesOn { extra: 1 },
        ),
        bad(
            "absent-symbol",
            "a table of one symbol",
            resealed(&one_symbol),
            field("first byte without a frequency", 0),
        ),
    ]
}

#[test]
fn every_frame_decodes_to_its_bytes_or_its_error() {
    let models = [skewed()];
    for Frame { name, bytes, result, .. } in frames() {
        let frame = file(&name, &bytes);
        let needed = message::lengths(&frame).ok().flatten().map_or(0, |lengths| lengths.raw);
        let mut raw = vec![0; needed.min(1 << 20)];
        let decoded = message::decode(&frame, &models, &mut raw).map(|len| raw[..len].to_vec());
        assert_eq!(decoded, result, "{name}");
    }
}

#[test]
fn every_model_is_loaded_or_refused() {
    for Saved { name, bytes, result, .. } in models() {
        let bytes = file(&name, &bytes);
        let loaded = Model::load(&bytes);
        assert_eq!(loaded.as_ref().map(Model::id), result.as_ref().copied(), "{name}");
        if let Ok(model) = loaded {
            assert_eq!(model.save(), bytes, "{name} is saved otherwise");
        }
    }
}
