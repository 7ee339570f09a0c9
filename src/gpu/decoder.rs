//! Blocks to bytes in the host's memory, batch by batch.

use std::{collections::VecDeque, ops::Range};

use crate::{
    error::{Error, PayloadError},
    gpu::{
        Block, Gpu, GpuError,
        device::LONG_SEGMENT,
        slot::{Arrived, Flight, Slot},
    },
    jobs::{Capacity, Placed, Push, STATUS_DONE, segment_len},
};

/// Batches under way at a time: one is filled, one is decoded, one is emptied.
pub(crate) const RING: usize = 3;

/// Bytes, raw and coded, of the blocks of a stream that are under way where a device decodes them:
/// two rings of batches of the default length, so that one gathers while the other is decoded.
pub(crate) const UNDER_WAY: usize = 192 << 20;

/// Decodes blocks in batches on a device, and on the CPU what the device does not.
///
/// The host verifies each block's check while it copies the block to where the device reads it, and
/// looks at every segment's verdict afterwards. What is damaged is decoded again on the
/// CPU, so that errors are the same as everywhere in this crate. When the device fails or is lost,
/// the CPU does the rest.
///
/// ```no_run
/// use ranstream::{
///     EncodeOptions, block,
///     gpu::{Block, Decoder, Gpu, GpuOptions},
/// };
///
/// let raw = vec![7; 1 << 20];
/// let mut coded = Vec::new();
/// block::encode(&raw, &EncodeOptions::new().level(0).segment_len(16 << 10), &mut coded)?;
///
/// let mut decoder = Decoder::new(&Gpu::request(&GpuOptions::new())?);
/// let mut back = vec![0; raw.len()];
/// decoder.decode_into(&[Block::parse(&coded)?], &mut back)?;
/// assert_eq!(back, raw);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    gpu: Gpu,
    idle: Vec<Slot>,
    /// The segments of the last blocks were long.
    long: bool,
}

/// A block, and where its bytes go.
#[derive(Debug)]
struct Item<'a> {
    block: Block<'a>,
    /// As long as the block says.
    raw: &'a mut [u8],
    /// The bytes are there, and right.
    done: bool,
}

impl Item<'_> {
    /// Decodes it on the CPU, unless it is done.
    fn finish(&mut self) -> Result<(), PayloadError> {
        if self.done {
            return Ok(());
        }
        self.block.decode(self.raw)?;
        self.done = true;
        Ok(())
    }
}

/// A batch that the device has, and which of the blocks are in it.
#[derive(Debug)]
pub(crate) struct Batch {
    flight: Flight,
    placed: Vec<(usize, Placed)>,
}

/// A batch that is done.
pub(super) struct Finished {
    pub(super) arrived: Arrived,
    /// The blocks that are right, by their places in what was launched, and where their bytes are.
    pub(super) good: Vec<(usize, Range<usize>)>,
}

impl Batch {
    /// Waits for the batch.
    pub(super) fn arrive(self, gpu: &Gpu) -> Result<Finished, GpuError> {
        let arrived = gpu.attempt(|| self.flight.arrive(gpu))?;
        let statuses = arrived.statuses();
        let good = self
            .placed
            .into_iter()
            .filter(|(_, place)| statuses[place.jobs.clone()].iter().all(|&status| status == STATUS_DONE))
            .map(|(index, place)| (index, place.raw_at..place.raw_at + place.raw_len))
            .collect();
        if statuses.iter().any(|status| status & STATUS_DONE == 0) {
            gpu.give_up("the kernel did not run: the device's subgroups are not as it said");
        }
        Ok(Finished { arrived, good })
    }
}

impl Decoder {
    /// A decoder with buffers of its own, which are made when they are first needed.
    #[must_use]
    pub fn new(gpu: &Gpu) -> Self {
        Self { gpu: gpu.clone(), idle: Vec::new(), long: false }
    }

    /// The device.
    #[must_use]
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// Decodes `blocks` one behind the other to the start of `out`; how many bytes they have comes
    /// back.
    ///
    /// # Errors
    ///
    /// [`Error::OutputTooSmall`], with nothing done; [`Error::Corrupt`] for the first damaged
    /// block, named by its place in `blocks`: all blocks before it are decoded, what stands
    /// behind them in `out` may be anything.
    pub fn decode_into(&mut self, blocks: &[Block<'_>], out: &mut [u8]) -> Result<usize, Error> {
        let needed: usize = blocks.iter().map(Block::raw_len).sum();
        if out.len() < needed {
            return Err(Error::OutputTooSmall { needed: needed as u64, available: out.len() as u64 });
        }
        let mut rest = out;
        let mut items = Vec::with_capacity(blocks.len());
        for &block in blocks {
            let (raw, behind) = rest.split_at_mut(block.raw_len());
            items.push(Item { block, raw, done: false });
            rest = behind;
        }
        self.run(&mut items);
        for (index, item) in items.iter_mut().enumerate() {
            item.finish().map_err(|reason| Block::error(index, reason))?;
        }
        Ok(needed)
    }

    /// Decodes on the device what it can. Items that are not done afterwards are for the CPU.
    fn run(&mut self, items: &mut [Item<'_>]) {
        // An error leaves items undone, which says it all: the device counts as lost, and why is
        // kept there.
        let _ = self.try_run(items);
        let done = items.iter().filter(|item| item.done).count();
        self.gpu.count_decoded(done);
        self.gpu.count_returned(items.len() - done);
    }

    fn try_run(&mut self, items: &mut [Item<'_>]) -> Result<(), GpuError> {
        let blocks: Vec<_> = items.iter().map(|item| item.block).collect();
        let (mut flights, mut next) = (VecDeque::new(), 0);
        while next < blocks.len() || !flights.is_empty() {
            if flights.len() < RING && next < blocks.len() {
                let (count, batch) = self.launch(&blocks[next..])?;
                flights.extend(batch.map(|batch| (next, batch)));
                next += count;
            } else if let Some((first, batch)) = flights.pop_front() {
                self.finish(batch, |index, raw| {
                    let item = &mut items[first + index];
                    item.raw.copy_from_slice(raw);
                    item.done = true;
                })?;
            }
        }
        Ok(())
    }

    /// Raw bytes of the largest batch, as far as is known from the blocks so far.
    pub(crate) fn batch_len(&self) -> u64 {
        4 * self.gpu.capacity(self.long).raw_words as u64
    }

    /// Sends the first of `blocks` on their way, 1 or more: how many comes back, and the batch,
    /// unless none of them is for the device.
    pub(crate) fn launch(&mut self, blocks: &[Block<'_>]) -> Result<(usize, Option<Batch>), GpuError> {
        let gpu = self.gpu.clone();
        self.long = blocks.iter().find_map(segment_len).map_or(self.long, |len| len > LONG_SEGMENT);
        let wanted = wanted(gpu.capacity(self.long), blocks);
        let (mut placed, mut next) = (Vec::new(), 0);
        let launched = gpu.attempt(|| {
            let slot = match self.idle.pop() {
                Some(slot) if slot.holds(wanted) => slot,
                _ => Slot::new(&gpu, wanted),
            };
            let filled = slot.fill(|stage| {
                while let Some(block) = blocks.get(next) {
                    match stage.push(block) {
                        Push::Placed(place) => placed.push((next, place)),
                        // A block that an empty batch has no room for is too large for this device.
                        Push::Full if !placed.is_empty() => break,
                        Push::Full | Push::Refused => {}
                    }
                    next += 1;
                }
            })?;
            Ok(if filled.is_empty() { Err(filled.into_slot()) } else { Ok(filled.submit(&gpu)) })
        })?;
        match launched {
            Ok(flight) => Ok((next, Some(Batch { flight, placed }))),
            Err(slot) => {
                self.idle.push(slot);
                Ok((next, None))
            }
        }
    }

    /// Waits for a batch and shows the bytes of each block that is right to `take`, with the
    /// block's place in what was launched.
    pub(crate) fn finish(&mut self, batch: Batch, mut take: impl FnMut(usize, &[u8])) -> Result<(), GpuError> {
        let Finished { arrived, good } = batch.arrive(&self.gpu)?;
        for (index, range) in good {
            take(index, &arrived.raw()[range]);
        }
        self.take_back(arrived);
        Ok(())
    }

    /// The bytes of a batch are not needed any more; its buffers are.
    pub(super) fn take_back(&mut self, arrived: Arrived) {
        self.idle.push(arrived.release());
    }
}

/// The capacity for as many of `blocks` as go into one batch of at most `most`, rounded up so that
/// slots are seldom made anew.
fn wanted(most: Capacity, blocks: &[Block<'_>]) -> Capacity {
    let mut wanted = Capacity::NOTHING;
    for needs in blocks.iter().filter_map(Capacity::of) {
        let more = wanted.plus(needs);
        if most.take(more).is_some() {
            wanted = more;
        } else if wanted != Capacity::NOTHING {
            break;
        }
    }
    wanted.rounded_up(most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EncodeOptions, Mode, block, gpu::GpuOptions};

    #[test]
    fn blocks_of_long_segments_go_in_larger_batches() {
        let Ok(gpu) = Gpu::request(&GpuOptions::new().software(true)) else {
            println!("skipped: no adapter");
            return;
        };
        for (segment_len, options, expected) in [
            (16 << 10, GpuOptions::new(), 4),
            (64 << 10, GpuOptions::new(), 6),
            (64 << 10, GpuOptions::new().batch_len(8 << 20), 2),
        ] {
            let gpu = Gpu::from_wgpu(gpu.device().clone(), gpu.queue().clone(), &options).unwrap();
            let mut coded = Vec::new();
            let lanes = EncodeOptions::new().mode(Mode::Lanes).segment_len(segment_len);
            block::encode(&vec![7; 4 << 20], &lanes, &mut coded).unwrap();
            let mut decoder = Decoder::new(&gpu);
            let (count, batch) = decoder.launch(&[Block::parse(&coded).unwrap(); 6]).unwrap();
            assert_eq!((count, batch.is_some()), (expected, true), "{segment_len}, {options:?}");
            assert!(decoder.batch_len() >= (expected as u64) << 22);
        }
    }
}
