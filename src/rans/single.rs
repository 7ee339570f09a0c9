//! One state, one word stream: the original coder's `single_stream` frames (FORMAT.md, 4.2).

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

/// Codes `raw` as the original coder did, byte for byte. `scale_bits` is 9..=14. Nothing becomes
/// nothing.
///
/// ```
/// use ranstream::rans::single;
///
/// let payload = single::encode(b"abracadabra", 12)?;
/// assert_eq!(single::decode(&payload, 11)?, b"abracadabra");
/// # Ok::<(), ranstream::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::InvalidOption`] when `scale_bits` is outside its range, or `raw` is 4 GiB or more.
pub fn encode(raw: &[u8], scale_bits: u8) -> Result<Vec<u8>, Error> {
    within("scale_bits", scale_bits.into(), 9, 14)?;
    within("raw length", raw.len(), 0, u32::MAX as usize)?;
    let mut payload = Vec::new();
    if !raw.is_empty() {
        let frequencies = normalize_compat(&Histogram::new(raw), scale_bits);
        TableKind::Dense.write(&frequencies, &mut payload);
        encode_behind_table(raw, &frequencies, &mut [WordStack::new()], &mut payload);
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

/// Appends what stands behind the table in a payload of `raw`, whose symbols all have a frequency.
/// Its words wait on the stack.
pub(crate) fn encode_behind_table(
    raw: &[u8],
    frequencies: &Frequencies,
    words: &mut [WordStack; 1],
    out: &mut Vec<u8>,
) {
    let state = SymbolTable::with(frequencies, |symbols| encode_words(raw, symbols, words));
    out.extend(state.to_le_bytes());
    out.extend((words[0].words().len() as u32).to_le_bytes());
    words[0].write(out);
}

/// Appends state and words of `raw`, whose symbols all have a code: a payload without its table and
/// count.
pub(crate) fn encode_bare(raw: &[u8], symbols: &SymbolTable, out: &mut Vec<u8>) {
    let mut words = [WordStack::new()];
    let state = encode_words(raw, symbols, &mut words);
    out.extend(state.to_le_bytes());
    words[0].write(out);
}

/// The state comes back.
fn encode_words(raw: &[u8], symbols: &SymbolTable, words: &mut [WordStack; 1]) -> u32 {
    words[0].reset(raw.len());
    let mut states = [LOWER_BOUND];
    turns::encode(raw, symbols, &mut states, words);
    states[0]
}

/// What a payload says, every field of it verified; the words end it.
#[cfg(feature = "jobs")]
pub(crate) fn parse(payload: &[u8], table: TableKind) -> Result<(Frequencies, [Lane<'_>; 1]), Corruption> {
    let mut fields = Fields::new(payload);
    let frequencies = table.parse(&mut fields)?;
    Ok((frequencies, parse_lane(&mut fields)?))
}

/// What stands behind the table.
fn parse_lane<'a>(fields: &mut Fields<'a>) -> Result<[Lane<'a>; 1], Corruption> {
    let state = parse_state(fields)?;
    let count = fields.u32("words")? as usize;
    let words = WordReader::new(fields.bytes(count.saturating_mul(2), "words")?);
    fields.end()?;
    Ok([Lane { state, words }])
}

/// Fills `raw` from a payload.
pub(crate) fn decode_payload(payload: &[u8], table: TableKind, raw: &mut [u8]) -> Result<(), Corruption> {
    let (mut fields, mut frequencies) = (Fields::new(payload), Frequencies::NONE);
    table.parse_to(&mut fields, &mut frequencies)?;
    let mut lane = parse_lane(&mut fields)?;
    let ran_dry = match frequencies.scale_bits() {
        9 => Slots9::with(&frequencies, |slots| turns::decode(&mut lane, slots, raw)),
        10 => Slots10::with(&frequencies, |slots| turns::decode(&mut lane, slots, raw)),
        ..=<u32 as Slot>::MAX_SCALE_BITS => {
            SlotTable::<u32, 4096>::with(&frequencies, |slots| turns::decode(&mut lane, slots, raw))
        }
        _ => turns::decode(&mut lane, &*Box::new(SlotTable::<u64, 16384>::new(&frequencies)), raw),
    };
    end(&lane, ran_dry.is_none())
}

/// Fills `raw` from a payload without table and count.
pub(crate) fn decode_bare(payload: &[u8], slots: &impl Slots, raw: &mut [u8]) -> Result<(), Corruption> {
    let mut fields = Fields::new(payload);
    let state = parse_state(&mut fields)?;
    let words = fields.rest();
    if !words.len().is_multiple_of(2) {
        return Err(fields.ends_in("words"));
    }
    let mut lane = [Lane { state, words: WordReader::new(words) }];
    let ran_dry = turns::decode(&mut lane, slots, raw);
    end(&lane, ran_dry.is_none())
}

fn end([lane]: &[Lane<'_>; 1], had_words: bool) -> Result<(), Corruption> {
    if had_words && lane.is_at_end() { Ok(()) } else { Err(Corruption::LaneEnd { lane: 0 }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_nothing_and_only_that() {
        assert_eq!(encode(&[], 12), Ok(vec![]));
        assert_eq!(decode(&[], 0), Ok(vec![]));
        assert!(decode(&[], 1).is_err());
        assert!(decode(&encode(b"x", 12).unwrap(), 0).is_ok(), "one symbol at full frequency has no length of its own");
        assert!(decode(&encode(b"xy", 12).unwrap(), 0).is_err());
    }

    #[test]
    fn both_table_forms_round_trip_at_every_scale() {
        let raw: Vec<u8> = (0..3000_u32).map(|i| (i * i % 97 * (i % 5)) as u8).collect();
        for scale_bits in 9..=14 {
            let frequencies = normalize_compat(&Histogram::new(&raw), scale_bits);
            for form in [TableKind::Dense, TableKind::Compact] {
                let mut payload = Vec::new();
                form.write(&frequencies, &mut payload);
                encode_behind_table(&raw, &frequencies, &mut [WordStack::new()], &mut payload);
                let mut back = vec![0; raw.len()];
                decode_payload(&payload, form, &mut back).unwrap();
                assert_eq!(back, raw);
            }
        }
    }

    #[test]
    fn another_length_is_an_error() {
        let payload = encode(b"abracadabra", 12).unwrap();
        for raw_len in (0..30).filter(|&len| len != 11) {
            assert!(matches!(decode(&payload, raw_len), Err(Error::Corrupt { .. })), "{raw_len}");
        }
    }
}
