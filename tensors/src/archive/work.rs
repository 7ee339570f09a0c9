//! What is to be decoded, cut into jobs, and done by one thread or several.

use std::{
    collections::{BTreeMap, HashSet},
    mem,
    num::NonZero,
    ops::Range,
    sync::Mutex,
    thread,
};

use ranstream::{
    DecodeOptions, Error, Limit, block,
    error::{Corruption, Part},
    format::{BlockHeader, BlockMode},
    outline::MappedBlock,
};

use super::content::{Content, GAP, end_of};
use crate::{ReadAt, TensorError};

/// Raw bytes that somebody wants, and where they go.
#[derive(Debug)]
pub(super) struct Target<'o> {
    pub(super) range: Range<u64>,
    /// Has the length of the range.
    pub(super) out: &'o mut [u8],
    /// Whose they are: a number that errors are told by.
    pub(super) owner: usize,
}

/// What one thread does at a time.
#[derive(Debug)]
enum Job<'o> {
    /// Bytes that are read to where they belong.
    Read { offset: u64, target: Target<'o> },
    /// Blocks that are read at once, and decoded one after another.
    Decode(Vec<BlockJob<'o>>),
}

/// A block, and what is wanted of it.
#[derive(Debug)]
struct BlockJob<'o> {
    position: usize,
    block: MappedBlock,
    targets: Vec<Target<'o>>,
}

/// Memory that a thread keeps from job to job.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    coded: Vec<u8>,
    raw: Vec<u8>,
}

/// How the work is done.
pub(super) struct Worker<'a> {
    pub(super) source: &'a dyn ReadAt,
    pub(super) content: &'a Content,
    /// Limits, and what blocks may be differences from.
    pub(super) decoding: &'a DecodeOptions,
    /// Coded bytes that are read at once, unless one block has more.
    pub(super) read_len: u64,
    /// What is kept from call to call.
    pub(super) kept: &'a Mutex<Vec<Buffers>>,
}

/// Errors, with where in the file they are and whose bytes they cost.
type Failures = Vec<(u64, usize, TensorError)>;

impl Worker<'_> {
    /// Fills all targets. `threads` 0: as many as the machine has.
    ///
    /// # Errors
    ///
    /// The first by place, with the others in it, one for each owner. All targets of other owners
    /// are filled.
    pub(super) fn run(
        &self,
        targets: Vec<Target<'_>>,
        threads: usize,
        name: &dyn Fn(usize) -> Option<String>,
    ) -> Result<(), TensorError> {
        let threads = match threads {
            0 => thread::available_parallelism().map_or(1, NonZero::get),
            threads => threads,
        };
        let mut failures = Failures::new();
        let jobs = self.jobs(targets, threads, &mut failures);
        let threads = threads.min(jobs.len());
        if threads <= 1 {
            let mut buffers = self.take_buffers();
            for job in jobs {
                self.work(job, &mut buffers, &mut failures);
            }
            self.keep(buffers);
        } else {
            self.side_by_side(jobs, threads, &mut failures);
        }
        in_order(failures, name)
    }

    fn side_by_side(&self, jobs: Vec<Job<'_>>, threads: usize, failures: &mut Failures) {
        let jobs = Mutex::new(jobs.into_iter());
        let next = || jobs.lock().ok().and_then(|mut jobs| jobs.next());
        let work = || {
            let (mut buffers, mut failures) = (self.take_buffers(), Failures::new());
            while let Some(job) = next() {
                self.work(job, &mut buffers, &mut failures);
            }
            self.keep(buffers);
            failures
        };
        thread::scope(|scope| {
            // The system may have fewer threads than were asked for.
            let spawn = |_| thread::Builder::new().spawn_scoped(scope, work).ok();
            let workers: Vec<_> = (1..threads).map_while(spawn).collect();
            failures.extend(work());
            for worker in workers {
                match worker.join() {
                    Ok(more) => failures.extend(more),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
        });
    }

    /// What is not there in the file is a failure at once.
    fn jobs<'o>(&self, targets: Vec<Target<'o>>, threads: usize, failures: &mut Failures) -> Vec<Job<'o>> {
        let (mut reads, mut blocks) = (Vec::new(), BTreeMap::<usize, BlockJob<'o>>::new());
        for target in targets {
            if let Err(error) = self.content.check_range(&target.range) {
                failures.push((u64::MAX, target.owner, error));
                continue;
            }
            if let Content::Plain { .. } = self.content {
                self.add_reads(target, &mut reads);
                continue;
            }
            let Target { mut range, mut out, owner } = target;
            for (position, block) in self.content.blocks(&range.clone()) {
                let end = end_of(&block).min(range.end);
                let (here, rest) = mem::take(&mut out).split_at_mut((end - range.start) as usize);
                let target = Target { range: range.start..end, out: here, owner };
                blocks
                    .entry(position)
                    .or_insert_with(|| BlockJob { position, block, targets: Vec::new() })
                    .targets
                    .push(target);
                (range.start, out) = (end, rest);
            }
        }
        reads.sort_by_key(|job| if let Job::Read { offset, .. } = job { *offset } else { 0 });
        reads.extend(self.grouped(blocks.into_values(), threads));
        reads
    }

    fn add_reads<'o>(&self, target: Target<'o>, reads: &mut Vec<Job<'o>>) {
        let Target { mut range, mut out, owner } = target;
        while !out.is_empty() {
            let len = self.read_len.min(out.len() as u64);
            let (here, rest) = mem::take(&mut out).split_at_mut(len as usize);
            let target = Target { range: range.start..range.start + len, out: here, owner };
            reads.push(Job::Read { offset: range.start, target });
            (range.start, out) = (range.start + len, rest);
        }
    }

    /// Neighbours are read at once, as far as there is something to do for every thread.
    fn grouped<'o>(&self, blocks: impl ExactSizeIterator<Item = BlockJob<'o>>, threads: usize) -> Vec<Job<'o>> {
        let most = match threads {
            _ if self.source.in_memory().is_some() => 1,
            1 => usize::MAX,
            threads => blocks.len().div_ceil(4 * threads),
        };
        let mut jobs: Vec<Vec<BlockJob<'o>>> = Vec::new();
        for block in blocks {
            match jobs.last_mut() {
                Some(job) if job.len() < most && self.is_near(job, &block) => job.push(block),
                _ => jobs.push(vec![block]),
            }
        }
        jobs.into_iter().map(Job::Decode).collect()
    }

    /// Whether `block` can be read together with those of `job`.
    fn is_near(&self, job: &[BlockJob<'_>], block: &BlockJob<'_>) -> bool {
        let (Some(first), Some(last)) = (job.first(), job.last()) else { return false };
        let starts_near = (coded_end(last)..=coded_end(last) + GAP).contains(&block.block.offset);
        starts_near && coded_end(block) - first.block.offset <= self.read_len
    }

    fn work(&self, job: Job<'_>, buffers: &mut Buffers, failures: &mut Failures) {
        match job {
            Job::Read { offset, target } => {
                if let Err(error) = self.source.read_exact_at(target.out, offset) {
                    failures.push((offset, target.owner, TensorError::from(error).at(None, offset)));
                }
            }
            Job::Decode(blocks) => self.decode(blocks, buffers, failures),
        }
    }

    fn decode(&self, blocks: Vec<BlockJob<'_>>, buffers: &mut Buffers, failures: &mut Failures) {
        let (Some(first), Some(last)) = (blocks.first(), blocks.last()) else { return };
        let range = first.block.offset..coded_end(last);
        let Buffers { coded, raw } = buffers;
        let read = self.bytes(&range, coded);
        for BlockJob { position, block, targets } in blocks {
            let at = (block.offset - range.start) as usize;
            let owners: Vec<_> = targets.iter().map(|target| target.owner).collect();
            let decoded = match &read {
                Ok(bytes) => self
                    .decode_block(&bytes[at..at + block.coded_len as usize], &block, targets, raw)
                    .map_err(|error| error.in_file(position as u64, block.offset).into()),
                Err(error) => Err(error.clone()),
            };
            if let Err(error) = decoded {
                let error = error.at(Some(position as u64), block.offset);
                failures.extend(owners.into_iter().map(|owner| (block.offset, owner, error.clone())));
            }
        }
    }

    /// The file's bytes at `range`, read to `buffer` unless they lie in memory.
    fn bytes<'b>(&'b self, range: &Range<u64>, buffer: &'b mut Vec<u8>) -> Result<&'b [u8], TensorError> {
        let len = (range.end - range.start) as usize;
        if let Some(all) = self.source.in_memory() {
            let bytes = usize::try_from(range.start).ok().and_then(|start| all.get(start..)?.get(..len));
            return bytes.ok_or_else(|| Error::Truncated { offset: all.len() as u64 }.into());
        }
        let limit = |found: u64| Error::LimitExceeded {
            limit: Limit::Memory,
            found,
            allowed: self.decoding.limits.max_memory as u64,
            offset: range.start,
        };
        if len > self.decoding.limits.max_memory {
            return Err(limit(len as u64).into());
        }
        if len > buffer.len() {
            buffer.try_reserve_exact(len - buffer.len()).map_err(|_| limit(len as u64))?;
            buffer.resize(len, 0);
        }
        let bytes = &mut buffer[..len];
        self.source.read_exact_at(bytes, range.start)?;
        Ok(bytes)
    }

    /// Decodes a block to where its bytes are wanted; `raw` is between, unless all of it goes to
    /// one place.
    fn decode_block(
        &self,
        coded: &[u8],
        block: &MappedBlock,
        mut targets: Vec<Target<'_>>,
        raw: &mut Vec<u8>,
    ) -> Result<(), Error> {
        if coded.first_chunk() != Some(&block.header.to_bytes()) {
            return Err(Error::Corrupt { part: Part::Index, offset: 0, reason: Corruption::IndexMismatch });
        }
        let raw_len = block.header.raw_len();
        if raw_len > self.decoding.limits.max_block_len {
            let (found, allowed) = (raw_len as u64, self.decoding.limits.max_block_len as u64);
            return Err(Error::LimitExceeded { limit: Limit::BlockLen, found, allowed, offset: 0 });
        }
        if let [Target { out, .. }] = &mut targets[..]
            && out.len() == raw_len
        {
            return block::decode_with_options(coded, out, self.decoding).map(drop);
        }
        let wanted: usize = targets.iter().map(|target| target.out.len()).sum();
        let mode = if let BlockHeader::Data { mode, .. } = block.header { Some(mode) } else { None };
        // Elements of planes are merged where they belong. Of others little has to be wanted.
        if mode == Some(BlockMode::Planes)
            || (mode != Some(BlockMode::PlanesOverBase) && wanted <= raw_len / SMALL_PART)
        {
            let place = |target: &Target<'_>| (target.range.start - block.raw_offset) as usize;
            let mut parts: Vec<_> = targets.iter_mut().map(|target| (place(target), &mut *target.out)).collect();
            return block::decode_parts(coded, &mut parts, self.decoding);
        }
        if raw_len > raw.len() {
            raw.resize(raw_len, 0);
        }
        block::decode_with_options(coded, raw, self.decoding)?;
        for Target { range, out, .. } in targets {
            let from = (range.start - block.raw_offset) as usize;
            out.copy_from_slice(&raw[from..from + out.len()]);
        }
        Ok(())
    }

    fn take_buffers(&self) -> Buffers {
        self.kept.lock().ok().and_then(|mut kept| kept.pop()).unwrap_or_default()
    }

    /// Keeps what is no longer than usual.
    fn keep(&self, mut buffers: Buffers) {
        for buffer in [&mut buffers.coded, &mut buffers.raw] {
            if buffer.len() > KEPT_LEN {
                *buffer = Vec::new();
            }
        }
        if let Ok(mut kept) = self.kept.lock()
            && kept.len() < MOST_KEPT
        {
            kept.push(buffers);
        }
    }
}

/// Of a block of which less than this part is wanted, not all is decoded.
const SMALL_PART: usize = 2;

/// The longest buffer that is kept.
const KEPT_LEN: usize = 4 << 20;

/// Pairs of buffers that are kept from call to call.
const MOST_KEPT: usize = 16;

fn coded_end(job: &BlockJob<'_>) -> u64 {
    job.block.offset + job.block.coded_len
}

/// The first error by place, with the first ones of other owners in it.
fn in_order(mut failures: Failures, name: &dyn Fn(usize) -> Option<String>) -> Result<(), TensorError> {
    failures.sort_by_key(|&(offset, owner, _)| (offset, owner));
    let mut told = HashSet::new();
    let mut errors =
        failures.into_iter().filter(|&(_, owner, _)| told.insert(owner)).map(|(_, owner, error)| match name(owner) {
            Some(name) => error.of_tensor(&name),
            None => error,
        });
    match errors.next() {
        None => Ok(()),
        Some(first) => Err(TensorError { others: errors.collect(), ..first }),
    }
}
