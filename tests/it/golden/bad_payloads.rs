//! Blocks whose checks are right and whose payload is not: one for each row of FORMAT.md, section
//! 7, about a mode.

use ranstream::{
    EncodeOptions, Mode, block,
    error::Corruption,
    format::BlockHeader,
    rans::{interleaved, single},
};

use super::{
    Golden,
    bad::{bad_block, bad_payload},
    letters, two_symbols,
};
use crate::assembly::data_block;

/// Where the fields of a `single_stream` payload with a dense table are.
const TABLE: usize = 1;
const STATE: usize = 513;
const WORD_COUNT: usize = 517;

/// Where the number of states of an `interleaved_n` payload with a dense table is.
const LANES: usize = 513;

pub(super) fn all() -> Vec<Golden> {
    [single_stream(), interleaved_n(), compact(), lanes(), segments()].concat()
}

fn single_stream() -> Vec<Golden> {
    let right = single::encode(&two_symbols(800), 12).expect("12 bits are right");
    let bad = |name: &str, what, change: &dyn Fn(&mut Vec<u8>), reason| {
        bad_payload(&format!("single-stream-{name}"), what, (0x03, 800), &right, change, reason)
    };
    let len = right.len() as u64;
    let runs_dry = Corruption::LaneEnd { lane: 0 };
    vec![
        bad("8-bits", "scale_bits 8", &|payload| payload[0] = 8, field("scale_bits", 8)),
        bad("15-bits", "scale_bits 15", &|payload| payload[0] = 15, field("scale_bits", 15)),
        bad(
            "table-sum",
            "frequencies that sum to 4097",
            &|payload| payload[TABLE + 2 * usize::from(b'b')] += 1,
            Corruption::FrequencySum { sum: 4097, scale: 4096 },
        ),
        bad(
            "other-scale",
            "frequencies for 12 bits at 11",
            &|payload| payload[0] = 11,
            Corruption::FrequencySum { sum: 4096, scale: 2048 },
        ),
        bad("state-below", "a state of 0xffff", &|payload| set_u32(payload, STATE, 0xFFFF), field("state", 0xFFFF)),
        bad("ends-in-table", "ends in its table", &|payload| payload.truncate(512), ends("table", 512)),
        bad("ends-in-state", "ends in its state", &|payload| payload.truncate(515), ends("state", 515)),
        bad(
            "ends-in-words",
            "ends in its words",
            &|payload| payload.truncate(len as usize - 1),
            ends("words", len - 1),
        ),
        bad(
            "4-gi-words",
            "claims 2^32 - 1 words",
            &|payload| set_u32(payload, WORD_COUNT, u32::MAX),
            ends("words", len),
        ),
        bad(
            "goes-on",
            "one byte more than its words",
            &|payload| payload.push(0),
            Corruption::PayloadGoesOn { extra: 1 },
        ),
        bad(
            "word-missing",
            "runs out of words",
            &|payload| {
                change_count(payload, WORD_COUNT, -1);
                payload.truncate(len as usize - 2);
            },
            runs_dry,
        ),
        bad(
            "word-left",
            "a word is left",
            &|payload| {
                change_count(payload, WORD_COUNT, 1);
                payload.extend([0, 0]);
            },
            runs_dry,
        ),
        one_symbol_from_another_state(),
    ]
}

/// One symbol at full frequency never changes its state, so only the end state is wrong.
fn one_symbol_from_another_state() -> Golden {
    let mut payload = single::encode(&[b'o'; 600], 12).expect("12 bits are right");
    set_u32(&mut payload, STATE, (1 << 16) + 1);
    let block = data_block(0x03, 600, &payload);
    bad_block("single-stream-end-state", "does not end at 2^16", &block, Corruption::LaneEnd { lane: 0 })
}

fn interleaved_n() -> Vec<Golden> {
    let right = interleaved::encode(&two_symbols(900), 3, 12).expect("12 bits are right");
    let bad = |name: &str, what, change: &dyn Fn(&mut Vec<u8>), reason| {
        bad_payload(&format!("interleaved-{name}"), what, (0x04, 900), &right, change, reason)
    };
    let len = right.len() as u64;
    let (state, count) = (|lane: usize| LANES + 1 + 4 * lane, |lane: usize| LANES + 1 + 4 * 3 + 4 * lane);
    let words = LANES + 1 + 8 * 3;
    vec![
        bad("8-bits", "scale_bits 8", &|payload| payload[0] = 8, field("scale_bits", 8)),
        bad("15-bits", "scale_bits 15", &|payload| payload[0] = 15, field("scale_bits", 15)),
        bad(
            "table-sum",
            "frequencies that sum to 4095",
            &|payload| payload[TABLE + 2 * usize::from(b'b')] -= 1,
            Corruption::FrequencySum { sum: 4095, scale: 4096 },
        ),
        bad("no-lanes", "no states", &|payload| payload[LANES] = 0, field("lanes", 0)),
        bad("state-below", "the last state is 0", &|payload| set_u32(payload, state(2), 0), field("state", 0)),
        bad(
            "ends-in-states",
            "ends in its states",
            &|payload| payload.truncate(state(2) + 2),
            ends("state", state(2) as u64 + 2),
        ),
        bad(
            "ends-in-counts",
            "ends in its word counts",
            &|payload| payload.truncate(count(1)),
            ends("word counts", count(1) as u64),
        ),
        bad(
            "ends-in-words",
            "ends in its words",
            &|payload| payload.truncate(len as usize - 2),
            ends("words", len - 2),
        ),
        bad(
            "goes-on",
            "two bytes more than its words",
            &|payload| payload.extend([0; 2]),
            Corruption::PayloadGoesOn { extra: 2 },
        ),
        bad(
            "word-missing",
            "state 1 runs out of words",
            &|payload| {
                let end = words + 2 * usize::from(payload[count(0)]) + 2 * usize::from(payload[count(1)]);
                change_count(payload, count(1), -1);
                payload.drain(end - 2..end);
            },
            Corruption::LaneEnd { lane: 1 },
        ),
        bad(
            "word-left",
            "state 0 has a word left",
            &|payload| {
                let end = words + 2 * usize::from(payload[count(0)]);
                change_count(payload, count(0), 1);
                payload.splice(end..end, [0; 2]);
            },
            Corruption::LaneEnd { lane: 0 },
        ),
    ]
}

fn compact() -> Vec<Golden> {
    let table = |name: &str, what, tag, payload: &[u8], reason| {
        bad_block(&format!("table-{name}"), what, &data_block(tag, 300, payload), reason)
    };
    let code = |mode| payload_of(&letters(300), &EncodeOptions::new().mode(mode).scale_bits(12));
    let (single, interleaved) = (code(Mode::SingleStream), code(Mode::Interleaved));
    let changed = |payload: &[u8], at: usize, value: u8| {
        let mut payload = payload.to_vec();
        payload[at] = value;
        payload
    };
    // The last byte of the table stands before a state, whose third byte is the first that is not 0
    // or 1 by chance.
    let table_end = single.len() - 8 - 2 * count_at(&single);
    let padded = changed(&single, table_end - 1, single[table_end - 1] | 0x80);
    vec![
        table(
            "257-symbols",
            "a count of 257 symbols",
            0x05,
            &[12, 0b0011_1111, 0b0000_0010, 0, 0],
            field("table", 0x3F),
        ),
        table("endless-count", "a count with k above 8", 0x06, &[12, 0xFF, 0xFF, 0xFF], field("table", 0xFF)),
        table(
            "ends-early",
            "ends in a compact table",
            0x05,
            &single[..table_end - 1],
            ends("table", table_end as u64 - 1),
        ),
        table("missing", "ends before its compact table", 0x06, &[12], ends("table", 1)),
        table("padding", "a compact table with padding bits set", 0x05, &padded, Corruption::Padding),
        table(
            "15-bits-single",
            "single_stream, compact, scale_bits 15",
            0x05,
            &changed(&single, 0, 15),
            field("scale_bits", 15),
        ),
        table(
            "8-bits-interleaved",
            "interleaved_n, compact, scale_bits 8",
            0x06,
            &changed(&interleaved, 0, 8),
            field("scale_bits", 8),
        ),
        table(
            "word-missing",
            "single_stream, compact, runs out of words",
            0x05,
            &{
                let mut payload = single.clone();
                change_count(&mut payload, table_end + 4, -1);
                payload.truncate(single.len() - 2);
                payload
            },
            Corruption::LaneEnd { lane: 0 },
        ),
    ]
}

/// Two segments, of 512 and 488 bytes.
struct Lanes {
    payload: Vec<u8>,
    first_segment: usize,
    second_segment: usize,
}

impl Lanes {
    fn new() -> Self {
        let options = EncodeOptions::new().mode(Mode::Lanes).segment_len(512).scale_bits(12);
        let raw = letters(1000);
        let payload = payload_of(&raw, &options);
        assert_eq!(payload[2..4], [2, 0], "two segments");
        assert_eq!(payload[4] % 2, 1, "words that want padding");
        let words = |segment: usize| 2 * usize::from(payload[4 + 4 * segment]);
        let second_segment = payload.len() - 128 - words(1);
        let first_segment = second_segment - (128 + words(0)).next_multiple_of(4);
        Self { payload, first_segment, second_segment }
    }
}

fn bad_lanes(name: &str, what: &'static str, change: &dyn Fn(&mut Lanes), reason: Corruption) -> Golden {
    let mut lanes = Lanes::new();
    change(&mut lanes);
    bad_block(&format!("lanes-{name}"), what, &data_block(0x07, 1000, &lanes.payload), reason)
}

fn lanes() -> Vec<Golden> {
    let Lanes { payload, first_segment, second_segment } = Lanes::new();
    let cut = |name: &str, what, len: usize, in_field| {
        bad_lanes(name, what, &|lanes| lanes.payload.truncate(len), ends(in_field, len as u64))
    };
    assert_ne!(payload[first_segment - 4..first_segment], [0; 4], "the table ends shortly before the first segment");
    vec![
        bad_lanes("8-bits", "scale_bits 8", &|lanes| lanes.payload[0] = 8, field("scale_bits", 8)),
        bad_lanes("13-bits", "scale_bits 13", &|lanes| lanes.payload[0] = 13, field("scale_bits", 13)),
        bad_lanes(
            "reserved",
            "the tail field is 1, which is for sections",
            &|lanes| lanes.payload[1] = 1,
            field("tail", 1),
        ),
        bad_lanes("no-segments", "no segments", &|lanes| lanes.payload[2] = 0, field("segments", 0)),
        bad_lanes(
            "4097-segments",
            "4097 segments",
            &|lanes| lanes.payload[2..4].copy_from_slice(&[1, 16]),
            field("segments", 4097),
        ),
        bad_lanes(
            "empty-segment",
            "five segments, which leave the last one empty",
            &|lanes| lanes.payload[2] = 5,
            field("segments", 5),
        ),
        bad_lanes(
            "table-padding",
            "padding behind the table is not zero",
            &|lanes| lanes.payload[first_segment - 1] = 1,
            Corruption::Padding,
        ),
        bad_lanes(
            "segment-padding",
            "padding behind a segment is not zero",
            &|lanes| lanes.payload[second_segment - 1] = 1,
            Corruption::Padding,
        ),
        bad_lanes(
            "state-below",
            "the last state of the last segment is below 2^16",
            &|lanes| set_u32(&mut lanes.payload, second_segment + 124, 0xFFFF),
            field("state", 0xFFFF),
        ),
        cut("ends-in-head", "ends before its tail field", 1, "tail"),
        cut("ends-in-counts", "ends in its word counts", 10, "word counts"),
        cut("ends-in-table", "ends in its table", 14, "table"),
        cut("ends-in-states", "ends in the states of the second segment", second_segment + 6, "state"),
        cut("ends-in-words", "ends in the words of the second segment", payload.len() - 2, "words"),
        bad_lanes(
            "goes-on",
            "four bytes more than its segments",
            &|lanes| lanes.payload.extend([0; 4]),
            Corruption::PayloadGoesOn { extra: 4 },
        ),
        bad_lanes(
            "padded-at-end",
            "padding behind the last segment",
            &|lanes| lanes.payload.extend([0; 2]),
            Corruption::PayloadGoesOn { extra: 2 },
        ),
    ]
}

fn segments() -> Vec<Golden> {
    let in_segment = |segment| Corruption::SegmentEnd { segment };
    let one_symbol = |len: usize, state: u32| {
        let options = EncodeOptions::new().mode(Mode::Lanes).scale_bits(12);
        let mut payload = payload_of(&vec![b'o'; len], &options);
        let lane_5 = payload.len() - 128 + 4 * 5;
        set_u32(&mut payload, lane_5, state);
        data_block(0x07, len as u32, &payload)
    };
    vec![
        bad_lanes(
            "word-missing",
            "the second segment runs out of words",
            &|lanes| {
                change_count(&mut lanes.payload, 8, -1);
                let len = lanes.payload.len();
                lanes.payload.truncate(len - 2);
            },
            in_segment(1),
        ),
        bad_lanes(
            "word-left",
            "the second segment has a word left",
            &|lanes| {
                change_count(&mut lanes.payload, 8, 1);
                lanes.payload.extend([0; 2]);
            },
            in_segment(1),
        ),
        bad_lanes(
            "end-state",
            "the first segment starts in another state",
            &|lanes| lanes.payload[lanes.first_segment] ^= 1,
            in_segment(0),
        ),
        bad_block(
            "lanes-tail-end-state",
            "a lane of a segment with a tail ends at 2^16 + 1",
            &one_symbol(300, (1 << 16) + 1),
            in_segment(0),
        ),
        bad_block(
            "lanes-groups-end-state",
            "a lane of a segment of whole groups ends with upper half 2",
            &one_symbol(384, 2 << 16),
            in_segment(0),
        ),
    ]
}

/// The payload of a block that codes `raw`.
pub(super) fn payload_of(raw: &[u8], options: &EncodeOptions) -> Vec<u8> {
    let mut bytes = Vec::new();
    block::encode(raw, options, &mut bytes).expect("the options are right");
    assert_ne!(bytes[0], 0x01, "it is not stored");
    bytes[BlockHeader::LEN..bytes.len() - 4].to_vec()
}

/// The word count of a `single_stream` payload, whose words are fewer than 256: they end the
/// payload.
fn count_at(payload: &[u8]) -> usize {
    (0..256)
        .find(|&words| {
            payload
                .len()
                .checked_sub(4 + 2 * words)
                .is_some_and(|at| payload[at..at + 4] == (words as u32).to_le_bytes())
        })
        .expect("a payload ends with its words")
}

fn field(field: &'static str, found: u64) -> Corruption {
    Corruption::Field { field, found }
}

fn ends(field: &'static str, length: u64) -> Corruption {
    Corruption::PayloadEnds { field, length }
}

fn set_u32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

/// Adds to a count below 256.
fn change_count(bytes: &mut [u8], at: usize, by: i8) {
    bytes[at] = bytes[at].checked_add_signed(by).expect("counts here are below 256");
}
