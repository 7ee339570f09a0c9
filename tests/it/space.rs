//! The room that state machines give to those who read straight into them.

use ranstream::{
    DecodeOptions, EncodeOptions, compress,
    format::{BlockHeader, StreamHeader},
    stream::{Decoder, Encoder, Op},
};

use crate::data;

/// The first of them is small, as its header may lie; each may be as long as all before it.
#[test]
fn a_large_payload_is_read_in_few_pieces() {
    let raw = data::uniform(1 << 20);
    let stream = compress(&raw, &EncodeOptions::new().block_len(1 << 20)).unwrap();
    let (mut decoder, mut output) = (Decoder::new(DecodeOptions::new()), vec![0; raw.len() + 1]);
    let header = StreamHeader::FIXED_LEN + BlockHeader::LEN;
    decoder.step(&stream[..header], &mut output, Op::Run).unwrap();
    let (mut lens, mut at) = (Vec::new(), header);
    while at < stream.len() {
        let space = decoder.space().unwrap();
        space.copy_from_slice(&stream[at..at + space.len()]);
        let len = space.len();
        decoder.commit(len);
        lens.push(len);
        at += len;
        decoder.step(&[], &mut output, Op::Run).unwrap();
    }
    let first = 64 << 10;
    let rest = (1 << 20) + 4 + BlockHeader::LEN - 16 * first;
    assert_eq!(lens, [first, first, 2 * first, 4 * first, 8 * first, rest, 24], "and the end's payload");
    assert_eq!(output[..raw.len()], raw);
}

/// A live source gets little, one that fills what it gets soon has the whole block.
#[test]
fn a_large_block_is_filled_in_few_pieces() {
    let raw = data::text(200_000);
    let options = EncodeOptions::new().block_len(100_000);
    let mut encoder = Encoder::new(options.clone());
    let (mut lens, mut at) = (Vec::new(), 0);
    while at < raw.len() {
        encoder.consume(encoder.ready().len());
        let space = encoder.space().unwrap();
        let len = space.len();
        space.copy_from_slice(&raw[at..at + len]);
        encoder.commit(len).unwrap();
        lens.push(len);
        at += len;
    }
    let first = 8 << 10;
    let rest = 100_000 - 8 * first;
    assert_eq!(lens, [first, first, 2 * first, 4 * first, rest, 100_000], "the second block has the first one's room");
}

#[test]
fn a_source_that_brings_nothing_gets_no_more_room() {
    let mut encoder = Encoder::new(EncodeOptions::new());
    for _ in 0..5 {
        assert_eq!(encoder.space().unwrap().len(), 8 << 10);
    }
    let mut decoder = Decoder::new(DecodeOptions::new());
    for _ in 0..5 {
        assert_eq!(decoder.space().unwrap().len(), StreamHeader::FIXED_LEN);
    }
}

/// Else a driver whose output is slow would fill the memory with what it cannot write.
#[test]
fn no_block_is_coded_behind_one_that_is_pending() {
    let raw = data::uniform(30_000);
    for part in [10_000, 5000] {
        let mut encoder = Encoder::new(EncodeOptions::new().block_len(10_000));
        let mut taken = 0;
        while taken < raw.len() {
            match encoder.step(&raw[taken..][..part], &mut [], Op::Run).unwrap().consumed {
                0 => break,
                len => taken += len,
            }
        }
        // What comes in a block's parts is copied: one block may be whole, and wait.
        assert_eq!((taken, encoder.uncoded().len()), if part == 10_000 { (10_000, 0) } else { (20_000, 10_000) });
        assert!((10_000..10_100).contains(&encoder.ready().len()), "{}", encoder.ready().len());
        assert_eq!(encoder.space().unwrap().is_empty(), part == 5000);
        encoder.consume(encoder.ready().len());
        assert_eq!(encoder.step(&raw[taken..][..part], &mut [], Op::Run).unwrap().consumed, part);
    }
}
