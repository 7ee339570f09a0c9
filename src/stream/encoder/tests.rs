//! What stands between blocks, and what becomes of a lost worker.

use super::*;

/// Everything that is ready, and what comes of `op`.
fn drain(encoder: &mut Encoder, op: Op, stream: &mut Vec<u8>) -> Status {
    loop {
        let status = encoder.step(&[], &mut [], op).unwrap().status;
        if !matches!(status, Status::NeedsOutput { .. }) {
            return status;
        }
        stream.extend(encoder.ready());
        encoder.consume(encoder.ready().len());
    }
}

#[test]
fn blocks_that_were_coded_elsewhere_make_the_same_stream() {
    let raw: Vec<u8> = (0..100_000_u32).map(|at| (at.wrapping_mul(at) >> 9) as u8 / 3).collect();
    let options = EncodeOptions::new().block_len(30_000).content_check(true).index(true);
    let (mut encoder, mut stream) = (Encoder::new(options.clone()), Vec::new());
    for (number, chunk) in raw.chunks(30_000).enumerate() {
        let mut coded = Vec::new();
        block::encode(chunk, &options, &mut coded).unwrap();
        // What cannot be harms nothing.
        assert!(matches!(encoder.coded_block(&coded, &chunk[1..]), Err(Error::InvalidOption { .. })));
        assert!(matches!(encoder.coded_block(&coded[1..], chunk), Err(Error::Corrupt { .. })));
        assert_eq!(encoder.coded_block(&coded[..9], chunk), Err(Error::Truncated { offset: 9 }));
        let last = coded.len() - 1;
        let flipped = [&coded[..last], &[!coded[last]]].concat();
        assert!(matches!(encoder.coded_block(&flipped, chunk), Err(Error::Corrupt { .. })));
        if number == 2 {
            // The encoder codes what it is given between them.
            assert_eq!(encoder.step(chunk, &mut [], Op::Run).unwrap().consumed, chunk.len());
        } else {
            while !encoder.coded_block(&coded, chunk).unwrap() {
                drain(&mut encoder, Op::Flush, &mut stream);
            }
        }
        drain(&mut encoder, Op::Flush, &mut stream);
    }
    assert_eq!(drain(&mut encoder, Op::Finish, &mut stream), Status::Finished);
    assert!(stream == crate::compress(&raw, &options).unwrap());
    assert_eq!(encoder.coded_block(&stream, &raw), Err(Error::Finished));

    let mut encoder = Encoder::new(options.block_len(20_000).content_length(10));
    let (mut long, mut short) = (Vec::new(), Vec::new());
    block::encode(&raw[..20_001], &EncodeOptions::new(), &mut long).unwrap();
    block::encode(&raw[..11], &EncodeOptions::new(), &mut short).unwrap();
    assert!(matches!(encoder.coded_block(&long, &raw[..20_001]), Err(Error::InvalidOption { .. })));
    drain(&mut encoder, Op::Flush, &mut stream);
    let too_many = Error::ContentLength { declared: 10, actual: 11 };
    assert_eq!(encoder.coded_block(&short, &raw[..11]), Err(too_many));
}

#[cfg(feature = "rayon")]
#[test]
fn a_lost_worker_ends_the_stream_behind_the_blocks_before_it() {
    for threads in [2, 0] {
        let mut encoder = Encoder::new(EncodeOptions::new().block_len(100).threads(threads).in_flight(3));
        assert_eq!(encoder.step(&[7; 100], &mut [], Op::Run).unwrap().consumed, 100);
        // Its bytes are not there, which makes its worker panic.
        let (options, coded) = (encoder.block_options, Vec::new());
        encoder.jobs.submit(EncodeJob { raw: Vec::new(), len: 1, coded, options, base: None, appended: None });
        assert_eq!(encoder.step(&[7; 100], &mut [], Op::Run).unwrap().consumed, 100);
        let (mut stream, lost) = (Vec::<u8>::new(), Err(Error::WorkerLost { block: 1 }));
        while encoder.step(&[], &mut [], Op::Flush).is_ok() {
            stream.extend(encoder.ready());
            encoder.consume(encoder.ready().len());
            encoder.wait();
        }
        assert_eq!(stream.len(), 8 + 13, "the header and a fill block");
        assert_eq!(encoder.step(&[], &mut [], Op::Flush), lost);
        assert_eq!(encoder.step(&[], &mut [], Op::Finish), lost, "the stream gets no end");
        encoder.reset();
        assert_eq!(encoder.step(&[], &mut [0; 100], Op::Finish).unwrap().status, Status::Finished);
    }
}
