//! Offsets beyond 4 GiB, in files that nobody has to store.

use std::io;

use ranstream::{
    EncodeOptions, block,
    format::{EndBlock, StreamHeader},
};
use ranstream_tensors::{Archive, ReadAt};

/// Elements of the first tensor, all zero: 5 GiB of bytes.
const ZEROS: u64 = 5 << 30;

fn header() -> Vec<u8> {
    let (a, b) = (ZEROS, ZEROS + 6);
    let json = format!(
        "{{\"zeros\":{{\"dtype\":\"U8\",\"shape\":[5,{}],\"data_offsets\":[0,{a}]}},\
         \"last\":{{\"dtype\":\"U8\",\"shape\":[6],\"data_offsets\":[{a},{b}]}}}}",
        1_u64 << 30
    );
    [&(json.len() as u64).to_le_bytes(), json.as_bytes()].concat()
}

/// A plain file: the header, zeros, six bytes.
struct Sparse(Vec<u8>);

impl ReadAt for Sparse {
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let last_at = self.0.len() as u64 + ZEROS;
        for (at, byte) in (offset..).zip(buf) {
            *byte = match at {
                at if at < self.0.len() as u64 => self.0[at as usize],
                at if at < last_at => 0,
                at if at < last_at + 6 => b"abcdef"[(at - last_at) as usize],
                _ => return Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64 + ZEROS + 6)
    }
}

/// The same as a stream: a block of 16 MiB zeros, again and again.
fn stream() -> Vec<u8> {
    let zeros_of_block = 16 << 20;
    let mut fill = Vec::new();
    block::encode(&vec![0; zeros_of_block], &EncodeOptions::new(), &mut fill).unwrap();
    let blocks = (ZEROS / zeros_of_block as u64) as usize;
    let (mut stream, mut checks) = (Vec::new(), Vec::new());
    StreamHeader { max_block_log2: 24, content_length: None, content_check: false, index: false }.write(&mut stream);
    let mut add = |stream: &mut Vec<u8>, block: &[u8]| {
        stream.extend(block);
        checks.extend(&block[block.len() - 4..]);
    };
    for part in [&header()[..], b"abcdef"] {
        let mut block = Vec::new();
        block::encode(part, &EncodeOptions::new(), &mut block).unwrap();
        if part == b"abcdef" {
            (0..blocks).for_each(|_| add(&mut stream, &fill));
        }
        add(&mut stream, &block);
    }
    let sequence_check = crc32c::crc32c(&checks);
    let raw_len = header().len() as u64 + ZEROS + 6;
    EndBlock { raw_len, blocks: blocks as u64 + 2, sequence_check, content_check: None }.write(&mut stream);
    stream
}

#[test]
fn tensors_behind_five_gigabytes() {
    let sources: [Box<dyn ReadAt>; 2] = [Box::new(Sparse(header())), Box::new(stream())];
    for source in sources {
        let archive = Archive::open(source).unwrap();
        assert_eq!(archive.len().unwrap(), header().len() as u64 + ZEROS + 6);
        let mut last = [0; 6];
        archive.tensor("last").unwrap().decode_into(&mut last).unwrap();
        assert_eq!(&last, b"abcdef");
        let mut end = [7; 100];
        archive.tensor("zeros").unwrap().bytes(ZEROS - 100..ZEROS).unwrap().decode_into(&mut end).unwrap();
        assert_eq!(end, [0; 100]);
        let mut around = Vec::new();
        let end = archive.len().unwrap();
        archive.copy_raw(end - 8..end, &mut around).unwrap();
        assert_eq!(around, b"\0\0abcdef");
    }
}
