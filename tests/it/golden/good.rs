//! Good streams: each mode, each feature, and the ends of what is legal.

use ranstream::{
    EncodeOptions, Mode, Normalization,
    format::{BlockMode, EndBlock, StreamHeader, TableKind},
};

use super::{Golden, all_values, letters, two_symbols};
use crate::assembly::{Assembled, Assembly, data_block, index_block};

pub(super) fn all() -> Vec<Golden> {
    [modes(), tables(), lanes(), vec![every_remainder()], pivot(), features()].concat()
}

fn modes() -> Vec<Golden> {
    vec![
        one_block("stored", "stored", &letters(9), &forced(Mode::Stored), BlockMode::Stored),
        one_block("fill", "fill", &[b'f'; 1000], &forced(Mode::Fill), BlockMode::Fill),
        one_block(
            "single-stream",
            "single_stream, dense table",
            &two_symbols(700),
            &compat(Mode::SingleStream),
            BlockMode::SingleStream(TableKind::Dense),
        ),
        one_block(
            "interleaved-4",
            "interleaved_n with 4 states, dense table",
            &two_symbols(701),
            &compat(Mode::Interleaved),
            BlockMode::Interleaved(TableKind::Dense),
        ),
        one_block(
            "single-stream-compact",
            "single_stream, compact table",
            &letters(100),
            &forced(Mode::SingleStream),
            BlockMode::SingleStream(TableKind::Compact),
        ),
        one_block(
            "interleaved-4-compact",
            "interleaved_n with 4 states, compact table",
            &letters(203),
            &forced(Mode::Interleaved),
            BlockMode::Interleaved(TableKind::Compact),
        ),
        one_block(
            "interleaved-1-compact",
            "interleaved_n with 1 state",
            &letters(100),
            &forced(Mode::Interleaved).interleaved_lanes(1),
            BlockMode::Interleaved(TableKind::Compact),
        ),
        one_block(
            "interleaved-255-compact",
            "interleaved_n with 255 states, the most there can be",
            &letters(4000),
            &forced(Mode::Interleaved).interleaved_lanes(255),
            BlockMode::Interleaved(TableKind::Compact),
        ),
        one_block("lanes", "lanes, a tail of 72 bytes", &letters(328), &forced(Mode::Lanes), BlockMode::Lanes),
    ]
}

fn tables() -> Vec<Golden> {
    let single = |bits| compat(Mode::SingleStream).scale_bits(bits);
    let compact = |bits| forced(Mode::Interleaved).scale_bits(bits);
    vec![
        one_block(
            "single-stream-9-bits",
            "9 bits, dense table",
            &two_symbols(700),
            &single(9),
            BlockMode::SingleStream(TableKind::Dense),
        ),
        one_block(
            "single-stream-14-bits",
            "14 bits, dense table",
            &two_symbols(700),
            &single(14),
            BlockMode::SingleStream(TableKind::Dense),
        ),
        one_block(
            "interleaved-13-bits-compact",
            "13 bits, compact table",
            &letters(200),
            &compact(13),
            BlockMode::Interleaved(TableKind::Compact),
        ),
        one_block(
            "interleaved-14-bits-compact",
            "14 bits, 256 symbols, compact table",
            &all_values(4000),
            &compact(14),
            BlockMode::Interleaved(TableKind::Compact),
        ),
        one_block(
            "single-stream-13-bits",
            "13 bits, dense table",
            &two_symbols(700),
            &single(13),
            BlockMode::SingleStream(TableKind::Dense),
        ),
        one_block(
            "interleaved-14-bits",
            "14 bits, 3 states, dense table",
            &two_symbols(1000),
            &compat(Mode::Interleaved).scale_bits(14).interleaved_lanes(3),
            BlockMode::Interleaved(TableKind::Dense),
        ),
        one_block(
            "single-stream-one-symbol",
            "one symbol at full frequency: no words",
            &[b'o'; 600],
            &compat(Mode::SingleStream),
            BlockMode::SingleStream(TableKind::Dense),
        ),
        absent_symbol(),
    ]
}

/// A table may name symbols that do not occur.
fn absent_symbol() -> Golden {
    let raw = two_symbols(800);
    let mut frequencies = [0_u32; 256];
    frequencies[usize::from(b'a')] = 448;
    frequencies[usize::from(b'b')] = 60;
    frequencies[usize::from(b'z')] = 4;
    let (mut x, mut words) = (1_u32 << 16, Vec::new());
    for &symbol in raw.iter().rev() {
        let (frequency, cumulative) = if symbol == b'a' { (448, 0) } else { (60, 448) };
        if u64::from(x) >= u64::from(frequency) << (32 - 9) {
            words.push(x as u16);
            x >>= 16;
        }
        x = ((x / frequency) << 9) + x % frequency + cumulative;
    }
    let mut payload = vec![9];
    payload.extend(frequencies.iter().flat_map(|&frequency| (frequency as u16).to_le_bytes()));
    payload.extend(x.to_le_bytes());
    payload.extend((words.len() as u32).to_le_bytes());
    payload.extend(words.iter().rev().flat_map(|word| word.to_le_bytes()));
    let stream = plain(10).block(&data_block(0x03, 800, &payload), &raw).finish();
    golden("absent-symbol", "a table with a symbol that does not occur", stream)
}

fn lanes() -> Vec<Golden> {
    let lanes = || forced(Mode::Lanes);
    let block = |name, what, raw: &[u8], options: EncodeOptions| one_block(name, what, raw, &options, BlockMode::Lanes);
    vec![
        block("lanes-256", "lanes, whole groups", &letters(256), lanes()),
        block("lanes-9-bits", "lanes, 9 bits", &letters(300), lanes().scale_bits(9)),
        block("lanes-one-symbol", "lanes, one symbol at full frequency: no words", &[b'o'; 333], lanes()),
        block("lanes-256-symbols", "lanes, 256 symbols", &all_values(2500), lanes()),
        block("lanes-2-segments", "lanes, two segments, the last one shorter", &letters(500), lanes().segment_len(256)),
        block(
            "lanes-16-segments",
            "lanes, 16 segments, the last one of one group",
            &two_symbols(3968),
            lanes().segment_len(250),
        ),
        block(
            "lanes-last-segment-of-1",
            "lanes, the last of 3 segments has one byte",
            &two_symbols(513),
            lanes().segment_len(180),
        ),
    ]
}

/// Each length from 257 to 384 bytes: a tail of every length there is.
fn every_remainder() -> Golden {
    let assembly = (257..385).fold(plain(9), |assembly, len| {
        assembly.data(&letters(len), &forced(Mode::Lanes).scale_bits(9), BlockMode::Lanes)
    });
    golden("lanes-every-remainder", "lanes, 128 blocks of 257 to 384 bytes", assembly.finish())
}

fn pivot() -> Vec<Golden> {
    let block = |name, what, raw: &[u8]| one_block(name, what, raw, &forced(Mode::Pivot), BlockMode::Pivot);
    let long = letters((1 << 15) + 1);
    let two_chunks = plain(16).data(&long, &forced(Mode::Pivot), BlockMode::Pivot).finish();
    // More symbols than one chunk may have, in chunks that are shorter than the encoder's: each is
    // coded like a block of its own, behind the table.
    let chunk = letters(1024);
    let coded = super::bad_payloads::payload_of(&chunk, &forced(Mode::Pivot));
    let groups = usize::from(coded[0]);
    let numbers = 1 + groups + 1 + 4;
    let table = numbers + (5 * (groups - 1).checked_ilog2().map_or(0, |log2| log2 as usize + 1)).div_ceil(8);
    let mut payload = [&coded[..table], &[10]].concat();
    (0..33).for_each(|_| payload.extend(&coded[table..]));
    let short_chunks = plain(16).block(&data_block(0x0B, 33 << 10, &payload), &chunk.repeat(33)).finish();
    vec![
        block("pivot", "pivot, five symbols", &letters(700)),
        block("pivot-one-symbol", "pivot, one symbol: no bytes behind the table", &[b'o'; 333]),
        block("pivot-two-symbols", "pivot, one bitmap, which is coded", &two_symbols(4001)),
        block("pivot-256-symbols", "pivot, 256 symbols", &all_values(2500)),
        golden("pivot-2-chunks", "pivot, the second chunk has one symbol", two_chunks),
        golden("pivot-short-chunks", "pivot, chunks of 1024 symbols", short_chunks),
    ]
}

fn features() -> Vec<Golden> {
    let (abc, options) = (letters(100), forced(Mode::SingleStream));
    let with = |header: StreamHeader| {
        Assembly::new(header).data(&[b'f'; 50], &forced(Mode::Fill), BlockMode::Fill).data(
            &abc,
            &options,
            BlockMode::SingleStream(TableKind::Compact),
        )
    };
    let header = StreamHeader { max_block_log2: 7, content_length: None, content_check: false, index: false };
    let with_length = StreamHeader { content_length: Some(150), ..header };
    let with_all = StreamHeader { content_check: true, index: true, ..with_length };
    let application_data = |assembly: Assembly| {
        assembly.application_data(0, b"kind 0").application_data(0x7FFF, b"").application_data(0x8002, b"from later")
    };
    let empty = |header| Assembly::new(header).finish();
    vec![
        golden("empty", "no block at all", empty(header)),
        golden(
            "empty-with-everything",
            "no block, but content length, content check and index",
            empty(StreamHeader { content_length: Some(0), content_check: true, index: true, max_block_log2: 0 }),
        ),
        golden("content-length", "content length", with(with_length).finish()),
        golden("content-check", "content check", with(StreamHeader { content_check: true, ..header }).finish()),
        golden("index", "index", with(StreamHeader { index: true, ..header }).finish()),
        golden("index-without-entries", "an index of an encoder that kept no list", {
            let totals = with(header).totals();
            let mut assembled = with(StreamHeader { index: true, ..header }).finish_with(EndBlock { ..totals });
            let index_at = assembled.elements.last().expect("the index is the last part").coded.start;
            assembled.stream.truncate(index_at);
            assembled.stream.extend(index_block(&[], index_at));
            assembled
        }),
        golden(
            "application-data",
            "application data of kinds 0 and 0x7FFF, and a skippable block of the reserved kind 0x8002",
            application_data(with(header)).finish(),
        ),
        golden(
            "everything",
            "content length, content check, index and application data",
            application_data(with(with_all)).finish(),
        ),
        golden("concatenated", "three streams, the second of them empty", {
            with(with_all).finish().then(&empty(header)).then(&with(header).finish())
        }),
        golden(
            "largest-block-0",
            "blocks of at most one byte",
            Assembly::new(StreamHeader { max_block_log2: 0, ..header })
                .block(&data_block(0x01, 1, b"x"), b"x")
                .block(&data_block(0x02, 1, b"y"), b"y")
                .finish(),
        ),
        golden(
            "largest-block-24",
            "a fill block of 16 MiB",
            plain(24).block(&data_block(0x02, 1 << 24, b"m"), &vec![b'm'; 1 << 24]).finish(),
        ),
    ]
}

fn one_block(name: &str, what: &'static str, raw: &[u8], options: &EncodeOptions, mode: BlockMode) -> Golden {
    golden(name, what, plain(12).data(raw, options, mode).finish())
}

fn golden(name: &str, what: &'static str, assembled: Assembled) -> Golden {
    let Assembled { stream, raw, .. } = assembled;
    Golden { name: format!("good-{name}"), what, stream, raw, error: None }
}

fn plain(max_block_log2: u8) -> Assembly {
    Assembly::new(StreamHeader { max_block_log2, content_length: None, content_check: false, index: false })
}

/// Every setting that shapes a block is given, so that these bytes do not depend on defaults.
fn forced(mode: Mode) -> EncodeOptions {
    EncodeOptions::new().mode(mode).scale_bits(12).interleaved_lanes(4).segment_len(64 << 10)
}

fn compat(mode: Mode) -> EncodeOptions {
    forced(mode).normalization(Normalization::Compat)
}
