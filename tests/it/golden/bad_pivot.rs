//! Pivot blocks whose checks are right and whose payload is not: one for each thing that FORMAT.md,
//! 13.4, lists.

use ranstream::error::Corruption;

use super::{
    Golden,
    bad::{bad_block, bad_long_block, bad_payload},
};
use crate::assembly::data_block;

/// The first annotated payload: 44 symbols, of which `a` is one group and `b`, `c`, `d`, `r` are
/// another.
const PAYLOAD: [u8; 21] = [
    0x02, 0x10, 0x12, 0x08, 0x1E, 0x00, 0x04, 0x00, 0x1E, 0x56, 0xB3, 0x9A, 0xD5, 0xAC, 0x06, 0x9C, 0xCC, 0xC9, 0x9C,
    0xCC, 0xC9,
];
const SYMBOLS: u32 = 44;

const TAG: u8 = 0x0B;

/// Where its fields are.
const GROUPS: usize = 0;
const SHAPES: usize = 1;
const ROWS: usize = 3;
const USED: usize = 4;
const NUMBERS: usize = 8;
const CHUNK: usize = 9;

pub(super) fn all() -> Vec<Golden> {
    [shapes(), symbols(), coded_bitmaps(), chunks(), ends()].concat()
}

fn bad(name: &str, what: &'static str, change: &dyn Fn(&mut Vec<u8>), reason: Corruption) -> Golden {
    bad_payload(&format!("pivot-{name}"), what, (TAG, SYMBOLS), &PAYLOAD, change, reason)
}

fn of_payload(name: &str, what: &'static str, symbols: u32, payload: &[u8], reason: Corruption) -> Golden {
    bad_block(&format!("pivot-{name}"), what, &data_block(TAG, symbols, payload), reason)
}

fn shapes() -> Vec<Golden> {
    let shapes = |name, what, shapes: [u8; 2], field_name, found| {
        bad(name, what, &|payload| payload[SHAPES..ROWS].copy_from_slice(&shapes), field(field_name, found))
    };
    vec![
        bad("no-groups", "no groups", &|payload| payload[GROUPS] = 0, field("groups", 0)),
        bad("65-groups", "65 groups", &|payload| payload[GROUPS] = 65, field("groups", 65)),
        shapes("shape-falls", "a shape that falls", [0x12, 0x10], "shape of a group", 0x10),
        shapes("shape-9-bits", "a group of 9 bits", [0x10, 0x19], "shape of a group", 0x19),
        shapes("two-singles", "two groups without bits at one depth", [0x10, 0x10], "shape of a group", 0x10),
        shapes("code-space-left", "code space is left", [0x10, 0x22], "code space of the groups", 0x6000),
        shapes("code-space-exceeded", "too much code space", [0x00, 0x12], "code space of the groups", 0xC000),
    ]
}

fn symbols() -> Vec<Golden> {
    let wrong = |found| field("symbols", found);
    vec![
        bad(
            "empty-row",
            "a row without symbols",
            &|payload| {
                payload[ROWS] |= 0x10;
                payload.splice(NUMBERS..NUMBERS, [0; 4]);
            },
            field("rows", 16),
        ),
        bad(
            "group-number",
            "group 3 of 3",
            &|payload| {
                payload.splice(NUMBERS..CHUNK, [0xE4, 0x02]);
                payload.splice(GROUPS..ROWS, [3, 0x10, 0x20, 0x21]);
            },
            field("group of a symbol", 3),
        ),
        bad("empty-group", "a group without symbols", &|payload| payload[NUMBERS] = 0x1F, wrong(5)),
        bad("group-too-large", "4 symbols in a group of 1 bit", &|payload| payload[SHAPES + 1] = 0x11, wrong(5)),
        bad("group-too-small", "4 symbols in a group of 3 bits", &|payload| payload[SHAPES + 1] = 0x13, wrong(5)),
        of_payload(
            "group-order",
            "groups of one shape, the larger first symbol first",
            16,
            &[0x02, 0x11, 0x11, 0x08, 0x1E, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00],
            Corruption::GroupOrder,
        ),
        bad(
            "table-padding",
            "spare bits of the table are not zero",
            &|payload| payload[NUMBERS] = 0x3E,
            Corruption::Padding,
        ),
    ]
}

fn coded_bitmaps() -> Vec<Golden> {
    let coded = |name, what, list: &'static [u8], field_name, found| {
        bad(
            name,
            what,
            &|payload| {
                payload[GROUPS] |= 0x80;
                payload.splice(CHUNK..CHUNK, list.iter().copied());
            },
            field(field_name, found),
        )
    };
    vec![
        coded("coded-0", "no coded bitmap where some are listed", &[0], "coded bitmaps", 0),
        coded("coded-128", "128 coded bitmaps", &[128], "coded bitmaps", 128),
        coded("coded-single", "a group without bits is coded", &[1, 1, 1], "node of a coded bitmap", 1),
        coded("coded-packed", "a group of 2 bits is coded", &[1, 2, 1], "node of a coded bitmap", 2),
        coded("coded-no-node", "a node that the tree has not", &[1, 3, 1], "node of a coded bitmap", 3),
        coded("coded-twice", "a node that is coded twice", &[2, 0, 1, 0, 1], "node of a coded bitmap", 0),
        coded("coded-level-0", "level 0", &[1, 0, 0], "level of a coded bitmap", 0),
        coded("coded-level-33", "level 33", &[1, 0, 33], "level of a coded bitmap", 33),
    ]
}

fn chunks() -> Vec<Golden> {
    let long = |name, what, log2: u8| {
        let payload = [&[0x01, 0x00, 0x08, 0x02, 0x00, 0x00, 0x00][..], &[log2]].concat();
        bad_long_block(name, what, &data_block(TAG, (1 << 15) + 1, &payload), field("chunk size", log2.into()))
    };
    vec![
        long("pivot-chunk-size-9", "chunks of 512", 9),
        long("pivot-chunk-size-17", "chunks of 128 Ki", 17),
        bad(
            "bitmap-padding",
            "spare bits of a bitmap are not zero",
            &|payload| payload[CHUNK + 5] |= 0x10,
            Corruption::Padding,
        ),
        of_payload(
            "packed-padding",
            "spare bits of packed numbers are not zero",
            9,
            &[0x01, 0x01, 0x08, 0x06, 0x00, 0x00, 0x00, 0x00, 0x02],
            Corruption::Padding,
        ),
        of_payload(
            "coded-bitmap-padding",
            "spare bits of a bitmap that was coded are not zero",
            20,
            // The numbers 0, 0 and 63 of the first group of level 1: the bytes 00, 00 and C0.
            &[0x81, 0x01, 0x08, 0x06, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0xF0, 0x03],
            Corruption::Padding,
        ),
        bad(
            "goes-on",
            "a byte behind the last chunk",
            &|payload| payload.push(0),
            Corruption::PayloadGoesOn { extra: 1 },
        ),
    ]
}

fn ends() -> Vec<Golden> {
    let cut = |name, what, len: usize, in_field| {
        bad(
            name,
            what,
            &|payload| payload.truncate(len),
            Corruption::PayloadEnds { field: in_field, length: len as u64 },
        )
    };
    vec![
        cut("ends-in-shapes", "ends in its shapes", SHAPES + 1, "shapes"),
        cut("ends-in-rows", "ends before its rows", ROWS, "rows"),
        cut("ends-in-used", "ends in its used symbols", USED + 3, "used symbols"),
        cut("ends-in-numbers", "ends before the groups of the symbols", NUMBERS, "groups of the symbols"),
        cut("ends-in-bitmap", "ends in a bitmap", CHUNK + 5, "chunks"),
        cut("ends-in-packed", "ends in packed numbers", PAYLOAD.len() - 1, "chunks"),
    ]
}

fn field(field: &'static str, found: u64) -> Corruption {
    Corruption::Field { field, found }
}
