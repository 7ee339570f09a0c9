//! Messages that are coded each for itself: no stream around them, no order among them. For
//! packets, queues, rows and logs.
//!
//! A message becomes the shortest of what is tried: a frame coded with a [`Model`] that both sides
//! share, a [bare block](crate::block) with a table of its own, or a frame that stores it. A frame
//! tells its own length, so frames may follow one another. FORMAT.md, section 11, has its bytes;
//! damage is found by checks, as in blocks, and so is another model under the same id.
//!
//! ```
//! use ranstream::{EncodeOptions, message};
//!
//! let samples = (0..100).map(|id| format!(r#"{{"id":{id},"name":"user {id}","active":true}}"#));
//! let model = message::Model::train(1, samples)?;
//!
//! let text = br#"{"id":4711,"name":"user 4711","active":false}"#;
//! let mut frame = Vec::new();
//! message::encode(text, Some(&model), &EncodeOptions::new(), &mut frame)?;
//! assert!(frame.len() < text.len());
//!
//! let lengths = message::lengths(&frame)?.expect("the frame is whole");
//! assert_eq!(lengths.frame, frame.len());
//! let mut back = vec![0; lengths.raw];
//! message::decode(&frame, &[model], &mut back)?;
//! assert_eq!(back, text);
//! # Ok::<(), ranstream::Error>(())
//! ```
//!
//! # What a model gains
//!
//! JSON lines of a service's log, 2,000 of each length; the model is trained from 500 others. Bytes
//! per message, framing and checks included, and the median time of one core of an Intel Xeon
//! (Sapphire Rapids or later) for a message with the model. At [level](EncodeOptions::level) 3, the
//! default, and then at level 0:
//!
//! | message | without a model | with one | encode | decode |
//! |---:|---:|---:|---:|---:|
//! | 84 | 86 (103 %) | 62 (74 %) | 0.8 µs | 0.4 µs |
//! | 233 | 180 (77 %) | 153 (66 %) | 1.4 µs | 0.9 µs |
//! | 483 | 272 (56 %) | 298 (62 %) | 2.4 µs | 1.8 µs |
//! | 983 | 423 (43 %) | 423 (43 %) | 20.5 µs | 1.9 µs |
//! | 1983 | 688 (35 %) | 688 (35 %) | 33.5 µs | 2.6 µs |
//! | 3983 | 1164 (29 %) | 1164 (29 %) | 56.2 µs | 3.6 µs |
//!
//! | message | without a model | with one | encode | decode |
//! |---:|---:|---:|---:|---:|
//! | 84 | 91 (108 %) | 62 (74 %) | 0.8 µs | 0.4 µs |
//! | 233 | 192 (82 %) | 153 (66 %) | 1.4 µs | 0.9 µs |
//! | 483 | 356 (74 %) | 298 (62 %) | 2.3 µs | 1.8 µs |
//! | 983 | 641 (65 %) | 587 (60 %) | 5.8 µs | 3.6 µs |
//! | 1983 | 1208 (61 %) | 1164 (59 %) | 10.3 µs | 7.2 µs |
//! | 3983 | 2345 (59 %) | 2316 (58 %) | 21.7 µs | 14.1 µs |
//!
//! `cargo run --release --example message_codec --features codec` prints the first table, with
//! `-- 0` behind it the second.
//!
//! Above level 0 a block finds what repeats within a message, which long messages gain more by than
//! by a model. With a model a block is tried from 512 bytes on, and is the larger part of the time
//! to encode; shorter messages can come out longer than without a model, as those of 483 bytes do.
//! At level 0 no block is tried where the counts of the bytes or their frequencies show that it
//! would be longer.

mod model;

pub use model::Model;

use crate::{
    block,
    error::{Corruption, Error, Part},
    format::{
        BlockHeader, CHECK_LEN, HEADER_LEN,
        check::crc8,
        number::{parse_number, write_number},
    },
    limits::{MAX_BLOCK_LEN, within},
    model::{Histogram, coded_bits},
    options::EncodeOptions,
    rans::single,
    simd::Crc32c,
};

/// First byte of a frame that holds the message as it is. No block begins so.
const STORED: u8 = 0x80;

/// First byte of a frame that is coded with a model.
const MODELLED: u8 = 0x81;

/// A coded payload has a state at least, and no message becomes longer by being coded.
const MIN_MODELLED_LEN: usize = 4;

/// With a model, shorter messages are not tried as a block: most of them have too little that
/// repeats to pay for a table of their own.
const OWN_TABLE_FROM: usize = 512;

/// How long a frame and its message are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lengths {
    /// Bytes of the frame.
    pub frame: usize,
    /// Bytes of the message, 0..=16 Mi.
    pub raw: usize,
}

/// Appends `raw` as one frame to `out`; how many bytes that were comes back. Options are used as
/// [`block::encode`] uses them.
///
/// The frame is never more than 10 bytes longer than `raw`.
///
/// # Errors
///
/// [`Error::InvalidOption`] when an option is outside its range, or `raw` has more than 16 Mi
/// bytes.
pub fn encode(raw: &[u8], model: Option<&Model>, options: &EncodeOptions, out: &mut Vec<u8>) -> Result<usize, Error> {
    let options = options.validated_block()?;
    within("message length", raw.len(), 0, MAX_BLOCK_LEN)?;
    let start = out.len();
    append(Header { model: None, raw_len: raw.len(), payload_len: raw.len() }, 0, raw, out);
    let Some(model) = model else {
        if !raw.is_empty() {
            let second = out.len();
            block::append(raw, &options, None, out);
            keep_shorter(start, second, out);
        }
        return Ok(out.len() - start);
    };
    let histogram = Histogram::new(raw);
    if gains(&histogram, model) {
        let mut payload = Vec::with_capacity(raw.len());
        single::encode_bare(raw, model.symbols(), &mut payload);
        let header = Header { model: Some(model.id()), raw_len: raw.len(), payload_len: payload.len() };
        let second = out.len();
        append(header, model.check(), &payload, out);
        keep_shorter(start, second, out);
    }
    if raw.len() >= OWN_TABLE_FROM {
        let second = out.len();
        if block::append_below(raw, &histogram, &options, second - start, out) {
            keep_shorter(start, second, out);
        }
    }
    Ok(out.len() - start)
}

/// How long the frame is that `bytes` begin with. `None`: too few bytes to tell; at most 14 are
/// needed. The frame's header is verified, its payload is not.
///
/// # Errors
///
/// [`Error::Corrupt`] or [`Error::Unsupported`] when `bytes` do not begin with the header of a
/// frame or data block.
pub fn lengths(bytes: &[u8]) -> Result<Option<Lengths>, Error> {
    match bytes.first() {
        None => Ok(None),
        Some(&(STORED | MODELLED)) => Ok(Header::parse(bytes).map_err(corrupt)?.map(|(header, header_len)| Lengths {
            frame: header_len + header.payload_len + CHECK_LEN,
            raw: header.raw_len,
        })),
        Some(_) => {
            let Some(first) = bytes.first_chunk::<HEADER_LEN>() else { return Ok(None) };
            let raw = block::raw_len(bytes)?;
            let payload_len = BlockHeader::parse(first, Part::Message, 0)?.payload_len() as usize;
            Ok(Some(Lengths { frame: HEADER_LEN + payload_len + CHECK_LEN, raw }))
        }
    }
}

/// Decodes the one frame that `frame` is, with one of `models` if it names one; the bytes written
/// to the start of `raw` come back as a number. `raw` may be longer than the message.
///
/// # Errors
///
/// [`Error::Truncated`], [`Error::TrailingData`], [`Error::Corrupt`] or [`Error::Unsupported`] when
/// `frame` is not one whole frame; [`Error::UnknownModel`]; [`Error::OutputTooSmall`]. `raw` may
/// then hold anything.
pub fn decode(frame: &[u8], models: &[Model], raw: &mut [u8]) -> Result<usize, Error> {
    let Some(Lengths { frame: frame_len, raw: needed }) = lengths(frame)? else {
        return Err(Error::Truncated { offset: frame.len() as u64 });
    };
    if frame.len() < frame_len {
        return Err(Error::Truncated { offset: frame.len() as u64 });
    }
    if frame.len() > frame_len {
        return Err(Error::TrailingData { offset: frame_len as u64 });
    }
    let available = raw.len() as u64;
    let Some(raw) = raw.get_mut(..needed) else {
        return Err(Error::OutputTooSmall { needed: needed as u64, available });
    };
    payload(frame, models)?.decode(frame, raw)?;
    Ok(needed)
}

/// What a frame holds.
pub(crate) enum Payload<'a> {
    /// It is a bare block, not verified yet.
    Block,
    Stored(&'a [u8]),
    Modelled(&'a [u8], &'a Model),
}

impl Payload<'_> {
    /// Fills `raw`, which has the message's length. It is the payload of `frame`.
    pub(crate) fn decode(&self, frame: &[u8], raw: &mut [u8]) -> Result<(), Error> {
        match self {
            Self::Block => block::decode(frame, raw).map(|_| ()),
            Self::Stored(bytes) => {
                raw.copy_from_slice(bytes);
                Ok(())
            }
            Self::Modelled(bytes, model) => single::decode_bare(bytes, model.slots(), raw).map_err(corrupt),
        }
    }
}

/// The verified payload of a whole frame.
pub(crate) fn payload<'a>(frame: &'a [u8], models: &'a [Model]) -> Result<Payload<'a>, Error> {
    if !matches!(frame.first(), Some(&(STORED | MODELLED))) {
        return Ok(Payload::Block);
    }
    let truncated = Error::Truncated { offset: frame.len() as u64 };
    let (header, header_len) = Header::parse(frame).map_err(corrupt)?.ok_or_else(|| truncated.clone())?;
    let model = match header.model {
        Some(id) => Some(models.iter().find(|model| model.id() == id).ok_or(Error::UnknownModel { id })?),
        None => None,
    };
    let end = header_len + header.payload_len;
    let stored = frame.get(end..).and_then(<[u8]>::first_chunk).ok_or(truncated)?;
    let (stored, computed) = (u32::from_le_bytes(*stored), frame_check(model.map_or(0, Model::check), &frame[..end]));
    if stored != computed {
        return Err(corrupt(Corruption::PayloadCheck { stored, computed }));
    }
    let payload = &frame[header_len..end];
    Ok(model.map_or(Payload::Stored(payload), |model| Payload::Modelled(payload, model)))
}

/// Whether coding with `model` can make the message that was counted shorter.
fn gains(histogram: &Histogram, model: &Model) -> bool {
    coded_bits(histogram.counts(), model.frequencies()) / 8 + 4 < u64::from(histogram.total())
}

/// Two candidates stand at the end of `out`, from `first` and from `second` on. The shorter one
/// stays, the first if both are equal.
fn keep_shorter(first: usize, second: usize, out: &mut Vec<u8>) {
    if out.len() - second < second - first {
        out.drain(first..second);
    } else {
        out.truncate(second);
    }
}

fn append(header: Header, model_check: u32, payload: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    header.write(out);
    out.extend_from_slice(payload);
    let check = frame_check(model_check, &out[start..]);
    out.extend(check.to_le_bytes());
}

/// CRC-32C over the model's check, header and payload: another model under the same id shows.
/// Without a model its check is 0.
fn frame_check(model_check: u32, frame: &[u8]) -> u32 {
    let mut check = Crc32c::new();
    check.update(&model_check.to_le_bytes());
    check.update(frame);
    check.value()
}

/// Before a frame's payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    model: Option<u32>,
    raw_len: usize,
    payload_len: usize,
}

impl Header {
    fn write(self, out: &mut Vec<u8>) {
        let start = out.len();
        if let Some(id) = self.model {
            out.push(MODELLED);
            write_number(id, out);
            write_number(self.raw_len as u32, out);
            write_number(self.payload_len as u32, out);
        } else {
            out.push(STORED);
            write_number(self.raw_len as u32, out);
        }
        out.push(crc8(&out[start..]));
    }

    /// The header that `bytes`, which begin with a tag of a frame, begin with, and its length.
    /// `None`: they end inside it.
    fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Corruption> {
        let mut at = 1;
        let mut numbers = [0; 3];
        let modelled = bytes[0] == MODELLED;
        for number in &mut numbers[..if modelled { 3 } else { 1 }] {
            let Some((value, len)) = parse_number(&bytes[at..])? else { return Ok(None) };
            *number = value;
            at += len;
        }
        let Some(&stored) = bytes.get(at) else { return Ok(None) };
        let computed = crc8(&bytes[..at]);
        if stored != computed {
            return Err(Corruption::HeaderCheck { stored: stored.into(), computed: computed.into() });
        }
        let [first, second, third] = numbers.map(|number| number as usize);
        let header = if modelled {
            Self { model: Some(first as u32), raw_len: second, payload_len: third }
        } else {
            Self { model: None, raw_len: first, payload_len: first }
        };
        let within = |found: usize, min: usize, max: usize| {
            let (found, min, max) = (found as u64, min as u64, max as u64);
            if (min..=max).contains(&found) { Ok(()) } else { Err(Corruption::Length { found, min, max }) }
        };
        within(header.raw_len, if modelled { MIN_MODELLED_LEN } else { 0 }, MAX_BLOCK_LEN)?;
        if modelled {
            within(header.payload_len, MIN_MODELLED_LEN, header.raw_len)?;
        }
        Ok(Some((header, at + 1)))
    }
}

fn corrupt(reason: Corruption) -> Error {
    Error::Corrupt { part: Part::Message, offset: 0, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mode, Normalization};

    fn model() -> Model {
        Model::train(300, ["all these letters, and some digits: 0123456789"]).unwrap()
    }

    fn frame_of(raw: &[u8], model: Option<&Model>) -> Vec<u8> {
        let mut frame = Vec::new();
        let len = encode(raw, model, &EncodeOptions::new(), &mut frame).unwrap();
        assert_eq!(len, frame.len());
        assert!(len <= raw.len() + 10, "{len} bytes for {}", raw.len());
        frame
    }

    fn messages() -> Vec<Vec<u8>> {
        let text = b"these are letters, these are digits: 12345, 67890; ";
        let mut messages: Vec<Vec<u8>> = [0, 1, 2, 3, 10, 100, 127, 128, 1000, 20_000]
            .map(|len| text.iter().copied().cycle().take(len).collect())
            .into();
        messages.push((0..=255).collect());
        messages.push(vec![7; 5000]);
        messages
    }

    #[test]
    fn every_message_comes_back_and_every_prefix_asks_for_more() {
        for model in [None, Some(model())] {
            let models: Vec<_> = model.iter().cloned().collect();
            for raw in messages() {
                let frame = frame_of(&raw, model.as_ref());
                assert_eq!(lengths(&frame).unwrap(), Some(Lengths { frame: frame.len(), raw: raw.len() }));
                let mut back = vec![0; raw.len()];
                assert_eq!(decode(&frame, &models, &mut back), Ok(raw.len()));
                assert_eq!(back, raw);
                for cut in (0..frame.len()).step_by(frame.len() / 50 + 1) {
                    assert!(lengths(&frame[..cut]).unwrap().is_none_or(|lengths| lengths.frame == frame.len()));
                    assert_eq!(decode(&frame[..cut], &models, &mut back), Err(Error::Truncated { offset: cut as u64 }));
                }
            }
        }
    }

    #[test]
    fn the_shortest_form_is_taken() {
        let model = model();
        let first = |raw: &[u8], model| frame_of(raw, model)[0];
        let text = &messages()[5];
        assert_eq!(text.len(), 100);
        assert_eq!(first(text, Some(&model)), MODELLED);
        assert_eq!(first(&text[..20], None), STORED, "a table of its own would be longer than it saves");
        assert_eq!(first(&[0xF7; 30], Some(&model)), STORED, "it does not fit the model");
        assert_eq!(first(&[7; 5000], Some(&model)), 0x02, "a fill block is shorter");
    }

    /// Bytes of several kinds, some of them like what [`model`] was trained with.
    fn mixed(len: usize, kind: u32) -> Vec<u8> {
        let mut state = u64::from(kind) << 32 | len as u64 | 1;
        let text = b"these are letters, these are digits: 12345, 67890; ";
        let mut next = |below: u32| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u32 % below
        };
        (0..len)
            .map(|_| match kind % 6 {
                0 => text[next(text.len() as u32) as usize],
                1 => next(2 + kind) as u8,
                2 => next(1 + kind).min(next(256)) as u8,
                3 if next(8) > 0 => text[next(9) as usize],
                4 => (next(16) + next(16) + next(1 + kind % 64)) as u8,
                _ => text[next(text.len() as u32) as usize] ^ u8::from(next(1 + kind / 6 % 40) == 1),
            })
            .collect()
    }

    #[test]
    fn a_frame_is_the_shortest_whether_a_block_is_tried_or_not() {
        let (model, mut blocks, mut others) = (model(), 0, 0);
        let options = [
            EncodeOptions::new().level(0),
            EncodeOptions::new().level(0).scale_bits(12),
            EncodeOptions::new().level(0).normalization(Normalization::Compat),
            EncodeOptions::new().mode(Mode::SingleStream).scale_bits(9),
            EncodeOptions::new().mode(Mode::Interleaved).interleaved_lanes(9),
            EncodeOptions::new().level(1),
        ];
        for len in [511, 512, 600, 1000, 1024, 2000, 4095, 4096, 9000] {
            for (options, kind) in options.iter().flat_map(|options| (0..60).map(move |kind| (options, kind))) {
                let raw = mixed(len, kind);
                let (mut frame, mut block) = (Vec::new(), Vec::new());
                encode(&raw, Some(&model), options, &mut frame).unwrap();
                block::encode(&raw, options, &mut block).unwrap();
                let what = || format!("{len} bytes of kind {kind}, {options:?}");
                if matches!(frame[0], STORED | MODELLED) {
                    assert!(len < OWN_TABLE_FROM || frame.len() <= block.len(), "{}", what());
                    others += 1;
                } else {
                    assert_eq!(frame, block, "{}", what());
                    blocks += 1;
                }
                let mut back = vec![0; len];
                decode(&frame, std::slice::from_ref(&model), &mut back).unwrap();
                assert_eq!(back, raw);
            }
        }
        assert!(blocks > 900 && others > 900, "{blocks} blocks, {others} others");
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let model = model();
        for raw in &messages()[3..6] {
            let frame = frame_of(raw, Some(&model));
            for at in 0..frame.len() {
                for bit in 0..8 {
                    let mut changed = frame.clone();
                    changed[at] ^= 1 << bit;
                    let result = decode(&changed, std::slice::from_ref(&model), &mut [0; 200]);
                    assert!(result.is_err(), "bit {bit} of byte {at} of {}", raw.len());
                }
            }
        }
    }

    #[test]
    fn an_unknown_model_is_named_and_another_one_under_its_id_is_seen() {
        let frame = frame_of(&messages()[5], Some(&model()));
        let other = Model::train(5, ["x"]).unwrap();
        assert_eq!(decode(&frame, &[other], &mut [0; 100]), Err(Error::UnknownModel { id: 300 }));
        let changed = Model::train(300, ["another training"]).unwrap();
        let error = decode(&frame, &[changed], &mut [0; 100]).unwrap_err();
        assert!(
            matches!(error, Error::Corrupt { part: Part::Message, reason: Corruption::PayloadCheck { .. }, .. }),
            "{error}"
        );
    }
}
