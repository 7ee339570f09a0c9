//! Counters, and the callbacks that see them.

use std::{
    io::{Read as _, Write as _},
    sync::{Arc, Mutex},
};

use ranstream::{
    DecodeOptions, EncodeOptions, Progress, RansReader, RansWriter, compress, copy_decode, copy_encode, decompress,
    format::BLOCK_OVERHEAD, read::RansEncoder, write::RansDecoder,
};

use crate::data;

const BLOCK_LEN: usize = 300;

/// What a callback was told, in order.
#[derive(Debug, Clone, Default)]
struct Seen(Arc<Mutex<Vec<Progress>>>);

impl Seen {
    fn callback(&self) -> impl Fn(&Progress) + Send + Sync + 'static {
        let seen = Arc::clone(&self.0);
        move |progress| seen.lock().unwrap().push(*progress)
    }

    /// Each block was told once, in order, with all bytes so far.
    fn check(&self, raw_len: usize, coded_len: usize) {
        let seen = self.0.lock().unwrap();
        assert_eq!(seen.len(), raw_len.div_ceil(BLOCK_LEN));
        for (number, progress) in seen.iter().enumerate() {
            assert_eq!(progress.blocks(), number as u64 + 1);
            assert_eq!(progress.raw_bytes(), raw_len.min((number + 1) * BLOCK_LEN) as u64);
            assert!(progress.coded_bytes() <= coded_len as u64);
        }
        assert!(seen.windows(2).all(|pair| pair[0].coded_bytes() <= pair[1].coded_bytes()));
    }
}

fn options(threads: usize, seen: &Seen) -> EncodeOptions {
    EncodeOptions::new().block_len(BLOCK_LEN).threads(threads).on_progress(seen.callback())
}

#[test]
fn every_encoder_tells_each_block_once() {
    let raw = data::text(2000);
    for threads in [1, 2] {
        let seen = Seen::default();
        let stream = compress(&raw, &options(threads, &seen)).unwrap();
        seen.check(raw.len(), stream.len());

        let seen = Seen::default();
        let mut writer = RansWriter::with_options(Vec::new(), options(threads, &seen));
        assert_eq!(*writer.progress(), Progress::default());
        raw.chunks(70).for_each(|part| writer.write_all(part).unwrap());
        writer.try_finish().unwrap();
        whole(*writer.progress(), raw.len(), stream.len());
        seen.check(raw.len(), stream.len());

        let seen = Seen::default();
        let mut reader = RansEncoder::with_options(&raw[..], options(threads, &seen));
        reader.read_to_end(&mut Vec::new()).unwrap();
        whole(*reader.progress(), raw.len(), stream.len());
        seen.check(raw.len(), stream.len());

        let seen = Seen::default();
        let progress = copy_encode(&raw[..], std::io::sink(), options(threads, &seen)).unwrap();
        whole(progress, raw.len(), stream.len());
        seen.check(raw.len(), stream.len());
    }
}

#[test]
fn every_decoder_tells_each_block_once() {
    let raw = data::text(2000);
    let stream = compress(&raw, &options(1, &Seen::default()).index(true).content_check(true)).unwrap();
    for threads in [1, 2] {
        let options = |seen: &Seen| DecodeOptions::new().threads(threads).on_progress(seen.callback());
        let seen = Seen::default();
        decompress(&stream, &options(&seen)).unwrap();
        seen.check(raw.len(), stream.len());

        let seen = Seen::default();
        let mut reader = RansReader::with_options(&stream[..], options(&seen));
        assert_eq!(*reader.progress(), Progress::default());
        reader.read_to_end(&mut Vec::new()).unwrap();
        whole(*reader.progress(), raw.len(), stream.len());
        seen.check(raw.len(), stream.len());

        let seen = Seen::default();
        let mut writer = RansDecoder::with_options(Vec::new(), options(&seen));
        stream.chunks(33).for_each(|part| writer.write_all(part).unwrap());
        writer.try_finish().unwrap();
        whole(*writer.progress(), raw.len(), stream.len());
        seen.check(raw.len(), stream.len());

        let seen = Seen::default();
        let progress = copy_decode(&stream[..], std::io::sink(), options(&seen)).unwrap();
        whole(progress, raw.len(), stream.len());
        seen.check(raw.len(), stream.len());
    }
}

fn whole(progress: Progress, raw_len: usize, coded_len: usize) {
    assert_eq!(progress.raw_bytes(), raw_len as u64);
    assert_eq!(progress.coded_bytes(), coded_len as u64);
    assert_eq!(progress.blocks(), raw_len.div_ceil(BLOCK_LEN) as u64);
    assert!((progress.ratio() - coded_len as f64 / raw_len as f64).abs() < 1e-12);
}

#[test]
fn counters_go_over_concatenated_streams() {
    let part = compress(&data::text(1000), &EncodeOptions::new().block_len(BLOCK_LEN)).unwrap();
    let stream = part.repeat(3);
    let mut reader = RansReader::new(&stream[..]);
    reader.read_to_end(&mut Vec::new()).unwrap();
    let progress = *reader.progress();
    assert_eq!((progress.raw_bytes(), progress.coded_bytes()), (3000, stream.len() as u64));
    assert_eq!(progress.blocks(), 3 * 4);
}

#[test]
fn bytes_behind_a_single_stream_are_not_counted() {
    let part = compress(&data::text(1000), &EncodeOptions::new()).unwrap();
    let stream = part.repeat(2);
    let mut reader = RansReader::with_options(&stream[..], DecodeOptions::new().single_stream(true));
    reader.read_to_end(&mut Vec::new()).unwrap();
    assert_eq!(reader.progress().coded_bytes(), part.len() as u64);
    assert_eq!(reader.get_ref().len(), part.len());
}

#[test]
fn application_data_counts_as_coded_bytes_only() {
    let mut writer = RansWriter::new(Vec::new());
    writer.write_application_data(1, b"data").unwrap();
    let progress = *writer.progress();
    assert_eq!((progress.raw_bytes(), progress.blocks()), (0, 0));
    assert_eq!(progress.coded_bytes(), (8 + BLOCK_OVERHEAD + 4) as u64);
    assert!((progress.ratio() - 1.0).abs() < f64::EPSILON, "there is no raw byte to compare with");
}
