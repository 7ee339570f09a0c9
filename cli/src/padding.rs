//! How many raw bytes a damaged file has lost, and where.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    ops::Range,
};

use anyhow::Result;
use ranstream::{
    DecodeOptions, Limits, RansReader, TrailingData,
    error::Part,
    format::{BLOCK_OVERHEAD, BlockHeader, StreamHeader},
    recover::{Found, Recovery},
};

use crate::{
    advice::{because, plain},
    trailing::Trailing,
};

/// Zeros that bring what is left of a file to where it was.
#[derive(Debug)]
pub(crate) struct Padding {
    /// One for each loss, in order.
    pub(crate) gaps: Vec<Gap>,
    /// Behind all that is there.
    pub(crate) behind: u64,
    /// The file did not say it all.
    pub(crate) is_estimated: bool,
}

/// A loss.
#[derive(Debug)]
pub(crate) struct Gap {
    place: Range<u64>,
    /// Raw bytes that were there.
    pub(crate) raw_len: u64,
    /// Whether the headers in it say so.
    is_known: bool,
}

/// What was there besides the losses.
#[derive(Debug, Default)]
#[expect(clippy::struct_field_names, reason = "each is a length")]
struct Saved {
    coded_len: u64,
    raw_len: u64,
    /// Raw bytes of the longest block.
    block_len: u64,
}

/// Goes through a damaged file. What was lost is known from the headers in it, if they are whole,
/// or from the number of raw bytes that the stream had, if there is one loss to which it can
/// belong. Else it is estimated by how far the other blocks shrank.
pub(crate) fn measure(mut file: &File, limits: Limits) -> Result<Padding> {
    let mut gaps = Vec::new();
    let mut saved = Saved::default();
    file.rewind().map_err(because("cannot read it"))?;
    let mut recovery = Recovery::with_limits(file, limits);
    for part in recovery.by_ref() {
        match part.map_err(plain)? {
            Found::Block { raw, place } => {
                saved.coded_len += place.end - place.start;
                saved.raw_len += raw.len() as u64;
                saved.block_len = saved.block_len.max(raw.len() as u64);
            }
            Found::Lost { place } => gaps.push(place),
        }
    }
    if !recovery.is_unfinished() && saved.raw_len > 0 {
        // Zeros behind the last stream are no loss.
        gaps.pop_if(|place| is_zero_to_the_end(file, place));
    }
    let mut gaps: Vec<_> = gaps.into_iter().map(|place| gap(file, place)).collect::<Result<_>>()?;
    let known: u64 = gaps.iter().map(|gap| gap.raw_len).sum();
    let missing = total(file, limits).map(|total| total.saturating_sub(saved.raw_len + known));
    let (behind, is_estimated) = share(&mut gaps, missing, &saved);
    // Nothing says how much is missing in the middle.
    let unfinished_before = recovery.unfinished_streams().len() - usize::from(recovery.is_unfinished());
    Ok(Padding { gaps, behind, is_estimated: is_estimated || unfinished_before > 0 })
}

fn is_zero_to_the_end(mut file: &File, place: &Range<u64>) -> bool {
    let found = file.seek(SeekFrom::Start(place.start)).and_then(|_| Trailing::read(file));
    matches!(found, Ok(Trailing::Zeros(len)) if place.start + len == place.end)
}

/// Gives each loss that says nothing itself its share of the raw bytes that are `missing`, if that
/// is known. What belongs behind all of them comes back, and whether anything was estimated.
fn share(gaps: &mut [Gap], missing: Option<u64>, saved: &Saved) -> (u64, bool) {
    let mut unknown: Vec<_> = gaps.iter_mut().filter(|gap| !gap.is_known).collect();
    let Some(last) = unknown.pop() else {
        // Without a loss that could have held them, they are cut off.
        return (missing.unwrap_or(0), false);
    };
    let mut left = missing;
    let is_estimated = !unknown.is_empty() || missing.is_none();
    for gap in unknown {
        let estimate = estimate(&gap.place, saved);
        gap.raw_len = left.map_or(estimate, |left| left.min(estimate));
        left = left.map(|left| left - gap.raw_len);
    }
    last.raw_len = left.unwrap_or_else(|| estimate(&last.place, saved));
    (0, is_estimated)
}

/// Raw bytes in whole blocks, if they shrank like those that are there.
fn estimate(place: &Range<u64>, saved: &Saved) -> u64 {
    let (coded_len, block_len) = (saved.coded_len.max(1), saved.block_len);
    let raw_len = u128::from(place.end - place.start) * u128::from(saved.raw_len) / u128::from(coded_len);
    let blocks = (raw_len as u64 + block_len / 2).checked_div(block_len).unwrap_or(0);
    blocks.max(1) * block_len
}

/// A loss, with what the headers in it say.
fn gap(file: &File, place: Range<u64>) -> Result<Gap> {
    let known = by_headers(file, &place)?;
    Ok(Gap { place, raw_len: known.unwrap_or(0), is_known: known.is_some() })
}

/// Raw bytes of a loss in which every block header is whole.
fn by_headers(mut file: &File, place: &Range<u64>) -> Result<Option<u64>> {
    let len = place.end - place.start;
    // Nothing but the header of the stream, which holds no raw bytes.
    if place.start == 0 && [StreamHeader::FIXED_LEN, StreamHeader::MAX_LEN].contains(&(len as usize)) {
        return Ok(Some(0));
    }
    let (mut at, mut raw_len) = (place.start, 0);
    while at < place.end {
        let mut bytes = [0; BlockHeader::LEN];
        file.seek(SeekFrom::Start(at)).map_err(because("cannot read it"))?;
        if file.read_exact(&mut bytes).is_err() {
            return Ok(None);
        }
        let Ok(header) = BlockHeader::parse(&bytes, Part::Block(0), at) else { return Ok(None) };
        at += header.payload_len() + BLOCK_OVERHEAD as u64;
        raw_len += header.raw_len() as u64;
    }
    // A file that was cut ends within a block.
    let is_cut = at > place.end && place.end == file.metadata().map_err(because("cannot read it"))?.len();
    Ok((at == place.end || is_cut).then_some(raw_len))
}

/// Raw bytes of all streams, by their indexes, or as the first stream declares them.
fn total(mut file: &File, limits: Limits) -> Option<u64> {
    file.rewind().ok()?;
    let options = || DecodeOptions::new().limits(limits).trailing_data(TrailingData::Ignore);
    if let Ok(total) = RansReader::with_options(file, options()).seek(SeekFrom::End(0)) {
        return Some(total);
    }
    file.rewind().ok()?;
    let mut bytes = Vec::new();
    file.take(StreamHeader::MAX_LEN as u64).read_to_end(&mut bytes).ok()?;
    let len = StreamHeader::len_from(bytes.first_chunk()?, 0).ok()?;
    StreamHeader::parse(bytes.get(..len)?, 0).ok()?.content_length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(known: &[Option<u64>]) -> Vec<Gap> {
        let gap = |(at, known): (u64, &Option<u64>)| Gap {
            place: at * 1000..at * 1000 + 210,
            raw_len: known.unwrap_or(0),
            is_known: known.is_some(),
        };
        (0..).zip(known).map(gap).collect()
    }

    #[test]
    fn what_is_missing_goes_to_the_losses_that_say_nothing() {
        let saved = Saved { coded_len: 1000, raw_len: 5000, block_len: 500 };
        let check = |known: &[Option<u64>], missing, lens: &[u64], behind: u64, estimated: bool| {
            let mut gaps = gaps(known);
            assert_eq!(share(&mut gaps, missing, &saved), (behind, estimated), "{known:?}");
            assert_eq!(gaps.iter().map(|gap| gap.raw_len).collect::<Vec<_>>(), lens, "{known:?}");
        };
        check(&[], Some(7), &[], 7, false);
        check(&[Some(3)], None, &[3], 0, false);
        check(&[Some(3), None], Some(800), &[3, 800], 0, false);
        check(&[None], None, &[1000], 0, true);
        check(&[None, None], Some(1700), &[1000, 700], 0, true);
        check(&[None, None], Some(400), &[400, 0], 0, true);
    }
}
