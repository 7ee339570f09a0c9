//! Blocks that lie in memory and have a place there to go to are decoded by workers, who take them
//! from one place and to the other, some of them together. Nothing is copied.

use std::ops::ControlFlow;

use super::{
    Decoder,
    run::{RUN_BLOCKS, RUN_LEN},
};
use crate::{
    block::{self, Coded, Resources},
    error::{Error, Part},
    options::Kernel,
    parallel::{Lost, work_in_order},
    simd::{self, Spare, Written},
    stream::{BlockEvent, Deframer, Event, Op, Room, Span, step::Move, tally::Tally},
};

/// Blocks under way for each worker. They are no memory of ours.
const BLOCKS_PER_WORKER: usize = 4;

/// Runs for each worker, at least, where there is more than one block in each.
const RUNS_PER_WORKER: usize = 8;

/// A block with both its places.
struct Placed<'i, 'r> {
    block: BlockEvent,
    /// Coded bytes, with header and check.
    coded_len: usize,
    /// Payload and payload check.
    body: &'i [u8],
    raw: Spare<'r>,
}

/// Neighbours, at least one.
type Run<'i, 'r> = Vec<Placed<'i, 'r>>;

/// What comes after the last run.
enum After {
    /// An event that belongs to no run, in the input from `start` on, and the coded bytes it took.
    Event { event: Option<Event>, start: usize, len: usize },
    /// This comes out when the blocks before it did.
    Fault(Error),
}

/// What became of the runs.
pub(super) struct Done {
    taken: usize,
    given: usize,
    /// `None`: that was not looked at.
    after: Option<After>,
}

impl Decoder {
    /// Whether there is a pool, a stream that has begun, and enough of it.
    pub(super) fn works_side_by_side(&self, input: &[u8]) -> bool {
        self.jobs.has_pool()
            && self.jobs.len() == 0
            && self.header.is_some()
            && !self.jobs.leaves_to_caller(input.len(), true)
    }

    /// As many blocks as `input` and `room` have. All of `room` may have been written to.
    pub(super) fn decode_side_by_side<'r>(&mut self, input: &[u8], room: Spare<'r>) -> (Written<'r>, Done) {
        let runs = RUNS_PER_WORKER * self.jobs.executor().width();
        let together = simd::decodes_together(Kernel::or_default(self.options.kernel));
        let most = if together { input.len() / runs } else { 0 };
        let mut rest = Rest { input, taken: 0, room, most, after: None };
        let (written, fault) = self.decode_runs(|deframer| rest.next_run(deframer));
        let done = rest.done(written.len(), fault);
        (written, done)
    }

    /// What comes after the last run.
    pub(super) fn after_runs(&mut self, done: Done, input: &[u8], room: &mut impl Room, op: Op) -> Result<Move, Error> {
        let Done { taken, mut given, after } = done;
        let status = match after {
            None => None,
            Some(After::Fault(error)) => {
                self.fault = Some(error);
                None
            }
            Some(After::Event { event, start, len }) => {
                self.tally.add_coded(len);
                let rest = &input[start..];
                let handled = match event {
                    // There was no room for it. Nothing goes to the queue: behind a block there,
                    // all that follow would go the same way.
                    Some(Event::Block(block)) => self.decode_here(&block, rest, room).map(|more| (more, None)),
                    event => self.take_event(event, rest, room, op),
                };
                match handled {
                    Ok((more, status)) => {
                        given += more;
                        status
                    }
                    // It is kept, and comes out alone when what was given did.
                    Err(_) if given > 0 && self.failed.is_some() => None,
                    Err(error) => return Err(error),
                }
            }
        };
        Ok(Move { taken, given, status })
    }

    /// Decodes all runs that `next` finds, and counts their blocks in their order. Comes back: what
    /// was written, and what the first block that is not there has against it.
    fn decode_runs<'i, 'r>(
        &mut self,
        mut next: impl FnMut(&mut Deframer) -> Option<Run<'i, 'r>> + Send,
    ) -> (Written<'r>, Option<Error>) {
        let resources = &self.resources();
        let Self { options, deframer, jobs, tally, .. } = self;
        let executor = jobs.executor();
        let (mut written, mut fault) = (Written::default(), None);
        let worked = work_in_order(
            executor,
            options.work.in_flight.unwrap_or(BLOCKS_PER_WORKER * executor.width()),
            || next(deframer),
            |run| decode_run(run, resources),
            |blocks| {
                fault = blocks.into_iter().find_map(|block| count(block, tally, &mut written));
                if fault.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        );
        let lost = worked.err().map(|Lost| Error::WorkerLost { block: tally.progress().blocks() });
        (written, fault.or(lost))
    }
}

/// A block that was decoded, or is bad.
struct Decoded<'r> {
    coded_len: usize,
    raw: Result<Written<'r>, Error>,
}

/// Verifies and decodes a run. Those before the first bad block come back, and that one.
fn decode_run<'r>(run: Run<'_, 'r>, resources: &Resources) -> Vec<Decoded<'r>> {
    let numbers: Vec<_> =
        run.iter().map(|Placed { block, coded_len, .. }| (block.number, block.offset, *coded_len)).collect();
    let coded = run.into_iter().map(|Placed { block, body, raw, .. }| (Coded::new(block.header, body), raw));
    let decoded = block::decode_together(coded.collect(), resources);
    let decoded = decoded.into_iter().zip(numbers).map(|(raw, (number, offset, coded_len))| Decoded {
        coded_len,
        raw: raw.map_err(|reason| reason.at(Part::Block(number), offset)),
    });
    decoded.collect()
}

/// Counts a block, whose raw bytes are behind those in `written`. Comes back: what it has against
/// it, if it is bad.
fn count<'r>(block: Decoded<'r>, tally: &mut Tally, written: &mut Written<'r>) -> Option<Error> {
    tally.add_coded(block.coded_len);
    match block.raw {
        Ok(raw) => {
            tally.add_content(raw.bytes());
            tally.add_block(raw.len());
            written.append(raw);
            None
        }
        Err(error) => Some(error),
    }
}

/// What is left of both sides.
struct Rest<'i, 'r> {
    input: &'i [u8],
    taken: usize,
    room: Spare<'r>,
    /// Coded bytes that a run of more than one block may have.
    most: usize,
    /// What came instead of another block.
    after: Option<After>,
}

impl<'i, 'r> Rest<'i, 'r> {
    /// Blocks that are decoded together. `None`: there are no more.
    fn next_run(&mut self, deframer: &mut Deframer) -> Option<Run<'i, 'r>> {
        let mut run = Run::new();
        let (mut raw_len, mut coded_len) = (0, 0);
        while self.after.is_none() && run.len() < RUN_BLOCKS {
            match self.next(deframer) {
                Ok(placed) => {
                    // Another one is likely to be as long.
                    raw_len += placed.raw.len();
                    coded_len += placed.coded_len;
                    let ends = raw_len + placed.raw.len() > RUN_LEN || coded_len + placed.coded_len > self.most;
                    run.push(placed);
                    if ends {
                        break;
                    }
                }
                Err(after) => self.after = Some(after),
            }
        }
        (!run.is_empty()).then_some(run)
    }

    /// `given` raw bytes are good. A `fault` of their blocks is before what comes after them.
    fn done(self, given: usize, fault: Option<Error>) -> Done {
        Done { taken: self.taken, given, after: fault.map(After::Fault).or(self.after) }
    }

    /// The next block, if it has a place at the start of the room.
    fn next(&mut self, deframer: &mut Deframer) -> Result<Placed<'i, 'r>, After> {
        let (start, rest) = (self.taken, &self.input[self.taken..]);
        let (len, event) = deframer.next(rest).map_err(After::Fault)?;
        self.taken += len;
        match event {
            Some(Event::Block(block)) if block.header.raw_len() <= self.room.len() => {
                let Span::Input(body) = &block.body else {
                    return Err(After::Event { event: Some(Event::Block(block)), start, len });
                };
                let raw = self.room.take(block.header.raw_len());
                Ok(Placed { body: &rest[body.clone()], block, coded_len: len, raw })
            }
            event => Err(After::Event { event, start, len }),
        }
    }
}
