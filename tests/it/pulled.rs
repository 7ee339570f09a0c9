//! Encoders that are read from, over sources that fail behind good bytes, or pause every few bytes:
//! what a relay passes on.

use std::io::{self, BufRead as _, ErrorKind, Read as _};

use ranstream::{EncodeOptions, RansReader, read::RansEncoder};

use crate::{
    data,
    faulty::{Fault, Faulty, When},
};

/// The raw bytes that a peer can decode, and why it got no more.
fn peer_gets(stream: &[u8]) -> (Vec<u8>, Option<ErrorKind>) {
    let mut raw = Vec::new();
    let result = RansReader::new(stream).read_to_end(&mut raw);
    (raw, result.err().map(|error| error.kind()))
}

/// Gives its bytes, then fails for ever.
fn fails_behind(raw: &[u8], kind: ErrorKind) -> impl io::Read + use<'_> {
    raw.chain(Faulty::new(io::empty(), Fault::Error(kind), When::from(1)))
}

#[test]
fn a_copy_passes_on_all_good_bytes_before_the_error_of_its_source() {
    for (len, threads) in [(200_000, 1), (200_000, 2), (1, 1), (600_000, 1), (600_000, 2)] {
        let raw = data::text(len);
        for kind in [ErrorKind::ConnectionReset, ErrorKind::WouldBlock, ErrorKind::TimedOut] {
            let options = EncodeOptions::new().level(0).threads(threads);
            let mut encoder = RansEncoder::with_options(fails_behind(&raw, kind), options);
            let mut stream = Vec::new();
            assert_eq!(io::copy(&mut encoder, &mut stream).unwrap_err().kind(), kind);
            assert!(peer_gets(&stream) == (raw.clone(), Some(ErrorKind::UnexpectedEof)), "{len}, {kind}");
            // The source is asked again, and fails again: nothing is lost or doubled in between.
            for _ in 0..3 {
                assert_eq!(encoder.fill_buf().unwrap_err().kind(), kind);
            }
            assert!(encoder.into_parts().1.is_empty(), "everything was given");
        }
    }
}

#[test]
fn a_source_that_fails_at_once_leaves_not_even_a_header() {
    let mut encoder = RansEncoder::new(fails_behind(b"", ErrorKind::ConnectionReset));
    let mut stream = Vec::new();
    assert_eq!(io::copy(&mut encoder, &mut stream).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(stream, b"");
}

#[test]
fn a_source_that_recovers_goes_on_where_it_was() {
    let raw = data::text(10_000);
    for (op, block_len) in [(1, 4), (1, 300), (2, 300), (30, 300), (2, 4000)] {
        let source = Faulty::new(&raw[..], Fault::Error(ErrorKind::WouldBlock), When::once(op));
        let mut encoder = RansEncoder::with_options(source, EncodeOptions::new().block_len(block_len));
        let (mut stream, mut errors) = (Vec::new(), 0);
        while let Err(error) = encoder.read_to_end(&mut stream) {
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
            errors += 1;
        }
        assert_eq!(errors, 1);
        assert!(peer_gets(&stream) == (raw.clone(), None), "operation {op}");
    }
}

#[test]
fn what_is_ready_is_given_before_the_source_is_asked_again() {
    let raw = data::text(1000);
    let mut encoder =
        RansEncoder::with_options(fails_behind(&raw, ErrorKind::BrokenPipe), EncodeOptions::new().block_len(1000));
    let ready = encoder.fill_buf().unwrap().len();
    for left in (1..=ready).rev() {
        assert_eq!(encoder.fill_buf().unwrap().len(), left, "the last bytes of a block wait for nobody");
        encoder.consume(1);
    }
    assert_eq!(encoder.fill_buf().unwrap_err().kind(), ErrorKind::BrokenPipe);
}

#[cfg(all(feature = "futures-io", feature = "tokio"))]
mod polled {
    use std::task::{Context, Poll};

    use tokio::io::AsyncReadExt as _;
    use tokio_test::block_on;

    use super::*;
    use crate::async_wire::{Ending, Schedule, Wire};

    #[test]
    fn a_task_passes_on_all_good_bytes_before_the_error_of_its_source() {
        for (len, threads) in [(200_000, 1), (200_000, 2), (1, 1), (600_000, 2), (0, 1)] {
            let raw = data::text(len);
            let options = EncodeOptions::new().level(0).threads(threads);
            let source = || Wire::new(&raw, Schedule::Ready, Ending::Reset);

            let mut stream = Vec::new();
            let mut encoder = ranstream::tokio::RansEncoder::with_options(source(), options.clone());
            let error = block_on(tokio::io::copy(&mut encoder, &mut stream)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
            assert!(peer_gets(&stream) == (raw.clone(), Some(ErrorKind::UnexpectedEof)), "tokio, {len}");
            let again = block_on(encoder.read_u8()).unwrap_err();
            assert_eq!(again.kind(), ErrorKind::ConnectionReset, "the source was asked again");

            let mut stream = Vec::new();
            let mut encoder = ranstream::futures::RansEncoder::with_options(source(), options);
            let error = block_on(futures_util::io::copy(&mut encoder, &mut stream)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
            assert!(peer_gets(&stream) == (raw.clone(), Some(ErrorKind::UnexpectedEof)), "futures, {len}");
        }
    }

    /// A byte and a pause, a byte and a pause: framing takes a bounded share.
    #[test]
    fn a_source_that_pauses_behind_every_byte_does_not_grow() {
        let raw = data::text(100_000);
        let trickle = || Wire::new(&raw, Schedule::Trickle { pended: false }, Ending::Eof);
        let mut streams = [Vec::new(), Vec::new()];
        block_on(ranstream::tokio::RansEncoder::new(trickle()).read_to_end(&mut streams[0])).unwrap();
        block_on(futures_util::AsyncReadExt::read_to_end(
            &mut ranstream::futures::RansEncoder::new(trickle()),
            &mut streams[1],
        ))
        .unwrap();
        for stream in streams {
            assert!(peer_gets(&stream) == (raw.clone(), None));
            assert!(stream.len() < raw.len(), "{} bytes became {}", raw.len(), stream.len());
        }
    }

    /// A peer that answers a few bytes only when it has them: each of them goes out, however many
    /// there were before.
    #[test]
    fn a_dialogue_of_few_bytes_never_stops() {
        let mut encoder = ranstream::tokio::RansEncoder::new(Wire::new(b"", Schedule::Ready, Ending::Silence));
        let mut stream = Vec::new();
        for turn in 1..=100_usize {
            encoder.get_mut().bytes.extend(b"yes");
            let mut polls = 0;
            loop {
                // With a waker that does nothing: the test counts the turns it takes itself.
                let mut buf = [0; 100];
                let mut buf = tokio::io::ReadBuf::new(&mut buf);
                let mut cx = Context::from_waker(std::task::Waker::noop());
                match tokio::io::AsyncRead::poll_read(std::pin::Pin::new(&mut encoder), &mut cx, &mut buf) {
                    Poll::Ready(result) => {
                        result.unwrap();
                        stream.extend(buf.filled());
                        break;
                    }
                    Poll::Pending => polls += 1,
                }
                assert!(polls <= 64, "turn {turn} waits for ever");
            }
            assert_eq!(peer_gets(&stream).0.len(), 3 * turn, "turn {turn}");
            assert!(turn > 8 || polls == 0, "the first words wait for nothing");
        }
    }
}
