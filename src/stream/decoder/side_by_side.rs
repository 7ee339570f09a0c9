//! Blocks that lie in memory and have a place there to go to are decoded by workers, who take them
//! from one place and to the other, some of them together. Nothing is copied.

use std::{mem, ops::ControlFlow};

use super::{
    Decoder,
    run::{RUN_BLOCKS, RUN_LEN, blocks_like},
};
use crate::{
    block::{self, Coded, Resources},
    error::{Error, Part},
    parallel::{Lost, work_in_order},
    simd::{Spare, Written},
    stream::{BlockEvent, Deframer, Event, Op, Room, Span, step::Move, tally::Tally},
};

/// Stretches under way for each worker. They are no memory of ours.
const STRETCHES_PER_WORKER: usize = 4;

/// The most runs in a stretch. While a kernel decodes a run it asks for the payloads behind it: a
/// worker whose next run is elsewhere waits for memory, and others load what it will not use. With
/// one run in each, 64 MiB took two threads a tenth longer; from 4 MiB on all lengths are as fast
/// (an Intel Xeon, Sapphire Rapids or later).
const STRETCH_RUNS: usize = 16;

/// Into how many stretches for each worker what is left would be cut, if all were as long as the
/// next one. So they become shorter to the end, and all workers come to it together.
const STRETCHES_LEFT: usize = 2;

/// A block with both its places.
struct Placed<'i, 'r> {
    block: BlockEvent,
    /// Coded bytes, with header and check.
    coded_len: usize,
    /// Payload and payload check.
    body: &'i [u8],
    raw: Spare<'r>,
}

/// Neighbours, at least one, which one worker decodes run by run.
type Stretch<'i, 'r> = Vec<Placed<'i, 'r>>;

/// What comes after the last stretch.
enum After {
    /// An event that belongs to no stretch, in the input from `start` on, and the coded bytes it
    /// took.
    Event { event: Option<Event>, start: usize, len: usize },
    /// This comes out when the blocks before it did.
    Fault(Error),
}

/// What became of the stretches.
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
        // Whoever takes the content check of a run should have it near.
        let most_runs = if self.tally.checks_content() { 1 } else { STRETCH_RUNS };
        let shares = STRETCHES_LEFT * self.jobs.executor().width();
        let mut rest = Rest { input, taken: 0, room, shares, most_runs, after: None };
        let (written, fault) = self.decode_stretches(|deframer| rest.next_stretch(deframer));
        let done = rest.done(written.len(), fault);
        (written, done)
    }

    /// What comes after the last stretch.
    pub(super) fn after_stretches(
        &mut self,
        done: Done,
        input: &[u8],
        room: &mut impl Room,
        op: Op,
    ) -> Result<Move, Error> {
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

    /// Decodes all stretches that `next` finds, and counts their blocks in their order. Comes back:
    /// what was written, and what the first block that is not there has against it.
    fn decode_stretches<'i, 'r>(
        &mut self,
        mut next: impl FnMut(&mut Deframer) -> Option<Stretch<'i, 'r>> + Send,
    ) -> (Written<'r>, Option<Error>) {
        let resources = &self.resources();
        let Self { options, deframer, jobs, tally, .. } = self;
        let executor = jobs.executor();
        let (mut written, mut fault) = (Written::default(), None);
        let worked = work_in_order(
            executor,
            options.work.in_flight.unwrap_or(STRETCHES_PER_WORKER * executor.width()),
            || next(deframer),
            |stretch| decode_stretch(stretch, resources),
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

/// Verifies and decodes a stretch, so many blocks together as are like the first of them. Those
/// before the first bad block come back, and that one.
fn decode_stretch<'r>(mut stretch: Stretch<'_, 'r>, resources: &Resources) -> Vec<Decoded<'r>> {
    let mut decoded = Vec::with_capacity(stretch.len());
    let mut rest = &mut stretch[..];
    while let Some(first) = rest.first()
        && decoded.last().is_none_or(|block: &Decoded<'_>| block.raw.is_ok())
    {
        let len = blocks_like(&first.block.header, resources.kernel).min(rest.len());
        let (run, behind) = rest.split_at_mut(len);
        decoded.extend(decode_run(run, resources));
        rest = behind;
    }
    decoded
}

/// [`decode_stretch`] of blocks that are decoded together.
fn decode_run<'r>(run: &mut [Placed<'_, 'r>], resources: &Resources) -> impl Iterator<Item = Decoded<'r>> {
    let coded = run.iter_mut().map(|Placed { block, body, raw, .. }| (Coded::new(block.header, body), mem::take(raw)));
    let decoded = block::decode_together(coded.collect(), resources);
    decoded.into_iter().zip(run).map(|(raw, Placed { block: BlockEvent { number, offset, .. }, coded_len, .. })| {
        Decoded { coded_len: *coded_len, raw: raw.map_err(|reason| reason.at(Part::Block(*number), *offset)) }
    })
}

/// Counts a block, whose raw bytes are behind those in `written`. Comes back: what it has against
/// it, if it is bad.
fn count<'r>(block: Decoded<'r>, tally: &mut Tally, written: &mut Written<'r>) -> Option<Error> {
    tally.add_coded(block.coded_len);
    match block.raw {
        Ok(raw) => {
            tally.add_content(raw.bytes());
            tally.add_block(raw.len());
            assert!(written.append(raw), "stretches come back in their order");
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
    /// A stretch of more than one block has no more than this part of the coded bytes that are
    /// left.
    shares: usize,
    /// The most runs in a stretch.
    most_runs: usize,
    /// What came instead of another block.
    after: Option<After>,
}

impl<'i, 'r> Rest<'i, 'r> {
    /// `None`: there are no more blocks.
    fn next_stretch(&mut self, deframer: &mut Deframer) -> Option<Stretch<'i, 'r>> {
        let most_coded = (self.input.len() - self.taken) / self.shares;
        let (most_raw, most_blocks) = (self.most_runs * RUN_LEN, self.most_runs * RUN_BLOCKS);
        let mut stretch = Stretch::new();
        let (mut raw_len, mut coded_len) = (0, 0);
        while self.after.is_none() && stretch.len() < most_blocks {
            match self.next(deframer) {
                Ok(placed) => {
                    // Another one is likely to be as long.
                    raw_len += placed.raw.len();
                    coded_len += placed.coded_len;
                    let ends = raw_len + placed.raw.len() > most_raw || coded_len + placed.coded_len > most_coded;
                    stretch.push(placed);
                    if ends {
                        break;
                    }
                }
                Err(after) => self.after = Some(after),
            }
        }
        (!stretch.is_empty()).then_some(stretch)
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
