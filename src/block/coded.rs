//! A whole coded block: header, payload and check, together until the check was verified.

use std::mem;

use super::{plain, planes, turns};
use crate::{
    base::Base,
    error::{Corruption, Error, Part, PayloadError},
    format::{BlockHeader, BlockMode, CHECK_LEN, HEADER_LEN},
    lz,
    rans::segment::Tail,
    section::lanes,
    simd::{Kernel, Spare, Written, crc32c, crc32c_copying},
};

/// A block as it came: its header was verified, its payload not yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Coded<'a> {
    header: BlockHeader,
    /// The header's own bytes, which the payload check is over as well.
    head: [u8; HEADER_LEN],
    payload: &'a [u8],
    check: u32,
}

impl<'a> Coded<'a> {
    /// The block of a verified header, and of what stands behind it: `body` begins with payload and
    /// check.
    pub(crate) fn new(header: BlockHeader, body: &'a [u8]) -> Self {
        Self::of_parts(header, header.to_bytes(), body)
    }

    fn of_parts(header: BlockHeader, head: [u8; HEADER_LEN], body: &'a [u8]) -> Self {
        let (payload, check) = split_check(&body[..body_len(&header)]);
        Self { header, head, payload, check }
    }

    /// The one data block that `bytes` are.
    ///
    /// # Errors
    ///
    /// [`Error::Truncated`], [`Error::TrailingData`], [`Error::Corrupt`] or [`Error::Unsupported`].
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let header = parse_data_header(bytes)?;
        let end = HEADER_LEN + body_len(&header);
        let Some((head, body)) = bytes.split_first_chunk() else {
            return Err(Error::Truncated { offset: bytes.len() as u64 });
        };
        if bytes.len() < end {
            return Err(Error::Truncated { offset: bytes.len() as u64 });
        }
        if bytes.len() > end {
            return Err(Error::TrailingData { offset: end as u64 });
        }
        Ok(Self::of_parts(header, *head, body))
    }

    pub(crate) fn header(&self) -> &BlockHeader {
        &self.header
    }

    fn mode(&self) -> Option<BlockMode> {
        match self.header {
            BlockHeader::Data { mode, .. } => Some(mode),
            _ => None,
        }
    }

    /// Whether it is decoded together with a neighbour.
    fn goes_with(&self, next: &Self) -> bool {
        matches!(
            (self.mode(), next.mode()),
            (Some(BlockMode::Lanes), Some(BlockMode::Lanes))
                | (Some(BlockMode::Interleaved(_)), Some(BlockMode::Interleaved(_)))
        )
    }

    /// As stored. Nothing was compared with it yet.
    pub(crate) fn check(&self) -> u32 {
        self.check
    }

    /// For those who verify it while they copy it.
    #[cfg(feature = "jobs")]
    pub(crate) fn unverified_payload(&self) -> &'a [u8] {
        self.payload
    }

    /// Compares the payload check with the one that is stored.
    pub(crate) fn verify(self) -> Result<Verified<'a>, Corruption> {
        self.compare(crc32c(&self.head, self.payload))
    }

    /// [`verify`](Self::verify), then [`decode`](Verified::decode): all of `raw`, of which nothing
    /// was written yet, comes back written. Stored bytes are copied while they are verified; after
    /// an error `raw` may hold anything, as it may where a payload does not decode.
    pub(crate) fn decode<'r>(self, mut raw: Spare<'r>, resources: &Resources) -> Result<Written<'r>, PayloadError> {
        match self.header {
            BlockHeader::Data { mode: BlockMode::Stored, .. } => {
                self.compare(crc32c_copying(&self.head, self.payload, &mut raw))?;
            }
            BlockHeader::Data { mode: BlockMode::Lanes, .. } => {
                let payload = self.verify()?.payload();
                return Ok(lanes::decode_payload(payload, Tail::Coded, raw, resources.kernel)?);
            }
            BlockHeader::Data { mode: BlockMode::Lz, .. } => {
                lz::decode_payload(self.verify()?.payload(), &mut raw, resources.kernel)?;
            }
            _ => self.verify()?.decode(raw.zero(), resources)?,
        }
        Ok(raw.into_written())
    }

    fn compare(self, computed: u32) -> Result<Verified<'a>, Corruption> {
        let stored = self.check;
        if stored == computed { Ok(Verified(self)) } else { Err(Corruption::PayloadCheck { stored, computed }) }
    }
}

/// A block whose payload check is right.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Verified<'a>(Coded<'a>);

impl<'a> Verified<'a> {
    pub(crate) fn payload(&self) -> &'a [u8] {
        self.0.payload
    }

    /// Fills `raw`, which has the raw length of the header: 0 unless it is a data block.
    pub(crate) fn decode(&self, raw: &mut [u8], resources: &Resources) -> Result<(), PayloadError> {
        match self.0.header {
            BlockHeader::Data { mode, .. } => plain::decode(mode, self.0.payload, raw, resources),
            BlockHeader::End { .. } | BlockHeader::Skippable { .. } => Ok(()),
        }
    }
}

impl Verified<'_> {
    /// Fills `parts`, each with the raw bytes of a data block from its place on, of which there are
    /// as many. Only what holds them is decoded, where the mode tells what that is.
    pub(crate) fn decode_parts(
        &self,
        parts: &mut [(usize, &mut [u8])],
        resources: &Resources,
    ) -> Result<(), PayloadError> {
        let BlockHeader::Data { mode, raw_len, .. } = self.0.header else { return Ok(()) };
        let payload = self.0.payload;
        match mode {
            BlockMode::Stored => copy_parts(parts, payload),
            BlockMode::Fill => parts.iter_mut().for_each(|(_, out)| out.fill(payload[0])),
            BlockMode::Planes if planes::decode_parts(payload, raw_len, parts, resources.kernel)? => {}
            _ => {
                let mut raw = vec![0; raw_len];
                if mode == BlockMode::Lanes {
                    let first = parts.iter().map(|(from, _)| *from).min().unwrap_or(0);
                    let end = parts.iter().map(|(from, out)| from + out.len()).max().unwrap_or(0);
                    lanes::decode_part(payload, Tail::Coded, &mut raw, &(first..end), resources.kernel)?;
                } else {
                    self.decode(&mut raw, resources)?;
                }
                copy_parts(parts, &raw);
            }
        }
        Ok(())
    }
}

fn copy_parts(parts: &mut [(usize, &mut [u8])], raw: &[u8]) {
    for (from, out) in parts {
        out.copy_from_slice(&raw[*from..*from + out.len()]);
    }
}

/// A block, and room for its raw bytes.
pub(super) type Placed<'c, 'r> = (Coded<'c>, Spare<'r>);

/// Decodes blocks to where they belong, as [`Coded::decode`] does one. Neighbours that are lanes
/// are decoded together, which takes less time, and so are those that are interleaved. What became
/// of each comes back, up to the first bad one.
pub(crate) fn decode_together<'r>(
    mut blocks: Vec<Placed<'_, 'r>>,
    resources: &Resources,
) -> Vec<Result<Written<'r>, PayloadError>> {
    let mut decoded = Vec::with_capacity(blocks.len());
    for run in blocks.chunk_by_mut(|(one, _), (next, _)| one.goes_with(next)) {
        match run {
            [(block, raw)] => decoded.push(block.decode(mem::take(raw), resources)),
            run if run[0].0.mode() != Some(BlockMode::Lanes) => turns::decode(run, resources, &mut decoded),
            run => decode_lanes(run, resources.kernel, &mut decoded),
        }
        if decoded.last().is_some_and(Result::is_err) {
            break;
        }
    }
    decoded
}

/// [`decode_together`] of blocks that are all lanes.
fn decode_lanes<'r>(
    blocks: &mut [Placed<'_, 'r>],
    kernel: Kernel,
    decoded: &mut Vec<Result<Written<'r>, PayloadError>>,
) {
    let mut jobs = Vec::with_capacity(blocks.len());
    let mut fault = None;
    for (block, raw) in blocks {
        match block.verify() {
            Ok(verified) => jobs.push(lanes::Job::new(verified.payload(), Tail::Coded, mem::take(raw))),
            Err(reason) => {
                fault = Some(reason);
                break;
            }
        }
    }
    if let Err((index, reason)) = lanes::decode_together(&mut jobs, kernel) {
        jobs.truncate(index);
        fault = Some(reason);
    }
    decoded.extend(jobs.into_iter().map(|job| Ok(job.into_written())));
    decoded.extend(fault.map(|reason| Err(reason.into())));
}

/// What decoding takes beside the bytes.
#[derive(Debug, Clone)]
pub(crate) struct Resources {
    pub(crate) kernel: Kernel,
    /// What blocks may be differences from.
    pub(crate) base: Option<Base>,
}

impl Resources {
    pub(crate) fn new(kernel: Option<Kernel>, base: Option<&Base>) -> Self {
        Self { kernel: Kernel::or_default(kernel), base: base.cloned() }
    }
}

/// Bytes behind a block's header: payload and check.
pub(crate) fn body_len(header: &BlockHeader) -> usize {
    header.payload_len() as usize + CHECK_LEN
}

/// The most memory that decoding a block takes of a thread, beside its payload and raw bytes.
pub(crate) fn scratch_len(header: &BlockHeader) -> usize {
    match *header {
        BlockHeader::Data { mode: BlockMode::Lz, raw_len, .. } => lz::scratch_len(raw_len),
        BlockHeader::Data { mode: BlockMode::Planes, raw_len, .. } => planes::scratch_len(raw_len, false),
        BlockHeader::Data { mode: BlockMode::PlanesOverBase, raw_len, .. } => planes::scratch_len(raw_len, true),
        _ => 0,
    }
}

/// Payload and the check behind it.
pub(crate) fn split_check(body: &[u8]) -> (&[u8], u32) {
    match body.split_last_chunk() {
        Some((payload, check)) => (payload, u32::from_le_bytes(*check)),
        None => (body, 0),
    }
}

/// The header of the data block that `bytes` begin with.
pub(crate) fn parse_data_header(bytes: &[u8]) -> Result<BlockHeader, Error> {
    let first = bytes.first_chunk().ok_or(Error::Truncated { offset: bytes.len() as u64 })?;
    let header = BlockHeader::parse(first, Part::Block(0), 0)?;
    if let BlockHeader::Data { .. } = header {
        return Ok(header);
    }
    let reason = Corruption::Field { field: "tag", found: first[0].into() };
    Err(Error::Corrupt { part: Part::Block(0), offset: 0, reason })
}
