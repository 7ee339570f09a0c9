//! Batches of blocks for a device that a page owns, and the shaders that decode them there.

use std::mem;

use ranstream::{
    Error,
    jobs::{Block, Capacity, Form, PIECE, Push, Stage, bytes_of},
};

use crate::{
    block::placed,
    session::{Op, Outcome, Session, lengthen},
};

/// Takes whole coded blocks, each behind a [`seek`](Session::seek) that says which block of which
/// stream it is, and where. A step that finishes gives, one behind the other:
///
/// - what the shader reads as coded words;
/// - the jobs;
/// - four words for each block: where its raw bytes go, in bytes, how many they are, its first job,
///   and how many jobs it has.
///
/// Blocks that devices cannot decode are decoded here, and travel as raw bytes.
#[derive(Debug, Default)]
pub struct Batch {
    blocks: Vec<Held>,
    number: u64,
    offset: u64,
    out: Vec<u8>,
}

#[derive(Debug)]
struct Held {
    number: u64,
    offset: u64,
    coded: Vec<u8>,
}

impl Batch {
    fn stage(&mut self) -> Result<Outcome, Error> {
        let held = mem::take(&mut self.blocks);
        let mut blocks = Vec::with_capacity(held.len());
        let mut capacity = Capacity { coded_words: 0, raw_words: 0, jobs: 0 };
        for held in &held {
            let block = Block::parse(&held.coded).map_err(|error| placed(error, held.number, held.offset))?;
            capacity = capacity.plus(needs(&block));
            blocks.push((held, block));
        }
        let mut words = Vec::new();
        lengthen(&mut words, 4 * capacity.coded_words)?;
        let mut stage = Stage::new(&mut words, capacity);
        let mut places = Vec::with_capacity(4 * blocks.len());
        for (held, block) in blocks {
            let mut push = stage.push(&block);
            if push == Push::Refused {
                let mut raw = Vec::new();
                lengthen(&mut raw, block.raw_len())?;
                block.decode_into(&mut raw).map_err(|error| placed(error, held.number, held.offset))?;
                push = stage.push_raw(&raw);
            }
            let Push::Placed(place) = push else { unreachable!("there is room for each block, either way") };
            places.extend([place.raw_at, place.raw_len, place.jobs.start, place.jobs.len()].map(|n| n as u32));
        }
        let (jobs, used) = stage.finish();
        words.truncate(4 * used.coded_words);
        let (coded_len, jobs_len, raw_len) = (words.len(), bytes_of(&jobs).len(), 4 * used.raw_words);
        words.extend(bytes_of(&jobs));
        words.extend(places.iter().flat_map(|place| place.to_le_bytes()));
        self.out = words;
        Ok(Outcome::Batch { coded_len, jobs_len, raw_len })
    }
}

/// Room for the block, decoded there or here.
fn needs(block: &Block<'_>) -> Capacity {
    let raw_words = block.raw_len().div_ceil(4);
    let raw = Capacity { coded_words: raw_words, raw_words, jobs: block.raw_len().div_ceil(PIECE) };
    let coded = Capacity::of(block).unwrap_or(raw);
    Capacity { coded_words: coded.coded_words.max(raw.coded_words), raw_words, jobs: coded.jobs.max(raw.jobs) }
}

impl Session for Batch {
    fn space(&mut self, wanted: usize) -> Result<&mut [u8], Error> {
        let mut coded = Vec::new();
        lengthen(&mut coded, wanted)?;
        self.blocks.push(Held { number: self.number, offset: self.offset, coded });
        Ok(self.blocks.last_mut().map_or(&mut [], |held| &mut held.coded))
    }

    /// All of the space has to be written.
    fn commit(&mut self, _: usize) -> Result<(), Error> {
        Ok(())
    }

    fn step(&mut self, op: Op) -> Result<Outcome, Error> {
        if op == Op::Finish { self.stage() } else { Ok(Outcome::NeedsInput(1)) }
    }

    fn ready(&mut self) -> &[u8] {
        &self.out
    }

    fn consume(&mut self, _: usize) {
        self.out = Vec::new();
    }

    fn seek(&mut self, number: u64, offset: u64) {
        (self.number, self.offset) = (number, offset);
    }
}

/// The text of a shader: ready with the first step, which finishes if there is none.
#[derive(Debug)]
pub struct ShaderText(Vec<u8>);

impl ShaderText {
    /// The form at this place in [`Form::ALL`], for subgroups from `smallest` to `largest`; 0: the
    /// device has none.
    #[must_use]
    pub fn new(form: usize, smallest: u32, largest: u32) -> Self {
        let sizes = (smallest > 0).then_some((smallest, largest));
        let shader = Form::ALL.get(form).and_then(|(_, form)| form.shader(sizes));
        Self(shader.map_or(Vec::new(), |shader| shader.source().into_bytes()))
    }
}

impl Session for ShaderText {
    fn space(&mut self, _: usize) -> Result<&mut [u8], Error> {
        Ok(&mut [])
    }

    fn commit(&mut self, _: usize) -> Result<(), Error> {
        Ok(())
    }

    fn step(&mut self, _: Op) -> Result<Outcome, Error> {
        Ok(if self.0.is_empty() { Outcome::Finished } else { Outcome::Ready })
    }

    fn ready(&mut self) -> &[u8] {
        &self.0
    }

    fn consume(&mut self, _: usize) {
        self.0.clear();
    }
}
