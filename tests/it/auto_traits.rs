//! What other threads and pinned futures ask of the public types.

use std::{
    cell::RefCell,
    io::{self, Cursor},
    panic::{RefUnwindSafe, UnwindSafe},
};

use ranstream::{
    DecodeOptions, EncodeOptions, Error, Limits, Progress, RansReader, RansWriter,
    outline::OutlineReader,
    read::RansEncoder,
    recover::Recovery,
    stream::{ApplicationData, Decoder, Encoder, Outline},
    write::{AutoFinish, RansDecoder},
};

/// Unwind safety among them: a service that catches panics around a request may keep its adapter.
#[test]
fn public_types_may_be_sent_shared_moved_and_seen_after_a_panic() {
    fn check<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe + 'static>() {}
    check::<EncodeOptions>();
    check::<DecodeOptions>();
    check::<Limits>();
    check::<Progress>();
    check::<Error>();
    check::<Encoder>();
    check::<Decoder>();
    check::<ApplicationData>();
    check::<Outline>();
    check::<OutlineReader<Cursor<Vec<u8>>>>();
    check::<RansWriter<Vec<u8>>>();
    check::<RansReader<Cursor<Vec<u8>>>>();
    check::<RansEncoder<Cursor<Vec<u8>>>>();
    check::<RansDecoder<Vec<u8>>>();
    check::<AutoFinish<Vec<u8>>>();
    check::<Recovery<Cursor<Vec<u8>>>>();
}

/// Lent from the caller's own thread.
struct Borrowed<'a>(&'a RefCell<Vec<u8>>);

impl io::Write for Borrowed<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_inner_writer_need_not_be_sendable_nor_live_for_ever() {
    let stream = RefCell::new(Vec::new());
    RansWriter::with_options(Borrowed(&stream), EncodeOptions::new().threads(2)).finish().unwrap();
    assert_eq!(stream.into_inner().len(), 40);
}
