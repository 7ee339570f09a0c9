//! What only the inside of a decoder shows.

use super::*;
use crate::parallel::Job;

#[cfg(feature = "rayon")]
#[test]
fn a_lost_worker_ends_the_stream_behind_the_blocks_before_it() {
    use crate::format::{BlockHeader, BlockMode};

    let stream = crate::compress(&[7; 300], &crate::EncodeOptions::new().block_len(100)).unwrap();
    for threads in [2, 0] {
        let mut decoder = Decoder::new(DecodeOptions::new().threads(threads).in_flight(3));
        let (mut raw, mut step) = (Vec::new(), [0; 50]);
        let (first, rest) = stream.split_at(8 + 13);
        assert_eq!(decoder.step(first, &mut [], Op::Run).unwrap().consumed, first.len());
        // Its payload is not there, which makes its worker panic.
        let header = BlockHeader::Data { mode: BlockMode::Fill, raw_len: 100, payload_len: 1 };
        let (body, resources) = (Vec::new(), Resources::new(None, None));
        let (number, offset, result) = (1, 21, Ok(()));
        decoder.jobs.submit(DecodeJob { header, body, raw: vec![0; 100], resources, number, offset, result });
        let error = loop {
            match decoder.step(rest, &mut step, Op::Run) {
                Ok(Step { produced, .. }) => raw.extend(&step[..produced]),
                Err(error) => break error,
            }
            decoder.wait();
        };
        assert_eq!((error, raw), (Error::WorkerLost { block: 1 }, vec![7; 100]));
        assert_eq!(decoder.step(rest, &mut step, Op::Run), Err(Error::WorkerLost { block: 1 }));
        decoder.reset();
        assert!(decoder.step(&stream, &mut step, Op::Finish).is_ok(), "it begins again");
    }
}

#[test]
fn a_device_gets_the_whole_block_and_no_more_room_than_it_fills() {
    let raw = [7, 8, 9].repeat(100);
    let mut coded = Vec::new();
    crate::block::encode(&raw, &crate::EncodeOptions::new(), &mut coded).unwrap();
    let header = crate::block::parse_data_header(&coded).unwrap();
    // Buffers that a larger block had before.
    let body = [&coded[HEADER_LEN..], &[1; 50]].concat();
    let (resources, number, offset, result) = (Resources::new(None, None), 0, 0, Ok(()));
    let mut job = DecodeJob { header, body, raw: vec![1; 999], resources, number, offset, result };
    let item = job.item().unwrap();
    assert_eq!(item.raw.len(), raw.len());
    let load = item.load();
    assert_eq!((load.raw_len, load.coded_len), (raw.len() as u64, coded.len() as u64));
}
