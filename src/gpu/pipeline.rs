//! Batches whose raw bytes are handed out where the device left them.

use std::{collections::VecDeque, fmt, ops::Range};

use crate::{
    error::Error,
    gpu::{
        Block, Gpu,
        decoder::{Batch, Decoder, Finished, RING},
        slot::Arrived,
    },
};

/// Decodes blocks in batches on a device and hands out their raw bytes in mapped memory: no copy is
/// made of them on the host. Coded bytes are copied once, to where the device reads them, while
/// their check is verified.
///
/// Bytes and errors are those of [`Decoder`], and so is what becomes of a device that fails: the
/// CPU goes on.
///
/// ```no_run
/// use std::{fs, io::Write};
///
/// use ranstream::{
///     DecodeOptions,
///     gpu::{Gpu, GpuOptions, Pipeline},
///     stream::Blocks,
/// };
///
/// let stream = fs::read("weights.rans")?;
/// let blocks: Vec<_> = Blocks::new(&stream, &DecodeOptions::new()).collect::<Result<_, _>>()?;
/// let mut output = fs::File::create("weights")?;
/// let mut pipeline = Pipeline::new(&Gpu::request(&GpuOptions::new())?);
/// let mut rest = &blocks[..];
/// loop {
///     rest = &rest[pipeline.push(rest)..];
///     let Some(batch) = pipeline.pop() else { break };
///     for raw in batch.iter() {
///         output.write_all(raw?)?;
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Pipeline<'a> {
    decoder: Decoder,
    under_way: VecDeque<(Option<Batch>, Vec<Block<'a>>)>,
    /// Blocks that were popped.
    before: usize,
}

/// The raw bytes of a batch, block by block.
pub struct Decoded<'p> {
    decoder: &'p mut Decoder,
    /// `None`: the device has nothing of it.
    arrived: Option<Arrived>,
    blocks: Vec<Place>,
}

/// Where the raw bytes of a block are.
enum Place {
    Mapped(Range<usize>),
    /// The CPU decoded it.
    Here(Vec<u8>),
    Nowhere(Error),
}

impl<'a> Pipeline<'a> {
    /// A pipeline with buffers of its own, which are made when they are first needed.
    #[must_use]
    pub fn new(gpu: &Gpu) -> Self {
        Self { decoder: Decoder::new(gpu), under_way: VecDeque::new(), before: 0 }
    }

    /// Sends the first of `blocks` on their way, as many batches of them as there is room for; how
    /// many blocks those are comes back. 0: nothing fits before a [`pop`](Self::pop).
    pub fn push(&mut self, blocks: &[Block<'a>]) -> usize {
        let mut pushed = 0;
        while self.under_way.len() < RING && pushed < blocks.len() {
            let rest = &blocks[pushed..];
            // What no device takes is for the CPU: one block at a time, which pop decodes.
            let (count, batch) = self.decoder.launch(rest).unwrap_or((1, None));
            self.under_way.push_back((batch, rest[..count].to_vec()));
            pushed += count;
        }
        pushed
    }

    /// Waits for the oldest batch. `None`: none is under way.
    pub fn pop(&mut self) -> Option<Decoded<'_>> {
        let (batch, blocks) = self.under_way.pop_front()?;
        let gpu = self.decoder.gpu().clone();
        let landed = batch.and_then(|batch| batch.arrive(&gpu).ok());
        let mut places: Vec<Option<Place>> = blocks.iter().map(|_| None).collect();
        let arrived = landed.map(|Finished { arrived, good }| {
            for (index, range) in good {
                places[index] = Some(Place::Mapped(range));
            }
            arrived
        });
        let on_device = places.iter().flatten().count();
        gpu.count_decoded(on_device);
        gpu.count_returned(blocks.len() - on_device);
        let first = self.before;
        self.before += blocks.len();
        let blocks = (first..)
            .zip(places.into_iter().zip(&blocks))
            .map(|(number, (place, block))| place.unwrap_or_else(|| Place::decode(number, block)));
        Some(Decoded { blocks: blocks.collect(), arrived, decoder: &mut self.decoder })
    }
}

impl Place {
    fn decode(number: usize, block: &Block<'_>) -> Self {
        let mut raw = vec![0; block.raw_len()];
        match block.decode(&mut raw) {
            Ok(()) => Self::Here(raw),
            Err(reason) => Self::Nowhere(Block::error(number, reason)),
        }
    }
}

impl Decoded<'_> {
    /// Blocks of the batch, 1 or more.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no batch is empty")]
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// The raw bytes of the block at `index` of the batch.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] when the block is damaged. It is named by its place among all blocks of
    /// the pipeline.
    ///
    /// # Panics
    ///
    /// When the batch has no such block.
    pub fn block(&self, index: usize) -> Result<&[u8], Error> {
        match (&self.blocks[index], &self.arrived) {
            (Place::Mapped(range), Some(arrived)) => Ok(&arrived.raw()[range.clone()]),
            (Place::Here(raw), _) => Ok(raw),
            (Place::Nowhere(error), _) => Err(error.clone()),
            (Place::Mapped(_), None) => unreachable!("what is mapped has arrived"),
        }
    }

    /// The raw bytes of each block, in their order. An error is that of one block; those behind it
    /// may be good.
    pub fn iter(&self) -> impl Iterator<Item = Result<&[u8], Error>> {
        (0..self.len()).map(|index| self.block(index))
    }
}

impl Drop for Decoded<'_> {
    fn drop(&mut self) {
        if let Some(arrived) = self.arrived.take() {
            self.decoder.take_back(arrived);
        }
    }
}

impl fmt::Debug for Decoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoded").field("blocks", &self.len()).finish_non_exhaustive()
    }
}
