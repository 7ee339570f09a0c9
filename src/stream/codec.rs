//! The state machines behind two small traits, in the style of `async-compression`'s, so that
//! adapters can be written once for any codec.

use crate::{
    error::Error,
    stream::{Decoder, Encoder, Op, Status},
};

/// A buffer of which a first part is done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PartialBuffer<B> {
    buffer: B,
    index: usize,
}

impl<B: AsRef<[u8]>> PartialBuffer<B> {
    /// A buffer of which nothing is done yet.
    pub fn new(buffer: B) -> Self {
        Self { buffer, index: 0 }
    }

    /// The part that is done with.
    pub fn written(&self) -> &[u8] {
        &self.buffer.as_ref()[..self.index]
    }

    /// The rest.
    pub fn unwritten(&self) -> &[u8] {
        &self.buffer.as_ref()[self.index..]
    }

    /// The rest, to be written to.
    pub fn unwritten_mut(&mut self) -> &mut [u8]
    where
        B: AsMut<[u8]>,
    {
        &mut self.buffer.as_mut()[self.index..]
    }

    /// So many more bytes are done with.
    ///
    /// # Panics
    ///
    /// When the rest is shorter.
    pub fn advance(&mut self, len: usize) {
        assert!(len <= self.unwritten().len(), "advanced {len} bytes of {}", self.unwritten().len());
        self.index += len;
    }

    /// The whole buffer.
    pub fn into_inner(self) -> B {
        self.buffer
    }
}

/// Codes bytes from one partial buffer to another.
///
/// ```
/// use ranstream::{
///     EncodeOptions,
///     stream::{Encode, Encoder, PartialBuffer},
/// };
///
/// let mut encoder = Encoder::new(EncodeOptions::new());
/// let mut output = PartialBuffer::new(vec![0; 100]);
/// encoder.encode(&mut PartialBuffer::new(b"some bytes"), &mut output)?;
/// assert!(encoder.finish(&mut output)?);
/// assert_eq!(ranstream::decompress(output.written(), &Default::default())?, b"some bytes");
/// # Ok::<(), ranstream::Error>(())
/// ```
pub trait Encode {
    /// Takes input and gives output until one of them is used up, or a worker has to be waited for.
    ///
    /// # Errors
    ///
    /// As [`Encoder::step`].
    fn encode(
        &mut self,
        input: &mut PartialBuffer<impl AsRef<[u8]>>,
        output: &mut PartialBuffer<impl AsRef<[u8]> + AsMut<[u8]>>,
    ) -> Result<(), Error>;

    /// Gives all that was taken. `true`: it is all out.
    ///
    /// # Errors
    ///
    /// As [`Encoder::step`].
    fn flush(&mut self, output: &mut PartialBuffer<impl AsRef<[u8]> + AsMut<[u8]>>) -> Result<bool, Error>;

    /// Gives all that was taken, and the end of the stream. `true`: it is all out.
    ///
    /// # Errors
    ///
    /// As [`Encoder::step`].
    fn finish(&mut self, output: &mut PartialBuffer<impl AsRef<[u8]> + AsMut<[u8]>>) -> Result<bool, Error>;
}

/// Decodes bytes from one partial buffer to another.
pub trait Decode {
    /// Begins again, at the start of another stream.
    ///
    /// # Errors
    ///
    /// None in this crate.
    fn reinit(&mut self) -> Result<(), Error>;

    /// Takes input and gives output until one of them is used up, or a worker has to be waited for.
    /// `true`: a stream ended here.
    ///
    /// # Errors
    ///
    /// As [`Decoder::step`].
    fn decode(
        &mut self,
        input: &mut PartialBuffer<impl AsRef<[u8]>>,
        output: &mut PartialBuffer<impl AsRef<[u8]> + AsMut<[u8]>>,
    ) -> Result<bool, Error>;

    /// Gives all that can be decoded from what was taken. `true`: it is all out.
    ///
    /// # Errors
    ///
    /// As [`Decoder::step`].
    fn flush(&mut self, output: &mut PartialBuffer<impl AsRef<[u8]> + AsMut<[u8]>>) -> Result<bool, Error>;

    /// There is no more input. `true`: everything is out.
    ///
    /// # Errors
    ///
    /// As [`Decoder::step`], [`Error::Truncated`] among them.
    fn finish(&mut self, output: &mut PartialBuffer<impl AsRef<[u8]> + AsMut<[u8]>>) -> Result<bool, Error>;
}

impl Encode for Encoder {
    fn encode(
        &mut self,
        input: &mut PartialBuffer<impl AsRef<[u8]>>,
        output: &mut PartialBuffer<impl AsRef<[u8]> + AsMut<[u8]>>,
    ) -> Result<(), Error> {
        let step = self.step(input.unwritten(), output.unwritten_mut(), Op::Run)?;
        input.advance(step.consumed);
        output.advance(step.produced);
        Ok(())
    }

    fn flush(&mut self, output: &mut PartialBuffer<impl AsRef<[u8]> + AsMut<[u8]>>) -> Result<bool, Error> {
        let step = self.step(&[], output.unwritten_mut(), Op::Flush)?;
        output.advance(step.produced);
        Ok(step.status == Status::Flushed)
    }

    fn finish(&mut self, output: &mut PartialBuffer<impl AsRef<[u8]> + AsMut<[u8]>>) -> Result<bool, Error> {
        let step = self.step(&[], output.unwritten_mut(), Op::Finish)?;
        output.advance(step.produced);
        Ok(step.status == Status::Finished)
    }
}

impl Decode for Decoder {
    fn reinit(&mut self) -> Result<(), Error> {
        self.reset();
        Ok(())
    }

    fn decode(
        &mut self,
        input: &mut PartialBuffer<impl AsRef<[u8]>>,
        output: &mut PartialBuffer<impl AsRef<[u8]> + AsMut<[u8]>>,
    ) -> Result<bool, Error> {
        let step = self.step(input.unwritten(), output.unwritten_mut(), Op::Run)?;
        input.advance(step.consumed);
        output.advance(step.produced);
        Ok(matches!(step.status, Status::StreamEnd | Status::Finished))
    }

    fn flush(&mut self, output: &mut PartialBuffer<impl AsRef<[u8]> + AsMut<[u8]>>) -> Result<bool, Error> {
        let step = self.step(&[], output.unwritten_mut(), Op::Flush)?;
        output.advance(step.produced);
        Ok(matches!(step.status, Status::Flushed | Status::StreamEnd | Status::Finished))
    }

    fn finish(&mut self, output: &mut PartialBuffer<impl AsRef<[u8]> + AsMut<[u8]>>) -> Result<bool, Error> {
        let step = self.step(&[], output.unwritten_mut(), Op::Finish)?;
        output.advance(step.produced);
        Ok(step.status == Status::Finished)
    }
}
