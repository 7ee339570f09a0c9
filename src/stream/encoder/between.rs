//! What stands between the blocks that an encoder codes itself.

use super::Encoder;
use crate::{
    block::{Appended, Coded},
    error::{Error, Part, PayloadError},
    format::{BASE_KIND, BaseHint},
    limits::within,
};

impl Encoder {
    /// Writes `data` into the stream as a skippable block, behind everything taken so far. Readers
    /// that do not ask for it step over it. `kind` is 0..=0x7FFF and the application's to choose.
    ///
    /// `false`: blocks before it are not out yet, and it was not written; consume what is ready,
    /// and if nothing is, [`wait`](Encoder::wait), then call again.
    ///
    /// # Errors
    ///
    /// As [`Encoder::step`]; [`Error::InvalidOption`] for a kind or length outside its range.
    pub fn application_data(&mut self, kind: u16, data: &[u8]) -> Result<bool, Error> {
        self.begin()?;
        if !self.is_between_blocks()? {
            return Ok(false);
        }
        self.framer.append_application_data(kind, data, self.output.append())?;
        Ok(true)
    }

    /// Writes what helps people find the [base](crate::EncodeOptions::base) of the blocks behind
    /// it. Readers step over it. It belongs at the start of a stream.
    ///
    /// `false`: as with [`application_data`](Self::application_data).
    ///
    /// # Errors
    ///
    /// As [`Encoder::step`].
    pub fn base_hint(&mut self, hint: &BaseHint) -> Result<bool, Error> {
        self.begin()?;
        if !self.is_between_blocks()? {
            return Ok(false);
        }
        self.framer.append_skippable(BASE_KIND, &hint.to_payload(), self.output.append());
        Ok(true)
    }

    /// Writes a block that was coded elsewhere into the stream, behind everything taken so far:
    /// what [`block::encode`](crate::block::encode) made of `raw`. So those who have workers of
    /// their own, as a page in a browser has, can let them code the blocks of one stream.
    ///
    /// The block's check is verified. That `raw` is what it decodes to is not: these bytes serve
    /// the stream's check over all raw bytes, and their number.
    ///
    /// `false`: as with [`application_data`](Encoder::application_data).
    ///
    /// ```
    /// use ranstream::{EncodeOptions, block, stream::{Encoder, Op, Status}};
    ///
    /// let options = EncodeOptions::new().content_check(true);
    /// let (raw, mut coded) = (b"coded by a worker".repeat(9), Vec::new());
    /// block::encode(&raw, &options, &mut coded)?;
    ///
    /// let (mut encoder, mut stream) = (Encoder::new(options), Vec::new());
    /// while !encoder.coded_block(&coded, &raw)? {
    ///     stream.extend(encoder.ready());
    ///     encoder.consume(encoder.ready().len());
    /// }
    /// while encoder.step(&[], &mut [], Op::Finish)?.status != Status::Finished {
    ///     stream.extend(encoder.ready());
    ///     encoder.consume(encoder.ready().len());
    /// }
    /// assert_eq!(ranstream::decompress(&stream, &Default::default())?, raw);
    /// # Ok::<(), ranstream::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Encoder::step`]. These harm nothing: [`Error::Truncated`], [`Error::TrailingData`],
    /// [`Error::Corrupt`] or [`Error::Unsupported`] when `coded` is not one whole data block;
    /// [`Error::InvalidOption`] when `raw` has another length than the block tells, or is longer
    /// than the stream's largest block.
    pub fn coded_block(&mut self, coded: &[u8], raw: &[u8]) -> Result<bool, Error> {
        self.begin()?;
        let block = Coded::parse(coded)?;
        let appended = Appended { header: *block.header(), check: block.check() };
        block.verify().map_err(|reason| PayloadError::from(reason).at(Part::Block(0), 0))?;
        within("raw length", raw.len(), 1, self.options.block_len)?;
        within("raw length", raw.len(), appended.header.raw_len(), appended.header.raw_len())?;
        if !self.is_between_blocks()? {
            return Ok(false);
        }
        let taken = self.framer.take(raw);
        self.or_fail(taken)?;
        self.next_base(raw.len());
        self.output.append().extend_from_slice(coded);
        self.framer.add_block(&appended, coded.len());
        Ok(true)
    }

    /// Cuts the block in progress. Whether all blocks are out, so that something can stand behind
    /// them.
    fn is_between_blocks(&mut self) -> Result<bool, Error> {
        Ok(self.cut()? && self.jobs.len() == 0 && self.output.is_empty())
    }
}
