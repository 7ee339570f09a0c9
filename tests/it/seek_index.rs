//! What an index says is believed only as far as something else shows it.

use std::io::{Cursor, ErrorKind, Read, Seek, SeekFrom};

use ranstream::{
    DecodeOptions, EncodeOptions, Error, Mode, RansReader,
    error::{Corruption, Part},
    format::{BlockHeader, BlockMode, EndBlock, StreamHeader},
};

use crate::{
    assembly::{self, Assembled, Assembly, crc8},
    data,
    outcomes::from_io,
};

/// A stream with an index, its block headers, and the raw bytes.
fn indexed() -> (Assembled, Vec<u8>) {
    let (lanes, stored) = (EncodeOptions::new().mode(Mode::Lanes), EncodeOptions::new().mode(Mode::Stored));
    let header = StreamHeader { max_block_log2: 10, content_length: None, content_check: false, index: true };
    let assembly = Assembly::new(header)
        .data(&data::two_symbols(700), &lanes, BlockMode::Lanes)
        .application_data(1, b"application data")
        .data(&data::uniform(100), &stored, BlockMode::Stored)
        .data(&data::two_symbols(500), &lanes, BlockMode::Lanes);
    let entries = assembly.entries().to_vec();
    (assembly.finish(), entries)
}

/// The stream with another index block.
fn with_index(good: &Assembled, index: &[u8]) -> Vec<u8> {
    let end = good.elements.last().unwrap().coded.start;
    [&good.stream[..end], index].concat()
}

#[test]
fn an_index_with_a_wrong_check_is_not_used() {
    let (good, _) = indexed();
    let index = good.elements.last().unwrap().coded.clone();
    for bit in (index.start + BlockHeader::LEN) * 8..index.end * 8 {
        let mut stream = good.stream.clone();
        stream[bit / 8] ^= 1 << (bit % 8);
        let mut reader = RansReader::new(Cursor::new(&stream));
        reader.seek(SeekFrom::Start(750)).unwrap();
        let mut part = [0; 100];
        reader.read_exact(&mut part).unwrap();
        assert_eq!(part, good.raw[750..850], "bit {bit}");
    }
}

/// Wrong numbers under right checks: each leads to an error when it would lead astray.
#[test]
fn an_index_that_lies() {
    let (good, entries) = indexed();
    let before = good.elements.last().unwrap().coded.start;
    let mut lies = Vec::new();
    for (entry, field, by) in (0..4).flat_map(|entry| [(entry, 1, 1), (entry, 1, -1), (entry, 4, 1), (entry, 4, -1)]) {
        let mut wrong = entries.clone();
        let bytes = &mut wrong[entry * 8..entry * 8 + 8];
        bytes[field] = bytes[field].wrapping_add_signed(by);
        bytes[7] = crc8(&bytes[..7]);
        lies.push(assembly::index_block(&wrong, before));
    }
    let mut swapped = entries.clone();
    swapped.rotate_left(8);
    lies.push(assembly::index_block(&swapped, before));
    lies.push(assembly::index_block(&entries[8..], before));
    lies.push(assembly::index_block(&[&entries[..], &entries[..8]].concat(), before));
    for by in [-1, 1, -100, 100_000] {
        let len = (before + entries.len() + 28) as u64;
        lies.push(assembly::index_with_footer(&entries, len.wrapping_add_signed(by), 4, *b"RNSI"));
    }
    for (number, lie) in lies.iter().enumerate() {
        let stream = with_index(&good, lie);
        for position in (0..good.raw.len()).step_by(90) {
            let mut reader = RansReader::new(Cursor::new(&stream));
            let mut part = Vec::new();
            let result = reader
                .seek(SeekFrom::Start(position as u64))
                .and_then(|_| reader.by_ref().take(50).read_to_end(&mut part));
            let right = &good.raw[position..good.raw.len().min(position + 50)];
            assert!(right.starts_with(&part), "lie {number}, position {position}");
            match result {
                Ok(_) => assert_eq!(part, right),
                Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidData),
            }
        }
        let mut reader = RansReader::new(Cursor::new(&stream));
        if let Ok(len) = reader.seek(SeekFrom::End(0)) {
            assert_eq!(len, good.raw.len() as u64, "lie {number}");
        }
        reader.rewind().unwrap_or_default();
        reader.read_to_end(&mut Vec::new()).expect_err("whoever reads all of it sees the lie");
    }
}

/// Of the three data blocks the first and the last are given wrong lengths, whose sum is right:
/// what lies between them is found at a wrong place, unless the headers before it are read.
#[test]
fn an_index_whose_lies_cancel() {
    let (good, entries) = indexed();
    let before = good.elements.last().unwrap().coded.start;
    let mut wrong = entries.clone();
    for (entry, by) in [(0, 10), (3, -10)] {
        let bytes = &mut wrong[entry * 8..entry * 8 + 8];
        bytes[1] = bytes[1].wrapping_add_signed(by);
        bytes[7] = crc8(&bytes[..7]);
    }
    let stream = with_index(&good, &assembly::index_block(&wrong, before));
    let read_at = |options: DecodeOptions, position: u64| {
        let mut reader = RansReader::with_options(Cursor::new(&stream), options);
        reader.seek(SeekFrom::Start(position))?;
        let mut byte = [0];
        reader.read_exact(&mut byte).map(|()| byte[0])
    };
    let trusted = read_at(DecodeOptions::new(), 750).unwrap();
    assert_eq!(trusted, good.raw[740], "nothing that is read by default shows it");
    let verified = DecodeOptions::new().verify_index(true);
    for position in [5, 709, 750, 809, 810, 1299] {
        let error = from_io(read_at(verified.clone(), position).unwrap_err());
        let reason = Corruption::IndexMismatch;
        assert_eq!(error, Error::Corrupt { part: Part::Index, offset: 8, reason }, "position {position}");
    }
    assert_eq!(RansReader::with_options(Cursor::new(&stream), verified).seek(SeekFrom::End(0)).unwrap(), 1300);
}

#[test]
fn an_index_that_is_verified_leads_to_the_right_places() {
    let (good, _) = indexed();
    let mut reader = RansReader::with_options(Cursor::new(&good.stream), DecodeOptions::new().verify_index(true));
    for position in [1299_usize, 3, 1000, 750, 0, 699, 700] {
        reader.seek(SeekFrom::Start(position as u64)).unwrap();
        let mut byte = [0];
        reader.read_exact(&mut byte).unwrap();
        assert_eq!(byte[0], good.raw[position], "position {position}");
    }
}

/// The blocks are as the index says, the sum in the end block is not.
#[test]
fn an_end_block_that_contradicts_the_index() {
    let (good, entries) = indexed();
    let end_at = good.elements[5].coded.clone();
    let (raw_len, blocks) = (good.raw.len() as u64, 4);
    for (raw_len, blocks) in [(raw_len + 1, blocks), (raw_len - 1, blocks), (raw_len, 3), (raw_len, 5)] {
        let mut end = Vec::new();
        EndBlock { raw_len, blocks, sequence_check: 0, content_check: None }.write(&mut end);
        let stream = [&good.stream[..end_at.start], &end, &assembly::index_block(&entries, end_at.end)].concat();
        let error = from_io(RansReader::new(Cursor::new(&stream)).seek(SeekFrom::End(0)).unwrap_err());
        assert!(
            matches!(error, Error::Corrupt { part: Part::Index, reason: Corruption::IndexMismatch, .. }),
            "{error}"
        );
    }
}
