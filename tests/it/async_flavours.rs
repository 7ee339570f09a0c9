//! One interface to the adapters of std, futures and tokio, so that each scenario is written once.

use std::{
    future::Future as _,
    io,
    pin::{Pin, pin},
};

use ranstream::{DecodeOptions, EncodeOptions, Error};

use crate::async_wire::{Store, Wire, complete};

/// An error that can be compared: its kind, and what this crate says of it.
pub type Fault = (io::ErrorKind, Option<Error>);

pub fn fault(error: io::Error) -> Fault {
    let kind = error.kind();
    let error = Error::try_from(error).ok().map(|error| match error {
        // It is reported with the first wrong byte, so what was found depends on how the bytes
        // came.
        Error::NotAStream { .. } => Error::NotAStream { found: Vec::new() },
        error => error,
    });
    (kind, error)
}

/// What came out, and why it ended if not well.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub bytes: Vec<u8>,
    pub fault: Option<Fault>,
}

/// How raw or coded bytes are handed to a writing adapter.
#[derive(Debug, Clone, Copy)]
pub struct Pushes {
    /// Bytes per write.
    pub write: usize,
    /// A flush after so many writes.
    pub flush_every: usize,
}

/// Where it was written to, and why it ended if not well.
pub type Written = (Store, Option<Fault>);

/// The four adapters of one flavour.
pub struct Flavour {
    pub name: &'static str,
    pub write_encode: fn(Store, &[u8], Pushes, EncodeOptions) -> Written,
    pub write_decode: fn(Store, &[u8], Pushes, DecodeOptions) -> Written,
    pub read_encode: fn(Wire, usize, EncodeOptions) -> (Wire, Outcome),
    pub read_decode: fn(Wire, usize, DecodeOptions) -> (Wire, Outcome),
}

pub const STD: Flavour = Flavour {
    name: "std",
    write_encode: |store, raw, pushes, options| {
        let mut writer = ranstream::RansWriter::with_options(store, options);
        let result = push_all(&mut writer, raw, pushes).and_then(|()| writer.try_finish());
        (writer.into_inner(), result.err().map(fault))
    },
    write_decode: |store, stream, pushes, options| {
        let mut writer = ranstream::write::RansDecoder::with_options(store, options);
        let result = push_all(&mut writer, stream, pushes).and_then(|()| writer.try_finish());
        (writer.into_inner(), result.err().map(fault))
    },
    read_encode: |wire, len, options| {
        let mut reader = ranstream::read::RansEncoder::with_options(wire, options);
        let outcome = pull_all(&mut reader, len);
        (reader.into_inner(), outcome)
    },
    read_decode: |wire, len, options| {
        let mut reader = ranstream::RansReader::with_options(wire, options);
        let outcome = pull_all(&mut reader, len);
        (reader.into_inner(), outcome)
    },
};

fn push_all(writer: &mut impl io::Write, bytes: &[u8], pushes: Pushes) -> io::Result<()> {
    for (number, mut chunk) in (1..).zip(bytes.chunks(pushes.write)) {
        while !chunk.is_empty() {
            let taken = writer.write(chunk)?;
            chunk = &chunk[taken..];
        }
        if number % pushes.flush_every == 0 {
            writer.flush()?;
        }
    }
    Ok(())
}

fn pull_all(reader: &mut impl io::Read, len: usize) -> Outcome {
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; len]);
    let fault = loop {
        match reader.read(&mut buffer) {
            Ok(0) => break None,
            Ok(read) => bytes.extend(&buffer[..read]),
            Err(error) => break Some(fault(error)),
        }
    };
    Outcome { bytes, fault }
}

/// The async flavours differ in the traits alone. Every future is dropped at every pending point,
/// by [`complete`].
macro_rules! flavour {
    ($constant:ident, $module:ident, $close:ident, $read_ext:path, $write_ext:path) => {
        pub const $constant: Flavour = {
            use $read_ext as ReadExt;
            use $write_ext as WriteExt;

            fn push_all(writer: &mut (impl WriteExt + Unpin), bytes: &[u8], pushes: Pushes) -> io::Result<()> {
                for (number, mut chunk) in (1..).zip(bytes.chunks(pushes.write)) {
                    while !chunk.is_empty() {
                        let taken = complete(|cx| pin!(writer.write(chunk)).poll(cx))?;
                        chunk = &chunk[taken..];
                    }
                    if number % pushes.flush_every == 0 {
                        complete(|cx| pin!(writer.flush()).poll(cx))?;
                    }
                }
                Ok(())
            }

            fn pull_all(reader: &mut (impl ReadExt + Unpin), len: usize) -> Outcome {
                let (mut bytes, mut buffer) = (Vec::new(), vec![0; len]);
                let fault = loop {
                    match complete(|cx| pin!(reader.read(&mut buffer)).poll(cx)) {
                        Ok(0) => break None,
                        Ok(read) => bytes.extend(&buffer[..read]),
                        Err(error) => break Some(fault(error)),
                    }
                };
                Outcome { bytes, fault }
            }

            Flavour {
                name: stringify!($module),
                write_encode: |store, raw, pushes, options| {
                    let mut writer = ranstream::$module::RansWriter::with_options(store, options);
                    let result = push_all(&mut writer, raw, pushes)
                        .and_then(|()| complete(|cx| Pin::new(&mut writer).poll_finish(cx)))
                        .and_then(|()| complete(|cx| pin!(writer.$close()).poll(cx)));
                    (writer.into_inner(), result.err().map(fault))
                },
                write_decode: |store, stream, pushes, options| {
                    let mut writer = ranstream::$module::RansDecoder::with_options(store, options);
                    let result = push_all(&mut writer, stream, pushes)
                        .and_then(|()| complete(|cx| pin!(writer.finish()).poll(cx)))
                        .and_then(|()| complete(|cx| pin!(writer.$close()).poll(cx)));
                    (writer.into_inner(), result.err().map(fault))
                },
                read_encode: |wire, len, options| {
                    let mut reader = ranstream::$module::RansEncoder::with_options(wire, options)
                        .flush_policy(ranstream::FlushPolicy::Never);
                    let outcome = pull_all(&mut reader, len);
                    (reader.into_inner(), outcome)
                },
                read_decode: |wire, len, options| {
                    let mut reader = ranstream::$module::RansReader::with_options(wire, options);
                    let outcome = pull_all(&mut reader, len);
                    (reader.into_inner(), outcome)
                },
            }
        };
    };
}

flavour!(FUTURES, futures, close, futures_util::AsyncReadExt, futures_util::AsyncWriteExt);
flavour!(TOKIO, tokio, shutdown, tokio::io::AsyncReadExt, tokio::io::AsyncWriteExt);
