//! Blocks that lie in memory and have a place there to go to: workers take them from one and to the
//! other, and nothing is copied.

use std::mem;

use super::{Decoder, decode_body};
use crate::{
    error::{Corruption, Error, Part},
    simd::Kernel,
    stream::{BlockEvent, Event, Place, Status},
};

/// Blocks that workers are given at a time.
const MANY: usize = 256;

/// A block with both its places.
struct Task<'a> {
    block: BlockEvent,
    /// Payload and payload check.
    body: &'a [u8],
    raw: &'a mut [u8],
    /// `None`: whoever had it is lost.
    result: Option<Result<(), Corruption>>,
}

impl Decoder {
    /// Whether there is a pool, and a stream that has begun.
    pub(crate) fn works_side_by_side(&self) -> bool {
        self.jobs.has_pool() && self.jobs.len() == 0 && self.header.is_some()
    }

    /// [`advance`](Self::advance) by as many blocks as `input` and `output` have, where there is a
    /// pool for them. One that `output` has no room for is decoded by the caller. All of `output`
    /// may have been written to.
    pub(crate) fn advance_side_by_side(
        &mut self,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(usize, usize, Option<Status>), Error> {
        if !self.works_side_by_side() {
            return self.advance(input, &mut &mut *output);
        }
        self.check()?;
        if let Some(status) = self.before_next()? {
            return Ok((0, 0, Some(status)));
        }
        let (mut taken, mut room) = (0, output);
        let mut tasks = Vec::new();
        let last = loop {
            if tasks.len() == MANY {
                break None;
            }
            let rest = &input[taken..];
            let (len, event) = match self.deframer.next(rest) {
                Ok(next) => next,
                Err(error) => {
                    self.fault = Some(error);
                    break None;
                }
            };
            self.progress.add_coded(len);
            taken += len;
            let body = match &event {
                Some(Event::Block(BlockEvent { header, body: Place::Input(range), .. }))
                    if header.raw_len() <= room.len() =>
                {
                    Some(&rest[range.clone()])
                }
                _ => None,
            };
            match (event, body) {
                (Some(Event::Block(block)), Some(body)) => {
                    let (raw, behind) = mem::take(&mut room).split_at_mut(block.header.raw_len());
                    room = behind;
                    tasks.push(Task { block, body, raw, result: None });
                }
                (event, _) => break Some((event, rest)),
            }
        };
        let kernel = Kernel::or_default(self.options.kernel);
        self.jobs.for_each(&mut tasks, |Task { block, body, raw, result }| {
            *result = Some(decode_body(&block.header, block.bytes, body, raw, kernel));
        });
        let mut given = 0;
        for Task { block, raw, result, .. } in tasks {
            self.finish_task(&block, raw, result)?;
            given += raw.len();
        }
        let status = match last {
            // There was no room for it. Nothing goes to the queue: behind a block there, all that
            // follow would go the same way.
            Some((Some(Event::Block(block)), rest)) => {
                given += self.decode_here(&block, rest, &mut &mut *room)?;
                None
            }
            Some((event, rest)) => self.take_event(event, rest, &mut &mut *room)?.1,
            None => None,
        };
        Ok((taken, given, status))
    }

    fn finish_task(
        &mut self,
        block: &BlockEvent,
        raw: &[u8],
        result: Option<Result<(), Corruption>>,
    ) -> Result<(), Error> {
        match result {
            None => self.fail(Error::WorkerLost { block: self.progress.blocks() }),
            Some(Err(reason)) => {
                self.fail(Error::Corrupt { part: Part::Block(block.number), offset: block.offset, reason })
            }
            Some(Ok(())) => {
                if let Some(content) = &mut self.content {
                    content.update(raw);
                }
                self.count_block(raw.len());
                Ok(())
            }
        }
    }
}
