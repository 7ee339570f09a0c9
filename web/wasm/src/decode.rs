//! A stream to raw bytes.

use ranstream::{
    DecodeOptions, Error,
    stream::{self, Status},
};

use crate::session::{Op, Outcome, Session};

/// [`stream::Decoder`], one block at a time.
#[derive(Debug)]
pub struct Decoder(stream::Decoder);

impl Decoder {
    /// As the options say.
    #[must_use]
    pub fn new(options: DecodeOptions) -> Self {
        Self(stream::Decoder::new(options))
    }
}

impl Session for Decoder {
    fn space(&mut self, wanted: usize) -> Result<&mut [u8], Error> {
        let space = self.0.space()?;
        let len = space.len().min(wanted);
        Ok(&mut space[..len])
    }

    fn commit(&mut self, len: usize) -> Result<(), Error> {
        self.0.commit(len);
        Ok(())
    }

    fn step(&mut self, op: Op) -> Result<Outcome, Error> {
        let op = if op == Op::Finish { stream::Op::Finish } else { stream::Op::Run };
        loop {
            match self.0.step(&[], &mut [], op)?.status {
                Status::NeedsInput { at_least } => return Ok(Outcome::NeedsInput(at_least)),
                Status::NeedsOutput { .. } => return Ok(Outcome::Ready),
                Status::Finished => return Ok(Outcome::Finished),
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
