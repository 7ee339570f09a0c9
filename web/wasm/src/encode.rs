//! Raw bytes to a stream.

use ranstream::{
    EncodeOptions, Error, Layout, Mode, Prefer, block,
    stream::{self, Status},
};

use crate::session::{Op, Outcome, Session, lengthen};

/// Numbers that say how to encode; `NaN` is the default of each.
#[derive(Debug, Clone, Copy)]
pub struct EncodeNumbers {
    /// [`EncodeOptions::level`].
    pub level: f64,
    /// [`EncodeOptions::block_len`].
    pub block_len: f64,
    /// [`EncodeOptions::segment_len`].
    pub segment_len: f64,
    /// [`EncodeOptions::scale_bits`].
    pub scale_bits: f64,
    /// The place of a mode in [`Mode::ALL`].
    pub mode: f64,
    /// The place of a preference in [`Prefer::ALL`].
    pub prefer: f64,
    /// The place of a layout in [`LAYOUTS`].
    pub layout: f64,
    /// [`EncodeOptions::content_length`].
    pub content_length: f64,
    /// [`CONTENT_CHECK`], [`INDEX`] and [`BLOCKS`], added up.
    pub flags: u32,
}

/// Layouts of one column, as `src/options.ts` names them.
pub const LAYOUTS: [Layout; 8] = [
    Layout::bytes(),
    Layout::bf16(),
    Layout::f16(),
    Layout::f32(),
    Layout::f64(),
    Layout::i16(),
    Layout::i32(),
    Layout::i64(),
];

/// [`EncodeOptions::content_check`].
pub const CONTENT_CHECK: u32 = 1;
/// [`EncodeOptions::index`].
pub const INDEX: u32 = 2;
/// Single blocks, and no stream.
pub const BLOCKS: u32 = 4;

impl EncodeNumbers {
    /// The library's options, which it checks itself.
    #[must_use]
    pub fn options(self) -> EncodeOptions {
        let given = |number: f64| (!number.is_nan()).then_some(number);
        let mut options =
            EncodeOptions::new().content_check(self.flags & CONTENT_CHECK != 0).index(self.flags & INDEX != 0);
        if let Some(level) = given(self.level) {
            options = options.level(level as u8);
        }
        if let Some(bytes) = given(self.block_len) {
            options = options.block_len(bytes as usize);
        }
        if let Some(bytes) = given(self.segment_len) {
            options = options.segment_len(bytes as usize);
        }
        if let Some(bits) = given(self.scale_bits) {
            options = options.scale_bits(bits as u8);
        }
        if let Some((_, mode)) = given(self.mode).and_then(|place| Mode::ALL.get(place as usize)) {
            options = options.mode(*mode);
        }
        if let Some((_, prefer)) = given(self.prefer).and_then(|place| Prefer::ALL.get(place as usize)) {
            options = options.prefer(*prefer);
        }
        if let Some(layout) = given(self.layout).and_then(|place| LAYOUTS.get(place as usize)) {
            options = options.layout(*layout);
        }
        if let Some(bytes) = given(self.content_length) {
            options = options.content_length(bytes as u64);
        }
        options
    }
}

/// Fewer coded bytes than this wait for the block in progress.
const WORTH_LEN: usize = 1024;

/// [`stream::Encoder`], one block at a time. Workers may code the blocks: behind a
/// [`seek`](Session::seek) to 1 a block's raw bytes are written, behind one to 2 the block, and the
/// steps that follow put it into the stream.
#[derive(Debug)]
pub struct Encoder {
    stream: stream::Encoder,
    given: Given,
    raw: Vec<u8>,
    coded: Vec<u8>,
}

/// What is written next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Given {
    /// Raw bytes that are coded here.
    Raw,
    /// Raw bytes of a block that a worker coded.
    RawOfBlock,
    Block,
}

impl Encoder {
    /// As the options say.
    #[must_use]
    pub fn new(options: EncodeOptions) -> Self {
        let stream = stream::Encoder::new(options);
        Self { stream, given: Given::Raw, raw: Vec::new(), coded: Vec::new() }
    }

    /// Puts the block that was given into the stream. What is ready before it goes out first.
    fn step_block(&mut self) -> Result<Outcome, Error> {
        if self.stream.coded_block(&self.coded, &self.raw)? {
            self.given = Given::Raw;
        }
        Ok(Outcome::Ready)
    }
}

impl Session for Encoder {
    fn space(&mut self, wanted: usize) -> Result<&mut [u8], Error> {
        let whole = match self.given {
            Given::Raw => {
                let space = self.stream.space()?;
                let len = space.len().min(wanted);
                return Ok(&mut space[..len]);
            }
            Given::RawOfBlock => &mut self.raw,
            Given::Block => &mut self.coded,
        };
        whole.clear();
        lengthen(whole, wanted)?;
        Ok(whole)
    }

    fn commit(&mut self, len: usize) -> Result<(), Error> {
        match self.given {
            Given::Raw => return self.stream.commit(len),
            Given::RawOfBlock => self.raw.truncate(len),
            Given::Block => self.coded.truncate(len),
        }
        Ok(())
    }

    fn step(&mut self, op: Op) -> Result<Outcome, Error> {
        if self.given == Given::Block {
            return self.step_block();
        }
        // The stream's header alone waits for the first block.
        let is_worth = self.stream.ready().len() >= WORTH_LEN || self.stream.uncoded().is_empty();
        let op = match op {
            Op::Flush => stream::Op::Flush,
            Op::Finish => stream::Op::Finish,
            Op::Run | Op::Verify if is_worth => stream::Op::Run,
            Op::Run | Op::Verify => return Ok(Outcome::NeedsInput(1)),
        };
        loop {
            match self.stream.step(&[], &mut [], op)?.status {
                Status::NeedsOutput { .. } => return Ok(Outcome::Ready),
                Status::Finished => return Ok(Outcome::Finished),
                Status::NeedsInput { at_least } => return Ok(Outcome::NeedsInput(at_least)),
                Status::Flushed => return Ok(Outcome::NeedsInput(1)),
                _ => self.stream.wait(),
            }
        }
    }

    fn ready(&mut self) -> &[u8] {
        self.stream.ready()
    }

    fn consume(&mut self, len: usize) {
        self.stream.consume(len);
    }

    fn seek(&mut self, given: u64, _: u64) {
        self.given = match given {
            1 => Given::RawOfBlock,
            2 => Given::Block,
            _ => Given::Raw,
        };
    }
}

/// One block after another, coded as the options say.
#[derive(Debug)]
pub struct OneBlock {
    options: EncodeOptions,
    raw: Vec<u8>,
    coded: Vec<u8>,
}

impl OneBlock {
    /// As the options say.
    #[must_use]
    pub fn new(options: EncodeOptions) -> Self {
        Self { options, raw: Vec::new(), coded: Vec::new() }
    }
}

impl Session for OneBlock {
    fn space(&mut self, wanted: usize) -> Result<&mut [u8], Error> {
        self.raw.clear();
        lengthen(&mut self.raw, wanted)?;
        Ok(&mut self.raw)
    }

    fn commit(&mut self, len: usize) -> Result<(), Error> {
        self.raw.truncate(len);
        Ok(())
    }

    fn step(&mut self, _: Op) -> Result<Outcome, Error> {
        self.coded.clear();
        block::encode(&self.raw, &self.options, &mut self.coded)?;
        Ok(Outcome::Ready)
    }

    fn ready(&mut self) -> &[u8] {
        &self.coded
    }

    fn consume(&mut self, _: usize) {
        self.coded.clear();
    }
}
