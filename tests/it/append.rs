//! Logs that are appended to, session after session, some of which a crash ended.

use std::{
    fs::{self, File, OpenOptions},
    io::{Cursor, Read as _, Write as _},
    path::Path,
};

use ranstream::{
    Base, DecodeOptions, EncodeOptions, Error, Layout, RansReader, RansWriter, compress,
    error::{Feature, Part},
    outline::BlockMap,
    recover::{Closed, Found, Recovery, close_unfinished},
};

use crate::outcomes::from_io;

fn open(path: &Path) -> File {
    OpenOptions::new().read(true).append(true).create(true).open(path).unwrap()
}

fn session(path: &Path, number: u32, options: &EncodeOptions, crashes: bool) {
    let mut log = RansWriter::append(open(path), options.clone()).unwrap();
    for line in 0..200 {
        writeln!(log, "session {number} line {line}").unwrap();
        if line % 20 == 19 {
            log.flush().unwrap();
        }
    }
    if !crashes {
        log.finish().unwrap();
    }
}

fn text(path: &Path) -> String {
    let mut text = String::new();
    RansReader::new(File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

fn variants() -> [EncodeOptions; 3] {
    let options = EncodeOptions::new();
    [options.clone(), options.clone().index(true), options.content_check(true).index(true).index_max_blocks(3)]
}

#[test]
fn every_session_is_read_whether_or_not_it_crashed() {
    let folder = tempfile::tempdir().unwrap();
    for (number, options) in variants().into_iter().enumerate() {
        let path = folder.path().join(number.to_string());
        for (session_number, crashes) in [false, true, true, false, true].into_iter().enumerate() {
            session(&path, session_number as u32, &options, crashes);
        }
        let len = fs::metadata(&path).unwrap().len();
        let closed = close_unfinished(&mut open(&path)).unwrap();
        assert!(closed.closed && closed.cut == 0 && closed.len > len, "{closed:?}");
        assert_eq!(text(&path).lines().count(), 1000);
        assert!(!close_unfinished(&mut open(&path)).unwrap().closed, "once is enough");
    }
}

/// Wherever the crash was: whole blocks stay, a torn one goes, and the next session is read.
#[test]
fn a_log_that_is_cut_anywhere_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    for options in variants() {
        fs::remove_file(&path).ok();
        session(&path, 0, &options, false);
        let first = fs::metadata(&path).unwrap().len() as usize;
        session(&path, 1, &options, false);
        let (whole, all) = (fs::read(&path).unwrap(), text(&path));
        for len in (0..40).chain(first - 40..first + 40).chain((first + 40..whole.len()).step_by(37)) {
            fs::write(&path, &whole[..len]).unwrap();
            let mut log = RansWriter::append(open(&path), options.clone()).unwrap();
            log.write_all(b"and on").unwrap();
            log.finish().unwrap();
            let text = text(&path);
            let kept = text.strip_suffix("and on").unwrap();
            assert!(all.starts_with(kept), "cut at {len}");
            let whole_blocks: usize = Recovery::new(&whole[..len])
                .map(|found| if let Found::Block { raw, .. } = found.unwrap() { raw.len() } else { 0 })
                .sum();
            assert_eq!(kept.len(), whole_blocks, "cut at {len}");
        }
    }
}

/// File systems lengthen a file before they write it: zeros, or anything, where a block should be.
#[test]
fn a_tail_that_was_never_written_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    for crashes in [false, true] {
        for tail in [&[0; 5000][..], b"garbage", &[0xFF; 100]] {
            fs::remove_file(&path).ok();
            session(&path, 0, &EncodeOptions::new(), crashes);
            open(&path).write_all(tail).unwrap();
            let closed = close_unfinished(&mut open(&path)).unwrap();
            assert_eq!((closed.cut, closed.closed), (tail.len() as u64, crashes));
            session(&path, 1, &EncodeOptions::new(), false);
            assert_eq!(text(&path).lines().count(), 400);
        }
    }
}

/// Nothing is cut that holds a block, and nothing but a missing end is mended.
#[test]
fn what_is_more_than_a_missing_end_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let stream = compress(&[7; 5000], &EncodeOptions::new().block_len(1000)).unwrap();
    let declared = compress(&[7; 5000], &EncodeOptions::new().block_len(1000).content_length(5000)).unwrap();
    let mut in_the_middle = stream.clone();
    in_the_middle[8] ^= 1;
    let without_end = &stream[..stream.len() - 32];
    let mut without_a_block = stream.clone();
    without_a_block.drain(8..8 + 13);
    for (name, bytes) in [
        ("text", b"a text file".to_vec()),
        ("damage in the middle", in_the_middle),
        ("unfinished in the middle", [without_end, &stream].concat()),
        ("a block is missing", without_a_block),
        ("a declared length", declared[..declared.len() - 32 - 13].to_vec()),
    ] {
        fs::write(&path, &bytes).unwrap();
        close_unfinished(&mut open(&path)).expect_err(name);
        RansWriter::append(open(&path), EncodeOptions::new()).expect_err(name);
        assert!(fs::read(&path).unwrap() == bytes, "{name}");
    }
    fs::write(&path, &declared[..declared.len() - 32 - 13]).unwrap();
    let error = from_io(close_unfinished(&mut open(&path)).unwrap_err());
    assert_eq!(error, Error::ContentLength { declared: 5000, actual: 4000 });
}

/// Blocks over a base, whose checks are right, and which nobody can decode without it.
fn over_a_base() -> Vec<u8> {
    let old: Vec<u8> = (1..4000_u32).flat_map(|i| (1.0 / i as f32).to_le_bytes()).collect();
    let options = EncodeOptions::new().block_len(4000).layout(Layout::f32());
    compress(&old, &options.base(Base::from_bytes(old.clone()))).unwrap()
}

/// A block of a newer version, or one over a base, may well be right: it is not cut off, wherever
/// it is.
#[test]
fn nothing_is_cut_that_cannot_be_decoded_here() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let newer = include_bytes!("../golden/unsupported-planes-form.rans");
    let newer = &newer[..newer.len() - 32];
    let over_a_base = over_a_base();
    let over_a_base = &over_a_base[..over_a_base.len() - 32];
    let behind_damage = |blocks: &[u8]| {
        let mut bytes = compress(&[7; 100], &EncodeOptions::new()).unwrap();
        bytes.truncate(bytes.len() - 32);
        bytes[10] ^= 1;
        [&bytes, blocks].concat()
    };
    let missing_base = |error| matches!(error, Error::NeedsBase { .. });
    let newer_feature = |error| matches!(error, Error::Unsupported { feature: Feature::Form(8), .. });
    let damage = |error| matches!(error, Error::Corrupt { part: Part::Block(0), .. });
    let cases = [
        (newer, newer_feature as fn(Error) -> bool),
        (over_a_base, missing_base),
        // The second block of the golden file; what stands before it is damaged.
        (&behind_damage(&newer[21..]), damage),
        (&behind_damage(&over_a_base[8..]), damage),
    ];
    for (case, (bytes, is_expected)) in cases.into_iter().enumerate() {
        fs::write(&path, bytes).unwrap();
        let error = from_io(close_unfinished(&mut open(&path)).unwrap_err());
        assert!(is_expected(error.clone()), "case {case}: {error}");
        assert!(fs::read(&path).unwrap() == bytes, "case {case}");
    }
}

/// A block that cannot be decoded here is lost, and counted.
#[test]
fn recovery_tells_which_blocks_are_lost_for_want_of_a_base() {
    let stream = over_a_base();
    let blocks = BlockMap::read(&mut Cursor::new(&stream), &DecodeOptions::new()).unwrap();
    let starts: Vec<_> = (0..blocks.len()).map(|at| blocks.block(at).unwrap().offset as usize).collect();
    let plain = compress(&[7; 100], &EncodeOptions::new()).unwrap();
    let plain = &plain[8..plain.len() - 32];
    let input = [&stream[..starts[1]], plain, &stream[starts[1]..starts[3]], plain].concat();
    let mut recovery = Recovery::new(&input[..]);
    let found: Vec<_> = recovery.by_ref().collect::<Result<_, _>>().unwrap();
    let (first, second) = (starts[1], starts[3] + plain.len());
    let lost = |from: usize, to: usize| Found::Lost { place: from as u64..to as u64 };
    let block = |at: usize| Found::Block { raw: vec![7; 100], place: at as u64..(at + plain.len()) as u64 };
    assert_eq!(found, [lost(8, first), block(first), lost(first + plain.len(), second), block(second)]);
    assert_eq!(recovery.undecodable_blocks(), 3);
    let all = 0..input.len() as u64;
    assert_eq!(recovery.unfinished_streams(), [all]);
}

#[test]
fn a_file_without_a_byte_is_a_log_without_a_session() {
    let file = tempfile::tempfile().unwrap();
    let closed = close_unfinished(&mut file.try_clone().unwrap()).unwrap();
    assert!(matches!(closed, Closed { len: 0, cut: 0, closed: false, .. }));
}

#[test]
fn recovery_tells_which_streams_have_no_end() {
    let mut log = Vec::new();
    let mut writer = RansWriter::new(&mut log);
    for line in 0..10 {
        writeln!(writer, "session 1 line {line}").unwrap();
        writer.flush().unwrap();
    }
    drop(writer);
    let cut = log.len() as u64;
    let whole = compress(b"session 2\n", &EncodeOptions::new()).unwrap();
    log.extend(&whole);
    log.extend(&whole[..whole.len() - 32]);
    let mut recovery = Recovery::new(&log[..]);
    assert_eq!(recovery.by_ref().filter(|found| matches!(found, Ok(Found::Block { .. }))).count(), 12);
    let (second, end) = (cut + whole.len() as u64, log.len() as u64);
    assert_eq!(recovery.unfinished_streams(), [0..cut, second..end]);
    assert!(recovery.is_unfinished());
    assert!(recovery.next().is_none());
    assert_eq!(recovery.unfinished_streams().len(), 2, "the end comes once");

    // Without its header a stream begins where its first block does.
    let mut recovery = Recovery::new(&log[8..cut as usize]);
    recovery.by_ref().for_each(drop);
    assert_eq!(recovery.unfinished_streams(), std::slice::from_ref(&(0..cut - 8)));
}
