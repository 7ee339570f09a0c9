//! Bad streams with two faults: which one is told (FORMAT.md, section 7, "in which order").

use ranstream::{
    Error,
    error::{Corruption, Feature, Part},
    format::StreamHeader,
};

use super::{
    Golden,
    bad::{GOOD, HEADER, SECOND_BLOCK, bad, begun, begun_with, corrupt, header_check, payload_check},
};
use crate::assembly::{Assembly, crc8, data_block, sealed, skippable};

pub(super) fn all() -> Vec<Golden> {
    [stream_headers(), block_headers(), payloads(), later_tags()].concat()
}

fn stream_headers() -> Vec<Golden> {
    let with = |version: u8, flags: u8, largest: u8| {
        let mut stream = begun().finish().stream;
        stream[4..7].copy_from_slice(&[version, flags, largest]);
        stream[7] = crc8(&stream[..7]);
        stream
    };
    let unsupported = |name: &str, what, stream, feature| Golden {
        error: Some(Error::Unsupported { feature, offset: 0 }),
        ..bad(name, what, stream, b"", Error::Finished)
    };
    vec![
        unsupported("version-before-flags", "version 2 and flag bit 3", with(2, 8, 13), Feature::Version(2)),
        unsupported(
            "flags-before-largest",
            "flag bit 3 and a largest block of 2^25",
            with(1, 8, 25),
            Feature::Flags(8),
        ),
    ]
    .into_iter()
    .map(|golden| Golden { name: golden.name.replace("bad-", "unsupported-"), ..golden })
    .collect()
}

/// What a header shows is told although the payload is missing.
fn block_headers() -> Vec<Golden> {
    let cut = |name: &str, what, start: Assembly, block: &[u8], raw: &[u8], part, reason| {
        let mut stream = start.block(block, b"").finish().stream;
        let at = SECOND_BLOCK as usize;
        stream.truncate(at + 8);
        bad(name, what, stream, raw, corrupt(part, SECOND_BLOCK, reason))
    };
    let small = || Assembly::new(StreamHeader { max_block_log2: 3, ..HEADER }).block(&data_block(0x02, 5, b"g"), GOOD);
    let length = |found, min, max| Corruption::Length { found, min, max };
    let mut unknown = data_block(0x3F, 4, b"????");
    unknown[7] ^= 1;
    let magic = [0x89, b'R', b'N', b'S', 0, 0, 0, 0, 0, 0, 0, 0];
    vec![
        cut(
            "header-check-before-tag",
            "an unknown tag, and a wrong header check",
            begun(),
            &unknown,
            GOOD,
            Part::Block(1),
            header_check(unknown[7], unknown[7] ^ 1),
        ),
        cut(
            "magic-before-header-check",
            "a magic where a block should be, and a wrong check behind it",
            begun(),
            &magic,
            GOOD,
            Part::End,
            Corruption::EndMissing,
        ),
        cut(
            "mode-before-largest-block",
            "fill with two bytes, 9 raw bytes where 8 are allowed, and a missing payload",
            small(),
            &data_block(0x02, 9, b"ab"),
            GOOD,
            Part::Block(1),
            length(2, 1, 1),
        ),
        cut(
            "largest-block-before-payload",
            "9 raw bytes where 8 are allowed, and a missing payload",
            small(),
            &data_block(0x02, 9, b"a"),
            GOOD,
            Part::Block(1),
            length(9, 1, 8),
        ),
        cut(
            "index-kind-before-payload",
            "an index before the end block, and a missing payload",
            begun(),
            &skippable(0x8001, b"16 bytes of this"),
            GOOD,
            Part::Block(1),
            Corruption::Field { field: "kind", found: 0x8001 },
        ),
        cut(
            "end-length-before-payload",
            "an end block of 24 bytes that are missing",
            begun(),
            &data_block(0x40, 1, &[0; 24]),
            GOOD,
            Part::End,
            length(24, 20, 28),
        ),
    ]
}

fn payloads() -> Vec<Golden> {
    let mut both = data_block(0x07, 9, b"no lanes");
    both[9] ^= 1;
    let mut totals = begun_with(HEADER).totals();
    (totals.raw_len, totals.blocks) = (6, 2);
    let stream = begun().block(&both, b"").finish().stream;
    vec![
        bad(
            "payload-check-before-payload",
            "a payload that is no lanes, and a wrong payload check",
            stream,
            GOOD,
            corrupt(Part::Block(1), SECOND_BLOCK, payload_check(&both)),
        ),
        bad(
            "end-blocks-before-raw-length",
            "a wrong number of blocks, and a wrong sum of raw bytes",
            begun().finish_with(totals).stream,
            GOOD,
            corrupt(Part::End, SECOND_BLOCK, Corruption::Blocks { stored: 2, actual: 1 }),
        ),
    ]
}

/// Blocks of later versions, as section 9 lays them out.
fn later_tags() -> Vec<Golden> {
    let later = |name: &str, what, block: &[u8], tag| Golden {
        name: format!("unsupported-{name}"),
        error: Some(Error::Unsupported { feature: Feature::Tag(tag), offset: SECOND_BLOCK }),
        ..bad(name, what, begun().block(block, b"").finish().stream, GOOD, Error::Finished)
    };
    vec![
        later(
            "tag-7f",
            "tag 0x7f, with the header of a block without raw bytes: kind 2, 5 bytes",
            &sealed([0x7F, 2, 0, 5, 0, 0, 0], b"later"),
            0x7F,
        ),
        later(
            "tag-before-length",
            "tag 0x3e, and a payload that is longer than the raw bytes",
            &data_block(0x3E, 1, b"long"),
            0x3E,
        ),
    ]
}
