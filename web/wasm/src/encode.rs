//! Raw bytes to a stream.

use ranstream::{
    EncodeOptions, Error, Mode, Prefer,
    stream::{self, Status},
};

use crate::session::{Op, Outcome, Session};

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
    /// [`EncodeOptions::content_length`].
    pub content_length: f64,
    /// [`CONTENT_CHECK`] and [`INDEX`], added up.
    pub flags: u32,
}

/// [`EncodeOptions::content_check`].
pub const CONTENT_CHECK: u32 = 1;
/// [`EncodeOptions::index`].
pub const INDEX: u32 = 2;

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
        if let Some(bytes) = given(self.content_length) {
            options = options.content_length(bytes as u64);
        }
        options
    }
}

/// Fewer coded bytes than this wait for the block in progress.
const WORTH_LEN: usize = 1024;

/// [`stream::Encoder`], one block at a time.
#[derive(Debug)]
pub struct Encoder(stream::Encoder);

impl Encoder {
    /// As the options say.
    #[must_use]
    pub fn new(options: EncodeOptions) -> Self {
        Self(stream::Encoder::new(options))
    }
}

impl Session for Encoder {
    fn space(&mut self, wanted: usize) -> Result<&mut [u8], Error> {
        let space = self.0.space()?;
        let len = space.len().min(wanted);
        Ok(&mut space[..len])
    }

    fn commit(&mut self, len: usize) -> Result<(), Error> {
        self.0.commit(len)
    }

    fn step(&mut self, op: Op) -> Result<Outcome, Error> {
        // The stream's header alone waits for the first block.
        let is_worth = self.0.ready().len() >= WORTH_LEN || self.0.uncoded().is_empty();
        let op = match op {
            Op::Flush => stream::Op::Flush,
            Op::Finish => stream::Op::Finish,
            Op::Run | Op::Verify if is_worth => stream::Op::Run,
            Op::Run | Op::Verify => return Ok(Outcome::NeedsInput(1)),
        };
        loop {
            match self.0.step(&[], &mut [], op)?.status {
                Status::NeedsOutput { .. } => return Ok(Outcome::Ready),
                Status::Finished => return Ok(Outcome::Finished),
                Status::NeedsInput { .. } | Status::Flushed => return Ok(Outcome::NeedsInput(1)),
                _ => self.0.wait(),
            }
        }
    }

    fn ready(&mut self) -> &[u8] {
        self.0.ready()
    }

    fn consume(&mut self, len: usize) {
        self.0.consume(len);
    }
}
