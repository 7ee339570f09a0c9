//! Blocks that lie in memory and have a place there to go to: workers take them from one and to the
//! other, and nothing is copied.

use std::{mem, ops::ControlFlow};

use super::{Decoder, job::decode};
use crate::{
    block::Coded,
    error::{Error, Part},
    parallel::{Lost, work_in_order},
    stream::{BlockEvent, Deframer, Event, Op, Room, Span, step::Move},
};

/// Blocks under way for each worker. They are no memory of ours.
const BLOCKS_PER_WORKER: usize = 4;

/// A block with both its places.
struct Task<'a> {
    block: BlockEvent,
    /// Coded bytes, with header and check.
    coded_len: usize,
    /// Payload and payload check.
    body: &'a [u8],
    raw: &'a mut [u8],
}

/// What comes after the last task.
enum After {
    /// An event that is no task, in the input from `start` on, and the coded bytes it took.
    Event { event: Option<Event>, start: usize, len: usize },
    /// This comes out when the blocks before it did.
    Fault(Error),
}

/// What became of the tasks.
pub(super) struct Done {
    taken: usize,
    pub(super) given: usize,
    after: After,
}

impl Decoder {
    /// Whether there is a pool, a stream that has begun, and enough of it.
    pub(super) fn works_side_by_side(&self, input: &[u8]) -> bool {
        self.jobs.has_pool()
            && self.jobs.len() == 0
            && self.header.is_some()
            && !self.jobs.leaves_to_caller(input.len(), true)
    }

    /// As many blocks as `input` and `output` have. All of `output` may have been written to.
    pub(super) fn decode_side_by_side(&mut self, input: &[u8], output: &mut [u8]) -> Result<Done, Error> {
        let (mut rest, mut after) = (Rest { input, taken: 0, room: output }, None);
        let given = self.decode_tasks(|deframer| rest.next(deframer).map_err(|end| after = Some(end)).ok())?;
        let Some(after) = after else { unreachable!("tasks end with what comes after them, or with an error") };
        Ok(Done { taken: rest.taken, given, after })
    }

    /// What comes after the last task.
    pub(super) fn after_side_by_side(
        &mut self,
        done: Done,
        input: &[u8],
        room: &mut impl Room,
        op: Op,
    ) -> Result<Move, Error> {
        let Done { taken, mut given, after } = done;
        let status = match after {
            After::Fault(error) => {
                self.fault = Some(error);
                None
            }
            After::Event { event, start, len } => {
                self.tally.add_coded(len);
                let rest = &input[start..];
                let (more, status) = match event {
                    // There was no room for it. Nothing goes to the queue: behind a block there,
                    // all that follow would go the same way.
                    Some(Event::Block(block)) => (self.decode_here(&block, rest, room)?, None),
                    event => self.take_event(event, rest, room, op)?,
                };
                given += more;
                status
            }
        };
        Ok(Move { taken, given, status })
    }

    /// Decodes all tasks that `next` finds, and counts them in their order. Comes back: raw bytes.
    fn decode_tasks<'a>(
        &mut self,
        mut next: impl FnMut(&mut Deframer) -> Option<Task<'a>> + Send,
    ) -> Result<usize, Error> {
        let resources = &self.resources();
        let Self { options, deframer, jobs, tally, .. } = self;
        let executor = jobs.executor();
        let (mut given, mut decoded) = (0, Ok(()));
        let worked = work_in_order(
            executor,
            options.work.in_flight.unwrap_or(BLOCKS_PER_WORKER * executor.width()),
            || next(deframer),
            |mut task| {
                let Task { block, body, raw, .. } = &mut task;
                let result = decode(Coded::new(block.header, body), raw, resources);
                let (part, offset) = (Part::Block(block.number), block.offset);
                (task, result.map_err(|reason| reason.at(part, offset)))
            },
            |(task, result)| {
                tally.add_coded(task.coded_len);
                decoded = result;
                if decoded.is_err() {
                    return ControlFlow::Break(());
                }
                tally.add_content(task.raw);
                given += task.raw.len();
                tally.add_block(task.raw.len());
                ControlFlow::Continue(())
            },
        );
        if let Err(error) = decoded {
            return self.fail(error);
        }
        match worked {
            Ok(()) => Ok(given),
            Err(Lost) => self.fail(Error::WorkerLost { block: self.tally.progress().blocks() }),
        }
    }
}

/// What is left of both sides.
struct Rest<'a> {
    input: &'a [u8],
    taken: usize,
    room: &'a mut [u8],
}

impl<'a> Rest<'a> {
    /// The next block, if it has a place at the start of the room.
    fn next(&mut self, deframer: &mut Deframer) -> Result<Task<'a>, After> {
        let (start, rest) = (self.taken, &self.input[self.taken..]);
        let (len, event) = deframer.next(rest).map_err(After::Fault)?;
        self.taken += len;
        match event {
            Some(Event::Block(block)) if block.header.raw_len() <= self.room.len() => {
                let Span::Input(body) = &block.body else {
                    return Err(After::Event { event: Some(Event::Block(block)), start, len });
                };
                let (raw, behind) = mem::take(&mut self.room).split_at_mut(block.header.raw_len());
                self.room = behind;
                Ok(Task { body: &rest[body.clone()], block, coded_len: len, raw })
            }
            event => Err(After::Event { event, start, len }),
        }
    }
}
