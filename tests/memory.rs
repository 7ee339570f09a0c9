//! What the heap holds at most, counted by an allocator of its own: lengths in an input never
//! become memory.

use std::{
    io::{self, Cursor, Read, Seek as _, SeekFrom, Write},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crc::{CRC_32_ISCSI, Crc};
use peak_alloc::PeakAlloc;
use ranstream::{
    DecodeOptions, EncodeOptions, Error, Layout, Limit, Limits, Mode, RansReader, RansWriter, block, compress,
    compress_into, decompress, decompress_into,
    format::{BlockHeader, BlockMode, StreamHeader},
    read::RansEncoder,
    recover::Recovery,
    stream::{Decoder, Encoder, Op, Status},
    write::RansDecoder,
};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const MIB: usize = 1 << 20;

/// Raw bytes of the largest block there is.
const LARGEST: usize = 16 * MIB;

/// Buffers beside the blocks themselves.
const SLACK: usize = 256 << 10;

/// A kilobyte of fill blocks that claim 16 MiB each, in a stream that claims 1 TiB: 75 of them are
/// 1.2 GiB.
fn claims_of_fill() -> Vec<u8> {
    let mut stream = header(Some(1 << 40));
    while stream.len() < 1000 {
        stream.extend(fill_block(LARGEST));
    }
    stream
}

/// A block that claims to be stored in 16 MiB, of which less than a kilobyte is there.
fn claims_of_stored() -> Vec<u8> {
    let mut stream = header(Some(1 << 40));
    let claim = BlockHeader::Data { mode: BlockMode::Stored, raw_len: LARGEST, payload_len: LARGEST };
    stream.extend(claim.to_bytes());
    stream.resize(1024, 0);
    stream
}

#[test]
fn a_kilobyte_that_claims_a_terabyte_is_streamed_within_two_blocks() {
    let heap = Heap::alone();
    let stream = claims_of_fill();
    let blocks = (stream.len() - StreamHeader::MAX_LEN) / 13;
    let truncated = Error::Truncated { offset: stream.len() as u64 };

    let peak = heap.peak_of(|| {
        let mut sink = Counter::default();
        let error = io::copy(&mut RansReader::new(&stream[..]), &mut sink).unwrap_err();
        assert_eq!((sink.0, Error::try_from(error).unwrap()), (blocks * LARGEST, truncated.clone()));
    });
    assert!(peak <= 2 * LARGEST + SLACK, "RansReader: {peak}");

    let peak = heap.peak_of(|| {
        let mut decoder = RansDecoder::new(Counter::default());
        decoder.write_all(&stream).unwrap();
        let error = decoder.try_finish().unwrap_err();
        assert_eq!((decoder.get_ref().0, Error::try_from(error).unwrap()), (blocks * LARGEST, truncated.clone()));
    });
    assert!(peak <= 2 * LARGEST + SLACK, "RansDecoder: {peak}");

    let mut out = vec![0; MIB];
    let peak = heap.peak_of(|| {
        let error = decompress_into(&stream, &mut out, &DecodeOptions::new()).unwrap_err();
        assert_eq!(error, Error::OutputTooSmall { needed: LARGEST as u64, available: MIB as u64 });
    });
    assert!(peak <= 2 * LARGEST + SLACK, "decompress_into: {peak}");
}

#[test]
fn a_kilobyte_that_claims_a_terabyte_is_refused_before_anything_is_allocated() {
    let heap = Heap::alone();
    let stream = claims_of_fill();
    for (limits, limit) in [
        (Limits::new().max_output(10 << 20), Limit::Output),
        (Limits::new().max_block_len(MIB), Limit::BlockLen),
        (Limits::new().max_memory(MIB), Limit::Memory),
    ] {
        for threads in [1, 2] {
            let options = DecodeOptions::new().limits(limits).threads(threads);
            let peak = heap.peak_of(|| {
                let error = decompress(&stream, &options).unwrap_err();
                assert!(
                    matches!(error, Error::LimitExceeded { limit: found, offset: 20, .. } if found == limit),
                    "{error}"
                );
            });
            assert!(peak <= SLACK, "{limit:?}, {threads} threads: {peak}");
        }
    }
}

#[test]
fn a_payload_is_waited_for_with_what_has_arrived() {
    let heap = Heap::alone();
    let stream = claims_of_stored();
    let truncated = Error::Truncated { offset: 1024 };
    let peak = heap.peak_of(|| assert_eq!(decompress(&stream, &DecodeOptions::new()), Err(truncated.clone())));
    assert!(peak <= SLACK, "decompress: {peak}");
    let peak = heap.peak_of(|| {
        let error = RansReader::new(&stream[..]).read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(Error::try_from(error).unwrap(), truncated);
    });
    assert!(peak <= SLACK, "RansReader: {peak}");
    let peak = heap.peak_of(|| {
        let mut decoder = RansDecoder::new(io::sink());
        decoder.write_all(&stream).unwrap();
        assert_eq!(Error::try_from(decoder.try_finish().unwrap_err()).unwrap(), truncated);
    });
    assert!(peak <= SLACK, "RansDecoder: {peak}");
    let peak = heap.peak_of(|| assert_eq!(Recovery::new(&stream[..]).count(), 1, "all of it is lost"));
    assert!(peak <= 2 * SLACK + SLACK, "Recovery: {peak}");
}

#[test]
fn application_data_of_4_gib_is_stepped_over() {
    let heap = Heap::alone();
    let mut stream = header(None);
    stream.extend(BlockHeader::Skippable { kind: 1, payload_len: u32::MAX }.to_bytes());
    let input = || stream.chain(io::repeat(0).take(50 << 20));
    let peak = heap.peak_of(|| {
        let error = RansReader::new(input()).read(&mut [0]).unwrap_err();
        assert!(matches!(Error::try_from(error), Ok(Error::Truncated { .. })));
    });
    assert!(peak <= SLACK, "{peak}");
}

#[test]
fn a_million_tiny_blocks_stop_at_the_largest_output() {
    let heap = Heap::alone();
    let mut stream = header(None);
    let block = fill_block(100);
    stream.extend(block.repeat(1_000_000));
    let limits = Limits::new().max_output(1_000_050);
    let options = DecodeOptions::new().limits(limits);
    let offset = (StreamHeader::FIXED_LEN + 10_000 * block.len()) as u64;
    let refused = Error::LimitExceeded { limit: Limit::Output, found: 1_000_100, allowed: 1_000_050, offset };

    let peak = heap.peak_of(|| assert_eq!(decompress(&stream, &options), Err(refused.clone())));
    // The result grows by doubling, and for a moment the old and the new one are there.
    assert!(peak <= 3 * MIB + SLACK, "decompress: {peak}");
    for threads in [1, 2] {
        let options = options.clone().threads(threads);
        let peak = heap.peak_of(|| {
            let mut sink = Counter::default();
            let error = io::copy(&mut RansReader::with_options(&stream[..], options.clone()), &mut sink).unwrap_err();
            assert_eq!((sink.0, Error::try_from(error).unwrap()), (1_000_000, refused.clone()));
        });
        assert!(peak <= SLACK, "RansReader, {threads} threads: {peak}");
        let peak = heap.peak_of(|| {
            let mut decoder = RansDecoder::with_options(Counter::default(), options);
            let error = decoder.write_all(&stream).unwrap_err();
            assert_eq!((decoder.get_ref().0, Error::try_from(error).unwrap()), (1_000_000, refused.clone()));
        });
        assert!(peak <= SLACK, "RansDecoder, {threads} threads: {peak}");
    }
}

#[test]
fn an_index_that_lies_is_no_reason_to_allocate() {
    let heap = Heap::alone();
    let whole = compress(&[7; 5000], &EncodeOptions::new().block_len(1000).index(true)).unwrap();
    for entries in [6, 1000, u32::MAX] {
        let mut stream = whole.clone();
        let count_at = stream.len() - 12;
        stream[count_at..count_at + 4].copy_from_slice(&entries.to_le_bytes());
        let peak = heap.peak_of(|| {
            let mut reader = RansReader::new(Cursor::new(&stream));
            reader.seek(SeekFrom::Start(4321)).unwrap();
            let mut part = [0; 10];
            reader.read_exact(&mut part).unwrap();
            assert_eq!(part, [7; 10]);
        });
        assert!(peak <= SLACK, "{entries} entries: {peak}");
    }
}

#[test]
fn a_quarter_gigabyte_streams_through_in_the_memory_of_its_blocks() {
    let heap = Heap::alone();
    let pushed = |len, threads| heap.peak_of(|| push(len, 0, threads));
    let pulled = |len, threads| heap.peak_of(|| pull(len, 0, threads));
    // One block on each side, raw and coded; a buffer that grows is there twice for a moment. A
    // decoder may have two at once, and a reader asks for a little more.
    let one_thread = (2 * 2 + 1) * BLOCK_LEN + TOGETHER + SLACK;
    for (what, peak) in [("pushed", pushed(256 * MIB, 1)), ("pulled", pulled(32 * MIB, 1))] {
        assert!(peak <= one_thread, "{what}: {peak}");
    }
    // On each side six blocks in flight, raw and coded, one in the making and one on its way out.
    // Each worker, and the caller, keeps the stacks that it codes words to, at most two bytes for a
    // raw byte.
    let two_threads = 2 * 8 * 2 * BLOCK_LEN + 3 * 2 * BLOCK_LEN + SLACK;
    for (what, peak) in [("pushed", pushed(32 * MIB, 2)), ("pulled", pulled(32 * MIB, 2))] {
        assert!(peak <= two_threads, "{what} with two threads: {peak}");
    }
}

/// A worker that looks for matches keeps its tables and the streams of a chunk, whatever the stream
/// is long.
#[test]
fn matches_take_memory_by_the_block_and_the_chunk() {
    let heap = Heap::alone();
    for (level, tables) in [(1, 128 << 10), (3, 384 << 10), (6, 3 << 20)] {
        let kept = tables + 8 * CHUNK_LEN + SLACK;
        let pushed = heap.peak_of(|| push(16 * MIB, level, 1));
        let pulled = heap.peak_of(|| pull(16 * MIB, level, 1));
        println!("level {level}: {pushed} pushed, {pulled} pulled, kept at most {kept}");
        assert!(pushed.max(pulled) <= (2 * 2 + 1) * BLOCK_LEN + TOGETHER + kept, "level {level}: {pushed}, {pulled}");
    }
}

const CHUNK_LEN: usize = 256 << 10;
const BLOCK_LEN: usize = 256 << 10;

/// What a second block takes beside the first.
const TOGETHER: usize = 2 * BLOCK_LEN + BLOCK_LEN / 8;

fn push(len: usize, level: u8, threads: usize) {
    let decoder = RansDecoder::with_options(Counter::default(), DecodeOptions::new().threads(threads));
    let mut writer =
        RansWriter::with_options(decoder, EncodeOptions::new().level(level).threads(threads).block_len(BLOCK_LEN));
    assert_eq!(io::copy(&mut Source::new(len), &mut writer).unwrap(), len as u64);
    assert_eq!(writer.finish().unwrap().finish().unwrap().0, len);
}

fn pull(len: usize, level: u8, threads: usize) {
    let options = EncodeOptions::new().level(level).threads(threads).block_len(BLOCK_LEN);
    let encoder = RansEncoder::with_options(Source::new(len), options);
    let mut reader = RansReader::with_options(encoder, DecodeOptions::new().threads(threads));
    assert_eq!(io::copy(&mut reader, &mut Counter::default()).unwrap(), len as u64);
}

/// No buffer of the state machine's own lies between a slice and the block that is coded from it,
/// or decoded to it.
#[test]
fn slices_are_coded_from_and_decoded_to_in_their_place() {
    let heap = Heap::alone();
    let raw = vec![7; MIB];
    let peak = heap.peak_of(|| {
        let mut encoder = Encoder::new(EncodeOptions::new().level(0).block_len(MIB));
        assert_eq!(encoder.step(&raw, &mut [], Op::Run).unwrap().consumed, MIB);
    });
    assert!(peak <= SLACK, "coding: {peak}");

    let mut raw = vec![0; MIB];
    Source::new(MIB).read_exact(&mut raw).unwrap();
    for mode in [Mode::Stored, Mode::Lanes] {
        let stream = compress(&raw, &EncodeOptions::new().block_len(MIB).mode(mode)).unwrap();
        let mut out = vec![0; MIB];
        let peak = heap.peak_of(|| assert_eq!(decompress_into(&stream, &mut out, &DecodeOptions::new()), Ok(MIB)));
        assert!(out == raw && peak <= SLACK, "{mode:?}, decoding: {peak}");
    }
}

/// Workers code blocks from where they lie, and what they coded is moved once: no raw byte is
/// copied before.
#[test]
fn threads_code_a_slice_in_its_place() {
    let heap = Heap::alone();
    let mut raw = vec![0; 16 * MIB];
    Source::new(raw.len()).read_exact(&mut raw).unwrap();
    let options = EncodeOptions::new().block_len(BLOCK_LEN).threads(2).mode(Mode::Stored);
    let mut out = Vec::with_capacity(raw.len() + MIB);
    let peak = heap.peak_of(|| assert!(compress_into(&raw, &mut out, &options).unwrap() > raw.len()));
    // Four blocks in flight, coded, and one on its way out, in vectors that doubled their room.
    // With their raw bytes it would be half as much again.
    assert!(peak <= 5 * 2 * BLOCK_LEN + 2 * SLACK, "{peak}");
}

#[test]
fn buffers_are_given_back_when_they_hold_nothing() {
    let _heap = Heap::alone();
    let raw = vec![7; MIB];
    for threads in [1, 2] {
        let before = ALLOCATOR.current_usage();
        let mut encoder = Encoder::new(EncodeOptions::new().block_len(MIB).threads(threads).mode(Mode::Stored));
        let mut decoder = Decoder::new(DecodeOptions::new().threads(threads));
        let mut out = vec![0; MIB + 1];
        for part in raw.chunks(MIB / 2) {
            assert_eq!(encoder.step(part, &mut [], Op::Run).unwrap().consumed, part.len());
        }
        loop {
            let is_out = encoder.step(&[], &mut [], Op::Flush).unwrap().status == Status::Flushed;
            let mut coded = encoder.ready();
            while !coded.is_empty() {
                let step = decoder.step(&coded[..coded.len().min(60_000)], &mut out, Op::Run).unwrap();
                coded = &coded[step.consumed..];
            }
            encoder.consume(encoder.ready().len());
            if is_out {
                break;
            }
            encoder.wait();
        }
        while decoder.step(&[], &mut out, Op::Flush).unwrap().status != Status::Flushed {
            decoder.wait();
        }
        drop(out);
        let held = || ALLOCATOR.current_usage().saturating_sub(before);
        assert!(held() > 2 * MIB, "{threads} threads: {} bytes", held());
        encoder.release_buffers();
        decoder.release_buffers();
        assert!(held() <= SLACK, "{threads} threads: {} bytes", held());
    }
}

/// Tables and scratch are the thread's, and no stream's: whichever asks gives them back.
#[test]
fn what_a_thread_keeps_is_given_back() {
    let _heap = Heap::alone();
    let text = include_bytes!("../FORMAT.md").repeat(5);
    let numbers: Vec<u8> =
        (0..MIB as u32 / 4).flat_map(|i| ((i.wrapping_mul(i) % 9973) as f32).to_le_bytes()).collect();
    let options = EncodeOptions::new().level(3);
    let layout = options.clone().layout(Layout::f32());
    let lanes = EncodeOptions::new().mode(Mode::Lanes);
    let mut out = vec![0; MIB];
    let before = ALLOCATOR.current_usage();
    let held = || ALLOCATOR.current_usage().saturating_sub(before);
    let both_ways = |out: &mut [u8]| {
        // Of a longer block no words are kept.
        let short = &text[..BLOCK_LEN];
        for (raw, options) in [(&text[..], &options), (short, &lanes), (&numbers, &layout)] {
            let mut packet = Vec::new();
            block::encode(raw, options, &mut packet).unwrap();
            block::decode(&packet, out).unwrap();
            assert!(packet.len() < raw.len() && out[..raw.len()] == raw[..]);
            block::decode_part(&packet, raw.len() / 2, &mut out[..100]).unwrap();
            assert!(out[..100] == raw[raw.len() / 2..][..100]);
        }
        assert!(held() > 2 * MIB, "{} bytes are kept", held());
    };
    both_ways(&mut out);
    Encoder::new(EncodeOptions::new()).release_buffers();
    assert!(held() <= SLACK, "{} bytes after an encoder", held());
    both_ways(&mut out);
    Decoder::new(DecodeOptions::new()).release_buffers();
    assert!(held() <= SLACK, "{} bytes after a decoder", held());
}

/// The trees of a block take eight times its length and more: a thread of a pool does not hold them
/// until its next one.
#[test]
fn no_thread_keeps_the_trees_of_a_long_block() {
    let _heap = Heap::alone();
    let mut blank = vec![0; 4 * MIB];
    blank.extend(include_bytes!("../FORMAT.md"));
    let before = ALLOCATOR.current_usage();
    for level in [8, 9] {
        block::encode(&blank, &EncodeOptions::new().level(level), &mut Vec::new()).unwrap();
        let held = ALLOCATOR.current_usage().saturating_sub(before);
        println!("level {level}: {held} bytes are kept");
        assert!(held <= 16 * MIB, "level {level}: {held} bytes");
    }
    Encoder::new(EncodeOptions::new()).release_buffers();
}

#[test]
fn a_decoder_that_begins_again_has_its_buffers() {
    let heap = Heap::alone();
    let mut raw = vec![0; 3 * MIB];
    Source::new(4 * MIB).read_exact(&mut raw).unwrap();
    let stream = compress(&raw, &EncodeOptions::new().block_len(MIB).mode(Mode::Stored)).unwrap();
    let mut decoder = Decoder::new(DecodeOptions::new());
    let mut decode = || {
        let mut len = 0;
        for mut piece in stream.chunks(50_000) {
            while !piece.is_empty() {
                piece = &piece[decoder.step(piece, &mut [], Op::Run).unwrap().consumed..];
                len += decoder.ready().len();
                decoder.consume(decoder.ready().len());
            }
        }
        assert_eq!(len, raw.len());
        decoder.reset();
    };
    let first = heap.peak_of(&mut decode);
    let second = heap.peak_of(&mut decode);
    assert!(first > 2 * MIB && second <= SLACK, "{first} bytes, then {second}");
}

#[test]
fn idle_adapters_hold_next_to_nothing() {
    let heap = Heap::alone();
    // Threads of the test before may still be ending, and have some bytes of their own: the median
    // is what this one takes.
    let mut peaks = [0; 9].map(|_: usize| {
        heap.peak_of(|| {
            let writer = RansWriter::new(io::sink());
            let reader = RansReader::new(io::empty());
            assert_eq!(writer.progress().blocks() + reader.progress().blocks(), 0);
        })
    });
    peaks.sort_unstable();
    let idle = peaks[4];
    let states = size_of::<Encoder>() + size_of::<Decoder>() + size_of::<RansReader<io::Empty>>();
    assert!(idle + states <= 4096, "{idle} bytes of heap, {states} of states");

    // A small message takes a small buffer, whatever the block length is.
    let small = heap.peak_of(|| {
        let mut writer = RansWriter::with_options(Vec::new(), EncodeOptions::new().block_len(LARGEST));
        writer.write_all(b"some bytes").unwrap();
        let stream = writer.finish().unwrap();
        let mut back = Vec::new();
        RansReader::new(&stream[..]).read_to_end(&mut back).unwrap();
        assert_eq!(back, b"some bytes");
    });
    assert!(small <= SLACK, "{small}");
}

/// The right to count the heap: the counter is the process's, so one test at a time has it, from
/// its first allocation on.
struct Heap {
    _alone: MutexGuard<'static, ()>,
}

impl Heap {
    fn alone() -> Self {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        Self { _alone: ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner) }
    }

    /// Bytes that the heap held at most during `work`, beyond what it held before.
    #[expect(clippy::unused_self, reason = "whoever counts must hold it")]
    fn peak_of(&self, work: impl FnOnce()) -> usize {
        ALLOCATOR.reset_peak_usage();
        let before = ALLOCATOR.current_usage();
        work();
        ALLOCATOR.peak_usage().saturating_sub(before)
    }
}

/// Text, fill and noise by turns, a mebibyte each.
struct Source {
    text: Vec<u8>,
    noise: Vec<u8>,
    given: usize,
    len: usize,
}

impl Source {
    fn new(len: usize) -> Self {
        let text = include_bytes!("../FORMAT.md")[..10_000].to_vec();
        let noise = (0..10_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        Self { text, noise, given: 0, len }
    }
}

impl Read for Source {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        // One in 64 is text: what is coded takes a debug build long.
        let kind = self.given / MIB % 64;
        let bytes: &[u8] = match kind {
            0 => &self.text,
            1..=7 => &self.noise,
            _ => &[0; 10_000],
        };
        let left = (self.len - self.given).min(MIB - self.given % MIB);
        let len = buf.len().min(bytes.len()).min(left);
        buf[..len].copy_from_slice(&bytes[..len]);
        self.given += len;
        Ok(len)
    }
}

/// Counts what is written to it.
#[derive(Debug, Default)]
struct Counter(usize);

impl Write for Counter {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0 += buf.len();
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn header(content_length: Option<u64>) -> Vec<u8> {
    let mut stream = Vec::new();
    StreamHeader { max_block_log2: 24, content_length, content_check: false, index: false }.write(&mut stream);
    stream
}

fn fill_block(raw_len: usize) -> Vec<u8> {
    let mut block = BlockHeader::Data { mode: BlockMode::Fill, raw_len, payload_len: 1 }.to_bytes().to_vec();
    block.push(b'f');
    let check = Crc::<u32>::new(&CRC_32_ISCSI).checksum(&block);
    block.extend(check.to_le_bytes());
    block
}
