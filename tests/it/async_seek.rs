//! The readers of tokio and futures seek as that of std does, however their inner reader pends.

use std::{
    io::{self, BufRead, Cursor, ErrorKind, Read, Seek, SeekFrom},
    pin::Pin,
    task::{Context, Poll, Waker},
};

use futures_util::io::{AsyncBufRead as _, AsyncRead as _, AsyncSeek as _};
use ranstream::{DecodeOptions, EncodeOptions, Error, compress};
use tokio::io::{AsyncBufRead as _, AsyncRead as _, AsyncSeek as _};

use crate::{
    data,
    outcomes::from_io,
    seek::{inputs, like_a_cursor},
};

/// Pends before everything it does, and counts what it does. A seek of tokio's is begun by one call
/// and done by another.
#[derive(Debug)]
struct Pends {
    inner: Cursor<Vec<u8>>,
    pended: bool,
    sought: Option<SeekFrom>,
    /// Moves when a seek begins, not when it is done, as a file does whose calls a thread makes.
    moves_early: bool,
    ops: usize,
    /// The operation with this number fails.
    fails_at: Option<usize>,
}

impl Pends {
    fn new(stream: &[u8]) -> Self {
        let inner = Cursor::new(stream.to_vec());
        Self { inner, pended: false, sought: None, moves_early: false, ops: 0, fails_at: None }
    }

    fn turn(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        self.pended = !self.pended;
        if self.pended {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.ops += 1;
        Poll::Ready(if self.fails_at == Some(self.ops) { Err(ErrorKind::BrokenPipe.into()) } else { Ok(()) })
    }
}

impl tokio::io::AsyncRead for Pends {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut tokio::io::ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        std::task::ready!(this.turn(cx))?;
        Pin::new(&mut this.inner).poll_read(cx, buf)
    }
}

impl tokio::io::AsyncSeek for Pends {
    fn start_seek(self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        assert!(self.sought.is_none(), "a seek is under way");
        let this = self.get_mut();
        this.sought = Some(if this.moves_early { SeekFrom::Start(this.inner.seek(to)?) } else { to });
        Ok(())
    }

    fn poll_complete(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        let this = self.get_mut();
        let Some(to) = this.sought else { return Poll::Ready(Ok(this.inner.position())) };
        std::task::ready!(this.turn(cx)).inspect_err(|_| this.sought = None)?;
        this.sought = None;
        Poll::Ready(this.inner.seek(to))
    }
}

impl futures_util::io::AsyncRead for Pends {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        std::task::ready!(this.turn(cx))?;
        Poll::Ready(this.inner.read(buf))
    }
}

impl futures_util::io::AsyncSeek for Pends {
    fn poll_seek(self: Pin<&mut Self>, cx: &mut Context<'_>, to: SeekFrom) -> Poll<io::Result<u64>> {
        let this = self.get_mut();
        std::task::ready!(this.turn(cx))?;
        Poll::Ready(this.inner.seek(to))
    }
}

/// Polls again when it is woken: a wake-up that is lost hangs the test.
fn block_on<T>(poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    tokio_test::block_on(std::future::poll_fn(poll))
}

/// An asynchronous reader as one of std.
struct Tokio(ranstream::tokio::RansReader<Pends>);

impl Read for Tokio {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut buf = tokio::io::ReadBuf::new(buf);
        block_on(|cx| Pin::new(&mut self.0).poll_read(cx, &mut buf))?;
        Ok(buf.filled().len())
    }
}

impl Seek for Tokio {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        Pin::new(&mut self.0).start_seek(to)?;
        block_on(|cx| Pin::new(&mut self.0).poll_complete(cx))
    }
}

/// The same over the traits of futures.
struct Futures(ranstream::futures::RansReader<Pends>);

impl Read for Futures {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        block_on(|cx| Pin::new(&mut self.0).poll_read(cx, buf))
    }
}

impl Seek for Futures {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        block_on(|cx| Pin::new(&mut self.0).poll_seek(cx, to))
    }
}

macro_rules! blocking_buf_read {
    ($($reader:ident)*) => {
        $(
            impl BufRead for $reader {
                fn fill_buf(&mut self) -> io::Result<&[u8]> {
                    block_on(|cx| Pin::new(&mut self.0).poll_fill_buf(cx).map_ok(drop))?;
                    let mut cx = Context::from_waker(Waker::noop());
                    let Poll::Ready(ready) = Pin::new(&mut self.0).poll_fill_buf(&mut cx) else {
                        panic!("what is ready stays ready");
                    };
                    ready
                }

                fn consume(&mut self, len: usize) {
                    Pin::new(&mut self.0).consume(len);
                }
            }
        )*
    };
}

blocking_buf_read!(Tokio Futures);

#[test]
fn random_seeks_and_reads() {
    for (name, stream, raw) in inputs() {
        for (seed, threads, verify) in [(0, 1, false), (1, 2, true), (2, 1, true)] {
            let options = DecodeOptions::new().threads(threads).verify_index(verify);
            let inner = || Pends::new(&stream);
            let tokio = Tokio(ranstream::tokio::RansReader::with_options(inner(), options.clone()));
            like_a_cursor(tokio, &raw, seed, 60, name);
            let futures = Futures(ranstream::futures::RansReader::with_options(inner(), options));
            like_a_cursor(futures, &raw, seed, 60, name);
        }
    }
}

#[test]
fn errors_are_those_of_std() {
    let raw = data::text(1500);
    let stream = compress(&raw, &EncodeOptions::new().block_len(300)).unwrap();
    for cut in (0..stream.len()).step_by(7) {
        let readers: [&mut dyn BufReadSeek; 2] = [
            &mut Tokio(ranstream::tokio::RansReader::new(Pends::new(&stream[..cut]))),
            &mut Futures(ranstream::futures::RansReader::new(Pends::new(&stream[..cut]))),
        ];
        for reader in readers {
            let error = from_io(reader.seek(SeekFrom::End(0)).unwrap_err());
            assert_eq!(error, Error::Truncated { offset: cut as u64 });
            let mut back = Vec::new();
            assert_eq!(from_io(reader.read_to_end(&mut back).unwrap_err()), error);
            assert!(raw.starts_with(&back), "the reader went on where it was");
            assert_eq!(from_io(reader.seek(SeekFrom::Current(-9999)).unwrap_err()), Error::InvalidSeek);
        }
    }
}

trait BufReadSeek: BufRead + Seek {}
impl<T: BufRead + Seek> BufReadSeek for T {}

/// Whatever fails once, reading goes on where it was or says that it cannot, and another seek
/// succeeds.
#[test]
fn every_inner_operation_of_a_seek_fails_once() {
    let raw = data::text(12_000);
    for index in [false, true] {
        let stream = compress(&raw, &EncodeOptions::new().block_len(300).index(index)).unwrap();
        for op in 1.. {
            let mut tokio = Tokio(ranstream::tokio::RansReader::new(Pends::new(&stream)));
            let mut futures = Futures(ranstream::futures::RansReader::new(Pends::new(&stream)));
            tokio.read_exact(&mut [0; 450]).unwrap();
            futures.read_exact(&mut [0; 450]).unwrap();
            for inner in [tokio.0.get_mut(), futures.0.get_mut()] {
                inner.fails_at = Some(inner.ops + op);
            }
            let readers: [&mut dyn BufReadSeek; 2] = [&mut tokio, &mut futures];
            let mut failed = 0;
            for reader in readers {
                let first = reader.seek(SeekFrom::Start(9000));
                failed += usize::from(first.is_err());
                let mut part = [0; 400];
                match (first, reader.read_exact(&mut part)) {
                    (Ok(_), Ok(())) => assert!(part == raw[9000..9400]),
                    // The operation that fails is the read's own.
                    (Ok(_), Err(error)) => assert_eq!(error.kind(), ErrorKind::BrokenPipe),
                    (Err(_), Ok(())) => assert!(part == raw[450..850], "operation {op}"),
                    (Err(_), Err(error)) => assert_eq!(error.kind(), ErrorKind::Other, "operation {op}"),
                }
                let at = reader.stream_position().unwrap();
                for to in [at, 11_000] {
                    reader.seek(SeekFrom::Start(to)).unwrap();
                    reader.read_exact(&mut part).unwrap();
                    assert!(part == raw[to as usize..][..400], "operation {op}");
                }
            }
            if failed == 0 {
                assert!(op > 4, "nothing failed");
                break;
            }
        }
    }
}

/// A future that is dropped leaves the rest to the next seek, and never wrong bytes to a read.
#[tokio::test]
async fn a_seek_that_is_dropped_half_way() {
    let before = data::uniform(77);
    for (index, moves_early) in [(false, false), (false, true), (true, false), (true, true)] {
        let inner = |stream: &[u8]| {
            let mut inner = Pends::new(&[&before[..], stream].concat());
            inner.inner.set_position(77);
            inner.moves_early = moves_early;
            inner
        };
        seeks_dropped_half_way(index, inner).await;
        seeks_dropped_half_way(index, |stream| tokio::io::BufReader::new(inner(stream))).await;
        seeks_dropped_half_way(index, |stream| tokio::io::BufReader::with_capacity(500, inner(stream))).await;
    }
}

async fn seeks_dropped_half_way<R>(index: bool, inner: impl Fn(&[u8]) -> R)
where
    R: tokio::io::AsyncRead + tokio::io::AsyncSeek + Unpin,
{
    use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

    let raw = data::text(12_000);
    let stream = compress(&raw, &EncodeOptions::new().block_len(300).index(index)).unwrap();
    for (polls, then) in (1..).flat_map(|polls| [1000, 10_000, 400, 12_000].map(|then| (polls, then))) {
        let mut reader = ranstream::tokio::RansReader::new(inner(&stream));
        let mut part = [0; 400];
        reader.read_exact(&mut part).await.unwrap();
        let is_done = {
            let mut seek = std::pin::pin!(reader.seek(SeekFrom::Start(9000)));
            let mut cx = Context::from_waker(Waker::noop());
            (0..polls).any(|_| seek.as_mut().poll(&mut cx).is_ready())
        };
        match (is_done, reader.read_exact(&mut part).await) {
            (true, result) => assert!(result.is_ok() && part == raw[9000..9400]),
            (false, Ok(_)) => assert!(part == raw[400..800], "{polls} polls"),
            (false, Err(error)) => assert_eq!(error.kind(), ErrorKind::Other, "{polls} polls"),
        }
        assert_eq!(reader.seek(SeekFrom::Start(then)).await.unwrap(), then);
        let mut rest = Vec::new();
        (&mut reader).take(400).read_to_end(&mut rest).await.unwrap();
        assert!(raw[then as usize..].starts_with(&rest), "{polls} polls, then to {then}");
        assert_eq!(rest.len(), 400.min(raw.len() - then as usize));
        // Wherever a dropped seek left the inner reader, this one knows the way.
        assert_eq!(reader.seek(SeekFrom::End(-500)).await.unwrap(), 11_500);
        reader.read_exact(&mut part).await.unwrap();
        assert!(part == raw[11_500..11_900], "{polls} polls, then to {then}");
        if is_done && then == 12_000 {
            assert!(polls > 4, "nothing was dropped");
            break;
        }
    }
}

#[tokio::test]
async fn a_file_of_tokio() {
    use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

    let raw = data::text(100_000);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let stream = compress(&raw, &EncodeOptions::new().block_len(5000).declare_length(true)).unwrap();
    io::Write::write_all(&mut file, &stream).unwrap();
    let file = tokio::fs::File::open(file.path()).await.unwrap();
    let mut reader = ranstream::tokio::RansReader::new(tokio::io::BufReader::new(file));
    assert_eq!(reader.content_length().await.unwrap(), Some(100_000));
    assert_eq!(reader.seek(SeekFrom::End(-10)).await.unwrap(), 99_990);
    let mut end = Vec::new();
    reader.read_to_end(&mut end).await.unwrap();
    assert_eq!(end, raw[99_990..]);
    reader.rewind().await.unwrap();
    assert_eq!(reader.stream_position().await.unwrap(), 0);
    let mut back = Vec::new();
    reader.read_to_end(&mut back).await.unwrap();
    assert!(back == raw);
}

/// The header alone is waited for, not what comes behind it.
#[test]
fn the_length_is_known_once_the_header_is_there() {
    for declared in [None, Some(7)] {
        let options = EncodeOptions::new().declare_length(declared.is_some());
        let stream = compress(b"7 bytes", &options).unwrap();
        let header = if declared.is_some() { 20 } else { 8 };
        let mut tokio = ranstream::tokio::RansReader::new(Pends::new(&stream[..header]));
        let known = block_on(|cx| Pin::new(&mut tokio).poll_content_length(cx));
        assert_eq!(known.unwrap(), declared);
        let mut futures = ranstream::futures::RansReader::new(Pends::new(&stream[..header]));
        let known = block_on(|cx| Pin::new(&mut futures).poll_content_length(cx));
        assert_eq!(known.unwrap(), declared);
        let mut cut = ranstream::tokio::RansReader::new(Pends::new(&stream[..header - 1]));
        let error = block_on(|cx| Pin::new(&mut cut).poll_content_length(cx)).unwrap_err();
        assert_eq!(from_io(error), Error::Truncated { offset: header as u64 - 1 });
    }
}
