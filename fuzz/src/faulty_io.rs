//! Readers and writers that fail, stall and give little, on a schedule from the input: every byte
//! arrives once.

use std::io::{self, Read, Write};

use ranstream::{EncodeOptions, RansReader, RansWriter};

/// Each byte of the schedule is one operation: 0 interrupted, 1 would block, else at most so many
/// bytes.
struct Faulty<'a, T> {
    inner: T,
    schedule: std::slice::Iter<'a, u8>,
}

impl<T> Faulty<'_, T> {
    fn next(&mut self) -> io::Result<usize> {
        match self.schedule.next() {
            None => Ok(usize::MAX),
            Some(0) => Err(io::ErrorKind::Interrupted.into()),
            Some(1) => Err(io::ErrorKind::WouldBlock.into()),
            Some(&most) => Ok(most.into()),
        }
    }
}

impl<R: Read> Read for Faulty<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = self.next()?.min(buf.len());
        self.inner.read(&mut buf[..len])
    }
}

impl<W: Write> Write for Faulty<'_, W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let len = self.next()?.min(buf.len());
        self.inner.write(&buf[..len])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.next().map(drop)
    }
}

/// The first three bytes: how long the schedule is, how long blocks are, and after how many writes
/// one flushes.
pub fn run(input: &[u8]) {
    let Some((&[schedule_len, block_len, flush_every], rest)) = input.split_first_chunk() else { return };
    let (schedule, raw) = rest.split_at(rest.len().min(schedule_len.into()));
    let options = EncodeOptions::new().block_len(usize::from(block_len).max(1));
    let mut stream = Vec::new();
    let mut writer = RansWriter::with_options(Faulty { inner: &mut stream, schedule: schedule.iter() }, options);
    let (mut rest, mut writes) = (raw, 0_u8);
    while !rest.is_empty() {
        let written = again(|| writer.write(&rest[..rest.len().min(300)]));
        rest = &rest[written..];
        writes = writes.wrapping_add(1);
        if flush_every > 0 && writes.is_multiple_of(flush_every) {
            again(|| writer.flush());
        }
    }
    again(|| writer.flush());
    again(|| writer.try_finish());
    drop(writer);

    let mut reader = RansReader::new(Faulty { inner: &stream[..], schedule: schedule.iter() });
    let (mut back, mut buf) = (Vec::<u8>::new(), [0; 100]);
    loop {
        match again(|| reader.read(&mut buf)) {
            0 => break,
            len => back.extend(&buf[..len]),
        }
    }
    assert_eq!(back, raw);
}

/// Repeats what would block. Anything else that fails is a bug.
fn again<T>(mut operation: impl FnMut() -> io::Result<T>) -> T {
    loop {
        match operation() {
            Ok(value) => return value,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(error) => panic!("{error}"),
        }
    }
}
