//! Bad streams whose frames are at fault: one for each row of FORMAT.md, section 7, that is not
//! about a payload.

use ranstream::{
    Error,
    error::{Corruption, Feature, Part},
    format::{EndBlock, StreamHeader},
};

use super::Golden;
use crate::assembly::{
    Assembled, Assembly, crc8, crc32c, data_block, index_block, index_with_footer, sealed, skippable,
};

/// Where the block behind the good one of [`begun`] starts.
pub(super) const SECOND_BLOCK: u64 = 8 + 13;

pub(super) fn all() -> Vec<Golden> {
    [strangers(), cuts(), unsupported(), missing_ends(), stream_headers(), blocks(), end_blocks(), indexes()].concat()
}

/// A stream that goes wrong right behind a good block of five bytes, because of `block`.
pub(super) fn bad_block(name: &str, what: &'static str, block: &[u8], reason: Corruption) -> Golden {
    bad(name, what, begun().block(block, b"").finish().stream, GOOD, corrupt(Part::Block(1), SECOND_BLOCK, reason))
}

/// The same where the payload of a right block was changed. `of`: its tag and raw length.
pub(super) fn bad_payload(
    name: &str,
    what: &'static str,
    of: (u8, u32),
    right: &[u8],
    change: &dyn Fn(&mut Vec<u8>),
    reason: Corruption,
) -> Golden {
    let mut payload = right.to_vec();
    change(&mut payload);
    bad_block(name, what, &data_block(of.0, of.1, &payload), reason)
}

/// The same in a stream whose blocks may have 64 KiB.
pub(super) fn bad_long_block(name: &str, what: &'static str, block: &[u8], reason: Corruption) -> Golden {
    let begun = begun_with(StreamHeader { max_block_log2: 16, ..HEADER });
    bad(name, what, begun.block(block, b"").finish().stream, GOOD, corrupt(Part::Block(1), SECOND_BLOCK, reason))
}

/// The same with another error, which is told where the block begins.
pub(super) fn refused_block(name: &str, what: &'static str, block: &[u8], error: impl Fn(u64) -> Error) -> Golden {
    bad(name, what, begun().block(block, b"").finish().stream, GOOD, error(SECOND_BLOCK))
}

pub(super) const GOOD: &[u8] = b"ggggg";

pub(super) const HEADER: StreamHeader =
    StreamHeader { max_block_log2: 13, content_length: None, content_check: false, index: false };

pub(super) fn begun_with(header: StreamHeader) -> Assembly {
    Assembly::new(header).block(&data_block(0x02, 5, b"g"), GOOD)
}

pub(super) fn begun() -> Assembly {
    begun_with(HEADER)
}

/// Every feature: good block, application data, a stored block, end block, index.
fn everything() -> Assembled {
    begun_with(StreamHeader { content_length: Some(8), content_check: true, index: true, ..HEADER })
        .application_data(1, b"data")
        .block(&data_block(0x01, 3, b"raw"), b"raw")
        .finish()
}

fn strangers() -> Vec<Golden> {
    let whole = begun().finish().stream;
    let behind = |tail: &[u8]| [&whole, tail].concat();
    let trailing = || Error::TrailingData { offset: whole.len() as u64 };
    let mut magic = whole.clone();
    magic[3] = b's';
    vec![
        bad("magic", "a wrong magic", magic, b"", Error::NotAStream { found: b"\x89RNs".to_vec() }),
        bad("text", "a text file", b"Once upon a time".to_vec(), b"", Error::NotAStream { found: b"Once".to_vec() }),
        bad("trailing-zeros", "a stream, then zeros", behind(&[0; 512]), GOOD, trailing()),
        bad("trailing-byte", "a stream, then one byte", behind(b"\n"), GOOD, trailing()),
        bad(
            "trailing-header-cut",
            "a stream, then the start of another one",
            behind(&whole[..7]),
            GOOD,
            Error::Truncated { offset: whole.len() as u64 + 7 },
        ),
    ]
}

fn cuts() -> Vec<Golden> {
    let Assembled { stream, raw, elements } = everything();
    let cut = |name: &str, what, element: usize, keep: usize| {
        let element = &elements[element];
        let at = element.coded.start + keep;
        assert!(at < element.coded.end, "{name} is cut behind its element");
        bad(name, what, stream[..at].to_vec(), &raw[..element.raw.start], Error::Truncated { offset: at as u64 })
    };
    vec![
        cut("truncated-to-nothing", "no byte at all", 0, 0),
        cut("truncated-magic", "ends in the magic", 0, 3),
        cut("truncated-header", "ends in the stream header", 0, 7),
        cut("truncated-content-length", "ends in the content length", 0, 12),
        cut("truncated-behind-header", "ends behind the stream header", 1, 0),
        cut("truncated-block-header", "ends in a block header", 1, 5),
        cut("truncated-block-check", "ends in a payload check", 1, 11),
        cut("truncated-application-data", "ends in application data", 2, 9),
        cut("truncated-between-blocks", "ends between two blocks", 3, 0),
        cut("truncated-payload", "ends in a payload", 3, 9),
        cut("truncated-before-end", "ends before the end block", 4, 0),
        cut("truncated-end", "ends in the end block", 4, 39),
        cut("truncated-before-index", "ends before the index", 5, 0),
        cut("truncated-index", "ends in the index", 5, 20),
        cut("truncated-footer", "ends in the index footer", 5, 50),
    ]
}

fn unsupported() -> Vec<Golden> {
    let header = |position: usize, value: u8| {
        let mut stream = begun().finish().stream;
        stream[position] = value;
        stream[7] = crc8(&stream[..7]);
        stream
    };
    let unsupported = |name: &str, what, stream, raw: &[u8], feature, offset| Golden {
        name: format!("unsupported-{name}"),
        what,
        stream,
        raw: raw.to_vec(),
        error: Some(Error::Unsupported { feature, offset }),
    };
    let mut all = vec![
        unsupported("version-0", "version 0", header(4, 0), b"", Feature::Version(0), 0),
        unsupported("version-2", "version 2", header(4, 2), b"", Feature::Version(2), 0),
        unsupported("flag-3", "reserved flag bit 3", header(5, 0x08), b"", Feature::Flags(0x08), 0),
        unsupported(
            "flag-7",
            "reserved flag bit 7, and a content length",
            header(5, 0x81),
            b"",
            Feature::Flags(0x81),
            0,
        ),
    ];
    // Made when this tag was unknown as such. The payload begins with flags of 0x3f.
    let stream = begun().block(&data_block(0x0A, 4, b"????"), b"").finish().stream;
    let feature = Feature::LzFlags(b'?');
    all.push(unsupported("tag-0a", "an lz block with flags of a later version", stream, GOOD, feature, SECOND_BLOCK));
    for (tag, what) in [
        (0x00, "tag 0x00, never used"),
        (0x08, "tag 0x08, reserved for lanes in alias order"),
        (0x3F, "tag 0x3f, reserved for data blocks"),
        (0x42, "tag 0x42, reserved for blocks without raw bytes"),
        (0x80, "tag 0x80, never used"),
        (0xFF, "tag 0xff, never used"),
    ] {
        let stream = begun().block(&data_block(tag, 4, b"????"), b"").finish().stream;
        all.push(unsupported(&format!("tag-{tag:02x}"), what, stream, GOOD, Feature::Tag(tag), SECOND_BLOCK));
    }
    all
}

/// A stream header's check is right where a block header is expected, too.
fn missing_ends() -> Vec<Golden> {
    let next = begun().finish().stream;
    let assembled = begun_with(StreamHeader { index: true, ..HEADER }).finish();
    let starts = assembled.elements.iter().rev().map(|part| part.coded.start);
    let parts = [
        ("stream-for-index", "the next stream where the index should be", Part::Index),
        ("stream-for-end", "the next stream where the end block should be", Part::End),
    ];
    (parts.into_iter().zip(starts))
        .map(|((name, what, part), at)| {
            let stream = [&assembled.stream[..at], &next].concat();
            bad(name, what, stream, GOOD, corrupt(part, at as u64, Corruption::EndMissing))
        })
        .collect()
}

fn stream_headers() -> Vec<Golden> {
    let whole = begun().finish().stream;
    let mut check = whole.clone();
    check[7] ^= 1;
    let check_error = header_check(check[7], whole[7]);
    let mut version = whole.clone();
    version[4] = 2;
    let version_error = header_check(whole[7], crc8(&version[..7]));
    let mut largest = whole.clone();
    largest[6] = 25;
    largest[7] = crc8(&largest[..7]);
    let mut length = everything().stream;
    length[8] ^= 0x10;
    let stored = u32::from_le_bytes([length[16], length[17], length[18], length[19]]);
    let length_error = Corruption::HeaderCheck { stored, computed: crc32c(&length[..16]) };
    let second = [&whole[..], &check].concat();
    let header =
        |name: &str, what, stream, reason| bad(name, what, stream, b"", corrupt(Part::StreamHeader, 0, reason));
    vec![
        header("header-check", "stream header with a wrong check", check, check_error),
        header("header-check-before-version", "version 2, but the check is that of version 1", version, version_error),
        header(
            "largest-block-25",
            "a largest block of 2^25",
            largest,
            Corruption::Field { field: "largest block", found: 25 },
        ),
        header("content-length-check", "content length with a wrong check", length, length_error),
        bad(
            "second-header-check",
            "the second stream's header has a wrong check",
            second,
            GOOD,
            corrupt(Part::StreamHeader, whole.len() as u64, check_error),
        ),
    ]
}

fn blocks() -> Vec<Golden> {
    let mut header = data_block(0x01, 3, b"raw");
    header[7] ^= 0x80;
    let header_error = header_check(header[7], header[7] ^ 0x80);
    let mut payload = data_block(0x01, 3, b"raw");
    payload[9] = b'o';
    let mut application_data = skippable(1, b"data");
    application_data[9] = b'i';
    let (payload_error, application_error) = (payload_check(&payload), payload_check(&application_data));
    let early_index = index_block(&[], 0);

    let too_large = Assembly::new(StreamHeader { max_block_log2: 2, ..HEADER })
        .block(&data_block(0x02, 4, b"g"), b"gggg")
        .block(&data_block(0x02, 5, b"g"), b"")
        .finish();
    let exceeded =
        begun_with(StreamHeader { content_length: Some(7), ..HEADER }).block(&data_block(0x02, 3, b"g"), b"").finish();
    let length = |found, min, max| Corruption::Length { found, min, max };
    vec![
        bad_block("block-header-check", "block header with a wrong check", &header, header_error),
        bad_block("payload-check", "a payload with a wrong check", &payload, payload_error),
        bad_block(
            "application-data-check",
            "application data with a wrong check",
            &application_data,
            application_error,
        ),
        bad(
            "block-too-large",
            "5 raw bytes where the stream header allows 4",
            too_large.stream,
            b"gggg",
            corrupt(Part::Block(1), SECOND_BLOCK, length(5, 1, 4)),
        ),
        bad(
            "content-length-exceeded",
            "8 raw bytes where the stream header says 7",
            exceeded.stream,
            GOOD,
            corrupt(Part::Block(1), 20 + 13, Corruption::RawLength { stored: 7, actual: 8 }),
        ),
        bad_block(
            "payload-longer-than-raw",
            "a lanes payload that is longer than the raw bytes",
            &data_block(0x07, 3, b"long"),
            length(4, 1, 3),
        ),
        bad_block(
            "stored-length",
            "stored, but not as long as the raw bytes",
            &data_block(0x01, 9, b"short"),
            length(5, 9, 9),
        ),
        bad_block("fill-length", "fill with two bytes", &data_block(0x02, 9, b"ab"), length(2, 1, 1)),
        bad_block(
            "index-before-end",
            "an index before the end block",
            &early_index,
            Corruption::Field { field: "kind", found: 0x8001 },
        ),
    ]
}

fn end_blocks() -> Vec<Golden> {
    let checked = StreamHeader { content_check: true, ..HEADER };
    let totals = begun_with(checked).totals();
    let end_of = |name: &str, what, stream: Vec<u8>, reason| {
        bad(name, what, stream, GOOD, corrupt(Part::End, SECOND_BLOCK, reason))
    };
    let with_end = |end: &[u8]| [&begun().finish().stream[..SECOND_BLOCK as usize], end].concat();
    let with_totals = |end| begun_with(checked).finish_with(end).stream;
    let length = |found, min, max| Corruption::Length { found, min, max };

    let mut damaged = begun().finish().stream;
    damaged[SECOND_BLOCK as usize + 8] ^= 1;
    let damaged_error = payload_check(&damaged[SECOND_BLOCK as usize..]);
    let fewer = begun_with(StreamHeader { content_length: Some(6), ..HEADER }).finish();
    let mut all = vec![
        end_of(
            "end-first-field",
            "an end block whose raw length field is not 0",
            with_end(&sealed([0x40, 1, 0, 0, 19, 0, 0], &[0; 20])),
            Corruption::Field { field: "raw length - 1", found: 1 },
        ),
        end_of(
            "end-of-24-bytes",
            "an end block of 24 bytes",
            with_end(&data_block(0x40, 1, &[0; 24])),
            length(24, 20, 28),
        ),
        end_of(
            "end-with-unflagged-check",
            "an end block with a content check, against the flags",
            with_end(&data_block(0x40, 1, &[0; 28])),
            length(28, 20, 20),
        ),
        end_of(
            "end-without-check",
            "an end block without content check, against the flags",
            with_totals(EndBlock { content_check: None, ..totals }),
            length(20, 28, 28),
        ),
        end_of("end-check", "an end block with a wrong payload check", damaged, damaged_error),
        end_of(
            "end-raw-length",
            "a wrong sum of raw bytes",
            with_totals(EndBlock { raw_len: 6, ..totals }),
            Corruption::RawLength { stored: 6, actual: 5 },
        ),
        end_of(
            "end-blocks",
            "a wrong number of blocks",
            with_totals(EndBlock { blocks: 2, ..totals }),
            Corruption::Blocks { stored: 2, actual: 1 },
        ),
        end_of(
            "end-sequence",
            "a wrong sequence check",
            with_totals(EndBlock { sequence_check: totals.sequence_check ^ 1, ..totals }),
            Corruption::Sequence { stored: totals.sequence_check ^ 1, computed: totals.sequence_check },
        ),
        end_of(
            "content-check",
            "a wrong content check",
            with_totals(EndBlock { content_check: Some(1), ..totals }),
            Corruption::ContentCheck { stored: 1, computed: totals.content_check.expect("the header asks for it") },
        ),
        bad(
            "content-length-not-reached",
            "5 raw bytes where the stream header says 6",
            fewer.stream,
            GOOD,
            corrupt(Part::End, 20 + 13, Corruption::RawLength { stored: 6, actual: 5 }),
        ),
    ];
    all.extend(sequences());
    all
}

/// Two blocks, dropped, doubled and swapped.
fn sequences() -> Vec<Golden> {
    let assembled = begun().block(&data_block(0x01, 3, b"raw"), b"raw").finish();
    let part = |element: usize| &assembled.stream[assembled.elements[element].coded.clone()];
    let (header, fill, stored, end) = (part(0), part(1), part(2), part(3));
    let changed = |name: &str, what, blocks: &[&[u8]], raw: &[u8], reason| {
        let stream = [header, &blocks.concat(), end].concat();
        let offset = (stream.len() - end.len()) as u64;
        bad(name, what, stream, raw, corrupt(Part::End, offset, reason))
    };
    let checks =
        |first: &[u8], second: &[u8]| crc32c(&[&first[first.len() - 4..], &second[second.len() - 4..]].concat());
    let sequence = Corruption::Sequence { stored: checks(fill, stored), computed: checks(stored, fill) };
    vec![
        changed("block-dropped", "a block is missing", &[stored], b"raw", Corruption::Blocks { stored: 2, actual: 1 }),
        changed(
            "block-doubled",
            "a block stands there twice",
            &[fill, stored, stored],
            b"gggggrawraw",
            Corruption::Blocks { stored: 2, actual: 3 },
        ),
        changed("blocks-swapped", "two blocks are swapped", &[stored, fill], b"rawggggg", sequence),
    ]
}

/// Two entries that are wrong while their sum is right: what only those see who read the headers.
fn lies_that_cancel() -> Golden {
    let assembly = begun_with(StreamHeader { index: true, ..HEADER }).block(&data_block(0x02, 9, b"h"), b"hhhhhhhhh");
    let assembled = assembly.finish();
    let at = assembled.elements.last().expect("the index is the last part").coded.start;
    let entries = [(6, b"g"), (8, b"h")].map(|(raw_len, byte)| data_block(0x02, raw_len, byte)[..8].to_vec()).concat();
    let stream = [&assembled.stream[..at], &index_block(&entries, at)].concat();
    let error = corrupt(Part::Index, at as u64, Corruption::IndexMismatch);
    bad("index-lies-cancel", "entries whose wrong raw lengths have the right sum", stream, &assembled.raw, error)
}

fn indexes() -> Vec<Golden> {
    let indexed = StreamHeader { index: true, ..HEADER };
    let with_index =
        |name: &str, what, index: &dyn Fn(&[u8], usize) -> Vec<u8>, reason: &dyn Fn(&[u8]) -> Corruption| {
            let assembly = begun_with(indexed);
            let entries = assembly.entries().to_vec();
            let assembled = assembly.finish();
            let at = assembled.elements.last().expect("the index is the last part").coded.start;
            let index = index(&entries, at);
            let stream = [&assembled.stream[..at], &index].concat();
            bad(name, what, stream, GOOD, corrupt(Part::Index, at as u64, reason(&index)))
        };
    let mismatch = |_: &[u8]| Corruption::IndexMismatch;
    let footer = |len: u64, count: u32, magic: [u8; 4]| {
        move |entries: &[u8], at: usize| index_with_footer(entries, at as u64 + len, count, magic)
    };
    vec![
        with_index(
            "index-is-data",
            "a data block where the index should be",
            &|_, _| data_block(0x01, 1, b"x"),
            &|_| Corruption::Field { field: "tag", found: 1 },
        ),
        with_index(
            "index-is-application-data",
            "application data where the index should be",
            &|_, _| skippable(1, b"x"),
            &|_| Corruption::Field { field: "kind", found: 1 },
        ),
        with_index(
            "index-is-end",
            "a second end block where the index should be",
            &|_, _| data_block(0x40, 1, &[0; 20]),
            &|_| Corruption::Field { field: "tag", found: 0x40 },
        ),
        with_index(
            "index-is-unknown",
            "a block with tag 0x42 where the index should be",
            &|_, _| data_block(0x42, 1, b"x"),
            &|_| Corruption::Field { field: "tag", found: 0x42 },
        ),
        with_index(
            "index-length",
            "an index with two entries for one block",
            &|entries, at| index_block(&entries.repeat(2), at),
            &|_| Corruption::Length { found: 32, min: 16, max: 24 },
        ),
        with_index(
            "index-check",
            "an index with a wrong payload check",
            &|entries, at| {
                let mut index = index_block(entries, at);
                index[9] ^= 4;
                index
            },
            &payload_check,
        ),
        with_index("index-footer-magic", "a wrong footer magic", &footer(36, 1, *b"RNSi"), &mismatch),
        with_index("index-count", "the footer counts two entries, there is one", &footer(36, 2, *b"RNSI"), &mismatch),
        with_index("index-stream-length", "the footer has a wrong stream length", &footer(35, 1, *b"RNSI"), &mismatch),
        with_index(
            "index-entry",
            "an entry differs from its block's header",
            &|_, at| {
                let other = data_block(0x02, 6, b"g");
                index_block(&other[..8], at)
            },
            &mismatch,
        ),
        with_index(
            "index-empty-count",
            "no entries, but the footer counts one",
            &|_, at| index_with_footer(&[], (at + 28) as u64, 1, *b"RNSI"),
            &mismatch,
        ),
        lies_that_cancel(),
    ]
}

pub(super) fn bad(name: &str, what: &'static str, stream: Vec<u8>, raw: &[u8], error: Error) -> Golden {
    Golden { name: format!("bad-{name}"), what, stream, raw: raw.to_vec(), error: Some(error) }
}

pub(super) fn corrupt(part: Part, offset: u64, reason: Corruption) -> Error {
    Error::Corrupt { part, offset, reason }
}

pub(super) fn header_check(stored: u8, computed: u8) -> Corruption {
    Corruption::HeaderCheck { stored: stored.into(), computed: computed.into() }
}

/// What a reader says of this block, whose payload check is wrong.
pub(super) fn payload_check(block: &[u8]) -> Corruption {
    let (signed, check) = block.split_last_chunk().expect("a block has a check");
    Corruption::PayloadCheck { stored: u32::from_le_bytes(*check), computed: crc32c(signed) }
}
