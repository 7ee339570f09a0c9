//! Neighbouring blocks that have arrived are decoded together, on the caller's thread: to their
//! places in the room if it has some for them, to be ready if not.

use super::Decoder;
use crate::{
    block::{self, Coded, Resources},
    error::{Error, Part, PayloadError},
    format::{BlockHeader, BlockMode, HEADER_LEN},
    limits::Limits,
    options::Kernel,
    simd::{self, Spare, Written},
    stream::{BlockEvent, Deframer, Event, Room, Status, step::Move},
};

/// The most raw bytes of blocks that are decoded together, where there is more than one: they stay
/// in a cache near the core.
pub(super) const RUN_LEN: usize = 512 << 10;

/// The most blocks that are decoded together.
pub(super) const RUN_BLOCKS: usize = 8;

/// The ready blocks of a run take no more than this part of the memory that may be, where there is
/// more than one.
const READY_SHARE: usize = 8;

/// Raw bytes of a segment, where a block is long enough to have several.
const SEGMENT_LEN: usize = 64 << 10;

/// How many blocks like one with such a header are a run.
pub(super) fn blocks_like(header: &BlockHeader, kernel: Kernel) -> usize {
    (run_len(header, kernel) / header.raw_len().max(1)).clamp(1, RUN_BLOCKS)
}

/// The most raw bytes of a run that begins with such a block. Where a block has all the segments
/// that the kernel takes side by side, another one gains nothing: both only leave the caches near
/// the core sooner.
fn run_len(header: &BlockHeader, kernel: Kernel) -> usize {
    if !is_lanes(header) {
        return RUN_LEN / 2;
    }
    let of_few = 2 * header.payload_len() as usize <= header.raw_len();
    (SEGMENT_LEN * simd::decodes_abreast(kernel, of_few)).clamp(RUN_LEN / 2, RUN_LEN)
}

fn is_lanes(header: &BlockHeader) -> bool {
    matches!(header, BlockHeader::Data { mode: BlockMode::Lanes, .. })
}

/// Neighbours. Either all have a place in the room, or none has.
#[derive(Default)]
struct Run {
    blocks: Vec<Arrived>,
    /// Bytes of the input that all took.
    taken: usize,
    /// Raw bytes of blocks that have a place in the room.
    placed_len: usize,
    /// Raw bytes of blocks that have none.
    ready_len: usize,
}

/// A block that is whole.
struct Arrived {
    event: BlockEvent,
    /// Bytes of the input that it took: none, where it lay in the deframer's buffer.
    coded_len: usize,
}

impl Arrived {
    fn raw_len(&self) -> usize {
        self.event.header.raw_len()
    }
}

impl Decoder {
    /// Whether the caller does the work, in a stream that has begun, and faster for several blocks.
    pub(super) fn works_on_runs(&self) -> bool {
        self.gains_by_runs() && self.header.is_some()
    }

    /// Whether bytes behind the block in progress are asked for. What stands behind a single stream
    /// is not.
    pub(super) fn reads_ahead(&self) -> bool {
        self.gains_by_runs() && !self.options.single_stream
    }

    fn gains_by_runs(&self) -> bool {
        simd::decodes_together(self.kernel()) && self.jobs.leaves_to_caller(usize::MAX, false)
    }

    pub(super) fn kernel(&self) -> Kernel {
        Kernel::or_default(self.options.kernel)
    }

    /// The blocks that are there and whole. `None`: there is none.
    pub(super) fn advance_by_run(&mut self, input: &[u8], room: &mut impl Room) -> Result<Option<Move>, Error> {
        let (run, fault) = self.next_run(input, room);
        if run.blocks.is_empty() && fault.is_none() {
            return Ok(None);
        }
        let given = if run.blocks.is_empty() { 0 } else { self.decode_run(&run, input, room)? };
        // A bad block comes before what comes after the blocks.
        self.fault = self.fault.take().or(fault);
        // What was read ahead waits until these bytes are handled, as if it had not come yet.
        let waits = given > 0 && self.deframer.unused().len() > HEADER_LEN;
        let status = waits.then_some(Status::NeedsOutput { ready: 0 });
        Ok(Some(Move { taken: run.taken, given, status }))
    }

    /// Neighbours, from the deframer's buffer or from `input`, and what comes in place of another.
    fn next_run(&mut self, input: &[u8], room: &mut impl Room) -> (Run, Option<Error>) {
        let mut run = Run::default();
        let Some(first) = self.deframer.next_block(input) else { return (run, None) };
        let most = run_len(&first, self.kernel()).min(self.options.limits.max_memory / READY_SHARE);
        // A part of a run takes longer than all of it and a copy, where that gains by neighbours.
        let is_placed = room.is_all() || !is_lanes(&first) || room.has(self.run_len_ahead(input, most));
        while run.blocks.len() < RUN_BLOCKS
            && let rest = &input[run.taken..]
            && let Some(header) = self.deframer.next_block(rest)
        {
            let raw_len = header.raw_len();
            // The first is taken, however long it is.
            if !run.blocks.is_empty() && run.placed_len + run.ready_len + raw_len > most {
                break;
            }
            let is_placed = is_placed && run.ready_len == 0 && room.has(run.placed_len + raw_len);
            // Whoever has no room for the next block may have no use for it.
            if !is_placed && (run.placed_len > 0 || (run.ready_len > 0 && room.is_all())) {
                break;
            }
            match self.deframer.next(rest) {
                Ok((len, Some(Event::Block(mut event)))) => {
                    event.body = event.body.behind(run.taken);
                    run.taken += len;
                    *(if is_placed { &mut run.placed_len } else { &mut run.ready_len }) += raw_len;
                    run.blocks.push(Arrived { event, coded_len: len });
                }
                // The deframer gives the block that it has, or says what is wrong with it.
                Ok(_) => break,
                Err(error) => return (run, Some(error)),
            }
        }
        (run, None)
    }

    /// Raw bytes of the run that is there in one place: `most`, or the first block.
    fn run_len_ahead(&self, input: &[u8], most: usize) -> usize {
        let mut lens = self.deframer.next_blocks(input).take(RUN_BLOCKS).map(|header| header.raw_len());
        let first = lens.next().unwrap_or_default();
        lens.scan(first, |len, raw_len| {
            *len += raw_len;
            (*len <= most).then_some(*len)
        })
        .last()
        .unwrap_or(first)
    }

    /// Decodes blocks to their places in `room`, or to [`Decoder::ready`]. How many bytes went to
    /// `room` comes back. A bad block is a fault behind those before it.
    fn decode_run(&mut self, run: &Run, input: &[u8], room: &mut impl Room) -> Result<usize, Error> {
        let resources = self.resources();
        let Self { deframer, output, tally, .. } = self;
        let own = output.renew();
        // The memory of each was asked for at its header; several are a small part of what may be.
        let memory = Limits::new().max_memory(usize::MAX);
        if let Err(error) = memory.grow(own, run.ready_len, run.blocks[0].event.offset) {
            output.clear();
            return self.fail(error);
        }
        own.truncate(run.ready_len);
        let is_placed = run.placed_len > 0;
        let decode = Decode { run, deframer, input, resources: &resources };
        let (good, bad) = if is_placed {
            let (raw, (good, bad)) = room.write_with(run.placed_len, |spare| decode.to(spare));
            tally.add_content(raw);
            (good, bad)
        } else {
            let (raw, (good, bad)) = decode.to(Spare::from(&mut own[..]));
            tally.add_content(raw.bytes());
            (good, bad)
        };
        let good_len = run.blocks[..good].iter().map(Arrived::raw_len).sum();
        let given = if is_placed { good_len } else { 0 };
        // Nothing of a bad block is ever shown, and nothing of an older one.
        output.renew().truncate(good_len - given);
        if let Some(reason) = bad {
            let BlockEvent { number, offset, .. } = run.blocks[good].event;
            self.fault = Some(reason.at(Part::Block(number), offset));
        }
        // The user hears of them, so all is whole by now.
        let blocks = run.blocks.iter().enumerate().take(good + 1);
        self.tally
            .add_together(blocks.map(|(index, block)| (block.coded_len, (index < good).then(|| block.raw_len()))));
        Ok(given)
    }
}

/// The blocks of a run, to be decoded.
struct Decode<'a> {
    run: &'a Run,
    deframer: &'a Deframer,
    input: &'a [u8],
    resources: &'a Resources,
}

impl Decode<'_> {
    /// Decodes them to `room`, which is as long as they are. Comes back: what the good ones wrote,
    /// how many these are, and what the next one has against it, if that is bad.
    fn to<'r>(&self, mut room: Spare<'r>) -> (Written<'r>, (usize, Option<PayloadError>)) {
        let blocks = self.run.blocks.iter().map(|Arrived { event, .. }| {
            let coded = Coded::new(event.header, self.deframer.bytes(&event.body, self.input));
            (coded, room.take(event.header.raw_len()))
        });
        let (mut written, mut good) = (Written::default(), 0);
        for decoded in block::decode_together(blocks.collect(), self.resources) {
            match decoded {
                Ok(raw) => {
                    assert!(written.append(raw), "blocks come back in their order");
                    good += 1;
                }
                Err(reason) => return (written, (good, Some(reason))),
            }
        }
        (written, (good, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        options::{DecodeOptions, EncodeOptions, Mode},
        stream::{Op, Step},
    };

    #[test]
    fn a_run_that_has_no_room_for_its_end_is_ready_as_a_whole() {
        const BLOCK_LEN: usize = 64 << 10;
        let raw: Vec<u8> = (0..4 * BLOCK_LEN).map(|at| ((at * at) >> 7) as u8 % 200).collect();
        let options = EncodeOptions::new().mode(Mode::Lanes).block_len(BLOCK_LEN);
        let stream = crate::compress(&raw, &options).unwrap();
        let given = |kernel, room| {
            let mut decoder = Decoder::new(DecodeOptions::new().kernel(kernel));
            let mut out = vec![0; room];
            let Step { produced, .. } = decoder.step(&stream, &mut out, Op::Run).unwrap();
            assert!([&out[..produced], decoder.ready()].concat() == raw[..produced + decoder.ready().len()]);
            (produced, decoder.ready().len())
        };
        for kernel in Kernel::all_available() {
            let ready = if simd::decodes_together(kernel) { 3 } else { 1 };
            assert_eq!(given(kernel, BLOCK_LEN), (BLOCK_LEN, ready * BLOCK_LEN), "{kernel}");
            assert_eq!(given(kernel, 4 * BLOCK_LEN), (4 * BLOCK_LEN, 0), "{kernel}");
        }
    }

    #[test]
    fn a_run_has_as_many_segments_as_a_kernel_takes_side_by_side() {
        let lanes = BlockMode::Lanes;
        for (mode, raw_len, payload_len, [avx2, gather, avx512]) in [
            (lanes, 256 << 10, 230 << 10, [1, 1, 2]),
            // Few symbols: eight segments at a time, by gathers, too.
            (lanes, 256 << 10, 128 << 10, [1, 2, 2]),
            (lanes, 64 << 10, 60 << 10, [4, 4, 8]),
            (lanes, 16 << 10, 15 << 10, [8, 8, 8]),
            (lanes, 1 << 20, 1, [1, 1, 1]),
            (BlockMode::Lz, 256 << 10, 80 << 10, [1, 1, 1]),
        ] {
            let header = BlockHeader::Data { mode, raw_len, payload_len };
            for (kernel, expected) in [(Kernel::Avx2, avx2), (Kernel::Avx512Gather, gather), (Kernel::Avx512, avx512)] {
                assert_eq!(blocks_like(&header, kernel), expected, "{raw_len}, {kernel}");
            }
        }
    }
}
