//! Callbacks of the user's are called with no lock held, so they may wait for the pool that they
//! are called on.

use std::{
    io::{Read as _, Write as _},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use ranstream::{
    DecodeOptions, EncodeOptions, Progress, RansReader, RansWriter, compress, decompress, decompress_into,
    read::RansEncoder, write::RansDecoder,
};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::data;

const BLOCK_LEN: usize = 10_000;
const BLOCKS: usize = 60;

/// What takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A callback that does other work of `pool` while it is called, and counts its calls.
fn yields(pool: &Arc<ThreadPool>, calls: &Arc<AtomicUsize>) -> impl Fn(&Progress) + Send + Sync + 'static {
    let (pool, calls) = (Arc::clone(pool), Arc::clone(calls));
    move |_| {
        calls.fetch_add(1, Ordering::Relaxed);
        pool.install(|| {
            for _ in 0..3 {
                rayon::yield_now();
            }
        });
    }
}

fn encodes(way: &str, raw: &[u8], options: EncodeOptions) -> Vec<u8> {
    let mut stream = Vec::new();
    match way {
        "compress" => stream = compress(raw, &options).unwrap(),
        "writer" => {
            let mut writer = RansWriter::with_options(stream, options);
            writer.write_all(raw).unwrap();
            stream = writer.finish().unwrap();
        }
        _ => {
            RansEncoder::with_options(raw, options).read_to_end(&mut stream).unwrap();
        }
    }
    stream
}

fn decodes(way: &str, stream: &[u8], options: DecodeOptions) -> Vec<u8> {
    let mut raw = Vec::new();
    match way {
        "decompress" => raw = decompress(stream, &options).unwrap(),
        "decompress_into" => {
            raw.resize(BLOCKS * BLOCK_LEN, 0);
            assert_eq!(decompress_into(stream, &mut raw, &options), Ok(raw.len()));
        }
        "reader" => {
            RansReader::with_options(stream, options).read_to_end(&mut raw).unwrap();
        }
        _ => {
            let mut decoder = RansDecoder::with_options(raw, options);
            decoder.write_all(stream).unwrap();
            raw = decoder.finish().unwrap();
        }
    }
    raw
}

/// Runs `work` with a pool one of whose workers is busy with something else, and fails if it hangs.
fn in_a_busy_pool(what: &str, work: impl FnOnce(Arc<ThreadPool>) + Send + 'static) {
    let pool = Arc::new(ThreadPoolBuilder::new().num_threads(2).build().unwrap());
    let (release, released) = mpsc::channel::<()>();
    pool.spawn(move || {
        let _ = released.recv();
    });
    in_time(what, move || work(pool));
    drop(release);
}

/// Runs `work`, and fails if it hangs.
fn in_time(what: &str, work: impl FnOnce() + Send + 'static) {
    let (ended, end) = mpsc::channel();
    let worker = thread::spawn(move || {
        work();
        let _ = ended.send(());
    });
    assert_ne!(end.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Timeout), "{what} hangs");
    worker.join().unwrap();
}

#[test]
fn a_callback_may_wait_for_the_pool_it_is_called_on() {
    let raw = Arc::new(data::text(BLOCKS * BLOCK_LEN));
    let options = || EncodeOptions::new().block_len(BLOCK_LEN).content_check(true);
    let stream = Arc::new(compress(&raw, &options()).unwrap());
    let inside_or_not = |ways: &[&'static str]| -> Vec<(bool, &'static str)> {
        [false, true].into_iter().flat_map(|inside| ways.iter().map(move |&way| (inside, way))).collect()
    };
    for (inside, way) in inside_or_not(&["compress", "writer", "encoding reader"]) {
        let (raw, stream) = (Arc::clone(&raw), Arc::clone(&stream));
        in_a_busy_pool(&format!("{way}, the caller in the pool: {inside}"), move |pool| {
            let calls = Arc::default();
            let options = options().pool(Arc::clone(&pool)).on_progress(yields(&pool, &calls));
            let coded = if inside { pool.install(|| encodes(way, &raw, options)) } else { encodes(way, &raw, options) };
            assert!(coded == *stream);
            assert_eq!(calls.load(Ordering::Relaxed), BLOCKS);
        });
    }
    for (inside, way) in inside_or_not(&["decompress", "decompress_into", "reader", "decoding writer"]) {
        let (raw, stream) = (Arc::clone(&raw), Arc::clone(&stream));
        in_a_busy_pool(&format!("{way}, the caller in the pool: {inside}"), move |pool| {
            let calls = Arc::default();
            let options = DecodeOptions::new().pool(Arc::clone(&pool)).on_progress(yields(&pool, &calls));
            let decoded =
                if inside { pool.install(|| decodes(way, &stream, options)) } else { decodes(way, &stream, options) };
            assert!(decoded == *raw);
            assert_eq!(calls.load(Ordering::Relaxed), BLOCKS);
        });
    }
}

/// A callback that codes, on the pool that it is called on.
#[test]
fn a_callback_may_compress_on_its_own_pool() {
    in_a_busy_pool("compress in compress", move |pool| {
        compresses_in_compress(EncodeOptions::new().block_len(BLOCK_LEN).pool(pool));
    });
}

/// The same, where the caller is one of the threads.
#[test]
fn a_callback_may_compress_on_its_own_threads() {
    for threads in [3, 0] {
        in_time(&format!("compress in compress with {threads} threads"), move || {
            compresses_in_compress(EncodeOptions::new().block_len(BLOCK_LEN).threads(threads));
        });
    }
}

fn compresses_in_compress(options: EncodeOptions) {
    let (raw, calls) = (data::text(20 * BLOCK_LEN), Arc::new(AtomicUsize::new(0)));
    let expected = compress(&raw, &options).unwrap();
    let (own, inner, all, count) = (raw.clone(), options.clone(), expected.clone(), Arc::clone(&calls));
    let options = options.on_progress(move |_| {
        assert!(compress(&own, &inner).unwrap() == all);
        count.fetch_add(1, Ordering::Relaxed);
    });
    assert!(compress(&raw, &options).unwrap() == expected);
    assert_eq!(calls.load(Ordering::Relaxed), 20);
}

/// As on one thread: the panic is the caller's.
#[test]
fn a_panic_of_a_callback_comes_to_the_caller() {
    let raw = data::text(20 * BLOCK_LEN);
    let stream = compress(&raw, &EncodeOptions::new().block_len(BLOCK_LEN)).unwrap();
    let unlucky = |progress: &Progress| assert_ne!(progress.blocks(), 13, "this panic is meant");
    for threads in [1, 3] {
        let options = EncodeOptions::new().block_len(BLOCK_LEN).threads(threads).on_progress(unlucky);
        let panic = thread::scope(|scope| scope.spawn(|| compress(&raw, &options)).join().unwrap_err());
        assert!(panic.downcast_ref::<String>().unwrap().contains("this panic is meant"), "{threads} threads");
        let options = DecodeOptions::new().threads(threads).on_progress(unlucky);
        let panic = thread::scope(|scope| scope.spawn(|| decompress(&stream, &options)).join().unwrap_err());
        assert!(panic.downcast_ref::<String>().unwrap().contains("this panic is meant"), "{threads} threads");
    }
}
