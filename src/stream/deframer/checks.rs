//! What a deframer asks of each part before it believes it.

use super::{Deframer, State};
use crate::{
    block::{Coded, Verified, scratch_len, split_check},
    error::{Corruption, Error, Limit, Part},
    format::{BlockHeader, BlockMode, CHECK_LEN, EndBlock, HEADER_LEN, INDEX_KIND, IndexFooter, MAGIC},
    stream::{event::Event, skipped::Skipped},
};

impl Deframer {
    pub(super) fn block_header(&self, bytes: [u8; HEADER_LEN]) -> Result<State, Error> {
        let part = Part::Block(self.totals.blocks);
        self.check_end(bytes, Part::End)?;
        let header = BlockHeader::parse(&bytes, part, self.offset)?;
        let corrupt = |reason| Error::Corrupt { part, offset: self.offset, reason };
        match header {
            BlockHeader::Data { raw_len, payload_len, mode } => {
                let max = 1_u64 << self.header.max_block_log2;
                if raw_len as u64 > max {
                    return Err(corrupt(Corruption::Length { found: raw_len as u64, min: 1, max }));
                }
                let total = self.totals.raw_len + raw_len as u64;
                if let Some(stored) = self.header.content_length.filter(|&declared| total > declared) {
                    return Err(corrupt(Corruption::RawLength { stored, actual: total }));
                }
                let limits = self.buffer.limits();
                limits.check_block_len(raw_len, self.offset)?;
                limits.check_output(self.raw_before.saturating_add(total), self.offset)?;
                let raw = if mode == BlockMode::Stored { 0 } else { raw_len };
                let held = payload_len + CHECK_LEN + raw + scratch_len(&header);
                limits.check_memory(held, self.offset)?;
                if self.headers_only {
                    return Ok(skip(Skipped::block(header, self.offset), payload_len as u64));
                }
            }
            BlockHeader::End { payload_len } => {
                let expected = EndBlock::payload_len(self.header.content_check);
                if payload_len != expected {
                    let (found, expected) = (payload_len as u64, expected as u64);
                    return Err(Error::Corrupt {
                        part: Part::End,
                        offset: self.offset,
                        reason: Corruption::Length { found, min: expected, max: expected },
                    });
                }
            }
            BlockHeader::Skippable { kind: INDEX_KIND, .. } => {
                return Err(corrupt(Corruption::Field { field: "kind", found: INDEX_KIND.into() }));
            }
            BlockHeader::Skippable { kind, payload_len } => {
                let allowed = self.application_data as u64;
                if kind & 0x8000 != 0 || allowed == 0 || self.headers_only {
                    return Ok(skip(Skipped::block(header, self.offset), payload_len.into()));
                }
                if u64::from(payload_len) > allowed {
                    return Err(Error::LimitExceeded {
                        limit: Limit::ApplicationData,
                        found: payload_len.into(),
                        allowed,
                        offset: self.offset,
                    });
                }
            }
        }
        Ok(State::Body(header))
    }

    /// A stream header in a block's place: whoever wrote the stream before it never came to its
    /// end.
    fn check_end(&self, bytes: [u8; HEADER_LEN], missing: Part) -> Result<(), Error> {
        if bytes[..MAGIC.len()] != MAGIC {
            return Ok(());
        }
        Err(Error::Corrupt { part: missing, offset: self.offset, reason: Corruption::EndMissing })
    }

    /// The block whose body was read last.
    pub(super) fn verify<'a>(&self, block: Coded<'a>, part: Part) -> Result<Verified<'a>, Error> {
        let offset = self.offset - HEADER_LEN as u64;
        block.verify().map_err(|reason| Error::Corrupt { part, offset, reason })
    }

    pub(super) fn end_block(&self, payload: &[u8]) -> Result<EndBlock, Error> {
        let corrupt = |reason| Error::Corrupt { part: Part::End, offset: self.offset - HEADER_LEN as u64, reason };
        let length = payload.len() as u64;
        let end = EndBlock::parse(payload).ok_or(corrupt(Corruption::PayloadEnds { field: "totals", length }))?;
        self.totals.verify(&end).map_err(corrupt)?;
        match self.header.content_length {
            Some(declared) if declared != end.raw_len => {
                Err(corrupt(Corruption::RawLength { stored: declared, actual: end.raw_len }))
            }
            _ => Ok(end),
        }
    }

    pub(super) fn index_header(&self, bytes: [u8; HEADER_LEN]) -> Result<State, Error> {
        let corrupt = |reason| Error::Corrupt { part: Part::Index, offset: self.offset, reason };
        self.check_end(bytes, Part::Index)?;
        let (header, payload_len) = match BlockHeader::parse(&bytes, Part::Index, self.offset) {
            Ok(header @ BlockHeader::Skippable { kind: INDEX_KIND, payload_len }) => (header, payload_len),
            Ok(BlockHeader::Skippable { kind, .. }) => {
                return Err(corrupt(Corruption::Field { field: "kind", found: kind.into() }));
            }
            Ok(_) | Err(Error::Unsupported { .. }) => {
                return Err(corrupt(Corruption::Field { field: "tag", found: bytes[0].into() }));
            }
            Err(error) => return Err(error),
        };
        let (found, footer) = (u64::from(payload_len), IndexFooter::LEN as u64);
        let full = self.totals.blocks.saturating_mul(HEADER_LEN as u64).saturating_add(footer);
        if found != full && found != footer {
            return Err(corrupt(Corruption::Length { found, min: footer, max: full }));
        }
        Ok(skip(Skipped::index(header, self.offset, found != footer), found - footer))
    }

    /// `bytes`: the check, in an index the footer before it. What was passed over was not checked.
    pub(super) fn skip_end(&mut self, mut skipped: Skipped, bytes: &[u8]) -> Result<Option<Event>, Error> {
        let (footer, stored) = split_check(bytes);
        let part = if skipped.is_index { Part::Index } else { Part::Block(self.totals.blocks) };
        let Skipped { header, offset, .. } = skipped;
        let corrupt = |reason| Error::Corrupt { part, offset, reason };
        skipped.update_check(footer);
        if let Some(computed) = skipped.check().filter(|&computed| computed != stored) {
            return Err(corrupt(Corruption::PayloadCheck { stored, computed }));
        }
        if !skipped.is_index {
            let raw_offset = self.raw_before + self.totals.raw_len;
            self.totals.add(&header, stored);
            self.state = State::BlockHeader;
            return Ok(self.headers_only.then_some(Event::Passed { header, offset, raw_offset }));
        }
        let footer = footer.first_chunk().and_then(IndexFooter::parse);
        let entries_agree = !skipped.has_entries
            || match (self.totals.headers_check(), skipped.entries()) {
                (Some(headers), Some(entries)) => headers == entries,
                _ => true,
            };
        let agrees = footer.is_some_and(|footer| {
            let entries = if skipped.has_entries { self.totals.blocks } else { 0 };
            footer.stream_len == self.offset - self.stream_offset && u64::from(footer.entries) == entries
        });
        if !agrees || !entries_agree {
            return Err(corrupt(Corruption::IndexMismatch));
        }
        self.state = State::StreamEnd;
        Ok(self.headers_only.then_some(Event::Index { header, offset, has_entries: skipped.has_entries }))
    }
}

/// So many bytes, then what stands behind them.
fn skip(skipped: Skipped, len: u64) -> State {
    if len == 0 { State::SkipEnd(skipped) } else { State::Skip(skipped, len) }
}
