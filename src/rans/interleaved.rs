//! N states that take turns, each with its own words: the original coder's `interleaved_n` frames
//! (FORMAT.md, 4.3).

use crate::{
    error::{Corruption, Error},
    format::{TableKind, fields::Fields},
    limits::within,
    model::{Frequencies, Histogram, Slot, SlotTable, Slots, Slots9, Slots10, SymbolTable, normalize_compat},
    rans::{
        LOWER_BOUND, outside_a_stream, parse_state, reserve,
        turns::{self, Lane},
        words::{WordReader, WordStack},
    },
};

/// The default number of lanes. A number known to the compiler keeps their states in registers.
pub(super) const FEW: usize = 4;

/// Codes `raw` as the original coder did, byte for byte, with `lanes` states, 1..=255. `scale_bits`
/// is 9..=14. Nothing becomes nothing.
///
/// ```
/// use ranstream::rans::interleaved;
///
/// let payload = interleaved::encode(b"abracadabra", 4, 12)?;
/// assert_eq!(interleaved::decode(&payload, 11)?, b"abracadabra");
/// # Ok::<(), ranstream::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::InvalidOption`] when `lanes` or `scale_bits` are outside their range, or `raw` is 4 GiB
/// or more.
pub fn encode(raw: &[u8], lanes: usize, scale_bits: u8) -> Result<Vec<u8>, Error> {
    within("lanes", lanes, 1, 255)?;
    within("scale_bits", scale_bits.into(), 9, 14)?;
    within("raw length", raw.len(), 0, u32::MAX as usize)?;
    let mut payload = Vec::new();
    if !raw.is_empty() {
        let frequencies = normalize_compat(&Histogram::new(raw), scale_bits);
        TableKind::Dense.write(&frequencies, &mut payload);
        encode_behind_table(raw, lanes, &frequencies, &mut Stacks::default(), &mut payload);
    }
    Ok(payload)
}

/// Decodes a payload of the original coder that holds `raw_len` bytes.
///
/// The payload is not trusted, but `raw_len` is: so many bytes are allocated.
///
/// # Errors
///
/// [`Error::Corrupt`] when the payload is not one, has another length, or is damaged as far as its
/// states show; [`Error::LimitExceeded`] when there is no memory for `raw_len` bytes.
pub fn decode(payload: &[u8], raw_len: usize) -> Result<Vec<u8>, Error> {
    if raw_len == 0 && payload.is_empty() {
        return Ok(Vec::new());
    }
    let mut raw = reserve(raw_len)?;
    decode_payload(payload, TableKind::Dense, &mut raw).map_err(outside_a_stream)?;
    Ok(raw)
}

/// Where the words of [`FEW`] lanes stand before they are written: memory to keep.
pub(crate) type Stacks = [WordStack; FEW];

/// Appends what stands behind the table in a payload of `raw`, whose symbols all have a frequency.
/// `lanes` is 1..=255.
pub(crate) fn encode_behind_table(
    raw: &[u8],
    lanes: usize,
    frequencies: &Frequencies,
    stacks: &mut Stacks,
    out: &mut Vec<u8>,
) {
    out.push(lanes as u8);
    SymbolTable::with(frequencies, |symbols| encode_lanes(raw, lanes, symbols, stacks, out));
}

/// Appends the states of all lanes, their numbers of words, and their words.
fn encode_lanes(raw: &[u8], lanes: usize, symbols: &SymbolTable, stacks: &mut Stacks, out: &mut Vec<u8>) {
    let states_at = out.len();
    let counts_at = states_at + 4 * lanes;
    out.resize(counts_at + 4 * lanes, 0);

    let write = |lane: usize, state: u32, words: &WordStack, out: &mut Vec<u8>| {
        out[states_at + 4 * lane..][..4].copy_from_slice(&state.to_le_bytes());
        out[counts_at + 4 * lane..][..4].copy_from_slice(&(words.words().len() as u32).to_le_bytes());
        words.write(out);
    };
    if lanes == FEW {
        for stack in &mut *stacks {
            stack.reset(raw.len().div_ceil(FEW));
        }
        let mut states = [LOWER_BOUND; FEW];
        turns::encode(raw, symbols, &mut states, stacks);
        for (lane, (state, stack)) in states.iter().zip(&*stacks).enumerate() {
            write(lane, *state, stack, out);
        }
        return;
    }
    let words = &mut stacks[0];
    for lane in 0..lanes {
        words.reset(raw.len().div_ceil(lanes));
        let mut state = LOWER_BOUND;
        for &byte in raw.get(lane..).unwrap_or_default().iter().step_by(lanes).rev() {
            let code = symbols.code(byte);
            words.push_if(code.overflows(state), &mut state);
            state = code.encode(state, symbols.scale_bits());
        }
        write(lane, state, words, out);
    }
}

/// What a payload says, every field of it verified; the words end it, all of one lane before all of
/// the next.
#[cfg(feature = "jobs")]
pub(crate) fn parse(payload: &[u8], table: TableKind) -> Result<(Frequencies, Vec<Lane<'_>>), Corruption> {
    let mut fields = Fields::new(payload);
    let frequencies = table.parse(&mut fields)?;
    let mut lanes = vec![Lane::NONE; parse_count(&mut fields)?];
    parse_lanes(&mut fields, &mut lanes)?;
    Ok((frequencies, lanes))
}

/// How many lanes follow.
pub(super) fn parse_count(fields: &mut Fields<'_>) -> Result<usize, Corruption> {
    match fields.u8("lanes")? {
        0 => Err(Corruption::Field { field: "lanes", found: 0 }),
        count => Ok(count.into()),
    }
}

/// What stands behind the number of lanes.
pub(super) fn parse_lanes<'a>(fields: &mut Fields<'a>, lanes: &mut [Lane<'a>]) -> Result<(), Corruption> {
    for lane in &mut *lanes {
        lane.state = parse_state(fields)?;
    }
    let mut counts = Fields::new(fields.bytes(4 * lanes.len(), "word counts")?);
    for lane in lanes {
        let count = counts.u32("word counts")? as usize;
        lane.words = WordReader::new(fields.bytes(count.saturating_mul(2), "words")?);
    }
    fields.end()
}

/// Fills `raw` from a payload.
pub(crate) fn decode_payload(payload: &[u8], table: TableKind, raw: &mut [u8]) -> Result<(), Corruption> {
    let (mut fields, mut frequencies) = (Fields::new(payload), Frequencies::NONE);
    table.parse_to(&mut fields, &mut frequencies)?;
    match parse_count(&mut fields)? {
        FEW => decode_behind(&mut fields, &frequencies, &mut [Lane::NONE; FEW], raw),
        count => decode_behind(&mut fields, &frequencies, &mut vec![Lane::NONE; count], raw),
    }
}

/// [`decode_payload`] behind the number of lanes.
fn decode_behind<'a>(
    fields: &mut Fields<'a>,
    frequencies: &Frequencies,
    lanes: &mut [Lane<'a>],
    raw: &mut [u8],
) -> Result<(), Corruption> {
    parse_lanes(fields, lanes)?;
    match frequencies.scale_bits() {
        9 => Slots9::with(frequencies, |slots| decode_lanes(lanes, slots, raw)),
        10 => Slots10::with(frequencies, |slots| decode_lanes(lanes, slots, raw)),
        ..=<u32 as Slot>::MAX_SCALE_BITS => {
            SlotTable::<u32, 4096>::with(frequencies, |slots| decode_lanes(lanes, slots, raw))
        }
        _ => decode_lanes(lanes, &*Box::new(SlotTable::<u64, 16384>::new(frequencies)), raw),
    }
}

fn decode_lanes(lanes: &mut [Lane<'_>], slots: &impl Slots, raw: &mut [u8]) -> Result<(), Corruption> {
    let ran_dry = match <&mut [Lane<'_>; FEW]>::try_from(&mut *lanes) {
        Ok(few) => turns::decode(few, slots, raw),
        Err(_) => turns::decode_carefully(lanes, slots, raw),
    };
    let bad = ran_dry.or_else(|| lanes.iter().position(|lane| !lane.is_at_end()));
    match bad {
        None => Ok(()),
        Some(lane) => Err(Corruption::LaneEnd { lane: lane as u32 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_lanes_round_trips() {
        let raw: Vec<u8> = (0..700_u32).map(|i| (i * i % 89) as u8).collect();
        for lanes in 1..=255 {
            for len in [0, 1, 2, lanes - 1, lanes, lanes + 1, 700] {
                let payload = encode(&raw[..len], lanes, 11).unwrap();
                assert_eq!(decode(&payload, len).unwrap(), raw[..len], "{lanes} lanes, {len} bytes");
            }
        }
    }

    #[test]
    fn options_out_of_range_are_refused() {
        assert!(matches!(encode(b"a", 0, 12), Err(Error::InvalidOption { option: "lanes", .. })));
        assert!(matches!(encode(b"a", 256, 12), Err(Error::InvalidOption { option: "lanes", .. })));
        assert!(matches!(encode(b"a", 4, 8), Err(Error::InvalidOption { option: "scale_bits", .. })));
    }

    #[test]
    fn the_lane_that_does_not_end_well_is_named() {
        let raw = b"she sells sea shells by the sea shore; the shells she sells are sea shells".repeat(9);
        let good = encode(&raw, 4, 12).unwrap();
        let mut bad = good.clone();
        let states = 1 + 512 + 1;
        bad[states + 4 * 2] ^= 1;
        let error = decode(&bad, raw.len()).unwrap_err();
        assert!(matches!(error, Error::Corrupt { reason: Corruption::LaneEnd { .. }, .. }), "{error}");
        assert_eq!(decode(&good, raw.len()).unwrap(), raw);
    }
}
