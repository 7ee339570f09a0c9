//! What is known and done while workers have blocks. Their pool is busy until it is let go, so
//! nothing here depends on time.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use ranstream::{
    DecodeOptions, EncodeOptions, Limits, compress,
    format::{BLOCK_OVERHEAD, BlockHeader, StreamHeader},
    stream::{Decoder, Encoder, Op, Status, Step},
};
use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio_test::task;

use crate::{
    data,
    steps::{self, Cuts},
};

const BLOCK_LEN: usize = 4096;

/// What takes longer hangs. A busy pool is let go then, so that a failed test ends.
const PATIENCE: Duration = Duration::from_secs(10);

/// A pool that does nothing until the sender is dropped.
fn busy_pool() -> (Arc<ThreadPool>, mpsc::Sender<()>) {
    let pool = Arc::new(ThreadPoolBuilder::new().num_threads(1).build().unwrap());
    let (release, released) = mpsc::channel::<()>();
    pool.spawn(move || {
        let _ = released.recv_timeout(PATIENCE);
    });
    (pool, release)
}

fn eventually(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "it never is so");
        thread::yield_now();
    }
}

fn encode_options() -> EncodeOptions {
    EncodeOptions::new().level(0).block_len(BLOCK_LEN)
}

/// Where the second block begins, and its payload's length.
fn second_block(stream: &[u8]) -> (usize, usize) {
    let payload_len = |at: usize| {
        let header = stream[at..at + BlockHeader::LEN].try_into().unwrap();
        let header = BlockHeader::parse(header, ranstream::error::Part::Block(0), 0).unwrap();
        usize::try_from(header.payload_len()).unwrap()
    };
    let second = StreamHeader::FIXED_LEN + BLOCK_OVERHEAD + payload_len(StreamHeader::FIXED_LEN);
    (second, payload_len(second))
}

#[test]
fn a_decoder_has_as_many_blocks_under_way_as_memory_and_options_allow() {
    let raw = data::text(10 * BLOCK_LEN);
    let stream = compress(&raw, &encode_options()).unwrap();
    let largest = 2 * BLOCK_LEN + 4;
    for (memory, in_flight, blocks) in [
        (1 << 30, 5, 5),
        (1 << 30, 1, 1),
        (4 * largest, 5, 4),
        (4 * largest - 1, 5, 3),
        (largest, 5, 1),
        (largest - 1, 5, 1),
    ] {
        let (pool, release) = busy_pool();
        let limits = Limits::new().max_memory(memory);
        let mut decoder = Decoder::new(DecodeOptions::new().pool(pool).in_flight(in_flight).limits(limits));
        let step = decoder.step(&stream, &mut [0; 100], Op::Run).unwrap();
        assert_eq!((step.produced, step.status), (0, Status::InFlight { blocks }), "{memory} bytes, {in_flight}");
        assert_eq!(decoder.in_flight(), blocks);
        drop(release);
        let decoded = steps::decode(&mut decoder, &stream[step.consumed..], &Cuts::new(vec![5000]));
        assert!(decoded == (raw.clone(), Ok(())), "{memory} bytes, {in_flight}");
    }
}

/// A peer that flushed waits for an answer: only the rest of what has begun is waited for before
/// the blocks under way are.
#[test]
fn a_decoder_asks_for_input_or_says_that_blocks_are_under_way() {
    let raw = data::text(2 * BLOCK_LEN);
    let stream = compress(&raw, &encode_options()).unwrap();
    let (second, payload_len) = second_block(&stream);
    let under_way = Status::InFlight { blocks: 1 };
    for (cut, while_running) in [
        (second, under_way),
        (second + 3, Status::NeedsInput { at_least: 5 }),
        (second + 8 + 10, Status::NeedsInput { at_least: payload_len + 4 - 10 }),
    ] {
        for (op, status) in [(Op::Run, while_running), (Op::Flush, under_way)] {
            let (pool, release) = busy_pool();
            let mut decoder = Decoder::new(DecodeOptions::new().pool(pool).in_flight(5));
            let mut output = vec![0; raw.len()];
            let step = decoder.step(&stream[..cut], &mut output, op);
            assert_eq!(step, Ok(Step { consumed: cut, produced: 0, status }), "{cut} bytes, {op:?}");
            drop(release);
            decoder.wait();
            let step = decoder.step(&[], &mut output, Op::Flush);
            assert_eq!(step, Ok(Step { consumed: 0, produced: BLOCK_LEN, status: Status::Flushed }));
            assert_eq!(output[..BLOCK_LEN], raw[..BLOCK_LEN]);
        }
    }
}

#[test]
fn an_encoder_has_as_many_blocks_under_way_as_options_allow() {
    let raw = data::text(10 * BLOCK_LEN);
    let header = StreamHeader::FIXED_LEN;
    for in_flight in [1, 4] {
        let (pool, release) = busy_pool();
        let mut encoder = Encoder::new(encode_options().pool(pool).in_flight(in_flight));
        let mut stream = vec![0; 2 * raw.len()];
        let step = encoder.step(&raw[..100], &mut stream, Op::Run).unwrap();
        assert_eq!((step.produced, step.status), (header, Status::NeedsInput { at_least: BLOCK_LEN - 100 }));
        // One more block may be whole, but waits for room.
        let taken = (in_flight + 1) * BLOCK_LEN;
        let status = Status::InFlight { blocks: in_flight };
        for (given, consumed) in [(&raw[100..taken], taken - 100), (&[], 0), (&raw[taken..], 0)] {
            let step = encoder.step(given, &mut stream[header..], Op::Run);
            assert_eq!(step, Ok(Step { consumed, produced: 0, status }), "{} bytes", given.len());
        }
        assert_eq!(encoder.in_flight(), in_flight);
        assert!(encoder.uncoded() == &raw[taken - BLOCK_LEN..taken]);
        drop(release);
        let rest = steps::encode(&mut encoder, &raw[taken..], &[], &Cuts::new(vec![5000])).unwrap();
        assert!([&stream[..header], &rest].concat() == compress(&raw, &encode_options()).unwrap());
    }
}

#[test]
fn an_encoder_takes_bytes_again_as_soon_as_there_is_room() {
    let raw = data::text(3 * BLOCK_LEN);
    let (pool, release) = busy_pool();
    let mut encoder = Encoder::new(encode_options().pool(pool).in_flight(1));
    let step = encoder.step(&raw, &mut [], Op::Run).unwrap();
    assert_eq!(step.consumed, 2 * BLOCK_LEN, "one is under way, one waits for room");
    assert_eq!(encoder.space().unwrap(), b"");
    drop(release);
    encoder.consume(encoder.ready().len());
    encoder.wait();
    assert_ne!(encoder.ready(), b"");
    assert_eq!(encoder.step(&raw[2 * BLOCK_LEN..], &mut [], Op::Run).unwrap().consumed, BLOCK_LEN);
}

#[test]
fn tasks_wait_for_the_oldest_block() {
    let raw = data::text(2 * BLOCK_LEN);
    let stream = compress(&raw, &encode_options()).unwrap();
    let (second, _) = second_block(&stream);

    let (pool, release) = busy_pool();
    let mut decoder = Decoder::new(DecodeOptions::new().pool(pool));
    let mut task = task::spawn(());
    assert!(task.enter(|cx, _| decoder.poll_wait(cx)).is_ready(), "none is under way");
    decoder.step(&stream[..second], &mut [0; 100], Op::Run).unwrap();
    assert!(task.enter(|cx, _| decoder.poll_wait(cx)).is_pending());
    drop(release);
    eventually(|| task.is_woken());
    assert!(task.enter(|cx, _| decoder.poll_wait(cx)).is_ready());

    let (pool, release) = busy_pool();
    let mut encoder = Encoder::new(encode_options().pool(pool));
    assert!(task.enter(|cx, _| encoder.poll_wait(cx)).is_ready(), "none is under way");
    let header = encoder.step(&raw[..BLOCK_LEN], &mut [0; 100], Op::Run).unwrap().produced;
    assert!(task.enter(|cx, _| encoder.poll_wait(cx)).is_pending());
    assert_eq!(encoder.ready(), b"");
    drop(release);
    eventually(|| task.is_woken());
    assert!(task.enter(|cx, _| encoder.poll_wait(cx)).is_ready());
    assert_eq!(encoder.ready(), &stream[header..second], "the block is taken back");
}

#[cfg(feature = "tokio")]
mod tasks {
    use ranstream::tokio::{RansDecoder, RansEncoder, RansReader, RansWriter};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_test::{assert_pending, assert_ready_ok};

    use super::*;

    /// More than a task does itself.
    const LARGE: usize = 64 << 10;

    fn encode_options() -> EncodeOptions {
        EncodeOptions::new().block_len(LARGE)
    }

    #[test]
    fn small_blocks_need_no_worker() {
        let raw = data::text(1000);
        let stream = compress(&raw, &encode_options()).unwrap();
        let (pool, _release) = busy_pool();
        let (encode, decode) = (encode_options().pool(Arc::clone(&pool)), DecodeOptions::new().pool(pool));

        let mut reader = RansReader::with_options(&stream[..], decode.clone());
        let mut back = vec![0; raw.len()];
        assert_ready_ok!(task::spawn(reader.read_exact(&mut back)).poll());
        assert_eq!(back, raw);

        let mut decoder = RansDecoder::with_options(Vec::new(), decode);
        assert_ready_ok!(task::spawn(decoder.write_all(&stream)).poll());
        assert_ready_ok!(task::spawn(decoder.flush()).poll());
        assert_eq!(decoder.get_ref()[..], raw);

        let mut writer = RansWriter::with_options(Vec::new(), encode.clone());
        assert_ready_ok!(task::spawn(writer.write_all(&raw)).poll());
        assert_ready_ok!(task::spawn(writer.shutdown()).poll());
        assert_eq!(writer.get_ref()[..], stream);

        let mut encoder = RansEncoder::with_options(&raw[..], encode);
        let mut coded = vec![0; stream.len()];
        assert_ready_ok!(task::spawn(encoder.read_exact(&mut coded)).poll());
        assert_eq!(coded, stream);
    }

    #[test]
    fn a_drop_waits_for_no_worker() {
        let raw = data::text(LARGE);
        let stream = compress(&raw, &encode_options()).unwrap();
        let (pool, _release) = busy_pool();
        let (encode, decode) = (encode_options().pool(Arc::clone(&pool)), DecodeOptions::new().pool(pool));

        let mut reader = RansReader::with_options(&stream[..], decode.clone());
        assert_pending!(task::spawn(reader.read(&mut [0; 10])).poll());
        let mut decoder = RansDecoder::with_options(Vec::new(), decode);
        assert_ready_ok!(task::spawn(decoder.write_all(&stream)).poll());
        assert_pending!(task::spawn(decoder.flush()).poll());
        let mut writer = RansWriter::with_options(Vec::new(), encode.clone());
        assert_ready_ok!(task::spawn(writer.write_all(&raw)).poll());
        assert_pending!(task::spawn(writer.flush()).poll());
        let mut encoder = RansEncoder::with_options(&raw[..], encode);
        assert_ready_ok!(task::spawn(encoder.read_exact(&mut [0; StreamHeader::FIXED_LEN])).poll());
        assert_pending!(task::spawn(encoder.read(&mut [0; 10])).poll());

        let begun = Instant::now();
        drop((reader, decoder, writer, encoder));
        assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
    }
}
