//! The functions that JavaScript calls.
//!
//! A handle is the address of a [`Report`], where every function but those that make or free a
//! handle writes its outcome. Addresses in a report hold until the next call with that handle. No
//! address that comes in is followed: it names a session in a list, and one that names none does
//! nothing.
//!
//! ```text
//!   new ─▶ handle;  space, write, commit;  step ─▶ status;  take ready bytes, consume;  free
//! ```

use std::{cell::RefCell, ptr};

use ranstream::Error;

use crate::{
    block::{Cutter, OneBlock},
    decode::Decoder,
    encode::{self, BLOCKS, EncodeNumbers, Encoder},
    fault::Fault,
    file::File,
    session::{DecodeNumbers, Op, Outcome, Session},
};

/// Outcomes as numbers; `src/codec.ts` has the same.
pub mod status {
    #![allow(missing_docs, reason = "they are named as what they stand for")]
    pub const NEEDS_INPUT: u32 = 0;
    pub const READY: u32 = 1;
    pub const FINISHED: u32 = 2;
    pub const NEEDS_RANGE: u32 = 3;
    pub const BLOCK: u32 = 4;
    pub const STREAM_END: u32 = 5;
    pub const ERROR: u32 = 6;
    pub const RAW_LEN: u32 = 7;
    pub const STREAM_BEGIN: u32 = 8;
    pub const BATCH: u32 = 9;
}

/// What a call did.
#[derive(Debug)]
#[repr(C)]
pub struct Report {
    /// One of [`status`].
    pub status: u32,
    /// Bytes: the space, or what is ready.
    pub bytes: *const u8,
    /// How many.
    pub len: usize,
    /// The code of an error, or the mode of a block: UTF-8.
    pub name: *const u8,
    /// How many bytes.
    pub name_len: usize,
    /// What an error says: UTF-8.
    pub message: *const u8,
    /// How many bytes.
    pub message_len: usize,
    /// An error: offset and block, or `NaN`. A range: start and end. A block: number, offset, raw
    /// offset, raw length. A stream's begin or end: 1 if it has a check over its raw bytes. A
    /// length: itself. A batch: the lengths of its parts.
    pub numbers: [f64; 4],
}

/// A session and its report, which stays where it is.
struct Open {
    report: Box<Report>,
    message: String,
    session: Box<dyn Session>,
}

thread_local! {
    /// All that are not freed: few, so they are gone through.
    static OPEN: RefCell<Vec<Open>> = const { RefCell::new(Vec::new()) };
}

const EMPTY: Report = Report {
    status: status::NEEDS_INPUT,
    bytes: ptr::null(),
    len: 0,
    name: ptr::null(),
    name_len: 0,
    message: ptr::null(),
    message_len: 0,
    numbers: [0.0; 4],
};

/// The handle of a new session.
fn open(session: impl Session + 'static) -> usize {
    let open = Open { report: Box::new(EMPTY), message: String::new(), session: Box::new(session) };
    let handle = open.handle();
    OPEN.with_borrow_mut(|all| all.push(open));
    handle
}

fn with(handle: usize, call: impl FnOnce(&mut Open)) {
    OPEN.with_borrow_mut(|all| all.iter_mut().find(|open| open.handle() == handle).map(call));
}

impl Open {
    fn handle(&self) -> usize {
        ptr::from_ref(&*self.report).addr()
    }

    fn tell(&mut self, outcome: Result<Outcome, Error>) {
        *self.report = EMPTY;
        match outcome {
            Ok(Outcome::NeedsInput(len)) => self.report.len = len,
            Ok(Outcome::Ready) => self.tell_ready(status::READY),
            Ok(Outcome::Finished) => self.report.status = status::FINISHED,
            Ok(Outcome::NeedsRange(range)) => {
                self.report.status = status::NEEDS_RANGE;
                self.report.numbers = [range.start as f64, range.end as f64, 0.0, 0.0];
            }
            Ok(Outcome::RawLen(len)) => {
                self.report.status = status::RAW_LEN;
                self.report.numbers[0] = len as f64;
            }
            Ok(Outcome::Batch { coded_len, jobs_len, raw_len }) => {
                self.tell_ready(status::BATCH);
                self.report.numbers = [coded_len as f64, jobs_len as f64, raw_len as f64, 0.0];
            }
            Ok(Outcome::Block(block)) => {
                self.tell_ready(status::BLOCK);
                (self.report.name, self.report.name_len) = (block.mode.as_ptr(), block.mode.len());
                self.report.numbers = [block.number, block.offset, block.raw_offset, block.raw_len].map(|n| n as f64);
            }
            Ok(Outcome::StreamBegin { content_check }) => {
                self.report.status = status::STREAM_BEGIN;
                self.report.numbers[0] = f64::from(u8::from(content_check));
            }
            Ok(Outcome::StreamEnd { content_check }) => {
                self.report.status = status::STREAM_END;
                self.report.numbers[0] = f64::from(u8::from(content_check));
            }
            Err(error) => self.tell_fault(Fault::from(&error)),
        }
    }

    fn tell_ready(&mut self, status: u32) {
        let ready = self.session.ready();
        (self.report.bytes, self.report.len, self.report.status) = (ready.as_ptr(), ready.len(), status);
    }

    fn tell_fault(&mut self, fault: Fault) {
        let number = |number: Option<u64>| number.map_or(f64::NAN, |number| number as f64);
        self.message = fault.message;
        self.report.status = status::ERROR;
        (self.report.name, self.report.name_len) = (fault.code.as_ptr(), fault.code.len());
        (self.report.message, self.report.message_len) = (self.message.as_ptr(), self.message.len());
        self.report.numbers = [number(fault.offset), number(fault.block), 0.0, 0.0];
    }
}

/// A decoder. Each number is a limit; `NaN` is its default.
#[cfg(feature = "decode")]
#[unsafe(no_mangle)]
pub extern "C" fn rans_decoder(max_memory: f64, max_block_len: f64, max_output: f64, flags: u32) -> usize {
    open(Decoder::new(DecodeNumbers { max_memory, max_block_len, max_output, flags }.options()))
}

/// A cutter of blocks, with the numbers of [`rans_decoder`].
#[cfg(feature = "decode")]
#[unsafe(no_mangle)]
pub extern "C" fn rans_cutter(max_memory: f64, max_block_len: f64, max_output: f64, flags: u32) -> usize {
    open(Cutter::new(DecodeNumbers { max_memory, max_block_len, max_output, flags }.options()))
}

/// A decoder of single blocks.
#[cfg(feature = "decode")]
#[unsafe(no_mangle)]
pub extern "C" fn rans_block(max_memory: f64, max_block_len: f64, max_output: f64, flags: u32) -> usize {
    open(OneBlock::new(&DecodeNumbers { max_memory, max_block_len, max_output, flags }.options()))
}

/// A file of `len` bytes that is read in ranges.
#[cfg(feature = "file")]
#[unsafe(no_mangle)]
pub extern "C" fn rans_file(len: f64, max_memory: f64, max_block_len: f64, max_output: f64, flags: u32) -> usize {
    let numbers = DecodeNumbers { max_memory, max_block_len, max_output, flags };
    open(File::new(len as u64, numbers.options()))
}

/// An encoder of a stream, or of single blocks. `NaN` is the default of each number.
#[cfg(feature = "encode")]
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments, reason = "they are options, and JavaScript has no struct to give")]
pub extern "C" fn rans_encoder(
    level: f64,
    block_len: f64,
    segment_len: f64,
    scale_bits: f64,
    mode: f64,
    prefer: f64,
    layout: f64,
    content_length: f64,
    flags: u32,
) -> usize {
    let numbers =
        EncodeNumbers { level, block_len, segment_len, scale_bits, mode, prefer, layout, content_length, flags };
    if numbers.flags & BLOCKS == 0 {
        open(Encoder::new(numbers.options()))
    } else {
        open(encode::OneBlock::new(numbers.options()))
    }
}

/// Batches for a device.
#[cfg(feature = "gpu")]
#[unsafe(no_mangle)]
pub extern "C" fn rans_batch() -> usize {
    open(crate::gpu::Batch::default())
}

/// The shader of the form at this place of [`ranstream::jobs::Form::ALL`].
#[cfg(feature = "gpu")]
#[unsafe(no_mangle)]
pub extern "C" fn rans_shader(form: u32, smallest_subgroup: u32, largest_subgroup: u32) -> usize {
    open(crate::gpu::ShaderText::new(form as usize, smallest_subgroup, largest_subgroup))
}

/// Frees a handle.
#[unsafe(no_mangle)]
pub extern "C" fn rans_free(handle: usize) {
    OPEN.with_borrow_mut(|all| all.retain(|open| open.handle() != handle));
}

/// Where input goes: `bytes` and `len` of the report.
#[unsafe(no_mangle)]
pub extern "C" fn rans_space(handle: usize, wanted: usize) {
    with(handle, |open| match open.session.space(wanted) {
        Ok(space) => *open.report = Report { bytes: space.as_ptr(), len: space.len(), ..EMPTY },
        Err(error) => open.tell_fault(Fault::from(&error)),
    });
}

/// `len` bytes were written to the space.
#[unsafe(no_mangle)]
pub extern "C" fn rans_commit(handle: usize, len: usize) {
    with(handle, |open| {
        let committed = open.session.commit(len);
        open.tell(committed.map(|()| Outcome::NeedsInput(0)));
    });
}

/// Moves on. 0: run, 1: flush, 2: finish, else: verify.
#[unsafe(no_mangle)]
pub extern "C" fn rans_step(handle: usize, op: u32) {
    let op = match op {
        0 => Op::Run,
        1 => Op::Flush,
        2 => Op::Finish,
        _ => Op::Verify,
    };
    with(handle, |open| {
        let outcome = open.session.step(op);
        open.tell(outcome);
    });
}

/// `len` of the bytes that were ready were taken.
#[unsafe(no_mangle)]
pub extern "C" fn rans_consume(handle: usize, len: usize) {
    with(handle, |open| open.session.consume(len));
}

/// See each session's `seek`.
#[unsafe(no_mangle)]
pub extern "C" fn rans_seek(handle: usize, from: f64, to: f64) {
    with(handle, |open| open.session.seek(from as u64, to as u64));
}
