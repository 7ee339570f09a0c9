//! Files whose last 64 KiB a power cut took: lost, zeroed, replaced by what was there before, or
//! written in another order, in sectors of 512 bytes. And disks that are full.

use std::{
    collections::HashMap,
    io::{self, ErrorKind, Read as _, Write},
};

use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use ranstream::{
    EncodeOptions, RansReader, RansWriter,
    recover::{Found, Recovery},
};

use crate::data;

const SECTOR: usize = 512;
const TAIL: usize = 64 << 10;

/// A stream, and each of its blocks by where it starts.
struct Written {
    stream: Vec<u8>,
    raw: Vec<u8>,
    blocks: Vec<(std::ops::Range<usize>, Vec<u8>)>,
}

/// Blocks of many lengths, as flushes cut them. No two are equal.
fn written(seed: u64) -> Written {
    let mut random = StdRng::seed_from_u64(seed);
    let raw = data::text(300_000);
    let options = EncodeOptions::new().block_len(6000).index(seed.is_multiple_of(2)).content_check(true);
    let mut writer = RansWriter::with_options(Vec::new(), options);
    let mut rest = &raw[..];
    while !rest.is_empty() {
        let (part, behind) = rest.split_at(rest.len().min(random.random_range(40..4000)));
        writer.write_all(part).unwrap();
        if random.random_ratio(1, 4) {
            writer.flush().unwrap();
        }
        rest = behind;
    }
    let stream = writer.finish().unwrap();
    let blocks = Recovery::new(&stream[..])
        .map(|found| match found.unwrap() {
            Found::Block { raw, place } => (place.start as usize..place.end as usize, raw),
            Found::Lost { place } => panic!("{place:?} of a whole stream is lost"),
        })
        .collect();
    Written { stream, raw, blocks }
}

/// What became of the tail.
type Tear = fn(&mut Vec<u8>, usize, &mut StdRng);

const TEARS: [(&str, Tear); 6] = [
    ("lost", |stream, from, _| stream.truncate(from)),
    ("lost from somewhere", |stream, from, random| stream.truncate(random.random_range(from..stream.len()))),
    ("zeroed", |stream, from, _| stream[from..].fill(0)),
    ("zeroed sectors", |stream, from, random| {
        stream[from..].chunks_mut(SECTOR).filter(|_| random.random()).for_each(|sector| sector.fill(0));
    }),
    ("old sectors", |stream, from, random| {
        let old = data::skewed(stream.len());
        for (sector, old) in stream[from..].chunks_mut(SECTOR).zip(old[from..].chunks(SECTOR)) {
            if random.random() {
                sector.copy_from_slice(old);
            }
        }
    }),
    ("reordered", |stream, from, random| {
        let mut sectors: Vec<Vec<u8>> = stream[from..].chunks(SECTOR).map(<[u8]>::to_vec).collect();
        sectors.shuffle(random);
        stream.truncate(from);
        stream.extend(sectors.concat());
    }),
];

#[test]
fn blocks_before_a_torn_tail_are_back_and_none_is_wrong() {
    torn_tails(0..6);
}

#[test]
#[ignore = "half a minute"]
fn blocks_before_many_torn_tails_are_back_and_none_is_wrong() {
    torn_tails(6..300);
}

fn torn_tails(seeds: std::ops::Range<u64>) {
    let mut behind = 0;
    for seed in seeds {
        let good = written(seed);
        let blocks: HashMap<_, _> = good.blocks.iter().map(|(place, raw)| (&raw[..], place)).collect();
        let from = (good.stream.len() - TAIL).next_multiple_of(SECTOR);
        for (name, tear) in TEARS {
            let mut stream = good.stream.clone();
            tear(&mut stream, from, &mut StdRng::seed_from_u64(seed));
            let found: Vec<_> = Recovery::new(&stream[..])
                .map(Result::unwrap)
                .filter_map(|found| match found {
                    Found::Block { raw, place } => Some((raw, place)),
                    Found::Lost { .. } => None,
                })
                .collect();
            let whole = good.blocks.iter().take_while(|(place, _)| place.end <= from).count();
            assert!(found.len() >= whole, "seed {seed}, {name}: {} of {whole} blocks", found.len());
            for ((raw, place), (expected, expected_raw)) in found.iter().zip(&good.blocks[..whole]) {
                assert_eq!((place.start as usize, raw), (expected.start, expected_raw), "seed {seed}, {name}");
            }
            for (raw, place) in &found[whole..] {
                assert!(blocks.contains_key(&raw[..]), "seed {seed}, {name}: the block at {place:?} was never written");
            }
            behind += found.len() - whole;
            reads_up_to_the_damage(&stream, &good, whole, &format!("seed {seed}, {name}"));
        }
    }
    assert!(behind > 0, "some blocks of a torn tail are whole");
}

/// A reader gives the blocks before the damage, and an error unless nothing is damaged.
fn reads_up_to_the_damage(stream: &[u8], good: &Written, whole: usize, case: &str) {
    let mut read = Vec::new();
    let result = RansReader::new(stream).read_to_end(&mut read);
    assert_eq!(result.is_ok(), stream == good.stream, "{case}");
    assert!(good.raw.starts_with(&read), "{case}: other bytes");
    let least: usize = good.blocks[..whole].iter().map(|(_, raw)| raw.len()).sum();
    assert!(read.len() >= least, "{case}: {} bytes of {least}", read.len());
}

/// Takes so many bytes, then is full.
struct Disk {
    bytes: Vec<u8>,
    room: usize,
}

impl Write for Disk {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let len = buf.len().min(self.room - self.bytes.len());
        if len == 0 {
            return Err(ErrorKind::StorageFull.into());
        }
        self.bytes.extend(&buf[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_disk_that_is_full_at_any_byte() {
    let raw = data::text(4000);
    for threads in [1, 2] {
        let options = EncodeOptions::new().block_len(700).index(true).threads(threads);
        let whole = ranstream::compress(&raw, &options).unwrap().len();
        let mut flushed_len = 0;
        for room in (0..whole + 200).step_by(if threads == 1 { 1 } else { 37 }) {
            let mut writer = RansWriter::with_options(Disk { bytes: Vec::new(), room }, options.clone());
            let mut safe = 0;
            let result = raw.chunks(500).try_for_each(|part| {
                writer.write_all(part)?;
                writer.flush()?;
                safe += part.len();
                Ok(())
            });
            let result = result.and_then(|()| writer.try_finish());
            let finished = result.map_err(|error: io::Error| assert_eq!(error.kind(), ErrorKind::StorageFull)).is_ok();
            // What is full stays full, and every later call says so again.
            assert!(finished || writer.flush().is_err_and(|error| error.kind() == ErrorKind::StorageFull));
            let stream = writer.into_inner().bytes;
            let mut back = Vec::new();
            let read = RansReader::new(&stream[..]).read_to_end(&mut back);
            assert_eq!(read.is_ok(), finished, "room for {room} bytes");
            assert!(raw.starts_with(&back) && back.len() >= safe, "{} bytes of {safe} flushed ones", back.len());
            flushed_len = flushed_len.max(if finished { 0 } else { safe });
        }
        assert!(flushed_len >= 3500, "{flushed_len} bytes were flushed at most before the disk was full");
    }
}

/// The device that is always full, where there is one.
#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_reported() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut random = StdRng::seed_from_u64(1);
    let mut raw = vec![0; 100_000];
    random.fill_bytes(&mut raw);
    let mut writer = RansWriter::new(full);
    let error = writer.write_all(&raw).and_then(|()| writer.flush()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert_eq!(writer.finish().unwrap_err().kind(), ErrorKind::StorageFull);
}
