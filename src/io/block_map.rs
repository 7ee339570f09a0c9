//! The map of blocks of an input that can be sought in.

use std::io::{self, Read, Seek, SeekFrom};

#[cfg(doc)]
use crate::error::{Corruption, Error};
use crate::{
    format::HEADER_LEN,
    io::retry::{fill_retried, seek},
    options::DecodeOptions,
    stream::{BlockMap, Mapper, Want},
};

impl BlockMap {
    /// The blocks of the streams that begin at the start of `inner`, which is left anywhere. Of
    /// `options` it takes limits, whether there may be several streams, and what may stand behind
    /// them.
    ///
    /// What the streams have against them behind their first blocks is
    /// [`raw_len`](BlockMap::raw_len)'s to report.
    ///
    /// # Errors
    ///
    /// What `inner` reports; what an index has against it; an [`Error`] inside where there is no
    /// stream at all.
    pub fn read(inner: &mut (impl Read + Seek), options: &DecodeOptions) -> io::Result<Self> {
        let mut mapper = Mapper::new(options.clone());
        let mut bytes = Vec::new();
        loop {
            match mapper.want() {
                Want::Length => mapper.tell_length(seek(inner, SeekFrom::End(0))?),
                Want::Bytes { offset, len } => {
                    options.limits.grow(&mut bytes, len, offset)?;
                    let filled = read_at(inner, offset, &mut bytes[..len])?;
                    mapper.tell_bytes(&bytes[..filled])?;
                }
                Want::Nothing => break,
            }
        }
        let map = mapper.into_map();
        map.fault_at_start().map_or(Ok(()), |fault| Err(fault.clone()))?;
        Ok(map)
    }

    /// Compares what an index said with the headers of all blocks, which are read from `inner`.
    ///
    /// # Errors
    ///
    /// What `inner` reports; [`Corruption::IndexMismatch`].
    pub fn verify(&mut self, inner: &mut (impl Read + Seek)) -> io::Result<()> {
        while let Some(offset) = self.unverified(u64::MAX) {
            let mut found = [0; HEADER_LEN];
            let filled = read_at(inner, offset, &mut found)?;
            self.verify_next(&found[..filled])?;
        }
        Ok(())
    }
}

/// Fills `bytes` from `offset` on, as far as the input goes.
fn read_at(inner: &mut (impl Read + Seek), offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
    seek(inner, SeekFrom::Start(offset))?;
    fill_retried(inner, bytes)
}
