//! Threads change nothing but the time it takes: the same bytes, the same errors, and nobody waits
//! for ever.

use std::{
    io::{BufRead as _, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use ranstream::{
    DecodeOptions, EncodeOptions, Error, Limit, Limits, Mode, RansReader, RansWriter, compress, compress_into,
    copy_decode, copy_encode, decompress, decompress_into,
    read::RansEncoder,
    stream::{Decoder, Encoder, Op},
    write::RansDecoder,
};
use rayon::{ThreadPool, ThreadPoolBuilder, prelude::*};

use crate::{
    data::{self, every_mode_stream},
    faulty::Short,
    outcomes::{self, WAYS},
    steps::{self, Cuts},
};

/// What takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs `work` on a thread of its own and fails if it hangs.
fn in_time<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (ended, end) = mpsc::channel::<()>();
    let worker = thread::spawn(move || {
        // Dropped at the end, by a panic too.
        let _ended = ended;
        work()
    });
    assert_ne!(end.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Timeout), "{what} hangs");
    match worker.join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn pool(threads: usize) -> Arc<ThreadPool> {
    Arc::new(ThreadPoolBuilder::new().num_threads(threads).build().unwrap())
}

fn options() -> EncodeOptions {
    EncodeOptions::new().level(0).block_len(1000).index(true).content_check(true)
}

/// Every way to ask for threads, by name.
fn encoders() -> Vec<(String, EncodeOptions)> {
    let options = options();
    let mut all: Vec<_> =
        (0..=4).map(|threads| (format!("threads({threads})"), options.clone().threads(threads))).collect();
    for threads in [1, 3] {
        all.push((format!("a pool of {threads}"), options.clone().pool(pool(threads))));
    }
    for in_flight in [1, 2, 100] {
        all.push((format!("in_flight({in_flight})"), options.clone().threads(2).in_flight(in_flight)));
    }
    all
}

fn decoders() -> Vec<(String, DecodeOptions)> {
    let options = DecodeOptions::new();
    let mut all: Vec<_> =
        (0..=4).map(|threads| (format!("threads({threads})"), options.clone().threads(threads))).collect();
    for threads in [1, 3] {
        all.push((format!("a pool of {threads}"), options.clone().pool(pool(threads))));
    }
    for in_flight in [1, 2, 100] {
        all.push((format!("in_flight({in_flight})"), options.clone().threads(2).in_flight(in_flight)));
    }
    all
}

#[test]
fn the_same_bytes_with_any_threads() {
    for len in [0, 1, 999, 1000, 1001, 25_500] {
        let raw = data::text(len);
        let expected = compress(&raw, &options().threads(1)).unwrap();
        for (name, options) in encoders() {
            assert!(compress(&raw, &options).unwrap() == expected, "compress, {name}, {len} bytes");

            let mut writer = RansWriter::with_options(Vec::new(), options.clone());
            raw.chunks(777).for_each(|part| writer.write_all(part).unwrap());
            assert!(writer.finish().unwrap() == expected, "RansWriter, {name}, {len} bytes");

            let mut read = Vec::new();
            RansEncoder::with_options(Short::new(&raw[..], 700, 1), options.clone()).read_to_end(&mut read).unwrap();
            assert!(read == expected, "RansEncoder, {name}, {len} bytes");

            let mut copied = Vec::new();
            copy_encode(&raw[..], &mut copied, options.clone()).unwrap();
            assert!(copied == expected, "copy_encode, {name}, {len} bytes");

            let stepped = steps::encode(&mut Encoder::new(options), &raw, &[], &Cuts::new(vec![300, 7, 1500]));
            assert!(stepped.unwrap() == expected, "step, {name}, {len} bytes");
        }
        for (name, options) in decoders() {
            for (way_name, way) in WAYS {
                let outcome = way(&expected, &options);
                assert!(outcome.raw == raw && outcome.error.is_none(), "{way_name}, {name}, {len} bytes");
            }
            let mut copied = Vec::new();
            copy_decode(&expected[..], &mut copied, options).unwrap();
            assert!(copied == raw, "copy_decode, {name}, {len} bytes");
        }
    }
}

#[test]
fn the_same_errors_with_any_threads() {
    let good = every_mode_stream();
    let mut random = StdRng::seed_from_u64(12);
    for _ in 0..60 {
        let mut stream = good.stream.clone();
        for _ in 0..2 {
            let at = random.random_range(0..stream.len());
            stream[at] ^= 1 << random.random_range(0..8);
        }
        stream.truncate(random.random_range(stream.len() / 2..=stream.len()));
        let expected = outcomes::read(&stream, &DecodeOptions::new());
        for (name, options) in decoders() {
            for (way_name, way) in WAYS {
                assert_eq!(way(&stream, &options), expected, "{way_name}, {name}");
            }
        }
    }
}

/// A worker that waits for its own pool does the pool's work meanwhile.
#[test]
fn callers_inside_a_pool_of_one_thread() {
    in_time("a caller inside its own pool", || {
        let raw = data::text(20_000);
        let pool = pool(1);
        let encode = EncodeOptions::new().block_len(1000);
        let decode = DecodeOptions::new();
        for (encode, decode) in [
            (encode.clone().threads(0), decode.clone().threads(0)),
            (encode.clone().pool(Arc::clone(&pool)), decode.clone().pool(Arc::clone(&pool))),
            (encode.threads(2), decode.threads(2)),
        ] {
            pool.install(|| {
                let stream = compress(&raw, &encode).unwrap();
                assert_eq!(decompress(&stream, &decode).unwrap(), raw);

                let mut writer = RansWriter::with_options(Vec::new(), encode.clone());
                for part in raw.chunks(1500) {
                    writer.write_all(part).unwrap();
                    writer.flush().unwrap();
                }
                let flushed = writer.finish().unwrap();
                for (name, way) in WAYS {
                    assert!(way(&stream, &decode).raw == raw && way(&flushed, &decode).raw == raw, "{name}");
                }
                let mut read = Vec::new();
                RansEncoder::with_options(&raw[..], encode.clone()).read_to_end(&mut read).unwrap();
                assert_eq!(read, stream);
                // Dropped with blocks under way, in a pool whose only worker is here.
                let mut writer = RansWriter::with_options(Vec::new(), encode);
                writer.write_all(&raw).unwrap();
                drop(writer);
                let mut reader = RansReader::with_options(&stream[..], decode);
                reader.read_exact(&mut [0; 10]).unwrap();
                drop(reader);
            });
        }
    });
}

#[test]
fn many_callers_inside_one_pool() {
    in_time("callers that share their pool", || {
        let pool = pool(3);
        let encode = EncodeOptions::new().block_len(500).pool(Arc::clone(&pool));
        let decode = DecodeOptions::new().pool(Arc::clone(&pool));
        pool.install(|| {
            (0..40_usize).into_par_iter().for_each(|number| {
                let raw = data::text(3000 + number);
                let stream = compress(&raw, &encode).unwrap();
                assert_eq!(decompress(&stream, &decode).unwrap(), raw);
            });
        });
    });
}

#[test]
fn a_pool_that_is_busy_with_something_else() {
    in_time("a caller whose pool is busy", || {
        let pool = pool(1);
        let (release, wait) = mpsc::channel::<()>();
        pool.spawn(move || {
            let _ = wait.recv();
        });
        let raw = data::text(5000);
        let mut writer =
            RansWriter::with_options(Vec::new(), EncodeOptions::new().block_len(100).pool(pool).in_flight(60));
        // There is room for all blocks, so nothing waits yet.
        writer.write_all(&raw).unwrap();
        release.send(()).unwrap();
        assert_eq!(decompress(&writer.finish().unwrap(), &DecodeOptions::new()).unwrap(), raw);
    });
}

#[test]
fn adapters_move_between_threads() {
    let raw = data::text(9000);
    let stream = in_time("a writer that moves", {
        let raw = raw.clone();
        move || {
            let mut writer = RansWriter::with_options(Vec::new(), EncodeOptions::new().block_len(700).threads(2));
            for part in raw.chunks(3000).map(<[u8]>::to_vec) {
                writer = thread::spawn(move || {
                    writer.write_all(&part).unwrap();
                    writer
                })
                .join()
                .unwrap();
            }
            writer.finish().unwrap()
        }
    });
    let mut reader = RansReader::with_options(std::io::Cursor::new(stream), DecodeOptions::new().threads(2));
    let mut back = vec![0; 4000];
    reader.read_exact(&mut back).unwrap();
    let rest = thread::spawn(move || {
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
        rest
    });
    back.extend(rest.join().unwrap());
    assert_eq!(back, raw);
}

#[test]
fn adapters_are_dropped_with_blocks_under_way() {
    in_time("a drop with blocks under way", || {
        let raw = data::text(300_000);
        let encode = EncodeOptions::new().block_len(2000);
        let stream = compress(&raw, &encode).unwrap();
        for threads in [0, 2, 4] {
            for in_flight in [1, 3, 200] {
                let encode = encode.clone().threads(threads).in_flight(in_flight);
                let decode = DecodeOptions::new().threads(threads).in_flight(in_flight);
                let mut writer = RansWriter::with_options(Vec::new(), encode.clone());
                writer.write_all(&raw).unwrap();
                drop(writer);
                let mut encoder = RansEncoder::with_options(&raw[..], encode.clone());
                encoder.read_exact(&mut [0; 100]).unwrap();
                drop(encoder);
                let mut encoder = Encoder::new(encode);
                while encoder.step(&raw, &mut [], Op::Run).unwrap().consumed > 0 {}
                encoder.reset();
                assert!(encoder.ready().is_empty());
                drop(encoder);

                let mut reader = RansReader::with_options(&stream[..], decode.clone());
                reader.read_exact(&mut [0; 100]).unwrap();
                drop(reader);
                let mut decoder = RansDecoder::with_options(Vec::new(), decode.clone());
                decoder.write_all(&stream[..stream.len() / 2]).unwrap();
                drop(decoder);
                let mut decoder = Decoder::new(decode);
                decoder.step(&stream, &mut [0; 100], Op::Run).unwrap();
                decoder.reset();
                assert_eq!(decoder.in_flight(), 0);
            }
        }
    });
}

#[test]
fn a_reset_decoder_knows_nothing_of_before() {
    let raw = data::text(10_000);
    let stream = compress(&raw, &EncodeOptions::new().block_len(500).content_check(true)).unwrap();
    for threads in [1, 2] {
        let mut decoder = Decoder::new(DecodeOptions::new().threads(threads));
        for cut in [0, 7, 100, stream.len() / 2, stream.len() - 1] {
            let mut output = vec![0; 3000];
            decoder.step(&stream[..cut], &mut output, Op::Run).unwrap();
            decoder.reset();
            let (back, result) = steps::decode(&mut decoder, &stream, &Cuts::new(vec![1000, 600]));
            assert!(result.is_ok() && back == raw, "cut at {cut}");
            decoder.reset();
        }
    }
}

/// One asks, the other answers, and each waits for the other after every flush.
#[test]
fn peers_that_wait_for_answers() {
    for threads in [1, 2, 0] {
        for mode in [Mode::Auto, Mode::Stored] {
            in_time("a conversation", move || conversation(threads, mode));
        }
    }
}

fn conversation(threads: usize, mode: Mode) {
    let encode = EncodeOptions::new().block_len(2000).threads(threads).mode(mode);
    let decode = DecodeOptions::new().threads(threads);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let sizes = [1, 5, 1999, 2000, 2001, 4000, 4001, 9000, 2, 1];
    let server = {
        let (encode, decode) = (encode.clone(), decode.clone());
        thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let (mut questions, mut answers) = both_ways(&stream, encode, decode);
            for size in sizes {
                let question = exactly(&mut questions, size);
                // Twice as long, to fill blocks of another size.
                answers.write_all(&question.repeat(2)).unwrap();
                answers.flush().unwrap();
            }
            assert!(questions.fill_buf().unwrap().is_empty());
            answers.finish().unwrap();
        })
    };
    let stream = TcpStream::connect(address).unwrap();
    let (mut answers, mut questions) = both_ways(&stream, encode, decode);
    for size in sizes {
        let question = data::skewed(size);
        questions.write_all(&question).unwrap();
        questions.flush().unwrap();
        assert_eq!(exactly(&mut answers, 2 * size), question.repeat(2));
    }
    questions.finish().unwrap();
    assert!(answers.fill_buf().unwrap().is_empty());
    server.join().unwrap();
}

/// Each side reads one stream and no further: the connection stays open behind it.
fn both_ways(
    stream: &TcpStream,
    encode: EncodeOptions,
    decode: DecodeOptions,
) -> (RansReader<&TcpStream>, RansWriter<&TcpStream>) {
    stream.set_nodelay(true).unwrap();
    let reader = RansReader::with_options(stream, decode.single_stream(true));
    (reader, RansWriter::with_options(stream, encode))
}

fn exactly(reader: &mut impl Read, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    reader.read_exact(&mut bytes).unwrap();
    bytes
}

/// The bytes of flushed blocks are there before another byte comes.
#[test]
fn a_push_decoder_gives_all_it_has_at_a_flush() {
    for threads in [1, 2, 0] {
        let mut writer = RansWriter::with_options(Vec::new(), EncodeOptions::new().block_len(500).threads(threads));
        let mut decoder = RansDecoder::with_options(Vec::new(), DecodeOptions::new().threads(threads));
        let raw = data::text(5000);
        let mut sent = 0;
        for (number, part) in raw.chunks(700).enumerate() {
            writer.write_all(part).unwrap();
            writer.flush().unwrap();
            decoder.write_all(&writer.get_ref()[sent..]).unwrap();
            sent = writer.get_ref().len();
            decoder.flush().unwrap();
            assert_eq!(decoder.get_ref()[..], raw[..raw.len().min((number + 1) * 700)]);
        }
    }
}

/// Blocks under way share the memory that is allowed: fewer of them, not an error.
#[test]
fn little_memory_makes_it_slow_not_wrong() {
    let raw = data::skewed(40_000);
    for mode in [Mode::Lanes, Mode::Stored] {
        let stream = compress(&raw, &EncodeOptions::new().block_len(4096).mode(mode)).unwrap();
        for memory in [4096 * 2 + 100, 4096 * 3, 4096 * 5] {
            let options = DecodeOptions::new().limits(Limits::new().max_memory(memory));
            for in_flight in [1, 4, 100] {
                let options = options.clone().threads(2).in_flight(in_flight);
                let outcome = outcomes::read(&stream, &options);
                assert!(outcome.raw == raw && outcome.error.is_none(), "{:?}, {in_flight} in flight", outcome.error);
            }
        }
        let options = DecodeOptions::new().limits(Limits::new().max_memory(1000)).threads(2);
        let error = outcomes::read(&stream, &options).error;
        assert!(matches!(error, Some(Error::LimitExceeded { limit: Limit::Memory, .. })));
    }
}

/// More blocks than workers are given at a time, in two streams with a check of their contents.
#[test]
fn blocks_between_slices_give_the_bytes_and_errors_of_one_thread() {
    let options = EncodeOptions::new().content_check(true);
    blocks_between_slices(&options.clone().block_len(200));
    blocks_between_slices(&options.mode(Mode::Lanes).block_len(500));
}

fn blocks_between_slices(options: &EncodeOptions) {
    let raw = data::text(300 * 200);
    let one = compress(&raw, options).unwrap();
    assert!(one.len() < raw.len(), "most blocks are stored");
    let streams = [one.clone(), compress(&raw[..777], options).unwrap()].concat();
    let expected = [&raw[..], &raw[..777]].concat();
    let mut bad_block = streams.clone();
    bad_block[one.len() / 2] ^= 1;
    let mut bad_content = streams.clone();
    bad_content[one.len() - 13] ^= 1;
    let cut = streams[..one.len() - 3].to_vec();
    for stream in [&streams, &bad_block, &bad_content, &cut, &vec![]] {
        for room in [expected.len() + 10, expected.len(), expected.len() - 1, raw.len() / 2, 100, 0] {
            let decode = |options: &DecodeOptions| {
                let mut out = vec![0; room];
                let result = decompress_into(stream, &mut out, options);
                (result.clone(), out[..result.unwrap_or(0)].to_vec())
            };
            let (result, out) = decode(&DecodeOptions::new());
            assert!(result.is_err() || out == expected || stream.is_empty());
            for options in [DecodeOptions::new().threads(2), DecodeOptions::new().threads(0).in_flight(1)] {
                assert_eq!(decode(&options), (result.clone(), out.clone()), "room for {room} bytes");
            }
        }
        for memory in [1 << 30, expected.len(), expected.len() - 1, 5000] {
            let limits = Limits::new().max_memory(memory);
            let decode = |threads| {
                decompress(stream, &DecodeOptions::new().threads(threads).limits(limits)).map_err(|error| match error {
                    // Where it is noticed that the result is too long depends on how far workers
                    // are ahead.
                    Error::LimitExceeded { limit, found, allowed, .. } => {
                        Error::LimitExceeded { limit, found, allowed, offset: 0 }
                    }
                    error => error,
                })
            };
            assert_eq!(decode(2), decode(1), "{memory} bytes of memory");
        }
    }
}

/// Without a check of their contents workers are given many blocks in a row, and decode some of
/// those together. A bad one ends the stream with its own error, and those before it are counted.
#[test]
fn a_bad_block_ends_what_a_worker_decodes_in_a_row() {
    let raw = data::text(400 * 500);
    let good = compress(&raw, &EncodeOptions::new().mode(Mode::Lanes).block_len(500)).unwrap();
    let decode = |stream: &[u8], threads: usize| {
        let blocks = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&blocks);
        let options = DecodeOptions::new()
            .threads(threads)
            .on_progress(move |progress| counted.store(progress.blocks(), Ordering::Relaxed));
        let mut out = vec![0; raw.len()];
        let result = decompress_into(stream, &mut out, &options);
        (result, blocks.load(Ordering::Relaxed), out)
    };
    let good_blocks = |blocks: u64| 500 * blocks as usize;
    for at in (20..good.len()).step_by(good.len() / 50) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        let (expected, blocks, _) = decode(&bad, 1);
        assert!(expected.is_err(), "byte {at}");
        for threads in [2, 3] {
            let (found, counted, out) = decode(&bad, threads);
            assert_eq!((&found, counted), (&expected, blocks), "byte {at}, {threads} threads");
            assert!(out[..good_blocks(blocks)] == raw[..good_blocks(blocks)], "byte {at}, {threads} threads");
        }
    }
    assert!(decode(&good, 2) == (Ok(raw.len()), 400, raw.clone()));
}

/// So short when coded that the room made ahead for the result is always too small for the next
/// block.
#[test]
fn blocks_that_find_no_room_are_decoded_all_the_same() {
    for (raw, block_len) in [(data::one_rare_byte(500_000), 2000), (vec![7; 3_000_000], 100_000)] {
        let stream = compress(&raw, &EncodeOptions::new().block_len(block_len).content_check(true)).unwrap();
        assert!(stream.len() * 8 < raw.len(), "{} bytes", stream.len());
        for threads in [0, 2] {
            assert!(
                decompress(&stream, &DecodeOptions::new().threads(threads)).as_ref() == Ok(&raw),
                "{threads} threads"
            );
        }
    }
}

#[test]
fn slices_that_fail_fail_alike_with_any_threads() {
    let raw = data::text(9_500);
    for declared in [0, 999, 1000, 5_555, 9_499, 9_501] {
        let options = EncodeOptions::new().block_len(1000).content_length(declared).content_check(true);
        let mut expected = b"before".to_vec();
        let error = compress_into(&raw, &mut expected, &options).unwrap_err();
        for threads in [2, 3, 0] {
            for in_flight in [1, 2, 50] {
                let mut found = b"before".to_vec();
                let options = options.clone().threads(threads).in_flight(in_flight);
                assert_eq!(compress_into(&raw, &mut found, &options), Err(error.clone()));
                assert!(found == expected, "{declared} declared, {threads} threads, {in_flight} in flight");
            }
        }
    }
}

#[test]
fn a_callback_that_panics_hangs_nothing_and_the_blocks_before_it_are_there() {
    let raw = data::text(100_000);
    for threads in [2, 4] {
        let options = EncodeOptions::new().block_len(1000).threads(threads).on_progress(|progress| {
            if progress.blocks() == 20 {
                std::panic::resume_unwind(Box::new("the callback panics"));
            }
        });
        let mut out = Vec::new();
        let panic = catch_unwind(AssertUnwindSafe(|| compress_into(&raw, &mut out, &options))).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"the callback panics"));
        let mut back = Vec::new();
        RansReader::new(&out[..]).read_to_end(&mut back).unwrap_err();
        assert!(back == raw[..20_000], "{} bytes", back.len());
    }
}
