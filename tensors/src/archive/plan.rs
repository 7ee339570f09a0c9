//! Ranges of the file for those who read it themselves, and what is made of their bytes.

use std::{io, ops::Range};

use super::{
    Archive, check_len,
    content::{GAP, merged},
    work::Target,
};
use crate::{ReadAt, TensorError, TensorErrorKind};

/// A tensor, or rows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Want<'n> {
    /// The tensor's name.
    pub tensor: &'n str,
    /// `None`: all of them.
    pub rows: Option<Range<u64>>,
}

impl<'n> Want<'n> {
    /// All of a tensor.
    #[must_use]
    pub fn tensor(tensor: &'n str) -> Self {
        Self { tensor, rows: None }
    }

    /// Rows of a tensor.
    #[must_use]
    pub fn rows(tensor: &'n str, rows: Range<u64>) -> Self {
        Self { tensor, rows: Some(rows) }
    }
}

/// Which bytes of the file are to be fetched, and how they are decoded once they are there: for
/// stores, schedulers and caches of one's own. It does no I/O.
///
/// ```
/// use ranstream_tensors::{Archive, Want};
///
/// # let header = br#"{"a":{"dtype":"U8","shape":[3,2],"data_offsets":[0,6]}}"#;
/// # let mut file = (header.len() as u64).to_le_bytes().to_vec();
/// # file.extend(header);
/// # file.extend(b"abcdef");
/// # let stream = ranstream::compress(&file, &ranstream::EncodeOptions::new().index(true))?;
/// let archive = Archive::open(&stream[..])?;
/// let plan = archive.plan(&[Want::rows("a", 1..3)])?;
/// let fetched =
///     plan.ranges().iter().map(|range| &stream[range.start as usize..range.end as usize]);
/// let fetched: Vec<_> = fetched.collect();
/// let mut rows = [0; 4];
/// plan.decode(&fetched, &mut [&mut rows], 1)?;
/// assert_eq!(&rows, b"cdef");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Plan<'a> {
    archive: &'a Archive<'a>,
    /// Raw bytes of each want, and the name of its tensor.
    wants: Vec<(Range<u64>, &'a str)>,
    ranges: Vec<Range<u64>>,
}

impl Archive<'_> {
    /// Which bytes of the file hold the `wants`.
    ///
    /// # Errors
    ///
    /// [`TensorErrorKind::NotFound`], [`TensorErrorKind::NoRows`], [`TensorErrorKind::OutOfRange`];
    /// what the streams have against them, where a want lies behind that.
    pub fn plan<'a>(&'a self, wants: &[Want<'_>]) -> Result<Plan<'a>, TensorError> {
        let (mut raw, mut ranges) = (Vec::new(), Vec::new());
        for want in wants {
            let tensor = self.tensor(want.tensor)?;
            let info = tensor.info();
            let range = match &want.rows {
                None => info.range.clone(),
                Some(rows) => tensor.rows(rows.clone())?.raw_range(),
            };
            self.content.check_range(&range).map_err(|error| error.of_tensor(&info.name))?;
            ranges.extend(self.content.coded_ranges(&range));
            raw.push((range, &*info.name));
        }
        ranges.sort_by_key(|range| range.start);
        ranges.retain(|range| !range.is_empty());
        Ok(Plan { archive: self, wants: raw, ranges: merged(ranges, GAP) })
    }
}

impl Plan<'_> {
    /// The file's own bytes that are to be fetched: in ascending order, and as one where they are
    /// no more than 64 KiB apart.
    #[must_use]
    pub fn ranges(&self) -> &[Range<u64>] {
        &self.ranges
    }

    /// Raw bytes of each want, in their order.
    #[must_use]
    pub fn lens(&self) -> impl ExactSizeIterator<Item = u64> {
        self.wants.iter().map(|(range, _)| range.end - range.start)
    }

    /// Decodes the wants to `outs`, which are in the same order and have their
    /// [`lens`](Plan::lens). `fetched` are the bytes of the [`ranges`](Plan::ranges). `threads` 0:
    /// as many as the machine has.
    ///
    /// # Errors
    ///
    /// [`TensorErrorKind::RangesMissing`], [`TensorErrorKind::BufferCount`],
    /// [`TensorErrorKind::BufferLen`]; what blocks have against
    /// them, as [`Archive::decode_all`].
    pub fn decode(
        &self,
        fetched: &[impl AsRef<[u8]> + Sync],
        outs: &mut [&mut [u8]],
        threads: usize,
    ) -> Result<(), TensorError> {
        let mut pairs = self.ranges.iter().zip(fetched);
        let wrong = pairs.position(|(range, bytes)| bytes.as_ref().len() as u64 != range.end - range.start);
        let given = wrong.unwrap_or(fetched.len().min(self.ranges.len()));
        if given < self.ranges.len() || fetched.len() > given {
            return Err(TensorErrorKind::RangesMissing { needed: self.ranges.len(), given }.into());
        }
        let (needed, buffers) = (self.wants.len(), outs.len());
        if needed != buffers {
            return Err(TensorErrorKind::BufferCount { needed, given: buffers }.into());
        }
        let mut targets = Vec::new();
        for (owner, ((range, name), out)) in self.wants.iter().zip(outs).enumerate() {
            check_len(range.end - range.start, out).map_err(|error| error.of_tensor(name))?;
            targets.push(Target { range: range.clone(), out, owner });
        }
        let source = Fetched { ranges: &self.ranges, bytes: fetched };
        self.archive.worker(&source).run(targets, threads, &|owner| Some(self.wants[owner].1.to_owned()))
    }
}

/// Parts of a file that were fetched.
struct Fetched<'a, B> {
    ranges: &'a [Range<u64>],
    bytes: &'a [B],
}

impl<B: AsRef<[u8]> + Sync> ReadAt for Fetched<'_, B> {
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let index = self.ranges.partition_point(|range| range.end <= offset);
        let range = self.ranges.get(index).filter(|range| range.start <= offset);
        let bytes = range
            .zip(self.bytes.get(index))
            .and_then(|(range, bytes)| bytes.as_ref().get((offset - range.start) as usize..)?.get(..buf.len()));
        buf.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.ranges.last().map_or(0, |range| range.end))
    }
}
